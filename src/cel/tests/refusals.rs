//! What is refused when a policy is loaded, where, and with which help.

use super::*;

#[test]
fn syntax() {
    check(
        &sample(),
        &[
            ("", "refused: ``: Syntax error: found the end where a value should be"),
            ("1 +", "refused: ``: Syntax error: found the end where a value should be"),
            ("1 2", "refused: `2`: Syntax error: found a number where the end of the expression should be"),
            ("[1, 2", "refused: ``: Syntax error: found the end where ']' or ',' should be"),
            ("'abc", "refused: `'abc`: Syntax error: a string does not end"),
            ("'a\nb'", "refused: `'a`: Syntax error: a string does not end"),
            (r"'\q'", r"refused: `\q`: unable to unescape string: unknown escape sequence"),
            ("a ? b ? c : d : e", "refused: `?`: Syntax error: found '?' where ':' should be"),
            ("9223372036854775808", "refused: `9223372036854775808`: invalid int literal"),
            ("object.for", "error: no such key: for"),
            ("for", "refused: `for`: reserved identifier: for"),
            ("object.in", "refused: `in`: Syntax error: found 'in' where a field's name should be"),
            ("object.`a`", "refused: ```: unsupported syntax: '`'"),
            ("a # b", "refused: `#`: Syntax error: token recognition error at: '#'"),
        ],
    );
}

#[test]
fn types_and_names() {
    check(
        &sample(),
        &[
            ("1 + 'a'", "refused: `+`: found no matching overload for '_+_' applied to '(int, string)'"),
            ("1 == 1.0", "refused: `==`: found no matching overload for '_==_' applied to '(int, double)'"),
            ("1 in ['a']", "refused: `in`: found no matching overload for '@in' applied to '(int, list(string))'"),
            ("!1", "refused: `!1`: found no matching overload for '!_' applied to '(int)'"),
            ("1 && true", "refused: `1`: expected type 'bool' but found 'int'"),
            (
                "true ? 1 : 'a'",
                "refused: `? 1 : 'a'`: found no matching overload for '_?_:_' applied to '(bool, int, string)'",
            ),
            ("[1, 'a']", "refused: `'a'`: expected type 'int' but found 'string'"),
            ("{'a': 1u, 'b': 1.5}", "refused: `1.5`: expected type 'uint' but found 'double'"),
            ("[1, object.n]", "refused: `object.n`: expected type 'int' but found 'dyn'"),
            ("nope", "refused: `nope`: undeclared reference to 'nope'"),
            ("[1].map(x, y)", "refused: `y`: undeclared reference to 'y'"),
            (
                "[1].exists(x, x == 'a')",
                "refused: `==`: found no matching overload for '_==_' applied to '(int, string)'",
            ),
            ("[1].all(1, true)", "refused: `1`: argument must be a simple name"),
            (
                "'abc'.all(x, true)",
                "refused: `'abc'`: expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)",
            ),
            ("foo(1)", "refused: `foo(1)`: undeclared reference to 'foo'"),
            ("object.n.size(1)", "refused: `.size(1)`: found no matching overload for 'size' applied to 'dyn.(int)'"),
            (
                "'abc'.reverse()",
                "refused: `.reverse()`: found no matching overload for 'reverse' applied to 'string.()'",
            ),
            ("[1][true]", "refused: `[true]`: found no matching overload for '_[_]' applied to '(list(int), bool)'"),
            ("1.x", "refused: `.x`: type 'int' does not support field selection"),
            ("'a'.x", "refused: `.x`: type 'string' does not support field selection"),
            ("has(object)", "refused: `object`: invalid argument to has() macro"),
            ("has(object.list[0])", "refused: `object.list[0]`: invalid argument to has() macro"),
            ("request.foo", "refused: `.foo`: undefined field 'foo'"),
            ("facts.migration.verdct == ''", "refused: `.verdct`: undefined field 'verdct'"),
            ("facts.migration.obstacles.all(o, o.x == '')", "refused: `.x`: undefined field 'x'"),
            ("variables.x", "refused: `.x`: undefined field 'x'"),
            (
                "optional.of(1).orValue('a')",
                "refused: `.orValue('a')`: found no matching overload for 'orValue' applied to 'optional_type(int).(string)'",
            ),
            ("[?1]", "refused: `1`: expected type 'optional_type(int)' but found 'int'"),
            (
                "JSONPatch{op: 'add', path: 1}",
                "refused: `1`: expected type of field 'path' is 'string' but provided type is 'int'",
            ),
            ("JSONPatch{foo: 'a'}", "refused: `foo`: undefined field 'foo'"),
            (
                "Object{spec: Object.meta{}}",
                "refused: `Object.meta{}`: expected type 'Object.spec' for field 'spec', found 'Object.meta'",
            ),
            ("Foo{a: 1}", "refused: `Foo{a: 1}`: undeclared reference to 'Foo'"),
        ],
    );
}

#[test]
fn literals_are_computed_at_load() {
    check(
        &sample(),
        &[
            ("int(1e99)", "refused: `int(1e99)`: integer overflow"),
            ("duration('1x')", "refused: `'1x'`: invalid duration argument"),
            ("timestamp('x')", "refused: `'x'`: invalid timestamp argument"),
            ("object.name.matches('(')", "refused: `'('`: invalid matches argument"),
            ("string(null)", "refused: `string(null)`: no such overload: string(null_type)"),
        ],
    );
}

#[test]
fn what_cel_go_has_and_kubernetes_has_not() {
    check(
        &sample(),
        &[
            ("cel.bind(x, 1, x)", "refused: `cel.bind(x, 1, x)`: cel.bind is not in Kubernetes' CEL"),
            ("math.greatest(1, 2)", "refused: `math.greatest(1, 2)`: math.greatest is not in Kubernetes' CEL"),
            ("base64.encode(b'a')", "refused: `base64.encode(b'a')`: base64.encode is not in Kubernetes' CEL"),
            ("authorizer.group('')", "refused: `authorizer`: undeclared reference to 'authorizer'"),
        ],
    );
}

#[test]
fn all_problems_at_once() {
    assert_eq!(
        outcome("nope == 1 && request.foo == 'a' && 1 + 'a' > 0", &sample()),
        "refused: `nope`: undeclared reference to 'nope'; `.foo`: undefined field 'foo'; \
         `+`: found no matching overload for '_+_' applied to '(int, string)'"
    );
}

#[test]
fn help_says_what_would_be_right() {
    let help = |source: &str| compile(source).unwrap_err().remove(0).help.unwrap_or_default();
    for (source, expected) in [
        ("objct.a", "did you mean 'object'?"),
        ("facts.migraton.verdict", "did you mean 'migration'?"),
        ("facts.migration.verdcit", "did you mean 'verdict'?"),
        ("'a'.startWith('a')", "did you mean 'startsWith'?"),
        ("[1].transfromList(i, v, v)", "did you mean 'transformList'?"),
        ("[1].map(x)", "map is a macro and takes other arguments, such as list.map(x, x.name)"),
        ("[1, 'a']", "all elements of a literal have to be of one type; dyn(x) makes one dynamic"),
        ("authorizer.group('')", "who may do what is known to the API server alone, so no policy here may ask"),
        ("'a'.indexOf(1)", "there is list(A).indexOf(A), list(A).lastIndexOf(A)"),
        ("cel.bind(x, 1, x)", "write it as a variable of the policy"),
    ] {
        if source == "'a'.indexOf(1)" {
            assert!(help(source).contains("string.indexOf(string, int)"), "{}", help(source));
        } else {
            assert_eq!(help(source), expected, "{source}");
        }
    }
}

#[test]
fn results_have_the_type_that_is_wanted() {
    let refusal = |source: &str, expect: Expect| {
        let mut builder = UnitBuilder::new(declarations());
        builder.expression(source, expect).map(drop).map_err(|r| r[0].message.clone())
    };
    let wrong = |message: &str| Err(message.to_owned());
    assert_eq!(refusal("object.t == true", Expect::Bool), Ok(()));
    assert_eq!(refusal("object.t", Expect::Bool), wrong("must evaluate to bool"));
    assert_eq!(refusal("object.t", Expect::Any), Ok(()));
    assert_eq!(refusal("'a'", Expect::String), Ok(()));
    assert_eq!(refusal("1", Expect::String), wrong("must evaluate to string"));
    assert_eq!(refusal("null", Expect::StringOrNull), Ok(()));
    assert_eq!(refusal("object.t == true ? 'a' : ''", Expect::StringOrNull), Ok(()));
    assert_eq!(refusal("[JSONPatch{op: 'remove', path: '/a'}]", Expect::JsonPatch), Ok(()));
    assert_eq!(refusal("object.t == true ? [JSONPatch{op: 'remove', path: '/a'}] : []", Expect::JsonPatch), Ok(()));
    assert_eq!(refusal("[1]", Expect::JsonPatch), wrong("must evaluate to list(JSONPatch)"));
    assert_eq!(refusal("Object{}", Expect::Object), Ok(()));
    assert_eq!(refusal("Object.spec{}", Expect::Object), wrong("must evaluate to Object"));
}

#[test]
fn patch_types_are_for_mutations() {
    let mut builder = UnitBuilder::new(Declarations { patch_types: false, ..declarations() });
    let refusals = builder.expression("Object{}", Expect::Any).unwrap_err();
    assert_eq!(refusals[0].help.as_deref(), Some("Object may be written in mutations only"));
}

#[test]
fn variables_see_the_earlier_ones_only() {
    let mut builder = UnitBuilder::new(declarations());
    assert!(builder.variable("a", "variables.b").is_err());
    builder.variable("b", "'x'").unwrap();
    builder.variable("a", "variables.b + 'y'").unwrap();
    let refusals = builder.expression("variables.a + 1", Expect::Any).unwrap_err();
    assert_eq!(refusals[0].message, "found no matching overload for '_+_' applied to '(string, int)'");
    assert!(builder.variable("b", "1").is_err());
}

/// What a unit needs of Kubernetes is the newest thing in it.
#[test]
fn the_first_version_that_accepts_it() {
    for (source, minor) in [
        ("object.n == 1", 26),
        ("object.?n == optional.none()", 28),
        ("quantity('1') == quantity('2')", 28),
        ("sets.contains([1], [1])", 29),
        ("object.list.all(i, v, true)", 32),
        ("object.list.sortBy(x, x)", 34),
        ("[2, 1].sort()", 34),
    ] {
        assert_eq!(compile(source).unwrap().0.since(), (1, minor), "{source}");
    }
}

#[test]
fn what_an_expression_reads() {
    let mut builder = UnitBuilder::new(declarations());
    builder.variable("m", "facts.migration.verdict").unwrap();
    let id = builder.expression("variables.m == '' && has(request.name) && object.n == 1", Expect::Bool).unwrap();
    let whole = builder.expression("dyn(facts) == null", Expect::Bool).unwrap();
    let unit = builder.finish();
    insta::assert_snapshot!(
        format!("{:?}", unit.uses(id)),
        @r#"Uses { roots: {"facts", "object", "request"}, whole: {}, fields: {("facts", "migration"), ("request", "name")} }"#
    );
    assert_eq!(unit.uses(whole).whole.iter().collect::<Vec<_>>(), [&"facts"]);
}
