//! One kind: discover, list, watch, again and again.
//!
//! A watch that ends is taken up where it ended; one that cannot be (410 Gone) begins with a new list. While the API
//! server cannot be reached, what was known stays, and grows old.

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures::AsyncBufReadExt;
use kube::api::{ListParams, WatchParams};
use kube::core::Request;
use kube::{Client, Error};
use tokio::time::{sleep, timeout};

use super::board::{Line, Seen};
use super::discover::{Served, discover};
use super::read::{self, Event, Unreadable};
use crate::inventory::Kind;
use crate::object::Gvk;

/// Objects in one answer. ClusterServiceVersions have some 100 KB each, so an answer stays below about 30 MB.
const PAGE: u32 = 100;

/// Seconds that one watch lasts; below the five minutes after which proxies and load balancers cut.
const WATCH: u32 = 290;

/// Longest wait for an answer, and for a line after a watch should have ended.
const ANSWER: Duration = Duration::from_secs(30);

/// Wait before a kind that is not served, or forbidden, is asked for again. CRDs and permissions come with an
/// installation, and people wait for it.
const AGAIN: Duration = Duration::from_secs(10);

/// First and longest pause after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Why a kind cannot be followed on.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Request(#[from] Error),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
    #[error("no answer within {} seconds", ANSWER.as_secs())]
    Silence,
    #[error("the API server ended the watch with code {0}")]
    Ended(u16),
}

impl Trouble {
    /// The API server's status code; 0 where there is none.
    fn code(&self) -> u16 {
        match self {
            Trouble::Request(Error::Api(status)) => status.code,
            Trouble::Ended(code) => *code,
            _ => 0,
        }
    }
}

/// Follows a kind for ever.
pub(super) async fn follow(client: Client, kind: Kind, line: Line) {
    let mut follower = Follower { client, kind, line, pause: Pause::default() };
    loop {
        let Err(trouble) = follower.round().await else { continue };
        match trouble.code() {
            403 => {
                tracing::warn!(resource = kind.resource(), "not allowed to list and watch; its objects are unknown");
                follower.line.nothing(Seen::Forbidden);
                sleep(AGAIN).await;
            }
            _ => follower.report(&trouble).await,
        }
    }
}

struct Follower {
    client: Client,
    kind: Kind,
    line: Line,
    pause: Pause,
}

impl Follower {
    /// Finds the kind, lists it and watches it for as long as that goes well. `Ok` when it has to be found anew.
    async fn round(&mut self) -> Result<(), Trouble> {
        let Some(Served { gvk, path }) = answer(discover(&self.client, self.kind)).await? else {
            self.line.nothing(Seen::NotServed);
            sleep(AGAIN).await;
            return Ok(());
        };
        let (gvk, request) = (Arc::new(gvk), Request::new(path));
        let mut version = self.list(&request, &gvk).await?;
        loop {
            match self.watch(&request, &gvk, &mut version).await {
                Ok(()) => {}
                Err(trouble) => match trouble.code() {
                    410 => {
                        self.pause.wait().await;
                        version = self.list(&request, &gvk).await?;
                    }
                    403 | 404 => return Err(trouble),
                    _ => self.report(&trouble).await,
                },
            }
        }
    }

    /// Lists all objects, page by page, and gives the resourceVersion to watch from.
    async fn list(&mut self, request: &Request, gvk: &Arc<Gvk>) -> Result<String, Trouble> {
        let mut entries = BTreeMap::new();
        let mut parameters = ListParams::default().limit(PAGE);
        loop {
            let next = request.list(&parameters).map_err(Error::BuildRequest)?;
            let text = answer(self.client.request_text(next)).await?;
            let page = read::page(&text, gvk)?;
            entries.extend(page.entries);
            if page.more.is_empty() {
                self.line.replace(entries);
                self.pause.reset();
                return Ok(page.resource_version);
            }
            parameters = parameters.continue_token(&page.more);
        }
    }

    /// Watches until the API server ends it, which it does in time.
    async fn watch(&mut self, request: &Request, gvk: &Arc<Gvk>, version: &mut String) -> Result<(), Trouble> {
        let parameters = WatchParams { timeout: Some(WATCH), bookmarks: true, ..WatchParams::default() };
        let request = request.watch(&parameters, version).map_err(Error::BuildRequest)?;
        let mut stream = std::pin::pin!(answer(self.client.request_stream(request)).await?);
        let longest = Duration::from_secs(WATCH.into()) + ANSWER;
        let (mut text, mut heard) = (Vec::new(), false);
        loop {
            text.clear();
            let read = timeout(longest, stream.read_until(b'\n', &mut text)).await;
            if read.map_err(|_| Trouble::Silence)?? == 0 {
                break;
            }
            let new = match read::event(&text, gvk)? {
                Event::There(name, entry, new) => {
                    self.line.set(name, Some(entry));
                    new
                }
                Event::Gone(name, new) => {
                    self.line.set(name, None);
                    new
                }
                Event::Bookmark(new) => {
                    self.line.confirm();
                    new
                }
                Event::Error(code) => return Err(Trouble::Ended(code)),
            };
            if !new.is_empty() {
                *version = new;
            }
            heard = true;
            self.pause.reset();
        }
        if heard {
            self.line.confirm();
        } else {
            // One that ends without a word must not be begun again at once, for ever.
            self.pause.wait().await;
        }
        Ok(())
    }

    /// Says what went wrong, and pauses.
    async fn report(&mut self, trouble: &Trouble) {
        tracing::warn!(resource = self.kind.resource(), error = %trouble, "cannot follow");
        self.pause.wait().await;
    }
}

/// Waits for an answer, but not for ever.
async fn answer<T>(request: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
    Ok(timeout(ANSWER, request).await.map_err(|_| Trouble::Silence)??)
}

/// Pauses that double until something goes well.
#[derive(Debug, Default)]
struct Pause {
    failures: u32,
}

impl Pause {
    fn reset(&mut self) {
        self.failures = 0;
    }

    async fn wait(&mut self) {
        let (first, longest) = PAUSES;
        let pause = first.saturating_mul(2u32.saturating_pow(self.failures)).min(longest);
        self.failures = self.failures.saturating_add(1);
        // Up to half as long again: three replicas follow twenty kinds each, and must not all come back at once.
        let share = f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX);
        sleep(pause.mul_f64(1.0 + share / 2.0)).await;
    }
}
