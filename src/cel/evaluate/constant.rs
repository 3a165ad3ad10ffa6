//! Literals as values, and back.

use std::rc::Rc;

use super::super::program::Constant;
use super::super::value::{Value, View};

impl Constant {
    /// The value. Lists and maps that JSON could hold are borrowed.
    #[inline]
    pub fn value(&self) -> Value<'_> {
        match self {
            Constant::Null => Value::Null,
            Constant::Bool(b) => Value::Bool(*b),
            Constant::Int(i) => Value::Int(*i),
            Constant::Uint(u) => Value::Uint(*u),
            Constant::Double(d) => Value::Double(*d),
            Constant::Str(s) => Value::Str(s),
            Constant::Bytes(b) => Value::Bytes(Rc::from(&**b)),
            Constant::Duration(d) => Value::Duration(*d),
            Constant::Timestamp(t) => Value::Timestamp(*t),
            Constant::Type(name) => Value::Type(name),
            Constant::Tree(tree) => Value::Node(tree.root()),
            Constant::List(list) => Value::list(list.iter().map(Constant::value).collect()),
            Constant::Map(map) => {
                let entries = map.iter().map(|(k, v)| (k.value(), v.value())).collect();
                // Keys of literals were looked at when it was compiled.
                Value::map(entries).unwrap_or(Value::Null)
            }
        }
    }

    /// A scalar as a constant; `None` for what only an evaluation can hold.
    pub fn of(value: &Value<'_>) -> Option<Constant> {
        Some(match value.view() {
            View::Null => Constant::Null,
            View::Bool(b) => Constant::Bool(b),
            View::Int(i) => Constant::Int(i),
            View::Uint(u) => Constant::Uint(u),
            View::Double(d) => Constant::Double(d),
            View::Str(s) => Constant::Str(s.into()),
            View::Bytes(b) => Constant::Bytes(b.into()),
            View::Duration(d) => Constant::Duration(d),
            View::Timestamp(t) => Constant::Timestamp(t),
            View::Type(name) => Constant::Type(name),
            _ => return None,
        })
    }
}
