//! Nothing that is accepted overflows a stack, and what the API server refuses for its size is refused here.

use super::*;

/// Runs on the stack that a worker thread has.
fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

fn nest(open: &str, inside: &str, close: &str, times: usize) -> String {
    format!("{}{inside}{}", open.repeat(times), close.repeat(times))
}

/// The deepest that is accepted, and one more, as the API server answers.
#[test]
fn the_limits_are_the_api_servers() {
    on_small_stack(|| {
        type Shape = fn(usize) -> String;
        let shapes: [(&str, Shape, usize); 10] = [
            ("brackets", |n| nest("(", "1", ")", n), 249),
            ("lists", |n| nest("[", "1", "]", n), 249),
            ("signs", |n| nest("!(", "true", ")", n), 249),
            ("calls", |n| nest("dyn(", "1", ")", n), 249),
            ("sums", |n| format!("1{}", "+1".repeat(n)), 250),
            ("fields", |n| format!("object{}", ".a".repeat(n)), 250),
            ("indexes", |n| format!("object{}", "[0]".repeat(n)), 250),
            ("methods", |n| format!("object{}", ".trim()".repeat(n)), 250),
            ("conditions", |n| format!("{}1", "true?1:".repeat(n)), 249),
            ("macros", |n| nest("[1].map(x, ", "1", ")", n), 249),
        ];
        for (name, shape, most) in shapes {
            let accepted = outcome(&shape(most), &sample());
            assert!(!accepted.starts_with("refused"), "{name} {most}: {accepted}");
            let refused = compile(&shape(most + 1)).unwrap_err();
            assert_eq!(refused[0].message, "expression recursion limit exceeded: 250", "{name}");
        }
    });
}

#[test]
fn any_number_of_and_and_or() {
    on_small_stack(|| {
        let many = format!("true{}", " && object.t".repeat(20_000));
        assert_eq!(outcome(&many, &sample()), "true");
        let many = format!("false{}", " || false".repeat(20_000));
        assert_eq!(outcome(&many, &sample()), "false");
    });
}

#[test]
fn runs_of_signs() {
    on_small_stack(|| {
        assert_eq!(outcome(&format!("{}true", "!".repeat(100_001)), &sample()), "false");
        assert_eq!(outcome(&format!("{}1", "-".repeat(100_000)), &sample()), "1");
    });
}

/// What nests without end is refused and not read to its end.
#[test]
fn hostile_nesting_is_refused() {
    on_small_stack(|| {
        for open in ["(", "[", "{1:", "f(", "a.b(", "-(", "a[", "a?b:(", "x{y:", "has("] {
            assert!(compile(&open.repeat(50_000)).is_err(), "{open}");
        }
    });
}

/// Each macro, nested as deep as it may be, evaluated and explained.
#[test]
fn deep_evaluation_fits_a_small_stack() {
    on_small_stack(|| {
        let shapes = [
            ("[1].map(x, ", "1", ")"),
            ("[1].all(x, ", "true", ")"),
            ("[1].filter(x, ", "true", ").size() == 1"),
            ("[1].sortBy(x, ", "1", ")[0]"),
            ("{'k': 1}.transformMap(k, v, ", "1", ")"),
            ("optional.of(1).optMap(x, ", "1", ")"),
            ("optional.none().orValue(", "dyn(1)", ")"),
            ("has({'a': ", "1", "}.a) ? dyn(1) : dyn(2)"),
            ("Object{a: ", "1", "}"),
            ("(true ? ", "dyn(1)", " : dyn(2))"),
            ("[", "object.n", "]"),
            ("{'a': ", "object.n", "}"),
            ("dyn(", "object.n", ")"),
            ("(object.n + ", "object.n", ")"),
            ("(object.t && ", "object.t", ")"),
        ];
        let tree = tree(&sample());
        let inputs = [Input::Node(tree.root())];
        for (open, inside, close) in shapes {
            // Some shapes are more than one level each; take the deepest that is accepted.
            let deepest = (1..=250).rev().step_by(3).find_map(|n| compile(&nest(open, inside, close, n)).ok());
            let (unit, id) = deepest.unwrap_or_else(|| panic!("{open} is never accepted"));
            let plain = shown(Evaluation::new(&unit, &inputs, Off).evaluate(id));
            let traced = shown(Evaluation::new(&unit, &inputs, Blame::new()).evaluate(id));
            assert_eq!(plain, traced, "{open}");
            assert!(!plain.starts_with("error"), "{open}: {plain}");
        }
    });
}

/// Variables that use each other nest like brackets would, and there may be any number.
#[test]
fn a_chain_of_variables_fits_a_small_stack() {
    on_small_stack(|| {
        let mut builder = UnitBuilder::new(declarations());
        builder.variable("v0", "object.n").unwrap();
        for i in 1..2_000 {
            builder.variable(&format!("v{i}"), &format!("[variables.v{}].map(x, x)[0] + 1", i - 1)).unwrap();
        }
        let id = builder.expression("variables.v1999", Expect::Any).unwrap();
        let unit = builder.finish();
        let tree = tree(&sample());
        let inputs = [Input::Node(tree.root())];
        assert_eq!(shown(Evaluation::new(&unit, &inputs, Off).evaluate(id)), "2002");
    });
}

/// An object may nest to 10 000: selecting from it, comparing it and printing it take no stack.
#[test]
fn deep_objects() {
    on_small_stack(|| {
        let nowhere = Span::default();
        let deep = || {
            let mut builder = TreeBuilder::new(0);
            let mut open = Vec::new();
            for _ in 0..9_000 {
                open.push(builder.open_list(nowhere).unwrap());
            }
            while let Some(list) = open.pop() {
                builder.close(list).unwrap();
            }
            builder.finish()
        };
        let (a, b) = (deep(), deep());
        let inputs = [Input::Node(a.root()), Input::Node(b.root())];
        for (source, expected) in [
            ("object == oldObject", "true"),
            ("object in [oldObject]", "true"),
            ("[object] == [oldObject]", "true"),
            ("object.flatten(100000).size()", "0"),
            ("object.map(x, x).size()", "1"),
        ] {
            let (unit, id) = compile(source).unwrap();
            assert_eq!(shown(Evaluation::new(&unit, &inputs, Blame::new()).evaluate(id)), expected, "{source}");
        }
        let (unit, id) = compile("object").unwrap();
        let value = Evaluation::new(&unit, &inputs, Off).evaluate(id).unwrap();
        assert_eq!(value.to_json().unwrap_err(), "value nests deeper than 500 levels");
    });
}

/// Work and memory are bounded by what goes in, whatever comes out.
#[test]
fn bombs_end_over_budget() {
    let doubling = |first: &str, step: &str, times: usize| {
        let mut builder = UnitBuilder::new(declarations());
        builder.variable("v0", first).unwrap();
        for i in 1..times {
            builder.variable(&format!("v{i}"), &step.replace('#', &format!("variables.v{}", i - 1))).unwrap();
        }
        let id = builder.expression(&format!("size(variables.v{})", times - 1), Expect::Any).unwrap();
        let unit = builder.finish();
        shown(Evaluation::new(&unit, &[], Off).evaluate(id))
    };
    assert_eq!(doubling("'0123456789'", "# + #", 40), "over budget");
    assert_eq!(doubling("'0123456789'", "#.replace('', #)", 8), "over budget");
    assert_eq!(doubling("[1, 2, 3, 4]", "# + #", 40), "over budget");
    assert_eq!(doubling("[1, 2, 3, 4]", "#.map(x, #)", 12), "over budget");
    assert_eq!(outcome("lists.range(900000).map(x, lists.range(900000))", &sample()), "over budget");
    assert_eq!(outcome("lists.range(100000000)", &sample()), "over budget");
}

#[test]
fn nothing_absorbs_over_budget() {
    let costly = "lists.range(2000000).size() > 0";
    for source in [
        format!("{costly} || true"),
        format!("true && ({costly} || true)"),
        format!("[1, 2].exists(x, {costly} || x == 2)"),
        format!("optional.of({costly}).orValue(true)"),
    ] {
        assert_eq!(outcome(&source, &sample()), "over budget", "{source}");
    }
}

/// Variables may make a value, and its type, nest deeper than any expression does; of the value memory is the bound.
#[test]
fn a_value_that_variables_nest_fits_a_small_stack() {
    on_small_stack(|| {
        for (step, whole) in [("[#]", "size(#)"), ("{'a': #}", "#.size()"), ("optional.of(#)", "#.hasValue() ? 1 : 0")]
        {
            let mut builder = UnitBuilder::new(declarations());
            builder.variable("v0", "object.n").unwrap();
            let name = |i: usize| format!("variables.v{i}");
            for i in 1..3_000 {
                builder.variable(&format!("v{i}"), &step.replace('#', &name(i - 1))).unwrap();
            }
            let id = builder.expression(&whole.replace('#', &name(2_999)), Expect::Any).unwrap();
            let unit = builder.finish();
            let tree = tree(&sample());
            let inputs = [Input::Node(tree.root())];
            assert_eq!(shown(Evaluation::new(&unit, &inputs, Off).evaluate(id)), "over budget", "{step}");
        }
    });
}
