//! An API server, and kubectl.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use serde_json::Value;

/// A running control plane. It stops when this process does, for then its standard input is closed.
pub struct ControlPlane {
    binary: PathBuf,
    pub dir: PathBuf,
    child: Mutex<Option<(Child, ChildStdin)>>,
}

/// What kubectl said.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

impl Said {
    /// It worked.
    #[track_caller]
    pub fn fine(self) -> Said {
        assert!(self.ok, "kubectl failed: {}", self.err);
        self
    }

    /// It was refused, and the words are all there.
    #[track_caller]
    pub fn refused(self, words: &[&str]) -> Said {
        assert!(!self.ok, "expected a refusal with {words:?}, but it passed: {self:?}");
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in: {}", self.err);
        }
        self
    }

    /// It worked, with a warning that has these words.
    #[track_caller]
    pub fn warned(self, words: &[&str]) -> Said {
        let said = self.fine();
        let warned = |line: &str| line.starts_with("Warning: ") && words.iter().all(|w| line.contains(w));
        assert!(said.err.lines().any(warned), "no warning with {words:?} in: {}", said.err);
        said
    }

    /// It worked, and nothing was said about it.
    #[track_caller]
    pub fn silent(self) -> Said {
        let said = self.fine();
        assert_eq!(said.err, "");
        said
    }
}

impl ControlPlane {
    /// Starts etcd and kube-apiserver with their state in a folder of this name, and waits until they serve.
    pub fn start(name: &str, flags: &[&str]) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&dir);
        Self::resume(dir, flags)
    }

    /// Starts with the state that is there.
    pub fn resume(dir: PathBuf, flags: &[&str]) -> Self {
        let binary = std::env::var_os("CONTROLPLANE").expect("CONTROLPLANE is not set; run `make test-cluster`");
        let binary = PathBuf::from(binary);
        fs::create_dir_all(&dir).unwrap();
        let log = fs::File::create(dir.join("log")).unwrap();
        let mut child = Command::new(&binary)
            .arg("-dir")
            .arg(&dir)
            .arg("--")
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.any(|line| line.unwrap() == "ready");
        assert!(ready, "the control plane ended: {}", fs::read_to_string(dir.join("log")).unwrap());
        let stdin = child.stdin.take().unwrap();
        ControlPlane { binary, dir, child: Mutex::new(Some((child, stdin))) }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// Runs kubectl, with a text on its standard input.
    pub fn kubectl_with(&self, arguments: &[&str], text: &str) -> Said {
        let mut child = Command::new(&self.binary)
            .arg("kubectl")
            .args(arguments)
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", &self.dir)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A kubectl that refuses its arguments reads nothing.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub fn kubectl(&self, arguments: &[&str]) -> Said {
        self.kubectl_with(arguments, "")
    }

    /// `kubectl apply -f -`.
    pub fn apply(&self, manifests: &str) -> Said {
        self.kubectl_with(&["apply", "-f", "-"], manifests)
    }

    /// What `kubectl … -o json` says.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let said = self.kubectl(&[arguments, &["-o", "json"]].concat()).fine();
        serde_json::from_str(&said.out).unwrap()
    }

    /// The lines of the audit log.
    pub fn audit(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.dir.join("audit.log")).unwrap();
        // The last line may still be written.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// A kubeconfig for a service account: it may do what its roles allow, and nothing else.
    pub fn service_account(&self, namespace: &str, name: &str) -> PathBuf {
        let token = self.kubectl(&["create", "token", name, "-n", namespace, "--duration", "24h"]).fine().out;
        let mut config = self.json(&["config", "view", "--raw"]);
        config["users"][0]["user"] = serde_json::json!({"token": token.trim()});
        let path = self.dir.join(format!("kubeconfig-{namespace}-{name}"));
        fs::write(&path, config.to_string()).unwrap();
        path
    }
}

impl ControlPlane {
    /// Stops it and waits until it is gone; its state stays.
    pub fn stop(&self) {
        if let Some((mut child, stdin)) = self.child.lock().unwrap().take() {
            drop(stdin);
            child.wait().unwrap();
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.stop();
    }
}
