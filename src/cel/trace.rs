//! What an evaluation read, and which of it decided.
//!
//! A read is written down when an operator consumes a value, not when a path passes through it. The log obeys a stack's
//! discipline: a construct that one operand decided cuts what the others read back out of it.

use super::fact::Fact;
use crate::object::Node;

/// One thing that an expression looked at.
#[derive(Clone, Debug)]
pub enum Read<'a> {
    /// A value that stood in an object.
    Node(Node<'a>),
    /// A field that was not there, and the value in which it was looked for.
    Absent {
        /// Where it would stand.
        parent: Node<'a>,
        /// The key that is missing.
        key: String,
    },
    /// A computed value; its evidence says what it rests on.
    Fact(&'a Fact),
    /// A field that a computed value does not have. `parent` is `None` for a name directly below `facts`.
    FactAbsent {
        /// Where it would stand.
        parent: Option<&'a Fact>,
        /// The key that is missing.
        key: String,
    },
}

/// Listens to an evaluation. [`Off`] costs nothing; [`Blame`] keeps what decided.
pub trait Tracer<'a> {
    /// False: the evaluator's calls vanish when it is compiled.
    const ON: bool;
    /// Something was consumed.
    fn read(&mut self, read: Read<'a>);
    /// How much was read so far.
    fn mark(&self) -> usize;
    /// Forgets what was read between two marks.
    fn forget(&mut self, from: usize, to: usize);
    /// What was read since a mark.
    fn since(&self, from: usize) -> &[Read<'a>];
    /// Reads again what a variable read when it was computed.
    fn replay(&mut self, reads: &[Read<'a>]);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Off;

impl<'a> Tracer<'a> for Off {
    const ON: bool = false;
    #[inline(always)]
    fn read(&mut self, _: Read<'a>) {}
    #[inline(always)]
    fn mark(&self) -> usize {
        0
    }
    #[inline(always)]
    fn forget(&mut self, _: usize, _: usize) {}
    #[inline(always)]
    fn since(&self, _: usize) -> &[Read<'a>] {
        &[]
    }
    #[inline(always)]
    fn replay(&mut self, _: &[Read<'a>]) {}
}

/// Keeps the reads that decided.
#[derive(Clone, Debug, Default)]
pub struct Blame<'a> {
    reads: Vec<Read<'a>>,
}

impl<'a> Blame<'a> {
    /// Nothing read yet.
    pub fn new() -> Self {
        Blame::default()
    }

    /// The reads that decided, in the order of evaluation; a value that was read twice is in it twice.
    pub fn reads(&self) -> &[Read<'a>] {
        &self.reads
    }

    /// Takes the reads out, so that the next expression begins with none.
    pub fn take(&mut self) -> Vec<Read<'a>> {
        std::mem::take(&mut self.reads)
    }
}

impl<'a> Tracer<'a> for Blame<'a> {
    const ON: bool = true;
    fn read(&mut self, read: Read<'a>) {
        self.reads.push(read);
    }
    fn mark(&self) -> usize {
        self.reads.len()
    }
    fn forget(&mut self, from: usize, to: usize) {
        self.reads.drain(from.min(to)..to.min(self.reads.len()));
    }
    fn since(&self, from: usize) -> &[Read<'a>] {
        self.reads.get(from..).unwrap_or_default()
    }
    fn replay(&mut self, reads: &[Read<'a>]) {
        self.reads.extend_from_slice(reads);
    }
}
