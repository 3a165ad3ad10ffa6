//! Where policies, facts and inventory meet: judge one request, scan many objects, run a policy's cases, evaluate
//! one expression.
//!
//! Knows which facts exist and hands them to policies as values. Must not know files, sockets, clocks or how anything is
//! shown. The same policy, object and facts give the same finding whichever function is called.

mod cases;
mod embedded;
mod evaluate;
mod force;
mod machines;
mod mutate;
mod purse;
mod reads;
mod request;
mod scan;

use jiff::Timestamp;

use crate::facts::{self, ClusterDefaults, Versions};
use crate::inventory::Inventory;
use crate::policy::{self, FactDeclaration, PolicyFile, PolicySet, Problem};

pub use cases::{CaseError, CaseRun, Played, example, play, run_case};
pub use embedded::{EMBEDDED, EmbeddedPolicy};
pub use evaluate::{Answer, Ask, Outcome, Refused, evaluate};
pub use machines::cluster_summary;
pub use mutate::{Busy, Mutated, Step, mutate};
pub use reads::kinds_read;
pub use request::{Address, FACT_VALUES, Request, fact_of, judge, judge_until, kind_of_resource, resource_of};
pub use scan::scan;

/// What is known about the cluster besides its objects.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// What runs, and what is to run.
    pub versions: Versions,
    /// The time that ages are counted to.
    pub now: Option<Timestamp>,
    /// What a person stated.
    pub defaults: ClusterDefaults,
}

/// The inventory that is judged against, and what else is known.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'e> {
    /// The other objects.
    pub inventory: &'e Inventory,
    /// Versions, time, defaults.
    pub cluster: &'e Cluster,
}

/// The facts, as policies are checked against them.
pub fn fact_declarations() -> Vec<FactDeclaration> {
    facts::SCHEMA
        .iter()
        .map(|s| FactDeclaration {
            name: s.name,
            fields: (s.fields)(),
            subjects: s.subjects.iter().map(|k| (k.group, k.plural)).collect(),
        })
        .collect()
}

/// The built-in policies, and those of the user's files: (name, text).
pub fn load_policies<'f>(users: impl IntoIterator<Item = (&'f str, &'f str)>) -> (PolicySet, Vec<Problem>) {
    load_files(EMBEDDED.iter().map(EmbeddedPolicy::as_json), users)
}

/// Some built-in policies, and those of the user's files: (name, text).
pub fn load_files<'e, 'f>(
    embedded: impl IntoIterator<Item = (&'e str, &'e str)>,
    users: impl IntoIterator<Item = (&'f str, &'f str)>,
) -> (PolicySet, Vec<Problem>) {
    let mut files: Vec<PolicyFile<'_>> = Vec::new();
    files.extend(embedded.into_iter().map(|(name, text)| PolicyFile { name, text, embedded: true }));
    files.extend(users.into_iter().map(|(name, text)| PolicyFile { name, text, embedded: false }));
    policy::load(&files, &fact_declarations())
}
