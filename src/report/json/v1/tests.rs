//! What leaves the program is what `schema/report.v1.json` says.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{render, report};
use crate::finding::{Assessment, Severity, Stage};
use crate::report::samples::{self, healthy};
use crate::report::summary::{ExitReason, exit};
use crate::report::{Door, summary};

const SCHEMA: &str = include_str!("../../../../schema/report.v1.json");

/// Something of everything, in files too.
fn everything() -> Assessment {
    let mut a = samples::everything();
    let file = samples::file("vm.yaml", "spec:\n  evictionStrategy: LiveMigrate\n");
    let finding = &mut a.scan.findings[1];
    finding.subject.location = samples::locate(&file, "spec");
    finding.patch = vec![serde_json::json!({"op": "add", "path": "/spec/x", "value": 1})];
    let field = finding.field.as_mut().unwrap();
    field.location = samples::locate(&file, "LiveMigrate");
    field.note = Some("so it stays".to_owned());
    field.reason = Some("DisksNotLiveMigratable".to_owned());
    a
}

fn ended(a: &Assessment) -> ExitReason {
    exit(a, Severity::Blocker, false, Door::Report)
}

fn rendered(a: &Assessment) -> Value {
    serde_json::from_str(&render(a, &ended(a))).unwrap()
}

/// Validates by the part of JSON Schema that the schema uses, and notes which properties occur.
struct Validator {
    root: Value,
    seen: BTreeSet<String>,
    problems: Vec<String>,
}

impl Validator {
    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            let target =
                self.root.pointer(reference.trim_start_matches('#')).expect("the reference leads somewhere").clone();
            return self.check(&target, value, at);
        }
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let allowed = match &schema["type"] {
            Value::String(t) => t == kind,
            Value::Array(types) => types.iter().any(|t| t == kind),
            _ => true,
        };
        let listed = schema["enum"].as_array().is_none_or(|e| e.contains(value));
        let constant = schema.get("const").is_none_or(|c| c == value);
        if !allowed || !listed || !constant {
            self.problems.push(format!("{at}: {value} is not as the schema says"));
        }
        for item in value.as_array().into_iter().flatten() {
            self.check(&schema["items"], item, &format!("{at}[]"));
        }
        let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object()) else { return };
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(required) {
                self.problems.push(format!("{at}: {required} is missing"));
            }
        }
        for (key, field) in fields {
            let at = format!("{at}.{key}");
            match properties.get(key) {
                Some(schema) => self.check(schema, field, &at),
                None => self.problems.push(format!("{at} is not in the schema")),
            }
            self.seen.insert(at);
        }
    }
}

fn validate(value: &Value) -> (Vec<String>, BTreeSet<String>) {
    let root: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut validator = Validator { root: root.clone(), seen: BTreeSet::new(), problems: Vec::new() };
    validator.check(&root, value, "");
    (validator.problems, validator.seen)
}

#[test]
fn what_is_rendered_is_what_the_schema_says() {
    let mut manifests = everything();
    manifests.cluster = None;
    for assessment in [healthy(), everything(), manifests, Assessment::default()] {
        assert_eq!(validate(&rendered(&assessment)).0, Vec::<String>::new());
    }
}

#[test]
fn the_schema_promises_nothing_that_is_never_written() {
    let (_, seen) = validate(&rendered(&everything()));
    let root: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut promised = Vec::new();
    let mut open: Vec<&Value> = vec![&root];
    while let Some(at) = open.pop() {
        promised.extend(at["properties"].as_object().into_iter().flat_map(|p| p.keys()));
        open.extend(at.as_object().into_iter().flat_map(|o| o.values()).filter(|v| v.is_object()));
    }
    for key in promised {
        assert!(seen.iter().any(|s| s.ends_with(&format!(".{key}"))), "{key} was never written");
    }
}

#[test]
fn a_validator_that_accepts_everything_would_prove_nothing() {
    let mut value = rendered(&healthy());
    value["extra"] = Value::Bool(true);
    value["kind"] = Value::from("Other");
    value["stages"][0]["state"] = Value::from("fine");
    value["inputs"].as_object_mut().unwrap().remove("files");
    assert_eq!(validate(&value).0.len(), 4);
}

#[test]
fn the_same_assessment_gives_the_same_bytes() {
    let a = everything();
    assert_eq!(render(&a, &ended(&a)), render(&a, &ended(&a)));
    assert!(render(&a, &ended(&a)).ends_with("}\n"));
}

#[test]
fn a_vm_is_counted_with_its_vmi_and_kept() {
    let a = everything();
    let value = rendered(&a);
    let linked: Vec<&Value> =
        value["findings"].as_array().unwrap().iter().filter(|f| f.get("countedWith").is_some()).collect();
    assert_eq!(linked.len(), 1);
    let vmi = value["findings"].as_array().unwrap().iter().find(|f| f["fingerprint"] == linked[0]["countedWith"]);
    assert_eq!(vmi.unwrap()["subject"]["kind"], "VirtualMachineInstance");
    assert_eq!(value["summary"]["findings"]["blocker"], 5);
}

#[test]
fn a_secret_has_a_path_and_no_value() {
    let mut a = healthy();
    let mut f = samples::finding("p", Stage::Before, "Secret", "shop/pull", "data.token", "aHVudGVy");
    f.evidence.push(samples::evidence(&f.subject.object, "metadata.name", "pull"));
    a.scan.findings = vec![f];
    let ended = ended(&a);
    let report = report(&a, &ended);
    assert_eq!(report.findings[0].field.as_ref().unwrap().value, None);
    assert_eq!(report.findings[0].evidence[1].value, Some("pull"));
}

#[test]
fn stages_say_what_the_summary_counts() {
    let a = everything();
    let value = rendered(&a);
    for severity in ["blocker", "warning", "info"] {
        let stages = value["stages"].as_array().unwrap().iter();
        let sum: u64 = stages.map(|s| s["findings"][severity].as_u64().unwrap()).sum();
        assert_eq!(value["summary"]["findings"][severity], sum);
    }
    assert_eq!(value["summary"]["readiness"], summary::Summary::of(&a).readiness.as_str());
}
