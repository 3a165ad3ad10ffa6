use super::*;
use crate::facts::answer::Answer;
use crate::facts::fixture::{Owned, fits, inventory, told};
use crate::facts::{ClusterDefaults, Versions, World};
use crate::inventory::{Inventory, View};

const ALL: &[&str] = &["subscriptions", "installplans", "catalogsources"];

fn subscription(name: &str, package: &str, more: &str) -> String {
    format!(
        "
apiVersion: operators.coreos.com/v1alpha1
kind: Subscription
metadata: {{name: {name}, namespace: openshift-cnv}}
spec: {{name: {package}, source: redhat-operators, sourceNamespace: openshift-marketplace{more}}}"
    )
}

fn waiting(name: &str, package: &str, installed: &str, plan: &str) -> String {
    let subscription = subscription(name, package, ", installPlanApproval: Manual");
    format!("{subscription}\nstatus: {{{installed}installPlanRef: {{name: {plan}}}, state: UpgradePending}}")
}

fn plan(name: &str, csvs: &str, approved: bool, phase: &str) -> String {
    format!(
        "
apiVersion: operators.coreos.com/v1alpha1
kind: InstallPlan
metadata: {{name: {name}, namespace: openshift-cnv, creationTimestamp: \"2026-01-20T09:00:00Z\"}}
spec: {{clusterServiceVersionNames: [{csvs}], approval: Manual, approved: {approved}}}
status: {{phase: {phase}}}"
    )
}

const HCO_CSV: &str = "kubevirt-hyperconverged-operator.v4.19.4";
const INSTALLED: &str = "installedCSV: kubevirt-hyperconverged-operator.v4.19.3, ";

fn cluster(documents: &[&str], complete: &[&str]) -> Inventory {
    inventory(&documents.join("\n---\n"), complete)
}

fn word<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    answer.map_or_else(|_| "?".to_owned(), |a| format!("{a:?}"))
}

#[test]
fn manual_is_what_olm_compares_with() {
    for (written, approval) in [
        (", installPlanApproval: Manual", Approval::Manual),
        (", installPlanApproval: Automatic", Approval::Automatic),
        (", installPlanApproval: manual", Approval::Automatic),
        (", installPlanApproval: ''", Approval::Automatic),
        ("", Approval::Automatic),
    ] {
        let owned = Owned::new(&subscription("hco", DOWNSTREAM_PACKAGE, written));
        assert_eq!(Subscription::new(owned.object()).approval(), approval, "{written}");
    }
    let no_spec = Owned::new("{apiVersion: operators.coreos.com/v1alpha1, kind: Subscription, metadata: {name: x}}");
    assert_eq!(Subscription::new(no_spec.object()).approval(), Approval::Automatic);
}

#[test]
fn one_manual_subscription_makes_the_namespace_manual() {
    let hco = subscription("hco", DOWNSTREAM_PACKAGE, "");
    let manual = subscription("other", "other", ", installPlanApproval: Manual");
    let automatic = subscription("other", "other", "");
    let elsewhere = manual.replace("openshift-cnv", "elsewhere");
    for (others, complete, expected) in [
        (&[manual.as_str()][..], true, "Manual"),
        (&[manual.as_str()], false, "Manual"),
        (&[automatic.as_str()], true, "Automatic"),
        (&[automatic.as_str()], false, "?"),
        (&[elsewhere.as_str()], true, "Automatic"),
        (&[], false, "?"),
    ] {
        let inventory = cluster(others, if complete { ALL } else { &[] });
        let owned = Owned::new(&hco);
        let over = [owned.object()];
        let namespace = Namespace::of(owned.object(), &View::over(&inventory, &over));
        assert_eq!(word(namespace.approval()), expected, "{others:?}");
    }
}

#[test]
fn a_plan_waits_unless_it_is_approved_or_done() {
    for (approved, phase, pending) in [
        (false, "RequiresApproval", true),
        (false, "''", true),
        (false, "Planning", true),
        (false, "Complete", false),
        (false, "Failed", false),
        (true, "RequiresApproval", false),
        (true, "Installing", false),
    ] {
        let owned = Owned::new(&plan("install-a", HCO_CSV, approved, phase));
        assert_eq!(InstallPlan::new(owned.object()).is_pending(), pending, "{approved} {phase}");
    }
}

#[test]
fn a_plan_counts_when_a_subscription_waits_for_it_and_something_is_installed() {
    let hco = |installed, plan| waiting("hco", DOWNSTREAM_PACKAGE, installed, plan);
    let other = |installed, plan| waiting("other", "other", installed, plan);
    // Subscriptions, all of them?, CSVs of the plan -> referenced, first installation.
    for (subscriptions, complete, csvs, expected) in [
        (vec![hco(INSTALLED, "install-a")], true, HCO_CSV, "true false"),
        (vec![hco(INSTALLED, "install-a")], false, HCO_CSV, "true false"),
        (vec![hco("", "install-a")], true, HCO_CSV, "true true"),
        (vec![hco(INSTALLED, "install-b")], true, HCO_CSV, "false false"),
        (vec![hco(INSTALLED, "install-b")], false, HCO_CSV, "? false"),
        (vec![], true, HCO_CSV, "false true"),
        (vec![], false, HCO_CSV, "? ?"),
        // Another operator's first installation, in a namespace where the virtualization operator is installed.
        (vec![hco(INSTALLED, "install-b"), other("", "install-a")], true, "other.v1.0.0", "true true"),
        (vec![hco(INSTALLED, "install-b"), other("", "install-a")], false, "other.v1.0.0", "true ?"),
        (vec![other("installedCSV: other.v0.9.0, ", "install-a")], false, "other.v1.0.0", "true false"),
        // The virtualization operator's first installation, beside the update of another.
        (vec![hco("", "install-a"), other("installedCSV: other.v0.9.0, ", "install-a")], true, HCO_CSV, "true true"),
    ] {
        let documents: Vec<&str> = subscriptions.iter().map(String::as_str).collect();
        let inventory = cluster(&documents, if complete { ALL } else { &[] });
        let owned = Owned::new(&plan("install-a", csvs, false, "RequiresApproval"));
        let plan = InstallPlan::new(owned.object());
        let namespace = Namespace::of(owned.object(), &View::new(&inventory));
        let answers =
            format!("{} {}", word(plan.is_referenced(&namespace)), word(plan.is_first_installation(&namespace)));
        assert_eq!(answers, expected, "{documents:?}");
    }
}

#[test]
fn everything_that_a_plan_carries_is_named() {
    for (csvs, carries) in [
        ("kubevirt-hyperconverged-operator.v4.19.4", "kubevirt-hyperconverged-operator.v4.19.4 and nothing else"),
        (
            "a.v1.0.0, kubevirt-hyperconverged-operator.v4.19.4, b.v2.0.0, c.v3.0.0",
            "kubevirt-hyperconverged-operator.v4.19.4, and with it a.v1.0.0, b.v2.0.0 and c.v3.0.0",
        ),
        ("a.v1.0.0, b.v2.0.0", "a.v1.0.0, and with it b.v2.0.0"),
        ("", "nothing"),
    ] {
        let owned = Owned::new(&plan("install-a", csvs, false, "RequiresApproval"));
        assert_eq!(InstallPlan::new(owned.object()).carries(), carries);
    }
}

#[test]
fn a_plan_is_old_after_a_month_when_the_time_is_known() {
    let yaml = plan("install-a", HCO_CSV, false, "RequiresApproval");
    let owned = Owned::new(&yaml);
    let stale = |now: Option<&str>| {
        let empty = Inventory::default();
        let world = World {
            view: View::new(&empty),
            versions: &Versions::default(),
            now: now.map(|n| n.parse().unwrap()),
            defaults: &ClusterDefaults::default(),
        };
        let fact = compute(&FactSet::new(owned.object(), world)).unwrap();
        ["stale", "waits", "ageDays"].map(|field| format!("{:?}", fact.get(field).unwrap().value)).join(" ")
    };
    assert_eq!(
        stale(Some("2026-01-20T20:00:00Z")),
        "Bool(false) String(\"has waited for approval for less than a day\") Int(0)"
    );
    assert_eq!(
        stale(Some("2026-02-19T09:00:00Z")),
        "Bool(false) String(\"has waited for approval for 30 days\") Int(30)"
    );
    assert_eq!(
        stale(Some("2026-03-02T09:12:00Z")),
        "Bool(true) String(\"has waited for approval for 41 days\") Int(41)"
    );
    // A clock that runs ahead of the dump's makes no age.
    assert_eq!(
        stale(Some("2026-01-01T00:00:00Z")),
        "Bool(false) String(\"has waited for approval for less than a day\") Int(0)"
    );
    assert!(stale(None).starts_with("Bool(false) String(\"waits for approval\") Unknown("), "{}", stale(None));
}

#[test]
fn copies_of_a_csv_are_told_from_the_original() {
    for (metadata, status, copied) in [
        ("", "phase: Succeeded", false),
        ("", "phase: Succeeded, reason: Copied", true),
        (", labels: {olm.copiedFrom: openshift-cnv}", "", true),
        (", annotations: {olm.operatorNamespace: openshift-cnv}", "", true),
        (", annotations: {olm.operatorNamespace: shop}", "", false),
    ] {
        let owned = Owned::new(&format!(
            "
apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {{name: {HCO_CSV}, namespace: shop{metadata}}}
status: {{{status}}}"
        ));
        assert_eq!(Csv::new(owned.object()).is_copied(), copied, "{metadata} {status}");
    }
}

#[test]
fn a_catalog_is_healthy_when_it_answers() {
    for (status, healthy) in [
        ("connectionState: {lastObservedState: READY}", "true"),
        ("connectionState: {lastObservedState: IDLE}", "true"),
        ("connectionState: {lastObservedState: TRANSIENT_FAILURE}", "false"),
        ("connectionState: {lastObservedState: SHUTDOWN}", "false"),
        ("connectionState: {lastObservedState: READY}, reason: SpecInvalidError", "false"),
        ("connectionState: {lastObservedState: CONNECTING}", "?"),
        ("", "?"),
    ] {
        let owned = Owned::new(&format!(
            "
apiVersion: operators.coreos.com/v1alpha1
kind: CatalogSource
metadata: {{name: redhat-operators, namespace: openshift-marketplace}}
status: {{{status}}}"
        ));
        assert_eq!(word(CatalogSource::new(owned.object()).healthy()), healthy, "{status}");
    }
}

#[test]
fn a_catalog_feeds_the_virtualization_operator_when_its_subscription_names_it() {
    let catalog = Owned::new(
        "
apiVersion: operators.coreos.com/v1alpha1
kind: CatalogSource
metadata: {name: redhat-operators, namespace: openshift-marketplace}",
    );
    let hco = subscription("hco", DOWNSTREAM_PACKAGE, "");
    let other = subscription("other", "other", "");
    let mirrored = hco.replace("redhat-operators", "cs-redhat-operator-index");
    let namesake = hco.replace("openshift-marketplace", "shop");
    for (document, complete, expected) in [
        (&hco, false, "true"),
        (&other, true, "false"),
        (&mirrored, true, "false"),
        (&namesake, true, "false"),
        (&mirrored, false, "?"),
    ] {
        let inventory = cluster(&[document], if complete { ALL } else { &[] });
        let world = World {
            view: View::new(&inventory),
            versions: &Versions::default(),
            now: None,
            defaults: &ClusterDefaults::default(),
        };
        let feeds = CatalogSource::new(catalog.object()).feeds_virtualization(&world);
        assert_eq!(word(feeds), expected, "{document}");
    }
}

#[test]
fn what_expressions_read_of_a_subscription() {
    let other = waiting("other", "other", "installedCSV: other.v0.9.0, ", "install-a");
    let waits = plan("install-a", HCO_CSV, false, "RequiresApproval");
    let hco = subscription("hco", DOWNSTREAM_PACKAGE, "") + "\nstatus: {installPlanRef: {name: install-a}}";
    insta::assert_snapshot!(told(&SCHEMA, &hco, &cluster(&[&other, &waits], ALL), None, None), @r#"
    approval: Automatic
    approvalInForce: Manual
    catalog:
      exists: false
      healthy: false
      name: redhat-operators
      namespace: openshift-marketplace
    downstream: true
    fleetManaged: false
    forcedBy: [
        approval: Manual
        name: other
        package: other]
    neighbours: [
        approval: Manual
        name: other
        package: other]
    package: kubevirt-hyperconverged
    planWaits: true
    virtualization: true
    virtualizationInNamespace: true
    virtualizationSeen: true
    virtualizationSubscription: hco
    waitingPlan: install-a
    "#);
    insta::assert_snapshot!(told(&SCHEMA, &hco, &cluster(&[], &[]), None, None), @r#"
    approval: Automatic
    approvalInForce: ? Subscriptions of namespace openshift-cnv (not collected)
    catalog:
      exists: ? CatalogSource openshift-marketplace/redhat-operators (not collected)
      healthy: ? CatalogSource openshift-marketplace/redhat-operators (not collected)
      name: redhat-operators
      namespace: openshift-marketplace
    downstream: true
    fleetManaged: false
    forcedBy: []
    neighbours: ? Subscriptions of namespace openshift-cnv (not collected)
    package: kubevirt-hyperconverged
    planWaits: ? InstallPlan install-a (not collected)
    virtualization: true
    virtualizationInNamespace: true
    virtualizationSeen: true
    virtualizationSubscription: hco
    waitingPlan: ? InstallPlan install-a (not collected)
    "#);
    let nowhere = hco.replace(", namespace: openshift-cnv", "");
    insta::assert_snapshot!(told(&SCHEMA, &nowhere, &cluster(&[&other], ALL), None, None), @r#"
    approval: Automatic
    approvalInForce: ? the namespace of Subscription hco (not collected)
    catalog:
      exists: false
      healthy: false
      name: redhat-operators
      namespace: openshift-marketplace
    downstream: true
    fleetManaged: false
    forcedBy: []
    neighbours: ? the namespace of Subscription hco (not collected)
    package: kubevirt-hyperconverged
    planWaits: false
    virtualization: true
    virtualizationInNamespace: ? the namespace of Subscription hco (not collected)
    virtualizationSeen: false
    "#);
}

#[test]
fn what_expressions_read_of_a_plan() {
    let hco = waiting("hco", DOWNSTREAM_PACKAGE, INSTALLED, "install-a");
    let waits = plan("install-a", HCO_CSV, false, "RequiresApproval");
    insta::assert_snapshot!(told(&SCHEMA, &waits, &cluster(&[&hco], ALL), Some("2026-03-02T09:12:00Z"), None), @r#"
    ageDays: 41
    approvalInForce: Manual
    carries: kubevirt-hyperconverged-operator.v4.19.4 and nothing else
    csvs: [kubevirt-hyperconverged-operator.v4.19.4]
    firstInstallation: false
    forcedBy: [
        approval: Manual
        name: hco
        package: kubevirt-hyperconverged]
    pending: true
    referenced: true
    referencedBy: [hco]
    stale: true
    virtualization: true
    virtualizationInNamespace: true
    virtualizationSeen: true
    virtualizationSubscription: hco
    waits: has waited for approval for 41 days
    "#);
}

#[test]
fn what_expressions_read_is_declared() {
    let subscription = waiting("hco", UPSTREAM_PACKAGE, INSTALLED, "install-a");
    let plan = plan("install-a", HCO_CSV, false, "RequiresApproval");
    let csv = "{apiVersion: operators.coreos.com/v1alpha1, kind: ClusterServiceVersion, metadata: {name: a.v1.0.0}}";
    let catalog = "
apiVersion: operators.coreos.com/v1alpha1
kind: CatalogSource
metadata: {name: redhat-operators, namespace: openshift-marketplace}
status: {connectionState: {lastObservedState: READY}}";
    let inventory = cluster(&[&subscription, &plan, csv, catalog], ALL);
    let world = World {
        view: View::new(&inventory),
        versions: &Versions::default(),
        now: Some("2026-03-02T09:12:00Z".parse().unwrap()),
        defaults: &ClusterDefaults::default(),
    };
    let declared = fields();
    let mut judged = 0;
    for object in inventory.objects() {
        fits(&compute(&FactSet::new(object, world)).unwrap(), &declared).unwrap();
        judged += 1;
    }
    assert_eq!(judged, 4);
}
