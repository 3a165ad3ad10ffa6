//! What the expressions of a policy may read on one request.

use std::borrow::Cow;

use crate::cel::{Computed, Fact, FactValue, Facts, Grant, Input, Type};
use crate::object::{Missing, Object, Why};

use super::constraint::Target;

/// The root variables that every expression may name, in the order of [`inputs`], with their types. `facts` is the type
/// that [`facts_type`](super::facts_type) makes of a schema.
pub fn roots(facts: Type) -> Vec<(&'static str, Type)> {
    vec![
        ("object", Type::Dyn),
        ("oldObject", Type::Dyn),
        ("request", request_type()),
        ("namespaceObject", namespace_type()),
        ("facts", facts),
    ]
}

/// Everything that the expressions of a policy may read on one request.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What the request is about.
    pub target: Target<'a>,
    /// `request`; see [`request()`].
    pub request: &'a dyn Computed,
    /// `namespaceObject` where the Namespace was not seen; see [`unseen_namespace`].
    pub namespace: &'a dyn Computed,
    /// `facts`.
    pub facts: &'a dyn Facts,
    /// Who is asked for the memory that expressions take.
    pub memory: Grant<'a>,
}

/// Memory that nobody counts.
pub fn plenty(_: usize) -> bool {
    true
}

/// The roots' values, in the order of [`roots`].
pub fn inputs<'a>(context: &Context<'a>) -> [Input<'a>; 5] {
    let object = |o: Option<Object<'a>>| o.map_or(Input::Null, |o| Input::Node(o.root));
    let namespace = match (context.target.namespace_object, context.target.namespaced) {
        (Some(n), _) => Input::Node(n.root),
        (None, true) => Input::Fact(context.namespace),
        (None, false) => Input::Null,
    };
    [
        object(context.target.object),
        object(context.target.old_object),
        Input::Fact(context.request),
        namespace,
        Input::Facts(context.facts),
    ]
}

/// An object that is being deleted is always admitted, and nothing that an upgrade would wait for in it can be fixed.
pub(super) fn is_going(object: Option<Object<'_>>) -> bool {
    object.and_then(|o| o.at(&["metadata", "deletionTimestamp"])).is_some_and(|t| !t.is_null())
}

/// The declared type of `request` (apiserver pkg/admission/plugin/cel, BuildRequestType).
fn request_type() -> Type {
    let kind = || {
        Type::object(
            "kubernetes.GroupVersionKind",
            [("group", Type::String), ("version", Type::String), ("kind", Type::String)],
        )
    };
    let resource = || {
        let fields = [("group", Type::String), ("version", Type::String), ("resource", Type::String)];
        Type::object("kubernetes.GroupVersionResource", fields)
    };
    let user = Type::object(
        "kubernetes.UserInfo",
        [
            ("username", Type::String),
            ("uid", Type::String),
            ("groups", Type::list(Type::String)),
            ("extra", Type::string_map(Type::list(Type::String))),
        ],
    );
    Type::object(
        "kubernetes.AdmissionRequest",
        [
            ("kind", kind()),
            ("resource", resource()),
            ("subResource", Type::String),
            ("requestKind", kind()),
            ("requestResource", resource()),
            ("requestSubResource", Type::String),
            ("name", Type::String),
            ("namespace", Type::String),
            ("operation", Type::String),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    )
}

/// The declared type of `namespaceObject` (same place, BuildNamespaceType).
fn namespace_type() -> Type {
    let metadata = Type::object(
        "kubernetes.NamespaceMetadata",
        [
            ("name", Type::String),
            ("generateName", Type::String),
            ("namespace", Type::String),
            ("labels", Type::string_map(Type::String)),
            ("annotations", Type::string_map(Type::String)),
            ("UID", Type::String),
            ("creationTimestamp", Type::Timestamp),
            ("deletionGracePeriodSeconds", Type::Int),
            ("deletionTimestamp", Type::Timestamp),
            ("generation", Type::Int),
            ("resourceVersion", Type::String),
            ("finalizers", Type::list(Type::String)),
        ],
    );
    let spec = Type::object("kubernetes.NamespaceSpec", [("finalizers", Type::list(Type::String))]);
    let condition = Type::object(
        "kubernetes.NamespaceCondition",
        [
            ("status", Type::String),
            ("type", Type::String),
            ("lastTransitionTime", Type::Timestamp),
            ("message", Type::String),
            ("reason", Type::String),
        ],
    );
    let status = [("conditions", Type::list(condition)), ("phase", Type::String)];
    let status = Type::object("kubernetes.NamespaceStatus", status);
    Type::object("kubernetes.Namespace", [("metadata", metadata), ("status", status), ("spec", spec)])
}

/// Fields that every `request` has, known or not.
const ALWAYS: [&str; 8] =
    ["kind", "resource", "requestKind", "requestResource", "operation", "userInfo", "dryRun", "options"];

/// `request`: what is known of it anyway, and over that the fields that are known better. Outside admission nobody knows
/// who asks, and with which options; at admission all fields are known, and nothing is built.
pub fn request<'k>(target: &Target<'_>, kind: &str, known: Option<&'k Fact>) -> Cow<'k, Fact> {
    // What is empty the API server leaves out (`omitempty` in k8s.io/api admission/v1/types.go).
    let named = [("name", target.name), ("namespace", target.namespace.unwrap_or_default())];
    let named = named.into_iter().filter(|(_, value)| !value.is_empty());
    if let Some(known) = known
        && ALWAYS.into_iter().chain(named.clone().map(|(name, _)| name)).all(|name| known.get(name).is_some())
    {
        return Cow::Borrowed(known);
    }
    let gvk = Fact::map([
        ("group", text_fact(target.group)),
        ("version", text_fact(target.version)),
        ("kind", text_fact(kind)),
    ]);
    let gvr = Fact::map([
        ("group", text_fact(target.group)),
        ("version", text_fact(target.version)),
        ("resource", text_fact(target.resource)),
    ]);
    let unknown = |what: &str| Fact::unknown(Missing { what: what.to_owned(), why: Why::AdmissionOnly });
    let named = named.map(|(key, value)| (key, text_fact(value)));
    let fields = [
        ("kind", gvk.clone()),
        ("resource", gvr.clone()),
        ("requestKind", gvk),
        ("requestResource", gvr),
        ("operation", text_fact(target.operation.as_str())),
        ("userInfo", unknown("the user who asks")),
        ("dryRun", Fact::new(false)),
        ("options", unknown("the request's options")),
    ];
    let mut fact = Fact::map(fields.into_iter().chain(named));
    if let (FactValue::Map(fields), Some(FactValue::Map(known))) = (&mut fact.value, known.map(|k| &k.value)) {
        fields.retain(|(name, _)| !known.iter().any(|(k, _)| k == name));
        fields.extend(known.iter().cloned());
        fields.sort_by(|a, b| a.0.cmp(&b.0));
    }
    Cow::Owned(fact)
}

/// `namespaceObject` of a namespace that was not seen: its name, and the one label that the API server sets.
pub fn unseen_namespace(name: Option<&str>) -> Fact {
    let missing = || {
        let what = name.map_or_else(|| "the namespace".to_owned(), |n| format!("Namespace {n}"));
        Fact::unknown(Missing::not_collected(what))
    };
    let mut metadata = vec![("labels", missing()), ("annotations", missing())];
    match name {
        Some(name) => metadata.push(("name", text_fact(name))),
        None => metadata.push(("name", missing())),
    }
    Fact::map([("metadata", Fact::map(metadata)), ("spec", missing()), ("status", missing())])
}

fn text_fact(text: &str) -> Fact {
    Fact::new(text.to_owned())
}
