//! Admission: AdmissionReview bytes in, AdmissionReview bytes out.
//!
//! Knows the API server's contract: what it sends, what it accepts, what kubectl shows of it. The verdicts are the
//! engine's. Must not know sockets, HTTP, clocks, files, or how reviews come here.
//!
//! | file | idea |
//! |---|---|
//! | `wire`, `surrogates` | the review as it comes |
//! | `request` | what was asked, for the engine and for logs |
//! | `review` | from question to answer |
//! | `speech`, `words` | what is said of it, and how loudly; texts that a terminal can show |
//! | `answer` | the review as it goes, within the API server's limits |
//! | `memory` | what reading a body may cost |
//! | `unread` | an answer to a review that is too large to be read |
//! | `options` | what the operator decides |
//! | `verdict` | what is logged and counted |
//! | `registration` | which requests the API server is told to send |
//! | `install` | webhook configurations and permissions, as YAML |

mod answer;
pub mod install;
mod memory;
mod options;
pub mod registration;
mod request;
mod review;
mod speech;
mod surrogates;
mod unread;
mod verdict;
mod wire;
mod words;

pub use memory::memory;
pub use options::{Accounts, Enforcement, Options};
pub use review::{Caller, Door, Grant, Reviewed, Setup, Unanswered, Unhurried, review};
pub use unread::deny_unread;
pub use verdict::{Decision, Outcome, Verdict};

/// Largest answer in bytes. The API server sets no limit (`io.ReadAll`); nobody reads more.
pub const MAX_ANSWER: usize = 64 * 1024;

/// Longest name in a [`Verdict`], in characters; a uid has 36.
pub const MAX_NAME: usize = 64;
