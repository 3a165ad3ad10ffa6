//! Whatever the text, nothing panics, and listening changes nothing.

use proptest::prelude::*;

use super::*;

/// Pieces of expressions, right ones and wrong ones.
const PIECES: [&str; 78] = [
    "object",
    "oldObject",
    "request",
    "facts",
    ".name",
    ".n",
    ".list",
    ".words",
    ".labels",
    ".items",
    ".nope",
    ".?nope",
    ".?n",
    "[0]",
    "[?1]",
    "['app']",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "!",
    " in ",
    "1",
    "2u",
    "1.5",
    "'a'",
    "b'x'",
    "true",
    "null",
    "[1, 2]",
    "{'a': 1}",
    ".all(x, x > 1)",
    ".exists(x, x == 2)",
    ".map(x, x)",
    ".filter(k, k != 'app')",
    ".map(x, x > 1, [x])",
    ".all(i, v, i < 2)",
    ".transformMap(k, v, v)",
    ".sortBy(x, x)",
    ".exists_one(x, true)",
    ".size()",
    ".orValue(1)",
    ".optMap(x, x)",
    ".join(',')",
    ".sum()",
    ".matches('a')",
    ".split('')",
    ".replace('', 'a')",
    ".format([1])",
    ".flatten()",
    "size(",
    "string(",
    "int(",
    "has(object.name)",
    "dyn(",
    "type(",
    "quantity('1Gi')",
    "duration('1h')",
    "x",
    " ",
    "Object{a: 1}",
    "optional.of(",
];

fn either_way(source: &str, object: &Json) -> Result<(), TestCaseError> {
    let Ok((unit, id)) = compile(source) else { return Ok(()) };
    let tree = tree(object);
    let inputs = [Input::Node(tree.root()), Input::Node(tree.root())];
    let mut plain = Evaluation::new(&unit, &inputs, Off);
    let mut traced = Evaluation::new(&unit, &inputs, Blame::new());
    let (a, b) = (plain.evaluate(id), traced.evaluate(id));
    prop_assert_eq!(plain.spent(), traced.spent(), "{}", source);
    if let Ok(value) = &a {
        let _ = value.to_json();
    }
    prop_assert_eq!(shown(a), shown(b), "{}", source);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_in_any_order(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 1..14)) {
        either_way(&pieces.concat(), &sample())?;
    }

    /// Most of these are accepted: a path, and things done to it.
    #[test]
    fn things_done_to_a_path(start in 0usize..5, rest in prop::collection::vec(4usize..16, 0..4), calls in prop::collection::vec(45usize..66, 0..5)) {
        let mut source = PIECES[start % 4].to_owned();
        rest.iter().chain(&calls).for_each(|i| source.push_str(PIECES[*i]));
        either_way(&source, &sample())?;
    }

    #[test]
    fn any_text(source in "\\PC{0,60}") {
        either_way(&source, &sample())?;
    }
}
