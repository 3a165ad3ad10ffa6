//! The admission contract, bytes in and bytes out. Numbers are those of the contract's cases (level B): A envelope 1-20,
//! B objects 21-45, C limits 47-54.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop on a broken expectation"
)]

mod cases;
mod common;
mod damage;
mod effects;
mod envelope;
mod limits;
mod mutation;
mod objects;
