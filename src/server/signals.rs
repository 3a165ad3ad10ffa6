//! SIGTERM and Ctrl-C: the first says leave in good order, the second says now.

use std::io;

use tokio::sync::watch;

impl Signals {
    /// Passes the first signal on, and returns at the second.
    pub async fn second(mut self, draining: &watch::Sender<bool>) {
        self.next().await;
        tracing::info!("shutting down: not ready, still answering");
        draining.send_replace(true);
        self.next().await;
        tracing::warn!("shutting down at once: asked twice");
    }
}

/// Signals that are listened to from now on.
#[cfg(unix)]
#[derive(Debug)]
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Listens. Has to be called inside a tokio runtime.
    ///
    /// # Errors
    /// Signals that cannot be listened to.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Signals that are listened to from now on.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Listens.
    ///
    /// # Errors
    /// None here.
    pub fn listen() -> io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
