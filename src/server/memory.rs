//! Memory that requests may hold together, lent in bytes.
//!
//! Nobody waits for memory while holding some, so nobody can wait for ever: who cannot have it is told to come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that can be lent.
#[derive(Debug)]
pub struct Memory {
    limit: usize,
    lent: AtomicUsize,
}

/// Bytes that were lent; given back when it is dropped.
#[derive(Debug)]
pub struct Lease {
    memory: Arc<Memory>,
    bytes: usize,
}

impl Memory {
    /// Lends up to `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Memory { limit, lent: AtomicUsize::new(0) })
    }

    /// A lease of nothing yet.
    pub fn lease(self: &Arc<Self>) -> Lease {
        Lease { memory: Arc::clone(self), bytes: 0 }
    }

    /// Bytes that are lent now.
    pub fn lent(&self) -> usize {
        self.lent.load(Ordering::Relaxed)
    }

    /// All bytes that there are.
    pub fn limit(&self) -> usize {
        self.limit
    }
}

impl Lease {
    /// Takes more; false, and nothing is taken, when there is not as much.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let limit = self.memory.limit;
        let more = |lent: usize| lent.checked_add(bytes).filter(|sum| *sum <= limit);
        let taken = self.memory.lent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    /// Bytes of this lease.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.memory.lent.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Bytes that reading a body may take besides the body itself, as an upper bound.
///
/// Each value and each key of the document stands behind one of `[ { , :`, takes a slot of the tree and, in a mapping, a
/// place in its order ([`crate::object::Tree`]); their lists grow by doubling. Texts are copied once; for them, and for
/// the room that is taken in advance, count two and a half times the body.
pub fn to_read(body: &[u8]) -> usize {
    /// A slot (16 bytes) and a place in the order (4 bytes).
    const SLOT: usize = 20;
    const DOUBLING: usize = 2;
    let slots = 1 + body.iter().filter(|b| matches!(b, b'[' | b'{' | b',' | b':')).count();
    slots.saturating_mul(SLOT * DOUBLING).saturating_add(body.len() / 2 * 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source;

    #[test]
    fn memory_is_lent_up_to_its_limit_and_given_back() {
        let memory = Memory::new(100);
        let mut first = memory.lease();
        let mut second = memory.lease();
        assert!(first.grow(60));
        assert!(!second.grow(41));
        assert!(second.grow(40));
        assert_eq!((first.bytes(), second.bytes(), memory.lent()), (60, 40, 100));
        drop(first);
        assert!(second.grow(60));
        drop(second);
        assert_eq!(memory.lent(), 0);
    }

    #[test]
    fn what_a_body_is_read_into_is_never_more_than_was_foreseen() {
        let nested = format!("{}1{}", "[".repeat(9_000), "]".repeat(9_000));
        let bodies = [
            format!("[{}0]", "{\"\":0},".repeat(50_000)),
            format!("[{}0]", "0,".repeat(50_000)),
            format!("[{}0]", "{},".repeat(50_000)),
            format!("{{{}\"z\":0}}", (0..20_000).map(|i| format!("\"{i}\":0,")).collect::<String>()),
            format!("[\"{}\"]", "x".repeat(1_000_000)),
            format!("[\"{}\"]", "\\u003c".repeat(200_000)),
            nested,
        ];
        for body in bodies {
            let tree = source::json_tree(&body).expect("JSON");
            let start: String = body.chars().take(40).collect();
            assert!(tree.heap_bytes() <= to_read(body.as_bytes()), "{start}…: {} bytes", tree.heap_bytes());
        }
    }
}
