//! CPU and Hyper-V: host-model, re-enlightenment without a TSC frequency, hypervPassthrough
//! (kubevirt pkg/virt-handler/vm.go, calculateLiveMigrationCondition; pkg/virt-controller/watch/topology/tsc.go).

use super::super::NODE;
use super::super::look::Looks;
use super::super::versions::applies;
use super::predict::{Guest, Setting};
use crate::object::{Cause, Ground, Object};

const NO_TSC: &str = "NoTSCFrequencyNotLiveMigratable";
const TSC_LABEL: &str = "cpu-timer.node.kubevirt.io/tsc-frequency";
const HOST_MODEL_LABEL: &str = "host-model-cpu.node.kubevirt.io/";

/// A guest with host-model moves only from a node that reports its CPU model; which node that will be nobody knows before
/// it runs, so this is never more than a note.
pub fn cpu_model(guest: &Guest<'_, '_>, looks: &mut Looks) {
    let keys = ["domain", "cpu", "model"];
    let set = guest.own(&keys).or_else(|| guest.of_instancetype(&["cpu", "model"]));
    let configured = guest.cluster.configuration(&["cpuModel"]);
    let (model, evidence) = match (&set, configured) {
        (Some(set), _) => (set.node.as_str(), set.evidence.clone()),
        (None, Some((kubevirt, node))) => (node.as_str(), vec![Ground::of(kubevirt, node)]),
        // Nothing else is the default anywhere but on arm64 (pkg/defaults/arm64.go).
        (None, None) if guest.architecture() == Some("arm64") => return,
        (None, None) => (Some("host-model"), vec![guest.workload.guest_evidence(&keys)]),
    };
    if model != Some("host-model") {
        return;
    }
    let reports = |n: Object<'_>| {
        n.at(&["metadata", "labels"]).is_some_and(|l| l.entries().any(|(key, _)| key.starts_with(HOST_MODEL_LABEL)))
    };
    let its_own = guest.workload.node().map(|name| (name, guest.world.find(NODE, None, name)));
    let text = match its_own {
        Some((name, Ok(Some(node)))) if reports(node) => format!("its node {name} reports its CPU model"),
        Some((name, Ok(Some(_)))) => format!("its node {name} reports no CPU model, and from there it does not move"),
        _ => "moves only from a node that reports its CPU model".to_owned(),
    };
    looks.note("cpu model host-model", text, evidence);
}

/// Guests that run Hyper-V's re-enlightenment need the TSC frequency of the node they come from.
pub fn reenlightenment(guest: &Guest<'_, '_>, looks: &mut Looks) {
    let Some(setting) = reenlightenment_setting(guest) else { return };
    let frequency = |keys: &[&str]| guest.workload.object.root.int_at(keys).filter(|hz| *hz > 0);
    if frequency(&["status", "topologyHints", "tscFrequency"]).is_some() || requires_invariant_tsc(guest) {
        return looks.pass("re-enlightenment", "the TSC frequency is known", setting.evidence);
    }
    if let Some(architecture) = guest.architecture().filter(|a| *a != "amd64") {
        let text = format!("Hyper-V re-enlightenment is on, and {architecture} has no TSC");
        return looks.obstacle(NO_TSC, text, cause(), setting.evidence);
    }
    if guest.cluster.configuration(&["developerConfiguration", "minimumClusterTSCFrequency"]).is_some() {
        return looks.pass("re-enlightenment", "the cluster's TSC frequency is configured", setting.evidence);
    }
    let has_frequency =
        |n: &&Object<'_>| n.label(TSC_LABEL).and_then(|hz| hz.parse::<i64>().ok()).is_some_and(|hz| hz > 0);
    // A VMI gets its hint once, while it is scheduled; nodes that came later do not matter to it.
    let started = !guest.workload.phase().is_empty() && guest.workload.is_active();
    let seen = guest.cluster.seen_nodes();
    if let Some(node) = seen.iter().find(has_frequency).filter(|_| !started) {
        let label = Ground::at(*node, &["metadata", "labels", TSC_LABEL]);
        let evidence = setting.evidence.into_iter().chain([label]).collect();
        return looks.pass("re-enlightenment", "nodes report a TSC frequency", evidence);
    }
    let text = "Hyper-V re-enlightenment is on, and no node reports its TSC frequency";
    match guest.cluster.nodes() {
        Ok(_) => looks.obstacle(NO_TSC, text, cause(), setting.evidence),
        Err(_) if started => looks.obstacle(NO_TSC, text, cause(), setting.evidence),
        Err(missing) => looks.open("re-enlightenment", "needs nodes that report their TSC frequency", missing),
    }
}

fn cause() -> Cause {
    Cause {
        key: format!("{NO_TSC}/Label {TSC_LABEL}"),
        text: "no node reports the TSC frequency that Hyper-V re-enlightenment needs".to_owned(),
    }
}

/// Where re-enlightenment is switched on. `{}` is on: KubeVirt fills in `enabled: true` (staging/src/kubevirt.io/api/core/v1/
/// defaults.go, SetDefaults_FeatureState). A preference fills a hole, and not with hypervPassthrough on
/// (pkg/instancetype/preference/apply/features.go).
fn reenlightenment_setting<'w>(guest: &Guest<'_, 'w>) -> Option<Setting<'w>> {
    if !applies("tsc-frequency-judged", guest.kubevirt()) {
        return None;
    }
    let preferred = || {
        let passthrough = passthrough(guest).is_some();
        guest.of_preference(&["features", "preferredHyperv", "reenlightenment"]).filter(|_| !passthrough)
    };
    let setting = guest.own(&["domain", "features", "hyperv", "reenlightenment"]).or_else(preferred)?;
    (setting.node.bool_at(&["enabled"]) != Some(false)).then_some(setting)
}

/// A guest that asks for invtsc cannot even start without a frequency (tsc.go, IsManualTSCFrequencyRequired).
fn requires_invariant_tsc(guest: &Guest<'_, '_>) -> bool {
    guest.workload.guest_list(&["domain", "cpu", "features"]).any(|f| {
        let policy = f.str_at(&["policy"]).unwrap_or("require");
        f.str_at(&["name"]) == Some("invtsc") && matches!(policy, "require" | "force")
    })
}

fn passthrough<'w>(guest: &Guest<'_, 'w>) -> Option<Setting<'w>> {
    let setting = guest.own(&["domain", "features", "hypervPassthrough", "enabled"])?;
    (setting.node.as_bool() == Some(true)).then_some(setting)
}

/// All of the node's own Hyper-V features in the guest. Unlike other features, `{}` is off here.
pub fn hyperv_passthrough(guest: &Guest<'_, '_>, looks: &mut Looks) {
    let Some(setting) = passthrough(guest) else { return };
    if !applies("hyperv-passthrough-judged", guest.kubevirt()) {
        return;
    }
    let reason = "HypervPassthroughNotLiveMigratable";
    let text = "Hyper-V passthrough ties a guest to the features of its node";
    let cause = Cause { key: format!("{reason}/Feature hypervPassthrough"), text: text.to_owned() };
    looks.obstacle(reason, "hypervPassthrough ties it to the features of its node", cause, setting.evidence);
}

#[cfg(test)]
mod tests {
    use super::super::super::look::Mark;
    use super::super::super::testing::{CLUSTER, Test, cluster, verdict, vm, vmi};
    use super::super::Migration;

    const ON: &str = "features: {hyperv: {reenlightenment: {enabled: true}}}, devices: {autoattachPodInterface: false}";

    #[test]
    fn a_host_model_moves_from_a_node_that_reports_it() {
        let node = |labels: &str| format!("apiVersion: v1\nkind: Node\nmetadata: {{name: w1, labels: {{{labels}}}}}\n");
        let running = vmi("domain: {}", "conditions: []");
        let stopped = vm("running: false", "domain: {}");
        let unseen = "moves only from a node that reports its CPU model";
        for (judged, nodes, expected) in [
            (&running, node("host-model-cpu.node.kubevirt.io/Haswell: 'true'"), "its node w1 reports its CPU model"),
            (&running, node("a: b"), "its node w1 reports no CPU model, and from there it does not move"),
            (&running, String::new(), unseen),
            (&stopped, node("a: b"), unseen),
        ] {
            let test = Test::new(&nodes, &[]);
            let migration = Migration::of(judged.object(), &test.world()).unwrap();
            let mut notes = migration.looks.of(Mark::Note).filter(|l| l.topic.starts_with("cpu model"));
            assert_eq!(notes.next().unwrap().text, expected, "{nodes}");
        }
    }

    #[test]
    fn what_settles_re_enlightenment() {
        let no = "NotMigratable Refused | NoTSCFrequencyNotLiveMigratable: Hyper-V re-enlightenment is on, and";
        let guest = |more: &str| vm("runStrategy: Always", more);
        let frequency = Test::new(
            &CLUSTER.replace(
                "configuration:\n",
                "configuration:\n    developerConfiguration: {minimumClusterTSCFrequency: 1}\n",
            ),
            &["all"],
        );
        for (name, judged, test, expected) in [
            ("nodes without a frequency", guest(&format!("domain: {{{ON}}}")), cluster(), format!("{no} no node reports its TSC frequency")),
            ("a frequency by configuration", guest(&format!("domain: {{{ON}}}")), frequency, "Migratable Migrates".to_owned()),
            (
                "invtsc, without which it does not even start",
                guest(&format!("domain: {{{ON}, cpu: {{features: [{{name: invtsc, policy: require}}]}}}}")),
                cluster(),
                "Migratable Migrates".to_owned(),
            ),
            (
                "no TSC at all",
                guest(&format!("architecture: arm64, domain: {{{ON}}}")),
                cluster(),
                format!("{no} arm64 has no TSC"),
            ),
            (
                "the preference's is not taken with hypervPassthrough",
                vm("preference: {name: windows.2k22}, runStrategy: Always", "domain: {features: {hypervPassthrough: {enabled: true}}}"),
                cluster(),
                "NotMigratable Refused | HypervPassthroughNotLiveMigratable: hypervPassthrough ties it to the features of its node".to_owned(),
            ),
        ] {
            assert_eq!(verdict(&judged, &test), expected, "{name}");
        }
    }

    #[test]
    fn a_running_guest_got_its_frequency_when_it_started_or_never() {
        let cpu = "conditions: [{type: LiveMigratable, status: 'False', reason: CPUModeLiveMigratable, message: none}]";
        let guest =
            |status: &str| vmi(&format!("evictionStrategy: LiveMigrate, domain: {{{ON}}}"), &format!("{cpu}{status}"));
        let nodes_unseen = Test::new("", &[]);
        let hidden = verdict(&guest(""), &nodes_unseen);
        assert!(hidden.contains("NoTSCFrequencyNotLiveMigratable"), "{hidden}");
        let settled = verdict(&guest(", topologyHints: {tscFrequency: 2399996000}"), &nodes_unseen);
        assert!(!settled.contains("NoTSCFrequencyNotLiveMigratable"), "{settled}");
    }
}
