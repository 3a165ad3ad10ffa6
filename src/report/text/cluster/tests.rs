//! The report on a cluster, as a person sees it.

use super::*;
use crate::report::{Door, samples};
use insta::assert_snapshot;

fn style() -> Style {
    Style::plain(Door::Report)
}

#[test]
fn a_healthy_cluster_is_ticks_and_what_was_looked_at() {
    assert_snapshot!(cluster(&samples::healthy(), &style()), @"
    OpenShift 4.19.8 → 4.20  OpenShift Virtualization 4.19.3 (KubeVirt 1.5.2)
    as of 2026-03-04 09:12 UTC
    READY   every stage was checked, and nothing was found

      before           ✓
      control plane    ✓
      node drain       ✓
      operator update  ✓
      workload update  ✓
      after update     ✓
      41 VMs: 38 run. A drain moves 38.

    6 policies judged 48 of 220 objects from examples/cluster.
    ");
}

#[test]
fn everything_at_once() {
    assert_snapshot!(cluster(&samples::everything(), &style()), @r#"
    OpenShift 4.19.8 → 4.20  (the next minor; --target for another)
    OpenShift Virtualization 4.19.3 (KubeVirt 1.5.2)  as of 2026-03-04 09:12 UTC
    NOT READY   3 causes block this upgrade (5 objects), 1 more is worth a look (2 objects), 1 more is
                for information (1 object), 1 object not judged, 1 policy error

      before           ✗ 1
      control plane    – not checked: clusteroperators.config.openshift.io were not collected
      node drain       ✗ 4  ! 2  on nodes worker-2, worker-3; not all checked: 1 object could not be
                                 judged
      operator update  i 1
      workload update  ✓
      after update     ✓
      other policies   – not checked: a policy failed on 1 object
      41 VMs: 38 run. A drain moves 30, restarts 1, leaves 2 off, is refused by 4. What it does to 1
      could not be judged.

    BEFORE
    ✗ An InstallPlan waits for approval                                   installplan-waits-for-approval
        kubevirt-hyperconverged-operator.v4.19.4 has waited for 41 days
        InstallPlan openshift-cnv/install-x7k2p   spec.approved: false
      why  Why installplan-waits-for-approval matters.
      fix  Do as installplan-waits-for-approval says.
      note the OpenShift version is not known; judged as a current one

    NODE DRAIN
    ✗ A running VM must live-migrate and cannot (4 VMIs)                           vmi-cannot-be-evicted
        evictionStrategy is LiveMigrate, but this VM cannot live-migrate
        spec.evictionStrategy: LiveMigrate
        because storage class local-path gives ReadWriteOnce volumes:
          worker-2  shop/db-0  shop/db-1
          worker-3  shop/db-2
        because it uses host device nvidia.com/TU104:
          worker-3  ml/train-7
      why  The drain of its node is refused until it is gone.
      fix  Let the drain restart it; it is down while its node is. (can interrupt or start something)
           # until then the running VM still refuses
           oc -n shop patch virtualmachines.kubevirt.io db-0 --type=merge -p '{"spec":{"template":{"spec":{"evictionStrategy":"LiveMigrateIfPossible"}}}}'
           likewise for the other 3: --all
    ! Title of vm-stays-off (2 VMs)                                                         vm-stays-off
        what vm-stays-off found
        spec.runStrategy: RerunOnFailure
        shop/batch  shop/night
      why  Why vm-stays-off matters.
      fix  Do as vm-stays-off says.

    OPERATOR UPDATE
    i Title of olm-manual                                                                     olm-manual
        what olm-manual found
        Subscription openshift-cnv/hco   spec.channel (absent)
      why  Why olm-manual matters.
      fix  Do as olm-manual says.

    COULD NOT BE JUDGED
    – without StorageProfile fast (not collected):
        VM web/cache-3
        for vm-stays-off  vmi-cannot-be-evicted

    POLICIES THAT FAILED
    – our-own: no such key: nope
        expression  object.spec.nope == 1
        on VM web/cache-3

    COULD NOT BE READ
      examples/cluster/broken.yaml:14:3: expected a mapping, found a list item (is this line indented
      too far?)

    LEFT OUT
      examples/cluster/pods.log: no manifest

    11 policies judged 48 of 220 objects from examples/cluster.
    virt-guard explain POLICY for more.  Exit code 3: 1 input could not be read, 1 object made a policy
    fail.
    "#);
}

#[test]
fn everything_on_a_narrow_screen_in_ascii() {
    assert_snapshot!(cluster(&samples::everything(), &Style { width: 60, unicode: false, ..style() }), @r#"
    OpenShift 4.19.8 -> 4.20
    (the next minor; --target for another)
    OpenShift Virtualization 4.19.3 (KubeVirt 1.5.2)
    as of 2026-03-04 09:12 UTC
    NOT READY   3 causes block this upgrade (5 objects), 1 more
                is worth a look (2 objects), 1 more is for
                information (1 object), 1 object not judged, 1
                policy error

      before           x 1
      control plane    - not checked:
                         clusteroperators.config.openshift.io
                         were not collected
      node drain       x 4  ! 2  on nodes worker-2, worker-3;
                                 not all checked: 1 object could
                                 not be judged
      operator update  i 1
      workload update  ok
      after update     ok
      other policies   - not checked: a policy failed on 1
                         object
      41 VMs: 38 run. A drain moves 30, restarts 1, leaves 2
      off, is refused by 4. What it does to 1 could not be
      judged.

    BEFORE
    x An InstallPlan waits for approval
        installplan-waits-for-approval
        kubevirt-hyperconverged-operator.v4.19.4 has waited for
        41 days
        InstallPlan openshift-cnv/install-x7k2p
          spec.approved: false
      why  Why installplan-waits-for-approval matters.
      fix  Do as installplan-waits-for-approval says.
      note the OpenShift version is not known; judged as a
           current one

    NODE DRAIN
    x A running VM must live-migrate and cannot (4 VMIs)
        vmi-cannot-be-evicted
        evictionStrategy is LiveMigrate, but this VM cannot
        live-migrate
        spec.evictionStrategy: LiveMigrate
        because storage class local-path gives ReadWriteOnce
        volumes:
          worker-2  shop/db-0  shop/db-1
          worker-3  shop/db-2
        because it uses host device nvidia.com/TU104:
          worker-3  ml/train-7
      why  The drain of its node is refused until it is gone.
      fix  Let the drain restart it; it is down while its node
           is. (can interrupt or start something)
           # until then the running VM still refuses
           oc -n shop patch virtualmachines.kubevirt.io db-0 --type=merge -p '{"spec":{"template":{"spec":{"evictionStrategy":"LiveMigrateIfPossible"}}}}'
           likewise for the other 3: --all
    ! Title of vm-stays-off (2 VMs)                 vm-stays-off
        what vm-stays-off found
        spec.runStrategy: RerunOnFailure
        shop/batch  shop/night
      why  Why vm-stays-off matters.
      fix  Do as vm-stays-off says.

    OPERATOR UPDATE
    i Title of olm-manual                             olm-manual
        what olm-manual found
        Subscription openshift-cnv/hco   spec.channel (absent)
      why  Why olm-manual matters.
      fix  Do as olm-manual says.

    COULD NOT BE JUDGED
    - without StorageProfile fast (not collected):
        VM web/cache-3
        for vm-stays-off  vmi-cannot-be-evicted

    POLICIES THAT FAILED
    - our-own: no such key: nope
        expression  object.spec.nope == 1
        on VM web/cache-3

    COULD NOT BE READ
      examples/cluster/broken.yaml:14:3: expected a mapping,
      found a list item (is this line indented too far?)

    LEFT OUT
      examples/cluster/pods.log: no manifest

    11 policies judged 48 of 220 objects from examples/cluster.
    virt-guard explain POLICY for more.  Exit code 3: 1 input
    could not be read, 1 object made a policy fail.
    "#);
}

#[test]
fn colour_adds_nothing_but_colour() {
    let colour = Style { colour: true, ..style() };
    let text = cluster(&samples::everything(), &colour);
    let mut plain = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '\u{1b}' => inside = true,
            'm' if inside => inside = false,
            c if !inside => plain.push(c),
            _ => {}
        }
    }
    assert_eq!(plain, cluster(&samples::everything(), &style()));
    let shown = cluster(&samples::healthy(), &colour).replace('\u{1b}', "^");
    assert_snapshot!(shown, @"
    OpenShift 4.19.8 → 4.20  OpenShift Virtualization 4.19.3 (KubeVirt 1.5.2)
    as of 2026-03-04 09:12 UTC
    ^[32mREADY^[0m   every stage was checked, and nothing was found

      before           ^[32m✓^[0m
      control plane    ^[32m✓^[0m
      node drain       ^[32m✓^[0m
      operator update  ^[32m✓^[0m
      workload update  ^[32m✓^[0m
      after update     ^[32m✓^[0m
      41 VMs: 38 run. A drain moves 38.

    6 policies judged 48 of 220 objects from examples/cluster.
    ");
    let shown = text.replace('\u{1b}', "^");
    let group: Vec<&str> = shown.lines().skip_while(|l| !l.contains("NODE DRAIN")).take(5).collect();
    assert_snapshot!(group.join("\n"), @"
    ^[1mNODE DRAIN^[0m
    ^[1m^[31m✗ ^[0m^[1mA running VM must live-migrate and cannot (4 VMIs)^[0m                           ^[2mvmi-cannot-be-evicted^[0m
        evictionStrategy is LiveMigrate, but this VM cannot live-migrate
        spec.evictionStrategy: LiveMigrate
        because storage class local-path gives ReadWriteOnce volumes:
    ");
}

fn many(n: usize) -> Assessment {
    let mut a = samples::healthy();
    a.scan.findings = (0..n)
        .map(|i| {
            samples::stuck(&format!("shop/db-{i:02}"), &format!("worker-{}", i % 3), "Disks", "class fast is local")
        })
        .collect();
    a
}

#[test]
fn a_long_list_says_where_the_rest_is() {
    let text = cluster(&many(45), &style());
    let group: Vec<&str> = text.lines().skip_while(|l| !l.starts_with("NODE DRAIN")).collect();
    assert_snapshot!(group.join("\n"), @r#"
    NODE DRAIN
    ✗ A running VM must live-migrate and cannot (45 VMIs)                          vmi-cannot-be-evicted
        evictionStrategy is LiveMigrate, but this VM cannot live-migrate
        spec.evictionStrategy: LiveMigrate
        because class fast is local:
          worker-0  shop/db-00  shop/db-03  shop/db-06  shop/db-09  shop/db-12  shop/db-15  shop/db-18
                    shop/db-21
          … and 37 more: --all
      why  The drain of its node is refused until it is gone.
      fix  Let the drain restart it; it is down while its node is. (can interrupt or start something)
           # until then the running VM still refuses
           oc -n shop patch virtualmachines.kubevirt.io db-00 --type=merge -p '{"spec":{"template":{"spec":{"evictionStrategy":"LiveMigrateIfPossible"}}}}'
           likewise for the other 44: --all

    6 policies judged 48 of 220 objects from examples/cluster.
    virt-guard explain POLICY for more.  Exit code 1: 45 blockers.
    "#);
}

#[test]
fn all_means_all() {
    let text = cluster(&many(45), &Style { all: true, ..style() });
    for i in 0..45 {
        assert!(text.contains(&format!(" shop/db-{i:02}")) && text.contains(&format!("kubevirt.io db-{i:02} ")), "{i}");
    }
    assert!(!text.contains("--all"), "{text}");
}

#[test]
fn several_ways_and_several_fields_are_told_apart() {
    let mut a = samples::healthy();
    let subscriptions = [("one", "Manual"), ("two", "manual")].map(|(name, value)| {
        let name = format!("openshift-cnv/{name}");
        let mut f = samples::finding("olm", Stage::OperatorUpdate, "Subscription", &name, "spec.approval", value);
        f.what = format!("{name} waits");
        f.severity = Severity::Warning;
        f.fix.as_mut().unwrap().text = format!("Approve {name}.");
        f
    });
    a.scan.findings = subscriptions.into();
    let text = cluster(&a, &style());
    let shown: Vec<&str> = text.lines().skip_while(|l| !l.starts_with("OPERATOR")).collect();
    assert_snapshot!(shown.join("\n"), @"
    OPERATOR UPDATE
    ! Title of olm (2 Subscriptions)                                                                 olm
        Subscription openshift-cnv/one   spec.approval: Manual
        Subscription openshift-cnv/two   spec.approval: manual
        such as openshift-cnv/one: openshift-cnv/one waits
      why  Why olm matters.
      fix  · openshift-cnv/one: Approve openshift-cnv/one.
           · openshift-cnv/two: Approve openshift-cnv/two.

    6 policies judged 48 of 220 objects from examples/cluster.
    virt-guard explain POLICY for more.  Exit code 0: nothing at or above blocker.
    ");
}

#[test]
fn what_was_not_looked_at_is_never_ready() {
    let answer = |a: &Assessment| {
        cluster(a, &style())
            .lines()
            .find(|l| ["READY", "BLOCKERS", "NOTHING"].iter().any(|w| l.contains(w)))
            .unwrap()
            .to_owned()
    };
    assert!(answer(&samples::healthy()).starts_with("READY"));
    let mut a = samples::healthy();
    a.scan.policies.remove("after-update-policy");
    assert_snapshot!(answer(&a), @"NO BLOCKERS FOUND, NOT EVERYTHING CHECKED");
    assert!(cluster(&a, &style()).contains("after update     – no policy looks at this yet"));
    let mut a = samples::healthy();
    a.inputs.unreadable = samples::everything().inputs.unreadable;
    assert!(answer(&a).starts_with("NO BLOCKERS FOUND"));
    let mut a = samples::healthy();
    a.scan.undecided = samples::everything().scan.undecided;
    assert_snapshot!(answer(&a), @"NO BLOCKERS FOUND, NOT EVERYTHING CHECKED   1 object not judged");
    let mut a = samples::healthy();
    (a.scan.judged, a.inputs.unreadable) = (0, samples::everything().inputs.unreadable);
    assert_snapshot!(answer(&a), @"NOTHING CHECKED");
}

#[test]
fn one_node_is_not_drained() {
    let m = Machines { total: 3, running: 1, refused: 1, ..Machines::default() };
    assert_snapshot!(machines(m, true), @"3 VMs: 1 runs. One node: its drain is skipped, and its reboot stops them.");
    assert_snapshot!(machines(m, false), @"3 VMs: 1 runs. A drain is refused by 1.");
}

#[test]
fn names_cannot_write_on_the_screen() {
    let mut a = many(2);
    for f in &mut a.scan.findings {
        f.subject.object.name = "db\u{1b}[2J\u{202e}x\r".to_owned();
        f.what = "a\nREADY".to_owned();
        f.cause.text = "\u{7}bell".to_owned();
    }
    for door in [Door::Report, Door::Check] {
        let style = Style::plain(door);
        let text = cluster(&a, &style) + &crate::report::text::manifests(&a, &style);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
        assert!(!text.lines().any(|l| l.starts_with("READY")));
    }
}
