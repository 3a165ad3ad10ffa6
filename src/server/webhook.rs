//! `POST /validate` and `POST /mutate`: from an HTTP request to a review, and back.
//!
//! What can be answered with the request's uid is answered with HTTP 200. Anything else is a failed call to the API
//! server, and then a failurePolicy decides in place of the policies; so it is 429 or 503 with `Retry-After`, which the
//! API server obeys (client-go rest/with_retry.go), wherever trying again can help.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::time::Instant;

use super::Shared;
use super::body::{self, Unread};
use super::limits::Limits;
use super::memory::Lease;
use super::metrics::{OfPolicy, OfRequest, Reason};
use super::pool::NotDone;
use super::reviewer::Judged;
use crate::admission::{self, Caller, Decision, Door, Grant, Unanswered};
use crate::policy::Operation;

/// Its paths.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/validate", post(|shared, request| answer(shared, Door::Validate, request)))
        .route("/mutate", post(|shared, request| answer(shared, Door::Mutate, request)))
        .with_state(shared)
}

/// Why a request gets no review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// The server has just begun.
    NotReady,
    /// Bodies in flight hold all the memory there is.
    Memory,
    /// Too many wait to be judged.
    Waiting,
    /// Not JSON.
    MediaType,
    /// Larger than anything that an API server sends, and nobody can be named to answer.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// The body did not come.
    Broken,
    /// The judgement panicked.
    Panicked,
}

impl Refusal {
    /// (status, reason in metrics, text)
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Refusal::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not_ready", "the server has just begun"),
            Refusal::Memory => (StatusCode::TOO_MANY_REQUESTS, "memory", "too many large requests at once"),
            Refusal::Waiting => (StatusCode::TOO_MANY_REQUESTS, "waiting", "too many requests at once"),
            Refusal::MediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", "expected content-type: application/json")
            }
            Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is larger than 28 MiB"),
            Refusal::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too_slow", "the body came too slowly"),
            Refusal::Broken => (StatusCode::BAD_REQUEST, "broken", "the body ended early"),
            Refusal::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "panic", "the review could not be judged"),
        }
    }

    /// True where the same request may fare better in a second.
    fn come_back(self) -> bool {
        matches!(self, Refusal::NotReady | Refusal::Memory | Refusal::Waiting)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, door: Door, request: Request) -> Response {
    let began = Instant::now();
    let (head, mut body) = request.into_parts();
    let deadline = began + time_to_judge(head.uri.query(), shared.limits.request);
    let reviewed = match refused_by_its_head(&shared, &head.headers) {
        Some(refusal) => Err(refusal),
        None => review(&shared, door, &mut body, deadline).await,
    };
    if !matches!(reviewed, Err(Refusal::TooSlow | Refusal::Broken)) {
        body::discard(body).await;
    }
    reviewed.unwrap_or_else(|refusal| refuse(&shared, refusal))
}

fn refused_by_its_head(shared: &Shared, headers: &HeaderMap) -> Option<Refusal> {
    if shared.health.starting() {
        return Some(Refusal::NotReady);
    }
    let media_type = headers.get(header::CONTENT_TYPE)?;
    let media_type = media_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    (!media_type.trim().eq_ignore_ascii_case("application/json")).then_some(Refusal::MediaType)
}

async fn review(shared: &Arc<Shared>, door: Door, body: &mut Body, deadline: Instant) -> Result<Response, Refusal> {
    let mut lease = shared.memory.lease();
    let free = shared.memory.limit().saturating_sub(shared.memory.lent());
    let bytes = match body::read(body, &mut lease, free, deadline).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge(start)) => return too_large(shared, &start),
        Err(Unread::NoMemory) => return Err(Refusal::Memory),
        Err(Unread::TooSlow) => return Err(Refusal::TooSlow),
        Err(Unread::Broken) => return Err(Refusal::Broken),
    };
    let began = Instant::now();
    shared.metrics.bytes.observe(bytes.len() as f64);
    let to_parse = admission::memory(&bytes);
    if lease.never_fits(to_parse) {
        return too_large(shared, &bytes);
    }
    if !lease.grow(to_parse) {
        return Err(Refusal::Memory);
    }
    let start = bytes.slice(..bytes.len().min(Limits::TOO_LARGE_START));
    let asking = Arc::new(Asking { deadline, gone: AtomicBool::new(false), lease: Mutex::new(lease) });
    match judge(shared, door, bytes, Arc::clone(&asking)).await? {
        Ok(judged) => {
            count(shared, &judged, began.elapsed());
            Ok(json(judged.reviewed.body))
        }
        Err(Unanswered::TooLarge) => too_large(shared, &start),
        Err(Unanswered::Busy) => Err(Refusal::Memory),
        Err(Unanswered::BadReview(why)) => {
            shared.metrics.refused.get_or_create(&Reason { reason: "bad_review" }).inc();
            tracing::debug!("a body that is no AdmissionReview");
            Ok((StatusCode::BAD_REQUEST, format!("{why}\n")).into_response())
        }
    }
}

/// Has a body judged on a thread of its own. When the client leaves, this future is dropped, and the judgement stops at
/// the next policy.
async fn judge(
    shared: &Arc<Shared>,
    door: Door,
    bytes: Bytes,
    asking: Arc<Asking>,
) -> Result<Result<Judged, Unanswered>, Refusal> {
    let gone = WhenGone { asking: Arc::clone(&asking), shared: Arc::clone(shared), answered: false };
    let reviewer = Arc::clone(&shared.reviewer);
    let judging = move || match asking.gone.load(Ordering::Relaxed) {
        // It left while it waited for a thread.
        true => Err(Unanswered::Busy),
        false => reviewer.review(&bytes, door, &*asking),
    };
    let done = shared.pool.run(judging).await;
    gone.answered();
    done.map_err(|why| match why {
        NotDone::Full => Refusal::Waiting,
        NotDone::Panicked => {
            shared.metrics.panics.inc();
            Refusal::Panicked
        }
    })
}

/// What a judgement asks while it runs.
struct Asking {
    deadline: Instant,
    gone: AtomicBool,
    lease: Mutex<Lease>,
}

impl Caller for Asking {
    fn should_stop(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }

    fn grant(&self, bytes: usize) -> Grant {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        match lease.grow(bytes) {
            true => Grant::Given,
            false if lease.never_fits(bytes) => Grant::Never,
            false => Grant::NotNow,
        }
    }
}

/// Notices that the client has left: it is dropped before [`WhenGone::answered`] was called.
struct WhenGone {
    asking: Arc<Asking>,
    shared: Arc<Shared>,
    answered: bool,
}

impl WhenGone {
    fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for WhenGone {
    fn drop(&mut self) {
        if !self.answered {
            self.asking.gone.store(true, Ordering::Relaxed);
            self.shared.metrics.abandoned.inc();
        }
    }
}

/// A denial where the beginning of the body says whom to answer; else there is nothing to answer with.
fn too_large(shared: &Shared, start: &[u8]) -> Result<Response, Refusal> {
    let why = "the request is larger than 28 MiB, or holds more values than this server has memory for; no API server \
               sends such a request about an object that can be stored";
    let denied = admission::deny_unread(start, why).ok_or(Refusal::TooLarge)?;
    shared.metrics.refused.get_or_create(&Reason { reason: "too_large" }).inc();
    Ok(json(denied))
}

fn refuse(shared: &Shared, refusal: Refusal) -> Response {
    let (status, reason, text) = refusal.parts();
    let reason = Reason { reason };
    let mut response = (status, format!("{text}\n")).into_response();
    let close = header::HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    if refusal.come_back() {
        shared.metrics.shed.get_or_create(&reason).inc();
        // Whole seconds: the API server reads nothing else.
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    } else {
        shared.metrics.refused.get_or_create(&reason).inc();
    }
    response
}

fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Counts a review, and writes a line when it was denied: names, never contents.
fn count(shared: &Shared, judged: &Judged, took: Duration) {
    let verdict = &judged.reviewed.verdict;
    let operation = verdict.operation.map_or("other", Operation::as_str);
    let decision = verdict.decision.as_str();
    let of = OfRequest { operation, resource: judged.resource.clone(), decision, dry_run: verdict.dry_run };
    shared.metrics.requests.get_or_create(&of).inc();
    shared.metrics.duration.observe(took.as_secs_f64());
    // A dry run enforces nothing.
    for (policy, outcome) in verdict.policies.iter().filter(|_| !verdict.dry_run) {
        let of = OfPolicy { policy: policy.clone(), outcome: outcome.as_str() };
        shared.metrics.outcomes.get_or_create(&of).inc();
    }
    if verdict.decision != Decision::Denied {
        return;
    }
    let denied = verdict.policies.iter().filter(|(_, outcome)| *outcome == admission::Outcome::Deny);
    let policies: Vec<&str> = denied.map(|(policy, _)| policy.as_str()).collect();
    tracing::info!(
        uid = verdict.uid.as_str(),
        policies = policies.join(",").as_str(),
        operation,
        resource = verdict.resource.as_str(),
        kind = verdict.kind.as_str(),
        namespace = verdict.namespace.as_str(),
        name = verdict.name.as_str(),
        user = verdict.user.as_str(),
        dry_run = verdict.dry_run,
        ms = (took.as_secs_f64() * 10_000.0).round() / 10.0,
        bundle = &*judged.digest,
        "denied"
    );
}

/// How long a judgement may take: four fifths of what the API server says that it waits (`?timeout=10s`; client-go prints
/// whole seconds), so that there is time for an answer.
fn time_to_judge(query: Option<&str>, otherwise: Duration) -> Duration {
    let pairs = query.into_iter().flat_map(|q| q.split('&'));
    let named = pairs.filter_map(|pair| pair.strip_prefix("timeout=")?.strip_suffix('s')?.parse::<f64>().ok());
    let named = named.filter(|seconds| *seconds > 0.0).find_map(|seconds| Duration::try_from_secs_f64(seconds).ok());
    named.unwrap_or(otherwise).min(Limits::LONGEST_REQUEST) * 4 / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fifths_of_what_the_api_server_waits() {
        let otherwise = Duration::from_secs(10);
        for (query, milliseconds) in [
            (Some("timeout=5s"), 4_000),
            (Some("a=b&timeout=1s"), 800),
            (Some("timeout=0.5s"), 400),
            (None, 8_000),
            (Some("timeout=never"), 8_000),
            (Some("timeout=-1s"), 8_000),
            (Some("timeout=infs"), 8_000),
            (Some("timeout=NaNs"), 8_000),
            (Some("timeout=3600s"), 24_000),
        ] {
            assert_eq!(time_to_judge(query, otherwise), Duration::from_millis(milliseconds), "{query:?}");
        }
    }
}
