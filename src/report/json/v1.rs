//! `apiVersion: virt-guard.io/v1, kind: Report`, as `schema/report.v1.json` describes it.

use serde::Serialize;

use crate::finding::Assessment;

/// The report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `virt-guard.io/v1`
    pub api_version: &'static str,
    /// `Report`
    pub kind: &'static str,
}

/// The report as a value to serialize.
pub fn report(_assessment: &Assessment) -> Report {
    Report { api_version: "virt-guard.io/v1", kind: "Report" }
}

/// The report as indented JSON that ends in a newline.
pub fn render(assessment: &Assessment) -> String {
    // Strings, numbers, lists and maps with string keys: writing them cannot fail.
    let mut text = serde_json::to_string_pretty(&report(assessment)).unwrap_or_default();
    text.push('\n');
    text
}
