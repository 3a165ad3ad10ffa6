//! Trees: built, read, shown and dropped.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NONE: Span = Span { start: 0, end: 0 };

/// Builds the tree of a value, in the order in which the map gives its keys.
fn tree(value: &Value) -> Tree {
    let mut builder = TreeBuilder::new(0);
    add(&mut builder, value);
    builder.finish()
}

fn add(b: &mut TreeBuilder, value: &Value) {
    match value {
        Value::Null => b.null(NONE).unwrap(),
        Value::Bool(v) => b.bool(*v, NONE).unwrap(),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => b.int(i, NONE).unwrap(),
            (None, Some(u)) => b.uint(u, NONE).unwrap(),
            _ => b.double(n.as_f64().unwrap(), NONE).unwrap(),
        },
        Value::String(s) => b.string(s, NONE).unwrap(),
        Value::Array(elements) => {
            let open = b.open_list(NONE).unwrap();
            elements.iter().for_each(|e| add(b, e));
            assert_eq!(b.close(open), Ok(None));
        }
        Value::Object(entries) => {
            let open = b.open_map(NONE).unwrap();
            // Backwards, so that the keys have to be sorted.
            for (key, value) in entries.iter().rev() {
                b.key(key, NONE).unwrap();
                add(b, value);
            }
            assert_eq!(b.close(open), Ok(None));
        }
    }
}

/// A map of string keys and ints, as written.
fn map(entries: &[(&str, i64)]) -> (Tree, Option<NodeId>) {
    let mut b = TreeBuilder::new(0);
    let open = b.open_map(NONE).unwrap();
    for (key, value) in entries {
        b.key(key, NONE).unwrap();
        b.int(*value, NONE).unwrap();
    }
    let twice = b.close(open).unwrap();
    (b.finish(), twice)
}

#[test]
fn maps_are_read_in_key_order() {
    let (tree, twice) = map(&[("c", 1), ("a", 2), ("ä", 3), ("b", 4)]);
    assert_eq!(twice, None);
    assert_eq!(tree.root().to_string(), r#"{"a":2,"b":4,"c":1,"ä":3}"#);
    assert_eq!(tree.root().entry_at(1).unwrap().0, "b");
    assert!(tree.root().entry_at(4).is_none());
}

#[test]
fn of_a_repeated_key_the_last_counts_and_the_first_repetition_is_told() {
    let (tree, twice) = map(&[("b", 1), ("a", 2), ("b", 3), ("a", 4), ("b", 5)]);
    assert_eq!(tree.root().to_string(), r#"{"a":4,"b":5}"#);
    assert_eq!(tree.root().len(), 2);
    assert_eq!(tree.node(twice.unwrap()).as_str(), Some("a"));
}

#[test]
fn large_maps_are_searched_as_small_ones_are() {
    for n in [1, 11, 12, 13, 200] {
        let value: Value = (0..n).map(|i| (format!("k{i}"), json!(i))).collect::<serde_json::Map<_, _>>().into();
        let tree = tree(&value);
        for i in 0..n {
            assert_eq!(tree.root().get(&format!("k{i}")).and_then(Node::as_int), Some(i), "{n}");
        }
        assert!(tree.root().get("k").is_none() && tree.root().get("k999").is_none());
    }
}

#[test]
fn numbers_are_equal_by_value() {
    let equal = |a: Value, b: Value| tree(&a).root().equals(tree(&b).root());
    for (a, b, expected) in [
        (json!(1), json!(1.0), true),
        (json!([{"a": 1, "b": null}]), json!([{"b": null, "a": 1}]), true),
        (json!({"a": 1}), json!({"a": 2}), false),
        (json!({"a": 1}), json!({"b": 1}), false),
        (json!([1]), json!([1, 1]), false),
        (json!([]), json!({}), false),
        (json!("1"), json!(1), false),
        (json!(null), json!(false), false),
    ] {
        assert_eq!(equal(a.clone(), b.clone()), expected, "{a} {b}");
        assert_eq!(equal(b.clone(), a.clone()), expected, "{b} {a}");
    }
}

#[test]
fn an_empty_builder_gives_null() {
    assert!(TreeBuilder::new(0).finish().root().is_null());
    assert!(Tree::default().root().is_null());
}

#[test]
fn paths_follow_names_where_they_are_stable() {
    let tree = tree(&json!({"spec": {"volumes": [{"name": "a"}, {"name": "b", "x/y": [1]}]}}));
    let node =
        tree.root().at(&["spec", "volumes"]).unwrap().element(1).unwrap().get("x/y").unwrap().element(0).unwrap();
    let path = tree.root().path_to(node).unwrap();
    assert_eq!(path.to_string(), "spec.volumes[1][x/y][0]");
    assert_eq!(path.stable(tree.root()), "spec.volumes[name=b][x/y][0]");
    assert_eq!(Path::from_pointer("/spec/volumes/1/x~1y/0", tree.root()), Some(path));
}

/// The deepest tree, on the stack of a thread: built, shown, compared, walked, dropped.
#[test]
fn deep_trees_need_no_stack() {
    let work = || {
        let build = |depth: usize| {
            let mut b = TreeBuilder::new(0);
            let mut open = Vec::new();
            for i in 0..depth {
                if i % 2 == 0 {
                    open.push(b.open_list(NONE)?);
                } else {
                    open.push(b.open_map(NONE)?);
                    b.key("k", NONE)?;
                }
            }
            b.null(NONE)?;
            while let Some(o) = open.pop() {
                b.close(o)?;
            }
            Ok::<_, TreeError>(b.finish())
        };
        let (tree, other) = (build(MAX).unwrap(), build(MAX).unwrap());
        assert_eq!(tree.root().to_string(), format!("{}null{}", r#"[{"k":"#.repeat(MAX / 2), "}]".repeat(MAX / 2)));
        assert!(tree.root().equals(other.root()));
        let mut node = tree.root();
        while let Some(next) = node.element(0).or_else(|| node.get("k")) {
            node = next;
        }
        assert_eq!(tree.root().path_to(node).unwrap().steps().len(), MAX);
        assert_eq!(build(MAX + 1).err(), Some(TreeError::TooDeep));
    };
    const MAX: usize = 10_000;
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
}

/// The most values for the fewest bytes. 3 MiB is the largest object that the API server takes.
#[test]
fn the_worst_json_stays_below_sixteen_times_its_size() {
    let size = 3 * 1024 * 1024;
    for worst in ["[],", "0,", "{},", "[0],", r#""","#, r#"{"":0},"#] {
        let text = format!("[{}0]", worst.repeat(size / worst.len()));
        let tree = crate::source::json_tree(text.as_bytes()).unwrap();
        assert!(tree.heap_bytes() < 48 * 1024 * 1024, "{worst}: {}", tree.heap_bytes());
    }
}

/// JSON values of a few levels, with awkward strings and numbers.
fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![any::<i64>().prop_map(Value::from), (-1e9..1e9f64).prop_map(Value::from)];
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, ".{0,8}".prop_map(Value::from)];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map("[a-e./\"é]{0,3}", inner, 0..16)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_is_what_was_built(value in value()) {
        let built = tree(&value);
        prop_assert_eq!(serde_json::from_str::<Value>(&built.root().to_string()).unwrap(), value.clone());
        let read = crate::source::json_tree(value.to_string().as_bytes()).unwrap();
        prop_assert!(built.root().equals(read.root()));
    }

    /// Every value has one path, and the path leads back to it; so it does from a JSON pointer.
    #[test]
    fn every_value_has_a_path_that_leads_to_it(value in value()) {
        let tree = tree(&value);
        let root = tree.root();
        let mut todo = vec![(root, Path::root(), String::new())];
        while let Some((node, path, pointer)) = todo.pop() {
            prop_assert_eq!(root.path_to(node), Some(path.clone()));
            prop_assert_eq!(root.follow(&path), Some(node));
            prop_assert_eq!(Path::from_pointer(&pointer, root), Some(path.clone()));
            prop_assert!(root.contains(node));
            for (key, value) in node.entries() {
                let entry = node.entry(key).unwrap();
                prop_assert_eq!(entry.1, value);
                prop_assert_eq!(root.path_to(entry.0), Some(path.clone().key(key)));
                let token = key.replace('~', "~0").replace('/', "~1");
                todo.push((value, path.clone().key(key), format!("{pointer}/{token}")));
            }
            todo.extend(node.elements().enumerate().map(|(i, e)| (e, path.clone().index(i), format!("{pointer}/{i}"))));
        }
    }

    /// The scan of the text finds the same values as the parser.
    #[test]
    fn places_in_json_hold_what_was_read(value in value()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let parsed = crate::source::parse("t.json", format!("[{text}]").into_bytes());
        let mut todo = vec![parsed.documents[0].tree.root()];
        while let Some(node) = todo.pop() {
            let span = node.location().unwrap().span;
            let written = &parsed.origin.text.as_deref().unwrap()[span.start as usize..span.end as usize];
            prop_assert_eq!(serde_json::from_str::<Value>(written).unwrap().to_string(), node.to_string());
            todo.extend(node.entries().map(|(_, v)| v).chain(node.elements()));
        }
    }
}
