//! Values as JSON, for patches.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value as Json;

use super::{Value, View};

/// Deepest value that is converted. A patch is text in a response; nothing that people write is near it, and JSON values of
/// serde_json are dropped by recursion.
const MAX_DEPTH: usize = 500;

impl Value<'_> {
    /// As JSON, for patches; struct literals become objects. `Err` says what cannot be written.
    ///
    /// As the API server converts (cel-go common/types, ConvertToNative of `structpb.Value`): bytes in base64, durations in
    /// seconds, timestamps in RFC 3339.
    pub fn to_json(&self) -> Result<Json, String> {
        json(self, MAX_DEPTH)
    }
}

fn json(value: &Value<'_>, depth: usize) -> Result<Json, String> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(format!("value nests deeper than {MAX_DEPTH} levels"));
    };
    Ok(match value.view() {
        View::Null => Json::Null,
        View::Bool(b) => b.into(),
        View::Int(i) => i.into(),
        View::Uint(u) => u.into(),
        View::Double(d) => {
            serde_json::Number::from_f64(d).map(Json::Number).ok_or("a number that JSON does not have")?
        }
        View::Str(s) => s.into(),
        View::Bytes(b) => BASE64_STANDARD.encode(b).into(),
        View::List(list) => Json::Array(list.iter().map(|e| json(&e, depth)).collect::<Result<_, _>>()?),
        View::Map(map) => {
            let mut object = serde_json::Map::new();
            for (key, value) in map.iter() {
                let key = match key.view() {
                    View::Str(_) | View::Bool(_) | View::Int(_) | View::Uint(_) => key.to_text().unwrap_or_default(),
                    _ => return Err(format!("a key of type {} in a map that becomes JSON", key.type_name())),
                };
                object.insert(key.into_owned(), json(&value, depth)?);
            }
            Json::Object(object)
        }
        View::Duration(_) | View::Timestamp(_) => value.to_text().unwrap_or_default().into_owned().into(),
        _ => return Err(format!("a value of type {} cannot become JSON", value.type_name())),
    })
}
