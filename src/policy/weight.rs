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

/// Most bytes that [`apply`](super::apply) takes while it patches an object: as text, as a value, and as text and a tree
/// again. What the operations add is bounded by what their expressions may cost.
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
        // The containers on the way and how far they were walked: no larger than the object is deep.
        let mut open: Vec<(Node<'_>, usize)> = Vec::new();
        let mut next = Some(object);
        while let Some(node) = next {
            shape.nodes += 1;
            shape.depth = shape.depth.max(open.len() + 1);
            match node.kind() {
                Type::Map | Type::List => {
                    shape.maps += usize::from(node.kind() == Type::Map);
                    open.push((node, 0));
                }
                Type::Str => shape.text += node.len(),
                _ => {}
            }
            next = None;
            while let Some((container, walked)) = open.last_mut() {
                let entry = container.entry_at(*walked);
                shape.entries += usize::from(entry.is_some());
                shape.text += entry.map_or(0, |(key, _)| key.len());
                next = entry.map(|(_, value)| value).or(container.element(*walked));
                *walked += 1;
                if next.is_some() {
                    break;
                }
                open.pop();
            }
        }
        shape
    }
}
