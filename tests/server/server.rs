//! A server in this process, with what a test wants to judge.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::sync::watch;
use virt_guard::admission::{Caller, Door, Enforcement, Unanswered};
use virt_guard::server::certificates::Certificates;
use virt_guard::server::watch::{Needs, bundle};
use virt_guard::server::{Judge, Judged, Limits, Reviewer, Server, Shared, Snapshot, config, issue};

use super::client::{Answer, Client, post, trusting};

/// The API server's question about a Subscription that is denied.
pub const REVIEW: &[u8] = include_bytes!("../../examples/review.json");

/// A server that runs until it is dropped.
pub struct Running {
    pub webhook: SocketAddr,
    pub admin: SocketAddr,
    pub trust: Arc<ClientConfig>,
    pub shared: Arc<Shared>,
    pub draining: watch::Sender<bool>,
    runtime: Option<tokio::runtime::Runtime>,
    pub ended: std::sync::mpsc::Receiver<()>,
}

/// A pair for this machine, and the authority that signed it.
pub fn pair() -> (issue::Authority, virt_guard::server::certificates::Pem) {
    let day = std::time::Duration::from_secs(86_400);
    let authority = issue::authority(day).unwrap();
    let pem = issue::leaf(&authority, &issue::LOCAL.map(str::to_owned), day).unwrap();
    (authority, pem)
}

/// The built-in policies, as `serve` judges by them without a cluster.
pub fn judge() -> Arc<dyn Reviewer> {
    let bundle = Arc::new(Arc::new(bundle(&Vec::new(), Needs::NoCluster).unwrap()).into());
    let snapshot = Arc::new(Arc::new(Snapshot::default()).into());
    Arc::new(Judge { bundle, snapshot, options: config::without_file(Enforcement::Enforce) })
}

/// A reviewer that judges as [`judge`], after something else was done with the body.
struct First<F> {
    first: F,
    then: Arc<dyn Reviewer>,
}

impl<F: Fn(&[u8], &dyn Caller) + Send + Sync> Reviewer for First<F> {
    fn review(&self, body: &[u8], door: Door, caller: &dyn Caller) -> Result<Judged, Unanswered> {
        (self.first)(body, caller);
        self.then.review(body, door, caller)
    }
}

/// Judges after `first` was done.
pub fn after(first: impl Fn(&[u8], &dyn Caller) + Send + Sync + 'static) -> Arc<dyn Reviewer> {
    Arc::new(First { first, then: judge() })
}

/// Limits that let a test end soon.
pub fn limits() -> Limits {
    Limits { drain_at_least: std::time::Duration::ZERO, ..Limits::default() }
}

/// Starts a server.
pub fn start(limits: Limits, reviewer: Arc<dyn Reviewer>) -> Running {
    let (authority, pem) = pair();
    start_with(limits, reviewer, Certificates::made(pem).unwrap(), &authority.certificate)
}

/// Starts a server with a certificate.
pub fn start_with(
    limits: Limits,
    reviewer: Arc<dyn Reviewer>,
    certificates: Arc<Certificates>,
    authority: &str,
) -> Running {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (draining, drain) = watch::channel(false);
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let server = runtime.block_on(Server::bind(any, any, limits, certificates, reviewer, drain)).unwrap();
    let (webhook, admin) = server.addresses().unwrap();
    let shared = Arc::clone(&server.shared);
    let (end, ended) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        server.run().await.unwrap();
        let _ = end.send(());
    });
    Running { webhook, admin, trust: trusting(authority), shared, draining, runtime: Some(runtime), ended }
}

impl Running {
    /// A new connection.
    pub fn connect(&self) -> Client<rustls::StreamOwned<rustls::ClientConnection, std::net::TcpStream>> {
        Client::tls(self.webhook, &self.trust).expect("a handshake")
    }

    /// Asks once, on a connection of its own.
    pub fn ask(&self, request: &[u8]) -> Answer {
        self.connect().ask(request)
    }

    /// True when an ordinary review is judged.
    pub fn judges(&self) -> bool {
        let answer = self.ask(&post("/validate?timeout=10s", REVIEW));
        answer.status == 200 && answer.json()["response"]["allowed"] == false
    }

    /// A page of the admin port.
    pub fn admin(&self, path: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        Client::plain(self.admin).ask(request.as_bytes())
    }

    /// What a metric says, labels included in its name; 0 when it is not there.
    pub fn metric(&self, name: &str) -> f64 {
        metric(&self.admin("/metrics").text(), name)
    }

    /// Runs a task beside the server.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.as_ref().unwrap().spawn(task);
    }
}

/// What a metric says on a page.
pub fn metric(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
