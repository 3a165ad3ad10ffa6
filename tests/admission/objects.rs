//! B. Objects: 21-45. (30 needs an API server; 43 is a file's, and stands with the CLI's tests.)

use serde_json::{Value, json};
use virt_guard::admission::{Door, Options, Unhurried, memory};
use virt_guard::source;

use super::common::{UID, World, policy, policy_on, subscription_review, texts, vm, vm_review};

const FALSE: &str = "{expression: 'false', message: wrong}";

fn admitted() -> Value {
    json!({"uid": UID, "allowed": true})
}

#[test]
fn a_delete_is_judged_by_policies_that_ask_for_deletes() {
    // 21
    let body = vm_review("DELETE", Value::Null, vm(json!({"keep": true})));
    assert_eq!(World::of(&policy("no-delete", "Deny", FALSE)).ask(&body), admitted());
    let text = policy_on("on-delete", "Deny", "[DELETE]", "{expression: 'object == null && !oldObject.spec.keep'}");
    let response = World::of(&text).ask(&body);
    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["details"]["causes"][0]["field"], "spec.keep");
    assert_eq!(World::built_in().ask(&body), admitted());
}

#[test]
fn a_delete_without_any_object_is_admitted_with_a_warning() {
    // 22
    let text = policy_on("on-delete", "Deny", "[DELETE]", FALSE);
    let response = World::of(&text).ask(&vm_review("DELETE", Value::Null, Value::Null));
    assert_eq!(response["allowed"], true);
    assert_eq!(texts(&response["warnings"]).len(), 1);
}

#[test]
fn an_object_that_is_missing_cannot_be_judged() {
    for (operation, old) in [("CREATE", Value::Null), ("UPDATE", vm(json!({}))), ("UPDATE", Value::Null)] {
        let body = vm_review(operation, Value::Null, old);
        let response = World::of(&policy("denies", "Deny", "{expression: 'true'}")).ask(&body);
        assert_eq!(response["allowed"], false, "{operation}");
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains("the request holds no object"), "{message}");
    }
}

#[test]
fn a_connection_is_judged_by_policies_that_name_it() {
    // 23
    let mut body =
        vm_review("CONNECT", json!({"kind": "PodExecOptions", "apiVersion": "v1", "stdin": true}), Value::Null);
    let request = &mut body["request"];
    request["kind"] = json!({"group": "", "version": "v1", "kind": "PodExecOptions"});
    request["resource"] = json!({"group": "", "version": "v1", "resource": "pods"});
    request["subResource"] = json!("exec");
    assert_eq!(World::built_in().ask(&body), admitted());
    let text = policy_on("no-exec", "Deny", "[CONNECT]", FALSE);
    assert_eq!(World::of(&text).ask(&body), admitted());
    let response = World::of(&text.replace("virtualmachines, pods", "pods/exec")).ask(&body);
    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["details"]["kind"], "PodExecOptions");
}

#[test]
fn a_name_that_is_yet_to_be_generated_is_shown_as_such() {
    // 24
    let world = World::of(&policy("denies", "Deny", FALSE));
    let mut object = vm(json!({}));
    object["metadata"] = json!({"generateName": "web-", "namespace": "shop"});
    let mut body = vm_review("CREATE", object, Value::Null);
    body["request"].as_object_mut().unwrap().remove("name");
    assert_eq!(world.ask(&body)["status"]["details"]["name"], "web-*");
    body["request"]["object"]["metadata"]["name"] = json!("web-x7k2p");
    assert_eq!(world.ask(&body)["status"]["details"]["name"], "web-x7k2p");
    body["request"]["name"] = json!("web-b4n5m");
    assert_eq!(world.ask(&body)["status"]["details"]["name"], "web-b4n5m");
}

#[test]
fn subresources_pass_unless_they_are_named() {
    // 25
    let mut body = vm_review("UPDATE", vm(json!({})), vm(json!({})));
    body["request"]["subResource"] = json!("status");
    let text = policy("denies", "Deny", FALSE);
    assert_eq!(World::of(&text).ask(&body), admitted());
    assert_eq!(World::of(&text.replace("pods]", "virtualmachines/status]")).ask(&body)["allowed"], false);
}

#[test]
fn a_scale_is_no_vm() {
    // 26
    let mut body = vm_review(
        "UPDATE",
        json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 2}}),
        Value::Null,
    );
    body["request"]["kind"] = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
    body["request"]["subResource"] = json!("scale");
    assert_eq!(World::of(&policy("denies", "Deny", FALSE)).ask(&body), admitted());
    assert_eq!(World::built_in().ask(&body), admitted());
    // Where a policy asks for it, it is matched by the resource's group and not by the object's.
    let text = policy("denies", "Deny", FALSE).replace("pods]", "virtualmachines/scale]");
    let response = World::of(&text).ask(&body);
    assert_eq!(response["status"]["details"]["kind"], "Scale");
}

#[test]
fn an_object_that_is_going_is_admitted() {
    // 27
    let mut object = vm(json!({}));
    let old = object.clone();
    object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let world = World::of(&policy("denies", "Deny", FALSE));
    assert_eq!(world.ask(&vm_review("UPDATE", object.clone(), object.clone())), admitted());
    assert_eq!(world.ask(&vm_review("UPDATE", old.clone(), old))["allowed"], false);
}

#[test]
fn a_failure_that_no_object_caused_was_not_there_before() {
    // 28
    let text = policy("only-bob", "Deny", "{expression: request.userInfo.username == 'bob'}");
    let body = vm_review("UPDATE", vm(json!({"x": 1})), vm(json!({})));
    assert_eq!(World::of(&text).ask(&body)["allowed"], false);
}

#[test]
fn what_was_so_before_is_a_warning_and_what_is_new_is_refused() {
    // 28, 29
    let text = policy("no-external", "Deny", "{expression: object.spec.strategy != 'External', message: external}");
    let world = World::of(&text);
    let (bad, good) = (json!({"strategy": "External"}), json!({"strategy": "None"}));
    let touched = json!({"strategy": "External", "running": true});
    let response = world.ask(&vm_review("UPDATE", vm(touched), vm(bad.clone())));
    assert_eq!(response["allowed"], true);
    let expected = "was already so before this change: spec.strategy: external [no-external]";
    assert_eq!(texts(&response["warnings"]), [expected]);
    let response = world.ask(&vm_review("UPDATE", vm(bad.clone()), vm(good)));
    assert_eq!(response["allowed"], false);
    // A policy that does not want this says so.
    let strict = text.replacen(
        "metadata: {name: no-external}",
        "metadata: {name: no-external, annotations: {virt-guard.io/ratchet: 'off'}}",
        1,
    );
    assert_eq!(World::of(&strict).ask(&vm_review("UPDATE", vm(bad.clone()), vm(bad)))["allowed"], false);
}

#[test]
fn what_the_object_says_of_its_kind_does_not_matter() {
    // 31
    let (world, built_in) = (World::of(&policy("denies", "Deny", FALSE)), World::built_in());
    for object in [
        json!({}),
        json!({"metadata": {"name": "web"}}),
        json!({"kind": "Pod", "apiVersion": "v1"}),
        json!({"kind": 5, "apiVersion": [], "metadata": "x"}),
        json!([]),
        json!(5),
        json!("VirtualMachine"),
    ] {
        for operation in ["CREATE", "UPDATE"] {
            let body = vm_review(operation, object.clone(), object.clone());
            let response = world.ask(&body);
            assert_eq!(response["allowed"], false, "{object}");
            assert_eq!(response["status"]["details"]["kind"], "VirtualMachine");
            built_in.ask(&body);
        }
    }
}

/// Every value of an object but its name and kind, replaced by another.
fn each_replaced(object: &Value, with: &Value) -> Vec<(String, Value)> {
    fn paths(value: &Value, at: String, out: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(k, v)| {
                let at = format!("{at}/{}", k.replace('~', "~0").replace('/', "~1"));
                out.push(at.clone());
                paths(v, at, out);
            }),
            Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| {
                out.push(format!("{at}/{i}"));
                paths(v, format!("{at}/{i}"), out);
            }),
            _ => {}
        }
    }
    let mut all = Vec::new();
    paths(object, String::new(), &mut all);
    let replaced = |path: String| {
        let mut object = object.clone();
        *object.pointer_mut(&path).unwrap() = with.clone();
        (path, object)
    };
    all.into_iter().map(replaced).collect()
}

fn full_vm() -> Value {
    let bytes = include_bytes!("../../benches/data/vm.json");
    let mut object: Value = serde_json::from_slice(bytes).unwrap();
    object["metadata"].as_object_mut().unwrap().remove("managedFields");
    object
}

#[test]
fn a_field_that_is_null_or_of_another_type_is_judged() {
    // 32, 33
    let world = World::built_in();
    let subscription = subscription_review("Manual");
    let mut judged = 0;
    for with in [Value::Null, json!({"x": 1}), json!([1]), json!("text"), json!(7), json!(true)] {
        for (path, object) in each_replaced(&full_vm(), &with) {
            let response = world.ask(&vm_review("CREATE", object, Value::Null));
            assert_eq!(response["uid"], UID, "{path}");
            judged += 1;
        }
        for (path, object) in each_replaced(&subscription["request"]["object"], &with) {
            let mut body = subscription.clone();
            body["request"]["object"] = object;
            let response = world.ask(&body);
            let known = ["/spec", "/spec/installPlanApproval", "/spec/name", "/metadata/labels"];
            // Everything else decides nothing.
            let same = response["allowed"] == false;
            assert!(same || known.iter().any(|k| path == *k), "{path} with {with}: {response}");
            judged += 1;
        }
    }
    assert!(judged > 500, "{judged}");
}

#[test]
fn a_wrong_type_that_decides_is_a_policy_error_that_names_the_field() {
    // 33
    let mut body = subscription_review("Manual");
    body["request"]["object"]["metadata"]["labels"] = json!("text");
    let response = World::built_in().ask(&body);
    assert_eq!(response["allowed"], false);
    let cause = &response["status"]["details"]["causes"][0];
    assert_eq!(cause["field"], "metadata.labels");
    let message = cause["message"].as_str().unwrap();
    assert!(message.starts_with("policy error: ") && message.contains("object.metadata.?labels"), "{message}");
    assert!(message.ends_with("[olm-manual-approval]"), "{message}");
}

#[test]
fn a_field_that_is_null_is_judged_as_one_that_is_absent() {
    // 32
    let world = World::built_in();
    let mut judged = 0;
    let mut differ = Vec::new();
    for (path, null) in each_replaced(&full_vm(), &Value::Null) {
        let (parent, key) = path.rsplit_once('/').unwrap();
        // ObjectMeta is typed: the API server has dropped its nulls, and expressions may rely on `object.metadata`.
        // The CRD's schema demands `spec`.
        if path.starts_with("/metadata") || path == "/spec" {
            continue;
        }
        let mut absent = full_vm();
        let Some(fields) = absent.pointer_mut(parent).and_then(Value::as_object_mut) else { continue };
        fields.remove(&key.replace("~1", "/").replace("~0", "~"));
        let verdict = |object: Value| {
            let body = vm_review("CREATE", object, Value::Null).to_string();
            world.review(body.as_bytes(), Door::Validate, &Unhurried).unwrap().verdict
        };
        let (a, b) = (verdict(null), verdict(absent));
        judged += a.policies.len();
        if (a.decision, &a.policies) != (b.decision, &b.policies) {
            differ.push((path, a.policies, b.policies));
        }
    }
    assert!(judged > 0 && differ.is_empty(), "{differ:#?}");
}

#[test]
fn numbers_are_read_as_go_reads_them() {
    // 34
    let cases = [
        ("1", "type(object.spec.n) == int && object.spec.n == 1"),
        ("1.0", "type(object.spec.n) == double && object.spec.n == 1.0"),
        ("1e0", "type(object.spec.n) == double"),
        ("-0", "type(object.spec.n) == int && object.spec.n == 0"),
        ("9007199254740993", "object.spec.n == 9007199254740993"),
        ("9223372036854775807", "object.spec.n == 9223372036854775807"),
        ("-9223372036854775808", "object.spec.n < -9223372036854775807"),
        ("9223372036854775808", "type(object.spec.n) == double && object.spec.n == 9223372036854775808.0"),
        ("18446744073709551615", "type(object.spec.n) == double"),
        ("1e308", "type(object.spec.n) == double && object.spec.n > 9e307"),
    ];
    let body = vm_review("CREATE", vm(json!({"n": "PLACE"})), Value::Null).to_string();
    for (number, expression) in cases {
        let world = World::of(&policy("number", "Deny", &format!("{{expression: '{expression}'}}")));
        let response = world.ask_bytes(body.replace("\"PLACE\"", number).as_bytes());
        assert_eq!(response["allowed"], true, "{number}: {}", response["status"]["message"]);
    }
    let text = World::built_in().refused(body.replace("\"PLACE\"", "1e400").as_bytes());
    assert!(text.contains("a number that no Kubernetes API can hold"), "{text}");
}

#[test]
fn quantities_and_durations_are_read_as_go_reads_them() {
    // 35, 36; kubernetes.io/quantity and duration of the API server's CEL
    let cases = [
        ("quantity('1Gi').asInteger() == 1073741824", true),
        ("quantity('1.5Gi').compareTo(quantity('1610612736')) == 0", true),
        ("quantity('0.5').asApproximateFloat() == 0.5", true),
        ("quantity('1e3').asInteger() == 1000", true),
        ("quantity('-1').sign() == -1", true),
        ("isQuantity(object.spec.empty)", false),
        ("duration('1m0s') == duration('60s')", true),
        ("duration('1h1h') == duration('2h')", true),
        ("duration('-1s') < duration('0s')", true),
        ("duration(object.spec.bare) == duration('60s')", false),
    ];
    let body = vm_review("CREATE", vm(json!({"empty": "", "bare": "60"})), Value::Null);
    for (expression, allowed) in cases {
        let world = World::of(&policy("go", "Deny", &format!("{{expression: \"{expression}\"}}")));
        assert_eq!(world.ask(&body)["allowed"], allowed, "{expression}");
    }
}

#[test]
fn hostile_text_is_shown_escaped_and_cut() {
    // 37
    let shown = "{expression: object.spec.text == 'ok', messageExpression: \"'it says ' + string(object.spec.text)\"}";
    let world = World::of(&policy("text", "Deny", shown));
    let says = |text: String| {
        let response = world.ask(&vm_review("CREATE", vm(json!({"text": text})), Value::Null));
        response["status"]["details"]["causes"][0]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(says("a\u{0}b\u{1b}[31m".to_owned()), "it says a\\u{0}b\\u{1b}[31m [text]");
    assert_eq!(says("\u{202e}live \u{1f600}".to_owned()), "it says \\u{202e}live \u{1f600} [text]");
    let long = says("x".repeat(1 << 20));
    assert!(long.chars().count() <= 2048 && long.ends_with("x… [text]"), "{}", long.len());
}

#[test]
fn what_is_large_or_repetitive_is_judged_within_its_memory() {
    // 38, 41, 42
    let world = World::of(&policy("denies", "Deny", "{expression: object.spec.bad == 'x', message: wrong}"));
    let body = |extra: &str| {
        vm_review("CREATE", vm(json!({"bad": "y", "more": "PLACE"})), Value::Null)
            .to_string()
            .replace("\"PLACE\"", extra)
    };
    let worst = [
        format!("{{{}}}", vec!["\"\":0"; 449_000].join(",")),
        format!("[{}]", vec!["[]"; 1 << 20].join(",")),
        format!("[{}]", vec!["0"; 1 << 20].join(",")),
        format!("[{}]", vec!["{\"\":{}}"; 300_000].join(",")),
        format!("\"{}\"", "\\u003c".repeat(1 << 20)),
        json!("<".repeat(3 << 20)).to_string(),
        json!(",\"\\[".repeat(600 << 10)).to_string(),
    ];
    for extra in worst {
        let body = body(&extra);
        let response = world.ask_bytes(body.as_bytes());
        assert_eq!(response["allowed"], false);
        assert_eq!(response["status"]["details"]["causes"].as_array().unwrap().len(), 1);
        let tree = source::json_tree(body.as_bytes()).unwrap();
        let (held, charged) = (tree.heap_bytes(), memory(body.as_bytes()));
        assert!(held + body.len() <= charged, "{held} bytes held, {charged} charged for {}", &extra[..10]);
        // Three MiB as the API server takes them, and what is stored beside them, have to fit into 128 MiB.
        assert!(charged <= 64 << 20, "{charged} charged for {}", &extra[..10]);
    }
    let mut object = vm(json!({"bad": "y"}));
    object["metadata"]["managedFields"] = json!([{"fieldsV1": {"f:spec": {"f:x": "m".repeat(1 << 20)}}}]);
    object["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": "s".repeat(256 << 10)});
    let body = vm_review("CREATE", object, Value::Null).to_string();
    let reviewed = world.review(body.as_bytes(), Door::Validate, &Unhurried).unwrap();
    assert!(reviewed.body.len() < 1000, "{}", reviewed.body.len());
}

#[test]
fn what_can_be_stored_is_judged_however_deep_it_is() {
    // 39
    let world = World::of(&policy("denies", "Deny", "{expression: object.spec.bad == 'x', message: wrong}"));
    let body = vm_review("UPDATE", vm(json!({"bad": "y", "deep": "PLACE"})), vm(json!({"bad": "z"}))).to_string();
    let built_in = World::built_in();
    let judge = || {
        for depth in [127, 128, 1_000, 9_990, 9_998] {
            let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let response = world.ask_bytes(body.replace("\"PLACE\"", &nested).as_bytes());
            assert_eq!((&response["uid"], &response["allowed"]), (&json!(UID), &json!(false)), "{depth}");
            built_in.ask_bytes(body.replace("\"PLACE\"", &nested).as_bytes());
        }
    };
    // Half of what a thread has by default.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn_scoped(scope, judge).unwrap();
        assert!(thread.join().is_ok());
    });
}

#[test]
fn what_no_api_server_sends_is_refused_before_it_costs_a_stack() {
    // 40
    let world = World::built_in();
    let body = vm_review("CREATE", vm(json!({"deep": "PLACE"})), Value::Null).to_string();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}0{}", open.repeat(100_000), close.repeat(100_000));
        let text = world.refused(body.replace("\"PLACE\"", &nested).as_bytes());
        assert!(text.contains("nested deeper than 10000 levels"), "{text}");
        // Cut off, it is refused too.
        world.refused(body.replace("\"PLACE\"", &open.repeat(100_000)).as_bytes());
        // In a field that nobody reads it does not matter.
        let unknown = body.replacen("\"uid\"", &format!("\"new\":{nested},\"uid\""), 1);
        assert_eq!(world.ask_bytes(unknown.as_bytes())["uid"], UID);
    }
}

#[test]
fn an_exempt_namespace_is_left_alone_and_its_neighbour_is_not() {
    // 44: the configuration's namespaceSelector is the other lock
    let mut body = vm_review("CREATE", vm(json!({})), Value::Null);
    let options = Options { exempt_namespaces: vec!["kube-system".to_owned()], ..Options::default() };
    let world = World::of(&policy("denies", "Deny", FALSE)).options(options);
    assert_eq!(world.ask(&body)["allowed"], false);
    body["request"]["namespace"] = json!("kube-system");
    assert_eq!(world.ask(&body), admitted());
}

#[test]
fn a_change_in_another_kind_of_resource_is_not_ours() {
    // 45
    let mut body = vm_review("CREATE", json!({"kind": "Deployment", "apiVersion": "apps/v1"}), Value::Null);
    body["request"]["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    body["request"]["resource"] = json!({"group": "apps", "version": "v1", "resource": "deployments"});
    assert_eq!(World::built_in().ask(&body), admitted());
}
