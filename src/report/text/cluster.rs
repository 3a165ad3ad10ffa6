//! The report on a cluster, by the stages of its upgrade.

use crate::finding::Assessment;
use crate::report::Style;

/// The report on a cluster: first whether it is ready, then each stage, then each cause with its objects and its fix.
pub fn cluster(assessment: &Assessment, style: &Style) -> String {
    let _ = (assessment, style);
    String::new()
}
