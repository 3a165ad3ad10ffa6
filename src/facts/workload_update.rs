//! `facts.workloadUpdate`: how running guests get the new virt-launcher after an update, and whether they would.
//!
//! Knows the two places where it is said and that "absent" means opposite things there: HyperConverged's CRD fills in
//! LiveMigrate (hyperconverged-cluster-operator deploy/crds/hco00.crd.yaml), KubeVirt has no default (kubevirt
//! pkg/virt-controller/watch/workload-updater/workload-updater.go). An empty list switches updates off in both.

use super::after_eviction::{Decided, Outcome};
use super::cluster::{Cluster, hyperconverged_keys, is_managed};
use super::look::{Looks, known};
use super::migration::Migration;
use super::versions::applies;
use super::workload::{Form, READS, Workload};
use super::{FactSchema, FactSet, HYPER_CONVERGED, KUBE_VIRT, VIRTUAL_MACHINE_INSTANCE, World};
use crate::cel::{self, Fact};
use crate::object::{Ground, Missing, MissingSet, Node, Object};

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
    pub evidence: Ground,
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

/// What happens to a VMI.
#[derive(Clone, Debug)]
pub struct OfInstance {
    /// What.
    pub update: Update,
    /// Why, as half a sentence.
    pub reason: String,
    /// What decided.
    pub evidence: Vec<Ground>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct WorkloadUpdate {
    /// The methods in force.
    pub methods: Result<Methods, MissingSet>,
    /// What is wrong with how they are declared: half a sentence and where.
    pub problems: Vec<(String, Ground)>,
    /// True for a KubeVirt that HyperConverged writes; what is changed there does not stay.
    pub managed: bool,
    /// MachineConfigPools that are paused, as the way through two minors at once asks for.
    pub paused_pools: Vec<String>,
    /// True where MachineConfigPools were seen at all, so that "none is paused" says something.
    pub pools_seen: bool,
    /// Running guests with an old virt-launcher, as KubeVirt counts them; of a VMI 1 or 0, by its label.
    pub outdated: i64,
    /// What happens to this VMI; `None` for a configuration.
    pub update: Option<Result<OfInstance, MissingSet>>,
}

/// The label that virt-controller puts on a VMI with an old virt-launcher (pkg/virt-controller/watch/vmi/lifecycle.go).
const OUTDATED: &str = "kubevirt.io/outdatedLauncherImage";

impl WorkloadUpdate {
    /// The answer for a HyperConverged, a KubeVirt or a VirtualMachineInstance; `None` for another kind.
    pub fn of(facts: &FactSet<'_>) -> Option<Self> {
        let (object, world) = (facts.object, &facts.world);
        let cluster = Cluster::of(world);
        let is = |kind: crate::inventory::Kind| object.gvk.is(kind.group, kind.kind);
        let mut answer = WorkloadUpdate {
            methods: Err(MissingSet::new()),
            problems: Vec::new(),
            managed: false,
            paused_pools: cluster.paused_pools().iter().map(|p| p.name().to_owned()).collect(),
            pools_seen: cluster.has_pools(),
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
            Workload::of(object).filter(|w| w.form == Form::Instance)?;
            answer.methods = in_force(&cluster, world).map_err(|missing| [missing].into());
            answer.outdated = i64::from(object.label(OUTDATED).is_some());
            answer.update = update(facts, &answer.methods);
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
            Some(Ok(vmi)) => looks.note("this VMI", vmi.reason.clone(), vmi.evidence.clone()),
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
            let field = Fact::new(evidence.path().to_string());
            Fact {
                evidence: vec![evidence.clone()],
                ..Fact::map([("message", Fact::new(text.clone())), ("field", field)])
            }
        });
        let evidence: Vec<Ground> = self.problems.iter().map(|(_, e)| e.clone()).collect();
        let texts: Vec<&str> = self.problems.iter().map(|(text, _)| text.as_str()).collect();
        let reason = match &self.update {
            Some(Ok(vmi)) => vmi.reason.clone(),
            _ => String::new(),
        };
        let update = match &self.update {
            Some(update) => known(update, |vmi| Fact::with(vmi.update.as_str(), vmi.evidence.clone())),
            None => Fact::new(""),
        };
        Fact::map([
            ("methods", methods),
            ("declared", declared),
            ("off", off),
            ("problems", Fact { evidence: evidence.clone(), ..Fact::list(problems) }),
            ("summary", Fact::with(texts.join("; "), evidence)),
            ("managed", Fact::new(self.managed)),
            ("pausedPools", Fact::list(self.paused_pools.iter().map(|p| Fact::new(p.clone())))),
            ("poolsSeen", Fact::new(self.pools_seen)),
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
    let evidence = Ground::at(object, &keys);
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
fn problems(object: Object<'_>, stanza: &[&str]) -> Vec<(String, Ground)> {
    let Some(stanza) = object.at(stanza).filter(|n| !n.is_null()) else { return Vec::new() };
    let mut problems = Vec::new();
    let mut say = |node: Node<'_>, text: String| problems.push((text, Ground::of(object, node)));
    let mut seen: Vec<&str> = Vec::new();
    // Each is compared with those before it; nobody writes as many.
    for method in stanza.list_at(&["workloadUpdateMethods"]).take(64) {
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
fn update(facts: &FactSet<'_>, methods: &Result<Methods, MissingSet>) -> Option<Result<OfInstance, MissingSet>> {
    let (migration, after) = (facts.migration()?, facts.after_eviction()?);
    Some(methods.as_ref().map_err(Clone::clone).and_then(|methods| by_methods(methods, migration, after.outcome)))
}

fn by_methods(
    methods: &Methods,
    migration: &Migration,
    after_eviction: Result<Decided, MissingSet>,
) -> Result<OfInstance, MissingSet> {
    let may = |method: &str| methods.methods.contains(&method);
    let answer = |update: Update, reason: String, because: Vec<Ground>| {
        Ok(OfInstance { update, reason, evidence: [vec![methods.evidence.clone()], because].concat() })
    };
    if methods.methods.is_empty() {
        return answer(Update::Never, "workload updates are switched off".to_owned(), vec![]);
    }
    if may("LiveMigrate") && migration.is_migratable()? {
        return answer(Update::Migrates, "KubeVirt migrates it".to_owned(), vec![]);
    }
    if !may("Evict") {
        let reason = format!("LiveMigrate is the only method, and it cannot live-migrate: {}", migration.summary());
        return answer(Update::Never, reason, migration.evidence());
    }
    let after = after_eviction?;
    match after.outcome {
        Outcome::Refused => answer(Update::Never, format!("its eviction is refused: {}", after.reason), after.evidence),
        Outcome::Migrates => {
            answer(Update::Migrates, "KubeVirt evicts it, and the eviction migrates it".to_owned(), vec![])
        }
        outcome => answer(Update::Evicts, format!("KubeVirt evicts it: {}", outcome.text()), after.evidence),
    }
}

/// How expressions know it.
pub const SCHEMA: FactSchema = FactSchema {
    name: "workloadUpdate",
    answers: "How running guests get a new virt-launcher, and whether this one would.",
    subjects: &[VIRTUAL_MACHINE_INSTANCE, HYPER_CONVERGED, KUBE_VIRT],
    reads: READS,
    fields,
    compute,
};

fn fields() -> cel::Type {
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
            ("poolsSeen", Type::Bool),
            ("outdated", Type::Int),
            ("update", Type::String),
            ("reason", Type::String),
        ],
    )
}

fn compute(of: &FactSet<'_>) -> Option<Fact> {
    WorkloadUpdate::of(of).map(|w| w.fact())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CLUSTER, DISKS, Judged, TRUE, Test, vmi, with_machine};
    use super::*;

    /// What is declared and in force, what is wrong with it, and what is paused.
    fn answer(judged: &Judged, test: &Test) -> String {
        let w = WorkloadUpdate::of(&FactSet::new(judged.object(), test.world())).unwrap();
        let methods = match &w.methods {
            Ok(m) => format!("{} [{}]", m.declared.as_str(), m.methods.join(", ")),
            Err(missing) => missing.iter().map(|m| m.to_string()).collect(),
        };
        let problems = w.problems.iter().map(|(text, e)| format!(" | {}: {text}", e.path())).collect::<String>();
        format!("{methods}{problems}")
    }

    fn hco(version: &str, spec: &str) -> Judged {
        Judged::new(&format!(
            "{{apiVersion: hco.kubevirt.io/{version}, kind: HyperConverged, metadata: {{name: h, namespace: cnv}}, spec: {{{spec}}}}}"
        ))
    }

    #[test]
    fn absent_means_on_in_hyperconverged_and_off_in_kubevirt() {
        let kubevirt = |spec: &str| {
            Judged::new(&format!(
                "{{apiVersion: kubevirt.io/v1, kind: KubeVirt, metadata: {{name: k, namespace: kv}}, spec: {{{spec}}}}}"
            ))
        };
        for (judged, expected) in [
            (hco("v1beta1", ""), "default [LiveMigrate]"),
            (hco("v1beta1", "workloadUpdateStrategy: {}"), "default [LiveMigrate]"),
            (hco("v1beta1", "workloadUpdateStrategy: {workloadUpdateMethods: null}"), "default [LiveMigrate]"),
            (hco("v1beta1", "workloadUpdateStrategy: {workloadUpdateMethods: []}"), "empty []"),
            (hco("v1beta1", "workloadUpdateStrategy: {workloadUpdateMethods: [Evict]}"), "explicit [Evict]"),
            (hco("v1", "workloadUpdateStrategy: {workloadUpdateMethods: []}"), "default [LiveMigrate]"),
            (hco("v1", "virtualization: {workloadUpdateStrategy: {workloadUpdateMethods: []}}"), "empty []"),
            (kubevirt(""), "absent []"),
            (kubevirt("workloadUpdateStrategy: {workloadUpdateMethods: []}"), "empty []"),
            (
                kubevirt("workloadUpdateStrategy: {workloadUpdateMethods: [LiveMigrate, Evict]}"),
                "explicit [LiveMigrate, Evict]",
            ),
        ] {
            assert_eq!(answer(&judged, &Test::new("", &[])), expected);
        }
        let mut old = Test::new("", &[]);
        old.versions.hyperconverged = super::super::Version::parse("4.9.0");
        assert_eq!(answer(&hco("v1beta1", ""), &old), "absent []");
    }

    #[test]
    fn what_no_schema_checks() {
        let path = "spec.workloadUpdateStrategy";
        for (stanza, expected) in [
            (
                "workloadUpdateMethods: [livemigrate]",
                format!(
                    "explicit [] | {path}.workloadUpdateMethods[0]: KubeVirt knows no method \"livemigrate\" (it is spelt LiveMigrate)"
                ),
            ),
            (
                "workloadUpdateMethods: [Evict, Restart]",
                format!(
                    "explicit [Evict] | {path}.workloadUpdateMethods[1]: KubeVirt knows no method \"Restart\" (known are LiveMigrate and Evict)"
                ),
            ),
            (
                "workloadUpdateMethods: [Evict, Evict]",
                format!("explicit [Evict] | {path}.workloadUpdateMethods[1]: the method Evict stands twice"),
            ),
            (
                "workloadUpdateMethods: [Evict], batchEvictionSize: 0",
                format!(
                    "explicit [Evict] | {path}.batchEvictionSize: batchEvictionSize is 0, so nothing would be evicted"
                ),
            ),
            (
                "workloadUpdateMethods: [Evict], batchEvictionInterval: 1 minute",
                format!(
                    "explicit [Evict] | {path}.batchEvictionInterval: batchEvictionInterval is \"1 minute\", which is no duration such as 1m0s"
                ),
            ),
            (
                "workloadUpdateMethods: [Evict], batchEvictionSize: 10, batchEvictionInterval: 1m0s",
                "explicit [Evict]".to_owned(),
            ),
        ] {
            let judged = hco("v1beta1", &format!("workloadUpdateStrategy: {{{stanza}}}"));
            assert_eq!(answer(&judged, &Test::new("", &[])), expected);
        }
    }

    #[test]
    fn durations_as_go_reads_them() {
        for (text, expected) in [
            ("1m0s", true),
            ("90s", true),
            ("1.5h", true),
            ("100ms", true),
            ("0", true),
            ("", false),
            ("60", false),
            ("-1m", false),
            ("m", false),
            ("1.2.3s", false),
            ("1d", false),
        ] {
            assert_eq!(is_duration(text), expected, "{text}");
        }
    }

    #[test]
    fn what_becomes_of_an_outdated_guest() {
        let claim = "domain: {devices: {autoattachPodInterface: false}}, volumes: [{name: root, persistentVolumeClaim: {claimName: golden}}]";
        let migratable = vmi("evictionStrategy: LiveMigrate", TRUE);
        let stuck = vmi(&format!("evictionStrategy: LiveMigrate, {claim}"), DISKS);
        let flexible = vmi(&format!("evictionStrategy: LiveMigrateIfPossible, {claim}"), DISKS);
        for (methods, judged, expected) in [
            ("[LiveMigrate]", &migratable, "Migrates: KubeVirt migrates it"),
            (
                "[LiveMigrate]",
                &stuck,
                "Never: LiveMigrate is the only method, and it cannot live-migrate: volume root is ReadWriteOnce on storage class rbd",
            ),
            (
                "[LiveMigrate, Evict]",
                &stuck,
                "Never: its eviction is refused: volume root is ReadWriteOnce on storage class rbd",
            ),
            ("[LiveMigrate, Evict]", &flexible, "Evicts: KubeVirt evicts it: shut down, and started on another node"),
            ("[Evict]", &migratable, "Migrates: KubeVirt evicts it, and the eviction migrates it"),
            ("[]", &migratable, "Never: workload updates are switched off"),
        ] {
            let cluster = CLUSTER.replace(
                "spec:\n  configuration:\n",
                &format!("spec:\n  workloadUpdateStrategy: {{workloadUpdateMethods: {methods}}}\n  configuration:\n"),
            );
            let machine = "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: db, namespace: shop}, spec: {runStrategy: Always, template: {spec: {}}}}";
            let test = Test::new(&format!("{cluster}\n---\n{machine}"), &["all"]);
            let w = WorkloadUpdate::of(&FactSet::new(judged.object(), test.world())).unwrap();
            let update = w.update.unwrap().unwrap();
            assert_eq!(format!("{}: {}", update.update.as_str(), update.reason), expected, "{methods}");
        }
        let unseen = WorkloadUpdate::of(&FactSet::new(migratable.object(), Test::new("", &[]).world())).unwrap();
        assert!(unseen.is_off().is_err());
        let off = WorkloadUpdate::of(&FactSet::new(migratable.object(), with_machine("").world())).unwrap();
        assert_eq!(off.is_off(), Ok(true));
    }
}
