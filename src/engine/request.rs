//! A request as the engine judges it: from admission, from a scan that plays it, or from a case.

use std::borrow::Cow;
use std::cell::{LazyCell, OnceCell};

use crate::cel::{Computed, Fact, FactValue, Facts, Grant};
use crate::facts::{self, FactSet, World};
use crate::inventory::{Kind, Lookup, View};
use crate::object::{Gvk, Missing, Node, Object, Scalar, Type, Why};
use crate::policy::{self, Context, Judgement, Operation, Policy, Target};

use super::Surroundings;
use super::force::{InForce, in_force};
use super::purse::Purse;

/// An object, what is done to it, and how it was before.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// What is done.
    pub operation: Operation,
    /// The new object; `None` on DELETE.
    pub object: Option<Object<'r>>,
    /// The object as it was; `None` on CREATE.
    pub old_object: Option<Object<'r>>,
    /// Plural of the resource.
    pub resource: &'r str,
    /// Subresource; empty for the resource itself.
    pub subresource: &'r str,
    /// Fields of `request` that are known better than a scan knows them (admission, cases).
    pub request: Option<&'r dyn Computed>,
    /// What was called, where it is known better than from the object (admission).
    pub address: Option<Address<'r>>,
}

/// What a request called. A subresource's object is often of another kind: `autoscaling/v1 Scale`, `v1 PodExecOptions`.
#[derive(Clone, Copy, Debug)]
pub struct Address<'r> {
    /// API group of the resource.
    pub group: &'r str,
    /// Version of the resource.
    pub version: &'r str,
    /// The namespace; empty for what lives in none. A Namespace is in itself.
    pub namespace: &'r str,
    /// The name; empty where it is yet to be generated.
    pub name: &'r str,
}

impl<'r> Request<'r> {
    /// What a scan judges: the object as if it was created, or (for policies that look at changes only) as if it was
    /// updated to what it is.
    pub fn of(object: Object<'r>, operation: Operation, resource: &'r str) -> Self {
        let old_object = (operation == Operation::Update).then_some(object);
        Request { operation, object: Some(object), old_object, resource, subresource: "", request: None, address: None }
    }

    fn subject(&self) -> Option<Object<'r>> {
        self.object.or(self.old_object)
    }
}

/// Plural of an object's resource: a kind that facts know, else kubectl's guess
/// (apimachinery pkg/api/meta/restmapper.go, UnsafeGuessKindToResource).
pub fn resource_of(gvk: &Gvk) -> String {
    if let Some(kind) = facts::KINDS.iter().find(|k| gvk.is(k.group, k.kind)) {
        return kind.plural.to_owned();
    }
    let singular = gvk.kind.to_lowercase();
    match singular.strip_suffix('y') {
        _ if singular == "endpoints" => singular,
        _ if singular.ends_with('s') => format!("{singular}es"),
        Some(stem) => format!("{stem}ies"),
        None => format!("{singular}s"),
    }
}

/// The kind of `plural.group`, or of `plural` for core; `None` for kinds that nothing here knows.
pub fn kind_of_resource(resource: &str) -> Option<Kind> {
    facts::KINDS.iter().copied().find(|k| k.resource() == resource)
}

/// Everything that the policies may read on one request; contexts borrow from it.
pub(super) struct Judge<'j> {
    facts: Box<dyn Facts + 'j>,
    request_fact: RequestFact<'j>,
    namespace: Box<dyn Computed + 'j>,
    target: Target<'j>,
}

/// `request`, made when an expression first reads it.
#[derive(Debug)]
struct RequestFact<'j> {
    target: Target<'j>,
    kind: &'j str,
    known: Option<&'j dyn Computed>,
    fact: OnceCell<Cow<'j, Fact>>,
}

impl Computed for RequestFact<'_> {
    fn fact(&self) -> &Fact {
        self.fact.get_or_init(|| policy::request(&self.target, self.kind, self.known.map(Computed::fact)))
    }
}

/// No facts: a DELETE or CONNECT without an object.
struct NoFacts;

impl Facts for NoFacts {
    fn fact(&self, _: &str) -> Option<&Fact> {
        None
    }
}

impl<'j> Judge<'j> {
    /// `over` lies over the inventory: the judged object.
    pub(super) fn new(request: Request<'j>, over: &'j [Object<'j>], around: Surroundings<'j>) -> Self {
        let view = View::over(around.inventory, over);
        let cluster = around.cluster;
        let world = World { view, versions: &cluster.versions, now: cluster.now, defaults: &cluster.defaults };
        let subject = request.subject();
        let namespaced = match request.address {
            // apiserver predicates/rules, Matcher.scope
            Some(a) => !a.namespace.is_empty() && (a.group, request.resource) != ("", "namespaces"),
            None => subject.is_some_and(|o| {
                let known = facts::KINDS.iter().find(|k| o.gvk.is(k.group, k.kind));
                known.map_or_else(|| o.namespace().is_some(), |k| k.namespaced)
            }),
        };
        let namespace = request.address.map(|a| a.namespace).or_else(|| subject.and_then(Object::namespace));
        let namespace = namespace.filter(|_| namespaced);
        let namespace_object = namespace.and_then(|name| match view.get(facts::NAMESPACE, None, name) {
            Lookup::Found(o) => Some(o),
            _ => None,
        });
        let target = Target {
            operation: request.operation,
            group: request.address.map(|a| a.group).or(subject.map(|o| &*o.gvk.group)).unwrap_or_default(),
            version: request.address.map(|a| a.version).or(subject.map(|o| &*o.gvk.version)).unwrap_or_default(),
            resource: request.resource,
            subresource: request.subresource,
            namespaced,
            namespace,
            namespace_object,
            name: request.address.map(|a| a.name).or(subject.map(Object::name)).unwrap_or_default(),
            object: request.object,
            old_object: request.old_object,
        };
        let kind = subject.map_or("", |o| &o.gvk.kind);
        Judge {
            facts: match subject {
                Some(object) => Box::new(FactSet::new(object, world)),
                None => Box::new(NoFacts),
            },
            request_fact: RequestFact { target, kind, known: request.request, fact: OnceCell::new() },
            namespace: Box::new(LazyCell::new(move || policy::unseen_namespace(namespace))),
            target,
        }
    }

    /// What a policy's expressions may read.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            target: self.target,
            request: &self.request_fact,
            namespace: &*self.namespace,
            facts: &*self.facts,
            memory: &policy::plenty,
        }
    }
}

/// Policies on one request, in their order; facts are computed once for all of them. On UPDATE, what was wrong before is
/// ratcheted. A policy that is not for the running version says nothing.
pub fn judge<'p>(
    policies: impl IntoIterator<Item = &'p Policy>,
    request: Request<'_>,
    around: Surroundings<'_>,
) -> Vec<(&'p Policy, Judgement)> {
    judge_until(policies, request, around, &|| false, &policy::plenty)
}

/// [`judge`], until `stop` says between two policies that time is up; what is left then comes to an error. So does an
/// expression whose memory `grant` refuses.
pub fn judge_until<'p>(
    policies: impl IntoIterator<Item = &'p Policy>,
    request: Request<'_>,
    around: Surroundings<'_>,
    stop: &dyn Fn() -> bool,
    grant: Grant<'_>,
) -> Vec<(&'p Policy, Judgement)> {
    let purse = Purse::new(grant);
    let memory = |bytes| purse.take(bytes);
    let over: Vec<Object<'_>> = request.subject().into_iter().collect();
    let now = Judge::new(request, &over, around);
    let context = Context { memory: &memory, ..now.context() };
    let under: Vec<Object<'_>> =
        request.old_object.filter(|_| request.operation == Operation::Update).into_iter().collect();
    let before = under.first().map(|old| Judge::new(Request { object: Some(*old), ..request }, &under, around));
    let before = before.as_ref().map(|before| Context { memory: &memory, ..before.context() });
    let judged = policies.into_iter().map(|policy| {
        let assumption = match in_force(policy, &around.cluster.versions) {
            InForce::Yes => None,
            InForce::Assumed(text) => Some(text),
            InForce::No => return (policy, Judgement::default()),
        };
        if stop() {
            return (policy, policy::overdue(policy, &context));
        }
        purse.empty();
        let mut judgement = policy::judge(policy, &context, before.as_ref());
        for found in &mut judgement.findings {
            found.finding.assumptions.extend(assumption.clone());
        }
        (policy, judgement)
    });
    judged.collect()
}

/// Deepest nesting that becomes a [`Fact`], which is dropped by recursion. The API server's typed options have five levels.
const FACT_DEPTH: usize = 64;

/// Most values that become facts, which take several times the memory of a tree's. Options have a dozen.
pub const FACT_VALUES: usize = 4096;

/// A part of a request as it stands; what it does not say is absent. What is larger or deeper than any API server's request
/// is unknown.
pub fn fact_of(node: Node<'_>) -> Fact {
    fact_at(node, 0, &mut { FACT_VALUES })
}

fn fact_at(node: Node<'_>, depth: usize, left: &mut usize) -> Fact {
    if depth > FACT_DEPTH || (node.scalar().is_none() && *left <= node.len()) {
        return Fact::unknown(Missing { what: "the rest of a request so large".to_owned(), why: Why::NotCollected });
    }
    *left = left.saturating_sub(1);
    Fact::new(match node.scalar() {
        Some(Scalar::Null) => FactValue::Null,
        Some(Scalar::Bool(b)) => FactValue::Bool(b),
        Some(Scalar::Int(i)) => FactValue::Int(i),
        Some(Scalar::Double(d)) => d.to_string().into(),
        Some(Scalar::Str(s)) => s.to_owned().into(),
        None if node.kind() == Type::List => {
            FactValue::List(node.elements().map(|e| fact_at(e, depth + 1, left)).collect())
        }
        None => FactValue::Map(
            node.entries().map(|(k, v)| (Cow::Owned(k.to_owned()), fact_at(v, depth + 1, left))).collect(),
        ),
    })
}
