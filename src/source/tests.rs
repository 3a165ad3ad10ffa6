//! What texts are read as.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::object::{Node, Type};

/// The documents as JSON, then the problems, one a line.
fn read(text: &str) -> String {
    let parsed = parse("t.yaml", text.as_bytes().to_vec());
    let documents = parsed.documents.iter().map(|d| d.tree.root().to_string());
    let lines: Vec<String> = documents.chain(parsed.problems.iter().map(Problem::to_string)).collect();
    lines.join("\n")
}

/// A YAML document's only value under the key `v`.
fn value(text: &str) -> String {
    read(&format!("v: {text}\n")).replacen("{\"v\":", "", 1).trim_end_matches('}').to_owned()
}

/// Asked of kubectl 1.32 with `kubectl label --local -o json`.
#[test]
fn scalars_are_read_as_kubectl_reads_them() {
    let cases = [
        ("yes", "true"),
        ("on", "true"),
        ("y", "true"),
        ("Off", "false"),
        ("n", "false"),
        ("\"no\"", "\"no\""),
        ("0777", "511"),
        ("0o777", "511"),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("1e3", "1000"),
        ("5.0", "5"),
        (".5", "0.5"),
        ("1e30", "1e+30"),
        ("-0.0", "0"),
        ("12:30:45", "\"12:30:45\""),
        ("2026-01-01", "\"2026-01-01\""),
        ("~", "null"),
        ("", "null"),
        ("!!str yes", "\"yes\""),
        ("!!binary aGk=", "\"hi\""),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("9223372036854775807", "9223372036854775807"),
        ("0.10", "0.1"),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text), expected, "{text}");
    }
    assert_eq!(read("on: 1\n2: x\n"), r#"{"2":"x","true":1}"#);
    assert_eq!(read("a: {<<: {b: 1, c: 1}, b: 2}"), r#"{"a":{"b":2,"c":1}}"#);
}

#[test]
fn json_numbers_are_read_as_go_reads_them() {
    let cases = [
        ("1", "1"),
        ("-0", "0"),
        ("1.0", "1.0"),
        ("1e3", "1000.0"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9.223372036854776e18"),
        ("-9223372036854775809", "-9.223372036854776e18"),
    ];
    for (text, expected) in cases {
        let tree = json_tree(text.as_bytes()).unwrap();
        let whole = matches!(tree.root().kind(), Type::Int);
        assert_eq!(whole, !expected.contains('.'), "{text}");
        assert_eq!(tree.root().to_string().parse::<f64>().unwrap(), expected.parse::<f64>().unwrap(), "{text}");
    }
    assert_eq!(json_tree(b"[1e999]").unwrap_err().to_string(), "a number that no Kubernetes API can hold");
    assert_eq!(json_tree(br#"{"a":1,"a":2}"#).unwrap().root().to_string(), r#"{"a":2}"#);
    assert_eq!(json_tree(b"1 2").unwrap_err().to_string(), "something follows the end of the document");
}

#[test]
fn documents_are_split_at_dashes_and_dots() {
    let cases = [
        ("a: 1\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}"),
        ("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", "{\"a\":1}\n{\"b\":2}"),
        // KubeVirt's must-gather writes fifteen dashes.
        ("a: 1\n---------------\nb: 2\n---------------\n", "{\"a\":1}\n{\"b\":2}"),
        ("\u{feff}a: 1\r\n---\r\nb: 2\r\n", "{\"a\":1}\n{\"b\":2}"),
        ("--- {a: 1}\n--- # here\nb: 2", "{\"a\":1}\n{\"b\":2}"),
        ("%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}"),
        // Indented dashes belong to the text.
        ("a: |\n  x\n  ---\n  y\nb: 2\n", "{\"a\":\"x\\n---\\ny\\n\",\"b\":2}"),
        ("a: x\n--y: 1", "{\"--y\":1,\"a\":\"x\"}"),
        ("{\"a\":1}\n{\"b\":2}{\"c\":3}\n---\n[4]\n---\nd: 5", "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n[4]\n{\"d\":5}"),
        ("{a: 1, b: [x, z]}", "{\"a\":1,\"b\":[\"x\",\"z\"]}"),
        ("", ""),
        ("# only words\n", ""),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), expected, "{text:?}");
    }
}

#[test]
fn a_damaged_document_costs_only_itself() {
    assert_snapshot!(read("a: 1\n---\nb: [1\nc: 2\n---\nd: 3\n"), @r#"
    {"a":1}
    {"d":3}
    t.yaml:4:2: a key where none can stand (is this line indented too far, or the one before it a value?)
    "#);
    assert_snapshot!(read("{\"a\":1}\n{\"b\":,}\n{\"c\":3}\n"), @r#"
    {"a":1}
    {"c":3}
    t.yaml:2:6: expected a value
    "#);
}

#[test]
fn problems_say_what_is_wrong_and_where() {
    let texts = [
        "a:\n\t- 1\n",
        "é: {ü: 1}\na: 1\na: 2\n",
        "a: b: c\n",
        "a:\n - 1\nb: 2\n c: 3\n",
        "- a\nb: c\n",
        "a: 1\n- b\n",
        "a:\n  b: 1\n c: 2\n",
        "a: *x\n",
        "a: .inf\n",
        "x: \"abc\n",
        "a: 'it's'\n",
        "a: @b",
        "a: `b`",
        "a: \"\\q\"",
        "a: [1, 2\n",
        "a: [1}\n",
        "? [a]\n: b",
        "~: 1",
        "y: 1\non: 2\n",
        "a: !!int x",
        "k: &a [*a]",
        "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> main\n",
        "replicas: {{ .Values.replicas }}\n",
        "{{- if .Values.on }}\na: 1\n{{- end }}\n",
        "{\"a\" 1}",
        "{\"a\": \"x",
    ];
    let all: Vec<String> = texts.iter().map(|t| read(t)).collect();
    assert_snapshot!(all.join("\n"), @r##"
    t.yaml:2:1: a tab where YAML takes only spaces (indent with spaces)
    t.yaml:3:1: the key `a` occurs twice (kubectl would take the last one without a word)
    t.yaml:1:5: a second `:` in the value (put the value in quotes)
    t.yaml:4:3: a key where none can stand (is this line indented too far, or the one before it a value?)
    t.yaml:2:1: expected a list item, found the key `b` (is this line indented like its neighbours?)
    t.yaml:2:1: expected a key, found a list item (is this line indented like its neighbours?)
    t.yaml:3:2: the key `c` is not indented like those around it
    t.yaml:1:4: `*x` stands for a value that is named nowhere before (a text that begins with `*` needs quotes)
    t.yaml:1:4: `.inf` is a number that JSON does not have (put it in quotes if it is text)
    t.yaml:1:4: this quote is never closed
    t.yaml:1:8: something follows the closing quote (a quote inside the text is written twice: `''`)
    t.yaml:1:4: a value cannot begin with `@` (put it in quotes)
    t.yaml:1:4: a value cannot begin with a backtick (put it in quotes)
    t.yaml:1:4: an unknown escape in this text (a backslash is written `\\`, or use single quotes)
    t.yaml:1:4: `[` is never closed
    t.yaml:1:4: `[` is closed by `}`
    t.yaml:1:3: a key has to be text, and this one is a list
    t.yaml:1:1: a key has to be text, and this one is empty
    t.yaml:2:1: the key `true` occurs twice (kubectl would take the last one without a word)
    t.yaml:1:10: a value that does not fit its tag (`!!int`, `!!float`, `!!bool`)
    t.yaml:1:8: a value that contains itself
    t.yaml:2:1: a merge conflict that was not resolved
    t.yaml:1:12: a template, and not YAML yet (looks like a Helm template. Render first: helm template … | virt-guard check -)
    t.yaml:1:2: a template, and not YAML yet (looks like a Helm template. Render first: helm template … | virt-guard check -)
    t.yaml:1:6: expected `:`
    t.yaml:1:8: the text ends in the middle of the document (is the file cut off?)
    "##);
}

#[test]
fn bytes_that_are_no_text_have_a_place_too() {
    let first = |bytes: &[u8]| parse("x", bytes.to_vec()).problems.first().map(Problem::to_string).unwrap_or_default();
    assert_snapshot!(first(b"a: 1\nb: \xff\n"), @"x:2:4: not UTF-8 text (is this a binary file?)");
    assert_snapshot!(first(b"\xff\xfea\0:\0"), @"x:1:1: this text is UTF-16 (save it as UTF-8; PowerShell's `>` writes UTF-16)");
    assert_snapshot!(first(b"a: 1\n\0"), @"x:2:1: a NUL byte (is this a binary file?)");
}

#[test]
fn bombs_are_refused_and_aliases_are_not() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for i in 1..12 {
        bomb += &format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(","));
    }
    assert!(read(&bomb).contains("grows beyond all bounds"), "{}", read(&bomb));
    assert_eq!(read("a: &x [1]\nb: *x\nc: *x\n"), r#"{"a":[1],"b":[1],"c":[1]}"#);
}

#[test]
fn deep_documents_are_read_or_refused_on_a_small_stack() {
    let work = || {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for depth in [30, 100, 128, 129, 9_999, 10_000] {
            let parsed = parse("t", nested(depth).into_bytes());
            assert_eq!(parsed.documents.len(), 1, "{depth}");
            assert_eq!(parsed.documents[0].tree.root().to_string(), nested(depth));
        }
        assert_eq!(read(&nested(10_001)), "t.yaml:1:1: nested deeper than 10000 levels");
        let yaml = |depth: usize| (0..depth).map(|i| format!("{}k:\n", " ".repeat(i))).collect::<String>();
        for depth in [23, 25, 999] {
            assert!(read(&yaml(depth)).ends_with(&format!("null{}", "}".repeat(depth))), "{depth}");
        }
        assert_eq!(read(&yaml(1_001)), "t.yaml:1:1: nested deeper than 1000 levels");
    };
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
}

/// Each value with its line, column and text.
fn places(node: Node<'_>) -> String {
    let text = node.tree().origin().and_then(|o| o.text.as_deref()).unwrap_or_default();
    let place = |n: Node<'_>| {
        let l = n.location().unwrap();
        format!("{}:{} {:?}", l.line, l.column, text.get(l.span.start as usize..l.span.end as usize).unwrap_or("?"))
    };
    let shown = if node.scalar().is_some() { format!(" = {node}") } else { String::new() };
    let mut out = format!("{}{shown}\n", place(node));
    for (key, value) in node.entries() {
        out += &format!("{}:\n{}", place(node.entry(key).unwrap().0), places(value));
    }
    out + &node.elements().map(places).collect::<String>()
}

#[test]
fn yaml_values_know_where_they_stand() {
    let text = "# héllo\r\nt\u{eb}: {x: [1, yes], e: { }} # }\r\ny: &a\r\n  k: 'v''w'\r\nz: *a\r\nl: |\r\n  [one\r\n  two\r\nq:\r\n- [a]\r\n- !!str 12\r\n";
    let parsed = parse("t.yaml", text.as_bytes().to_vec());
    assert_snapshot!(places(parsed.documents[0].tree.root()), @r##"
    2:1 "të: {x: [1, yes], e: { }} # }\r\ny: &a\r\n  k: 'v''w'\r\nz: *a\r\nl: |\r\n  [one\r\n  two\r\nq:\r\n- [a]\r\n- !!str 12"
    6:1 "l":
    7:3 "[one\r\n  two" = "[one\ntwo\n"
    9:1 "q":
    10:3 "[a]\r\n- !!str 12"
    10:3 "[a]"
    10:4 "a" = "a"
    11:9 "12" = "12"
    3:1 "y":
    4:3 "k: 'v''w'"
    4:3 "k":
    4:6 "'v''w'" = "v'w"
    2:1 "të":
    2:5 "{x: [1, yes], e: { }}"
    2:19 "e":
    2:22 "{ }"
    2:6 "x":
    2:9 "[1, yes]"
    2:10 "1" = 1
    2:13 "yes" = true
    5:1 "z":
    4:3 "k: 'v''w'"
    4:3 "k":
    4:6 "'v''w'" = "v'w"
    "##);
}

#[test]
fn json_values_know_where_they_stand() {
    let text = "{\"a\": 1}\n\n {\"b\\\"\" : [ true,{\"é\":\"ü\"} , -1.5e3 ],\n\"a\":null,\"b\":{}}";
    let parsed = parse("t.json", text.as_bytes().to_vec());
    assert_snapshot!(places(parsed.documents[1].tree.root()), @r##"
    3:2 "{\"b\\\"\" : [ true,{\"é\":\"ü\"} , -1.5e3 ],\n\"a\":null,\"b\":{}}"
    4:1 "\"a\"":
    4:5 "null" = null
    4:10 "\"b\"":
    4:14 "{}"
    3:3 "\"b\\\"\"":
    3:11 "[ true,{\"é\":\"ü\"} , -1.5e3 ]"
    3:13 "true" = true
    3:18 "{\"é\":\"ü\"}"
    3:19 "\"é\"":
    3:23 "\"ü\"" = "ü"
    3:30 "-1.5e3" = -1500.0
    "##);
}

#[test]
fn places_in_large_json_are_found_by_landmarks() {
    let line = |i: usize| format!("  {{\"name\": \"vm-{i}\", \"spec\": {{\"x\": [1, {i}, \"ü\"]}}}}");
    let text = format!("[\n{}\n]", (0..5_000).map(line).collect::<Vec<_>>().join(",\n"));
    let parsed = parse("t.json", text.into_bytes());
    for (i, element) in parsed.documents[0].tree.root().elements().enumerate().step_by(97) {
        let location = element.at(&["spec", "x"]).unwrap().location().unwrap();
        assert_eq!((location.line as usize, location.column as usize), (i + 2, line(i).find("[1").unwrap() + 1));
        assert_eq!(location.span.end - location.span.start, format!("[1, {i}, \"ü\"]").len() as u32);
    }
}

/// In each text, the value of `v` is walked: every character that is no white space has to be found where it is written.
#[test]
fn places_inside_scalars_are_found_in_every_style() {
    let texts = [
        "v: plain a.b == 'ü' && x\n",
        "v: plain over\n  two lines\n\n  and a third\nw: 1",
        "v: 'it''s \u{1f600} a\n  folded\n\n  text'\n",
        "v: \"a\\tb \\\"q\\\" \\u00fc \\x41 c\\\n  d\n   e \\\\ f\"\n",
        "v: |\n  object.spec\n    .x == 'ä'\n\n  && y\n",
        "v: |-  # why\r\n    a == 1 ||\r\n    b == 2\r\n",
        "v: >-\n  a == 1 &&\n  b == 2\n\n  c\n    d\n  e\n",
        "v: |2\n    indented\n  less\n",
        "- >\n  a\n  b\n",
        "{\"v\": \"a \\\"b\\\" \\ud83d\\ude00 \\n c\\/d\"}",
    ];
    for text in texts {
        let parsed = parse("t", text.as_bytes().to_vec());
        let root = parsed.documents[0].tree.root();
        let node = root.get("v").or(root.element(0)).unwrap();
        let value = node.as_str().unwrap();
        let mut last = 0;
        for (offset, c) in value.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            let span = position_in_scalar(node, offset).unwrap().span;
            let written = &text[span.start as usize..span.end as usize];
            assert!(written == c.to_string() || written == "\\" || written == "'", "{text:?}: {c} at {written:?}");
            assert!(offset == 0 || span.start > last, "{text:?}: {c} does not move on");
            last = span.start;
        }
        let end = position_in_scalar(node, value.len()).unwrap();
        assert!(end.span.start > last, "{text:?}");
    }
}

#[test]
fn a_place_inside_a_folded_scalar_has_line_and_column() {
    let text = "a: 1\n---\nspec:\n  expression: >-\n    object.spec.x ==\n    object.spec.ypsilon\n";
    let parsed = parse("t", text.as_bytes().to_vec());
    let node = parsed.documents[1].tree.root().at(&["spec", "expression"]).unwrap();
    let offset = node.as_str().unwrap().find("ypsilon").unwrap();
    let location = position_in_scalar(node, offset).unwrap();
    assert_eq!((location.line, location.column), (6, 17));
}

fn contents(text: &str) -> String {
    let parsed = parse("t", text.as_bytes().to_vec());
    let mut out = Vec::new();
    for document in &parsed.documents {
        let contents = document.contents();
        for item in &contents.items {
            let name = document.tree.node(item.root).str_at(&["metadata", "name"]).unwrap_or("-");
            out.push(format!("{} {name}", item.gvk));
        }
        out.extend(
            contents.lists.iter().map(|l| format!("list of {}{}", l.gvk, if l.cut_off { ", cut off" } else { "" })),
        );
        out.extend(contents.others.iter().map(|o| format!("other {}", document.tree.node(*o))));
    }
    out.join("\n")
}

#[test]
fn lists_are_opened() {
    assert_snapshot!(contents("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n---\nimage: {tag: x}\n"), @r#"
    v1, kind Pod p
    other {"image":{"tag":"x"}}
    "#);
    assert_snapshot!(contents(
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: PodList, items: [{metadata: {name: a}}]}\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}\n- {metadata: {name: lost}}\n"
    ), @r#"
    v1, kind Pod a
    apps/v1, kind Deployment d
    list of v1, kind Pod
    other {"metadata":{"name":"lost"}}
    "#);
    assert_snapshot!(contents(
        "apiVersion: kubevirt.io/v1\nkind: VirtualMachineList\nmetadata: {continue: abc}\nitems: null\n---\napiVersion: x/v1\nkind: AllowList\nspec: {}\n"
    ), @r"
    list of kubevirt.io/v1, kind VirtualMachine, cut off
    x/v1, kind AllowList -
    ");
}

#[test]
fn objects_of_a_list_share_their_type() {
    let parsed = parse("t", b"apiVersion: v1\nkind: PodList\nitems: [{}, {}]".to_vec());
    let items = parsed.documents[0].contents().items;
    assert!(Arc::ptr_eq(&items[0].gvk, &items[1].gvk));
}

const SEED: &str = "apiVersion: v1 # c\nkind: List\nitems:\n- &a {metadata: {name: \"x\\n\"}, n: [1, -2.5e3]}\n- *a\n- <<: *a\n  t: |\n    te\n    xt\n  f: >-\n    fol\n\n    ded\n---\n{\"a\": [null, \"\\u00fc\"], 'b': yes}\n---------------\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// No text, however damaged, stops the reader; every place it gives is inside the text.
    #[test]
    fn damaged_text_gives_problems_and_no_panic(edits in prop::collection::vec((0usize..400, any::<u8>(), 0u8..4), 1..6)) {
        let mut bytes = SEED.as_bytes().to_vec();
        for (at, byte, what) in edits {
            let at = at % (bytes.len() + 1);
            match what {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 if at < bytes.len() => bytes[at] = b"{}[]:,-\"'#&*!|>%@ \n\t"[byte as usize % 20],
                _ => bytes.truncate(at.max(1)),
            }
        }
        let parsed = parse("t", bytes);
        let text = parsed.origin.text.clone().unwrap_or_default();
        let mut todo: Vec<Node<'_>> = parsed.documents.iter().map(|d| d.tree.root()).collect();
        while let Some(node) = todo.pop() {
            let span = node.location().unwrap().span;
            prop_assert!(text.get(span.start as usize..span.end as usize).is_some(), "{:?}", span);
            if let Some(value) = node.as_str() {
                position_in_scalar(node, value.len() / 2).unwrap();
            }
            todo.extend(node.entries().map(|(_, v)| v).chain(node.elements()));
        }
        for document in &parsed.documents {
            document.contents();
        }
        for problem in &parsed.problems {
            prop_assert!(problem.line >= 1 && problem.line as usize <= text.lines().count() + 1);
            prop_assert!(!problem.message.contains(" at line "), "{}", problem);
        }
    }

    #[test]
    fn any_text_can_be_read(text in ".{0,200}") {
        parse("t", text.into_bytes());
    }
}
