//! What a mutation does to an object: its own operations, nothing compared afterwards.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::cel::{Evaluation, Halt, Input, Off};
use crate::object::{MissingSet, Node, Object, Path, Tree, Type};
use crate::source;

use super::conditions::{Applies, ExpressionError, applies};
use super::constraint::Matched;
use super::context::{Context, inputs, is_going};
use super::set::{PatchType, Policy};
use super::weight::{MAX_PATCHED, Shape, encoded_len};

/// What a mutation comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// It does not apply, or there is nothing to change.
    Nothing,
    /// RFC 6902 operations.
    Operations(Vec<Json>),
    /// It hangs on something that nobody knows: no patch.
    Unknown(MissingSet),
}

/// The operations that a policy's mutation makes of a request. As in the API server, each of its mutations sees the object
/// as the ones before left it; facts stay those of the object that came.
pub fn patch(policy: &Policy, context: &Context<'_>) -> Result<Patch, ExpressionError> {
    let Some(mutation) = &policy.mutation else { return Ok(Patch::Nothing) };
    if is_going(context.target.object) {
        return Ok(Patch::Nothing);
    }
    match mutation.constraints.matches(&context.target, true) {
        Matched::No => return Ok(Patch::Nothing),
        Matched::Unknown(missing) => return Ok(Patch::Unknown(missing)),
        Matched::Yes => {}
    }
    let inputs = inputs(context);
    match applies(&mutation.unit, &mutation.conditions, &inputs, context.memory) {
        Applies::Yes => {}
        Applies::No => return Ok(Patch::Nothing),
        Applies::Open(mut open) => match open.errors.pop() {
            Some(error) => return Err(error),
            None => return Ok(Patch::Unknown(open.unknown)),
        },
    }
    let mut out = Vec::new();
    let mut changed: Option<Tree> = None;
    for (at, (kind, expression)) in mutation.mutations.iter().enumerate() {
        let wrong = |message: String| ExpressionError::new(mutation.unit.source(*expression), message);
        let mut inputs = inputs;
        if let (Some(tree), Some(object)) = (&changed, inputs.first_mut()) {
            *object = Input::Node(tree.root());
        }
        let root = changed.as_ref().map(Tree::root).or(context.target.object.map(|o| o.root));
        let mut evaluation = Evaluation::new(&mutation.unit, &inputs, Off);
        evaluation.ask_for_memory(context.memory);
        let operations = match evaluation.evaluate(*expression) {
            Ok(value) => operations(*kind, value.to_json().map_err(wrong)?, root).map_err(wrong)?,
            Err(Halt::Unknown(missing)) => return Ok(Patch::Unknown((*missing).clone())),
            Err(halt) => return Err(wrong(halt.to_string())),
        };
        if at + 1 < mutation.mutations.len() && !operations.is_empty() {
            if root.is_some_and(|r| encoded_len(r) > MAX_PATCHED) {
                return Ok(Patch::Nothing);
            }
            changed = root.map(|r| apply(r, &operations)).transpose().map_err(wrong)?;
        }
        out.extend(operations);
    }
    Ok(if out.is_empty() { Patch::Nothing } else { Patch::Operations(out) })
}

fn operations(kind: PatchType, value: Json, root: Option<Node<'_>>) -> Result<Vec<Json>, String> {
    let mut out = Vec::new();
    match (kind, value) {
        (PatchType::JsonPatch, Json::Array(list)) => {
            for operation in list {
                out.push(checked(operation)?);
            }
        }
        (PatchType::ApplyConfiguration, Json::Object(fields)) => merge(root, fields, String::new(), &mut out)?,
        (_, other) => return Err(format!("gave {other} where a patch was expected")),
    }
    Ok(out)
}

/// Deepest object that becomes a value on the caller's stack; serde_json's own limit is 128 levels.
const SHALLOW: usize = 100;

/// The object after RFC 6902 operations. Only here is an object a `serde_json::Value`; [`super::patch_memory`] says what that may
/// take.
///
/// # Errors
/// In words: operations that are none, or that do not apply.
pub fn apply(object: Node<'_>, operations: &[Json]) -> Result<Tree, String> {
    // A value is read, written and dropped by recursion.
    if Shape::of(object).depth <= SHALLOW {
        return apply_here(object, operations);
    }
    let out_of_threads = || Err("no stack for an object as deep as this".to_owned());
    source::on_large_stack(|| apply_here(object, operations)).unwrap_or_else(out_of_threads)
}

fn apply_here(object: Node<'_>, operations: &[Json]) -> Result<Tree, String> {
    let mut value = json_of(object)?;
    let patch: json_patch::Patch = serde_json::from_value(Json::from(operations)).map_err(|e| e.to_string())?;
    json_patch::patch(&mut value, &patch).map_err(|e| e.to_string())?;
    source::json_tree(value.to_string().as_bytes()).map_err(|e| e.to_string())
}

/// The caller's stack is large enough for the node's depth.
fn json_of(node: Node<'_>) -> Result<Json, String> {
    let text = node.to_string();
    let mut from = serde_json::Deserializer::from_str(&text);
    from.disable_recursion_limit();
    Json::deserialize(&mut from).map_err(|e| e.to_string())
}

/// An operation in the order that people read, its fields those that RFC 6902 asks for.
fn checked(operation: Json) -> Result<Json, String> {
    let text = |name: &str| operation.get(name).and_then(Json::as_str);
    let op = text("op").unwrap_or_default().to_owned();
    let path = text("path").ok_or("an operation without a path")?;
    if !path.is_empty() && !path.starts_with('/') {
        return Err(format!("'{path}' is no JSON Pointer; it has to begin with a slash"));
    }
    match op.as_str() {
        "add" | "replace" | "test" if operation.get("value").is_none() => Err(format!("{op} needs a value")),
        "move" | "copy" if text("from").is_none() => Err(format!("{op} needs from")),
        "add" | "replace" | "test" | "move" | "copy" | "remove" => Ok(operation),
        _ => Err(format!("'{op}' is no operation of a JSON patch")),
    }
}

/// An apply configuration as operations: scalars and new maps are added, maps that are there are merged into. Lists need
/// the schema to be merged (by key, or replaced whole), and there is none here.
fn merge(at: Option<Node<'_>>, fields: Map<String, Json>, path: String, out: &mut Vec<Json>) -> Result<(), String> {
    for (key, value) in fields {
        let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
        let stands = at.and_then(|n| n.get(&key)).filter(|n| !n.is_null());
        match (value, stands) {
            (Json::Array(_), _) => {
                return Err(format!("{path} is a list, which cannot be merged without its schema; use JSONPatch"));
            }
            (Json::Object(inner), Some(n)) if n.kind() == Type::Map => merge(Some(n), inner, path, out)?,
            (value, Some(n)) if n.scalar().is_some() && json_of(n).as_ref() == Ok(&value) => {}
            (value, _) => {
                if contains_list(&value) {
                    return Err(format!(
                        "{path} holds a list, which cannot be merged without its schema; use JSONPatch"
                    ));
                }
                out.push(json!({"op": "add", "path": path, "value": value}));
            }
        }
    }
    Ok(())
}

fn contains_list(value: &Json) -> bool {
    match value {
        Json::Array(_) => true,
        Json::Object(fields) => fields.values().any(contains_list),
        _ => false,
    }
}

/// The paths that operations write.
pub(super) fn written_paths(operations: &[Json], object: Object<'_>) -> Vec<Path> {
    let pointers = operations.iter().filter_map(|o| o.get("path")?.as_str());
    pointers.filter_map(|pointer| Path::from_pointer(pointer, object.root)).collect()
}
