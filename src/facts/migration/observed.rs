//! What a running VMI's status says, and what stands behind it.
//!
//! virt-handler writes the condition LiveMigratable with the first reason it meets; "absent" counts as "no" for an eviction
//! (staging/src/kubevirt.io/api/core/v1/types.go, IsMigratable). Must not ask rules itself; it is handed what they found.

use super::super::World;
use super::super::look::{Looks, Mark};
use super::super::versions::applies;
use super::super::workload::Workload;
use super::{Migration, Verdict};
use crate::object::{Cause, Ground, Node};

/// The reason of a VMI that has a pod on a node and no condition; KubeVirt has no word for it.
pub const NOT_REPORTED: &str = "LiveMigratableNotReported";

const DISKS: &str = "DisksNotLiveMigratable";

/// The status first, then what was foreseen and does not contradict it.
pub fn with_status(workload: &Workload<'_>, world: &World<'_>, foreseen: Looks) -> Migration {
    let condition = workload.condition("LiveMigratable");
    let status = condition.and_then(|c| c.str_at(&["status"]));
    let mut looks = Looks::default();
    let verdict = match (condition, status) {
        (Some(condition), Some("True")) => {
            looks.pass("LiveMigratable", "KubeVirt says that it can move", vec![evidence(workload, condition)]);
            // What the rules foresaw was wrong, or has not come about yet.
            looks.extend(demoted(foreseen, |_| true));
            Verdict::Migratable
        }
        (Some(condition), Some("False")) => {
            looks = refused(workload, world, condition, foreseen);
            Verdict::NotMigratable
        }
        _ => {
            let cause = Cause {
                key: format!("{NOT_REPORTED}/Condition LiveMigratable"),
                text: "guests that are still starting count as ones that cannot move".to_owned(),
            };
            let phase = workload.phase();
            let text =
                format!("its pod is on a node and KubeVirt has not said yet whether it can move (phase {phase})");
            let absent = Ground::at(workload.object, &["status", "conditions"]);
            looks.obstacle(NOT_REPORTED, text, cause, vec![absent]);
            looks.extend(opens_demoted(foreseen));
            Verdict::NotMigratable
        }
    };
    Migration { verdict, predicted: false, looks }
}

/// False: the reason that KubeVirt gives, told in our words where the rules found the same, and what hides behind it.
fn refused(workload: &Workload<'_>, world: &World<'_>, condition: Node<'_>, foreseen: Looks) -> Looks {
    let reason = condition.str_at(&["reason"]).filter(|r| !r.is_empty()).unwrap_or("NotMigratable");
    let said = evidence(workload, condition);
    let mut foreseen = match reason == DISKS && applies("disks-judged-last", world.versions.kubevirt) {
        // Disks come last: with this reason nothing else stands in the way, whatever the rules thought.
        true => demoted(foreseen, |topic| topic != DISKS),
        false => foreseen,
    };
    let explained = foreseen.iter_mut().find(|l| l.mark == Mark::Obstacle && l.topic == reason);
    let mut looks = Looks::default();
    match explained {
        Some(look) => look.evidence.push(said),
        None => {
            let cause = Cause { key: format!("{reason}/Condition LiveMigratable"), text: clause(reason).to_owned() };
            let message = condition.str_at(&["message"]).unwrap_or_default();
            let text = if message.is_empty() { reason.to_owned() } else { format!("KubeVirt says: {message}") };
            looks.obstacle(reason.to_owned(), text, cause, vec![said]);
        }
    }
    looks.extend(opens_demoted(foreseen));
    looks
}

fn evidence<'t>(workload: &Workload<'t>, condition: Node<'t>) -> Ground {
    let status = condition.get("status").unwrap_or(condition);
    let text = [condition.str_at(&["reason"]), condition.str_at(&["message"])];
    let text: Vec<&str> = text.into_iter().flatten().filter(|t| !t.is_empty()).collect();
    let evidence = workload.evidence(status);
    if text.is_empty() { evidence } else { evidence.note(text.join(": ")) }
}

/// Obstacles that the status refutes, and all that is open, decide nothing.
fn demoted(looks: Looks, refuted: impl Fn(&str) -> bool) -> Looks {
    let mut looks = opens_demoted(looks);
    for look in looks.iter_mut() {
        if look.mark == Mark::Obstacle && refuted(&look.topic) {
            look.mark = Mark::Note;
            look.text = format!("{}; KubeVirt does not mind", look.text).into();
            look.evidence = std::mem::take(&mut look.evidence).into_iter().map(Ground::without_obstacle).collect();
        }
    }
    looks
}

fn opens_demoted(mut looks: Looks) -> Looks {
    for look in looks.iter_mut().filter(|l| l.mark == Mark::Open) {
        look.mark = Mark::Note;
        look.missing.clear();
    }
    looks
}

/// What a reason says about guests in general. `CPUModeLiveMigratable` is a reason why not; its name lacks a word.
fn clause(reason: &str) -> &'static str {
    match reason {
        DISKS => "volumes cannot be shared with another node",
        "InterfaceNotLiveMigratable" => "an interface on the pod network cannot move",
        "CPUModeLiveMigratable" => "the node does not report a CPU model that others could offer",
        "HostDeviceNotLiveMigratable" => "a host device stays with its node",
        "SEVNotLiveMigratable" => "memory encrypted with SEV cannot move",
        "TDXNotLiveMigratable" => "memory encrypted with TDX cannot move",
        "SecureExecutionNotLiveMigratable" => "memory encrypted with Secure Execution cannot move",
        "NoTSCFrequencyNotLiveMigratable" => "no TSC frequency is known that Hyper-V re-enlightenment needs",
        "HypervPassthroughNotLiveMigratable" => "Hyper-V passthrough ties a guest to the features of its node",
        "PersistentReservationNotLiveMigratable" => "SCSI persistent reservations cannot move",
        _ => "KubeVirt says that it cannot move",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{CPU, DISKS, Judged, TRUE, Test, verdict, vmi, with_machine};
    use super::*;

    #[test]
    fn a_running_guest_is_judged_by_its_status_first() {
        let strategy = "evictionStrategy: LiveMigrate, networks: [{name: default, pod: {}}], domain: {devices: {interfaces: [{name: default, masquerade: {}}]}}";
        let bridge = "evictionStrategy: LiveMigrate, networks: [{name: default, pod: {}}], domain: {devices: {interfaces: [{name: default, bridge: {}}]}}";
        let always = "runStrategy: Always, template: {spec: {}}";
        let golden = "volumes: [{name: root, persistentVolumeClaim: {claimName: golden}}]";
        for (name, judged, expected) in [
            ("True has the last word", vmi(&format!("{bridge}, {golden}"), TRUE), "Migratable Migrates"),
            (
                "False, told in our words",
                vmi(&format!("{strategy}, {golden}"), DISKS),
                "NotMigratable Refused | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class rbd",
            ),
            (
                "with disks as the reason nothing else stands in the way",
                vmi(&format!("{bridge}, {golden}"), DISKS),
                "NotMigratable Refused | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class rbd",
            ),
            (
                "CPUModeLiveMigratable is a reason why not, and disks hide behind it",
                vmi(&format!("{strategy}, {golden}"), CPU),
                "NotMigratable Refused | CPUModeLiveMigratable: KubeVirt says: no host model | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class rbd",
            ),
            (
                "a pod on a node and no condition",
                Judged::new(
                    "{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, metadata: {name: db, namespace: shop, ownerReferences: [{kind: VirtualMachine, name: db}]}, \
                     spec: {evictionStrategy: LiveMigrate, domain: {devices: {autoattachPodInterface: false}}}, status: {phase: Scheduling, activePods: {u1: w1}}}",
                ),
                "NotMigratable Refused | LiveMigratableNotReported: its pod is on a node and KubeVirt has not said yet whether it can move (phase Scheduling)",
            ),
            (
                "a hot-plugged claim is in the VMI only",
                vmi(
                    &format!(
                        "{strategy}, volumes: [{{name: hp, persistentVolumeClaim: {{claimName: golden, hotpluggable: true}}}}]"
                    ),
                    DISKS,
                ),
                "NotMigratable Refused | DisksNotLiveMigratable: volume hp is ReadWriteOnce on storage class rbd",
            ),
            (
                "a volume that is being moved",
                vmi(&format!("{strategy}, {golden}"), &format!("{TRUE}, migratedVolumes: [{{volumeName: root}}]")),
                "Migratable Migrates",
            ),
            ("External", vmi("evictionStrategy: External", TRUE), "Migratable Refused"),
            ("None", vmi("evictionStrategy: None", TRUE), "Migratable RestartsElsewhere"),
            (
                "LiveMigrateIfPossible that cannot",
                vmi(
                    &format!(
                        "evictionStrategy: LiveMigrateIfPossible, domain: {{devices: {{autoattachPodInterface: false}}}}, {golden}"
                    ),
                    DISKS,
                ),
                "NotMigratable RestartsElsewhere | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class rbd",
            ),
            (
                "it has ended",
                Judged::new(
                    "{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, metadata: {name: db, namespace: shop}, spec: {evictionStrategy: LiveMigrate, domain: {devices: {autoattachPodInterface: false}}}, status: {phase: Succeeded, nodeName: w1}}",
                ),
                "Migratable NotRunning",
            ),
        ] {
            assert_eq!(verdict(&judged, &with_machine(always)), expected, "{name}");
        }
    }

    #[test]
    fn the_status_of_volumes_stands_in_for_claims_that_were_not_seen() {
        let judged = vmi(
            "domain: {devices: {autoattachPodInterface: false}}, volumes: [{name: root, dataVolume: {name: root}}, {name: persistent-state-for-db, persistentVolumeClaim: {claimName: persistent-state-for-db}}]",
            &format!(
                "{CPU}, volumeStatus: [{{name: root, persistentVolumeClaimInfo: {{claimName: root, accessModes: [ReadWriteOnce]}}}}]"
            ),
        );
        let migration = Migration::of(judged.object(), &Test::new("", &[]).world()).unwrap();
        let texts: Vec<&str> = migration.obstacles().map(|o| &*o.text).collect();
        assert_eq!(texts, ["KubeVirt says: no host model", "volume root is ReadWriteOnce"]);
    }
}
