//! The real binary, serving the API server; and how it is registered there.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use virt_guard::source;

use crate::control_plane::ControlPlane;

/// Longest wait for anything; what is waited for takes a second.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a condition holds.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "it never happens: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The Service that the API server calls, and what it stands for.
pub const NAMESPACE: &str = "virt-guard";
pub const SERVICE: &str = "local";

/// A certificate for the Service, localhost and 127.0.0.1, and who signed it; made by `virt-guard certs`. Each time in a
/// folder of its own: run again, it would replace a pair that another test is reading.
pub fn certificates(dir: &Path) -> PathBuf {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let dir = dir.join(format!("certs-{}", MADE.fetch_add(1, Ordering::Relaxed)));
    let name = format!("{SERVICE}.{NAMESPACE}.svc");
    let made = Command::new(env!("CARGO_BIN_EXE_virt-guard"))
        .args(["certs", "--name", &name, "--dir"])
        .arg(&dir)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    dir
}

/// `virt-guard serve`; ends when it is dropped, or with this process.
pub struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    pub port: u16,
    pub admin: u16,
    log: Arc<Mutex<Vec<Value>>>,
    certificates: PathBuf,
}

/// Runs a command until its standard input is closed.
const WITH_PARENT: &str = r#""$@" & child=$!; exec 2>/dev/null; cat > /dev/null; kill "$child"; wait "$child""#;

impl Server {
    /// Starts it and waits until it is ready. `kubeconfig`: whose cluster it follows; none: it follows nothing.
    pub fn start(dir: &Path, kubeconfig: Option<&Path>, arguments: &[&str]) -> Self {
        let server = Self::begin(dir, kubeconfig, arguments);
        eventually("the server is ready", || server.is_ready());
        server
    }

    /// Starts it and waits until it listens.
    pub fn begin(dir: &Path, kubeconfig: Option<&Path>, arguments: &[&str]) -> Self {
        let certificates = certificates(dir);
        let inventory = if kubeconfig.is_some() { "cluster" } else { "none" };
        let mut child = Command::new("sh")
            .args(["-c", WITH_PARENT, "sh", env!("CARGO_BIN_EXE_virt-guard"), "serve"])
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--tls-cert"])
            .arg(certificates.join("tls.crt"))
            .arg("--tls-key")
            .arg(certificates.join("tls.key"))
            .args(["--inventory", inventory])
            // The API server keeps its connections for 90 s, and a case is over before.
            .args(["--shutdown-delay", "0s", "--shutdown-timeout", "1s"])
            .args(arguments)
            .env("KUBECONFIG", kubeconfig.unwrap_or(Path::new("/nowhere")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, listening) = mpsc::channel();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let value: Value = serde_json::from_str(&line).unwrap_or_else(|_| json!({"message": line}));
                if let (Some(webhook), Some(admin)) = (port(&value["webhook"]), port(&value["admin"])) {
                    let _ = sender.send((webhook, admin));
                }
                kept.lock().unwrap().push(value);
            }
        });
        let stdin = child.stdin.take();
        let (port, admin) = match listening.recv_timeout(PATIENCE) {
            Ok(ports) => ports,
            Err(_) => panic!("virt-guard serve does not listen: {:?}", log.lock().unwrap()),
        };
        Server { child, stdin, port, admin, log, certificates }
    }

    pub fn is_ready(&self) -> bool {
        self.get("/readyz").starts_with("HTTP/1.1 200")
    }

    /// Its answer to a GET on the admin port.
    pub fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.admin)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What it logged so far.
    pub fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    /// What a metric says, labels included in its name; 0 when it is not there.
    pub fn metric(&self, name: &str) -> f64 {
        let page = self.get("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// The authority that signed its certificate.
    pub fn authority_pem(&self) -> String {
        fs::read_to_string(self.certificates.join("ca.crt")).unwrap()
    }

    /// The authority that signed its certificate, for `caBundle`.
    pub fn authority(&self) -> String {
        authority(&self.certificates)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stdin.take();
        let _ = self.child.wait();
    }
}

/// `ca.crt` of a folder of certificates, for `caBundle`.
pub fn authority(certificates: &Path) -> String {
    base64::engine::general_purpose::STANDARD.encode(fs::read(certificates.join("ca.crt")).unwrap())
}

fn port(address: &Value) -> Option<u16> {
    address.as_str()?.rsplit_once(':')?.1.parse().ok()
}

/// Documents of a YAML text, as JSON.
pub fn documents(text: &str) -> Vec<Value> {
    let parsed = source::parse("text", text.as_bytes().to_vec());
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    parsed.documents.iter().map(|d| serde_json::from_str(&d.tree.root().to_string()).unwrap()).collect()
}

/// Webhook configurations of a test: those that are deployed, but for one test's namespaces and its server.
pub struct Registration {
    test: String,
    documents: Vec<Value>,
}

/// Label of the namespaces of a test.
pub const TEST_LABEL: &str = "virt-guard-test";

impl Registration {
    /// `text` is what is deployed: deploy/base/webhooks.yaml, or what is made of other policies.
    pub fn new(test: &str, text: &str) -> Self {
        let mut documents = documents(text);
        for document in &mut documents {
            let kind = document["kind"].as_str().unwrap().to_owned();
            document["metadata"]["name"] = json!(format!("test-{test}"));
            let webhooks = document["webhooks"].as_array_mut().unwrap();
            for webhook in webhooks.iter_mut() {
                let selector = webhook["namespaceSelector"]["matchExpressions"].as_array_mut().unwrap();
                selector.push(json!({"key": TEST_LABEL, "operator": "In", "values": [test]}));
            }
            webhooks.push(probe(test, &kind));
        }
        Registration { test: test.to_owned(), documents }
    }

    /// Calls this port through the Service, as production does.
    pub fn service(self, port: u16, authority: &str) -> Self {
        self.each(|webhook| {
            let path = webhook["clientConfig"]["service"]["path"].clone();
            let service = json!({"namespace": NAMESPACE, "name": SERVICE, "port": port, "path": path});
            webhook["clientConfig"] = json!({"service": service, "caBundle": authority});
        })
    }

    /// Calls this port by URL.
    pub fn url(self, port: u16, authority: &str) -> Self {
        self.each(|webhook| {
            let path = webhook["clientConfig"]["service"]["path"].as_str().unwrap().to_owned();
            webhook["clientConfig"] = json!({"url": format!("https://localhost:{port}{path}"), "caBundle": authority});
        })
    }

    /// Changes every webhook but the probe.
    pub fn each(mut self, change: impl Fn(&mut Value)) -> Self {
        let all = self.documents.iter_mut().flat_map(|d| d["webhooks"].as_array_mut().unwrap());
        all.filter(|w| !w["name"].as_str().unwrap().starts_with("probe.")).for_each(change);
        self
    }

    /// Applies it, and waits until the API server has it in force.
    pub fn apply(&self, plane: &ControlPlane, namespace: &str) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": self.documents});
        plane.apply(&list.to_string()).fine();
        for document in &self.documents {
            let kind = document["kind"].as_str().unwrap();
            let labels = json!({PROBE_LABEL: kind});
            let metadata = json!({"name": "probe", "namespace": namespace, "labels": labels});
            let probe = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}).to_string();
            eventually(&format!("{kind} of {} is in force", self.test), || {
                let said = plane.kubectl_with(&["create", "--dry-run=server", "-f", "-"], &probe);
                said.err.contains("failed calling webhook")
            });
        }
    }
}

const PROBE_LABEL: &str = "virt-guard-probe";

/// A webhook that nobody answers, for one ConfigMap. A configuration is in force as a whole, so once this one fails the
/// others are called.
fn probe(test: &str, kind: &str) -> Value {
    json!({
        "name": format!("probe.{test}.virt-guard.io"),
        "clientConfig": {"service": {"namespace": NAMESPACE, "name": SERVICE, "port": 1}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchLabels": {TEST_LABEL: test}},
        "objectSelector": {"matchLabels": {PROBE_LABEL: kind}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"]}],
    })
}
