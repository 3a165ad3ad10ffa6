//! Guests and what KubeVirt would say of them: objects in, verdict and outcome out.

use super::super::testing::{CLUSTER, Judged, Test, cluster, verdict, vm, with_storage};
use super::{Migration, Verdict};

const ON_POD_NETWORK: &str = "networks: [{name: default, pod: {}}], domain: {devices: {interfaces:";

#[test]
fn storage_decides_by_access_modes() {
    let spec = "runStrategy: Always";
    for (name, judged, expected) in [
        ("profile of the default virt class", with_storage("resources: {}"), "Migratable Migrates"),
        (
            "ReadWriteOnce although Block",
            with_storage("accessModes: [ReadWriteOnce], volumeMode: Block, storageClassName: rbd"),
            "NotMigratable Refused | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class rbd",
        ),
        (
            "a Filesystem on a class that shares only Block",
            with_storage("volumeMode: Filesystem, storageClassName: rbd"),
            "NotMigratable Refused | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class rbd (volumeMode Filesystem)",
        ),
        (
            "ReadWriteMany asked of hostpath",
            with_storage("accessModes: [ReadWriteMany], storageClassName: hpp"),
            "Migratable Migrates",
        ),
        (
            "hostpath",
            with_storage("storageClassName: hpp"),
            "NotMigratable Refused | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class hpp",
        ),
        ("hostpath with an overlay", with_storage("storageClassName: hpp-overlay"), "Migratable Migrates"),
        (
            "a class without a profile",
            with_storage("storageClassName: fast"),
            "Unknown Unknown | missing StorageProfile fast (does not exist)",
        ),
        (
            "containerDisk and cloud-init",
            vm(spec, "volumes: [{name: root, containerDisk: {image: q}}, {name: ci, cloudInitNoCloud: {userData: x}}]"),
            "Migratable Migrates",
        ),
        (
            "emptyDisk and a shared claim",
            vm(spec, "volumes: [{name: root, persistentVolumeClaim: {claimName: shared}}, {name: tmp, emptyDisk: {}}]"),
            "Migratable Migrates",
        ),
        (
            "a CD-ROM on a ReadOnlyMany claim",
            vm(
                spec,
                "domain: {devices: {disks: [{name: iso, cdrom: {bus: sata}}]}}, volumes: [{name: iso, persistentVolumeClaim: {claimName: iso}}]",
            ),
            "NotMigratable Refused | DisksNotLiveMigratable: volume iso is ReadOnlyMany on storage class rbd",
        ),
        (
            "ephemeral over ReadWriteOnce is not seen by KubeVirt",
            vm(spec, "volumes: [{name: root, ephemeral: {persistentVolumeClaim: {claimName: golden}}}]"),
            "Migratable Migrates",
        ),
        (
            "hostDisk",
            vm(spec, "volumes: [{name: root, hostDisk: {path: /data/d.img, type: DiskOrCreate}}]"),
            "NotMigratable Refused | DisksNotLiveMigratable: volume root is a hostDisk that is not shared",
        ),
        (
            "shared hostDisk",
            vm(spec, "volumes: [{name: root, hostDisk: {path: /d, shared: true}}]"),
            "Migratable Migrates",
        ),
        (
            "virtiofs over ReadWriteOnce",
            vm(
                spec,
                "domain: {devices: {filesystems: [{name: data, virtiofs: {}}]}}, volumes: [{name: data, persistentVolumeClaim: {claimName: golden}}]",
            ),
            "NotMigratable Refused | DisksNotLiveMigratable: volume data is ReadWriteOnce on storage class rbd",
        ),
        (
            "a claim that does not exist",
            vm(spec, "volumes: [{name: root, persistentVolumeClaim: {claimName: nope}}]"),
            "Unknown Unknown | missing PersistentVolumeClaim shop/nope (does not exist)",
        ),
        (
            "one certain obstacle decides while another claim is open",
            vm(
                spec,
                "volumes: [{name: a, persistentVolumeClaim: {claimName: nope}}, {name: b, persistentVolumeClaim: {claimName: golden}}]",
            ),
            "NotMigratable Refused | DisksNotLiveMigratable: volume b is ReadWriteOnce on storage class rbd | missing PersistentVolumeClaim shop/nope (does not exist)",
        ),
    ] {
        assert_eq!(verdict(&judged, &cluster()), expected, "{name}");
    }
}

/// KubeVirt takes 256 of each; an object holds as many as it has bytes.
#[test]
fn a_list_is_not_looked_at_for_ever_and_its_end_is_unknown() {
    let guest = |first: &str, others: usize| {
        let volumes = format!("{first}{}", ", {name: x, emptyDisk: {}}".repeat(others));
        vm("runStrategy: Always", &format!("volumes: [{volumes}]"))
    };
    let (fine, disk) = ("{name: tmp, emptyDisk: {}}", "{name: root, hostDisk: {path: /d}}");
    let missing = " | missing volumes beyond the first 1024 (not collected)";
    let obstacle = "DisksNotLiveMigratable: volume root is a hostDisk that is not shared";
    for (judged, expected) in [
        (guest(fine, 1023), "Migratable Migrates".to_owned()),
        (guest(fine, 1024), format!("Unknown Unknown{missing}")),
        (guest(disk, 1024), format!("NotMigratable Refused | {obstacle}{missing}")),
    ] {
        assert_eq!(verdict(&judged, &cluster()), expected);
    }
}

#[test]
fn what_was_not_seen_is_missing_and_never_absent() {
    let judged = vm("runStrategy: Always", "volumes: [{name: root, persistentVolumeClaim: {claimName: golden}}]");
    for (complete, expected) in [
        (
            vec![],
            "Unknown Unknown | missing KubeVirt (not collected) | missing PersistentVolumeClaim shop/golden (not collected)",
        ),
        (
            vec!["persistentvolumeclaims", "kubevirts"],
            "Unknown Unknown | missing KubeVirt (does not exist) | missing PersistentVolumeClaim shop/golden (does not exist)",
        ),
    ] {
        assert_eq!(verdict(&judged, &Test::new("", &complete)), expected, "{complete:?}");
    }
    let defaults = with_storage("resources: {}");
    let mut test = Test::new("", &[]);
    test.defaults.network_interface = Some("masquerade".to_owned());
    assert_eq!(verdict(&defaults, &test), "Unknown Unknown | missing StorageClasses (not collected)");
}

#[test]
fn the_pod_network_decides_by_its_binding() {
    let on =
        |interface: &str| vm("runStrategy: Always", &format!("{ON_POD_NETWORK} [{{name: default, {interface}}}]}}}}"));
    let bridge = "NotMigratable Refused | InterfaceNotLiveMigratable: interface default is a bridge on the pod network";
    let annotated = |place: &str| {
        let annotation = "annotations: {kubevirt.io/allow-pod-bridge-network-live-migration: 'false'}";
        let (on_vm, on_template) = if place == "template" { ("", annotation) } else { (annotation, "") };
        Judged::new(&format!(
            "{{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {{name: db, namespace: shop, {on_vm}}}, spec: \
             {{runStrategy: Always, template: {{metadata: {{{on_template}}}, spec: {{{ON_POD_NETWORK} \
             [{{name: default, bridge: {{}}}}]}}}}}}}}}}}}"
        ))
    };
    for (name, judged, expected) in [
        ("masquerade", on("masquerade: {}"), "Migratable Migrates"),
        ("passt", on("passtBinding: {}"), "Migratable Migrates"),
        ("bridge", on("bridge: {}"), bridge),
        (
            "bridge with the annotation on the template, whatever its value",
            annotated("template"),
            "Migratable Migrates",
        ),
        (
            "bridge with the annotation on the VM",
            annotated("vm"),
            "NotMigratable Refused | InterfaceNotLiveMigratable: interface default is a bridge on the pod network (the annotation that allows it stands on the object, not in its template)",
        ),
        (
            "bridge allowed by the preference",
            vm(
                "runStrategy: Always, preference: {name: bridge-may-move, kind: virtualmachinepreference}",
                &format!("{ON_POD_NETWORK} [{{name: default, bridge: {{}}}}]}}}}"),
            ),
            "Migratable Migrates",
        ),
        ("plugin that migrates", on("binding: {name: l2bridge}"), "Migratable Migrates"),
        (
            "plugin that does not",
            on("binding: {name: foo}"),
            "NotMigratable Refused | InterfaceNotLiveMigratable: interface default uses binding plugin foo, which is not registered as one that migrates",
        ),
        ("none named, masquerade by default", vm("runStrategy: Always", "domain: {}"), "Migratable Migrates"),
        (
            "no interface at all",
            vm("runStrategy: Always", "domain: {devices: {autoattachPodInterface: false}}"),
            "Migratable Migrates",
        ),
        (
            "SR-IOV on another network",
            vm(
                "runStrategy: Always",
                "networks: [{name: n1, multus: {networkName: a}}], domain: {devices: {interfaces: [{name: n1, sriov: {}}]}}",
            ),
            "Migratable Migrates",
        ),
        (
            "SR-IOV on the pod network",
            on("sriov: {}"),
            "NotMigratable Refused | InterfaceNotLiveMigratable: interface default is sriov on the pod network",
        ),
    ] {
        assert_eq!(verdict(&judged, &cluster()), expected, "{name}");
    }
}

#[test]
fn kubevirt_alone_defaults_to_a_bridge_and_to_no_protection() {
    let plain =
        "{apiVersion: kubevirt.io/v1, kind: KubeVirt, metadata: {name: kubevirt, namespace: kubevirt}, spec: {}}";
    let judged = vm("runStrategy: Always", "domain: {}");
    assert_eq!(
        verdict(&judged, &Test::new(plain, &["all"])),
        "NotMigratable RestartsElsewhere | InterfaceNotLiveMigratable: no interface is named, and the default is a bridge on the pod network"
    );
}

#[test]
fn devices_and_features_by_version() {
    let spec = "runStrategy: Always";
    let gpu = "domain: {devices: {gpus: [{name: gpu1, deviceName: nvidia.com/T4}]}}";
    let reservation = "domain: {devices: {disks: [{name: shared, lun: {reservation: true}}]}}, volumes: [{name: shared, persistentVolumeClaim: {claimName: shared}}]";
    let tdx = "domain: {launchSecurity: {tdx: {}}}";
    let secure_execution = "architecture: s390x, domain: {launchSecurity: {}}";
    for (name, version, judged, expected) in [
        (
            "host device",
            "1.9",
            vm(spec, "domain: {devices: {hostDevices: [{name: nic, deviceName: vendor.com/nic}]}}"),
            "NotMigratable Refused | HostDeviceNotLiveMigratable: host device nic (vendor.com/nic) stays with its node",
        ),
        (
            "GPU before 1.9",
            "1.8",
            vm(spec, gpu),
            "NotMigratable Refused | HostDeviceNotLiveMigratable: GPU gpu1 (nvidia.com/T4) stays with its node",
        ),
        (
            "single GPU, no vGPU",
            "1.9",
            vm(spec, gpu),
            "NotMigratable Refused | HostDeviceNotLiveMigratable: GPU gpu1 (nvidia.com/T4) stays with its node, for it is no vGPU",
        ),
        (
            "GPU of an instancetype",
            "1.6",
            vm("instancetype: {name: gn1.xlarge}, runStrategy: Always", "domain: {}"),
            "NotMigratable Refused | HostDeviceNotLiveMigratable: GPU gpus (nvidia.com/A400) stays with its node",
        ),
        (
            "the pinned revision of an instancetype, not the live object",
            "1.6",
            vm("instancetype: {name: u1, revisionName: old-u1}, runStrategy: Always", "domain: {}"),
            "NotMigratable Refused | HostDeviceNotLiveMigratable: host device nic (vendor.com/nic) stays with its node",
        ),
        (
            "the live instancetype brings nothing",
            "1.6",
            vm("instancetype: {name: u1}, runStrategy: Always", "domain: {}"),
            "Migratable Migrates",
        ),
        (
            "SEV",
            "1.6",
            vm(spec, "domain: {launchSecurity: {sev: {}}}"),
            "NotMigratable Refused | SEVNotLiveMigratable: its memory is encrypted with SEV",
        ),
        (
            "SEV-SNP is not judged before 1.7",
            "1.6",
            vm(spec, "domain: {launchSecurity: {snp: {}}}"),
            "Migratable Migrates",
        ),
        (
            "SEV-SNP",
            "1.7",
            vm(spec, "domain: {launchSecurity: {snp: {}}}"),
            "NotMigratable Refused | SEVNotLiveMigratable: its memory is encrypted with SEV-SNP",
        ),
        ("TDX is not judged before 1.7", "1.6", vm(spec, tdx), "Migratable Migrates"),
        ("TDX", "1.7", vm(spec, tdx), "NotMigratable Refused | TDXNotLiveMigratable: its memory is encrypted with TDX"),
        ("Secure Execution is not judged before 1.6", "1.5", vm(spec, secure_execution), "Migratable Migrates"),
        (
            "Secure Execution",
            "1.6",
            vm(spec, secure_execution),
            "NotMigratable Refused | SecureExecutionNotLiveMigratable: its memory is encrypted with Secure Execution",
        ),
        (
            "hypervPassthrough",
            "1.6",
            vm(spec, "domain: {features: {hypervPassthrough: {enabled: true}}}"),
            "NotMigratable Refused | HypervPassthroughNotLiveMigratable: hypervPassthrough ties it to the features of its node",
        ),
        (
            "hypervPassthrough {} is off",
            "1.6",
            vm(spec, "domain: {features: {hypervPassthrough: {}}}"),
            "Migratable Migrates",
        ),
        (
            "re-enlightenment {} is on",
            "1.6",
            vm("preference: {name: windows.2k22}, runStrategy: Always", "domain: {}"),
            "NotMigratable Refused | NoTSCFrequencyNotLiveMigratable: Hyper-V re-enlightenment is on, and no node reports its TSC frequency",
        ),
        (
            "re-enlightenment switched off against the preference",
            "1.6",
            vm(
                "preference: {name: windows.2k22}, runStrategy: Always",
                "domain: {features: {hyperv: {reenlightenment: {enabled: false}}}}",
            ),
            "Migratable Migrates",
        ),
        (
            "persistent reservation",
            "1.8",
            vm(spec, reservation),
            "NotMigratable Refused | PersistentReservationNotLiveMigratable: disk shared holds a SCSI persistent reservation",
        ),
        ("persistent reservation since 1.9", "1.9", vm(spec, reservation), "Migratable Migrates"),
        (
            "virtiofs over a configMap",
            "1.5",
            vm(
                spec,
                "domain: {devices: {filesystems: [{name: c, virtiofs: {}}]}}, volumes: [{name: c, configMap: {name: c}}]",
            ),
            "Migratable Migrates",
        ),
        (
            "host-passthrough and a pinned node are no matter of the verdict",
            "1.6",
            vm(spec, "nodeSelector: {kubernetes.io/hostname: worker-1}, domain: {cpu: {model: host-passthrough}}"),
            "Migratable Migrates",
        ),
        ("a persistent TPM", "1.6", vm(spec, "domain: {devices: {tpm: {persistent: true}}}"), "Migratable Migrates"),
    ] {
        assert_eq!(verdict(&judged, &cluster().kubevirt(version)), expected, "{name}");
    }
}

#[test]
fn a_node_with_a_tsc_frequency_settles_re_enlightenment() {
    let judged = vm("preference: {name: windows.2k22}, runStrategy: Always", "domain: {}");
    let node = "{apiVersion: v1, kind: Node, metadata: {name: w2, labels: {cpu-timer.node.kubevirt.io/tsc-frequency: '2399996000'}}}";
    let with_node = Test::new(&format!("{CLUSTER}\n---\n{node}"), &["all"]);
    assert_eq!(verdict(&judged, &with_node), "Migratable Migrates");
    let nodes_unseen = Test::new(CLUSTER, &["persistentvolumeclaims"]);
    assert_eq!(verdict(&judged, &nodes_unseen), "Unknown Unknown | missing Nodes (not collected)");
}

#[test]
fn every_obstacle_is_named() {
    let judged = vm(
        "instancetype: {name: gn1.xlarge}, runStrategy: Always",
        &format!(
            "volumes: [{{name: a, persistentVolumeClaim: {{claimName: golden}}}}, {{name: b, hostDisk: {{path: /d}}}}], \
             {ON_POD_NETWORK} [{{name: default, bridge: {{}}}}]}}}}"
        ),
    );
    let test = cluster();
    let migration = Migration::of(judged.object(), &test.world()).unwrap();
    let reasons: Vec<&str> = migration.obstacles().map(|o| &*o.topic).collect();
    assert_eq!(
        reasons,
        [
            "InterfaceNotLiveMigratable",
            "HostDeviceNotLiveMigratable",
            "DisksNotLiveMigratable",
            "DisksNotLiveMigratable"
        ]
    );
    assert_eq!(migration.summary(), "interface default is a bridge on the pod network, and 3 more");
    let paths: Vec<String> = migration.obstacles().map(|o| o.evidence[0].path().to_string()).collect();
    assert_eq!(
        paths,
        [
            "spec.template.spec.domain.devices.interfaces[0].bridge",
            "spec.instancetype.name",
            "spec.template.spec.volumes[0].persistentVolumeClaim.claimName",
            "spec.template.spec.volumes[1].hostDisk.path",
        ]
    );
    let causes: Vec<String> = migration.obstacles().map(|o| o.evidence[0].evidence().cause.unwrap().key).collect();
    assert_eq!(
        causes,
        [
            "InterfaceNotLiveMigratable/NetworkBinding bridge",
            "HostDeviceNotLiveMigratable/HostDevice nvidia.com/A400",
            "DisksNotLiveMigratable/StorageClass rbd",
            "DisksNotLiveMigratable/Volume hostDisk",
        ]
    );
}

#[test]
fn a_pool_is_judged_by_its_template() {
    let pool = Judged::new(
        "{apiVersion: pool.kubevirt.io/v1beta1, kind: VirtualMachinePool, metadata: {name: web, namespace: shop}, spec: {virtualMachineTemplate: {spec: {runStrategy: Manual, \
         dataVolumeTemplates: [{metadata: {name: golden}, spec: {storage: {storageClassName: hpp}}}], template: {spec: {evictionStrategy: LiveMigrateIfPossible, volumes: [{name: root, dataVolume: {name: golden}}]}}}}}}",
    );
    let test = cluster();
    assert_eq!(
        verdict(&pool, &test),
        "NotMigratable StaysOff | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class hpp"
    );
    let migration = Migration::of(pool.object(), &test.world()).unwrap();
    let first = migration.obstacles().next().unwrap().evidence[0].evidence().stable_path;
    insta::assert_snapshot!(first, @"spec.virtualMachineTemplate.spec.dataVolumeTemplates[name=golden].spec.storage.storageClassName");
}

#[test]
fn in_expressions_what_is_open_raises_and_obstacles_never_do() {
    use crate::cel::FactValue;
    let open = vm(
        "runStrategy: Always",
        "volumes: [{name: a, persistentVolumeClaim: {claimName: nope}}], domain: {devices: {autoattachPodInterface: false}}",
    );
    let test = Test::new("", &[]);
    let migration = Migration::of(open.object(), &test.world()).unwrap();
    assert_eq!(migration.verdict, Verdict::Unknown);
    let fact = migration.fact();
    assert!(matches!(fact.get("verdict").unwrap().value, FactValue::Unknown(_)));
    assert!(matches!(&fact.get("obstacles").unwrap().value, FactValue::List(o) if o.is_empty()));
    assert!(matches!(&fact.get("summary").unwrap().value, FactValue::String(s) if s.is_empty()));
}

/// Everything that was looked at, with its mark and its evidence.
fn looks(judged: &Judged) -> String {
    use super::super::look::Mark;
    let test = cluster();
    let migration = Migration::of(judged.object(), &test.world()).unwrap();
    let line = |look: &super::Look| {
        let mark = match look.mark {
            Mark::Obstacle => '✗',
            Mark::Pass => '✓',
            Mark::Open => '?',
            Mark::Note => '·',
        };
        let evidence = look.evidence.iter().map(|e| e.evidence()).map(|e| format!("{} {e}", e.object.kind));
        let basis: Vec<String> = evidence.chain(look.missing.iter().map(|m| m.to_string())).collect();
        format!("{mark} {}: {}\n    {}", look.topic, look.text, basis.join("\n    "))
    };
    migration.looks.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn everything_that_was_looked_at_is_told() {
    let judged = vm(
        "dataVolumeTemplates: [{metadata: {name: data}, spec: {storage: {storageClassName: hpp}}}], preference: {name: nope}",
        "volumes: [{name: data, dataVolume: {name: data}}, {name: ci, cloudInitNoCloud: {userData: secret}}]",
    );
    insta::assert_snapshot!(looks(&judged), @r"
    ? preference: may bring Hyper-V re-enlightenment or launch security
        VirtualMachineClusterPreference nope (does not exist)
    ✓ network default: masquerade on the pod network, by default
        VirtualMachine spec.template.spec.domain.devices.interfaces (absent)
        KubeVirt spec.configuration.network.defaultNetworkInterface: masquerade
    · cpu model host-model: moves only from a node that reports its CPU model
        VirtualMachine spec.template.spec.domain.cpu.model (absent)
    ✗ DisksNotLiveMigratable: volume data is ReadWriteOnce on storage class hpp
        VirtualMachine spec.dataVolumeTemplates[0].spec.storage.storageClassName: hpp
        StorageProfile status.claimPropertySets[0].accessModes: [ReadWriteOnce]
        VirtualMachine spec.template.spec.volumes[0].dataVolume.name: data
    ✓ volume ci: cloudInitNoCloud
        VirtualMachine spec.template.spec.volumes[1]
    ");
}
