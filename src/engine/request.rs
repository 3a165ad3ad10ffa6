//! A request as the engine judges it: from admission, from a scan that plays it, or from a case.

use crate::cel::{Fact, Facts};
use crate::facts::{self, FactSet, World};
use crate::inventory::{Kind, Lookup, View};
use crate::object::{Gvk, Object};
use crate::policy::{self, Context, Judgement, Operation, Policy, Target};

use super::Surroundings;

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
    pub request: Option<&'r Fact>,
}

impl<'r> Request<'r> {
    /// What a scan judges: the object as if it was created, or (for policies that look at changes only) as if it was
    /// updated to what it is.
    pub fn of(object: Object<'r>, operation: Operation, resource: &'r str) -> Self {
        let old_object = (operation == Operation::Update).then_some(object);
        Request { operation, object: Some(object), old_object, resource, subresource: "", request: None }
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
    request_fact: Fact,
    namespace: Fact,
    target: Target<'j>,
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
        let namespaced = subject.is_some_and(|o| {
            let known = facts::KINDS.iter().find(|k| o.gvk.is(k.group, k.kind));
            known.map_or_else(|| o.namespace().is_some(), |k| k.namespaced)
        });
        let namespace = subject.and_then(Object::namespace).filter(|_| namespaced);
        let namespace_object = namespace.and_then(|name| match view.get(facts::NAMESPACE, None, name) {
            Lookup::Found(o) => Some(o),
            _ => None,
        });
        let target = Target {
            operation: request.operation,
            group: subject.map_or("", |o| &o.gvk.group),
            version: subject.map_or("", |o| &o.gvk.version),
            resource: request.resource,
            subresource: request.subresource,
            namespaced,
            namespace,
            namespace_object,
            name: subject.map_or("", Object::name),
            object: request.object,
            old_object: request.old_object,
        };
        let kind = subject.map_or("", |o| &o.gvk.kind);
        Judge {
            facts: match subject {
                Some(object) => Box::new(FactSet::new(object, world)),
                None => Box::new(NoFacts),
            },
            request_fact: policy::request(&target, kind, request.request),
            namespace: policy::unseen_namespace(namespace),
            target,
        }
    }

    /// What a policy's expressions may read.
    pub(super) fn context(&self) -> Context<'_> {
        Context { target: self.target, request: &self.request_fact, namespace: &self.namespace, facts: &*self.facts }
    }
}

/// Policies on one request, in their order; facts are computed once for all of them. On UPDATE, what was wrong before is
/// ratcheted.
pub fn judge<'p>(
    policies: impl IntoIterator<Item = &'p Policy>,
    request: Request<'_>,
    around: Surroundings<'_>,
) -> Vec<(&'p Policy, Judgement)> {
    let over: Vec<Object<'_>> = request.subject().into_iter().collect();
    let now = Judge::new(request, &over, around);
    let context = now.context();
    let under: Vec<Object<'_>> =
        request.old_object.filter(|_| request.operation == Operation::Update).into_iter().collect();
    let before = under.first().map(|old| Judge::new(Request { object: Some(*old), ..request }, &under, around));
    let before = before.as_ref().map(Judge::context);
    policies.into_iter().map(|policy| (policy, policy::judge(policy, &context, before.as_ref()))).collect()
}
