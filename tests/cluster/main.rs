//! The webhook as a real API server calls it: the cases of level A.
//!
//! `make test-cluster` builds etcd, kube-apiserver and kubectl (tests/controlplane) and runs this; `cargo test` alone names
//! what it did not run. Numbers in names are those of the cases that a webhook has to survive.
//!
//! | file | what it is about |
//! |---|---|
//! | `control_plane`, `webhook`, `scene`, `faulty`, `client` | what the cases are played with |
//! | `envelope`, `objects`, `values`, `answers` | requests, objects and answers |
//! | `registration`, `installation`, `trouble` | who is called when, and what happens when nobody answers |
//! | `inventory` | the inventory that follows the cluster |
//! | `demo` | `make demo` prints what the README shows |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop on a broken expectation"
)]

mod answers;
#[allow(dead_code, reason = "the server's own tests use the rest")]
#[path = "../server/client.rs"]
mod client;
mod control_plane;
mod demo;
mod envelope;
mod faulty;
mod installation;
mod inventory;
mod objects;
mod registration;
mod scene;
mod trouble;
mod values;
mod webhook;
