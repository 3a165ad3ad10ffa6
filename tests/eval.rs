//! `virt-guard eval` as a person who writes policies meets it: an expression and files in, the screen and an exit code out.
#![allow(clippy::unwrap_used, clippy::expect_used)] // Clippy spares tests, and not the functions that they share.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const VM: &str = r#"apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: db-0
  namespace: shop
  labels: {app: shop, tier: db}
spec:
  runStrategy: Always
  template:
    spec:
      evictionStrategy: LiveMigrate
      volumes:
      - name: root
        persistentVolumeClaim: {claimName: db-0-root}
      - name: init
        cloudInitNoCloud: {userData: "password: hunter2"}
"#;

const SEVERAL: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b, namespace: shop}
data: {x: '2'}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {env: prod}}
";

/// A folder with the files that the tests name.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("vm.yaml", VM.to_owned()),
        ("old.yaml", VM.replace("Always", "Halted")),
        ("several.yaml", SEVERAL.to_owned()),
        ("request.yaml", "userInfo: {username: anna}\n".to_owned()),
        ("list.yaml", "- a\n".to_owned()),
        ("values.yaml", "a: 1\n".to_owned()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Exit code, stdout, stderr.
fn eval_with(arguments: &[&str], stdin: &str) -> (i32, String, String) {
    let folder = folder();
    fs::write(folder.path().join("stdin"), stdin).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_virt-guard"))
        .arg("eval")
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::from(fs::File::open(folder.path().join("stdin")).unwrap()))
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("no signal ended it"), text(output.stdout), text(output.stderr))
}

/// The screen and the exit code, in one text for a snapshot.
fn eval(arguments: &[&str]) -> String {
    let (code, stdout, stderr) = eval_with(arguments, "");
    format!("{stdout}{stderr}[{code}]")
}

#[test]
fn a_value_with_what_decided_it() {
    insta::assert_snapshot!(
        eval(&["--explain", "object.spec.runStrategy == 'Always' && !has(object.spec.running)", "vm.yaml"]),
        @r#"
value   true
type    bool
cost    7
runs    in the API server, from Kubernetes 1.26 on
because spec.runStrategy  Always  vm.yaml:8:16
        spec.running      absent  vm.yaml:8:3
[0]
"#
    );
}

#[test]
fn a_type_that_is_known_only_when_it_runs() {
    insta::assert_snapshot!(eval(&["object.metadata.labels", "vm.yaml"]), @r#"
value   {"app":"shop","tier":"db"}
type    map   (dyn before it runs)
cost    3
runs    in the API server, from Kubernetes 1.26 on
[0]
"#);
    insta::assert_snapshot!(eval(&["dyn(true)"]), @r#"
value   true
type    bool   (dyn before it runs)
note    a validation has to be bool before it runs; compare it: == true
cost    0
runs    in the API server, from Kubernetes 1.26 on
[0]
"#);
}

#[test]
fn an_error_shows_its_place() {
    insta::assert_snapshot!(eval(&["object.spek.x", "vm.yaml"]), @r#"
error   no such key: spek
        object.spek.x
              ^^^^^
cost    2
runs    in the API server, from Kubernetes 1.26 on
[3]
"#);
    insta::assert_snapshot!(eval(&["object.x"]), @r#"
error   no such key: x
        object.x
              ^^
cost    2
runs    in the API server, from Kubernetes 1.26 on
note    object is null: no file with one was named
[3]
"#);
    insta::assert_snapshot!(eval(&["variables.v + 1", "vm.yaml", "--variable", "v=object.nope"]), @r#"
error   no such key: nope   in variables.v
        object.nope
              ^^^^^
cost    5
runs    in the API server, from Kubernetes 1.26 on
[3]
"#);
}

#[test]
fn a_refusal_shows_all_that_is_wrong() {
    insta::assert_snapshot!(eval(&["objct.spec == 1 && request.nam == 'a'", "vm.yaml"]), @r#"
virt-guard: undeclared reference to 'objct' (did you mean 'object'?)
            objct.spec == 1 && request.nam == 'a'
            ^^^^^
            undefined field 'nam' (did you mean 'name'?)
            objct.spec == 1 && request.nam == 'a'
                                      ^^^^
[2]
"#);
    insta::assert_snapshot!(eval(&["params.x", "vm.yaml"]), @r#"
virt-guard: undeclared reference to 'params' (say what it holds with --params FILE)
            params.x
            ^^^^^^
[2]
"#);
    insta::assert_snapshot!(eval(&["variables.v", "--variable", "v=1 + 'a'"]), @r#"
virt-guard: variables.v: found no matching overload for '_+_' applied to '(int, string)'
            1 + 'a'
              ^
[2]
"#);
}

#[test]
fn what_is_not_known_is_no_value() {
    insta::assert_snapshot!(eval(&["--explain", "facts.migration.verdict == 'Migratable'", "vm.yaml"]), @r#"
value   not known: KubeVirt (not collected), PersistentVolumeClaim shop/db-0-root (not collected)
cost    4
runs    in virt-guard only: facts.migration
[3]
"#);
    insta::assert_snapshot!(eval(&["request.userInfo.username"]), @r#"
value   not known: the user who asks (known only at admission)
cost    2
runs    in the API server, from Kubernetes 1.26 on
[3]
"#);
    insta::assert_snapshot!(eval(&["request.userInfo.username", "--request", "request.yaml"]), @r#"
value   "anna"
type    string
cost    3
runs    in the API server, from Kubernetes 1.26 on
[0]
"#);
}

#[test]
fn too_much_work_is_an_ending_of_its_own() {
    insta::assert_snapshot!(eval(&["lists.range(10000000).size() > 0 || true"]), @r#"
error   it costs more than Kubernetes allows, 1000000 for one expression
cost    10000012
[3]
"#);
    // Little work, by Kubernetes' count, that builds a lot.
    let much = format!("lists.range(3000).map(x, '{}'.replace('a', '{}')).size()", "a".repeat(80), "b".repeat(400));
    let said = eval(&[&much]);
    assert!(said.starts_with("error   it builds more than an evaluation may hold here, 64 MiB\ncost    "), "{said}");
}

/// The variables that the API server hands to an expression.
#[test]
fn what_an_expression_may_read() {
    for (arguments, value) in [
        (&["object.spec == oldObject.spec", "vm.yaml", "--old", "old.yaml"][..], "false"),
        (&["oldObject.spec.runStrategy", "vm.yaml", "--old", "old.yaml"], "\"Halted\""),
        (&["request.operation", "vm.yaml", "--old", "old.yaml"], "\"UPDATE\""),
        (&["request.operation", "--old", "old.yaml"], "\"DELETE\""),
        (&["request.operation", "vm.yaml"], "\"CREATE\""),
        (&["request.resource.resource", "vm.yaml"], "\"virtualmachines\""),
        (&["params.spec.runStrategy", "vm.yaml", "--params", "old.yaml"], "\"Halted\""),
        (&["object.data.x", "several.yaml", "b"], "\"2\""),
        (&["object.data.x", "several.yaml", "configmap/b"], "\"2\""),
        (&["namespaceObject.metadata.labels.env", "several.yaml", "shop/b"], "\"prod\""),
        (&["namespaceObject.metadata.labels.env", "vm.yaml", "--from", "several.yaml"], "\"prod\""),
        (&["variables.b * 2", "--variable", "a=1", "--variable", "b=variables.a + 1"], "4"),
        (&["-1"], "-1"),
        (&["'a=b'.size()"], "3"),
    ] {
        let (code, stdout, stderr) = eval_with(arguments, "");
        let first = stdout.lines().next().unwrap_or_default();
        assert_eq!((code, first.trim_start_matches("value").trim()), (0, value), "{arguments:?}: {stderr}");
    }
    let (code, stdout, _) = eval_with(&["object.metadata.name", "-"], VM);
    assert_eq!((code, stdout.lines().next()), (0, Some("value   \"db-0\"")));
}

#[test]
fn what_is_asked_wrongly() {
    for (arguments, part) in [
        (
            &["object", "several.yaml"][..],
            "3 objects; say which one after the file: ConfigMap/a, ConfigMap/b, Namespace/shop",
        ),
        (&["object", "several.yaml", "bb"], "no object called 'bb' (did you mean 'b'?)"),
        (&["object", "values.yaml"], "no Kubernetes object"),
        (&["object", "nope.yaml"], "nope.yaml: no such file or folder"),
        (&["1", "--request", "list.yaml"], "expected one document, a mapping"),
        (&["1", "--variable", "a"], "expected NAME=EXPR"),
        (&["1", "--variable", "a b=1"], "'a b' is no name of a variable"),
        (&["1", "-", "--old", "-"], "standard input can be read once"),
    ] {
        let (code, stdout, stderr) = eval_with(arguments, "");
        assert!(code == 2 && stdout.is_empty() && stderr.contains(part), "{arguments:?}: {code} {stderr}");
    }
}

/// No output shows what a Secret or a guest's first-boot data holds.
#[test]
fn secrets_are_not_shown() {
    for expression in [
        "object",
        "object.spec.template.spec.volumes",
        "object.spec.template.spec.volumes[1].cloudInitNoCloud.userData",
    ] {
        for format in ["text", "json"] {
            let (code, stdout, _) = eval_with(&["--explain", "-o", format, expression, "vm.yaml"], "");
            assert!(
                code == 0 && stdout.contains("(not shown)") && !stdout.contains("hunter2"),
                "{expression}: {stdout}"
            );
        }
    }
}

#[test]
fn json_for_machines() {
    let json = |arguments: &[&str]| {
        let (code, stdout, stderr) = eval_with(arguments, "");
        (code, serde_json::from_str::<Value>(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}{stderr}")))
    };
    let (code, value) = json(&["-o", "json", "--explain", "object.spec.runStrategy == 'Always'", "vm.yaml"]);
    assert_eq!(
        (code, &value["outcome"], &value["value"], &value["cost"]),
        (0, &"value".into(), &true.into(), &4.into())
    );
    assert_eq!((&value["because"][0]["path"], &value["because"][0]["line"]), (&"spec.runStrategy".into(), &8.into()));
    let (code, value) = json(&["-o", "json", "\n1 +"]);
    assert_eq!((code, &value["outcome"]), (2, &"refused".into()));
    assert_eq!((&value["problems"][0]["line"], &value["problems"][0]["column"]), (&2.into(), &4.into()));
    let (code, value) = json(&["-o", "json", "object.nope", "vm.yaml"]);
    assert_eq!((code, &value["problems"][0]["message"]), (3, &"no such key: nope".into()));
    let (code, value) = json(&["-o", "json", "request.userInfo.uid"]);
    assert_eq!((code, value["missing"].as_array().map(Vec::len)), (3, Some(1)));
}
