//! `facts.workloadUpdate`: how running guests get the new virt-launcher after an update, and whether they would.
//!
//! Knows the two places where it is said and that "absent" means opposite things there: HyperConverged's CRD fills in
//! LiveMigrate (hyperconverged-cluster-operator deploy/crds/hco00.crd.yaml), KubeVirt has no default (kubevirt
//! pkg/virt-controller/watch/workload-updater/workload-updater.go). An empty list switches updates off in both.

use super::after_eviction::{AfterEviction, Outcome};
use super::cluster::{Cluster, hyperconverged_keys, is_managed};
use super::eviction::Eviction;
use super::look::{Looks, known};
use super::migration::Migration;
use super::versions::applies;
use super::workload::{Form, Workload};
use super::{HYPER_CONVERGED, KUBE_VIRT, World};
use crate::cel::{self, Fact};
use crate::object::{Evidence, Missing, MissingSet, Node, Object};

/// What virt-controller acts on; it passes over every other word in silence.
const METHODS: [&str; 2] = ["LiveMigrate", "Evict"];

/// How the methods are declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// A list with entries.
    Explicit,
    /// An empty list: off, on purpose.
    Empty,
    /// Nothing, and the CRD fills in LiveMigrate.
    Default,
    /// Nothing, and nothing fills it in: off.
    Absent,
}

impl Declared {
    /// As expressions and JSON have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Declared::Explicit => "explicit",
            Declared::Empty => "empty",
            Declared::Default => "default",
            Declared::Absent => "absent",
        }
    }
}

/// The methods in force, and where it says so.
#[derive(Clone, Debug)]
pub struct Methods {
    /// Those that virt-controller acts on.
    pub methods: Vec<&'static str>,
    /// How they are declared.
    pub declared: Declared,
    /// Where.
    pub evidence: Evidence,
}

/// What the workload updater does with an outdated VMI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// It is migrated.
    Migrates,
    /// Its pod is evicted, and what then happens is another fact.
    Evicts,
    /// It keeps its old virt-launcher until somebody restarts it.
    Never,
}

impl Update {
    /// As expressions and JSON have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Update::Migrates => "Migrates",
            Update::Evicts => "Evicts",
            Update::Never => "Never",
        }
    }
}

/// The answer.
#[derive(Clone, Debug)]
pub struct WorkloadUpdate {
    /// The methods in force.
    pub methods: Result<Methods, MissingSet>,
    /// What is wrong with how they are declared: half a sentence and where.
    pub problems: Vec<(String, Evidence)>,
    /// True for a KubeVirt that HyperConverged writes; what is changed there does not stay.
    pub managed: bool,
    /// MachineConfigPools that are paused, as the way through two minors at once asks for.
    pub paused_pools: Vec<String>,
    /// Running guests with an old virt-launcher, as KubeVirt counts them; of a VMI 1 or 0, by its label.
    pub outdated: i64,
    /// What happens to this VMI, and why, as half a sentence.
    pub update: Option<Result<(Update, String, Vec<Evidence>), MissingSet>>,
}

/// The label that virt-controller puts on a VMI with an old virt-launcher (pkg/virt-controller/watch/vmi/lifecycle.go).
const OUTDATED: &str = "kubevirt.io/outdatedLauncherImage";

impl WorkloadUpdate {
    /// The answer for a HyperConverged, a KubeVirt or a VirtualMachineInstance; `None` for another kind.
    pub fn of(object: Object<'_>, world: &World<'_>) -> Option<Self> {
        let cluster = Cluster::of(world);
        let is = |kind: crate::inventory::Kind| object.gvk.is(kind.group, kind.kind);
        let workload = Workload::of(object).filter(|w| w.form == Form::Instance);
        let mut answer = WorkloadUpdate {
            methods: Err(MissingSet::new()),
            problems: Vec::new(),
            managed: false,
            paused_pools: cluster.paused_pools().iter().map(|p| p.name().to_owned()).collect(),
            outdated: 0,
            update: None,
        };
        if is(HYPER_CONVERGED) {
            let keys = hyperconverged_keys(object, &STANZA, &["virtualization", "workloadUpdateStrategy"]);
            answer.problems = problems(object, &keys);
            answer.methods = Ok(of_hyperconverged(object, world));
        } else if is(KUBE_VIRT) {
            answer.managed = is_managed(object);
            answer.problems = problems(object, &["spec", "workloadUpdateStrategy"]);
            answer.methods = Ok(of_kubevirt(object));
            answer.outdated =
                object.root.int_at(&["status", "outdatedVirtualMachineInstanceWorkloads"]).unwrap_or_default();
        } else {
            let workload = workload?;
            answer.methods = in_force(&cluster, world).map_err(|missing| [missing].into());
            answer.outdated = i64::from(object.label(OUTDATED).is_some());
            answer.update = Some(update(&workload, world, &answer.methods));
        }
        Some(answer)
    }

    /// True when no running guest would be updated.
    pub fn is_off(&self) -> Result<bool, MissingSet> {
        self.methods.as_ref().map(|m| m.methods.is_empty()).map_err(Clone::clone)
    }

    /// What was looked at.
    pub fn looks(&self) -> Looks {
        let mut looks = Looks::default();
        match &self.methods {
            Ok(m) => {
                let text = if m.methods.is_empty() { "off".to_owned() } else { m.methods.join(", ") };
                looks.note("workload update", format!("{text} ({})", m.declared.as_str()), vec![m.evidence.clone()]);
            }
            Err(missing) => {
                for missing in missing {
                    looks.open("workload update", "its methods are configured there", missing.clone());
                }
            }
        }
        for (text, evidence) in &self.problems {
            looks.note("workload update", text.clone(), vec![evidence.clone()]);
        }
        match &self.update {
            Some(Ok((_, reason, evidence))) => looks.note("this VMI", reason.clone(), evidence.clone()),
            Some(Err(missing)) => {
                for missing in missing {
                    looks.open("this VMI", "decides whether it is updated", missing.clone());
                }
            }
            None => {}
        }
        looks
    }

    /// The answer for expressions.
    pub fn fact(&self) -> Fact {
        let from = |m: &Methods| vec![m.evidence.clone()];
        let methods = known(&self.methods, |m| Fact {
            evidence: from(m),
            ..Fact::list(m.methods.iter().map(|method| Fact::new(*method)))
        });
        let declared = known(&self.methods, |m| Fact::with(m.declared.as_str(), from(m)));
        let off = known(&self.methods, |m| Fact::with(m.methods.is_empty(), from(m)));
        let problems = self.problems.iter().map(|(text, evidence)| {
            let field = Fact::new(evidence.path.to_string());
            Fact {
                evidence: vec![evidence.clone()],
                ..Fact::map([("message", Fact::new(text.as_str())), ("field", field)])
            }
        });
        let evidence: Vec<Evidence> = self.problems.iter().map(|(_, e)| e.clone()).collect();
        let texts: Vec<&str> = self.problems.iter().map(|(text, _)| text.as_str()).collect();
        let reason = match &self.update {
            Some(Ok((_, reason, _))) => reason.as_str(),
            _ => "",
        };
        let update = match &self.update {
            Some(update) => known(update, |(update, _, evidence)| Fact::with(update.as_str(), evidence.clone())),
            None => Fact::new(""),
        };
        Fact::map([
            ("methods", methods),
            ("declared", declared),
            ("off", off),
            ("problems", Fact { evidence: evidence.clone(), ..Fact::list(problems) }),
            ("summary", Fact::with(texts.join("; "), evidence)),
            ("managed", Fact::new(self.managed)),
            ("pausedPools", Fact::list(self.paused_pools.iter().map(|p| Fact::new(p.as_str())))),
            ("outdated", Fact::new(self.outdated)),
            ("update", update),
            ("reason", Fact::new(reason)),
        ])
    }
}

const STANZA: [&str; 1] = ["workloadUpdateStrategy"];

/// An absent stanza, `{}`, absent and null methods are all filled in by the API server, since HyperConverged 1.6
/// (apiextensions-apiserver pkg/apiserver/schema/defaulting/algorithm.go: null where the schema does not allow it is absent).
fn of_hyperconverged(hco: Object<'_>, world: &World<'_>) -> Methods {
    let stanza = hyperconverged_keys(hco, &STANZA, &["virtualization", "workloadUpdateStrategy"]);
    let methods = declared(hco, &stanza);
    match methods.declared {
        Declared::Absent if applies("hco-defaults-workload-update", world.versions.hyperconverged) => {
            Methods { methods: vec!["LiveMigrate"], declared: Declared::Default, ..methods }
        }
        _ => methods,
    }
}

fn of_kubevirt(kubevirt: Object<'_>) -> Methods {
    declared(kubevirt, &["spec", "workloadUpdateStrategy"])
}

fn declared(object: Object<'_>, stanza: &[&str]) -> Methods {
    let keys = [stanza, &["workloadUpdateMethods"]].concat();
    let evidence = Evidence::at(object, &keys);
    let list = object.at(&keys).filter(|n| !n.is_null());
    let declared = match list {
        None => Declared::Absent,
        Some(list) if list.is_empty() => Declared::Empty,
        Some(_) => Declared::Explicit,
    };
    let listed = |method: &&str| list.is_some_and(|l| l.elements().any(|e| e.as_str() == Some(*method)));
    Methods { methods: METHODS.into_iter().filter(listed).collect(), declared, evidence }
}

/// What virt-controller acts on: KubeVirt's own object, where HyperConverged leaves an empty list out.
fn in_force(cluster: &Cluster<'_>, world: &World<'_>) -> Result<Methods, Missing> {
    match (cluster.kubevirt(), cluster.hyperconverged()) {
        (Some(kubevirt), _) => Ok(of_kubevirt(kubevirt)),
        (None, Some(hco)) => Ok(of_hyperconverged(hco, world)),
        (None, None) => Err(cluster.missing_kubevirt()),
    }
}

/// Neither CRD checks these values; a misspelt method switches updates off in silence.
fn problems(object: Object<'_>, stanza: &[&str]) -> Vec<(String, Evidence)> {
    let Some(stanza) = object.at(stanza).filter(|n| !n.is_null()) else { return Vec::new() };
    let mut problems = Vec::new();
    let mut say = |node: Node<'_>, text: String| problems.push((text, Evidence::of(object, node)));
    let mut seen: Vec<&str> = Vec::new();
    for method in stanza.list_at(&["workloadUpdateMethods"]) {
        let word = method.as_str().unwrap_or_default();
        if seen.contains(&word) {
            say(method, format!("the method {word} stands twice"));
        } else if !METHODS.contains(&word) {
            let meant = METHODS.iter().find(|m| m.eq_ignore_ascii_case(word));
            let right =
                meant.map(|m| format!("it is spelt {m}")).unwrap_or("known are LiveMigrate and Evict".to_owned());
            say(method, format!("KubeVirt knows no method {word:?} ({right})"));
        }
        seen.push(word);
    }
    if let Some(size) = stanza.get("batchEvictionSize")
        && size.as_int().is_some_and(|n| n <= 0)
    {
        say(size, format!("batchEvictionSize is {size}, so nothing would be evicted"));
    }
    if let Some(interval) = stanza.get("batchEvictionInterval")
        && !interval.as_str().is_some_and(is_duration)
    {
        say(interval, format!("batchEvictionInterval is {interval}, which is no duration such as 1m0s"));
    }
    problems
}

/// A duration as Go writes it (time.ParseDuration), and not a negative one: `1m0s`, `90s`, `1.5h`.
fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return true;
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (digits, after) = rest.split_at(number);
        let numeric = digits.contains(|c: char| c.is_ascii_digit()) && digits.matches('.').count() <= 1;
        let unit = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"].into_iter().filter(|u| after.starts_with(u));
        let Some(unit) = unit.max_by_key(|u| u.len()).filter(|_| numeric) else { return false };
        rest = after.strip_prefix(unit).unwrap_or_default();
    }
    !text.is_empty()
}

/// The updater migrates what can be migrated if it may, evicts the others if it may, and leaves the rest alone. An eviction
/// goes through the eviction webhook like any other (workload-updater.go, sync).
fn update(
    vmi: &Workload<'_>,
    world: &World<'_>,
    methods: &Result<Methods, MissingSet>,
) -> Result<(Update, String, Vec<Evidence>), MissingSet> {
    let methods = methods.as_ref().map_err(Clone::clone)?;
    let from = vec![methods.evidence.clone()];
    let may = |method: &str| methods.methods.contains(&method);
    if methods.methods.is_empty() {
        return Ok((Update::Never, "workload updates are switched off".to_owned(), from));
    }
    let migration = Migration::of_workload(vmi, world);
    if may("LiveMigrate") && migration.is_migratable()? {
        return Ok((Update::Migrates, "KubeVirt migrates it".to_owned(), from));
    }
    if !may("Evict") {
        let reason = format!("LiveMigrate is the only method, and it cannot live-migrate: {}", migration.summary());
        return Ok((Update::Never, reason, [from, migration.evidence()].concat()));
    }
    let eviction = Eviction::of_workload(vmi, world);
    let after = AfterEviction::judge(vmi, world, &eviction, &migration).outcome?;
    Ok(match after.outcome {
        Outcome::Refused => {
            let reason = format!("its eviction is refused: {}", after.reason);
            (Update::Never, reason, [from, after.evidence].concat())
        }
        Outcome::Migrates => (Update::Migrates, "KubeVirt evicts it, and the eviction migrates it".to_owned(), from),
        _ => (Update::Evicts, format!("KubeVirt evicts it: {}", after.outcome.text()), [from, after.evidence].concat()),
    })
}

/// The fields, for the checker.
pub fn fields() -> cel::Type {
    use cel::Type;
    let problem = Type::object("facts.workloadUpdate.problems", [("message", Type::String), ("field", Type::String)]);
    Type::object(
        "facts.workloadUpdate",
        [
            ("methods", Type::list(Type::String)),
            ("declared", Type::String),
            ("off", Type::Bool),
            ("problems", Type::list(problem)),
            ("summary", Type::String),
            ("managed", Type::Bool),
            ("pausedPools", Type::list(Type::String)),
            ("outdated", Type::Int),
            ("update", Type::String),
            ("reason", Type::String),
        ],
    )
}

/// For [`super::SCHEMA`].
pub fn compute(object: Object<'_>, world: &World<'_>) -> Option<Fact> {
    WorkloadUpdate::of(object, world).map(|w| w.fact())
}
