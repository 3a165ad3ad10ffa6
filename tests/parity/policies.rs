//! The expressions of our own policies, each on the objects of its policy's cases.
//!
//! What reads `facts` is left out, and so is what reads a variable that does: the API server has none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::question::{Inputs, Question, files};

/// The questions of one policy file: every expression of it on every case.
pub fn questions(file: &Path) -> Vec<Question> {
    let text = std::fs::read_to_string(file).unwrap();
    let documents: Vec<Json> = serde_saphyr::from_multiple(&text).unwrap();
    let name = file.file_name().unwrap().to_string_lossy();
    let cases = documents.iter().filter_map(|d| d.pointer("/spec/cases")?.as_array());
    let inputs: Vec<Map<String, Json>> = cases.flatten().map(inputs).collect();
    let policy = documents.first().unwrap_or(&Json::Null);
    let mut questions = Vec::new();
    for document in documents.iter().filter(|d| d["kind"] != "ValidatingAdmissionPolicyBinding") {
        // What the notes of a policy compute, they compute from its variables.
        let variables = portable(if document["kind"] == "PolicyNotes" { policy } else { document });
        let mutation = document["kind"] == "MutatingAdmissionPolicy";
        let inputs: Vec<_> = inputs.iter().map(|i| with_mutation(i, mutation)).collect();
        let variables = Arc::new(variables);
        for (place, expression) in expressions(&document["spec"], "spec") {
            if reads_what_is_missing(&expression, &variables) {
                continue;
            }
            for (i, inputs) in inputs.iter().enumerate() {
                questions.push(Question {
                    place: format!("{name}:{place}, case {i}"),
                    variables: Arc::clone(&variables),
                    expression: expression.clone(),
                    inputs: Arc::clone(inputs),
                });
            }
        }
    }
    questions
}

/// Every policy file, sorted.
pub fn policy_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut stages: Vec<_> = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    stages.sort();
    stages.iter().flat_map(|stage| files(stage, "yaml")).collect()
}

/// The variables that do not read `facts`, neither by themselves nor through others.
fn portable(policy: &Json) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::new();
    for variable in policy.pointer("/spec/variables").and_then(Json::as_array).into_iter().flatten() {
        let text = |key: &str| variable[key].as_str().unwrap_or_default().to_owned();
        if !reads_what_is_missing(&text("expression"), &kept) {
            kept.push((text("name"), text("expression")));
        }
    }
    kept
}

/// Whether an expression reads `facts`, or a variable that is not among these.
fn reads_what_is_missing(expression: &str, variables: &[(String, String)]) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    expression.contains("facts.")
        || expression.split("variables.").skip(1).any(|rest| {
            let name = rest.split(|c| !word(c)).next().unwrap_or_default();
            !variables.iter().any(|(known, _)| known == name)
        })
}

/// Everything under a key that names an expression, with its path.
fn expressions(json: &Json, path: &str) -> Vec<(String, String)> {
    match json {
        Json::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != "cases")
            .flat_map(|(key, value)| match value.as_str() {
                Some(text) if key.to_ascii_lowercase().ends_with("expression") => {
                    vec![(format!("{path}.{key}"), text.to_owned())]
                }
                _ => expressions(value, &format!("{path}.{key}")),
            })
            .collect(),
        Json::Array(list) => {
            list.iter().enumerate().flat_map(|(i, value)| expressions(value, &format!("{path}[{i}]"))).collect()
        }
        _ => Vec::new(),
    }
}

/// What a case lets the API server see. The request is what any object's would be.
fn inputs(case: &Json) -> Map<String, Json> {
    let object = if case["object"].is_object() { &case["object"] } else { &case["oldObject"] };
    let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
    let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
    let resource = text("/kind").to_ascii_lowercase() + "s";
    let operation = if case["oldObject"].is_object() { "UPDATE" } else { "CREATE" };
    let request = json!({
        "kind": {"group": group, "version": version, "kind": text("/kind")},
        "resource": {"group": group, "version": version, "resource": resource},
        "name": text("/metadata/name"), "namespace": text("/metadata/namespace"), "operation": operation,
    });
    let mut inputs = Map::from_iter([("request".to_owned(), request)]);
    for key in ["object", "oldObject"].into_iter().filter(|key| case[key].is_object()) {
        inputs.insert(key.to_owned(), case[key].clone());
    }
    inputs
}

fn with_mutation(inputs: &Map<String, Json>, mutation: bool) -> Arc<Inputs> {
    let mut inputs = inputs.clone();
    inputs.insert("mutation".to_owned(), mutation.into());
    Arc::new(Inputs::new(inputs))
}
