//! What a policy matches: `matchConstraints` of a policy, `matchResources` of a binding
//! (k8s.io/apiserver pkg/admission/plugin/policy/matching, Matcher.Matches).

use crate::object::{Missing, MissingSet, Node, Object};

use super::problem::{Fields, Problems};
use super::selector::{Label, Selector, label_of};

/// The operation of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Something new.
    Create,
    /// A change.
    Update,
    /// A deletion; `object` is null.
    Delete,
    /// A connection (exec, attach, …).
    Connect,
}

impl Operation {
    /// All, with their words.
    pub const ALL: [(&str, Operation); 4] = [
        ("CREATE", Operation::Create),
        ("UPDATE", Operation::Update),
        ("DELETE", Operation::Delete),
        ("CONNECT", Operation::Connect),
    ];

    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Create => "CREATE",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
            Operation::Connect => "CONNECT",
        }
    }
}

/// What a request is about, as far as matching looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'r> {
    /// The operation.
    pub operation: Operation,
    /// API group of the resource.
    pub group: &'r str,
    /// Version of the resource.
    pub version: &'r str,
    /// Plural of the resource.
    pub resource: &'r str,
    /// Subresource; empty for the resource itself.
    pub subresource: &'r str,
    /// True when it lives in a namespace.
    pub namespaced: bool,
    /// The namespace; `None` when cluster-scoped or not known.
    pub namespace: Option<&'r str>,
    /// The Namespace object, where it was seen.
    pub namespace_object: Option<Object<'r>>,
    /// The name; may be empty.
    pub name: &'r str,
    /// The new object; `None` on DELETE.
    pub object: Option<Object<'r>>,
    /// The object as it was; `None` on CREATE.
    pub old_object: Option<Object<'r>>,
}

/// Whether a policy matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    /// Yes.
    Yes,
    /// No.
    No,
    /// That hangs on something that nobody knows.
    Unknown(MissingSet),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Any,
    Cluster,
    Namespaced,
}

/// A `NamedRuleWithOperations`.
#[derive(Clone, Debug)]
pub struct Rule {
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    operations: Vec<Operation>,
    names: Vec<String>,
    scope: Scope,
}

/// A `MatchResources`.
#[derive(Clone, Debug, Default)]
pub struct Constraints {
    rules: Vec<Rule>,
    exclude: Vec<Rule>,
    namespaces: Selector,
    objects: Selector,
    /// `matchPolicy: Exact`; the default is Equivalent.
    exact: bool,
}

impl Constraints {
    /// Reads a `MatchResources`. A policy's needs `resourceRules`; a binding's without them restricts by the rest only.
    pub fn read(node: Node<'_>, rules_required: bool, problems: &mut Problems) -> Self {
        let Some(mut fields) = Fields::new(node, problems) else { return Constraints::default() };
        let rules = fields.list("resourceRules");
        let exclude = fields.list("excludeResourceRules");
        let namespaces = fields.map("namespaceSelector");
        let objects = fields.map("objectSelector");
        let exact = fields.word("matchPolicy", &[("Exact", true), ("Equivalent", false)], false);
        if rules_required && rules.is_empty() {
            fields.missing("resourceRules");
        }
        fields.finish();
        Constraints {
            rules: rules.into_iter().filter_map(|r| Rule::read(r, problems)).collect(),
            exclude: exclude.into_iter().filter_map(|r| Rule::read(r, problems)).collect(),
            namespaces: namespaces.map(|n| Selector::read(n, problems)).unwrap_or_default(),
            objects: objects.map(|n| Selector::read(n, problems)).unwrap_or_default(),
            exact,
        }
    }

    /// The rules, as (groups, versions, resources); for webhook registration and documentation.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// True when it selects namespaces by labels.
    pub fn selects_namespaces(&self) -> bool {
        !self.namespaces.is_empty()
    }

    /// Whether a rule names a resource (with its subresource after a slash), for whatever operation.
    pub fn name(&self, group: &str, resource: &str) -> bool {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        self.rules.iter().any(|r| r.names_resource(group, resource, subresource))
    }

    /// Whether a request is matched. A policy matches nothing without rules; a binding then matches what its policy does.
    pub fn matches(&self, target: &Target<'_>, rules_required: bool) -> Matched {
        if self.exclude.iter().any(|r| r.matches(target, self.exact)) {
            return Matched::No;
        }
        if (rules_required || !self.rules.is_empty()) && !self.rules.iter().any(|r| r.matches(target, self.exact)) {
            return Matched::No;
        }
        if !self.objects.is_empty() {
            // Either the new or the old object may match; one that is null does not (apiserver predicates/object).
            let fits = |o: Option<Object<'_>>| {
                o.is_some_and(|o| {
                    self.objects.matches(|key| label_of(o.at(&["metadata", "labels"]), key)) == Some(true)
                })
            };
            if !fits(target.object) && !fits(target.old_object) {
                return Matched::No;
            }
        }
        self.namespace(target)
    }

    /// apiserver predicates/namespace: cluster-scoped objects are never exempt, a Namespace is judged by its own labels.
    fn namespace(&self, target: &Target<'_>) -> Matched {
        if self.namespaces.is_empty() {
            return Matched::Yes;
        }
        let own = target.group.is_empty() && target.resource == "namespaces";
        if !own && !target.namespaced {
            return Matched::Yes;
        }
        let seen = if own { target.object.or(target.old_object) } else { target.namespace_object };
        let labels = seen.and_then(|o| o.at(&["metadata", "labels"]));
        let name = if own { Some(target.name) } else { target.namespace };
        let fits = self.namespaces.matches(|key| match (key, name) {
            ("kubernetes.io/metadata.name", Some(name)) => Label::Value(name),
            _ if seen.is_some() => label_of(labels, key),
            _ => Label::Unknown,
        });
        match fits {
            Some(true) => Matched::Yes,
            Some(false) => Matched::No,
            None => {
                let what = name.map_or_else(|| "the namespace".to_owned(), |n| format!("labels of Namespace {n}"));
                Matched::Unknown([Missing::not_collected(what)].into())
            }
        }
    }
}

impl Rule {
    fn read(node: Node<'_>, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::new(node, problems)?;
        let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<String>>();
        let groups = owned(fields.texts("apiGroups"));
        let versions = owned(fields.texts("apiVersions"));
        let resources = owned(fields.texts("resources"));
        let names = owned(fields.texts("resourceNames"));
        let words = fields.list("operations");
        let scope = fields.word(
            "scope",
            &[("*", Scope::Any), ("Cluster", Scope::Cluster), ("Namespaced", Scope::Namespaced)],
            Scope::Any,
        );
        for (name, empty) in [
            ("apiGroups", groups.is_empty()),
            ("apiVersions", versions.is_empty()),
            ("resources", resources.is_empty()),
            ("operations", words.is_empty()),
        ] {
            if empty {
                fields.missing(name);
            }
        }
        let mut operations = Vec::new();
        for word in words {
            match (word.as_str().unwrap_or_default(), Operation::ALL.iter().find(|(w, _)| word.as_str() == Some(w))) {
                ("*", _) => operations.extend(Operation::ALL.map(|(_, o)| o)),
                (_, Some((_, operation))) => operations.push(*operation),
                (other, None) => {
                    fields
                        .problems()
                        .at(word, format!("operations: '{other}' is none of CREATE, UPDATE, DELETE, CONNECT, *"));
                }
            }
        }
        fields.finish();
        Some(Rule { groups, versions, resources, operations, names, scope })
    }

    /// The groups, `*` for all.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The versions, `*` for all.
    pub fn versions(&self) -> &[String] {
        &self.versions
    }

    /// The resources, plural, with their subresource after a slash.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// The operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// `*`, `Cluster` or `Namespaced`.
    pub fn scope(&self) -> &'static str {
        match self.scope {
            Scope::Any => "*",
            Scope::Cluster => "Cluster",
            Scope::Namespaced => "Namespaced",
        }
    }

    /// apiserver predicates/rules, Matcher.Matches. With `matchPolicy: Equivalent` the API server converts an object that
    /// is asked for in another version of a matched group and resource; nothing can be converted here, so it is judged as
    /// it stands. Policies that care name each version's paths.
    fn matches(&self, target: &Target<'_>, exact: bool) -> bool {
        self.operations.contains(&target.operation)
            && self.names_resource(target.group, target.resource, target.subresource)
            && (!exact || one_of(&self.versions, target.version))
            && (self.names.is_empty() || self.names.iter().any(|n| n == target.name))
            && match self.scope {
                Scope::Any => true,
                Scope::Cluster => !target.namespaced,
                Scope::Namespaced => target.namespaced,
            }
    }

    fn names_resource(&self, group: &str, resource: &str, subresource: &str) -> bool {
        let named = |pattern: &String| {
            let (r, s) = pattern.split_once('/').unwrap_or((pattern, ""));
            (r == "*" || r == resource) && (s == "*" || s == subresource)
        };
        one_of(&self.groups, group) && self.resources.iter().any(named)
    }
}

fn one_of(list: &[String], value: &str) -> bool {
    list.iter().any(|x| x == "*" || x == value)
}
