//! What one client, or all of them together, may take. Each bound says why it is what it is.

use std::time::Duration;

/// Bounds of a server. The defaults hold for a replica in a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections. An API server opens one for each call in flight (its own bound is 600), and keeps 25 idle ones;
    /// past the limit connections wait in the kernel's queue.
    pub connections: usize,
    /// Bytes that all bodies in flight, what they are parsed into, and what expressions build may hold. One review that an
    /// API server can send needs up to [`Limits::LEAST_MEMORY`]. Beside it a process holds the policies, what it knows of
    /// the cluster, up to about 100 KiB for each connection (TLS, and headers twice), and for each thread that judges its
    /// stack, the facts about one object, and the little that expressions build without asking.
    pub memory: usize,
    /// Until the TLS handshake is done.
    pub handshake: Duration,
    /// From a request's first byte to the end of its headers.
    pub head: Duration,
    /// Between requests. Longer than the 90 s after which an API server closes an idle connection itself
    /// (apimachinery pkg/util/net/http.go): it does not repeat a POST that meets a closing connection.
    pub idle: Duration,
    /// For a request that names no `?timeout=`; the API server's default for a webhook is 10 s.
    pub request: Duration,
    /// Until the client has taken an answer.
    pub write: Duration,
    /// After a signal, connections are accepted for at least so long: those who route to us hear of it late.
    pub drain_at_least: Duration,
    /// After a signal, at most so long: by then API servers have closed what they kept open.
    pub drain_at_most: Duration,
}

impl Limits {
    /// Largest body that is read, in bytes. The API server takes 3 MiB, escapes `<`, `>` and `&` to six bytes each, and
    /// adds the stored object: 28 MiB at the worst.
    pub const BODY: usize = 28 * 1024 * 1024;
    /// Of a body that is too large, as much is read to find whom to answer, in bytes: the API server writes `uid` first.
    pub const TOO_LARGE_START: usize = 64 * 1024;
    /// Longest `?timeout=` that is believed; the API server allows a webhook 30 s.
    pub const LONGEST_REQUEST: Duration = Duration::from_secs(30);
    /// Largest block of headers, in bytes. The API server's are under 1 KiB.
    pub const HEAD: usize = 32 * 1024;
    /// Most headers of a request.
    pub const HEADERS: usize = 64;
    /// After its last answer a connection's bytes are read for so long, or until the client closes too: see `accept`.
    pub const LINGER: Duration = Duration::from_secs(2);
    /// And so many of them at most, in bytes.
    pub const LINGER_BYTES: usize = 4 * 1024 * 1024;
    /// Least memory that can be asked for, in bytes: the worst review that an API server can send, judged alone.
    pub const LEAST_MEMORY: usize = 128 * 1024 * 1024;
    /// Threads that judge, where the machine has so many processors: some ten thousand requests a second, and what each
    /// holds beside the permits (facts about one object, up to some 40 MiB of the worst) stays small beside them.
    pub const THREADS: usize = 8;
    /// Requests that wait for a thread; more are told to come back.
    pub const WAITING: usize = 256;
    /// Stack of a thread that judges, in bytes: expressions nest up to 250 brackets, and a debug build needs 12 KiB for
    /// each. What is deeper (objects, up to 10 000 levels) is read on a stack of its own.
    pub const STACK: usize = 16 * 1024 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 1024,
            memory: 160 * 1024 * 1024,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(120),
            request: Duration::from_secs(10),
            write: Duration::from_secs(10),
            drain_at_least: Duration::from_secs(5),
            drain_at_most: Duration::from_secs(95),
        }
    }
}
