//! What is known of each kind, and the snapshot of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Snapshot;
use crate::facts::Versions;
use crate::inventory::{Entry, Inventory, Kind, Objects, View, WhyNot};

/// How far a kind is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nobody answered yet.
    Waiting,
    /// All of its objects are known.
    Complete,
    /// The API server does not serve it; there are none.
    NotServed,
    /// This account may not read it.
    Forbidden,
    /// Nothing was heard for too long.
    Stale,
}

/// A kind, for readiness and metrics.
#[derive(Clone, Copy, Debug)]
pub struct KindStatus {
    /// The kind.
    pub kind: Kind,
    /// How far it is known.
    pub seen: Seen,
    /// Number of objects that are stored.
    pub objects: usize,
    /// Since when nothing was heard; `None` before the first answer.
    pub age: Option<Duration>,
    /// Times that it was listed anew after the first time.
    pub relists: u64,
}

/// Namespace (empty: none) and name.
pub(super) type Name = (String, String);

/// The rows of all kinds, and a bell that rings when one changes.
#[derive(Debug)]
pub(super) struct Board {
    rows: Mutex<Vec<Row>>,
    bell: Notify,
    max_staleness: Duration,
}

#[derive(Debug)]
struct Row {
    kind: Kind,
    seen: Seen,
    entries: BTreeMap<Name, Entry>,
    /// `entries` as snapshots share them; `None` after a change.
    shared: Option<Arc<Objects>>,
    /// When it was heard last that this is how things are.
    confirmed: Option<Instant>,
    /// Counts changes.
    generation: u64,
    lists: u64,
}

impl Row {
    fn seen(&self, now: Instant, max_staleness: Duration) -> Seen {
        let old = self.confirmed.is_some_and(|at| now.saturating_duration_since(at) >= max_staleness);
        if old { Seen::Stale } else { self.seen }
    }

    fn change(&mut self, seen: Seen) {
        self.seen = seen;
        self.confirmed = Some(Instant::now());
        self.generation += 1;
    }
}

/// What a snapshot was made of: how often each kind had changed, and how far it was known.
pub(super) type State = Vec<(u64, Seen)>;

impl Board {
    pub fn new(kinds: &[Kind], max_staleness: Duration) -> Self {
        let row = |kind: &Kind| Row {
            kind: *kind,
            seen: Seen::Waiting,
            entries: BTreeMap::new(),
            shared: None,
            confirmed: None,
            generation: 0,
            lists: 0,
        };
        Board { rows: Mutex::new(kinds.iter().map(row).collect()), bell: Notify::new(), max_staleness }
    }

    /// The line of the kind at this place of the list that the board was made of.
    pub fn line(self: &Arc<Self>, at: usize) -> Line {
        Line { board: Arc::clone(self), at }
    }

    /// Waits for a change since the last call.
    pub async fn changed(&self) {
        self.bell.notified().await;
    }

    /// No code under this lock can panic, so a poisoned one is as good as any.
    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next moment at which a kind becomes stale if nothing is heard.
    pub fn next_stale(&self, now: Instant) -> Instant {
        let far = now + self.max_staleness;
        let rows = self.rows();
        let next = rows.iter().filter_map(|row| Some(row.confirmed? + self.max_staleness)).filter(|at| *at > now);
        next.min().unwrap_or(far)
    }

    pub fn statuses(&self, now: Instant) -> Vec<KindStatus> {
        let status = |row: &Row| KindStatus {
            kind: row.kind,
            seen: row.seen(now, self.max_staleness),
            objects: row.entries.len(),
            age: row.confirmed.map(|at| now.saturating_duration_since(at)),
            relists: row.lists.saturating_sub(1),
        };
        self.rows().iter().map(status).collect()
    }

    /// What a snapshot would be made of now. Another one than before: it is time for a new snapshot.
    pub fn state(&self, now: Instant) -> State {
        self.rows().iter().map(|row| (row.generation, row.seen(now, self.max_staleness))).collect()
    }

    /// What is known now.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let mut inventory = Inventory::default();
        for row in self.rows().iter_mut() {
            let complete = match row.seen(now, self.max_staleness) {
                Seen::Complete | Seen::NotServed => Ok(()),
                Seen::Waiting => Err(WhyNot::NotCollected),
                Seen::Forbidden => Err(WhyNot::Forbidden),
                Seen::Stale => Err(WhyNot::Stale),
            };
            let Kind { group, kind, .. } = row.kind;
            inventory.set_complete(group, kind, None, complete);
            if complete.is_ok() {
                let Row { shared, entries, .. } = row;
                let objects = shared.get_or_insert_with(|| Arc::new(entries.values().cloned().collect()));
                inventory.set_objects(group, kind, Arc::clone(objects));
            }
        }
        let versions = Versions::detect(&View::new(&inventory), None);
        Snapshot { inventory, versions }
    }
}

/// Where one kind's follower writes.
#[derive(Clone, Debug)]
pub(super) struct Line {
    board: Arc<Board>,
    at: usize,
}

impl Line {
    fn write(&self, change: impl FnOnce(&mut Row)) {
        if let Some(row) = self.board.rows().get_mut(self.at) {
            change(row);
        }
    }

    /// These are all objects there are.
    pub fn replace(&self, entries: BTreeMap<Name, Entry>) {
        self.write(|row| {
            row.entries = entries;
            row.shared = None;
            row.lists += 1;
            row.change(Seen::Complete);
        });
        self.board.bell.notify_one();
    }

    /// An object is there, or (`None`) not there any more.
    pub fn set(&self, name: Name, entry: Option<Entry>) {
        self.write(|row| {
            match entry {
                Some(entry) => row.entries.insert(name, entry),
                None => row.entries.remove(&name),
            };
            row.shared = None;
            row.change(Seen::Complete);
        });
        self.board.bell.notify_one();
    }

    /// Nothing changed, and that was heard now.
    pub fn confirm(&self) {
        self.write(|row| row.confirmed = Some(Instant::now()));
        // A kind that was stale is none any more.
        self.board.bell.notify_one();
    }

    /// There are no objects to be had: not served, or forbidden.
    pub fn nothing(&self, seen: Seen) {
        self.write(|row| {
            if row.seen == seen {
                row.confirmed = Some(Instant::now());
                return;
            }
            row.entries.clear();
            row.shared = None;
            row.change(seen);
        });
        self.board.bell.notify_one();
    }
}
