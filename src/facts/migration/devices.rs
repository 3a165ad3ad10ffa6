//! What of the host the guest holds on to: host devices and GPUs (kubevirt pkg/virt-handler/vm.go, isHostDevicesMigratable…)
//! and encrypted memory (pkg/util/amd64.go, s390x.go).

use super::super::look::Looks;
use super::super::versions::applies;
use super::predict::{Guest, Setting};
use crate::object::{Cause, Missing};

const HOST_DEVICE: &str = "HostDeviceNotLiveMigratable";

/// Host devices never move. A GPU does since KubeVirt 1.9 if it is the only one, a vGPU, and the gate is on.
pub fn host_devices(guest: &Guest<'_, '_>, looks: &mut Looks) {
    for device in list(guest, "hostDevices") {
        let text = format!("host device {} stays with its node", describe(&device));
        looks.obstacle(HOST_DEVICE, text, cause(&device), device.evidence);
    }
    let mut gpus = list(guest, "gpus");
    let may_migrate = gpus.len() == 1 && applies("vgpu-may-migrate", guest.kubevirt());
    match gpus.pop() {
        Some(gpu) if may_migrate => single_gpu(guest, gpu, looks),
        Some(last) => {
            for gpu in gpus.into_iter().chain([last]) {
                let text = format!("GPU {} stays with its node", describe(&gpu));
                looks.obstacle(HOST_DEVICE, text, cause(&gpu), gpu.evidence);
            }
        }
        None => {}
    }
}

fn single_gpu(guest: &Guest<'_, '_>, gpu: Setting<'_>, looks: &mut Looks) {
    let name = gpu.node.str_at(&["deviceName"]).unwrap_or_default();
    let mediated = guest.cluster.is_mediated(name).map(|(yes, _)| yes);
    let gate = guest.cluster.feature_gate("VGPULiveMigration").map(|(on, _)| on);
    let what = describe(&gpu);
    let why = match (mediated, gate) {
        (Ok(false), _) => "stays with its node, for it is no vGPU",
        (_, Ok(false)) => "moves only with the feature gate VGPULiveMigration, and that is off",
        (Ok(true), Ok(true)) => {
            return looks.pass(format!("GPU {what}"), "a vGPU, and VGPULiveMigration is on", gpu.evidence);
        }
        (Err(missing), _) | (_, Err(missing)) => {
            return looks.open(
                format!("GPU {what}"),
                "moves only if it is a vGPU and VGPULiveMigration is on",
                missing,
            );
        }
    };
    looks.obstacle(HOST_DEVICE, format!("GPU {what} {why}"), cause(&gpu), gpu.evidence);
}

/// The devices of the guest and of its instancetype; KubeVirt refuses a guest that has both.
fn list<'w>(guest: &Guest<'_, 'w>, field: &str) -> Vec<Setting<'w>> {
    let own = guest.workload.guest_list(&["domain", "devices", field]);
    let own = own
        .map(|node| Setting { node, evidence: vec![guest.workload.evidence(node.get("deviceName").unwrap_or(node))] });
    let matched = guest.instancetype.into_iter().flat_map(|i| {
        i.list(&[field]).map(move |node| Setting {
            node,
            ..guest.matched("instancetype", i, node.get("deviceName").unwrap_or(node))
        })
    });
    own.chain(matched).collect()
}

fn resource<'w>(device: &Setting<'w>) -> Option<&'w str> {
    device.node.str_at(&["deviceName"]).filter(|d| !d.is_empty())
}

fn describe(device: &Setting<'_>) -> String {
    let name = device.node.str_at(&["name"]).unwrap_or("without a name");
    match resource(device) {
        Some(resource) => format!("{name} ({resource})"),
        None => name.to_owned(),
    }
}

fn cause(device: &Setting<'_>) -> Cause {
    let resource = resource(device).unwrap_or("of a resource claim");
    let text = format!("host device {resource} stays with its node");
    Cause { key: format!("{HOST_DEVICE}/HostDevice {resource}"), text }
}

/// Encrypted memory does not move. SEV-SNP and TDX are judged since KubeVirt 1.7, Secure Execution since 1.6.
pub fn launch_security(guest: &Guest<'_, '_>, looks: &mut Looks) {
    let own = guest.own(&["domain", "launchSecurity"]);
    let Some(security) = own
        .or_else(|| guest.of_instancetype(&["launchSecurity"]))
        .or_else(|| guest.of_preference(&["preferredLaunchSecurity"]))
    else {
        return;
    };
    let has = |key: &str| security.node.get(key).is_some_and(|n| !n.is_null());
    let version = guest.kubevirt();
    let obstacle = |looks: &mut Looks, reason: &'static str, technology: &str| {
        let text = format!("its memory is encrypted with {technology}");
        let cause = Cause {
            key: format!("{reason}/LaunchSecurity {technology}"),
            text: format!("memory encrypted with {technology} cannot move"),
        };
        looks.obstacle(reason, text, cause, security.evidence.clone());
    };
    if has("sev") && applies("sev-judged", version) {
        return obstacle(looks, "SEVNotLiveMigratable", "SEV");
    }
    if has("snp") && applies("tdx-judged", version) {
        return obstacle(looks, "SEVNotLiveMigratable", "SEV-SNP");
    }
    if has("tdx") && applies("tdx-judged", version) {
        return obstacle(looks, "TDXNotLiveMigratable", "TDX");
    }
    if has("snp") || has("tdx") {
        let text = "this KubeVirt does not judge it; the guest may fail to move all the same";
        return looks.note("launch security", text, security.evidence.clone());
    }
    if !applies("secure-execution-judged", version) {
        return;
    }
    match guest.architecture() {
        Some("s390x") => obstacle(looks, "SecureExecutionNotLiveMigratable", "Secure Execution"),
        Some(_) => looks.pass("launch security", "names no technology", security.evidence.clone()),
        None => {
            let missing = Missing::not_reported("spec.template.spec.architecture");
            looks.open("launch security", "on s390x it is Secure Execution, which cannot move", missing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{CLUSTER, Test, verdict, vm};

    /// Verdict on KubeVirt 1.9, for these GPUs, with a vGPU permitted and the gate as given.
    fn with_gpus(gpus: &str, gates: &str) -> String {
        let permitted = "permittedHostDevices: {mediatedDevices: [{mdevNameSelector: a, resourceName: nvidia.com/A2}]}";
        let cluster = CLUSTER.replace(
            "configuration:\n",
            &format!("configuration:\n    {permitted}\n    developerConfiguration: {{featureGates: [{gates}]}}\n"),
        );
        let judged = vm("runStrategy: Always", &format!("domain: {{devices: {{gpus: [{gpus}]}}}}"));
        verdict(&judged, &Test::new(&cluster, &["all"]).kubevirt("1.9"))
    }

    #[test]
    fn a_single_vgpu_moves_behind_its_gate() {
        let no = "NotMigratable Refused | HostDeviceNotLiveMigratable: GPU";
        let vgpu = "{name: g, deviceName: nvidia.com/A2}";
        for (gpus, gates, expected) in [
            (vgpu.to_owned(), "VGPULiveMigration", "Migratable Migrates".to_owned()),
            (
                vgpu.to_owned(),
                "",
                format!("{no} g (nvidia.com/A2) moves only with the feature gate VGPULiveMigration, and that is off"),
            ),
            (
                format!("{vgpu}, {{name: h, deviceName: nvidia.com/A2}}"),
                "VGPULiveMigration",
                format!(
                    "{no} g (nvidia.com/A2) stays with its node | HostDeviceNotLiveMigratable: GPU h (nvidia.com/A2) stays with its node"
                ),
            ),
            (
                "{name: g, claimName: c, requestName: r}".to_owned(),
                "VGPULiveMigration",
                format!("{no} g stays with its node, for it is no vGPU"),
            ),
        ] {
            assert_eq!(with_gpus(&gpus, gates), expected, "{gpus} {gates}");
        }
    }

    #[test]
    fn without_a_configuration_a_vgpu_is_open() {
        let judged = vm(
            "runStrategy: Always",
            "evictionStrategy: LiveMigrate, domain: {devices: {autoattachPodInterface: false, gpus: [{name: g, deviceName: nvidia.com/A2}]}}",
        );
        assert_eq!(
            verdict(&judged, &Test::new("", &[]).kubevirt("1.9")),
            "Unknown Unknown | missing KubeVirt (not collected)"
        );
    }
}
