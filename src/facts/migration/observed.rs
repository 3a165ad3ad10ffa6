//! What a running VMI's status says, and what stands behind it.
//!
//! virt-handler writes the condition LiveMigratable with the first reason it meets; "absent" counts as "no" for an eviction
//! (staging/src/kubevirt.io/api/core/v1/types.go, IsMigratable). Must not ask rules itself; it is handed what they found.

use super::super::World;
use super::super::look::{Looks, Mark};
use super::super::versions::applies;
use super::super::workload::Workload;
use super::{Migration, Verdict};
use crate::object::{Cause, Evidence, Node};

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
            let absent = Evidence::at(workload.object, &["status", "conditions"]);
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
            looks.obstacle(reason, text, cause, vec![said]);
        }
    }
    looks.extend(opens_demoted(foreseen));
    looks
}

fn evidence<'t>(workload: &Workload<'t>, condition: Node<'t>) -> Evidence {
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
            look.text = format!("{}; KubeVirt does not mind", look.text);
            for evidence in &mut look.evidence {
                evidence.reason = None;
                evidence.cause = None;
            }
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
