//! What reading a body may cost, told by its structure alone.

use crate::object::MAX_DEPTH;

/// Stack that a level of nesting may take where an object is deeper than serde_json's own limit: the large stack that
/// `source` reads such objects on, for as many levels as a tree holds.
const STACK_A_LEVEL: usize = 6 * 1024;

/// serde_json's own limit, which needs no large stack.
const SHALLOW: usize = 127;

/// Most bytes that a body may cost while it is reviewed, beside the body itself: what a server charges before it calls
/// [`review`](super::review).
///
/// A value or a key begins the document or follows `{`, `[`, `,` or `:`, so these bound how many there are. A tree holds 20
/// bytes for each; what its vectors reserve beyond that is never touched. Its texts are no longer than the body, nor is the
/// copy of a body that had to be mended.
pub fn memory(body: &[u8]) -> usize {
    let (mut values, mut depth, mut deepest) = (1, 0_usize, 0);
    let mut rest = body.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'{' | b'[' => {
                values += 1;
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' | b':' => values += 1,
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
    let stack = if deepest > SHALLOW { deepest.min(MAX_DEPTH) * STACK_A_LEVEL } else { 0 };
    values * 24 + body.len() * 2 + stack
}
