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
//! | `options` | what the operator decides |
//! | `verdict` | what is logged and counted |

mod answer;
mod options;
mod request;
mod review;
mod speech;
mod surrogates;
mod verdict;
mod wire;
mod words;

pub use options::{Accounts, Enforcement, Options};
pub use review::{Caller, Door, Reviewed, Setup, Unanswered, Unhurried, review};
pub use verdict::{Decision, Outcome, Verdict};

/// Largest answer in bytes. The API server sets no limit (`io.ReadAll`); nobody reads more.
pub const MAX_ANSWER: usize = 64 * 1024;

/// Longest name in a [`Verdict`], in characters; a uid has 36.
pub const MAX_NAME: usize = 64;

/// Most bytes that a body may cost while it is reviewed, beside the body itself: what a server charges before it calls
/// [`review`].
///
/// A value or a key begins the document or follows `{`, `[`, `,` or `:`, so these bound how many there are. A tree holds 20
/// bytes for each; what its vectors reserve beyond that is never touched. Its texts are no longer than the body, nor is the
/// copy of a body that had to be mended.
pub fn memory(body: &[u8]) -> usize {
    let mut values = 1;
    let mut rest = body.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'{' | b'[' | b',' | b':' => values += 1,
            b'"' => {
                // To the end of the string; what stands in it is no structure.
                while let Some(byte) = rest.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(rest.next()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    values * 24 + body.len() * 2
}
