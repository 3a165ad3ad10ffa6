//! Equality, order, and maps from entries.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Map, Value, View};
use crate::cel::halt::Fail;

/// CEL's equality: numbers by value across their types, other mixed types unequal. An unknown inside decides nothing.
pub fn equal<'a>(a: &Value<'a>, b: &Value<'a>) -> Result<bool, Fail> {
    if let (Value::Node(a), Value::Node(b)) = (a, b) {
        return Ok(a.equals(*b));
    }
    Ok(match (a.view(), b.view()) {
        (View::Unknown(missing), _) | (_, View::Unknown(missing)) => {
            return Err(Fail::Unknown(Rc::new(missing.clone())));
        }
        (View::Null, View::Null) => true,
        (View::Null, _) | (_, View::Null) => false,
        (View::List(x), View::List(y)) => {
            if x.len() != y.len() {
                return Ok(false);
            }
            for (p, q) in x.iter().zip(y.iter()) {
                if !equal_within(&p, &q)? {
                    return Ok(false);
                }
            }
            true
        }
        (View::Map(x), View::Map(y)) => {
            if x.len() != y.len() || struct_name(x) != struct_name(y) {
                return Ok(false);
            }
            for (key, p) in x.iter() {
                match y.get(&key) {
                    Some(q) if equal_within(&p, &q)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (View::Optional(x), View::Optional(y)) => match (x, y) {
            (None, None) => true,
            (Some(p), Some(q)) => equal(p, q)?,
            _ => false,
        },
        (View::Type(x), View::Type(y)) => x == y,
        (View::Opaque(x), View::Opaque(y)) => x.equals(y).ok_or(Fail::NoSuchOverload)?,
        // The types that Kubernetes adds have no answer for values of other types.
        (View::Opaque(_), _) => return Err(Fail::NoSuchOverload),
        _ => compare(a, b) == Some(Some(Ordering::Equal)),
    })
}

/// The same for parts of lists and maps, where having no answer is not being unequal.
fn equal_within<'a>(a: &Value<'a>, b: &Value<'a>) -> Result<bool, Fail> {
    match equal(a, b) {
        Err(Fail::NoSuchOverload) => Ok(true),
        answer => answer,
    }
}

/// The same for a search, where having no answer is not having found it.
pub fn found<'a>(a: &Value<'a>, b: &Value<'a>) -> Result<bool, Fail> {
    match equal(a, b) {
        Err(Fail::NoSuchOverload) => Ok(false),
        answer => answer,
    }
}

fn struct_name<'v>(map: Map<'v, '_>) -> Option<&'v str> {
    if let Map::Struct(value) = map { Some(value.name) } else { None }
}

/// The order of two values: `None` where types have none, `Some(None)` where a NaN is one of them.
pub fn compare(a: &Value<'_>, b: &Value<'_>) -> Option<Option<Ordering>> {
    Some(match (a.view(), b.view()) {
        (View::Int(x), View::Int(y)) => Some(x.cmp(&y)),
        (View::Uint(x), View::Uint(y)) => Some(x.cmp(&y)),
        (View::Double(x), View::Double(y)) => x.partial_cmp(&y),
        (View::Int(x), View::Uint(y)) => Some(int_uint(x, y)),
        (View::Uint(x), View::Int(y)) => Some(int_uint(y, x).reverse()),
        (View::Int(x), View::Double(y)) => int_double(x, y),
        (View::Double(x), View::Int(y)) => int_double(y, x).map(Ordering::reverse),
        (View::Uint(x), View::Double(y)) => uint_double(x, y),
        (View::Double(x), View::Uint(y)) => uint_double(y, x).map(Ordering::reverse),
        (View::Str(x), View::Str(y)) => Some(x.cmp(y)),
        (View::Bytes(x), View::Bytes(y)) => Some(x.cmp(y)),
        (View::Bool(x), View::Bool(y)) => Some(x.cmp(&y)),
        (View::Duration(x), View::Duration(y)) => Some(x.cmp(&y)),
        (View::Timestamp(x), View::Timestamp(y)) => Some(x.cmp(&y)),
        _ => return None,
    })
}

// As cel-go (common/types/compare.go): a double outside the integers' range decides; inside it the integer is rounded.

fn int_uint(x: i64, y: u64) -> Ordering {
    u64::try_from(x).map_or(Ordering::Less, |x| x.cmp(&y))
}

fn int_double(x: i64, y: f64) -> Option<Ordering> {
    if y < i64::MIN as f64 {
        return Some(Ordering::Greater);
    }
    if y > i64::MAX as f64 {
        return Some(Ordering::Less);
    }
    (x as f64).partial_cmp(&y)
}

fn uint_double(x: u64, y: f64) -> Option<Ordering> {
    if y < 0.0 {
        return Some(Ordering::Greater);
    }
    if y > u64::MAX as f64 {
        return Some(Ordering::Less);
    }
    (x as f64).partial_cmp(&y)
}

/// The order of map keys: by type, then by value; `1`, `1u` and `1.0` are three keys, as in a Go map. Total, so that it can
/// sort.
pub fn key_order(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| match (a.view(), b.view()) {
        (View::Double(x), View::Double(y)) => x.partial_cmp(&y).unwrap_or_else(|| x.total_cmp(&y)),
        (View::Type(x), View::Type(y)) => x.cmp(y),
        _ => compare(a, b).flatten().unwrap_or(Ordering::Equal),
    })
}

pub fn key_order_str(a: &Value<'_>, b: &str) -> Ordering {
    match a.view() {
        View::Str(a) => a.cmp(b),
        _ => rank(a).cmp(&STRINGS),
    }
}

/// Where strings are among the types of keys.
const STRINGS: u8 = 5;

fn rank(key: &Value<'_>) -> u8 {
    match key.view() {
        View::Null => 0,
        View::Bool(_) => 1,
        View::Int(_) => 2,
        View::Uint(_) => 3,
        View::Double(_) => 4,
        View::Str(_) => STRINGS,
        View::Duration(_) => 6,
        View::Timestamp(_) => 7,
        _ => 8,
    }
}

/// The key of another type of number under which a map is asked as well (cel-go common/types/map.go, refValMapAccessor).
pub fn key_alike(key: &Value<'_>) -> [Option<Value<'static>>; 2] {
    match key.view() {
        View::Int(i) => [u64::try_from(i).ok().map(Value::Uint), None],
        View::Uint(u) => [i64::try_from(u).ok().map(Value::Int), None],
        View::Double(d) if d.fract() == 0.0 => {
            let int = (d >= i64::MIN as f64 && d < i64::MAX as f64).then_some(Value::Int(d as i64));
            let uint = (d >= 0.0 && d < u64::MAX as f64).then_some(Value::Uint(d as u64));
            [int, uint]
        }
        _ => [None, None],
    }
}

impl<'a> Value<'a> {
    /// A map from entries in any order. Of a key that occurs twice the last entry counts, as in a Go map.
    pub(in crate::cel) fn map(mut entries: Vec<(Value<'a>, Value<'a>)>) -> Result<Self, Fail> {
        if let Some((key, _)) = entries.iter().find(|(k, _)| !is_key(k)) {
            return Err(Fail::from(format!("unsupported key type: {}", key.type_name())));
        }
        entries.sort_by(|a, b| key_order(&a.0, &b.0));
        entries.dedup_by(|later, earlier| {
            let twice = key_order(&later.0, &earlier.0).is_eq();
            if twice {
                std::mem::swap(later, earlier);
            }
            twice
        });
        Ok(Value::Map(Rc::new(entries)))
    }
}

fn is_key(key: &Value<'_>) -> bool {
    matches!(
        key.view(),
        View::Null
            | View::Bool(_)
            | View::Int(_)
            | View::Uint(_)
            | View::Double(_)
            | View::Str(_)
            | View::Duration(_)
            | View::Timestamp(_)
            | View::Type(_)
    )
}
