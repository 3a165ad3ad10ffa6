//! Files that may change while we run: looked at every few seconds, taken whole or not at all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::certificates::Look;
use super::metrics::{Digest, Result as Outcome};
use super::reviewer::Bundle;
use super::{Metrics, Shared};
use crate::engine::{self, EMBEDDED};
use crate::policy::Problem;

/// Policy files: (name, text).
pub type Files = Vec<(String, String)>;

/// Reads the policy files, or says why they cannot be read.
pub type ReadFiles = Arc<dyn Fn() -> Result<Files, String> + Send + Sync>;

/// Which policies a server can judge by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Those that read nothing but the request.
    NoCluster,
    /// All.
    Cluster,
}

/// The built-in policies and those of the files, as far as they do something at admission and what they need is there.
///
/// # Errors
/// Everything that is wrong with the files.
pub fn bundle(files: &Files, needs: Needs) -> Result<Bundle, Vec<Problem>> {
    let (mut policies, problems) =
        engine::load_policies(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    if !problems.is_empty() {
        return Err(problems);
    }
    let of = policies.iter().len();
    policies.retain(|p| p.acts_at_admission() && (needs == Needs::Cluster || p.is_portable()));
    Ok(Bundle::new(policies, of, &digest(files)))
}

/// Eight hexadecimal digits of everything that the policies were read from.
fn digest(files: &Files) -> String {
    let mut hash = Sha256::new();
    let built_in = EMBEDDED.iter().map(|e| (e.name, e.text));
    for (name, text) in built_in.chain(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))) {
        for part in [name, text] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
    }
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Looks at the certificate's files for ever.
pub async fn certificates(shared: Arc<Shared>, every: Duration) {
    let mut last = Look::Same;
    let mut clock = interval(every);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let certificates = Arc::clone(&shared.certificates);
        // Files may hang; requests must not.
        let Ok(look) = spawn_blocking(move || certificates.look()).await else { continue };
        match &look {
            Look::Same => {}
            Look::Swapped => {
                shared.metrics.tls_reloads.get_or_create(&Outcome { result: "ok" }).inc();
                tracing::info!("a new certificate is served");
            }
            // The same trouble is told once.
            Look::Kept(bad) if look != last => {
                shared.metrics.tls_reloads.get_or_create(&Outcome { result: "error" }).inc();
                tracing::warn!(
                    error = bad.to_string().as_str(),
                    "the new certificate cannot be served; the old one is"
                );
            }
            Look::Kept(_) => {}
        }
        last = look;
    }
}

/// What was read.
struct Seen {
    /// What was last tried, good or bad.
    tried: Result<Files, String>,
    /// What the last look found. Files are tried when two looks find the same: one that is just being written is not.
    last: Result<Files, String>,
}

/// The policies in force, and the files that they come from.
pub struct Policies {
    read: ReadFiles,
    needs: Needs,
    bundle: Arc<ArcSwap<Bundle>>,
    seen: Mutex<Seen>,
    /// Why what is on disk is not in force.
    trouble: Mutex<Option<String>>,
}

impl Policies {
    /// Policies that were loaded from these files.
    pub fn new(read: ReadFiles, needs: Needs, files: Files, bundle: Bundle) -> Arc<Self> {
        let bundle = Arc::new(ArcSwap::from_pointee(bundle));
        let seen = Mutex::new(Seen { tried: Ok(files.clone()), last: Ok(files) });
        Arc::new(Policies { read, needs, bundle, seen, trouble: Mutex::new(None) })
    }

    /// Those in force, to judge by.
    pub fn in_force(&self) -> Arc<ArcSwap<Bundle>> {
        Arc::clone(&self.bundle)
    }

    /// What is so, for readiness: files that cannot be used leave the old policies in force, and are named.
    pub fn state(&self) -> String {
        let bundle = self.bundle.load();
        let so = format!("{} policies, digest {}", bundle.policies.iter().len(), bundle.digest);
        match &*self.trouble.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(trouble) => format!("{so}; the files on disk are not in force: {trouble}"),
            None => so,
        }
    }

    /// What was read, when two looks agree on it and it was not tried before.
    fn to_try(&self, files: Result<Files, String>) -> Option<Result<Files, String>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = seen.last == files;
        let wanted = settled && seen.tried != files;
        seen.last.clone_from(&files);
        wanted.then_some(files)
    }

    /// Puts files in force, or keeps what is and says why.
    fn take(&self, files: Result<Files, String>) -> Result<(), String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).tried.clone_from(&files);
        let loaded = files.and_then(|files| bundle(&files, self.needs).map_err(|problems| in_a_line(&problems)));
        let taken = loaded.map(|bundle| self.bundle.store(Arc::new(bundle)));
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = taken.clone().err();
        taken
    }

    /// Looks at the files for ever.
    pub async fn watch(self: Arc<Self>, shared: Arc<Shared>, every: Duration) {
        let mut shown = Arc::clone(&self.bundle.load().digest);
        show(&shared.metrics, &shown, true);
        let mut clock = interval(every);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            clock.tick().await;
            let read = Arc::clone(&self.read);
            // Files may hang; requests must not.
            let Ok(files) = spawn_blocking(move || read()).await else { continue };
            let Some(files) = self.to_try(files) else { continue };
            let policies = Arc::clone(&self);
            // Expressions are compiled on a stack that holds them. When all threads are busy, the next look tries again.
            let Ok(taken) = shared.pool.run(move || policies.take(files)).await else { continue };
            let result = if taken.is_ok() { "ok" } else { "error" };
            shared.metrics.bundle_reloads.get_or_create(&Outcome { result }).inc();
            match taken {
                Ok(()) => {
                    let digest = Arc::clone(&self.bundle.load().digest);
                    show(&shared.metrics, &shown, false);
                    show(&shared.metrics, &digest, true);
                    shown = Arc::clone(&digest);
                    tracing::info!(bundle = &*digest, "new policies are in force");
                }
                Err(error) => {
                    tracing::warn!(
                        error = error.as_str(),
                        "the policies on disk cannot be used; the old ones are in force"
                    );
                }
            }
        }
    }
}

/// Shows the policies in force in the metrics, or takes them away.
fn show(metrics: &Metrics, digest: &str, in_force: bool) {
    let label = Digest { digest: digest.to_owned() };
    if in_force {
        metrics.bundle.get_or_create(&label).set(1);
    } else {
        metrics.bundle.remove(&label);
    }
}

/// The first problem, and how many more there are.
fn in_a_line(problems: &[Problem]) -> String {
    let first = problems.first().map(Problem::to_string).unwrap_or_default();
    let first = first.lines().next().unwrap_or_default().to_owned();
    match problems.len() {
        0 | 1 => first,
        n => format!("{first} (and {} more)", n - 1),
    }
}
