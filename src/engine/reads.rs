//! What policies read besides the object that they judge.

use std::collections::BTreeSet;

use crate::facts::{self, SCHEMA};
use crate::inventory::Kind;
use crate::policy::Policy;

/// Kinds that these policies' facts read besides the judged object: what an inventory has to hold, what an account has to
/// be allowed to read, what a dump has to collect. Empty for portable policies.
///
/// Whoever reads facts reads versions: what KubeVirt concludes hangs on which KubeVirt it is.
pub fn kinds_read<'p>(policies: impl IntoIterator<Item = &'p Policy>) -> BTreeSet<Kind> {
    let mut kinds = BTreeSet::new();
    for policy in policies {
        let used = SCHEMA.iter().filter(|fact| policy.facts.contains(fact.name));
        kinds.extend(used.flat_map(|fact| fact.reads));
        if !policy.facts.is_empty() {
            kinds.extend(facts::versions::SCHEMA.reads);
        }
        if policy.reads_namespaces() {
            kinds.insert(facts::NAMESPACE);
        }
    }
    kinds
}
