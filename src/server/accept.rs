//! From a listening socket to HTTP over TLS: who may connect, until when, and how they are let go.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::Shared;
use super::limits::Limits;
use super::metrics::{Reason, Result as Outcome, State};
use super::pace::{Pace, Paced};

/// Serves until the signal to leave came, and nobody is connected any more or the time for that is over.
///
/// While it leaves it still accepts and answers: who routes requests here hears of it late. Each answer then says
/// `Connection: close`, and a connection that is kept idle is left alone, because its owner may be writing to it.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    shared: Arc<Shared>,
    draining: watch::Receiver<bool>,
) {
    let open = watch::Sender::new(0_usize);
    let slots = Arc::new(Semaphore::new(shared.limits.connections));
    let leave = leave(draining, open.subscribe(), shared.limits);
    tokio::pin!(leave);
    loop {
        let (slot, stream, peer) = tokio::select! {
            next = next(&listener, &slots) => next,
            () = &mut leave => return,
        };
        let here = Here::new(open.clone());
        let (tls, router, shared) = (tls.clone(), router.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let _held = (slot, here);
            // Small answers should not wait for more to send.
            let _ = stream.set_nodelay(true);
            match tls {
                Some(tls) => over_tls(stream, peer, &tls, router, &shared).await,
                None => {
                    let mut stream = stream;
                    // Nobody has a reason to wait on the admin port, which has to be free for the kubelet.
                    let limits = Limits { idle: shared.limits.head, ..shared.limits };
                    if http(&mut stream, router, &shared, limits).await {
                        linger(&stream).await;
                    }
                }
            }
        });
    }
}

/// The next connection. A place comes first: past the limit connections wait in the kernel's queue.
async fn next(listener: &TcpListener, slots: &Arc<Semaphore>) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
    /// After an error that the next call would meet too, such as no file descriptors left.
    const REST: Duration = Duration::from_millis(100);
    loop {
        let Ok(slot) = Arc::clone(slots).acquire_owned().await else { continue };
        match listener.accept().await {
            Ok((stream, peer)) => return (slot, stream, peer),
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
            Err(e) => {
                tracing::warn!(error = e.to_string().as_str(), "no connection could be accepted");
                sleep(REST).await;
            }
        }
    }
}

/// Returns when it is time to stop serving.
async fn leave(mut draining: watch::Receiver<bool>, mut open: watch::Receiver<usize>, limits: Limits) {
    if draining.wait_for(|draining| *draining).await.is_err() {
        // Nobody is left who could say so.
        std::future::pending::<()>().await;
    }
    let nobody_left = async {
        sleep(limits.drain_at_least).await;
        let _ = open.wait_for(|open| *open == 0).await;
    };
    if timeout(limits.drain_at_most, nobody_left).await.is_err() {
        tracing::warn!(connections = *open.borrow(), "left with connections open");
    }
}

/// Counts a connection while it is there.
struct Here(watch::Sender<usize>);

impl Here {
    fn new(open: watch::Sender<usize>) -> Self {
        open.send_modify(|open| *open += 1);
        Here(open)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

/// Shows a connection in the metrics while it is there.
struct Counted(Gauge);

impl Counted {
    fn new(shared: &Shared, state: &'static str) -> Self {
        let gauge = shared.metrics.connections.get_or_create_owned(&State { state });
        gauge.inc();
        Counted(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

async fn over_tls(stream: TcpStream, peer: SocketAddr, tls: &TlsAcceptor, router: Router, shared: &Arc<Shared>) {
    let handshaking = Counted::new(shared, "handshake");
    let stream = timeout(shared.limits.handshake, tls.accept(stream)).await;
    drop(handshaking);
    let result = match &stream {
        Ok(Ok(_)) => "ok",
        Ok(Err(_)) => "failed",
        Err(_) => "too_slow",
    };
    shared.metrics.handshakes.get_or_create(&Outcome { result }).inc();
    match stream {
        // Some only shake hands and leave, to see whether we are there (OpenShift's kube-apiserver operator).
        Ok(Ok(mut stream)) => {
            let _open = Counted::new(shared, "open");
            if http(&mut stream, router, shared, shared.limits).await {
                // TLS said goodbye already; what still comes is not worth being decrypted.
                linger(stream.get_ref().0).await;
            }
        }
        Ok(Err(e)) => tracing::debug!(%peer, error = e.to_string().as_str(), "TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
    }
}

/// Serves one connection; true when it came to an end of its own, and not because its time was over.
async fn http<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    router: Router,
    shared: &Arc<Shared>,
    limits: Limits,
) -> bool {
    let pace = Pace::new(limits);
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: Request<Incoming>| {
        let length = request.body().size_hint().exact();
        let framed = pace.request_begins(length);
        let answer = framed.then(|| router.call(request.map(Body::new)));
        let (pace, chunked) = (&pace, length.is_none());
        async move {
            let mut answer = match answer {
                Some(answer) => answer.await,
                None => Ok(framed_twice(shared)),
            };
            // Chunks: see `framing`.
            if let Ok(answer) = &mut answer
                && (chunked || shared.health.draining())
            {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            pace.answer_begins();
            answer
        }
    });
    let connection = http1::Builder::new()
        .max_buf_size(Limits::HEAD)
        .max_headers(Limits::HEADERS)
        .serve_connection(TokioIo::new(Paced::new(&mut *stream, Arc::clone(&pace))), service);
    let end = pace.keep(connection).await;
    match &end {
        Some(Ok(())) => {}
        Some(Err(e)) => tracing::debug!(error = e.to_string().as_str(), "connection ended"),
        None => tracing::debug!("connection closed: its time was over"),
    }
    let own = end.is_some();
    if own {
        // hyper does so too, but not after every error.
        let shutdown = poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx));
        let _ = timeout(limits.write, shutdown).await;
    }
    own
}

/// The answer to a request that says in more than one way where its body ends.
fn framed_twice(shared: &Shared) -> Response<Body> {
    shared.metrics.refused.get_or_create(&Reason { reason: "framing" }).inc();
    let text = "more than one of content-length and transfer-encoding\n";
    (StatusCode::BAD_REQUEST, [(header::CONNECTION, "close")], text).into_response()
}

/// Takes what a client still sends after we have said our last word, and forgets it. A socket that is closed with unread
/// bytes in it is reset, and the client may lose the answer that it has not read yet (RFC 9112, 9.6): a 431 in the middle
/// of its headers.
async fn linger(stream: &TcpStream) {
    let mut left = Limits::LINGER_BYTES;
    let mut bytes = [0; 4096];
    let rest = async {
        while left > 0 && stream.readable().await.is_ok() {
            match stream.try_read(&mut bytes) {
                Ok(0) => break,
                Ok(n) => left = left.saturating_sub(n),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
    };
    let _ = timeout(Limits::LINGER, rest).await;
}
