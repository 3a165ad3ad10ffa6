//! Why a validation failed: what decided, where it stood, which obstacle it makes.

use std::collections::{BTreeSet, HashMap};

use crate::cel::{Blame, Evaluation, Input, Read};
use crate::object::{Evidence, Ground, Node, Object, ObjectRef, Path};

use super::context::Context;
use super::patch::written_paths;
use super::set::{Check, Validation};

/// What decided a failed validation.
#[derive(Clone, Debug, Default)]
pub(super) struct Blamed {
    /// The blamed path that the paired fix writes; else the last blamed path; else the facts' first evidence.
    pub field: Option<Evidence>,
    /// Everything that decided, once: what the expression read itself, then what its facts rest on.
    pub evidence: Vec<Evidence>,
    /// What identifies each of them across versions of the object: all that has to have been there before for a failure to
    /// be no news. Empty where that was not asked.
    pub causes: BTreeSet<String>,
}

/// Evaluates a failed validation once more, listening. `patch`: what the paired fix does. `compared`: whether the causes are
/// of interest.
pub(super) fn explain<'a>(
    check: &'a Check,
    validation: &Validation,
    context: &Context<'a>,
    inputs: &'a [Input<'a>],
    patch: &[serde_json::Value],
    compared: bool,
) -> Blamed {
    let mut evaluation = Evaluation::new(&check.unit, inputs, Blame::new());
    evaluation.ask_for_memory(context.memory);
    // It failed before and fails again; only what it read is of interest.
    let _ = evaluation.evaluate(validation.expression);
    let target = &context.target;
    let objects: Vec<Object<'a>> =
        [target.object, target.old_object, target.namespace_object].into_iter().flatten().collect();
    let reads = evaluation.tracer.reads();
    let Gathered { direct, from_facts } = Gathered::of(reads, &objects);
    let mut blamed = Blamed::default();
    if compared {
        blamed.causes = causes(reads, &objects);
    }
    let subject = target.object.or(target.old_object);
    let written = subject.map(|o| written_paths(patch, o)).unwrap_or_default();
    let writes = |e: &&Evidence| written.iter().any(|path| related(path, &e.path));
    let itself = subject.map(Object::reference);
    let own = |e: &&Evidence| itself.as_ref() == Some(&e.object);
    blamed.field = direct
        .iter()
        .chain(&from_facts)
        .filter(own)
        .find(writes)
        .or_else(|| direct.iter().rfind(own))
        .or_else(|| from_facts.iter().find(own))
        .or_else(|| direct.last())
        .or_else(|| from_facts.first())
        .cloned();
    blamed.evidence = merged(direct, from_facts);
    blamed
}

/// What an expression's reads rest on, each place once: what it read itself, then what its facts rest on. `objects` are
/// those that it may have read.
pub fn evidence(reads: &[Read<'_>], objects: &[Object<'_>]) -> Vec<Evidence> {
    let Gathered { direct, from_facts } = Gathered::of(reads, objects);
    merged(direct, from_facts)
}

/// Reads as evidence.
#[derive(Default)]
struct Gathered {
    direct: Vec<Evidence>,
    from_facts: Vec<Evidence>,
}

impl Gathered {
    fn of(reads: &[Read<'_>], objects: &[Object<'_>]) -> Self {
        let mut out = Gathered::default();
        for read in reads {
            match read {
                Read::Node(node) => {
                    let Some(object) = owner(objects, *node) else { continue };
                    out.direct.push(Ground::of(object, *node).evidence());
                }
                Read::Absent { parent, key } => {
                    let Some(object) = owner(objects, *parent) else { continue };
                    out.direct.push(Ground::absent(object, *parent, key).evidence());
                }
                Read::Fact(fact) => out.from_facts.extend(fact.evidence.iter().map(Ground::evidence)),
                Read::FactAbsent { .. } => {}
            }
        }
        out
    }
}

/// Each place once. An object can have as many as it has bytes, so they are looked up and not searched for.
fn merged(direct: Vec<Evidence>, from_facts: Vec<Evidence>) -> Vec<Evidence> {
    let mut out: Vec<Evidence> = Vec::new();
    let mut known: HashMap<(ObjectRef, Path), usize> = HashMap::new();
    for evidence in direct.into_iter().chain(from_facts) {
        let at = *known.entry((evidence.object.clone(), evidence.path.clone())).or_insert(out.len());
        match out.get_mut(at) {
            // A fact's evidence of a path says more than the expression's own read of it.
            Some(twin) if twin.note.is_none() && evidence.note.is_some() => *twin = evidence,
            Some(_) => {}
            None => out.push(evidence),
        }
    }
    out
}

/// What each read means for the question whether a failure is news: (path with list elements by their name key, value read),
/// or (obstacle, path by name key).
fn causes(reads: &[Read<'_>], objects: &[Object<'_>]) -> BTreeSet<String> {
    let stable = |ground: Ground| ground.evidence().stable_path;
    let mut out = BTreeSet::new();
    for read in reads {
        match read {
            Read::Node(node) => {
                let Some(object) = owner(objects, *node) else { continue };
                out.insert(format!("{} = {node}", stable(Ground::of(object, *node))));
            }
            Read::Absent { parent, key } => {
                let Some(object) = owner(objects, *parent) else { continue };
                out.insert(format!("{} absent", stable(Ground::absent(object, *parent, key))));
            }
            Read::Fact(fact) => out.extend(fact.evidence.iter().map(Ground::evidence).map(|e| match &e.reason {
                Some(reason) => format!("{reason} {}", e.stable_path),
                None => format!("{} {} = {:?}", e.object, e.stable_path, e.value),
            })),
            Read::FactAbsent { .. } => {}
        }
    }
    out
}

/// A patch that writes below a blamed path, or replaces what holds it, is the fix for it.
fn related(written: &Path, blamed: &Path) -> bool {
    written.is_prefix_of(blamed) || blamed.is_prefix_of(written)
}

fn owner<'a>(objects: &[Object<'a>], node: Node<'_>) -> Option<Object<'a>> {
    objects.iter().copied().find(|o| o.root.contains(node))
}
