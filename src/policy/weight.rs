//! What an object weighs: encoded, and as a `serde_json::Value`.

use std::fmt;

use serde_json::Value as Json;

use crate::object::{Node, Type};

/// Largest object that is patched, in bytes as the API server encodes it: etcd takes no larger request (1.5 MiB by
/// default), so what is larger can never be stored.
pub const MAX_PATCHED: usize = 3 << 19;

/// Bytes of an object as the API server encodes it: compact, and with `<`, `>`, `&` escaped (encoding/json).
pub fn encoded_len(object: Node<'_>) -> usize {
    struct Count(usize);
    impl fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len() + 5 * text.bytes().filter(|b| matches!(b, b'<' | b'>' | b'&')).count();
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail.
    let _ = fmt::Write::write_fmt(&mut count, format_args!("{object}"));
    count.0
}

/// Most bytes that [`apply`](super::apply) takes while it patches an object: it as text, as a value, and as text and a tree again. What the
/// operations add is bounded by what their expressions may cost.
pub fn patch_memory(object: Node<'_>) -> usize {
    let shape = Shape::of(object);
    // A map is a BTreeMap, whose leaves hold 11 entries and are at least half full; a list grows by doubling.
    let entry = size_of::<String>() + size_of::<Json>();
    let value = shape.nodes * 2 * size_of::<Json>() + shape.maps * 12 * entry + shape.entries * 2 * entry + shape.text;
    // The tree: 16 bytes a value and a key, 4 an entry, its vectors grown by doubling.
    let tree = 2 * (20 * (shape.nodes + shape.entries) + shape.text);
    value + tree + 2 * encoded_len(object)
}

/// How much there is of what costs memory.
#[derive(Default)]
pub(super) struct Shape {
    nodes: usize,
    maps: usize,
    entries: usize,
    text: usize,
    pub depth: usize,
}

impl Shape {
    pub fn of(object: Node<'_>) -> Self {
        let mut shape = Shape::default();
        let mut todo = vec![(object, 1)];
        while let Some((node, depth)) = todo.pop() {
            shape.nodes += 1;
            shape.depth = shape.depth.max(depth);
            match node.kind() {
                Type::Map => {
                    shape.maps += 1;
                    shape.entries += node.len();
                    shape.text += node.entries().map(|(key, _)| key.len()).sum::<usize>();
                    todo.extend(node.entries().map(|(_, value)| (value, depth + 1)));
                }
                Type::List => todo.extend(node.elements().map(|e| (e, depth + 1))),
                Type::Str => shape.text += node.len(),
                _ => {}
            }
        }
        shape
    }
}
