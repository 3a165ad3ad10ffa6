//! What a VirtualMachine's instancetype and preference bring to its guest.
//!
//! Knows where their content stands and that it is frozen: a VM keeps the revision it was made with, so editing an
//! instancetype changes no VM (kubevirt pkg/instancetype/find/revision.go). Must not know migration. Neither can set
//! evictionStrategy or runStrategy (staging/src/kubevirt.io/api/instancetype/v1beta1/types.go).

use super::lookup::{Seen, named};
use super::workload::Workload;
use super::{CLUSTER_INSTANCETYPE, CLUSTER_PREFERENCE, CONTROLLER_REVISION, INSTANCETYPE, PREFERENCE, World};
use crate::inventory::Kind;
use crate::object::{Ground, Missing, Node, Object};

/// The spec of an instancetype or a preference, in whichever object it stands.
#[derive(Clone, Copy, Debug)]
pub struct Matched<'w> {
    /// The instancetype or preference itself, or the ControllerRevision that keeps it.
    pub object: Object<'w>,
    spec: Node<'w>,
}

impl<'w> Matched<'w> {
    /// What stands in its spec.
    pub fn at(&self, keys: &[&str]) -> Option<Node<'w>> {
        self.spec.at(keys).filter(|n| !n.is_null())
    }

    /// The elements of a list in its spec.
    pub fn list(&self, keys: &[&str]) -> impl Iterator<Item = Node<'w>> + use<'w> {
        self.at(keys).into_iter().flat_map(Node::elements)
    }

    /// Evidence of a node of it.
    pub fn evidence(&self, node: Node<'w>) -> Ground {
        Ground::of(self.object, node)
    }
}

/// What differs between the two.
struct Matcher {
    field: &'static str,
    status: &'static str,
    word: &'static str,
    namespaced: Kind,
    cluster: Kind,
}

const INSTANCETYPES: Matcher = Matcher {
    field: "instancetype",
    status: "instancetypeRef",
    word: "instancetype",
    namespaced: INSTANCETYPE,
    cluster: CLUSTER_INSTANCETYPE,
};

const PREFERENCES: Matcher = Matcher {
    field: "preference",
    status: "preferenceRef",
    word: "preference",
    namespaced: PREFERENCE,
    cluster: CLUSTER_PREFERENCE,
};

/// The instancetype of a VirtualMachine or pool; `None` where it has none.
pub fn instancetype<'w>(workload: &Workload<'w>, world: &World<'w>) -> Seen<Option<Matched<'w>>> {
    find(&INSTANCETYPES, workload, world)
}

/// The preference of a VirtualMachine or pool; `None` where it has none.
pub fn preference<'w>(workload: &Workload<'w>, world: &World<'w>) -> Seen<Option<Matched<'w>>> {
    find(&PREFERENCES, workload, world)
}

/// The pinned revision, else the one that status names for this very name, else the live object.
fn find<'w>(m: &Matcher, workload: &Workload<'w>, world: &World<'w>) -> Seen<Option<Matched<'w>>> {
    let Some(matcher) = workload.machine(&[m.field]) else { return Ok(None) };
    let text = |key: &str| matcher.str_at(&[key]).filter(|s| !s.is_empty());
    let namespace = workload.object.namespace();
    if let Some(revision) = text("revisionName") {
        let found = world.find(CONTROLLER_REVISION, namespace, revision)?;
        return found.and_then(revision_spec).map(Some).ok_or_else(|| gone(CONTROLLER_REVISION, namespace, revision));
    }
    let Some(name) = text("name") else {
        return Err(Missing::not_reported(format!("the {} that KubeVirt infers from a volume", m.word)));
    };
    let status = workload.object.root.str_at(&["status", m.status, "controllerRevisionRef", "name"]);
    if let Some(revision) = status.filter(|r| !r.is_empty())
        && let Some(found) = world.find(CONTROLLER_REVISION, namespace, revision)?
        && found.label("instancetype.kubevirt.io/object-name") == Some(name)
        && let Some(spec) = revision_spec(found)
    {
        return Ok(Some(spec));
    }
    let kind = kind(m, text("kind").unwrap_or_default());
    let live = world.find(kind, namespace, name)?.ok_or_else(|| gone(kind, namespace, name))?;
    // An object without a spec brings nothing.
    Ok(live.at(&["spec"]).map(|spec| Matched { object: live, spec }))
}

/// Kinds are compared without regard to case, and none means the cluster-wide one (pkg/instancetype/find/spec.go).
fn kind(m: &Matcher, written: &str) -> Kind {
    let plain = written.eq_ignore_ascii_case(m.namespaced.kind) || written.eq_ignore_ascii_case(m.namespaced.plural);
    if plain { m.namespaced } else { m.cluster }
}

/// A revision keeps the whole object below `data`.
fn revision_spec(revision: Object<'_>) -> Option<Matched<'_>> {
    let spec = revision.at(&["data", "spec"])?;
    Some(Matched { object: revision, spec })
}

fn gone(kind: Kind, namespace: Option<&str>, name: &str) -> Missing {
    Missing::does_not_exist(named(kind, namespace, name))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CLUSTER, Judged, Test, verdict};

    /// The same VM with a status that names the revision `old-u1`, which is of an instancetype u1.
    fn with_status(instancetype: &str) -> String {
        let judged = Judged::new(&format!(
            "{{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {{name: db, namespace: shop}}, \
             spec: {{runStrategy: Always, instancetype: {{{instancetype}}}, template: {{spec: {{domain: {{}}}}}}}}, \
             status: {{instancetypeRef: {{controllerRevisionRef: {{name: old-u1}}}}}}}}"
        ));
        let u2 = "{apiVersion: instancetype.kubevirt.io/v1beta1, kind: VirtualMachineClusterInstancetype, metadata: {name: u2}, spec: {}}";
        let own = "{apiVersion: instancetype.kubevirt.io/v1beta1, kind: VirtualMachineInstancetype, metadata: {name: u3, namespace: shop}, spec: {gpus: [{name: a}]}}";
        verdict(&judged, &Test::new(&format!("{CLUSTER}\n---\n{u2}\n---\n{own}"), &["all"]).kubevirt("1.6"))
    }

    #[test]
    fn which_content_counts() {
        let old =
            "NotMigratable Refused | HostDeviceNotLiveMigratable: host device nic (vendor.com/nic) stays with its node";
        for (name, instancetype, expected) in [
            ("the revision in status", "name: u1", old),
            ("not the revision of another name", "name: u2", "Migratable Migrates"),
            ("the pinned revision", "name: u2, revisionName: old-u1", old),
            (
                "a namespace's own",
                "name: u3, kind: VirtualMachineInstancetype",
                "NotMigratable Refused | HostDeviceNotLiveMigratable: GPU a stays with its node",
            ),
            (
                "none of that name",
                "name: u9",
                "Unknown Unknown | missing VirtualMachineClusterInstancetype u9 (does not exist)",
            ),
            (
                "none of that revision",
                "name: u1, revisionName: r9",
                "Unknown Unknown | missing ControllerRevision shop/r9 (does not exist)",
            ),
            (
                "inferred by KubeVirt's webhook, which has not seen it",
                "inferFromVolume: root",
                "Unknown Unknown | missing the instancetype that KubeVirt infers from a volume (not reported yet)",
            ),
        ] {
            assert_eq!(with_status(instancetype), expected, "{name}");
        }
    }
}
