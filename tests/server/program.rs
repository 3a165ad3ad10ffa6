//! `virt-guard serve` as it is started: options, files, signals, and what it writes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use serde_json::Value;

use super::client::{Answer, Client, post, trusting, until};
use super::server::{REVIEW, metric, pair};

/// The program while it serves.
pub struct Program {
    child: Child,
    webhook: SocketAddr,
    admin: SocketAddr,
    trust: Arc<ClientConfig>,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

/// The command that serves on free ports of this machine, without a cluster unless it is asked for.
pub fn serve(folder: &Path, arguments: &[&str]) -> Command {
    let (authority, pem) = pair();
    fs::write(folder.join("ca.crt"), authority.certificate).unwrap();
    fs::write(folder.join("tls.crt"), &pem.certificate).unwrap();
    fs::write(folder.join("tls.key"), &pem.key).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_virt-guard"));
    command.current_dir(folder).arg("serve").args(["--tls-cert", "tls.crt", "--tls-key", "tls.key"]);
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--poll", "10ms"]);
    command.args(["--shutdown-delay", "0s"]).args(arguments);
    if !arguments.contains(&"--inventory") {
        command.args(["--inventory", "none"]);
    }
    command
}

impl Program {
    /// Starts it, and waits until it listens.
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        Program::of(serve(folder, arguments), folder)
    }

    /// Starts a command, and waits until it listens.
    pub fn of(mut command: Command, folder: &Path) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let first = stderr.next().expect("a line").unwrap();
        let listening: Value = serde_json::from_str(&first).unwrap_or_else(|_| panic!("{first}"));
        let address = |of: &str| listening[of].as_str().unwrap().parse().unwrap();
        let (webhook, admin) = (address("webhook"), address("admin"));
        lines.lock().unwrap().push(first);
        let into = Arc::clone(&lines);
        let reader = thread::spawn(move || stderr.for_each(|line| into.lock().unwrap().push(line.unwrap())));
        let trust = trusting(&fs::read_to_string(folder.join("ca.crt")).unwrap());
        Program { child, webhook, admin, trust, lines, reader: Some(reader) }
    }

    fn connect(&self) -> Client<rustls::StreamOwned<rustls::ClientConnection, std::net::TcpStream>> {
        Client::tls(self.webhook, &self.trust).expect("a handshake")
    }

    pub fn ask(&self, request: &[u8]) -> Answer {
        self.connect().ask(request)
    }

    pub fn admin(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        Client::plain(self.admin).ask(request.as_bytes()).text()
    }

    fn logged(&self) -> Vec<Value> {
        self.lines.lock().unwrap().iter().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// The most memory that it ever held, in MiB.
    pub fn peak_memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
    }

    /// Its exit code, and everything that it wrote.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        self.reader.take().unwrap().join().unwrap();
        (code, self.lines.lock().unwrap().join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn allowed(answer: &Answer) -> bool {
    answer.json()["response"]["allowed"].as_bool().unwrap_or_else(|| panic!("{answer:?}"))
}

/// The review, asked by another user.
fn review_by(user: &str) -> Vec<u8> {
    post("/validate", String::from_utf8(REVIEW.to_vec()).unwrap().replace("jane@example.com", user).as_bytes())
}

/// A policy that refuses ConfigMaps with a message.
fn policy(message: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: no-config-maps}}
spec:
  matchConstraints:
    resourceRules:
    - {{apiGroups: [''], apiVersions: [v1], resources: [configmaps, secrets], operations: [CREATE]}}
  validations:
  - {{expression: 'false', message: {message}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: no-config-maps}}
spec: {{policyName: no-config-maps, validationActions: [Deny]}}
"
    )
}

fn create(resource: &str, object: &str) -> Vec<u8> {
    let kind = if resource == "secrets" { "Secret" } else { "ConfigMap" };
    let named = format!(
        "\"kind\":{{\"group\":\"\",\"version\":\"v1\",\"kind\":\"{kind}\"}},\"name\":\"a\",\"namespace\":\"shop\",\
         \"resource\":{{\"group\":\"\",\"version\":\"v1\",\"resource\":\"{resource}\"}},\"operation\":\"CREATE\""
    );
    let review = format!(
        "{{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{{\"uid\":\"u\",{named},\
         \"userInfo\":{{\"username\":\"jane\",\"extra\":{{\"token\":[\"{CANARY}\"]}}}},\
         \"object\":{{\"apiVersion\":\"v1\",\"kind\":\"{kind}\",\"metadata\":{{\"name\":\"a\",\"namespace\":\"shop\"}},{object}}}}}}}"
    );
    post("/validate", review.as_bytes())
}

/// What must never be seen again.
const CANARY: &str = "canary-5d41402abc4b2a76";

#[test]
fn the_first_line_a_denial_and_an_orderly_end() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[]);
    assert!(!allowed(&program.ask(&post("/validate?timeout=10s", REVIEW))));
    let listening = program.logged()[0]["policies"].as_str().unwrap().to_owned();
    assert!(listening.contains("those that need no cluster"), "{listening}");
    let denied = || program.logged().into_iter().find(|line| line["msg"] == "denied");
    until("a line for the denial", || denied().is_some());
    let denied = denied().unwrap();
    for (field, value) in [
        ("level", "info"),
        ("uid", "705ab4f5-6393-11e8-b7cc-42010a800002"),
        ("policies", "olm-manual-approval"),
        ("operation", "CREATE"),
        ("resource", "subscriptions"),
        ("kind", "Subscription"),
        ("namespace", "openshift-cnv"),
        ("name", "hco-operatorhub"),
        ("user", "jane@example.com"),
    ] {
        assert_eq!(denied[field], value, "{denied}");
    }
    let ready = program.admin("/readyz?verbose");
    for line in ["[+]startup ok", "[+]shutdown ok", "[+]certificate ok", "[+]policies ok: ", "readyz check passed"] {
        assert!(ready.contains(line), "{ready}");
    }
    program.signal("TERM");
    assert_eq!(program.end().0, Some(0));
}

/// Case 102.
#[test]
fn a_second_signal_leaves_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[]);
    let _connected = program.connect();
    program.signal("TERM");
    until("it is not ready", || program.admin("/readyz").contains("shutting down"));
    program.signal("INT");
    let (code, _) = program.end();
    assert_eq!(code, Some(130));
}

/// Cases 104 and 105: policies are swapped whole, or not at all.
#[test]
fn policies_are_reloaded_and_a_broken_one_leaves_the_old_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("policies");
    fs::create_dir(&policies).unwrap();
    fs::write(policies.join("mine.yaml"), policy("the first")).unwrap();
    let program = Program::start(folder.path(), &["--policies", "policies"]);
    let says = |part: &str| program.ask(&create("configmaps", "\"data\":{}")).text().contains(part);
    assert!(says("the first"));
    fs::write(policies.join("mine.yaml"), policy("the second")).unwrap();
    until("the second is in force", || says("the second"));

    fs::write(policies.join("mine.yaml"), "kind: [\n").unwrap();
    let error = "virt_guard_bundle_reload_total{result=\"error\"}";
    until("the broken one is noticed", || metric(&program.admin("/metrics"), error) == 1.0);
    assert!(says("the second"));
    let ready = program.admin("/readyz?verbose");
    assert!(ready.contains("the files on disk are not in force: policies/mine.yaml:"), "{ready}");
    assert!(ready.contains("readyz check passed"), "{ready}");

    fs::remove_file(policies.join("mine.yaml")).unwrap();
    until("the empty folder is noticed", || program.admin("/readyz?verbose").contains("no policy files"));
    assert!(says("the second"), "a folder without policies is a mistake, not a wish");

    fs::write(policies.join("mine.yaml"), policy("the third")).unwrap();
    until("the third is in force", || says("the third"));
    until("readiness says so", || !program.admin("/readyz?verbose").contains("not in force"));
    let bundles = || program.admin("/metrics").lines().filter(|l| l.starts_with("virt_guard_bundle_info{")).count();
    until("the metrics name one bundle", || bundles() == 1);
}

#[test]
fn a_first_roll_out_denies_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--enforcement", "warn"]);
    let answer = program.ask(&post("/validate", REVIEW));
    assert!(allowed(&answer));
    assert!(answer.text().contains("[olm-manual-approval]"), "{answer:?}");
}

#[test]
fn the_configuration_names_who_is_never_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let config = "apiVersion: virt-guard.io/v1\nkind: ServerConfiguration\nalwaysPass: ['system:serviceaccount:gitops:*']\n\
                  warnedOnly: [restore]\n";
    fs::write(folder.path().join("config.yaml"), config).unwrap();
    let program = Program::start(folder.path(), &["--config", "config.yaml"]);
    let passes = program.ask(&review_by("system:serviceaccount:gitops:argo"));
    assert!(allowed(&passes) && passes.json()["response"].get("warnings").is_none(), "{passes:?}");
    let warned = program.ask(&review_by("restore"));
    assert!(allowed(&warned) && warned.json()["response"].get("warnings").is_some(), "{warned:?}");
    assert!(!allowed(&program.ask(&review_by("jane"))));
}

#[test]
fn limits_that_are_asked_for_hold() {
    let folder = tempfile::tempdir().unwrap();
    let limits = ["--max-connections", "1", "--idle-timeout", "400ms", "--shutdown-timeout", "100ms"];
    let program = Program::start(folder.path(), &limits);
    let mut first = program.connect();
    let began = Instant::now();
    let second = program.connect();
    assert!(began.elapsed() > Duration::from_millis(200), "the second waits until the first was idle too long");
    assert!(first.closed());
    drop(second);
    let _connected = program.connect();
    program.signal("TERM");
    assert_eq!(program.end().0, Some(0), "it leaves although somebody is connected");
}

/// Case 110: whatever comes, and however much of it at once.
#[test]
#[cfg(target_os = "linux")]
fn the_worst_reviews_together_hold_no_more_memory_than_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--max-memory", "128"]);
    assert!(!allowed(&program.ask(&post("/validate", REVIEW))));
    let before = program.peak_memory();
    // 3 MiB of the JSON that becomes largest (case 38).
    let worst = format!("\"spec\":{{\"worst\":[{}0],", "{\"\":0},".repeat((3 << 20) / 7));
    let worst =
        post("/validate", String::from_utf8(REVIEW.to_vec()).unwrap().replacen("\"spec\": {", &worst, 1).as_bytes());
    let statuses: Vec<u16> = thread::scope(|scope| {
        let ask = || program.ask(&worst).status;
        let asking: Vec<_> = (0..32).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|a| a.join().unwrap()).collect()
    });
    assert!(statuses.contains(&200) && statuses.iter().all(|s| matches!(s, 200 | 429)), "{statuses:?}");
    let grown = program.peak_memory() - before;
    assert!(grown < 128 + SLACK, "{grown} MiB more than before");
}

/// A policy whose expression builds 20 MiB, written and then kept, and as much again for its evidence.
const GROWS: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: grows}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [operators.coreos.com], apiVersions: ['*'], resources: [subscriptions], operations: [CREATE]}
  variables:
  - {name: grown, expression: \"'aaaaaaaaaa'.replace('a', object.metadata.annotations.big)\"}
  validations: [{expression: variables.grown.size() == 0, message: grown}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: grows}
spec: {policyName: grows, validationActions: [Deny]}
";

/// What expressions build is charged as what bodies hold: who does not find it is told to come back, and is judged then.
#[test]
fn what_expressions_build_is_within_the_memory_that_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("grows.yaml"), GROWS).unwrap();
    let mut command = serve(folder.path(), &["--max-memory", "128", "--policies", "grows.yaml"]);
    // As deploy/base/deployment.yaml sets it.
    command.env("MALLOC_MMAP_THRESHOLD_", "1048576");
    let program = Program::of(command, folder.path());
    let big = format!("\"metadata\": {{\"annotations\":{{\"big\":\"{}\"}},", "b".repeat(2 << 20));
    let review = String::from_utf8(REVIEW.to_vec()).unwrap();
    let grows = post("/validate", review.replacen("\"metadata\": {", &big, 1).as_bytes());
    assert!(program.ask(&grows).text().contains("[grows]"));

    // 25 MiB of a body that does not end, three times: what is left suffices to read the review, and not to judge it.
    let mut holders: Vec<_> = (0..3).map(|_| program.connect()).collect();
    let head = "POST /validate?timeout=30s HTTP/1.1\r\nhost: h\r\ncontent-length: 29000000\r\n\r\n";
    let begun = [head.as_bytes(), &vec![b' '; 25 << 20]].concat();
    holders.iter_mut().for_each(|holder| holder.send(&begun));
    let held = || metric(&program.admin("/metrics"), "virt_guard_inflight_bytes");
    until("the memory is held", || held() == (75 << 20) as f64);
    let busy = program.ask(&grows);
    assert_eq!((busy.status, busy.header("retry-after")), (429, Some("1")));
    drop(holders);
    until("the memory is given back", || held() == 0.0);
    assert!(program.ask(&grows).text().contains("[grows]"));

    let statuses: Vec<u16> = thread::scope(|scope| {
        let asking: Vec<_> = (0..32).map(|_| scope.spawn(|| program.ask(&grows).status)).collect();
        asking.into_iter().map(|a| a.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|s| matches!(s, 200 | 429)), "{statuses:?}");
    let peak = program.peak_memory();
    assert!(peak < 128 + BASE, "{peak} MiB");
}

/// What the program holds before the first request, in MiB.
const BASE: usize = 48;

/// What connections, and an allocator that keeps pages, may take beside what is counted, in MiB.
const SLACK: usize = 16;

#[test]
fn what_was_asked_wrongly_is_said_before_anything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yaml"), "apiVersion: v1\nkind: ServerConfiguration\nwarnOnly: [a]\n").unwrap();
    fs::write(folder.path().join("broken.yaml"), "kind: [\n").unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    for (arguments, parts) in [
        (&["--config", "config.yaml"][..], &["config.yaml:1:13:", "did you mean 'warnedOnly'"][..]),
        (&["--config", "nowhere.yaml"], &["nowhere.yaml: no such file"]),
        (&["--policies", "broken.yaml"], &["broken.yaml:"]),
        (&["--max-memory", "64"], &["128"]),
        (&["--max-connections", "0"], &["from 1 on"]),
        (&["--idle-timeout", "often"], &["500ms, 10s or 2m"]),
        (&["--dev"], &["cannot be used with"]),
    ] {
        let output = serve(folder.path(), arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{arguments:?}: {stderr}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, part) in [
        (&["--dev", "--listen", &taken, "--admin-listen", "127.0.0.1:0"][..], &*taken),
        (&["--tls-cert", "tls.crt"], "--tls-key"),
        (&[], "--tls-cert"),
        (&["--dev", "--max-staleness", "1m"], "--inventory cluster"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virt-guard"));
        let output = command.arg("serve").args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && stderr.contains(part), "{arguments:?}: {stderr}");
    }
}

/// The README's first command about `serve`.
#[test]
fn the_curl_line_of_dev_is_answered_with_a_denial() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virt-guard"));
    command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(listening["certificate"], "self-made for localhost, valid 24 h");
    let webhook = listening["webhook"].as_str().unwrap();
    let curl = Command::new("curl")
        .args(["-sk", &format!("https://{webhook}/validate"), "-H", "content-type: application/json"])
        .args(["-d", "@examples/review.json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    child.kill().unwrap();
    child.wait().unwrap();
    match curl {
        Ok(output) => {
            let answer = String::from_utf8(output.stdout).unwrap();
            assert!(answer.contains("[olm-manual-approval]"), "{answer}");
        }
        Err(_) => eprintln!("not run: there is no curl here"),
    }
}

/// Names may be logged, contents never: not what an object holds, not what a client sends instead of one.
#[test]
fn no_content_reaches_the_log_or_the_metrics() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.yaml"), policy("refused")).unwrap();
    let program = Program::start(folder.path(), &["--policies", "mine.yaml", "--log-level", "debug"]);
    let secret = format!("\"data\":{{\"password\":\"{CANARY}\"}}");
    assert!(!allowed(&program.ask(&create("secrets", &secret))));
    let cloud_init = format!("\"userData\":\"{CANARY}\",\"annotations\":{{\"a\":\"{CANARY}\"}}");
    assert!(!allowed(&program.ask(&create("configmaps", &cloud_init))));
    let vm = String::from_utf8(REVIEW.to_vec()).unwrap();
    let annotated = vm.replace("\"generation\": 1", &format!("\"annotations\": {{\"last-applied\": \"{CANARY}\"}}"));
    assert!(annotated.contains(CANARY));
    assert!(!allowed(&program.ask(&post("/validate", annotated.as_bytes()))));
    assert_eq!(program.ask(&post("/mutate", annotated.as_bytes())).status, 200);
    for broken in [
        format!("{{\"a\":\"{CANARY}\""),
        format!("\"{CANARY}\""),
        format!("{{\"kind\":\"{CANARY}\",\"apiVersion\":\"{CANARY}\",\"request\":{{\"uid\":[\"{CANARY}\"]}}}}"),
        CANARY.to_owned(),
    ] {
        assert_eq!(program.ask(&post("/validate", broken.as_bytes())).status, 400);
    }
    let mut client = program.connect();
    client.send(format!("GET /{CANARY} HTTP/9.9\r\n{CANARY}\r\n\r\n").as_bytes());
    let _ = client.answer();
    let page = program.admin("/metrics");
    program.signal("TERM");
    drop(client);
    let (_, log) = program.end();
    assert!(log.contains("\"msg\":\"denied\""), "{log}");
    assert!(!log.contains(CANARY) && !page.contains(CANARY), "{log}\n{page}");
}
