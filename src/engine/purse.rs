//! Memory for the expressions of one policy after the other.

use std::cell::Cell;

use crate::cel::Grant;

/// Asks for memory once and has every policy use it: what expressions built is gone when the next policy is judged.
pub(super) struct Purse<'g> {
    grant: Grant<'g>,
    granted: Cell<usize>,
    used: Cell<usize>,
}

impl<'g> Purse<'g> {
    /// Nothing was granted yet.
    pub fn new(grant: Grant<'g>) -> Self {
        Purse { grant, granted: Cell::new(0), used: Cell::new(0) }
    }

    /// Another policy begins.
    pub fn empty(&self) {
        self.used.set(0);
    }

    /// Takes so many bytes more; false when they were not granted.
    pub fn take(&self, bytes: usize) -> bool {
        let used = self.used.get().saturating_add(bytes);
        let lacking = used.saturating_sub(self.granted.get());
        if lacking > 0 && !(self.grant)(lacking) {
            return false;
        }
        self.granted.set(self.granted.get() + lacking);
        self.used.set(used);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_granted_is_used_again() {
        let asked = Cell::new(0);
        let grant = |bytes| {
            let all = asked.get() + bytes;
            let enough = all <= 100;
            asked.set(if enough { all } else { asked.get() });
            enough
        };
        let purse = Purse::new(&grant);
        assert!(purse.take(40) && purse.take(20));
        assert_eq!(asked.get(), 60);
        purse.empty();
        assert!(purse.take(50));
        assert_eq!(asked.get(), 60, "the second policy has what the first had");
        assert!(purse.take(30) && !purse.take(21) && purse.take(20));
        assert_eq!(asked.get(), 100);
    }
}
