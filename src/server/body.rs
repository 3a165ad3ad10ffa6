//! A request's body, read into memory that was lent for it.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};

use super::limits::Limits;
use super::memory::Lease;

/// Why a body was not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is larger than [`Limits::BODY`]; its first [`Limits::TOO_LARGE_START`] bytes.
    TooLarge(Vec<u8>),
    /// There is no memory for it now.
    NoMemory,
    /// It came too slowly.
    TooSlow,
    /// The client stopped before the end, or its framing is wrong.
    Broken,
}

/// Reads a body. Memory is taken as bytes come, so that a client cannot hold what it never sends; a body that is
/// announced to be larger than what is left is not begun.
pub async fn read(body: &mut Body, lease: &mut Lease, free: usize, deadline: Instant) -> Result<Bytes, Unread> {
    let announced = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    match announced {
        Some(length) if length > Limits::BODY => return Err(Unread::TooLarge(start(body, deadline).await?)),
        Some(length) if length > free => return Err(Unread::NoMemory),
        _ => {}
    }
    let Some(first) = next(body, deadline).await? else { return Ok(Bytes::new()) };
    if !lease.grow(first.len()) {
        return Err(Unread::NoMemory);
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    // Room that is reserved and not yet written costs no memory.
    let mut bytes = Vec::with_capacity(announced.unwrap_or_default().max(first.len()));
    let mut paid = first.len();
    bytes.extend_from_slice(&first);
    while let Some(more) = next(body, deadline).await? {
        let length = bytes.len() + more.len();
        if length > Limits::BODY {
            bytes.truncate(Limits::TOO_LARGE_START);
            return Err(Unread::TooLarge(bytes));
        }
        // Without an announced length the room doubles, and is written while the old one is still there.
        let cost = if announced.is_some() { length } else { length.saturating_mul(2) };
        if cost > paid && !lease.grow(cost - paid) {
            return Err(Unread::NoMemory);
        }
        paid = paid.max(cost);
        bytes.extend_from_slice(&more);
    }
    Ok(bytes.into())
}

/// Takes what is left of a body and forgets it. Closing a connection that has unread bytes resets it, and the client
/// would lose the answer that tells it to come back.
pub async fn discard(mut body: Body) {
    const LONGEST: Duration = Duration::from_secs(2);
    let _ = timeout(LONGEST, async { while let Some(Ok(_)) = body.frame().await {} }).await;
}

async fn start(body: &mut Body, deadline: Instant) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::with_capacity(Limits::TOO_LARGE_START);
    while bytes.len() < Limits::TOO_LARGE_START {
        let Some(more) = next(body, deadline).await? else { break };
        let room = Limits::TOO_LARGE_START - bytes.len();
        bytes.extend(more.iter().take(room));
    }
    Ok(bytes)
}

/// The next bytes; `None` at the end.
async fn next(body: &mut Body, deadline: Instant) -> Result<Option<Bytes>, Unread> {
    loop {
        match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(Unread::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Unread::Broken),
            Ok(Some(Ok(frame))) => {
                // Trailers say nothing here.
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}
