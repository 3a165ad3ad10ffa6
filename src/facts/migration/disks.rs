//! Volumes and disks (kubevirt pkg/virt-handler/vm.go, checkVolumesForMigration; pkg/storage/reservation/pr.go).
//!
//! Claims have to be ReadWriteMany, whatever they are attached as. What has no claim is copied and stands in nobody's way.

use super::super::look::Looks;
use super::super::storage::{AccessModes, Claims};
use super::super::versions::applies;
use super::super::workload::MOST;
use super::predict::Guest;
use crate::object::{Cause, Ground, Node};

const DISKS: &str = "DisksNotLiveMigratable";

/// Claims that KubeVirt keeps for the state of a TPM or of EFI. A ReadWriteOnce one moves by a second claim since 1.4
/// (pkg/storage/backend-storage/backend-storage.go), so they are never judged here.
const BACKEND_STORAGE: &str = "persistent-state-for-";

/// Judges every volume.
pub fn volumes(guest: &Guest<'_, '_>, looks: &mut Looks) {
    let preferred_class = guest.of_preference(&["volumes", "preferredStorageClassName"]).and_then(|s| s.node.as_str());
    let claims = Claims::of(guest.workload, guest.world, preferred_class);
    for volume in guest.workload.guest_list(&["volumes"]) {
        let name = volume.str_at(&["name"]).unwrap_or_default();
        let named = |keys: &[&str]| volume.at(keys).filter(|n| !n.is_null());
        let claim = named(&["dataVolume", "name"]).or(named(&["persistentVolumeClaim", "claimName"]));
        if name.starts_with(BACKEND_STORAGE) {
            continue;
        } else if let Some(claim) = claim {
            of_claim(guest, &claims, name, claim, looks);
        } else if let Some(disk) = volume.get("hostDisk") {
            host_disk(guest, name, disk, looks);
        } else if let Some(claim) = named(&["ephemeral", "persistentVolumeClaim", "claimName"]) {
            ephemeral(guest, &claims, name, claim, looks);
        } else {
            copied(guest, name, volume, looks);
        }
    }
}

fn of_claim<'w>(guest: &Guest<'_, 'w>, claims: &Claims<'_, 'w>, name: &str, claim: Node<'w>, looks: &mut Looks) {
    let own = guest.workload.evidence(claim);
    let topic = format!("volume {name}");
    let mut moving = guest.workload.object.root.list_at(&["status", "migratedVolumes"]).take(MOST);
    if let Some(volume) = moving.find(|v| v.str_at(&["volumeName"]) == Some(name)) {
        let text = "is being moved to another claim right now; look again afterwards";
        return looks.pass(topic, text, vec![guest.workload.evidence(volume), own]);
    }
    match claims.access_modes(claim.as_str().unwrap_or_default()) {
        Err(missing) => looks.open(topic, "its access modes decide", missing),
        Ok(modes) if modes.is_shared() => {
            let text = format!("accessModes {}{}", modes.text(), on_class(&modes));
            let evidence = ordered(guest, own, &modes);
            looks.pass(topic, text, evidence);
            // Shared by its access modes, and yet on one node: KubeVirt says that it can move, and no other node will take it.
            if let Some(local) = claims.node_local(claim.as_str().unwrap_or_default(), || modes.class) {
                let text = "is ReadWriteMany and yet on one node; no other node will take the guest";
                looks.note(format!("volume {name}"), text, vec![local]);
            }
        }
        Ok(modes) => {
            let text = format!("volume {name} is {}{}", modes.text(), on_class(&modes));
            looks.obstacle(DISKS, text, cause(&modes), unshared(ordered(guest, own, &modes), name));
        }
    }
}

/// The decisive place first, if it is in the judged object; else the reference to the claim.
fn ordered(guest: &Guest<'_, '_>, own: Ground, modes: &AccessModes<'_>) -> Vec<Ground> {
    match modes.evidence.first() {
        Some(first) if first.object().is_same(guest.workload.object) => {
            modes.evidence.iter().cloned().chain([own]).collect()
        }
        _ => [own].into_iter().chain(modes.evidence.iter().cloned()).collect(),
    }
}

fn unshared(evidence: Vec<Ground>, name: &str) -> Vec<Ground> {
    let note = format!("volume {name} cannot be shared with the node that the guest would move to");
    let mut evidence = evidence.into_iter();
    evidence.next().map(|first| first.note(note)).into_iter().chain(evidence).collect()
}

fn on_class(modes: &AccessModes<'_>) -> String {
    let class = modes.class.map(|c| format!(" on storage class {c}")).unwrap_or_default();
    let because = modes.because.as_deref().map(|b| format!(" ({b})")).unwrap_or_default();
    format!("{class}{because}")
}

fn cause(modes: &AccessModes<'_>) -> Cause {
    match modes.class {
        Some(class) => Cause {
            key: format!("{DISKS}/StorageClass {class}"),
            text: format!("volumes of storage class {class} are not ReadWriteMany"),
        },
        None => Cause {
            key: format!("{DISKS}/AccessModes {}", modes.text()),
            text: "volumes are not ReadWriteMany".to_owned(),
        },
    }
}

fn host_disk<'w>(guest: &Guest<'_, 'w>, name: &str, disk: Node<'w>, looks: &mut Looks) {
    let own = guest.workload.evidence(disk.get("shared").or(disk.get("path")).unwrap_or(disk));
    if disk.bool_at(&["shared"]) == Some(true) {
        return looks.pass(format!("volume {name}"), "a hostDisk that is declared shared", vec![own]);
    }
    let cause = Cause {
        key: format!("{DISKS}/Volume hostDisk"),
        text: "a hostDisk that is not shared stays with its node".to_owned(),
    };
    looks.obstacle(DISKS, format!("volume {name} is a hostDisk that is not shared"), cause, unshared(vec![own], name));
}

/// KubeVirt never looks at the claim below an ephemeral volume, but the pod on the other node mounts it.
fn ephemeral<'w>(guest: &Guest<'_, 'w>, claims: &Claims<'_, 'w>, name: &str, claim: Node<'w>, looks: &mut Looks) {
    let own = guest.workload.evidence(claim);
    let topic = format!("volume {name}");
    match claims.access_modes(claim.as_str().unwrap_or_default()) {
        Ok(modes) if !modes.is_shared() && modes.modes != ["ReadOnlyMany"] => {
            let text = format!(
                "ephemeral over a {} claim: KubeVirt tries to move it, and another node cannot mount it",
                modes.text()
            );
            looks.note(topic, text, [own].into_iter().chain(modes.evidence).collect());
        }
        Ok(_) => looks.pass(topic, "ephemeral over a claim that several nodes can mount", vec![own]),
        Err(_) => looks.note(topic, "ephemeral; moves if another node can mount the claim below it", vec![own]),
    }
}

fn copied<'w>(guest: &Guest<'_, 'w>, name: &str, volume: Node<'w>, looks: &mut Looks) {
    let mut kinds = volume.entries().map(|(key, _)| key).filter(|key| *key != "name");
    let kind = kinds.next().unwrap_or("no source");
    let text = match kind {
        "emptyDisk" | "containerDisk" => format!("{kind}, copied with the guest"),
        _ => kind.to_owned(),
    };
    looks.pass(format!("volume {name}"), text, vec![guest.workload.evidence(volume)]);
}

/// SCSI persistent reservations kept a guest from moving until KubeVirt 1.9.
pub fn reservations(guest: &Guest<'_, '_>, looks: &mut Looks) {
    if !applies("persistent-reservation-judged", guest.kubevirt()) {
        return;
    }
    for disk in guest.workload.guest_list(&["domain", "devices", "disks"]) {
        let Some(reservation) = disk.at(&["lun", "reservation"]).filter(|r| r.as_bool() == Some(true)) else {
            continue;
        };
        let reason = "PersistentReservationNotLiveMigratable";
        let name = disk.str_at(&["name"]).unwrap_or_default();
        let cause = Cause {
            key: format!("{reason}/Disk reservation"),
            text: "SCSI persistent reservations cannot move".to_owned(),
        };
        let text = format!("disk {name} holds a SCSI persistent reservation");
        looks.obstacle(reason, text, cause, vec![guest.workload.evidence(reservation)]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::look::Mark;
    use super::super::super::testing::{CLUSTER, Test, cluster, verdict, vm, vmi};
    use super::super::Migration;

    #[test]
    fn what_is_worth_a_note() {
        let local = format!(
            "{CLUSTER}\n---\n{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: rwx-local, namespace: shop}}, spec: {{accessModes: [ReadWriteMany], storageClassName: hpp}}}}"
        );
        for (volume, expected) in [
            (
                "ephemeral: {persistentVolumeClaim: {claimName: golden}}",
                "ephemeral over a ReadWriteOnce claim: KubeVirt tries to move it, and another node cannot mount it",
            ),
            ("ephemeral: {persistentVolumeClaim: {claimName: iso}}", ""),
            ("ephemeral: {persistentVolumeClaim: {claimName: shared}}", ""),
            (
                "persistentVolumeClaim: {claimName: rwx-local}",
                "is ReadWriteMany and yet on one node; no other node will take the guest",
            ),
        ] {
            let judged = vm(
                "running: true",
                &format!("volumes: [{{name: root, {volume}}}], domain: {{cpu: {{model: host-passthrough}}}}"),
            );
            let test = Test::new(&local, &["all"]);
            let migration = Migration::of(judged.object(), &test.world()).unwrap();
            let notes: Vec<&str> = migration.looks.of(Mark::Note).map(|l| &*l.text).collect();
            assert_eq!(notes.join("; "), expected, "{volume}");
        }
    }

    #[test]
    fn the_state_of_a_tpm_moves_by_itself() {
        let judged = vmi(
            "evictionStrategy: LiveMigrate, domain: {devices: {autoattachPodInterface: false}}, volumes: [{name: persistent-state-for-db, persistentVolumeClaim: {claimName: golden}}]",
            "conditions: [{type: LiveMigratable, status: 'False', reason: CPUModeLiveMigratable, message: none}]",
        );
        assert_eq!(verdict(&judged, &cluster()), "NotMigratable Refused | CPUModeLiveMigratable: KubeVirt says: none");
    }
}
