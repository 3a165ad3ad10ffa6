//! Types as the checker knows them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A CEL type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Anything; decided when the expression runs. `object`, `oldObject` and `params` are of it.
    Dyn,
    /// `null`
    Null,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint`
    Uint,
    /// `double`
    Double,
    /// `string`
    String,
    /// `bytes`
    Bytes,
    /// `google.protobuf.Duration`
    Duration,
    /// `google.protobuf.Timestamp`
    Timestamp,
    /// A type itself, as `type(x)` gives it: `type(int)`.
    Type(Box<Type>),
    /// `list(E)`
    List(Box<Type>),
    /// `map(K, V)`
    Map(Box<Type>, Box<Type>),
    /// `optional_type(T)`
    Optional(Box<Type>),
    /// A map whose fields are declared: `request`, `namespaceObject`, each fact.
    Struct(Arc<StructType>),
    /// A type that a library brings and nothing looks into, such as `kubernetes.Quantity`; also `Object…` and `JSONPatch`.
    Named(Arc<str>),
    /// Not decided: a signature's type parameter, or within one expression what may still be anything.
    Param(u16),
}

/// A map whose fields are declared; selecting another field is refused at load.
#[derive(Clone, Debug, PartialEq)]
pub struct StructType {
    /// How messages call it.
    pub name: String,
    /// Its fields.
    pub fields: BTreeMap<String, Type>,
}

impl Type {
    /// `list(element)`
    pub fn list(element: Type) -> Self {
        Type::List(Box::new(element))
    }

    /// The type, but for what nests deeper in it, of which nothing is known any more.
    pub(super) fn cut(self, depth: usize) -> Self {
        let inside = |of: Box<Type>| depth.checked_sub(1).map_or(Type::Dyn, |depth| of.cut(depth));
        match self {
            Type::List(of) => Type::list(inside(of)),
            Type::Optional(of) => Type::Optional(Box::new(inside(of))),
            Type::Type(of) => Type::Type(Box::new(inside(of))),
            Type::Map(k, v) => Type::Map(Box::new(inside(k)), Box::new(inside(v))),
            other => other,
        }
    }

    /// True where a part of it is not decided.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Type::Param(_) => true,
            Type::List(a) | Type::Optional(a) | Type::Type(a) => a.is_open(),
            Type::Map(k, v) => k.is_open() || v.is_open(),
            _ => false,
        }
    }

    /// `map(string, value)`
    pub fn string_map(value: Type) -> Self {
        Type::Map(Box::new(Type::String), Box::new(value))
    }

    /// A map with declared fields.
    pub fn object(name: &str, fields: impl IntoIterator<Item = (&'static str, Type)>) -> Self {
        Type::Struct(Arc::new(StructType {
            name: name.to_owned(),
            fields: fields.into_iter().map(|(k, t)| (k.to_owned(), t)).collect(),
        }))
    }
}

impl Type {
    /// As cel-go's messages write it (checker/format.go, FormatCELType): shorter than elsewhere.
    pub(super) fn in_messages(&self) -> String {
        match self {
            Type::Null => "null".to_owned(),
            Type::Duration => "duration".to_owned(),
            Type::Timestamp => "timestamp".to_owned(),
            Type::Type(of) => format!("type({})", of.in_messages()),
            Type::List(e) => format!("list({})", e.in_messages()),
            Type::Map(k, v) => format!("map({}, {})", k.in_messages(), v.in_messages()),
            Type::Optional(t) => format!("optional_type({})", t.in_messages()),
            other => other.to_string(),
        }
    }
}

/// As cel-go writes types (common/types/types.go, Type.String).
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn => f.write_str("dyn"),
            Type::Null => f.write_str("null_type"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::String => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Duration => f.write_str("google.protobuf.Duration"),
            Type::Timestamp => f.write_str("google.protobuf.Timestamp"),
            Type::Type(of) => write!(f, "type({of})"),
            Type::List(e) => write!(f, "list({e})"),
            Type::Map(k, v) => write!(f, "map({k}, {v})"),
            Type::Optional(t) => write!(f, "optional_type({t})"),
            Type::Struct(s) => f.write_str(&s.name),
            Type::Named(n) => f.write_str(n),
            Type::Param(i) => match u8::try_from(*i) {
                Ok(i @ 0..=25) => write!(f, "{}", char::from(b'A' + i)),
                _ => f.write_str("dyn"),
            },
        }
    }
}
