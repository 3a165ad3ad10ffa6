//! From serde to the tree: the one visitor behind JSON and YAML.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::object::{NodeId, Origin, Span, Tree, TreeBuilder, TreeError};

/// What the formats do differently.
pub(super) trait Format: Sized {
    /// Reads one value and adds it.
    fn value<'de, D: Deserializer<'de>>(to: &mut Building, from: D) -> Result<(), D::Error>;
    /// Reads one key and adds it.
    fn key<'de, D: Deserializer<'de>>(to: &mut Building, from: D) -> Result<(), D::Error>;
    /// Adds a number that is no integer to the format's reader.
    fn double(to: &mut Building, value: f64) -> Result<(), TreeError>;
}

/// A document that is being read.
pub(super) struct Building {
    pub builder: TreeBuilder,
    /// What the tree could not take; serde's error does not carry it.
    pub failed: Option<TreeError>,
    /// The first key that occurs twice in its map.
    pub repeated: Option<NodeId>,
    /// The text, for formats whose parser does not say where a container ends.
    pub origin: Option<Arc<Origin>>,
    /// Where the parser's offsets begin in the text.
    pub base: u32,
    /// True when the value that was added last is a container.
    pub container: bool,
    /// How far the values of the innermost open container reach in the text.
    pub reach: Reach,
}

/// How far values reach: as they are written, and where they are used (an alias).
#[derive(Clone, Copy, Default)]
pub(super) struct Reach {
    pub written: u32,
    pub used: u32,
}

impl Building {
    pub fn new(builder: TreeBuilder) -> Self {
        Building {
            builder,
            failed: None,
            repeated: None,
            origin: None,
            base: 0,
            container: false,
            reach: Reach::default(),
        }
    }

    pub fn finish(self) -> Tree {
        self.builder.finish()
    }

    /// Hands the tree's error to serde, and keeps it.
    pub fn check<T, E: Error>(&mut self, result: Result<T, TreeError>) -> Result<T, E> {
        result.map_err(|error| {
            self.failed = Some(error);
            E::custom(error)
        })
    }
}

/// Adds one value.
pub(super) struct Value<'b, F>(pub &'b mut Building, pub PhantomData<F>);

/// Adds one key.
struct Key<'b, F>(&'b mut Building, PhantomData<F>);

impl<'de, F: Format> DeserializeSeed<'de> for Value<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        F::value(self.0, from)
    }
}

impl<'de, F: Format> DeserializeSeed<'de> for Key<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        F::key(self.0, from)
    }
}

/// Spans are set afterwards, by the formats that have them.
const LATER: Span = Span { start: 0, end: 0 };

impl<'de, F: Format> Visitor<'de> for Value<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        let result = self.0.builder.null(LATER);
        self.0.check(result)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        let result = self.0.builder.bool(value, LATER);
        self.0.check(result)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        let result = self.0.builder.int(value, LATER);
        self.0.check(result)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        let result = self.0.builder.uint(value, LATER);
        self.0.check(result)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        let result = F::double(self.0, value);
        self.0.check(result)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        let result = self.0.builder.string(value, LATER);
        self.0.check(result)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let opened = self.0.builder.open_list(LATER);
        let open = self.0.check(opened)?;
        while from.next_element_seed(Value(&mut *self.0, self.1))?.is_some() {}
        let closed = self.0.builder.close(open);
        self.0.check(closed)?;
        self.0.container = true;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let opened = self.0.builder.open_map(LATER);
        let open = self.0.check(opened)?;
        while from.next_key_seed(Key::<F>(&mut *self.0, PhantomData))?.is_some() {
            from.next_value_seed(Value(&mut *self.0, self.1))?;
        }
        let closed = self.0.builder.close(open);
        let repeated = self.0.check(closed)?;
        self.0.repeated = self.0.repeated.or(repeated);
        self.0.container = true;
        Ok(())
    }
}

/// Runs on a stack of this size what nests deeper than the fast path allows. Only pages that are
/// touched cost memory.
const STACK: usize = 64 * 1024 * 1024;

/// Calls `f` on a thread with a large stack. `None` when the system gives no thread.
pub fn on_large_stack<T: Send>(f: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, f).ok()?;
        thread.join().ok()
    })
}
