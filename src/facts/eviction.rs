//! `facts.eviction`: which evictionStrategy is in force, and the chain that led to it.
//!
//! Knows who may say it and who comes first (kubevirt pkg/util/migrations/migrations.go, VMIEvictionStrategy), that a VMI
//! keeps what was in force when it started (pkg/defaults/defaults.go), and what HyperConverged would write
//! (hyperconverged-cluster-operator pkg/webhooks/mutator/hyperConvergedMutator.go). Must not know whether a guest can move.

use super::cluster::{Cluster, hyperconverged_keys};
use super::look::{Looks, known};
use super::lookup::Seen;
use super::workload::{Form, Owner, WORKLOADS, Workload};
use super::{FactSchema, FactSet, HYPER_CONVERGED, KUBE_VIRT, NODE, VIRTUAL_MACHINE, VIRTUAL_MACHINE_INSTANCE, World};
use crate::cel::{self, Fact};
use crate::object::{Cause, Ground, Missing, MissingSet, Object};

/// What an eviction request does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The pod ends; the guest is shut down.
    None,
    /// The guest moves, or the request is refused.
    LiveMigrate,
    /// The guest moves if it can, else it is shut down.
    LiveMigrateIfPossible,
    /// The request is refused and somebody else has to act.
    External,
    /// A word that KubeVirt refuses.
    Invalid(String),
}

impl Strategy {
    /// From the API's word.
    pub fn parse(word: &str) -> Self {
        match word {
            "None" => Strategy::None,
            "LiveMigrate" => Strategy::LiveMigrate,
            "LiveMigrateIfPossible" => Strategy::LiveMigrateIfPossible,
            "External" => Strategy::External,
            other => Strategy::Invalid(other.to_owned()),
        }
    }

    /// The API's word.
    pub fn as_str(&self) -> &str {
        match self {
            Strategy::None => "None",
            Strategy::LiveMigrate => "LiveMigrate",
            Strategy::LiveMigrateIfPossible => "LiveMigrateIfPossible",
            Strategy::External => "External",
            Strategy::Invalid(other) => other,
        }
    }
}

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The judged object's own template, or a stand-alone VMI's spec.
    Own,
    /// The running VMI, which keeps what its VirtualMachine or the cluster said when it started.
    Frozen,
    /// KubeVirt's configuration.
    KubeVirt,
    /// HyperConverged.
    HyperConverged,
    /// A person, on the command line.
    CommandLine,
    /// Nobody yet; HyperConverged will write it by the number of workers.
    Topology,
    /// Nobody; KubeVirt's own default.
    BuiltIn,
}

impl Source {
    /// As expressions and JSON have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Own => "own",
            Source::Frozen => "frozen",
            Source::KubeVirt => "KubeVirt",
            Source::HyperConverged => "HyperConverged",
            Source::CommandLine => "command line",
            Source::Topology => "topology",
            Source::BuiltIn => "built in",
        }
    }

    /// Half a sentence for what follows a strategy: `LiveMigrate from the KubeVirt configuration`.
    fn origin(self, form: Form) -> &'static str {
        match (self, form) {
            (Source::Own, Form::Machine) => "from the VM",
            (Source::Own, Form::Instance) => "from the VMI",
            (Source::Own, Form::Pool | Form::ReplicaSet) => "from the template",
            (Source::Frozen, _) => "kept from when the VMI started",
            (Source::KubeVirt, _) => "from KubeVirt",
            (Source::HyperConverged, _) => "from HyperConverged",
            (Source::CommandLine, _) => "as stated on the command line",
            (Source::Topology, _) => "as HyperConverged is expected to write it",
            (Source::BuiltIn, _) => "KubeVirt's own default",
        }
    }
}

/// A strategy, who said it and where.
#[derive(Clone, Debug)]
pub struct Said {
    /// What.
    pub strategy: Strategy,
    /// Who.
    pub source: Source,
    /// Where; the place where it could be said instead, when nobody did.
    pub evidence: Vec<Ground>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Eviction {
    /// What is in force; of a VirtualMachine, what its next start will have. Or what is missing to say it.
    pub in_force: Result<Said, MissingSet>,
    /// True where the VirtualMachine, template or stand-alone VMI names it itself.
    pub explicit: bool,
    /// What the other side has: for a VMI what its VirtualMachine would give it at a restart, for a VirtualMachine what its
    /// running VMI keeps. `None` where there is no other side.
    pub other: Option<Result<Strategy, MissingSet>>,
    /// Half a sentence about where it comes from; empty where nothing is known.
    pub origin: &'static str,
    /// The chain: who was asked, in order.
    pub looks: Looks,
}

impl Said {
    /// External is an obstacle of its own: whatever a guest can do, its eviction is refused.
    fn new(strategy: Strategy, source: Source, mut evidence: Vec<Ground>) -> Self {
        if strategy == Strategy::External && !evidence.is_empty() {
            let cause = Cause {
                key: "External/evictionStrategy External".to_owned(),
                text: "evictionStrategy External leaves the move to another controller".to_owned(),
            };
            let first = evidence.remove(0).obstacle("External", cause);
            evidence.insert(0, first);
        }
        Said { strategy, source, evidence }
    }
}

impl Eviction {
    /// The answer for a workload; `None` for another kind.
    pub fn of(object: Object<'_>, world: &World<'_>) -> Option<Self> {
        Workload::of(object).map(|workload| Eviction::of_workload(&workload, world))
    }

    /// The answer for a workload.
    pub fn of_workload(workload: &Workload<'_>, world: &World<'_>) -> Self {
        match workload.form {
            Form::Instance => of_instance(workload, world),
            _ => of_template(workload, world),
        }
    }

    /// The strategy, where it is known.
    pub fn strategy(&self) -> Option<&Strategy> {
        self.in_force.as_ref().ok().map(|said| &said.strategy)
    }

    /// True where nobody said it yet and HyperConverged is expected to.
    pub fn is_predicted(&self) -> bool {
        self.in_force.as_ref().is_ok_and(|said| said.source == Source::Topology)
    }

    /// True when a restart of the guest would change the strategy.
    pub fn restart_pending(&self) -> Result<bool, MissingSet> {
        let Some(other) = &self.other else { return Ok(false) };
        let mine = self.in_force.as_ref().map_err(Clone::clone)?;
        Ok(mine.strategy != *other.as_ref().map_err(Clone::clone)?)
    }

    /// The strategy that a restart would bring, where one is surely pending; else empty.
    pub fn pending(&self) -> &str {
        match (self.restart_pending(), &self.other) {
            (Ok(true), Some(Ok(other))) => other.as_str(),
            _ => "",
        }
    }

    /// The answer for expressions.
    pub fn fact(&self) -> Fact {
        let strategy = known(&self.in_force, |s| Fact::with(s.strategy.as_str().to_owned(), s.evidence.clone()));
        let source = known(&self.in_force, |s| Fact::with(s.source.as_str(), s.evidence.clone()));
        let explicit = self.in_force.as_ref().map(|s| s.evidence.clone()).unwrap_or_default();
        Fact::map([
            ("strategy", strategy),
            ("source", source),
            ("explicit", Fact::with(self.explicit, explicit)),
            ("predicted", known(&self.in_force, |_| Fact::new(self.is_predicted()))),
            ("restartPending", known(&self.restart_pending(), |pending| Fact::new(*pending))),
            ("pending", Fact::new(self.pending().to_owned())),
            ("origin", Fact::new(self.origin)),
        ])
    }
}

/// The field in a guest's spec.
const FIELD: [&str; 1] = ["evictionStrategy"];

fn own(workload: &Workload<'_>) -> Option<Said> {
    let node = workload.guest(&FIELD)?;
    let strategy = Strategy::parse(node.as_str().unwrap_or_default());
    Some(Said::new(strategy, Source::Own, vec![workload.evidence(node)]))
}

/// What a start from this template would have.
fn at_start(workload: &Workload<'_>, world: &World<'_>) -> Result<Said, MissingSet> {
    match own(workload) {
        Some(said) => Ok(said),
        None => {
            let said = of_cluster(&Cluster::of(world)).map_err(|missing| MissingSet::from([missing]))?;
            let evidence = [workload.guest_evidence(&FIELD)].into_iter().chain(said.evidence).collect();
            Ok(Said::new(said.strategy, said.source, evidence))
        }
    }
}

fn of_template(workload: &Workload<'_>, world: &World<'_>) -> Eviction {
    let in_force = at_start(workload, world);
    let explicit = own(workload).is_some();
    let running = match workload.form {
        Form::Machine => workload.instance(world).ok().flatten(),
        _ => None,
    };
    let other = running.and_then(|vmi| own(&vmi)).map(|said| Ok(said.strategy));
    let mut looks = Looks::default();
    tell(&mut looks, "evictionStrategy", &in_force, workload.form);
    let origin = origin(&in_force, workload.form);
    Eviction { in_force, explicit, other, origin, looks }
}

fn of_instance(workload: &Workload<'_>, world: &World<'_>) -> Eviction {
    let machine = match workload.owner(world) {
        Owner::Machine(machine) => Some(machine.map(|m| m.and_then(Workload::of))),
        _ => None,
    };
    let in_force = match (own(workload), &machine) {
        // KubeVirt before 1.0 wrote no default into VMIs; for those the cluster's counts, as it is now.
        (None, _) => at_start(workload, world),
        (Some(said), Some(_)) => Ok(Said { source: Source::Frozen, ..said }),
        (Some(said), None) => Ok(said),
    };
    let other = match &machine {
        Some(Ok(Some(machine))) => Some(at_start(machine, world).map(|said| said.strategy)),
        Some(Err(missing)) => Some(Err([missing.clone()].into())),
        Some(Ok(None)) | None => None,
    };
    let explicit = match &machine {
        Some(Ok(Some(machine))) => own(machine).is_some(),
        Some(_) => false,
        None => own(workload).is_some(),
    };
    let mut looks = Looks::default();
    tell(&mut looks, "evictionStrategy", &in_force, workload.form);
    let mut origin = origin(&in_force, workload.form);
    if let Some(Ok(Some(machine))) = &machine {
        let wish = at_start(machine, world);
        tell(&mut looks, "after a restart", &wish, Form::Machine);
        origin = frozen_origin(&in_force, own(machine).as_ref()).unwrap_or(origin);
    }
    Eviction { in_force, explicit, other, origin, looks }
}

/// Of a VMI and its VirtualMachine: who told the VMI.
fn frozen_origin(in_force: &Result<Said, MissingSet>, wish: Option<&Said>) -> Option<&'static str> {
    let said = in_force.as_ref().ok().filter(|said| said.source == Source::Frozen)?;
    let text = match wish {
        Some(wish) if wish.strategy == said.strategy => "from the VM",
        Some(_) => "kept from when the VMI started, before the VM was changed",
        None => "the cluster's default when the VMI started",
    };
    Some(text)
}

fn origin(in_force: &Result<Said, MissingSet>, form: Form) -> &'static str {
    in_force.as_ref().map_or("", |said| said.source.origin(form))
}

fn tell(looks: &mut Looks, topic: &'static str, said: &Result<Said, MissingSet>, form: Form) {
    match said {
        Ok(said) => {
            let text = format!("{}, {}", said.strategy.as_str(), said.source.origin(form));
            looks.note(topic, text, said.evidence.clone());
        }
        Err(missing) => {
            for missing in missing {
                looks.open(topic, "the cluster's default decides", missing.clone());
            }
        }
    }
}

/// What a guest gets that does not say: KubeVirt's value, HyperConverged's, what a person stated, what HyperConverged is
/// expected to write. KubeVirt without a value and without HyperConverged means None (pkg/virt-config/configuration.go).
fn of_cluster(cluster: &Cluster<'_>) -> Seen<Said> {
    cluster.agreed("the default evictionStrategy", of_one_cluster, |a, b| a.strategy == b.strategy)
}

fn of_one_cluster(cluster: &Cluster<'_>) -> Seen<Said> {
    if let Some((kubevirt, node)) = cluster.configuration(&FIELD) {
        let strategy = Strategy::parse(node.as_str().unwrap_or_default());
        return Ok(Said { strategy, source: Source::KubeVirt, evidence: vec![Ground::of(kubevirt, node)] });
    }
    if let Some(said) = cluster.hyperconverged().and_then(of_hyperconverged) {
        return Ok(said);
    }
    if let Some(stated) = cluster.stated_eviction_strategy() {
        return Ok(Said { strategy: Strategy::parse(stated), source: Source::CommandLine, evidence: vec![] });
    }
    if cluster.has_hyperconverged() {
        return expected(cluster);
    }
    let kubevirt = cluster.kubevirt().ok_or_else(|| cluster.missing_kubevirt())?;
    let absent = Ground::at(kubevirt, &["spec", "configuration", "evictionStrategy"]);
    Ok(Said { strategy: Strategy::None, source: Source::BuiltIn, evidence: vec![absent] })
}

fn of_hyperconverged(hco: Object<'_>) -> Option<Said> {
    let keys = hyperconverged_keys(hco, &["evictionStrategy"], &["virtualization", "evictionStrategy"]);
    let node = hco.at(&keys).filter(|n| !n.is_null())?;
    let strategy = Strategy::parse(node.as_str().unwrap_or_default());
    Some(Said { strategy, source: Source::HyperConverged, evidence: vec![Ground::of(hco, node)] })
}

/// HyperConverged writes LiveMigrate with two workers or more, else None, and keeps what it wrote.
fn expected(cluster: &Cluster<'_>) -> Seen<Said> {
    let (available, evidence) = cluster.is_highly_available().map_err(|missing| match cluster.hyperconverged() {
        Some(_) => missing,
        None => Missing::not_collected("HyperConverged"),
    })?;
    let strategy = if available { Strategy::LiveMigrate } else { Strategy::None };
    Ok(Said { strategy, source: Source::Topology, evidence: evidence.into_iter().collect() })
}

/// How expressions know it.
pub const SCHEMA: FactSchema = FactSchema {
    name: "eviction",
    answers: "Which evictionStrategy is in force for a guest, and who said it.",
    subjects: WORKLOADS,
    reads: &[VIRTUAL_MACHINE, VIRTUAL_MACHINE_INSTANCE, KUBE_VIRT, HYPER_CONVERGED, NODE],
    fields,
    compute,
};

fn fields() -> cel::Type {
    use cel::Type;
    Type::object(
        "facts.eviction",
        [
            ("strategy", Type::String),
            ("source", Type::String),
            ("explicit", Type::Bool),
            ("predicted", Type::Bool),
            ("restartPending", Type::Bool),
            ("pending", Type::String),
            ("origin", Type::String),
        ],
    )
}

fn compute(of: &FactSet<'_>) -> Option<Fact> {
    of.eviction().map(Eviction::fact)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CLUSTER, Judged, TRUE, Test, vm, vmi, with_machine};
    use super::*;

    /// strategy (source, predicted, explicit), then what is pending and where it comes from.
    fn eviction(judged: &Judged, test: &Test) -> String {
        let e = Eviction::of(judged.object(), &test.world()).unwrap();
        let strategy = match &e.in_force {
            Ok(said) => format!("{} by {}", said.strategy.as_str(), said.source.as_str()),
            Err(missing) => missing.iter().map(|m| m.to_string()).collect::<Vec<_>>().join(", "),
        };
        let explicit = if e.explicit { ", explicit" } else { "" };
        let pending = if e.pending().is_empty() { String::new() } else { format!(", {} pending", e.pending()) };
        format!("{strategy}{explicit}{pending}; {}", e.origin)
    }

    #[test]
    fn the_strategy_in_force_and_who_said_it() {
        let hco = |body: &str| format!("{{apiVersion: hco.kubevirt.io/{body}}}");
        let hco_v1beta1 = |spec: &str, status: &str| {
            hco(&format!(
                "v1beta1, kind: HyperConverged, metadata: {{name: h, namespace: cnv}}, spec: {{{spec}}}, status: {{{status}}}"
            ))
        };
        let node = |name: &str| {
            format!(
                "{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels: {{node-role.kubernetes.io/worker: ''}}}}}}"
            )
        };
        let plain = "{apiVersion: kubevirt.io/v1, kind: KubeVirt, metadata: {name: k, namespace: kubevirt}, spec: {}}"
            .to_owned();
        let silent = || vm("runStrategy: Always", "domain: {}");
        let says = || vm("runStrategy: Always", "evictionStrategy: LiveMigrateIfPossible");
        for (name, judged, inventory, expected) in [
            ("the VM itself", says(), String::new(), "LiveMigrateIfPossible by own, explicit; from the VM"),
            ("nothing seen", silent(), String::new(), "KubeVirt (not collected); "),
            ("KubeVirt", silent(), CLUSTER.to_owned(), "LiveMigrate by KubeVirt; from KubeVirt"),
            ("KubeVirt alone, silent", silent(), plain, "None by built in; KubeVirt's own default"),
            (
                "HyperConverged v1beta1",
                silent(),
                hco_v1beta1("evictionStrategy: None", ""),
                "None by HyperConverged; from HyperConverged",
            ),
            (
                "HyperConverged v1 reads its own path",
                silent(),
                hco(
                    "v1, kind: HyperConverged, metadata: {name: h, namespace: cnv}, spec: {evictionStrategy: None, virtualization: {evictionStrategy: External}}",
                ),
                "External by HyperConverged; from HyperConverged",
            ),
            (
                "silent HyperConverged, by its status",
                silent(),
                hco_v1beta1("", "infrastructureHighlyAvailable: false"),
                "None by topology; as HyperConverged is expected to write it",
            ),
            (
                "silent HyperConverged, by two workers",
                silent(),
                format!("{}\n---\n{}\n---\n{}", hco_v1beta1("", ""), node("a"), node("b")),
                "LiveMigrate by topology; as HyperConverged is expected to write it",
            ),
            ("silent HyperConverged, workers not seen", silent(), hco_v1beta1("", ""), "Nodes (not collected); "),
        ] {
            assert_eq!(eviction(&judged, &Test::new(&inventory, &[])), expected, "{name}");
        }
        let mut stated = Test::new("", &[]);
        stated.defaults.eviction_strategy = Some("LiveMigrate".to_owned());
        assert_eq!(eviction(&silent(), &stated), "LiveMigrate by command line; as stated on the command line");
    }

    #[test]
    fn a_running_guest_keeps_the_strategy_that_it_started_with() {
        let running = vmi("evictionStrategy: LiveMigrate", TRUE);
        for (name, machine, expected) in [
            (
                "as the VM says",
                "template: {spec: {evictionStrategy: LiveMigrate}}",
                "LiveMigrate by frozen, explicit; from the VM",
            ),
            (
                "the VM was changed since",
                "template: {spec: {evictionStrategy: None}}",
                "LiveMigrate by frozen, explicit, None pending; kept from when the VMI started, before the VM was changed",
            ),
            (
                "the cluster's default then and now",
                "template: {spec: {}}",
                "LiveMigrate by frozen; the cluster's default when the VMI started",
            ),
        ] {
            assert_eq!(eviction(&running, &with_machine(machine)), expected, "{name}");
        }
        let changed = CLUSTER.replace("evictionStrategy: LiveMigrate", "evictionStrategy: LiveMigrateIfPossible");
        let machine = "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: db, namespace: shop}, spec: {template: {spec: {}}}}";
        assert_eq!(
            eviction(&running, &Test::new(&format!("{changed}\n---\n{machine}"), &["all"])),
            "LiveMigrate by frozen, LiveMigrateIfPossible pending; the cluster's default when the VMI started"
        );
        let unseen = Eviction::of(running.object(), &Test::new("", &[]).world()).unwrap();
        assert_eq!(unseen.strategy().unwrap().as_str(), "LiveMigrate");
        assert!(unseen.restart_pending().is_err());
    }

    #[test]
    fn clusters_side_by_side_have_to_agree() {
        let kubevirt = |namespace: &str, strategy: &str| {
            format!(
                "{{apiVersion: kubevirt.io/v1, kind: KubeVirt, metadata: {{name: k, namespace: {namespace}}}, spec: {{configuration: {{evictionStrategy: {strategy}}}}}}}"
            )
        };
        let two = |a: &str, b: &str| Test::new(&format!("{}\n---\n{}", kubevirt("east", a), kubevirt("west", b)), &[]);
        let silent = vm("runStrategy: Always", "domain: {}");
        assert_eq!(eviction(&silent, &two("LiveMigrate", "LiveMigrate")), "LiveMigrate by KubeVirt; from KubeVirt");
        assert_eq!(
            eviction(&silent, &two("LiveMigrate", "None")),
            "the default evictionStrategy (several clusters were seen, and they differ); "
        );
    }

    #[test]
    fn a_guest_from_before_defaults_were_written_has_the_clusters() {
        let old = vmi("domain: {}", TRUE);
        assert_eq!(eviction(&old, &with_machine("template: {spec: {}}")), "LiveMigrate by KubeVirt; from KubeVirt");
    }
}
