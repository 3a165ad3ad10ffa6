//! An inventory that follows a cluster, by list and watch. The only Kubernetes client code.
//!
//! Knows the API server's paths, pages, watches and refusals. Must not know policies or requests, nor what a kind means:
//! it is told which kinds to follow, and hands out [`Snapshot`]s that never change.
//!
//! | file | idea |
//! |---|---|
//! | `connect` | a client, from a kubeconfig or from inside the cluster |
//! | `discover` | where a kind is served, and whether it is at all |
//! | `follow` | one kind: discover, list, watch, again and again |
//! | `read` | what the API server sends, as entries of an inventory |
//! | `slim` | what is never stored |
//! | `board` | what is known of each kind, and the snapshot of it |

mod board;
mod connect;
mod discover;
mod follow;
mod read;
mod slim;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::facts::Versions;
use crate::inventory::{Inventory, Kind};

use board::Board;

pub use board::{KindStatus, Seen};
pub use connect::{ConnectError, connect};

/// Age from which a kind counts as not seen, unless the operator says otherwise. A watch that lives says so about once a
/// minute (k8s.io/apiserver pkg/storage/cacher, bookmarkFrequency); this leaves room for reconnecting.
pub const MAX_STALENESS: Duration = Duration::from_secs(5 * 60);

/// Snapshots do not follow each other faster. A snapshot costs about 0.3 µs for each object of a kind that changed, and
/// after a manifest with a volume and its VM the next request wants to see the volume.
const LEAST_BETWEEN: Duration = Duration::from_millis(100);

/// What was known of a cluster at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The objects of the kinds that are followed. A kind that is not served is complete and empty; one that may not be
    /// read, or was not read for too long, has no objects and says why.
    pub inventory: Inventory,
    /// What runs, and what is to run.
    pub versions: Versions,
}

/// Follows a cluster until it is dropped.
#[derive(Debug)]
pub struct Watching {
    board: Arc<Board>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    _tasks: JoinSet<()>,
}

/// Begins to follow these kinds. Has to be called inside a tokio runtime.
///
/// What was not confirmed for `max_staleness` counts as not seen ([`MAX_STALENESS`] is a good value).
pub fn watch(client: &Client, kinds: impl IntoIterator<Item = Kind>, max_staleness: Duration) -> Watching {
    let kinds: Vec<Kind> = kinds.into_iter().collect();
    let board = Arc::new(Board::new(&kinds, max_staleness));
    let (sender, snapshots) = watch::channel(Arc::new(board.snapshot(Instant::now())));
    let mut tasks = JoinSet::new();
    for (at, kind) in kinds.into_iter().enumerate() {
        tasks.spawn(follow::follow(client.clone(), kind, board.line(at)));
    }
    tasks.spawn(publish(Arc::clone(&board), sender));
    Watching { board, snapshots, _tasks: tasks }
}

impl Watching {
    /// What is known now. Cheap: the snapshot is shared.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// What is known of each kind, for readiness and metrics.
    pub fn kinds(&self) -> Vec<KindStatus> {
        self.board.statuses(Instant::now())
    }

    /// True when every kind was answered for once: listed, not served, or refused.
    pub fn answered(&self) -> bool {
        self.kinds().iter().all(|kind| kind.seen != Seen::Waiting)
    }

    /// Waits for a snapshot that satisfies a condition, beginning with the one at hand.
    pub async fn wait_for(&self, mut condition: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut snapshots = self.snapshots.clone();
        // The sender lives in a task of `self`.
        match snapshots.wait_for(|snapshot| condition(snapshot)).await {
            Ok(snapshot) => Arc::clone(&snapshot),
            Err(_) => self.snapshot(),
        }
    }
}

/// Makes a snapshot of everything that changes, and of what becomes stale.
async fn publish(board: Arc<Board>, sender: watch::Sender<Arc<Snapshot>>) {
    let mut published = Vec::new();
    loop {
        tokio::select! {
            () = board.changed() => {}
            () = sleep_until(board.next_stale(Instant::now())) => {}
        }
        let state = board.state(Instant::now());
        if state != published {
            published = state;
            sender.send_replace(Arc::new(board.snapshot(Instant::now())));
        }
        sleep(LEAST_BETWEEN).await;
    }
}
