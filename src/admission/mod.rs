//! Admission: AdmissionReview bytes in, AdmissionReview bytes out.
//!
//! Knows the API server's contract: what it sends, what it accepts, what kubectl shows of it. The verdicts are the
//! engine's. Must not know sockets, HTTP, clocks, files, or how reviews come here.
//!
//! | file | idea |
//! |---|---|
//! | `wire` | the review as it comes |
//! | `answer` | the review as it goes |
//! | `review` | from one to the other |
//! | `unread` | an answer to a review that is too large to be read |
//! | `options` | what the operator decides |
//! | `verdict` | what is logged and counted |
//! | `registration` | which requests the API server is told to send |
//! | `install` | webhook configurations and permissions, as YAML |

mod answer;
pub mod install;
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

pub use options::{Accounts, Enforcement, Options};
pub use review::{Caller, Door, Reviewed, Setup, Unanswered, Unhurried, review};
pub use unread::deny_unread;
pub use verdict::{Decision, Outcome, Verdict};

/// Largest answer in bytes. The API server sets no limit (`io.ReadAll`); nobody reads more.
pub const MAX_ANSWER: usize = 64 * 1024;

/// Longest name in a [`Verdict`], in characters; a uid has 36.
pub const MAX_NAME: usize = 64;

/// Most bytes that a body may cost while it is reviewed, beside the body itself: what a server charges before it calls
/// [`review`].
///
/// A value or a key begins the document or follows `{`, `[`, `,` or `:`, so these bound how many there are, wherever they
/// stand. A tree holds 20 bytes for each, its vectors grow by doubling, and its texts are no longer than the body.
pub fn memory(body: &[u8]) -> usize {
    let values = 1 + body.iter().filter(|b| matches!(b, b'{' | b'[' | b',' | b':')).count();
    values * 40 + body.len() * 2
}
