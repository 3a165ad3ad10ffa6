//! What `serve` knows of its cluster: the kinds that the policies in force read, followed and handed to the judge.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use kube::Client;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::cluster::{self, KindStatus, Seen, Watching};
use crate::engine::{self, Cluster};
use crate::inventory::Kind;
use crate::server::watch::Policies;
use crate::server::{OfKind, Shared, Snapshot};

/// How often it is looked whether the policies read other kinds, and how old what is known has become.
const LOOK: Duration = Duration::from_secs(1);

/// Follows a cluster for a server.
pub struct Follower {
    /// The cluster.
    pub client: Client,
    /// What was not confirmed for so long counts as not seen.
    pub max_staleness: Duration,
    /// Who waits so long for the first answers judges without them.
    pub start: Duration,
    /// The policies in force.
    pub policies: Arc<Policies>,
    /// What is judged by.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// The server.
    pub shared: Arc<Shared>,
}

/// What is known of each kind, in a line: for readiness.
type Line = Arc<Mutex<String>>;

impl Follower {
    /// Follows for ever. Until the kinds were answered for once, requests are told to come back.
    pub async fn follow(self) {
        let line: Line = Line::default();
        let shown = Arc::clone(&line);
        let known = move || shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Never a reason to be unready: policies that read nothing of the cluster are served without it.
        self.shared.health.check("inventory", move || Ok(known()));
        let mut kinds = self.kinds();
        let mut watching = self.watch(&kinds);
        self.answered(&watching).await;
        self.shared.health.set_starting(false);
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut given = self.give(&watching);
        loop {
            tokio::select! {
                _ = watching.wait_for(|snapshot| !std::ptr::eq(snapshot, &*given)) => {
                    given = self.give(&watching);
                }
                _ = look.tick() => {
                    let wanted = self.kinds();
                    if wanted != kinds {
                        // The old ones are followed until the new ones are known.
                        let next = self.watch(&wanted);
                        self.answered(&next).await;
                        (kinds, watching) = (wanted, next);
                        given = self.give(&watching);
                    }
                    self.tell(&watching.kinds(), &line);
                }
            }
        }
    }

    fn kinds(&self) -> Vec<Kind> {
        engine::kinds_read(self.policies.in_force().load().policies.iter()).into_iter().collect()
    }

    fn watch(&self, kinds: &[Kind]) -> Watching {
        cluster::watch(&self.client, kinds.iter().copied(), self.max_staleness)
    }

    /// Waits until every kind was answered for, but not for ever.
    async fn answered(&self, watching: &Watching) {
        let until = Instant::now() + self.start;
        while !watching.answered() && Instant::now() < until {
            let rest = until.saturating_duration_since(Instant::now());
            let before = watching.snapshot();
            let _ = timeout(rest, watching.wait_for(|snapshot| !std::ptr::eq(snapshot, &*before))).await;
        }
    }

    /// Gives the judge what is known now.
    fn give(&self, watching: &Watching) -> Arc<cluster::Snapshot> {
        let known = watching.snapshot();
        let cluster = Cluster { versions: known.versions.clone(), ..Cluster::default() };
        self.snapshot.store(Arc::new(Snapshot { inventory: known.inventory.clone(), cluster }));
        known
    }

    fn tell(&self, kinds: &[KindStatus], line: &Line) {
        let metrics = &self.shared.metrics;
        for status in kinds {
            let of = OfKind { resource: status.kind.resource() };
            if let Some(age) = status.age {
                metrics.snapshot_age.get_or_create(&of).set(age.as_secs_f64());
            }
            metrics.relists.get_or_create(&of).set(i64::try_from(status.relists).unwrap_or(i64::MAX));
        }
        *line.lock().unwrap_or_else(PoisonError::into_inner) = summary(kinds);
    }
}

/// How many kinds are known, and which are not and why.
fn summary(kinds: &[KindStatus]) -> String {
    let mut not: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for status in kinds {
        let why = match status.seen {
            Seen::Complete | Seen::NotServed => continue,
            Seen::Waiting => "no answer yet",
            Seen::Forbidden => "not allowed to read",
            Seen::Stale => "not heard of for too long",
        };
        not.entry(why).or_default().push(status.kind.resource());
    }
    let known = kinds.len() - not.values().map(Vec::len).sum::<usize>();
    let not: String = not.iter().map(|(why, kinds)| format!("; {why}: {}", kinds.join(", "))).collect();
    format!("{known} of {} kinds known{not}", kinds.len())
}
