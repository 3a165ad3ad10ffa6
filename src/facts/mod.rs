//! What KubeVirt, OLM and OpenShift would conclude about an object: pure functions from (object, inventory, versions) to
//! typed answers, each with its evidence and with what is missing for it.
//!
//! Knows those projects' code, version by version. Must not know policies, findings or files, nor ask a clock.
//!
//! One file a fact. Its typed answer is for Rust; its [`Fact`] is the same answer for expressions; its row in
//! [`SCHEMA`] declares the fields, the kinds that it is for and the kinds that it reads.

pub mod after_eviction;
mod answer;
pub mod cluster;
pub mod eviction;
#[cfg(test)]
mod fixture;
pub mod hyperconverged;
mod instancetype;
mod kinds;
pub mod look;
mod lookup;
pub mod migration;
pub mod olm;
mod storage;
#[cfg(test)]
mod testing;
pub mod versions;
pub mod workload;
pub mod workload_update;

use std::cell::OnceCell;

use jiff::Timestamp;

use crate::cel::{self, Fact};
use crate::inventory::{Kind, View};
use crate::object::Object;

use after_eviction::AfterEviction;
use eviction::Eviction;
use migration::Migration;
use workload::Workload;

pub use kinds::*;
pub use versions::{Version, Versions};

/// Everything that a fact may look at besides its object.
#[derive(Clone, Copy, Debug)]
pub struct World<'w> {
    /// The other objects; the judged one lies over its stored copy.
    pub view: View<'w>,
    /// What runs, and what is to run.
    pub versions: &'w Versions,
    /// The time that ages are counted to; `None` where there is none (manifests).
    pub now: Option<Timestamp>,
    /// What a person stated about the cluster, for what cannot be seen.
    pub defaults: &'w ClusterDefaults,
}

/// What `--cluster-default KEY=VALUE` states.
#[derive(Clone, Debug, Default)]
pub struct ClusterDefaults {
    /// `evictionStrategy`: what the cluster gives VMs that do not say.
    pub eviction_strategy: Option<String>,
    /// `defaultNetworkInterface`: the binding of guests that name no interface, `masquerade` or `bridge`.
    pub network_interface: Option<String>,
}

impl ClusterDefaults {
    /// Keys that can be stated, with what they take.
    pub const KEYS: &'static [(&'static str, &'static str)] = &[
        ("evictionStrategy", "None, LiveMigrate, LiveMigrateIfPossible or External"),
        ("defaultNetworkInterface", "masquerade or bridge"),
    ];

    /// States one default. `Err` says what would be right.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match (key, value) {
            ("evictionStrategy", "None" | "LiveMigrate" | "LiveMigrateIfPossible" | "External") => {
                self.eviction_strategy = Some(value.to_owned());
                Ok(())
            }
            ("defaultNetworkInterface", "masquerade" | "bridge") => {
                self.network_interface = Some(value.to_owned());
                Ok(())
            }
            _ => match Self::KEYS.iter().find(|(known, _)| *known == key) {
                Some((_, takes)) => Err(format!("'{value}' is no value for {key}, which takes {takes}")),
                None => {
                    let known: Vec<&str> = Self::KEYS.iter().map(|(k, _)| *k).collect();
                    Err(format!("'{key}' is no cluster default; known: {}", known.join(", ")))
                }
            },
        }
    }
}

/// A fact, declared.
#[derive(Clone, Copy)]
pub struct FactSchema {
    /// Its name below `facts`.
    pub name: &'static str,
    /// What it answers, in one sentence.
    pub answers: &'static str,
    /// Kinds that it is for; on others there is no such key.
    pub subjects: &'static [Kind],
    /// Kinds that it reads besides its subject.
    pub reads: &'static [Kind],
    /// The declared fields, for the checker.
    pub fields: fn() -> cel::Type,
    /// The answer; `None` when the object is no subject.
    pub compute: fn(&FactSet<'_>) -> Option<Fact>,
}

/// All facts, by name.
pub static SCHEMA: [FactSchema; 7] = [
    hyperconverged::SCHEMA,
    olm::SCHEMA,
    versions::SCHEMA,
    after_eviction::SCHEMA,
    eviction::SCHEMA,
    migration::SCHEMA,
    workload_update::SCHEMA,
];

/// The facts about one object, each computed on its first use; and the answers that several of them rest on.
pub struct FactSet<'w> {
    /// The object.
    pub object: Object<'w>,
    /// Everything else.
    pub world: World<'w>,
    cells: [OnceCell<Option<Fact>>; SCHEMA.len()],
    migration: OnceCell<Option<Migration>>,
    eviction: OnceCell<Option<Eviction>>,
}

impl<'w> FactSet<'w> {
    /// Nothing is computed yet.
    pub fn new(object: Object<'w>, world: World<'w>) -> Self {
        FactSet {
            object,
            world,
            cells: [const { OnceCell::new() }; SCHEMA.len()],
            migration: OnceCell::new(),
            eviction: OnceCell::new(),
        }
    }

    /// Whether the guest can be live-migrated; `None` when the object has none.
    pub fn migration(&self) -> Option<&Migration> {
        self.migration.get_or_init(|| Migration::of(self.object, &self.world)).as_ref()
    }

    /// The guest's evictionStrategy; `None` when the object has none.
    pub fn eviction(&self) -> Option<&Eviction> {
        self.eviction.get_or_init(|| Eviction::of(self.object, &self.world)).as_ref()
    }

    /// What a drain does to the guest; `None` when the object has none.
    pub fn after_eviction(&self) -> Option<AfterEviction> {
        let workload = Workload::of(self.object)?;
        Some(AfterEviction::judge(&workload, &self.world, self.eviction()?, self.migration()?))
    }
}

impl cel::Facts for FactSet<'_> {
    fn fact(&self, name: &str) -> Option<&Fact> {
        let at = SCHEMA.iter().position(|s| s.name == name)?;
        let (schema, cell) = (SCHEMA.get(at)?, self.cells.get(at)?);
        cell.get_or_init(|| (schema.compute)(self)).as_ref()
    }
}
