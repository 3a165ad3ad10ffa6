//! `facts.migration`: can this guest be live-migrated, and everything that stands in its way.
//!
//! Knows how virt-handler decides it (kubevirt pkg/virt-handler/vm.go, calculateLiveMigrationCondition) and how to foresee
//! it. virt-handler names one reason and stops; here every rule is asked. Must not know eviction. Whether a node would take
//! the guest is another question (`facts.drain`).
//!
//! A running VMI's own condition has the last word. It is completed by what the rules foresee behind the first reason.

mod devices;
mod disks;
mod features;
mod network;
mod observed;
mod predict;
#[cfg(test)]
mod tests;

use super::look::{Look, Looks, Mark, known};
use super::workload::{READS, WORKLOADS, Workload};
use super::{FactSchema, FactSet, World};
use crate::cel::{self, Fact};
use crate::object::{Ground, MissingSet, Object};

/// Whether a guest can be live-migrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing stands in the way.
    Migratable,
    /// At least one thing surely does.
    NotMigratable,
    /// Nothing surely does, and something that may was not seen.
    Unknown,
}

impl Verdict {
    /// As screens write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Migratable => "Migratable",
            Verdict::NotMigratable => "NotMigratable",
            Verdict::Unknown => "Unknown",
        }
    }
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The conclusion.
    pub verdict: Verdict,
    /// True where it was concluded from the spec; false where a running VMI's status says it.
    pub predicted: bool,
    /// Everything that was looked at; the obstacles are among them.
    pub looks: Looks,
}

impl Migration {
    /// The answer for a workload; `None` for another kind.
    pub fn of(object: Object<'_>, world: &World<'_>) -> Option<Self> {
        Workload::of(object).map(|workload| Migration::of_workload(&workload, world))
    }

    /// The answer for a workload. A VirtualMachine is judged by its template, which is about its next start.
    pub fn of_workload(workload: &Workload<'_>, world: &World<'_>) -> Self {
        let looks = predict::looks(workload, world);
        match workload.is_active() {
            true => observed::with_status(workload, world, looks),
            false => Migration { verdict: verdict(&looks), predicted: true, looks },
        }
    }

    /// What surely stands in the way.
    pub fn obstacles(&self) -> impl Iterator<Item = &Look> {
        self.looks.of(Mark::Obstacle)
    }

    /// The obstacles as the end of a sentence: `volume data is ReadWriteOnce on storage class local-path, and 2 more`. Empty
    /// without any.
    pub fn summary(&self) -> String {
        let mut texts = self.obstacles().map(|o| &*o.text);
        let Some(first) = texts.next() else { return String::new() };
        match texts.count() {
            0 => first.to_owned(),
            more => format!("{first}, and {more} more"),
        }
    }

    /// What would do away with the obstacles, as a request; where several have to go, one after the other. Empty without any,
    /// and where nothing helps but to live with them.
    pub fn remedy(&self) -> String {
        let mut remedies: Vec<&str> = Vec::new();
        for remedy in self.obstacles().map(remedy) {
            match remedy {
                Some(remedy) if !remedies.contains(&remedy) => remedies.push(remedy),
                Some(_) => {}
                // One that stays makes the others vain.
                None => return String::new(),
            }
        }
        remedies.join(" and ")
    }

    /// What the verdict rests on: the obstacles, else what passed.
    pub fn evidence(&self) -> Vec<Ground> {
        match self.verdict {
            Verdict::NotMigratable => self.looks.evidence(Mark::Obstacle),
            _ => self.looks.evidence(Mark::Pass),
        }
    }

    /// True or false, or what is missing to say it.
    pub fn is_migratable(&self) -> Result<bool, MissingSet> {
        match self.verdict {
            Verdict::Unknown => Err(self.looks.missing()),
            verdict => Ok(verdict == Verdict::Migratable),
        }
    }

    /// The answer for expressions.
    pub fn fact(&self) -> Fact {
        let verdict = known(&self.is_migratable(), |_| Fact::with(self.verdict.as_str(), self.evidence()));
        Fact::map([
            ("verdict", verdict),
            ("predicted", Fact::new(self.predicted)),
            ("obstacles", Fact::list(self.obstacles().map(obstacle_fact))),
            ("summary", Fact::with(self.summary(), self.looks.evidence(Mark::Obstacle))),
            ("remedy", Fact::new(self.remedy())),
        ])
    }
}

/// What does away with an obstacle; `None` where the guest needs what stands in the way.
fn remedy(obstacle: &Look) -> Option<&'static str> {
    match &*obstacle.topic {
        "DisksNotLiveMigratable" => Some("move its disks to a storage class that offers ReadWriteMany"),
        "InterfaceNotLiveMigratable" => Some("connect it to the pod network by masquerade"),
        "NoTSCFrequencyNotLiveMigratable" => Some("switch Hyper-V re-enlightenment off"),
        "HypervPassthroughNotLiveMigratable" => Some("name the Hyper-V features it needs instead of hypervPassthrough"),
        "CPUModeLiveMigratable" => Some("give it a CPU model other than host-model"),
        observed::NOT_REPORTED => Some("wait until it has started, or see why it does not"),
        _ => None,
    }
}

fn obstacle_fact(obstacle: &Look) -> Fact {
    let first = obstacle.evidence.first();
    let field = first.map(|e| e.path().to_string()).unwrap_or_default();
    let elsewhere = obstacle.evidence.iter().find(|e| first.is_some_and(|f| !f.object().is_same(e.object())));
    let value = Fact::map([
        ("reason", Fact::new(obstacle.topic.clone())),
        ("message", Fact::new(obstacle.text.clone())),
        ("field", Fact::new(field)),
        ("related", Fact::new(elsewhere.map(|e| e.object().reference().to_string()).unwrap_or_default())),
    ]);
    Fact { evidence: obstacle.evidence.clone(), ..value }
}

fn verdict(looks: &Looks) -> Verdict {
    if looks.of(Mark::Obstacle).next().is_some() {
        Verdict::NotMigratable
    } else if looks.of(Mark::Open).next().is_some() {
        Verdict::Unknown
    } else {
        Verdict::Migratable
    }
}

/// How expressions know it.
pub const SCHEMA: FactSchema = FactSchema {
    name: "migration",
    answers: "Whether a guest can be live-migrated, and everything that stands in its way.",
    subjects: WORKLOADS,
    reads: READS,
    fields,
    compute,
};

fn fields() -> cel::Type {
    use cel::Type;
    let obstacle = Type::object(
        "facts.migration.obstacles",
        [("reason", Type::String), ("message", Type::String), ("field", Type::String), ("related", Type::String)],
    );
    Type::object(
        "facts.migration",
        [
            ("verdict", Type::String),
            ("predicted", Type::Bool),
            ("obstacles", Type::list(obstacle)),
            ("summary", Type::String),
            ("remedy", Type::String),
        ],
    )
}

fn compute(of: &FactSet<'_>) -> Option<Fact> {
    of.migration().map(Migration::fact)
}
