//! The webhook as an API server meets it: real TLS over loopback, bytes on a socket in, bytes out. Numbers of cases are
//! those of the admission contract's table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop on a broken expectation"
)]

mod certs;
mod client;
mod cluster;
mod connections;
mod http;
mod lifecycle;
mod program;
mod server;
