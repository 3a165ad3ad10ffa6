//! SIGTERM and Ctrl-C: the first says leave in good order, the second says now.

use std::io;

use tokio::sync::watch;

/// Passes the first signal on, and returns at the second.
///
/// # Errors
/// Signals that cannot be listened to.
pub async fn second(draining: &watch::Sender<bool>) -> io::Result<()> {
    let mut signals = Signals::new()?;
    signals.next().await;
    tracing::info!("shutting down: not ready, still answering");
    draining.send_replace(true);
    signals.next().await;
    tracing::warn!("shutting down at once: asked twice");
    Ok(())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
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

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
