//! The webhook's server: the only TLS, HTTP and socket code.
//!
//! Knows connections, deadlines, memory, certificates, readiness and signals. The verdicts are [`crate::admission`]'s; it
//! must not look into a review, and nothing of a review but names may reach a log or a metric.
//!
//! | file | idea |
//! |---|---|
//! | `limits` | what clients may take |
//! | `accept`, `pace`, `framing` | connections, their deadlines, and where a request ends |
//! | `webhook`, `body` | from an HTTP request to a review and back |
//! | `memory`, `pool` | what reviews may hold together, and the threads that judge them |
//! | `reviewer` | who judges, by which policies |
//! | `admin`, `health`, `metrics` | what a cluster asks about us |
//! | `certificates`, `issue` | the pair that is served, and pairs of our own making |
//! | `watch` | files that may change while we run |
//! | `config` | the operator's file |
//! | `signals` | when to leave |
//! | `log` | how a line is written |

mod accept;
mod admin;
mod body;
pub mod certificates;
pub mod config;
mod framing;
mod health;
pub mod issue;
mod limits;
pub mod log;
mod memory;
mod metrics;
mod pace;
mod pool;
mod reviewer;
mod signals;
pub mod watch;
mod webhook;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::SystemTime;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use certificates::Certificates;
use health::Health;
use memory::Memory;
use pool::Pool;

pub use limits::Limits;
pub use metrics::{Metrics, OfKind};
pub use reviewer::{Bundle, Judge, Judged, Reviewer, Snapshot};
pub use signals::Signals;

/// What the parts of a server have in common.
pub struct Shared {
    limits: Limits,
    reviewer: Arc<dyn Reviewer>,
    memory: Arc<Memory>,
    pool: Pool,
    /// Counters, for whoever has something to count.
    pub metrics: Arc<Metrics>,
    /// Checks, for whoever can be unready.
    pub health: Health,
    certificates: Arc<Certificates>,
}

impl Shared {
    /// Values that are asked for, not counted.
    fn refresh(&self) {
        self.metrics.inflight.set(i64::try_from(self.memory.lent()).unwrap_or(i64::MAX));
        let expiry = self.certificates.not_after().duration_since(SystemTime::UNIX_EPOCH);
        self.metrics.not_after.set(expiry.map_or(0, |t| i64::try_from(t.as_secs()).unwrap_or(i64::MAX)));
    }
}

/// A server that listens and does not serve yet.
pub struct Server {
    webhook: TcpListener,
    admin: TcpListener,
    /// What its parts share.
    pub shared: Arc<Shared>,
    draining: tokio::sync::watch::Receiver<bool>,
}

impl Server {
    /// Listens on two addresses. `draining` becomes true when it is to leave.
    ///
    /// # Errors
    /// An address that is taken or not ours, or threads that the system does not give.
    pub async fn bind(
        listen: SocketAddr,
        admin: SocketAddr,
        limits: Limits,
        certificates: Arc<Certificates>,
        reviewer: Arc<dyn Reviewer>,
        draining: tokio::sync::watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let threads = available_parallelism().map_or(1, usize::from).min(Limits::THREADS);
        let health = Health::new(draining.clone());
        let served = Arc::clone(&certificates);
        health.check("certificate", move || match served.expired() {
            true => Err("the served certificate has expired".to_owned()),
            false => Ok(String::new()),
        });
        let shared = Shared {
            limits,
            reviewer,
            memory: Memory::new(limits.memory),
            pool: Pool::new(threads, Limits::STACK, Limits::WAITING)?,
            metrics: Metrics::new(),
            health,
            certificates,
        };
        let bind = async |address: SocketAddr| {
            let named = |e: io::Error| io::Error::new(e.kind(), format!("{address}: {e}"));
            TcpListener::bind(address).await.map_err(named)
        };
        Ok(Server { webhook: bind(listen).await?, admin: bind(admin).await?, shared: Arc::new(shared), draining })
    }

    /// The addresses of the webhook and of the admin port.
    ///
    /// # Errors
    /// Whatever the system says; not seen so far.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.webhook.local_addr()?, self.admin.local_addr()?))
    }

    /// Serves until it is told to leave, and everybody is gone or [`Limits::drain_at_most`] is over.
    ///
    /// # Errors
    /// TLS that cannot be set up.
    pub async fn run(self) -> Result<(), rustls::Error> {
        let shared = self.shared;
        let tls = TlsAcceptor::from(shared.certificates.tls()?);
        let webhook = webhook::router(Arc::clone(&shared));
        let admin = admin::router(Arc::clone(&shared));
        // The admin port answers as long as the webhook does: who asks about us must not keep us.
        let (_keep, never) = tokio::sync::watch::channel(false);
        tokio::select! {
            () = accept::serve(self.webhook, Some(tls), webhook, Arc::clone(&shared), self.draining) => {}
            () = accept::serve(self.admin, None, admin, shared, never) => {}
        }
        Ok(())
    }
}
