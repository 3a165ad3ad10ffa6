//! The program as people and scripts meet it: arguments and files in; stdout, stderr and an exit code out.
#![allow(clippy::unwrap_used, clippy::expect_used)] // Clippy spares tests, and not the functions that they share.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a run gave.
#[derive(Debug)]
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

/// A folder with files, and the program run in it.
struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virt-guard"));
        command.current_dir(self.path()).args(arguments).env_clear().env("LANG", "C.UTF-8");
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    /// Runs with a text on standard input.
    fn run_with(&self, arguments: &[&str], stdin: &str) -> Run {
        run(self.command(arguments), stdin)
    }
}

fn run(mut command: Command, stdin: &str) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A command that does not read its input may be gone before it is written.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("no signal ended it");
    let run = Run { code, stdout: text(output.stdout), stderr: text(output.stderr) };
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

const EMPTY: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: empty}\n";
const FULL: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: full}\ndata: {a: b}\n";
const BROKEN: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken\n";

/// A policy about ConfigMaps without data, with a severity and a case that expects an outcome.
fn policy(severity: &str, expected: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: no-data}}
spec:
  matchConstraints:
    resourceRules:
    - {{apiGroups: [''], apiVersions: [v1], resources: [configmaps], operations: [CREATE, UPDATE]}}
  validations:
  - {{expression: has(object.data), message: the ConfigMap holds no data}}
---
apiVersion: virt-guard.io/v1
kind: PolicyNotes
metadata: {{name: no-data}}
spec:
  title: A ConfigMap holds no data
  severity: {severity}
  stage: before
  why: Somebody waits for it.
  fix: {{text: Give it data.}}
  cases:
  - name: no data
    object: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: empty}}}}
    {expected}: {{}}
"
    )
}

fn with_policy(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new(files);
    folder.write("policies/no-data.yaml", policy("blocker", "audit").as_bytes());
    folder
}

const CHECK: [&str; 3] = ["check", "--policies", "policies"];

fn check<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    CHECK.iter().chain(arguments).copied().collect()
}

#[test]
fn exit_codes_of_check() {
    let files = [
        ("empty.yaml", EMPTY),
        ("full.yaml", FULL),
        ("broken.yaml", BROKEN),
        ("values.yaml", "replicas: 1\n"),
        ("nothing.yaml", ""),
    ];
    let folder = with_policy(&files);
    for (arguments, code) in [
        (vec!["full.yaml"], 0),
        (vec!["empty.yaml"], 1),
        (vec!["empty.yaml", "full.yaml"], 1),
        (vec!["full.yaml", "broken.yaml"], 3),
        (vec!["empty.yaml", "broken.yaml"], 3),
        (vec!["values.yaml"], 3),
        (vec!["nothing.yaml"], 3),
        (vec!["gone.yaml"], 2),
        (vec!["broken.yaml", "gone.yaml"], 2),
        (vec![], 2),
        (vec!["empty.yaml", "--target", "soon"], 2),
        (vec!["empty.yaml", "--fail-on", "never"], 2),
        (vec!["empty.yaml", "-o", "yaml"], 2),
        (vec!["empty.yaml", "-o", "text", "-o", "json"], 2),
        (vec!["empty.yaml", "-o", "json=gone/out.json"], 2),
        (vec!["empty.yaml", "--now", "today"], 2),
        (vec!["empty.yaml", "--cluster-default", "evictionStrategy=Sometimes"], 2),
        (vec!["empty.yaml", "--from", "gone"], 2),
        (vec!["empty.yaml", "--policies", "gone"], 2),
        (vec!["empty.yaml", "--policies", "broken.yaml"], 2),
        (vec!["broken.yaml", "--policies", "broken.yaml"], 2),
    ] {
        let run = folder.run(&check(&arguments));
        assert_eq!(run.code, code, "{arguments:?}: {run:?}");
        assert_eq!(code == 2, run.stdout.is_empty(), "{arguments:?}: {run:?}");
    }
}

#[test]
fn what_makes_a_finding_count_can_be_chosen() {
    let folder = Folder::new(&[("empty.yaml", EMPTY)]);
    folder.write("policies/no-data.yaml", policy("warning", "audit").as_bytes());
    for (fail_on, code) in [("blocker", 0), ("warning", 1), ("info", 1)] {
        assert_eq!(folder.run(&check(&["empty.yaml", "--fail-on", fail_on])).code, code, "{fail_on}");
    }
}

const CAN_MIGRATE: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: can-migrate}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [kubevirt.io], apiVersions: ['*'], resources: [virtualmachines], operations: [CREATE]}
  validations:
  - {expression: facts.migration.verdict != 'NotMigratable', message: it has to move}
";

#[test]
fn manifests_are_judged_with_what_stands_beside_them() {
    let folder = Folder::new(&[("db.yaml", MACHINE), ("data.yaml", CLAIM), ("policies/can-migrate.yaml", CAN_MIGRATE)]);
    let about = |arguments: &[&str], list: &str| {
        let run = folder.run(&check(&[arguments, &["-o", "json"]].concat()));
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        (report[list].as_array().unwrap().iter().filter(|f| f["policy"] == "can-migrate").count(), run.code)
    };
    assert_eq!(about(&["db.yaml"], "findings").0, 0);
    assert_eq!(about(&["db.yaml"], "undecided").0, 1, "where the claim is, nobody said");
    assert_eq!(about(&["db.yaml", "--strict"], "undecided"), (1, 3), "and that counts when strict");
    assert_eq!(about(&["db.yaml", "data.yaml"], "findings").0, 1);
    assert_eq!(about(&["db.yaml", "--from", "data.yaml"], "findings").0, 1, "in a dump it is as good");
}

#[test]
fn what_was_passed_over_is_named_when_asked() {
    let folder = with_policy(&[("apps/full.yaml", FULL), ("apps/values.yaml", "a: b\n---\nc: d\n")]);
    let note = "apps/values.yaml: 2 documents are no Kubernetes object";
    for (arguments, named) in [(vec!["apps"], false), (vec!["apps", "--all"], true)] {
        let run = folder.run(&check(&arguments));
        assert_eq!((run.code, run.stdout.contains(note)), (0, named), "{run:?}");
    }
}

#[test]
fn a_damaged_file_costs_only_itself() {
    let folder = with_policy(&[("apps/empty.yaml", EMPTY), ("apps/broken.yaml", BROKEN)]);
    folder.write("apps/latin1.yaml", b"kind: caf\xe9\n");
    let run = folder.run(&check(&["apps"]));
    assert_eq!(run.code, 3);
    for part in ["no-data", "apps/empty.yaml:", "apps/broken.yaml:", "apps/latin1.yaml:1:10: not UTF-8"] {
        assert!(run.stdout.contains(part), "{part}\n{}", run.stdout);
    }
}

#[test]
fn machines_read_stdout_and_people_stderr() {
    let folder = with_policy(&[("empty.yaml", EMPTY), ("broken.yaml", BROKEN)]);
    let run = folder.run(&check(&["empty.yaml", "broken.yaml", "-o", "json"]));
    let report: Value = serde_json::from_str(&run.stdout).expect("nothing but JSON on stdout");
    assert_eq!(report["kind"], "Report");
    assert_eq!(report["exit"]["code"], 3);
    insta::assert_snapshot!(run.stderr, @"
    virt-guard: broken.yaml:3:11: `{` is never closed
    virt-guard: exit code 3: 1 input could not be read
    ");
    let clean = with_policy(&[("full.yaml", FULL)]).run(&check(&["full.yaml", "-o", "json"]));
    assert_eq!((clean.code, clean.stderr.as_str()), (0, ""), "nothing to say, nothing said");
    let both = folder.run(&check(&["empty.yaml", "-o", "text", "-o", "json=out.json"]));
    assert!(both.stdout.contains("no-data") && both.stderr.is_empty(), "{both:?}");
    let file: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("out.json")).unwrap()).unwrap();
    assert_eq!(file["exit"]["code"], 1);
}

#[test]
fn standard_input_is_a_path() {
    let folder = with_policy(&[("full.yaml", FULL)]);
    let run = folder.run_with(&check(&["-"]), &format!("{FULL}---\n{EMPTY}"));
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("<stdin>:6:1"), "{}", run.stdout);
    assert_eq!(folder.run_with(&check(&["full.yaml", "-"]), BROKEN).code, 3);
}

#[test]
fn the_same_object_in_two_overlays_is_judged_twice() {
    let folder = with_policy(&[("a/empty.yaml", EMPTY), ("b/empty.yaml", EMPTY)]);
    let run = folder.run(&check(&["a", "b", "a/../a", "-o", "json"]));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["inputs"]["objects"], 2, "a file that is named twice is read once");
    assert_eq!(report["findings"].as_array().unwrap().len(), 2);
}

#[test]
fn a_kustomization_is_read_and_not_built() {
    let plain = "resources: [../base]\n";
    let patched = "resources: [../base]\nnamePrefix: prod-\npatches: [{path: patch.yaml}]\n";
    let folder = with_policy(&[
        ("base/kustomization.yaml", "resources: [full.yaml]\n"),
        ("base/full.yaml", FULL),
        ("base/unlisted.yaml", EMPTY),
        ("plain/kustomization.yaml", plain),
        ("patched/kustomization.yaml", patched),
        ("patched/patch.yaml", EMPTY),
        ("lost/kustomization.yaml", "resources: [gone.yaml]\n"),
    ]);
    let run = folder.run(&check(&["plain"]));
    assert_eq!(run.code, 0, "the base is followed, and no further than it says: {run:?}");
    let run = folder.run(&check(&["patched"]));
    assert_eq!(run.code, 3, "{run:?}");
    assert!(!run.stdout.contains("no-data"), "a patch is no object: {}", run.stdout);
    insta::assert_snapshot!(run.stdout, @"
    COULD NOT BE READ
      patched/kustomization.yaml: namePrefix, patches are not applied; the local resources were judged
      as they stand. Render first: kustomize build patched | virt-guard check -

    3 files, 1 object: nothing found; exit code 3: 1 input could not be read
    ");
    let run = folder.run(&check(&["lost"]));
    assert!(run.code == 3 && run.stdout.contains("gone.yaml: no such file"), "{run:?}");
}

#[test]
fn a_helm_chart_has_to_be_rendered_first() {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n";
    let folder = with_policy(&[
        ("charts/vm/Chart.yaml", "apiVersion: v2\nname: vm\n"),
        ("charts/vm/values.yaml", "a: b\n"),
        ("charts/vm/templates/a.yaml", template),
        ("charts/vm/templates/nested/b.yaml", EMPTY),
        ("apps/full.yaml", FULL),
        ("apps/template.yaml", template),
    ]);
    let run = folder.run(&check(&["charts"]));
    assert_eq!(run.code, 3);
    assert!(!run.stdout.contains("no-data"), "a template is no object: {}", run.stdout);
    insta::assert_snapshot!(run.stdout, @"
    COULD NOT BE READ
      charts: no objects found: 2 files look like Helm templates. Render first: helm template charts/vm
      | virt-guard check -

    2 files, 0 objects: nothing found; exit code 3: no objects were found, 1 input could not be read
    ");
    let run = folder.run(&check(&["charts", "apps"]));
    assert_eq!(run.code, 3);
    insta::assert_snapshot!(run.stdout, @"
    COULD NOT BE READ
      apps/template.yaml: looks like a Helm template. Render first: helm template CHART | virt-guard
      check -
      charts/vm: 2 files look like Helm templates. Render first: helm template charts/vm | virt-guard
      check -

    3 files, 1 object: nothing found; exit code 3: 2 inputs could not be read
    ");
}

#[test]
fn no_objects_is_said_and_not_green() {
    let folder = with_policy(&[
        ("values.yaml", "replicas: 1\n"),
        ("docs/README.md", "# x\n"),
        ("empty/x.yaml", "# only this\n"),
    ]);
    let said: Vec<String> = ["values.yaml", "docs", "empty"].map(|path| folder.run(&check(&[path])).stderr).to_vec();
    insta::assert_snapshot!(said.concat(), @"
    virt-guard: no objects found in values.yaml: what is there has no apiVersion and kind, as every Kubernetes object does
    virt-guard: no objects found in docs: there are no files that end in .yaml, .yml or .json
    virt-guard: no objects found in empty: the files there are empty
    ");
}

#[test]
fn what_git_ignores_is_not_checked_unless_it_is_named() {
    let folder =
        with_policy(&[(".git/HEAD", ""), (".gitignore", "out/\n"), ("full.yaml", FULL), ("out/empty.yaml", EMPTY)]);
    assert_eq!(folder.run(&check(&["full.yaml", "."])).code, 0);
    assert_eq!(folder.run(&check(&["out/empty.yaml"])).code, 1);
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_or_in_circles_are_named() {
    let folder = with_policy(&[("apps/full.yaml", FULL)]);
    std::os::unix::fs::symlink(".", folder.path().join("apps/up")).unwrap();
    std::os::unix::fs::symlink("gone", folder.path().join("apps/gone.yaml")).unwrap();
    let run = folder.run(&check(&["apps"]));
    assert_eq!(run.code, 3);
    for part in ["apps/gone.yaml: no such file or folder", "apps/up: a link that leads back to apps"] {
        assert!(run.stdout.contains(part), "{part}\n{}", run.stdout);
    }
}

#[test]
fn nothing_that_is_read_ends_the_program() {
    let deep_yaml = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let deep_object = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {{\"name\": \"deep\"}}, \"data\": {}1{}}}",
        "{\"a\":".repeat(9_000),
        "}".repeat(9_000)
    );
    let folder = with_policy(&[("deep.yaml", &deep_yaml), ("deep.json", &deep_object)]);
    folder.write("utf16.yaml", b"\xff\xfea\x00:\x00");
    folder.write("binary.yaml", &[0, 159, 146, 150]);
    for name in ["deep.yaml", "deep.json", "utf16.yaml", "binary.yaml"] {
        let run = folder.run(&check(&[name]));
        assert!([0, 3].contains(&run.code), "{name}: {}", run.code);
    }
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let folder = with_policy(&[("empty.yaml", EMPTY)]);
    for (arguments, environment, coloured) in [
        (vec![], vec![], false),
        (vec![], vec![("CLICOLOR_FORCE", "1")], true),
        (vec![], vec![("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (vec!["--color", "always"], vec![("NO_COLOR", "1")], true),
        (vec!["--color", "never"], vec![("CLICOLOR_FORCE", "1")], false),
    ] {
        let mut command = folder.command(&[check(&["empty.yaml"]), arguments.clone()].concat());
        command.envs(environment.iter().copied());
        let stdout = run(command, "").stdout;
        assert_eq!(stdout.contains('\u{1b}'), coloured, "{arguments:?} {environment:?}");
    }
}

#[test]
fn a_locale_without_utf8_gets_ascii() {
    let folder = Folder::new(&[("dump/full.yaml", FULL)]);
    let arguments = ["report", "--from", "dump"];
    assert!(!folder.run(&arguments).stdout.is_ascii());
    let mut command = folder.command(&arguments);
    command.env("LC_ALL", "C");
    assert!(run(command, "").stdout.is_ascii());
    assert!(folder.run(&[&arguments[..], &["--ascii"]].concat()).stdout.is_ascii());
}

#[test]
fn secrets_are_never_shown() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n";
    let looks = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: looks-at-secrets}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [''], apiVersions: [v1], resources: [secrets], operations: [CREATE]}
  validations:
  - {expression: object.stringData.password == 'x', message: a weak password}
";
    let folder = Folder::new(&[("secret.yaml", secret), ("policies/p.yaml", looks)]);
    for format in ["text", "json"] {
        let run = folder.run(&check(&["secret.yaml", "--all", "-o", format]));
        assert!(run.stdout.contains("a weak password"), "{run:?}");
        assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = Folder::new(&[]);
    for arguments in [vec!["policies"], vec!["--help"], vec![], vec!["report", "--collect"]] {
        let mut child = folder.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn mistakes_get_an_answer_that_helps() {
    let folder = Folder::new(&[("dump.tar.gz", ""), ("none/x.txt", "")]);
    let asked: [&[&str]; 9] = [
        &["check"],
        &["check", "gone"],
        &["check", ".", "-o", "yaml"],
        &["check", ".", "-o", "json", "-o", "json"],
        &["report"],
        &["report", "--from", "dump.tar.gz"],
        &["explain", "olm-manual-aproval"],
        &["check", ".", "--policies", "none"],
        &["check", ".", "--polices", "none"],
    ];
    let answers: Vec<String> = asked
        .iter()
        .map(|arguments| folder.run(arguments))
        .map(|run| {
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
            run.stderr
        })
        .collect();
    insta::assert_snapshot!(answers.join("\n"), @"
    virt-guard: nothing to check; name files or folders, or - for standard input: virt-guard check apps/

    virt-guard: gone: no such file or folder

    error: invalid value 'yaml' for '--output <FORMAT[=FILE]>': 'yaml' is no format; expected text or json, or one of them with a file, such as json=FILE

    For more information, try '--help'.

    virt-guard: -o json and -o json would both go to standard output; give one of them a file: -o json=FILE

    virt-guard: nothing to report on; a running cluster cannot be asked yet.
                Collect a dump with the commands that `virt-guard report --collect` prints,
                or give one that you have: virt-guard report --from must-gather.local.123

    virt-guard: dump.tar.gz is an archive, and archives cannot be read yet. Unpack it first: mkdir dump && tar -xf dump.tar.gz -C dump, then --from dump

    virt-guard: there is no policy 'olm-manual-aproval' (did you mean 'olm-manual-approval'?)

    virt-guard: none: no policy files (.yaml, .yml, .json) in this folder

    error: unexpected argument '--polices' found

      tip: a similar argument exists: '--policies'

    Usage: virt-guard check --policies <PATH> <PATH>...

    For more information, try '--help'.
    ");
}

#[test]
fn without_arguments_it_says_what_most_people_need() {
    let run = Folder::new(&[]).run(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout, @"
    Finds what will stop an upgrade of OpenShift Virtualization or KubeVirt, and says how to fix it.

    Most people need three commands:
      virt-guard check apps/                        manifests, before they are applied
      virt-guard report --from must-gather.local.1  a cluster's dump, before it is upgraded
      virt-guard serve                              the webhook; --dev tries it on this machine

    virt-guard report --collect prints the commands that make such a dump.

    Usage: virt-guard [COMMAND]

    Commands:
      check     Check manifests before they are applied
      report    Report what blocks a cluster's next upgrade
      serve     Answer the API server: admit, warn, deny, patch
      explain   Explain a policy: what it looks for, why, and what to do
      policies  List the policies in force
      facts     Show what KubeVirt and OpenShift would conclude about an object
      test      Run the cases of policies
      eval      Evaluate a CEL expression as the API server would, and show what it costs
      certs     Make certificates for development

    Options:
      -h, --help     Print help
      -V, --version  Print version
    ");
}

#[test]
fn a_wrong_policy_is_told_with_its_place() {
    let wrong = policy("blocker", "audit")
        .replace("has(object.data)", "has(objct.data)")
        .replace("stage: before", "stage: befor");
    let folder = Folder::new(&[("mine.yaml", &wrong)]);
    let run = folder.run(&["test", "mine.yaml"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(run.stderr, @"
    virt-guard: mine.yaml:9:22: undeclared reference to 'objct' (did you mean 'object'?)
                    has(objct.data)
                        ^^^^^
                mine.yaml:17:10: stage: 'befor' is none of before, control-plane, node-drain, operator-update, workload-update, after-update
    ");
}

#[test]
fn cases_are_played() {
    let without = policy("blocker", "audit").split("  cases:").next().unwrap().replace("no-data", "no-cases");
    let folder = Folder::new(&[
        ("good/no-data.yaml", &policy("blocker", "audit")),
        ("bad/no-data.yaml", &policy("blocker", "admit")),
        ("without/no-cases.yaml", &without),
    ]);
    for (path, code) in [("good", 0), ("bad", 1), ("without", 1)] {
        assert_eq!(folder.run(&["test", path]).code, code, "{path}");
    }
    let runs: Vec<Run> = ["good", "bad", "without"].iter().map(|path| folder.run(&["test", path])).collect();
    let said: Vec<String> = runs.iter().map(|run| format!("{}{}", run.stdout, run.stderr)).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    1 case of 1 policy: all hold

    bad/no-data.yaml:21: no-data: no data
        expected admit, got audit: the ConfigMap holds no data Somebody waits for it.
    1 case of 1 policy: 1 does not hold

    0 cases of 1 policy: nothing was tested
    virt-guard: no-cases has no cases; nothing proves that it does what it says
    ");
    let built_in = folder.run(&["test"]);
    assert!(built_in.code == 0 && built_in.stdout.ends_with("all hold\n"), "{built_in:?}");
}

#[test]
fn a_file_stands_for_the_built_in_policy_of_its_name() {
    let text = fs::read_to_string("policies/operator-update/olm-manual-approval.yaml").unwrap();
    let folder = Folder::new(&[("mine/olm-manual-approval.yaml", &text)]);
    let run = folder.run(&["test", "mine"]);
    assert!(run.code == 0 && run.stdout.contains("cases of 1 policy: all hold"), "{run:?}");
}

#[test]
fn policies_are_listed_and_explained() {
    let folder = with_policy(&[]);
    let table = folder.run(&["policies", "--policies", "policies"]).stdout;
    assert!(table.lines().any(|line| line.contains("no-data") && line.contains("portable")), "{table}");
    let list = folder.run(&["policies", "--policies", "policies", "-o", "json"]).stdout;
    let list: Value = serde_json::from_str(&list).unwrap();
    let mine = list["policies"].as_array().unwrap().iter().find(|p| p["id"] == "no-data").unwrap();
    assert_eq!((&mine["severity"], &mine["builtIn"], &mine["cases"]), (&"blocker".into(), &false.into(), &1.into()));
    let page = folder.run(&["explain", "no-data", "--policies", "policies"]).stdout;
    insta::assert_snapshot!(page, @"
    no-data                                                                        blocker, stage before
      A ConfigMap holds no data

    WHAT IT LOOKS AT
      configmaps

    WHY
      Somebody waits for it.

    HOW IT IS JUDGED
      has to be true
          has(object.data)
      else it says: the ConfigMap holds no data
      for example: the ConfigMap holds no data

    WHAT TO DO
      Give it data.

    WHERE IT RUNS
      In check and report; at admission it is silent.
      Portable: the API server itself can run it, from Kubernetes 1.26 on.
      Its file: policies/no-data.yaml
    ");
}

const MACHINE: &str = "apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: db-0, namespace: shop}
spec:
  runStrategy: Always
  template:
    spec:
      evictionStrategy: LiveMigrate
      domain: {devices: {interfaces: [{name: default, masquerade: {}}], disks: [{name: data}]}}
      networks: [{name: default, pod: {}}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
";

const CLAIM: &str = "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], storageClassName: local-path}
";

#[test]
fn facts_show_everything_that_was_looked_at() {
    let folder = Folder::new(&[("db.yaml", MACHINE), ("dump/data.yaml", CLAIM), ("full.yaml", FULL)]);
    let alone = folder.run(&["facts", "db.yaml"]);
    assert_eq!((alone.code, alone.stderr.as_str()), (0, ""));
    let with_dump = folder.run(&["facts", "db.yaml", "shop/db-0", "--from", "dump"]);
    insta::assert_snapshot!(format!("{}\n{}", alone.stdout, with_dump.stdout), @"
    VirtualMachine shop/db-0                                                KubeVirt's version not known
      migration       Unknown (predicted)
                      ✓ network default  masquerade on the pod network                      db.yaml:9:67
                      · cpu model host-model  moves only from a node that reports its CPU model
                        db.yaml:9:15
                      ? volume data  its access modes decide: PersistentVolumeClaim shop/data (not
                        collected)
      eviction        LiveMigrate   from the VM
                      · evictionStrategy  LiveMigrate, from the VM                          db.yaml:8:25
      after eviction  Unknown
                      ? outcome  decides what a drain does: PersistentVolumeClaim shop/data (not
                        collected)

    VirtualMachine shop/db-0                                                KubeVirt's version not known
      migration       NotMigratable (predicted)
                      ✓ network default  masquerade on the pod network                      db.yaml:9:67
                      · cpu model host-model  moves only from a node that reports its CPU model
                        db.yaml:9:15
                      ✗ DisksNotLiveMigratable  volume data is ReadWriteOnce on storage class local-path
                        db.yaml:11:65
      eviction        LiveMigrate   from the VM
                      · evictionStrategy  LiveMigrate, from the VM                          db.yaml:8:25
      after eviction  refused: the drain waits until somebody moves, changes or stops it
                      · outcome  volume data is ReadWriteOnce on storage class local-path   db.yaml:8:25
    ");
    for (arguments, part) in [
        (["facts", "db.yaml", "db-1"], "did you mean 'db-0'?"),
        (["facts", "full.yaml", "full"], "no object that there are facts about"),
    ] {
        let run = folder.run(&arguments);
        assert!(run.code == 2 && run.stderr.contains(part), "{run:?}");
    }
}

#[test]
fn escape_sequences_in_objects_do_not_reach_the_terminal() {
    let machine =
        MACHINE.replace("name: db-0", r#"name: "db\e[31m""#).replace("claimName: data", r#"claimName: "\e[2J""#);
    let folder = Folder::new(&[("db.yaml", &machine)]);
    for arguments in [vec!["facts", "db.yaml"], vec!["check", "db.yaml"], vec!["report", "--from", "db.yaml", "--all"]]
    {
        let run = folder.run(&arguments);
        assert!(run.code != 2 && !format!("{}{}", run.stdout, run.stderr).contains('\u{1b}'), "{arguments:?} {run:?}");
    }
}

#[test]
fn manifests_count_over_what_a_dump_holds() {
    let stored = CLAIM.replace("namespace: shop", "namespace: shop, resourceVersion: '7'");
    let shared = CLAIM.replace("ReadWriteOnce", "ReadWriteMany");
    let folder = Folder::new(&[("dump/data.yaml", &stored), ("db.yaml", &format!("{MACHINE}---\n{shared}"))]);
    let verdict = |file: &str| folder.run(&["facts", file, "db-0", "--from", "dump"]).stdout;
    assert!(verdict("db.yaml").contains("  Migratable (predicted)"), "{}", verdict("db.yaml"));
    folder.write("db.yaml", MACHINE.as_bytes());
    assert!(verdict("db.yaml").contains("NotMigratable (predicted)"), "{}", verdict("db.yaml"));
}

#[test]
fn a_dump_says_what_time_it_is() {
    let object = "apiVersion: v1\nkind: Node\nmetadata: {name: n, creationTimestamp: '2026-01-01T00:00:00Z'}\n";
    let folder = Folder::new(&[("dump/cluster-scoped-resources/core/nodes/n.yaml", object)]);
    let as_of = |arguments: &[&str]| {
        let arguments = [&["report", "--from", "dump", "-o", "json"], arguments].concat();
        let report: Value = serde_json::from_str(&folder.run(&arguments).stdout).unwrap();
        report["cluster"]["asOf"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(as_of(&[]), "2026-01-01T00:00:00Z");
    folder.write("dump/timestamp", b"2026-03-04 09:12:00.5 +0000 UTC m=+0.1\n2026-03-04 09:13:00 +0000 UTC m=+60.1\n");
    assert_eq!(as_of(&[]), "2026-03-04T09:13:00Z");
    assert_eq!(as_of(&["--now", "2026-05-01T00:00:00Z"]), "2026-05-01T00:00:00Z");
}

#[test]
fn a_dump_is_found_wherever_a_must_gather_put_it() {
    let subscription = "apiVersion: operators.coreos.com/v1alpha1\nkind: Subscription\n\
                        metadata: {name: hco, namespace: openshift-cnv}\nspec: {name: kubevirt-hyperconverged, \
                        source: redhat-operators, sourceNamespace: openshift-marketplace, installPlanApproval: Manual}\n";
    let two = format!("{subscription}---------------\n{}", subscription.replace("name: hco", "name: other"));
    let folder = Folder::new(&[
        ("mg/quay-io-cnv/namespaces/openshift-cnv/subscriptions", &two),
        ("mg/quay-io-cnv/namespaces/openshift-cnv/pods/p/p/logs/current.log", "kind: [\n"),
        ("mg/quay-io-ocp/monitoring/prometheus/rules.json", "{"),
        (
            "mg/quay-io-ocp/cluster-scoped-resources/core/nodes/n.yaml",
            "apiVersion: v1\nkind: Node\nmetadata: {name: n}\n",
        ),
    ]);
    let run = folder.run(&["report", "--from", "mg", "-o", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["inputs"]["objects"], &report["inputs"]["files"]), (&3.into(), &2.into()), "{run:?}");
    assert!(run.stdout.contains("olm-manual-approval"), "{run:?}");
    let run = folder.run_with(&["report", "--from", "-"], &two);
    assert!(run.stdout.contains("olm-manual-approval"), "{run:?}");
}

/// The commands that `report --collect` prints, played by a shell with an `oc` that knows one kind, has no objects of
/// another, and refuses the rest.
#[cfg(unix)]
#[test]
fn what_collect_prints_collects() {
    use std::os::unix::fs::PermissionsExt;
    let oc = r#"#!/bin/sh
for kind; do :; done
dir=${3#--dest-dir=}
case $kind in
nodes) mkdir -p "$dir/cluster-scoped-resources/core/nodes"
  printf 'apiVersion: v1\nkind: Node\nmetadata: {name: n}\n' > "$dir/cluster-scoped-resources/core/nodes/n.yaml" ;;
hyperconvergeds.hco.kubevirt.io) ;;
*) echo "error: the server doesn't have a resource type \"$kind\"" >&2; exit 1 ;;
esac
"#;
    let folder = Folder::new(&[("bin/oc", oc)]);
    fs::set_permissions(folder.path().join("bin/oc"), fs::Permissions::from_mode(0o755)).unwrap();
    let script = folder.run(&["report", "--collect"]);
    assert_eq!((script.code, script.stderr.as_str()), (0, ""));
    let collect: String = script.stdout.split_inclusive('\n').filter(|line| !line.starts_with("virt-guard ")).collect();
    let path = format!("{}:{}", folder.path().join("bin").display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(&collect).current_dir(folder.path()).env("PATH", path);
    let shell = run(shell, "");
    assert_eq!((shell.code, shell.stdout.as_str()), (0, ""), "{shell:?}");
    assert!(shell.stderr.contains("not collected: subscriptions.operators.coreos.com"), "{shell:?}");
    let marker = fs::read_to_string(folder.path().join("upgrade-check/virt-guard-collected.yaml")).unwrap();
    insta::assert_snapshot!(marker, @"
    apiVersion: virt-guard.io/v1
    kind: Collected
    resources:
    - hyperconvergeds.hco.kubevirt.io
    - nodes
    ");
    assert!(script.stdout.ends_with("virt-guard report --from upgrade-check\n"));
    let report = folder.run(&["report", "--from", "upgrade-check", "-o", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["inputs"]["objects"], 1, "the marker is no object");
    let missing = report["stages"].to_string();
    assert!(missing.contains("subscriptions.operators.coreos.com"), "{missing}");
    assert!(
        !missing.contains("hyperconvergeds.hco.kubevirt.io"),
        "none of a kind is not the same as not looked: {missing}"
    );
}
