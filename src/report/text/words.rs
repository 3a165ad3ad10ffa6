//! How objects are called.

use crate::finding::Finding;
use crate::object::ObjectRef;
use crate::report::style::count;

/// The kind as people say it, where that is shorter.
pub(super) fn kind(object: &ObjectRef) -> &str {
    match object.kind.as_str() {
        "VirtualMachine" => "VM",
        "VirtualMachineInstance" => "VMI",
        "ClusterServiceVersion" => "CSV",
        other => other,
    }
}

/// `VM shop/db-0`.
pub(super) fn name(object: &ObjectRef) -> String {
    format!("{} {}", kind(object), object.qualified_name())
}

/// `3 VMIs`; `3 objects` when they are of several kinds.
pub(super) fn count_of<'a>(objects: impl Iterator<Item = &'a ObjectRef>) -> String {
    let mut kinds: Vec<&ObjectRef> = objects.collect();
    let n = kinds.len();
    kinds.dedup_by_key(|o| &o.kind);
    match kinds.as_slice() {
        // `3 StorageClasses`, `2 KubeVirts`, `2 VMs`
        [one] if one.kind.ends_with('s') => format!("{n} {}{}", kind(one), if n == 1 { "" } else { "es" }),
        [one] => count(n, kind(one)),
        _ => count(n, "object"),
    }
}

/// The field that decided and what stands there; with its object, when that is not the subject.
pub(super) fn field(finding: &Finding) -> Option<String> {
    let field = finding.field.as_ref()?;
    let own = field.object == finding.subject.object;
    Some(if own { field.to_string() } else { format!("{}: {field}", name(&field.object)) })
}
