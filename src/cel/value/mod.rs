//! Values: borrowed from objects, facts and the program where they come from there, owned where they were computed.
//!
//! Knows CEL's types and how values compare, convert and print. Must not know expressions.

mod compare;
mod convert;
mod instant;
mod text;

use std::borrow::Cow;
use std::rc::Rc;

pub(super) use compare::{compare, equal, found, key_order};
pub use instant::Instant;

use super::fact::{Fact, FactValue, Facts};
use super::library::Opaque;
use crate::object::{MissingSet, Node, Scalar};

/// A CEL value. Cloning is cheap: at most a reference count.
#[derive(Clone)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `uint`
    Uint(u64),
    /// `double`
    Double(f64),
    /// `string`, of the program or of an input.
    Str(&'a str),
    /// `string`, computed.
    Text(Rc<str>),
    /// `bytes`
    Bytes(Rc<[u8]>),
    /// A value of an object, whatever its type; it still knows where it stands.
    Node(Node<'a>),
    /// A computed input with its evidence.
    Fact(&'a Fact),
    /// All facts.
    Facts(&'a dyn Facts),
    /// `list`, computed.
    List(Rc<Vec<Value<'a>>>),
    /// `map`, computed: entries in key order, no key twice.
    Map(Rc<Vec<(Value<'a>, Value<'a>)>>),
    /// `Object{…}`, `JSONPatch{…}`
    Struct(Rc<StructValue<'a>>),
    /// `optional_type`
    Optional(Option<Rc<Value<'a>>>),
    /// `google.protobuf.Duration`, in nanoseconds as Go has it.
    Duration(i64),
    /// `google.protobuf.Timestamp`
    Timestamp(Instant),
    /// A type, by its name.
    Type(&'static str),
    /// A value of a type that a library brings.
    Opaque(Rc<Opaque>),
}

/// A struct literal's value; fields in the order of their names, absent optional ones left out.
#[derive(Clone)]
pub struct StructValue<'a> {
    /// `Object.spec`
    pub name: &'a str,
    /// Its fields.
    pub fields: Vec<(&'a str, Value<'a>)>,
}

/// One normal form for borrowed and owned values; whoever looks at a value's content matches on this.
#[derive(Clone, Copy)]
pub enum View<'v, 'a> {
    /// `null`
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `uint`
    Uint(u64),
    /// `double`
    Double(f64),
    /// `string`
    Str(&'v str),
    /// `bytes`
    Bytes(&'v [u8]),
    /// `list`
    List(List<'v, 'a>),
    /// `map`, struct literals too
    Map(Map<'v, 'a>),
    /// `optional_type`
    Optional(Option<&'v Value<'a>>),
    /// Nanoseconds.
    Duration(i64),
    /// `google.protobuf.Timestamp`
    Timestamp(Instant),
    /// A type, by its name.
    Type(&'static str),
    /// A library's value.
    Opaque(&'v Opaque),
    /// All facts: fields by name, but neither size nor order.
    Facts(&'a dyn Facts),
    /// A fact that cannot be determined; only inside other values, because an evaluation ends where it meets one.
    Unknown(&'a MissingSet),
}

/// A list, wherever it is kept.
#[derive(Clone, Copy)]
pub enum List<'v, 'a> {
    /// In an object.
    Node(Node<'a>),
    /// In a fact.
    Facts(&'a [Fact]),
    /// Computed.
    Owned(&'v [Value<'a>]),
}

/// A map, wherever it is kept; iterates in key order.
#[derive(Clone, Copy)]
pub enum Map<'v, 'a> {
    /// In an object.
    Node(Node<'a>),
    /// In a fact.
    Facts(&'a [(Cow<'static, str>, Fact)]),
    /// Computed.
    Owned(&'v [(Value<'a>, Value<'a>)]),
    /// A struct literal.
    Struct(&'v StructValue<'a>),
}

impl<'a> Value<'a> {
    /// A computed string.
    pub fn text(text: impl Into<Rc<str>>) -> Self {
        Value::Text(text.into())
    }

    /// A computed list.
    pub fn list(elements: Vec<Value<'a>>) -> Self {
        Value::List(Rc::new(elements))
    }

    /// An optional that holds a value.
    pub fn some(value: Value<'a>) -> Self {
        Value::Optional(Some(Rc::new(value)))
    }

    /// The normal form.
    #[inline(always)]
    pub fn view<'v>(&'v self) -> View<'v, 'a> {
        match self {
            Value::Null => View::Null,
            Value::Bool(b) => View::Bool(*b),
            Value::Int(i) => View::Int(*i),
            Value::Uint(u) => View::Uint(*u),
            Value::Double(d) => View::Double(*d),
            Value::Str(s) => View::Str(s),
            Value::Text(s) => View::Str(s),
            Value::Bytes(b) => View::Bytes(b),
            Value::Node(node) => match node.scalar() {
                Some(Scalar::Null) => View::Null,
                Some(Scalar::Bool(b)) => View::Bool(b),
                Some(Scalar::Int(i)) => View::Int(i),
                Some(Scalar::Double(d)) => View::Double(d),
                Some(Scalar::Str(s)) => View::Str(s),
                None if node.kind() == crate::object::Type::List => View::List(List::Node(*node)),
                None => View::Map(Map::Node(*node)),
            },
            Value::Fact(fact) => match &fact.value {
                FactValue::Unknown(missing) => View::Unknown(missing),
                FactValue::Null => View::Null,
                FactValue::Bool(b) => View::Bool(*b),
                FactValue::Int(i) => View::Int(*i),
                FactValue::String(s) => View::Str(s),
                FactValue::List(list) => View::List(List::Facts(list)),
                FactValue::Map(map) => View::Map(Map::Facts(map)),
            },
            Value::Facts(facts) => View::Facts(*facts),
            Value::List(list) => View::List(List::Owned(list)),
            Value::Map(map) => View::Map(Map::Owned(map)),
            Value::Struct(value) => View::Map(Map::Struct(value)),
            Value::Optional(inner) => View::Optional(inner.as_deref()),
            Value::Duration(d) => View::Duration(*d),
            Value::Timestamp(t) => View::Timestamp(*t),
            Value::Type(name) => View::Type(name),
            Value::Opaque(value) => View::Opaque(value),
        }
    }

    /// The boolean.
    #[inline]
    pub fn as_bool(&self) -> Option<bool> {
        if let View::Bool(b) = self.view() { Some(b) } else { None }
    }

    /// The string.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        if let View::Str(s) = self.view() { Some(s) } else { None }
    }

    /// The whole number.
    pub fn as_int(&self) -> Option<i64> {
        if let View::Int(i) = self.view() { Some(i) } else { None }
    }

    /// True for `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.view(), View::Null)
    }

    /// The list.
    pub fn as_list<'v>(&'v self) -> Option<List<'v, 'a>> {
        if let View::List(list) = self.view() { Some(list) } else { None }
    }

    /// The map; struct literals too.
    pub fn as_map<'v>(&'v self) -> Option<Map<'v, 'a>> {
        if let View::Map(map) = self.view() { Some(map) } else { None }
    }

    /// The type's name, as `type(x)` prints it.
    pub fn type_name(&self) -> &str {
        match self {
            Value::Struct(value) => value.name,
            _ => self.static_type_name(),
        }
    }

    /// The type's name; struct literals count as `Object`.
    pub(super) fn static_type_name(&self) -> &'static str {
        match self.view() {
            View::Null => "null_type",
            View::Bool(_) => "bool",
            View::Int(_) => "int",
            View::Uint(_) => "uint",
            View::Double(_) => "double",
            View::Str(_) => "string",
            View::Bytes(_) => "bytes",
            View::List(_) => "list",
            View::Map(Map::Struct(_)) => "Object",
            View::Map(_) | View::Facts(_) => "map",
            View::Optional(_) => "optional_type",
            View::Duration(_) => "google.protobuf.Duration",
            View::Timestamp(_) => "google.protobuf.Timestamp",
            View::Type(_) => "type",
            View::Opaque(value) => value.type_name(),
            View::Unknown(_) => "unknown",
        }
    }
}

impl<'v, 'a> List<'v, 'a> {
    /// Number of elements.
    pub fn len(self) -> usize {
        match self {
            List::Node(node) => node.len(),
            List::Facts(list) => list.len(),
            List::Owned(list) => list.len(),
        }
    }

    /// No elements.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The element at an index.
    pub fn get(self, i: usize) -> Option<Value<'a>> {
        match self {
            List::Node(node) => node.element(i).map(Value::Node),
            List::Facts(list) => list.get(i).map(Value::Fact),
            List::Owned(list) => list.get(i).cloned(),
        }
    }

    /// The elements in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Value<'a>> + use<'v, 'a> {
        (0..self.len()).filter_map(move |i| self.get(i))
    }
}

impl<'v, 'a> Map<'v, 'a> {
    /// Number of entries.
    pub fn len(self) -> usize {
        match self {
            Map::Node(node) => node.len(),
            Map::Facts(map) => map.len(),
            Map::Owned(map) => map.len(),
            Map::Struct(value) => value.fields.len(),
        }
    }

    /// No entries.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value under a string.
    pub fn get_str(self, key: &str) -> Option<Value<'a>> {
        match self {
            Map::Node(node) => node.get(key).map(Value::Node),
            Map::Facts(map) => {
                let at = map.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?;
                map.get(at).map(|(_, v)| Value::Fact(v))
            }
            Map::Owned(map) => {
                let at = map.binary_search_by(|(k, _)| compare::key_order_str(k, key)).ok()?;
                map.get(at).map(|(_, v)| v.clone())
            }
            Map::Struct(value) => value.fields.iter().find(|(k, _)| *k == key).map(|(_, v)| v.clone()),
        }
    }

    /// The value under a key; numbers find each other across types.
    pub fn get(self, key: &Value<'_>) -> Option<Value<'a>> {
        match (key.view(), self) {
            (View::Str(key), _) => self.get_str(key),
            (_, Map::Owned(map)) => {
                let find = |key: &Value<'_>| {
                    let at = map.binary_search_by(|(k, _)| compare::key_order(k, key)).ok()?;
                    map.get(at).map(|(_, v)| v.clone())
                };
                find(key).or_else(|| compare::key_alike(key).iter().flatten().find_map(find))
            }
            _ => None,
        }
    }

    /// The entry at a place in key order.
    pub fn entry(self, i: usize) -> Option<(Value<'a>, Value<'a>)> {
        match self {
            Map::Node(node) => node.entry_at(i).map(|(k, v)| (Value::Str(k), Value::Node(v))),
            Map::Facts(map) => map.get(i).map(|(k, v)| (Value::Str(k), Value::Fact(v))),
            Map::Owned(map) => map.get(i).cloned(),
            Map::Struct(value) => value.fields.get(i).map(|(k, v)| (Value::Str(k), v.clone())),
        }
    }

    /// The entries in key order.
    pub fn iter(self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> + use<'v, 'a> {
        (0..self.len()).filter_map(move |i| self.entry(i))
    }
}
