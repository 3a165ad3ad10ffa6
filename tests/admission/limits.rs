//! C. What an answer may hold: 47-54 (53 and 54 stand with the effects).

use std::cell::Cell;

use serde_json::{Value, json};
use virt_guard::admission::{Caller, Decision, Door, Grant, MAX_ANSWER, Unanswered, Unhurried};

use super::common::{World, policy, texts, vm, vm_review};

fn warn_with(message_expression: &str, object: Value) -> Value {
    let text = policy("says", "Warn", &format!("{{expression: 'false', messageExpression: \"{message_expression}\"}}"));
    World::of(&text).ask(&vm_review("CREATE", object, Value::Null))
}

#[test]
fn a_hundred_warnings_fit_and_the_rest_is_counted() {
    // 47
    let long = "wrong ".repeat(60);
    let notes = |id: &str, severity: &str| {
        format!(
            "apiVersion: virt-guard.io/v1\nkind: PolicyNotes\nmetadata: {{name: {id}}}\nspec: {{title: t, severity: {severity}, stage: before, \
             cases: []}}\n---\n"
        )
    };
    let mut text = String::new();
    for i in 0..100 {
        let (id, severity) = (format!("rule-{i:02}"), if i == 70 { "blocker" } else { "info" });
        text += &policy(&id, "Warn", &format!("{{expression: 'false', message: '{long}'}}"));
        text += &notes(&id, severity);
    }
    let response = World::of(&text).ask(&vm_review("CREATE", vm(json!({})), Value::Null));
    let warnings = texts(&response["warnings"]);
    assert!(warnings.iter().map(|w| w.chars().count()).sum::<usize>() <= 4096);
    assert!(warnings.iter().all(|w| w.chars().count() <= 256));
    assert!(warnings[0].ends_with("… [rule-70]"), "most severe first: {}", warnings[0]);
    assert_eq!(*warnings.last().unwrap(), format!("and {} more", 100 - (warnings.len() - 1)));
    assert!(warnings.len() > 10);
}

#[test]
fn a_warning_is_one_line_that_the_api_server_takes() {
    // 48: k8s.io/apimachinery pkg/util/net, NewWarningHeader refuses control characters.
    let mut object = vm(json!({}));
    object["metadata"]["annotations"] = json!({"t": "a\nb\tc\u{7f}d\u{85}e\u{0}f"});
    let response = warn_with("'text ' + object.metadata.annotations.t.replace('\\\\n', ' ')", object);
    assert_eq!(texts(&response["warnings"]), ["text a b c\\u{7f}d e\\u{0}f [says]"]);
}

#[test]
fn a_warning_is_cut_between_characters() {
    // 49
    let mut object = vm(json!({}));
    object["metadata"]["annotations"] = json!({"t": "😀".repeat(300)});
    let response = warn_with("string(object.metadata.annotations.t)", object);
    let warning = texts(&response["warnings"])[0];
    assert_eq!(warning.chars().count(), 256);
    assert!(warning.ends_with("😀… [says]"));
}

#[test]
fn the_same_warning_is_sent_once() {
    // 50
    let twice = "{expression: 'false', message: same}\n  - {expression: '1 == 2', message: same}\n  - {expression: object.spec.x == true, message: same}";
    let response =
        World::of(&policy("says", "Warn", twice)).ask(&vm_review("CREATE", vm(json!({"x": false})), Value::Null));
    assert_eq!(texts(&response["warnings"]), ["same [says]", "spec.x: same [says]"]);
}

#[test]
fn audit_annotations_are_qualified_and_hold_no_content() {
    // 51, 52
    let ids = ["a".repeat(63), format!("{}.example.org", "b".repeat(100)), "c.d".to_owned()];
    let text: String = ids
        .iter()
        .map(|id| {
            policy(
                id,
                "Audit",
                "{expression: object.spec.x != 'hunter2', messageExpression: \"'saw ' + object.spec.x\"}",
            )
        })
        .collect();
    let response = World::of(&text).ask(&vm_review("CREATE", vm(json!({"x": "hunter2"})), Value::Null));
    let annotations = response["auditAnnotations"].as_object().unwrap();
    assert_eq!(annotations.len(), 3);
    for (key, value) in annotations {
        assert!(key.len() <= 63, "{key}");
        assert!(
            key.starts_with(|c: char| c.is_ascii_alphanumeric()) && key.ends_with(|c: char| c.is_ascii_alphanumeric())
        );
        assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{key}");
        assert_eq!(value, "audit spec.x");
    }
}

#[test]
fn an_answer_with_everything_in_it_is_within_its_limit() {
    // 20
    let says = "messageExpression: string(object.spec.t)";
    let text: String = (0..300)
        .map(|i| {
            let effect = if i % 2 == 0 { "Deny" } else { "Warn" };
            policy(
                &format!("{}-{i:03}", "p".repeat(59)),
                effect,
                &format!("{{expression: object.spec.t == '', {says}}}"),
            )
        })
        .collect();
    let world = World::of(&text);
    let mut body = vm_review("CREATE", vm(json!({"t": "\u{1f600}\"".repeat(5000)})), Value::Null);
    body["request"]["name"] = json!("\"".repeat(5000));
    body["request"]["uid"] = json!("\"".repeat(128));
    let reviewed = world.review(body.to_string().as_bytes(), Door::Validate, &Unhurried).unwrap();
    assert!(reviewed.body.len() <= MAX_ANSWER, "{}", reviewed.body.len());
    let answer: Value = serde_json::from_slice(&reviewed.body).unwrap();
    let warnings = texts(&answer["response"]["warnings"]);
    assert!(warnings.iter().map(|w| w.chars().count()).sum::<usize>() <= 4096 && warnings.len() > 10);
    assert!(answer["response"]["status"]["details"]["causes"].as_array().unwrap().len() > 1);
}

#[test]
fn an_annotation_is_at_most_a_kibibyte() {
    // 51
    let checks: Vec<String> = (0..100).map(|i| format!("{{expression: object.spec.a{i} == true}}")).collect();
    let fields: serde_json::Map<String, Value> = (0..100).map(|i| (format!("a{i}"), json!(false))).collect();
    let text = policy("many", "Audit", &checks.join("\n  - "));
    let response = World::of(&text).ask(&vm_review("CREATE", vm(Value::Object(fields)), Value::Null));
    let value = response["auditAnnotations"]["many"].as_str().unwrap();
    assert!(value.len() <= 1024 && value.ends_with('…'), "{value}");
}

/// Says the same to everybody who asks for memory, and adds up what was asked for.
struct Lender(Grant, Cell<usize>);

impl Caller for Lender {
    fn should_stop(&self) -> bool {
        false
    }

    fn grant(&self, bytes: usize) -> Grant {
        self.1.set(self.1.get() + bytes);
        self.0
    }
}

/// Expressions may build far more than the object that they read: Kubernetes' costs do not bound memory.
#[test]
fn memory_is_asked_for_before_expressions_build_much() {
    const MIB: usize = 1 << 20;
    let grows = |id: &str, effect: &str| {
        policy(id, effect, "{expression: \"object.spec.t.replace('a', object.spec.r).size() == 0\", message: grown}")
    };
    let ask = |text: &str, operation: &str, old: Value, says: Grant| {
        let object = vm(json!({"t": "a".repeat(4096), "r": "b".repeat(1024)}));
        let old = if old.is_null() { old } else { object.clone() };
        let lender = Lender(says, Cell::new(0));
        let body = vm_review(operation, object, old).to_string();
        let reviewed = World::of(text).review(body.as_bytes(), Door::Validate, &lender);
        (reviewed, lender.1.get())
    };
    let create = |text: &str, says| ask(text, "CREATE", Value::Null, says);

    // 4 MiB, written and then kept, and all of it once more for the evidence.
    let (reviewed, asked) = create(&grows("a", "Deny"), Grant::Given);
    assert_eq!(reviewed.unwrap().verdict.decision, Decision::Denied);
    assert!((15 * MIB..=16 * MIB).contains(&asked), "{asked}");
    let (_, of_two) = create(&(grows("a", "Deny") + &grows("b", "Warn")), Grant::Given);
    assert_eq!(of_two, asked, "the second policy uses what the first was given");
    // On UPDATE the old object is judged too.
    let (_, of_update) = ask(&grows("a", "Deny"), "UPDATE", json!({}), Grant::Given);
    assert!((31 * MIB..=32 * MIB).contains(&of_update), "{of_update}");

    let (busy, _) = create(&grows("a", "Deny"), Grant::NotNow);
    assert_eq!(busy.unwrap_err(), Unanswered::Busy);
    // Where there is never so much, failurePolicy decides, as for any other expression that goes wrong.
    let (never, _) = create(&grows("a", "Deny"), Grant::Never);
    assert_eq!(never.unwrap().verdict.decision, Decision::Denied);
    let (never, _) =
        create(&grows("a", "Deny").replace("spec:\n  match", "spec:\n  failurePolicy: Ignore\n  match"), Grant::Never);
    assert_eq!(never.unwrap().verdict.decision, Decision::Warned);
    let (small, asked) = create(&policy("a", "Deny", "{expression: \"object.spec.t == ''\"}"), Grant::NotNow);
    assert_eq!((small.unwrap().verdict.decision, asked), (Decision::Denied, 0), "little is not asked for");
}
