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
    /// True when so much more cannot be had even if nobody else held anything.
    pub fn never_fits(&self, bytes: usize) -> bool {
        self.bytes.saturating_add(bytes) > self.memory.limit
    }

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
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.memory.lent.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_lent_up_to_its_limit_and_given_back() {
        let memory = Memory::new(100);
        let mut first = memory.lease();
        let mut second = memory.lease();
        assert!(first.grow(60));
        assert!(!second.grow(41));
        assert!(second.grow(40));
        assert!(second.never_fits(61) && !second.never_fits(60));
        assert_eq!(memory.lent(), 100);
        drop(first);
        assert!(second.grow(60));
        drop(second);
        assert_eq!(memory.lent(), 0);
    }
}
