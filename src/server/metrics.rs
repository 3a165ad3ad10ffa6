//! What is counted, for Prometheus. Labels are bounded: operations, resources and policies of the bundle, fixed words;
//! never a name, a namespace or a user.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Labels of a request.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfRequest {
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`, or `other`.
    pub operation: &'static str,
    /// `plural.group` of a resource that a policy names, else `other`.
    pub resource: String,
    /// `admitted`, `warned`, `patched`, `denied`.
    pub decision: &'static str,
    /// Nothing was to be changed.
    pub dry_run: bool,
}

/// Labels of a policy's outcome.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfPolicy {
    /// Its id.
    pub policy: String,
    /// `pass`, `warn`, `deny`, ….
    pub outcome: &'static str,
}

/// One label, `reason`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Reason {
    /// Why.
    pub reason: &'static str,
}

/// One label, `result`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Result {
    /// What came of it.
    pub result: &'static str,
}

/// One label, `state`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct State {
    /// Of what.
    pub state: &'static str,
}

/// One label, `digest`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Digest {
    /// Of the policies in force.
    pub digest: String,
}

/// One label, `kind`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfKind {
    /// `plural.group`.
    pub resource: String,
}

/// Seconds, with a fraction.
type Seconds = Gauge<f64, AtomicU64>;

/// All of them.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Reviews that were answered.
    pub requests: Family<OfRequest, Counter>,
    /// Seconds from a review's last byte to its answer.
    pub duration: Histogram,
    /// Requests that were told to come back.
    pub shed: Family<Reason, Counter>,
    /// Requests that were refused as HTTP.
    pub refused: Family<Reason, Counter>,
    /// Requests whose client left before the answer.
    pub abandoned: Counter,
    /// Panics that were caught while a request was judged.
    pub panics: Counter,
    /// What policies came to.
    pub outcomes: Family<OfPolicy, Counter>,
    /// Sizes of reviews.
    pub bytes: Histogram,
    /// Bytes lent to requests now.
    pub inflight: Gauge,
    /// Connections now.
    pub connections: Family<State, Gauge>,
    /// TLS handshakes.
    pub handshakes: Family<Result, Counter>,
    /// Looks at the certificate's files that found something new.
    pub tls_reloads: Family<Result, Counter>,
    /// When the served certificate's time is over.
    pub not_after: Gauge,
    /// Looks at the policies' files that found something new.
    pub bundle_reloads: Family<Result, Counter>,
    /// 1 for the policies in force.
    pub bundle: Family<Digest, Gauge>,
    /// How long ago the cluster was last heard of, by kind.
    pub snapshot_age: Family<OfKind, Seconds>,
    /// How often a kind was listed anew because its watch was lost, since it is followed.
    pub relists: Family<OfKind, Gauge>,
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Arc<Self> {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("virt_guard"),
            requests: Family::default(),
            duration: Histogram::new(exponential_buckets(0.000_1, 4.0, 10)),
            shed: Family::default(),
            refused: Family::default(),
            abandoned: Counter::default(),
            panics: Counter::default(),
            outcomes: Family::default(),
            bytes: Histogram::new(exponential_buckets(1024.0, 4.0, 9)),
            inflight: Gauge::default(),
            connections: Family::default(),
            handshakes: Family::default(),
            tls_reloads: Family::default(),
            not_after: Gauge::default(),
            bundle_reloads: Family::default(),
            bundle: Family::default(),
            snapshot_age: Family::default(),
            relists: Family::default(),
        };
        metrics.register();
        Arc::new(metrics)
    }

    fn register(&mut self) {
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        let r = &mut self.registry;
        r.register("build", "This program", version);
        r.register("admission_requests", "Reviews that were answered", self.requests.clone());
        let time = "Time from a review's last byte to its answer";
        r.register_with_unit("admission_duration", time, Unit::Seconds, self.duration.clone());
        r.register("admission_shed", "Requests that were told to come back", self.shed.clone());
        r.register("admission_refused", "Requests that were refused as HTTP", self.refused.clone());
        r.register("admission_abandoned", "Requests whose client left before the answer", self.abandoned.clone());
        r.register("admission_panics", "Panics caught while a request was judged", self.panics.clone());
        r.register(
            "policy_outcomes",
            "What policies came to, on requests they match; dry runs left out",
            self.outcomes.clone(),
        );
        r.register("review_bytes", "Sizes of reviews", self.bytes.clone());
        r.register("inflight_bytes", "Bytes lent to requests in flight", self.inflight.clone());
        r.register("connections", "Open connections", self.connections.clone());
        r.register("tls_handshakes", "TLS handshakes", self.handshakes.clone());
        r.register("tls_reload", "New certificates seen on disk", self.tls_reloads.clone());
        let expiry = "When the served certificate's time is over, in seconds since 1970";
        r.register("tls_not_after_timestamp_seconds", expiry, self.not_after.clone());
        r.register("bundle_reload", "New policies seen on disk", self.bundle_reloads.clone());
        r.register("bundle_info", "1 for the policies in force", self.bundle.clone());
        let age = "How long ago the cluster was last heard of";
        r.register("snapshot_age_seconds", age, self.snapshot_age.clone());
        let relists = "How often a kind was listed anew because its watch was lost";
        r.register("watch_restarts", relists, self.relists.clone());
    }

    /// All of them as OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
