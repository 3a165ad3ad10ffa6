//! The interface on the pod network (kubevirt pkg/network/vmispec/interface.go, VerifyVMIMigratable). Interfaces on other
//! networks never stand in the way.

use super::super::look::Looks;
use super::predict::Guest;
use crate::object::{Cause, Ground, Node};

const REASON: &str = "InterfaceNotLiveMigratable";

/// On the VMI, so in a VirtualMachine's template; its value does not matter (staging/src/kubevirt.io/api/core/v1/types.go,
/// AllowPodBridgeNetworkLiveMigrationAnnotation).
const ALLOW_BRIDGE: &str = "kubevirt.io/allow-pod-bridge-network-live-migration";

const INTERFACES: [&str; 3] = ["domain", "devices", "interfaces"];

/// Judges the interface that the guest's pod network hangs on.
pub fn judge<'w>(guest: &Guest<'_, 'w>, looks: &mut Looks) {
    let workload = guest.workload;
    let mut interfaces = workload.guest_list(&INTERFACES).peekable();
    let mut networks = workload.guest_list(&["networks"]).peekable();
    if interfaces.peek().is_none() {
        // Only where both lists are empty does KubeVirt add an interface (pkg/network/vmispec/defaults.go).
        return match networks.peek() {
            Some(_) => looks.pass("network", "no interface", vec![]),
            None => default_interface(guest, looks),
        };
    }
    let Some(network) = networks.find(|n| n.get("pod").is_some_and(|p| !p.is_null())) else {
        return looks.pass("network", "no interface on the pod network", vec![workload.guest_evidence(&["networks"])]);
    };
    let name = network.str_at(&["name"]).unwrap_or_default();
    match interfaces.find(|i| i.str_at(&["name"]) == Some(name)) {
        Some(interface) => binding(guest, name, interface, looks),
        None => looks.note(format!("network {name}"), "has no interface; KubeVirt refuses such a guest", vec![]),
    }
}

fn default_interface(guest: &Guest<'_, '_>, looks: &mut Looks) {
    let keys = ["domain", "devices", "autoattachPodInterface"];
    let attach = guest.own(&keys).or_else(|| guest.of_preference(&["devices", "preferredAutoattachPodInterface"]));
    if let Some(attach) = attach.filter(|a| a.node.as_bool() == Some(false)) {
        return looks.pass("network", "no interface (autoattachPodInterface is false)", attach.evidence);
    }
    let absent = guest.workload.guest_evidence(&INTERFACES);
    match guest.cluster.default_interface() {
        Err(missing) => looks.open("network", "no interface is named; the default decides", missing),
        Ok(("bridge", source)) => {
            let evidence = [absent].into_iter().chain(source).collect();
            let text = "no interface is named, and the default is a bridge on the pod network";
            bridge(guest, text.to_owned(), evidence, looks);
        }
        Ok((binding, source)) => {
            let evidence = [absent].into_iter().chain(source).collect();
            looks.pass("network default", format!("{binding} on the pod network, by default"), evidence);
        }
    }
}

fn binding<'w>(guest: &Guest<'_, 'w>, name: &str, interface: Node<'w>, looks: &mut Looks) {
    let has = |key: &str| interface.get(key).filter(|n| !n.is_null());
    let topic = format!("network {name}");
    if let Some(node) = has("masquerade").or(has("passtBinding")) {
        let binding = if has("masquerade").is_some() { "masquerade" } else { "passt" };
        return looks.pass(topic, format!("{binding} on the pod network"), vec![guest.workload.evidence(node)]);
    }
    if let Some(node) = has("bridge") {
        let text = format!("interface {name} is a bridge on the pod network");
        return bridge(guest, text, vec![guest.workload.evidence(node)], looks);
    }
    if let Some(plugin) = interface.at(&["binding", "name"]) {
        return plugin_binding(guest, name, plugin, looks);
    }
    let other = ["sriov", "macvtap", "slirp"].into_iter().find_map(|key| has(key).map(|node| (key, node)));
    if let Some((kind, node)) = other {
        let text = format!("interface {name} is {kind} on the pod network");
        return looks.obstacle(REASON, text, cause(kind), vec![guest.workload.evidence(node)]);
    }
    // Without any binding the preference's counts (pkg/instancetype/preference/apply/interface.go).
    match guest.of_preference(&["devices", "preferredInterfaceMasquerade"]) {
        Some(preferred) => looks.pass(topic, "masquerade on the pod network, by the preference", preferred.evidence),
        None => {
            let text = format!("interface {name} on the pod network has no binding");
            looks.obstacle(REASON, text, cause("without a binding"), vec![guest.workload.evidence(interface)]);
        }
    }
}

fn bridge(guest: &Guest<'_, '_>, text: String, mut evidence: Vec<Ground>, looks: &mut Looks) {
    let annotations = ["annotations", ALLOW_BRIDGE];
    let own = guest.workload.guest_annotation(ALLOW_BRIDGE).map(|node| vec![guest.workload.evidence(node)]);
    let allowed = own
        .or_else(|| guest.of_instancetype(&annotations).map(|s| s.evidence))
        .or_else(|| guest.of_preference(&annotations).map(|s| s.evidence));
    if let Some(allowed) = allowed {
        return looks.pass("network", "bridge on the pod network, allowed by annotation", allowed);
    }
    let misplaced = guest.workload.object.at(&["metadata", "annotations", ALLOW_BRIDGE]);
    let text = match misplaced {
        Some(_) => format!("{text} (the annotation that allows it stands on the object, not in its template)"),
        None => text,
    };
    evidence.extend(misplaced.map(|node| guest.workload.evidence(node).note("counts only in the template")));
    looks.obstacle(REASON, text, cause("bridge"), evidence);
}

fn plugin_binding<'w>(guest: &Guest<'_, 'w>, name: &str, plugin: Node<'w>, looks: &mut Looks) {
    let topic = format!("network {name}");
    let binding = plugin.as_str().unwrap_or_default();
    let own = guest.workload.evidence(plugin);
    match guest.cluster.binding_migrates(binding) {
        Ok((true, source)) => {
            let evidence = [own].into_iter().chain(source).collect();
            looks.pass(topic, format!("binding plugin {binding}, which migrates"), evidence);
        }
        Ok((false, source)) => {
            let text =
                format!("interface {name} uses binding plugin {binding}, which is not registered as one that migrates");
            looks.obstacle(REASON, text, cause(binding), [own].into_iter().chain(source).collect());
        }
        Err(missing) => looks.open(topic, format!("binding plugin {binding} may migrate or not"), missing),
    }
}

fn cause(binding: &str) -> Cause {
    let text = match binding {
        "bridge" => "a bridge on the pod network cannot move".to_owned(),
        "without a binding" => "an interface on the pod network has no binding".to_owned(),
        other => format!("{other} on the pod network cannot move"),
    };
    Cause { key: format!("{REASON}/NetworkBinding {binding}"), text }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{CLUSTER, Test, verdict, vm};

    /// Verdict for this interface on the pod network, with what an instancetype `i` and a preference `p` bring.
    fn brought(instancetype: &str, preference: &str, guest: &str) -> String {
        let object = |kind: &str, name: &str, spec: &str| {
            format!(
                "{{apiVersion: instancetype.kubevirt.io/v1beta1, kind: {kind}, metadata: {{name: {name}}}, spec: {{{spec}}}}}"
            )
        };
        let documents = [
            CLUSTER.to_owned(),
            object("VirtualMachineClusterInstancetype", "i", instancetype),
            object("VirtualMachineClusterPreference", "p", preference),
        ];
        let judged = vm("runStrategy: Always, instancetype: {name: i}, preference: {name: p}", guest);
        verdict(&judged, &Test::new(&documents.join("\n---\n"), &["all"]).kubevirt("1.6"))
    }

    #[test]
    fn what_instancetype_and_preference_bring() {
        let allow = "annotations: {kubevirt.io/allow-pod-bridge-network-live-migration: ''}";
        let on = |interface: &str| {
            format!("networks: [{{name: a, pod: {{}}}}], domain: {{devices: {{interfaces: [{{name: a{interface}}}]}}}}")
        };
        for (name, instancetype, preference, guest, expected) in [
            ("the instancetype allows a bridge", allow, "", on(", bridge: {}"), "Migratable Migrates"),
            (
                "nobody allows a bridge",
                "",
                "",
                on(", bridge: {}"),
                "NotMigratable Refused | InterfaceNotLiveMigratable: interface a is a bridge on the pod network",
            ),
            (
                "the preference chooses masquerade",
                "",
                "devices: {preferredInterfaceMasquerade: {}}",
                on(""),
                "Migratable Migrates",
            ),
            (
                "nobody chooses",
                "",
                "",
                on(""),
                "NotMigratable Refused | InterfaceNotLiveMigratable: interface a on the pod network has no binding",
            ),
        ] {
            assert_eq!(brought(instancetype, preference, &guest), expected, "{name}");
        }
    }

    #[test]
    fn a_preference_without_a_pod_interface_needs_no_default() {
        let preference = "{apiVersion: instancetype.kubevirt.io/v1beta1, kind: VirtualMachineClusterPreference, metadata: {name: p}, spec: {devices: {preferredAutoattachPodInterface: false}}}";
        let judged = vm("runStrategy: Always, preference: {name: p}", "evictionStrategy: LiveMigrate");
        assert_eq!(verdict(&judged, &Test::new(preference, &[])), "Migratable Migrates");
    }

    #[test]
    fn hyperconverged_stands_in_for_a_kubevirt_that_was_not_seen() {
        let hco = |spec: &str| {
            format!(
                "{{apiVersion: hco.kubevirt.io/v1, kind: HyperConverged, metadata: {{name: h, namespace: cnv}}, spec: {{{spec}}}}}"
            )
        };
        let guest =
            |interfaces: &str| vm("runStrategy: Always", &format!("evictionStrategy: LiveMigrate, {interfaces}"));
        let plugin = |name: &str| {
            guest(&format!(
                "networks: [{{name: a, pod: {{}}}}], domain: {{devices: {{interfaces: [{{name: a, binding: {{name: {name}}}}}]}}}}"
            ))
        };
        let own = hco("networking: {networkBinding: {mine: {migration: {}}, still: {}}}");
        for (judged, inventory, expected) in [
            (guest("domain: {}"), hco(""), "Migratable Migrates"),
            (plugin("l2bridge"), hco(""), "Migratable Migrates"),
            (plugin("mine"), own.clone(), "Migratable Migrates"),
            (
                plugin("still"),
                own.clone(),
                "NotMigratable Refused | InterfaceNotLiveMigratable: interface a uses binding plugin still, which is not registered as one that migrates",
            ),
            (plugin("other"), own, "Unknown Unknown | missing KubeVirt (not collected)"),
        ] {
            assert_eq!(verdict(&judged, &Test::new(&inventory, &[])), expected);
        }
        let managed = "{apiVersion: kubevirt.io/v1, kind: KubeVirt, metadata: {name: k, namespace: cnv, labels: {app.kubernetes.io/managed-by: hco-operator}}, spec: {}}";
        assert_eq!(verdict(&guest("domain: {}"), &Test::new(managed, &[])), "Migratable Migrates");
    }
}
