//! YAML, as kubectl reads it (sigs.k8s.io/yaml: YAML 1.1 scalars, then JSON).

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Location;

use super::build::{self, Building, Reach, Value};
use super::problem::TextError;
use super::split::Piece;
use super::words;
use super::{Document, Format};
use crate::object::{NodeId, Origin, Span, TreeBuilder, TreeError};

/// Reads a document; `None` when there is nothing in it.
pub(super) fn document(origin: &Arc<Origin>, piece: Piece<'_>) -> Result<Option<Document>, TextError> {
    let read = |depth| attempt(origin, piece, depth);
    let building = match read(SHALLOW) {
        Err(Failure::TooDeep) => build::on_large_stack(|| read(DEEP)).unwrap_or(Err(Failure::TooDeep)),
        other => other,
    }
    .map_err(|failure| match failure {
        Failure::TooDeep => TextError::new(piece.start, format!("nested deeper than {DEEP} levels")),
        Failure::Text(error) => error,
    })?;
    let tree = building.finish();
    if tree.root().is_null() && tree.root().location().is_none_or(|l| l.span.start == l.span.end) {
        return Ok(None);
    }
    Ok(Some(Document { tree: Arc::new(tree), origin: Arc::clone(origin), format: Format::Yaml }))
}

/// Levels that are read on the caller's stack. A level takes about 40 KiB of it in a debug build, so this is 1 MiB of the
/// 2 MiB that a thread has.
const SHALLOW: usize = 24;

/// Deepest nesting; 40 MiB of a large stack in a debug build. A CustomResourceDefinition reaches about 60 levels.
const DEEP: usize = 1_000;

enum Failure {
    /// Deeper than the stack at hand allows.
    TooDeep,
    Text(TextError),
}

fn attempt(origin: &Arc<Origin>, piece: Piece<'_>, depth: usize) -> Result<Building, Failure> {
    let mut builder = TreeBuilder::with_positions(Arc::clone(origin));
    let start = piece.start as u32;
    builder.set_extent(Span { start, end: start + piece.text.len() as u32 }, piece.line);
    let mut building = Building::new(builder);
    building.base = start;
    building.origin = Some(Arc::clone(origin));
    let result =
        serde_saphyr::with_deserializer_from_str_with_options(piece.text, options(piece.text, depth), |from| {
            Value::<Yaml>(&mut building, PhantomData).deserialize(from)
        });
    match result {
        Ok(()) => match building.repeated {
            Some(key) => Err(Failure::Text(repeated(building, key))),
            None => Ok(building),
        },
        Err(error) if words::is_depth(&error) => Err(Failure::TooDeep),
        Err(error) => Err(Failure::Text(words::of_yaml(piece, &error))),
    }
}

/// A key that occurs twice once keys are text: `y: 1` and `on: 2` both have the key `true`.
fn repeated(building: Building, key: NodeId) -> TextError {
    let tree = building.finish();
    let node = tree.node(key);
    let offset = node.location().map_or(0, |l| l.span.start as usize);
    words::repeated_key(offset, node.as_str().unwrap_or_default())
}

/// What a document may cost. The bounds on text grow with the text, so a List of 50 MB passes; the bounds on what
/// aliases add to it do not, so a document can at most grow by a million values.
fn options(text: &str, depth: usize) -> serde_saphyr::Options {
    // A value or a key takes at least two bytes (`a:`, `- `), and each makes at most two events.
    let events = text.len().saturating_add(ALIASED);
    serde_saphyr::options! {
        legacy_octal_numbers: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: depth,
            flow_nesting_limit: depth,
            max_events: events,
            max_nodes: events,
            max_total_scalar_bytes: text.len().saturating_mul(2).saturating_add(ALIASED_BYTES),
            max_recorded_anchor_events: ALIASED,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIASED,
        },
    }
}

/// Events that aliases may add to a document.
const ALIASED: usize = 1_000_000;

/// Bytes of scalars that aliases may add to a document.
const ALIASED_BYTES: usize = 64 * 1024 * 1024;

/// Spans through serde-saphyr's protocol for `Spanned<T>`; doubles without a fraction are ints.
enum Yaml {}

impl build::Format for Yaml {
    fn value<'de, D: Deserializer<'de>>(to: &mut Building, from: D) -> Result<(), D::Error> {
        from.deserialize_newtype_struct(SPANNED, Spanned { to, key: false })
    }

    fn key<'de, D: Deserializer<'de>>(to: &mut Building, from: D) -> Result<(), D::Error> {
        from.deserialize_newtype_struct(SPANNED, Spanned { to, key: true })
    }

    /// sigs.k8s.io/yaml writes JSON in between, where Go prints 1000.0 as 1000 and the decoder reads an int.
    fn double(to: &mut Building, value: f64) -> Result<(), TreeError> {
        let whole = value as i64;
        if value.fract() == 0.0 && whole as f64 == value && value.abs() < 1e18 {
            to.builder.int(whole, Span::default())
        } else {
            to.builder.double(value, Span::default())
        }
    }
}

/// The name by which serde-saphyr knows that a span is wanted (serde-saphyr src/spanned.rs). It answers with a map of
/// `value`, `referenced` and `defined`; reading that map here builds the tree without a tree of `Spanned<T>` in between.
const SPANNED: &str = "__yaml_spanned";

struct Spanned<'b> {
    to: &'b mut Building,
    key: bool,
}

impl<'de> Visitor<'de> for Spanned<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let id = self.to.builder.next_id();
        let outer = std::mem::take(&mut self.to.reach);
        let (mut referenced, mut defined) = (Location::UNKNOWN, Location::UNKNOWN);
        while let Some(field) = from.next_key::<Field>()? {
            match field {
                Field::Value if self.key => from.next_value_seed(Key(&mut *self.to))?,
                Field::Value => from.next_value_seed(Plain(&mut *self.to))?,
                Field::Referenced => referenced = from.next_value()?,
                Field::Defined => defined = from.next_value()?,
                Field::Other => drop(from.next_value::<IgnoredAny>()?),
            }
        }
        let inner = std::mem::replace(&mut self.to.reach, outer);
        let base = self.to.base;
        self.place(id, inner, span(defined, base), span(referenced, base));
        Ok(())
    }
}

impl Spanned<'_> {
    /// Gives a value its span. A container's ends where the last of its contents does, or at its bracket: the parser says
    /// only where it begins. What an alias stands for keeps the span where it is written.
    fn place(self, id: NodeId, inner: Reach, defined: Span, referenced: Span) {
        let alias = referenced.start != defined.start;
        let contents = if alias { inner.written } else { inner.used };
        let container = std::mem::take(&mut self.to.container);
        let text = self.to.origin.as_ref().and_then(|o| o.text.as_deref()).unwrap_or_default();
        let end = if container { end_of_container(text, defined, contents) } else { end_of_scalar(text, defined) };
        let written = Span { start: defined.start, end };
        self.to.builder.set_span(id, written);
        let reach = &mut self.to.reach;
        reach.written = reach.written.max(written.end);
        reach.used = reach.used.max(if alias { referenced.end } else { written.end });
    }
}

/// Where a scalar ends. The parser counts the white space behind a block scalar.
fn end_of_scalar(text: &str, span: Span) -> u32 {
    let written = text.get(span.start as usize..span.end as usize).unwrap_or_default();
    span.start + written.trim_end().len() as u32
}

/// Where a container ends whose contents end at `contents`. The parser gives a flow collection the span of its opening
/// bracket, and a block collection that of nothing at all, at its first element.
fn end_of_container(text: &str, span: Span, contents: u32) -> u32 {
    let end = span.end.max(contents);
    let close = match text.as_bytes().get(span.start as usize..span.end as usize) {
        Some([b'{']) => b'}',
        Some([b'[']) => b']',
        _ => return end,
    };
    let rest = text.as_bytes().get(end as usize..).unwrap_or_default();
    let mut comment = false;
    let bracket = rest.iter().position(|b| {
        comment = *b == b'#' || comment && *b != b'\n';
        *b == close && !comment
    });
    bracket.map_or(end, |n| end + n as u32 + 1)
}

fn span(location: Location, base: u32) -> Span {
    let span = location.span();
    let start = base + span.byte_offset().unwrap_or_default() as u32;
    Span { start, end: start + span.byte_len().unwrap_or_default() as u32 }
}

enum Field {
    Value,
    Referenced,
    Defined,
    Other,
}

impl<'de> serde::Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Field;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field of a spanned value")
            }
            fn visit_str<E>(self, name: &str) -> Result<Field, E> {
                Ok(match name {
                    "value" => Field::Value,
                    "referenced" => Field::Referenced,
                    "defined" => Field::Defined,
                    _ => Field::Other,
                })
            }
        }
        from.deserialize_identifier(Name)
    }
}

/// The value inside a spanned one.
struct Plain<'b>(&'b mut Building);

impl<'de> DeserializeSeed<'de> for Plain<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(Value::<Yaml>(self.0, PhantomData))
    }
}

/// The key inside a spanned one. Keys that YAML reads as a number or a boolean become text, as in sigs.k8s.io/yaml
/// (convertToJSONableObject): `on: x` has the key `true`.
struct Key<'b>(&'b mut Building);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        let result = self.0.builder.key(key, Span::default());
        self.0.check(result)
    }

    fn visit_bool<E: Error>(self, key: bool) -> Result<(), E> {
        self.visit_str(if key { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, key: i64) -> Result<(), E> {
        self.visit_str(&key.to_string())
    }

    fn visit_u64<E: Error>(self, key: u64) -> Result<(), E> {
        self.visit_str(&key.to_string())
    }

    fn visit_f64<E: Error>(self, key: f64) -> Result<(), E> {
        self.visit_str(&key.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(E::custom("a key has to be text, and this one is empty"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom("a key has to be text, and this one is a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom("a key has to be text, and this one is a mapping"))
    }
}
