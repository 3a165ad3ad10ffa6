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

/// Worse: parts repeated, nested, cut off, or put into another expression.
pub fn hostile(text: &str, other: &str, random: &mut Random) -> String {
    let cut = |text: &str, random: &mut Random| {
        let ends: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        *random.pick(&ends)
    };
    let at = cut(text, random);
    let (before, after) = text.split_at(at);
    let times = 1 + random.below(260);
    match random.below(6) {
        0 => before.to_owned(),
        1 => format!("{before}{other}{after}"),
        2 => format!("{before}{}", after.repeat(1 + random.below(40))),
        3 => {
            let open =
                *random.pick(&["(", "[", "{'a': ", "dyn(", "!(", "-(", "[1].map(x, ", "optional.of(", "true ? 1 : ("]);
            let close = open.chars().rev().find_map(|c| "([{".find(c).map(|i| &")]}"[i..=i])).unwrap_or_default();
            format!("{}{text}{}", open.repeat(times), close.repeat(times))
        }
        4 => {
            let link = *random.pick(&[" + ", " && ", " || ", " == ", " ? 1 : ", " in ", "."]);
            vec![text; times].join(link)
        }
        _ => format!(
            "{text}{}",
            random.pick(&[".map(x, x)", "[0]", ".a", ".?a", ".size()", "[?0]", ".flatten()"]).repeat(times)
        ),
    }
}

/// Worse: lists and maps as deep and as long as an object may have them.
pub fn hostile_object(json: &mut Json, random: &mut Random) {
    let mut deep = value(random);
    for _ in 0..random.below(3_000) {
        // Not json!, which would copy what is inside each time.
        deep = if random.percent(50) { Json::Array(vec![deep]) } else { Json::from_iter([("a", deep)]) };
    }
    let long = match random.below(3) {
        0 => Json::from("aé".repeat(random.below(50_000))),
        1 => Json::from(vec![value(random); random.below(5_000)]),
        _ => (0..random.below(5_000)).map(|i| (i.to_string(), Json::from(i))).collect(),
    };
    json["spec"] = json!({
        "numbers": long, "words": long, "mixed": deep, "limits": long, "disks": [deep, long], "nested": [deep], "replicas": 3,
    });
}
