//! The admin port: is it alive, is it ready, what did it count. Plain HTTP, for the kubelet and Prometheus.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Shared;

/// Its paths.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        // Answering at all is the proof.
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(shared)
}

async fn readyz(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let (ready, lines) = shared.health.readiness();
    let verbose = query.is_some_and(|q| q.split('&').any(|word| word == "verbose" || word.starts_with("verbose=")));
    match (ready, verbose) {
        (true, false) => "ok\n".into_response(),
        (true, true) => lines.into_response(),
        // Who is told no wants to know why.
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, lines).into_response(),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    shared.refresh();
    let text = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, text)], shared.metrics.text()).into_response()
}
