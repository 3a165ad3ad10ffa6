//! Small damage: to the values of an object, and to the text of an expression.

use serde_json::{Value as Json, json};

use super::random::Random;

/// Replaces, removes or copies some values in an object.
pub fn object(json: &mut Json, random: &mut Random) {
    for _ in 0..random.below(6) {
        let steps = 1 + random.below(4);
        damage(json, steps, random);
    }
}

fn damage(json: &mut Json, steps: usize, random: &mut Random) {
    match json {
        Json::Object(map) if !map.is_empty() => {
            let keys: Vec<String> = map.keys().cloned().collect();
            let key = random.pick(&keys);
            if steps > 0 && !map[key].is_null() {
                damage(&mut map[key], steps - 1, random);
            } else if random.percent(40) {
                map.remove(key);
            } else {
                map.insert(key.clone(), value(random));
            }
        }
        Json::Array(list) if !list.is_empty() => {
            let at = random.below(list.len());
            match random.below(4) {
                0 => drop(list.remove(at)),
                1 => list.insert(at, value(random)),
                2 => list.push(list[at].clone()),
                _ if steps > 0 => damage(&mut list[at], steps - 1, random),
                _ => list[at] = value(random),
            }
        }
        _ => *json = value(random),
    }
}

/// A value from the edges.
fn value(random: &mut Random) -> Json {
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(2),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(0.5),
        json!(1e300),
        json!(""),
        json!("a"),
        json!("Ünïcödé 🐧"),
        json!("10"),
        json!("1Gi"),
        json!("2024-02-29T00:00:00Z"),
        json!([]),
        json!([1, "a"]),
        json!({}),
        json!({"a": 1}),
    ];
    random.pick(&values).clone()
}

/// Puts a character in, takes one out, or writes one twice.
pub fn text(text: &str, random: &mut Random) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let at = random.below(characters.len());
    match random.below(3) {
        0 => drop(characters.remove(at)),
        1 => characters.insert(at, characters[at]),
        _ => {
            let any: Vec<char> = "()[]{}.,?:+-!&|<=>'\"\\0a u".chars().collect();
            characters.insert(at, *random.pick(&any));
        }
    }
    characters.into_iter().collect()
}
