//! `virt-guard.io/ignore` on an object: which policies its owner wants to be silent about it, and why.

use crate::object::Object;

/// The annotation. One `<policy>: <reason>` a line; one without a reason does not count.
pub const IGNORE: &str = "virt-guard.io/ignore";

/// Why an object ignores a policy; `None` when it does not.
pub fn ignored<'o>(object: Object<'o>, policy: &str) -> Option<&'o str> {
    let lines = object.annotation(IGNORE)?.lines();
    let mut entries = lines.filter_map(|line| line.split_once(':'));
    entries.find(|(id, _)| id.trim() == policy).map(|(_, reason)| reason.trim()).filter(|reason| !reason.is_empty())
}
