//! `facts`: what KubeVirt and OpenShift would conclude about an object, with everything that was looked at.

use std::path::PathBuf;

use anstyle::{AnsiColor, Effects, Style};
use clap::Args;
use jiff::Timestamp;

use super::choose::{chosen, place};
use super::input::{Dump, Manifests};
use super::options::{ClusterOptions, place_in_input};
use super::page::Page;
use super::terminal::{self, ScreenOptions, printable};
use crate::cel::{Fact, FactValue};
use crate::engine::Surroundings;
use crate::facts::eviction::Eviction;
use crate::facts::look::{Look, Looks, Mark};
use crate::facts::workload_update::WorkloadUpdate;
use crate::facts::{FactSchema, FactSet, SCHEMA, World};
use crate::finding::Unreadable;
use crate::inventory::{Entry, Inventory};
use crate::object::{Ground, MissingSet, Object};
use crate::report::summary::ExitCode;

const EXAMPLES: &str = "\
Examples:
  virt-guard facts apps/shop/db.yaml                       every object in the file that there are facts about
  virt-guard facts apps/shop/db.yaml db-0                  one of them
  virt-guard facts apps/shop/db.yaml --from upgrade-check  with what a cluster's dump knows
  virt-guard facts upgrade-check shop/db-0                 an object of a dump

  ✗ stands in the way   ✓ does not   ? not known   · worth knowing, decides nothing";

/// Show what KubeVirt and OpenShift would conclude about an object
///
/// Whether a VM can be live-migrated, which evictionStrategy is in force, what a drain does to it; approval of updates,
/// versions. Everything that was looked at is shown, so that a wrong verdict can be argued with.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A file or folder with the object; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which object: its name, namespace/name, or Kind/name
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// A cluster's dump, for the objects that the answer depends on
    #[arg(long, value_name = "DUMP", help_heading = "About the cluster")]
    from: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(flatten)]
    screen: ScreenOptions,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Seen { inventory, now, asked, unreadable } = self.read()?;
        let cluster = self.cluster.cluster(&inventory, now);
        let world = Surroundings { inventory: &inventory, cluster: &cluster }.world();
        let objects = match &asked {
            Some(manifests) => manifests.iter().map(Entry::object).collect(),
            None => inventory.objects().collect(),
        };
        let objects = self.selected(objects)?;
        let mut page = Page::new(terminal::width(), self.screen.colour());
        for (i, object) in objects.iter().enumerate() {
            if i > 0 {
                page.line("");
            }
            Screen { page: &mut page, unicode: self.screen.unicode() }.object(*object, &world);
        }
        terminal::print(&page.finish())?;
        unreadable.iter().for_each(|one| terminal::say(&place_in_input(one)));
        Ok(if unreadable.is_empty() { ExitCode::Clean } else { ExitCode::Incomplete })
    }

    /// A folder is looked at as a dump is: what it holds completely is known to be complete.
    fn read(&self) -> anyhow::Result<Seen> {
        if self.from.is_none() && self.file.is_dir() {
            let dump = Dump::read(&self.file)?;
            return Ok(Seen { inventory: dump.inventory, now: dump.now, asked: None, unreadable: dump.unreadable });
        }
        let manifests = Manifests::read(std::slice::from_ref(&self.file))?;
        let dump = self.from.as_deref().map(Dump::read).transpose()?;
        let Dump { mut inventory, now, mut unreadable, .. } = dump.unwrap_or_default();
        manifests.objects.iter().for_each(|entry| inventory.add(entry.clone()));
        unreadable.extend(manifests.unreadable);
        Ok(Seen { inventory, now, asked: Some(manifests.objects), unreadable })
    }

    fn selected<'m>(&self, objects: Vec<Object<'m>>) -> anyhow::Result<Vec<Object<'m>>> {
        let objects: Vec<Object<'_>> = objects.into_iter().filter(|object| has_facts(*object)).collect();
        let file = self.file.display();
        if objects.is_empty() {
            anyhow::bail!("{file}: no object that there are facts about; those are {}", SUBJECTS.join(", "));
        }
        match &self.name {
            Some(name) => chosen(&objects, name, &self.file, "that there are facts about"),
            None => Ok(objects),
        }
    }
}

/// What was read.
struct Seen {
    inventory: Inventory,
    now: Option<Timestamp>,
    /// The objects that were asked about; `None`: all of the inventory.
    asked: Option<Vec<Entry>>,
    unreadable: Vec<Unreadable>,
}

/// Kinds that people ask about, for the message when there is none of them.
const SUBJECTS: [&str; 5] =
    ["VirtualMachine", "VirtualMachineInstance", "Subscription", "InstallPlan", "HyperConverged and others"];

/// True for an object that there is something to say about.
fn has_facts(object: Object<'_>) -> bool {
    SCHEMA.iter().any(|fact| is_about(fact, object))
}

/// Whether a fact is about an object. Expressions may ask every object for the cluster's versions; a person asks those
/// that say them.
fn is_about(fact: &FactSchema, object: Object<'_>) -> bool {
    let kinds = if fact.name == "versions" { fact.reads } else { fact.subjects };
    kinds.iter().any(|kind| object.gvk.is(kind.group, kind.kind))
}

/// Column in which answers begin.
const ANSWERS: usize = 18;

struct Screen<'p> {
    page: &'p mut Page,
    unicode: bool,
}

impl Screen<'_> {
    fn object(&mut self, object: Object<'_>, world: &World<'_>) {
        let kubevirt = world.versions.kubevirt.map(|v| format!("KubeVirt {}", v.minor_text()));
        self.page.head(&object.reference().to_string(), kubevirt.as_deref().unwrap_or("KubeVirt's version not known"));
        let facts = FactSet::new(object, *world);
        if let Some(migration) = facts.migration() {
            let predicted = if migration.predicted { " (predicted)" } else { " (as its status says)" };
            self.answer("migration", &format!("{}{predicted}", migration.verdict.as_str()), &migration.looks);
        }
        if let Some(eviction) = facts.eviction() {
            self.answer("eviction", &in_force(eviction), &eviction.looks);
        }
        if let Some(after) = facts.after_eviction() {
            let outcome = after.known().map_or("Unknown", |outcome| outcome.text());
            self.answer("after eviction", outcome, &after.looks);
        }
        if let Some(update) = WorkloadUpdate::of(&facts) {
            self.answer("workload update", &updated(&update), &update.looks());
        }
        for fact in SCHEMA.iter().filter(|fact| !TYPED.contains(&fact.name) && is_about(fact, object)) {
            if let Some(answer) = (fact.compute)(&facts) {
                self.fact(fact.name, &answer, 2);
            }
        }
    }

    fn answer(&mut self, name: &str, answer: &str, looks: &Looks) {
        let answer = self.page.strong(&printable(answer));
        let width = ANSWERS - 2;
        self.page.line(format!("  {name:<width$}{answer}").trim_end());
        for look in looks.iter() {
            self.look(look);
        }
    }

    fn look(&mut self, look: &Look) {
        let at = look.evidence.first().and_then(Ground::location).map(|l| place(&l)).unwrap_or_default();
        let missing = if look.missing.is_empty() { String::new() } else { format!(": {}", needs(&look.missing)) };
        let text = printable(&format!("{}  {}{missing}", look.topic, look.text));
        let lead = format!("{} ", self.mark(look.mark));
        let used = ANSWERS + 4 + text.chars().count() + at.chars().count();
        match self.page.width().checked_sub(used) {
            Some(gap) if gap > 0 && !at.is_empty() => {
                self.page.line(&format!("{:ANSWERS$}{lead}{text}{:gap$}  {at}", "", ""));
            }
            _ => {
                let text = if at.is_empty() { text } else { format!("{text}  {at}") };
                self.page.hanging(ANSWERS, &lead, &text);
            }
        }
    }

    fn mark(&self, mark: Mark) -> String {
        let (unicode, ascii, colour) = match mark {
            Mark::Obstacle => ("✗", "x", AnsiColor::Red.on_default()),
            Mark::Pass => ("✓", "ok", AnsiColor::Green.on_default()),
            Mark::Open => ("?", "?", AnsiColor::Yellow.on_default()),
            Mark::Note => ("·", "-", Style::new().effects(Effects::DIMMED)),
        };
        self.page.paint(colour, if self.unicode { unicode } else { ascii })
    }

    /// A fact without a screen of its own: its fields, indented.
    fn fact(&mut self, name: &str, fact: &Fact, indent: usize) {
        let pad = ANSWERS.saturating_sub(indent).max(name.chars().count() + 2);
        let value = match &fact.value {
            FactValue::Map(fields) if !fields.is_empty() => {
                self.page.line(&format!("{:indent$}{name}", ""));
                return fields.iter().for_each(|(key, value)| self.fact(key, value, indent + 2));
            }
            FactValue::List(elements) if elements.iter().any(|e| matches!(e.value, FactValue::Map(_))) => {
                return elements.iter().for_each(|element| self.fact(name, element, indent));
            }
            value => shown(value),
        };
        let at = fact
            .evidence
            .first()
            .and_then(Ground::location)
            .map(|l| place(&l))
            .map(|at| format!("  {at}"))
            .unwrap_or_default();
        self.page.hanging(indent, &format!("{name:<pad$}"), &format!("{value}{at}"));
    }
}

/// Facts that have a screen of their own.
const TYPED: [&str; 4] = ["migration", "eviction", "afterEviction", "workloadUpdate"];

fn in_force(eviction: &Eviction) -> String {
    match &eviction.in_force {
        Ok(said) => format!("{}   {}", said.strategy.as_str(), eviction.origin),
        Err(missing) => format!("Unknown: {}", needs(missing)),
    }
}

/// What becomes of a VMI; of what configures it, the methods.
fn updated(answer: &WorkloadUpdate) -> String {
    match (&answer.update, &answer.methods) {
        (Some(Ok(of)), _) => of.update.as_str().to_owned(),
        (Some(Err(_)), _) | (None, Err(_)) => "Unknown".to_owned(),
        (None, Ok(methods)) if methods.methods.is_empty() => "off".to_owned(),
        (None, Ok(methods)) => methods.methods.join(", "),
    }
}

fn needs(missing: &MissingSet) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn shown(value: &FactValue) -> String {
    match value {
        FactValue::Unknown(missing) => format!("not known: {}", needs(missing)),
        FactValue::Null => "nothing".to_owned(),
        FactValue::Bool(b) => b.to_string(),
        FactValue::Int(i) => i.to_string(),
        FactValue::String(s) if s.is_empty() => "-".to_owned(),
        FactValue::String(s) => s.to_string(),
        FactValue::List(elements) if elements.is_empty() => "none".to_owned(),
        FactValue::List(elements) => elements.iter().map(|e| shown(&e.value)).collect::<Vec<_>>().join(", "),
        FactValue::Map(fields) if fields.is_empty() => "none".to_owned(),
        FactValue::Map(fields) => {
            let field = |(key, value): &(_, Fact)| format!("{key} {}", shown(&value.value));
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
    }
}
