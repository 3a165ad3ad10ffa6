//! `facts.hyperconverged`: whether HyperConverged is well, and if not, in what.
//!
//! Knows its conditions as hyperconverged-cluster-operator writes them (controllers/hyperconverged/
//! hyperconverged_controller.go). Must not know its spec.

use crate::cel::{Fact, FactValue, Type};
use crate::facts::answer::{Answer, fact};
use crate::facts::{FactSchema, FactSet, HYPER_CONVERGED};
use crate::object::{Cause, Ground, Missing, MissingSet, Node, Object};

/// The declaration.
pub const SCHEMA: FactSchema = FactSchema {
    name: "hyperconverged",
    answers: "Whether the conditions of HyperConverged are the healthy set, and which deviate from it.",
    subjects: &[HYPER_CONVERGED],
    reads: &[],
    fields,
    compute: |of: &FactSet<'_>| {
        let object = of.object;
        object.gvk.is(HYPER_CONVERGED.group, HYPER_CONVERGED.kind).then(|| facts(&Health::of(object)))
    },
};

/// The exact healthy set; an operator update starts from it and ends in it.
const HEALTHY: [(&str, &str); 5] = [
    ("ReconcileComplete", "True"),
    ("Available", "True"),
    ("Progressing", "False"),
    ("Degraded", "False"),
    ("Upgradeable", "True"),
];

/// A condition that is not as it is when all is well.
#[derive(Clone, Copy, Debug)]
pub struct Deviation<'t> {
    /// The HyperConverged.
    pub object: Object<'t>,
    /// The condition.
    pub condition: Node<'t>,
    /// Its type.
    pub kind: &'static str,
    /// Its status when all is well.
    pub expected: &'static str,
}

impl<'t> Deviation<'t> {
    fn text(&self, key: &str) -> &'t str {
        self.condition.str_at(&[key]).unwrap_or_default()
    }

    /// Conditions have no name, so their place in the list may change: the cause is the condition's type.
    fn evidence(&self) -> Vec<Ground> {
        let Some(node) = self.condition.get("status") else { return Vec::new() };
        let cause = Cause { key: self.kind.to_owned(), text: self.says() };
        let stable_path = format!("status.conditions[type={}].status", self.kind);
        vec![Ground::of(self.object, node).known_as(stable_path).cause(cause)]
    }

    /// True for what passes by itself: Progressing, and an Upgradeable that is False because of it. HyperConverged gives
    /// both the same reason, `<component>Progressing` or `HCOUpgrading` (operands, handleOperandProgressingCond).
    fn is_progress(&self) -> bool {
        let reason = self.text("reason");
        match self.kind {
            "Progressing" => true,
            "Upgradeable" => reason.ends_with("Progressing") || reason == "HCOUpgrading",
            _ => false,
        }
    }

    /// `Degraded is True (KubeVirtDegraded)`.
    fn says(&self) -> String {
        let (status, reason) = (self.text("status"), self.text("reason"));
        if reason.is_empty() {
            format!("{} is {status}", self.kind)
        } else {
            format!("{} is {status} ({reason})", self.kind)
        }
    }
}

/// The health of one HyperConverged.
#[derive(Clone, Debug)]
pub struct Health<'t> {
    /// What deviates for certain, in the order of the healthy set.
    pub deviations: Vec<Deviation<'t>>,
    /// What it has not reported; a status `Unknown` is one of these.
    pub missing: MissingSet,
}

impl<'t> Health<'t> {
    /// Reads the conditions. A status that is about an older spec says nothing: everything is missing then.
    pub fn of(object: Object<'t>) -> Self {
        let mut health = Health { deviations: Vec::new(), missing: MissingSet::new() };
        if is_stale(object) {
            health
                .missing
                .insert(Missing::not_reported(format!("the status of {} after its last change", object.reference())));
            return health;
        }
        for (kind, expected) in HEALTHY {
            let condition = object.root.list_at(&["status", "conditions"]).find(|c| c.str_at(&["type"]) == Some(kind));
            match condition.and_then(|c| Some((c, c.str_at(&["status"])?))) {
                Some((_, status)) if status == expected => {}
                Some((condition, "True" | "False")) => {
                    health.deviations.push(Deviation { object, condition, kind, expected });
                }
                _ => {
                    health.missing.insert(Missing::not_reported(format!("condition {kind} of {}", object.reference())));
                }
            }
        }
        health
    }

    /// One certain deviation decides, even while others are open.
    pub fn healthy(&self) -> Answer<bool> {
        match (self.deviations.is_empty(), self.missing.is_empty()) {
            (false, _) => Ok(false),
            (true, true) => Ok(true),
            (true, false) => Err(self.missing.clone()),
        }
    }

    /// True when all that deviates for certain is work under way, which passes by itself.
    pub fn only_progressing(&self) -> bool {
        !self.deviations.is_empty() && self.deviations.iter().all(Deviation::is_progress)
    }

    /// True while the operator brings its components to a new version.
    pub fn upgrading(&self) -> Answer<bool> {
        let upgrading = |d: &Deviation<'_>| d.kind == "Progressing" && d.text("reason") == "HCOUpgrading";
        match self.deviations.iter().any(upgrading) {
            true => Ok(true),
            false if self.missing.is_empty() => Ok(false),
            false => Err(self.missing.clone()),
        }
    }

    /// The one to look at first: what the operator says about a component that is broken, before what follows from it.
    fn gravest(&self) -> Option<&Deviation<'t>> {
        let order = ["Degraded", "Available", "ReconcileComplete", "Upgradeable", "Progressing"];
        order.iter().find_map(|kind| self.deviations.iter().find(|d| d.kind == *kind))
    }
}

/// The status is about the spec as it stands when the generations agree; older operators do not say, and are believed.
fn is_stale(object: Object<'_>) -> bool {
    let Some(generation) = object.root.int_at(&["metadata", "generation"]) else { return false };
    let observed = object.root.int_at(&["status", "observedGeneration"]).or_else(|| {
        object.root.list_at(&["status", "conditions"]).filter_map(|c| c.int_at(&["observedGeneration"])).max()
    });
    observed.is_some_and(|observed| observed != generation)
}

fn facts(health: &Health<'_>) -> Fact {
    let evidence: Vec<Ground> = health.deviations.iter().rev().flat_map(|d| d.evidence()).collect();
    let deviations = FactValue::List(health.deviations.iter().map(deviation).collect());
    let list = if health.deviations.is_empty() && !health.missing.is_empty() {
        Err(health.missing.clone())
    } else {
        Ok(deviations)
    };
    let says = health.deviations.iter().map(Deviation::says).collect::<Vec<_>>().join(", ");
    let gravest = health.gravest();
    let message = gravest.map(|d| d.text("message").to_owned()).unwrap_or_default();
    let message_evidence = gravest.map(|d| d.evidence()).unwrap_or_default();
    Fact::map([
        ("healthy", fact(health.healthy(), gravest.map(|d| d.evidence()).unwrap_or_else(|| evidence.clone()))),
        ("onlyProgressing", Fact::with(health.only_progressing(), evidence.clone())),
        ("upgrading", fact(health.upgrading(), evidence.clone())),
        ("deviations", fact(list, evidence.clone())),
        ("says", fact(health.healthy().map(|_| says), evidence)),
        ("message", fact(health.healthy().map(|_| message), message_evidence)),
    ])
}

fn deviation(d: &Deviation<'_>) -> Fact {
    let entries = [
        ("type", Fact::new(d.kind)),
        ("status", Fact::with(d.text("status").to_owned(), d.evidence())),
        ("expected", Fact::new(d.expected)),
        ("reason", Fact::new(d.text("reason").to_owned())),
        ("message", Fact::new(d.text("message").to_owned())),
    ];
    Fact { evidence: d.evidence(), ..Fact::map(entries) }
}

fn fields() -> Type {
    let deviation = Type::object(
        "facts.hyperconverged.deviation",
        ["type", "status", "expected", "reason", "message"].map(|field| (field, Type::String)),
    );
    Type::object(
        "facts.hyperconverged",
        [
            ("healthy", Type::Bool),
            ("onlyProgressing", Type::Bool),
            ("upgrading", Type::Bool),
            ("deviations", Type::list(deviation)),
            ("says", Type::String),
            ("message", Type::String),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fixture::{Owned, fits, inventory, told};

    fn hyperconverged(generation: i64, conditions: &[(&str, &str, &str)]) -> String {
        let conditions = conditions.iter().map(|(kind, status, reason)| {
            format!("  - {{type: {kind}, status: \"{status}\", reason: {reason}, message: \"{kind} says\", observedGeneration: 3}}")
        });
        format!(
            "
apiVersion: hco.kubevirt.io/v1beta1
kind: HyperConverged
metadata: {{name: kubevirt-hyperconverged, namespace: openshift-cnv, generation: {generation}}}
status:
  observedGeneration: 3
  conditions:
{}",
            conditions.collect::<Vec<_>>().join("\n")
        )
    }

    const DONE: &str = "ReconcileCompleted";

    fn healthy_but(changes: &[(&'static str, &'static str, &'static str)]) -> String {
        let mut all = HEALTHY.map(|(kind, status)| (kind, status, DONE));
        for change in changes {
            *all.iter_mut().find(|c| c.0 == change.0).unwrap() = *change;
        }
        hyperconverged(3, &all)
    }

    /// healthy, only progressing, upgrading; `?` for Unknown.
    fn judged(yaml: &str) -> String {
        let owned = Owned::new(yaml);
        let health = Health::of(owned.object());
        let word = |a: Answer<bool>| a.map_or("?".to_owned(), |b| b.to_string());
        [health.healthy(), Ok(health.only_progressing()), health.upgrading()].map(word).join(" ")
    }

    #[test]
    fn exactly_one_set_of_conditions_is_healthy() {
        for (changes, expected) in [
            (&[][..], "true false false"),
            (&[("ReconcileComplete", "False", "ReconcileFailed")], "false false false"),
            (&[("Available", "False", "KubeVirtNotAvailable")], "false false false"),
            (&[("Degraded", "True", "KubeVirtDegraded")], "false false false"),
            (&[("Upgradeable", "False", "SomeComponent")], "false false false"),
            // Work under way passes by itself, with the Upgradeable that follows from it.
            (&[("Progressing", "True", "CDIProgressing")], "false true false"),
            (
                &[("Progressing", "True", "CDIProgressing"), ("Upgradeable", "False", "CDIProgressing")],
                "false true false",
            ),
            (&[("Progressing", "True", "HCOUpgrading"), ("Upgradeable", "False", "HCOUpgrading")], "false true true"),
            (&[("Progressing", "True", "CDIProgressing"), ("Upgradeable", "False", "Other")], "false false false"),
            (&[("Progressing", "True", "CDIProgressing"), ("Degraded", "True", "CDIDegraded")], "false false false"),
            // What the operator does not know, nobody knows; unless something else decides.
            (&[("Available", "Unknown", "StatusUnknown")], "? false ?"),
            (&[("Available", "Unknown", "StatusUnknown"), ("Degraded", "True", "X")], "false false ?"),
            (&[("Available", "Unknown", "StatusUnknown"), ("Progressing", "True", "HCOUpgrading")], "false true true"),
        ] {
            assert_eq!(judged(&healthy_but(changes)), expected, "{changes:?}");
        }
    }

    #[test]
    fn a_status_about_an_older_spec_says_nothing() {
        let broken = [("Degraded", "True", "KubeVirtDegraded")];
        assert_eq!(judged(&hyperconverged(4, &broken)), "? false ?");
        let silent = hyperconverged(4, &broken).replace("observedGeneration", "other");
        assert_eq!(judged(&silent), "false false ?");
        let conditions_only = hyperconverged(4, &broken).replace("  observedGeneration: 3\n", "");
        assert_eq!(judged(&conditions_only), "? false ?");
    }

    #[test]
    fn no_conditions_are_no_health() {
        assert_eq!(judged(&hyperconverged(3, &[])), "? false ?");
        assert_eq!(judged(&hyperconverged(3, &[("Available", "True", DONE)])), "? false ?");
    }

    #[test]
    fn what_expressions_read() {
        let empty = inventory("", &[]);
        let broken =
            healthy_but(&[("Upgradeable", "False", "KubeVirtDegraded"), ("Degraded", "True", "KubeVirtDegraded")]);
        insta::assert_snapshot!(told(&SCHEMA, &broken, &empty, None, None), @r#"
        deviations: [
            expected: False
            message: Degraded says
            reason: KubeVirtDegraded
            status: True
            type: Degraded, 
            expected: True
            message: Upgradeable says
            reason: KubeVirtDegraded
            status: False
            type: Upgradeable]
        healthy: false
        message: Degraded says
        onlyProgressing: false
        says: Degraded is True (KubeVirtDegraded), Upgradeable is False (KubeVirtDegraded)
        upgrading: false
        "#);
        let stale = hyperconverged(4, &[]);
        insta::assert_snapshot!(told(&SCHEMA, &stale, &empty, None, None), @r#"
        deviations: ? the status of HyperConverged openshift-cnv/kubevirt-hyperconverged after its last change (not reported yet)
        healthy: ? the status of HyperConverged openshift-cnv/kubevirt-hyperconverged after its last change (not reported yet)
        message: ? the status of HyperConverged openshift-cnv/kubevirt-hyperconverged after its last change (not reported yet)
        onlyProgressing: false
        says: ? the status of HyperConverged openshift-cnv/kubevirt-hyperconverged after its last change (not reported yet)
        upgrading: ? the status of HyperConverged openshift-cnv/kubevirt-hyperconverged after its last change (not reported yet)
        "#);
    }

    #[test]
    fn evidence_is_the_status_of_the_gravest_condition() {
        let broken =
            healthy_but(&[("Upgradeable", "False", "KubeVirtDegraded"), ("Degraded", "True", "KubeVirtDegraded")]);
        let owned = Owned::new(&broken);
        let fact = facts(&Health::of(owned.object()));
        fits(&fact, &fields()).unwrap();
        let paths: Vec<String> =
            fact.get("healthy").unwrap().evidence.iter().map(|e| e.evidence().to_string()).collect();
        assert_eq!(paths, ["status.conditions[3].status: True"]);
    }
}
