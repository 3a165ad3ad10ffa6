//! What expressions give. Every line was asked of the API server (1.36) and is its answer, but for the order of maps.

use super::*;

#[test]
fn operators() {
    check(
        &sample(),
        &[
            ("1 + 2 * 3 - 4 / 2 % 3", "5"),
            ("-7 / 2", "-3"),
            ("-7 % 3", "-1"),
            ("1 / 0", "error: division by zero"),
            ("1 % 0", "error: modulus by zero"),
            ("1.0 / 0.0", "+Inf"),
            ("9223372036854775807 + 1", "error: integer overflow"),
            ("-9223372036854775808 - 1", "error: integer overflow"),
            ("-(-9223372036854775807 - 1)", "error: integer overflow"),
            ("1u - 2u", "error: unsigned integer overflow"),
            ("'a' + 'b'", "\"ab\""),
            ("[1] + [2, 3]", "[1,2,3]"),
            ("b'a' + b'b'", "b\"ab\""),
            ("object.n + 1", "4"),
            ("object.n + 1.0", "error: no such overload"),
            ("object.words + ['c']", "[\"a\",\"b\",\"c\"]"),
            ("true ? 1 : 2", "1"),
            ("false ? 1 : false ? 2 : 3", "3"),
            ("object.name ? 1 : 2", "error: no such overload"),
            ("!object.t", "false"),
            ("!object.n", "error: no such overload"),
            ("-object.n", "-3"),
            ("!!true", "true"),
            ("---1", "-1"),
        ],
    );
}

#[test]
fn numbers_compare_across_their_types() {
    check(
        &sample(),
        &[
            ("1 < 1.5", "true"),
            ("-1 < 1u", "true"),
            ("object.n == 3.0", "true"),
            ("object.n == 3u", "true"),
            ("object.d > 1", "true"),
            ("9223372036854775807 < 9223372036854775808.0", "false"),
            ("dyn(9223372036854775807) == 9223372036854775808.0", "true"),
            ("object.big > 1", "true"),
            ("0.0 / 0.0 == 0.0 / 0.0", "false"),
            ("0.0 / 0.0 < 1.0", "error: NaN values cannot be ordered"),
            ("object.list == [1.0, 2.0, 3.0]", "true"),
            ("dyn(1) == 'a'", "false"),
            ("object.n < 'a'", "error: no such overload"),
            ("'a' < 'b' && b'a' < b'b' && false < true", "true"),
            ("{1: 'a'}[1]", "\"a\""),
            ("dyn({1: 'a'})[1u] + dyn({1: 'b'})[1.0]", "\"ab\""),
        ],
    );
}

#[test]
fn logic_absorbs_errors() {
    check(
        &sample(),
        &[
            ("true || 1 / 0 == 1", "true"),
            ("1 / 0 == 1 || true", "true"),
            ("1 / 0 == 1 && false", "false"),
            ("1 / 0 == 1 && true", "error: division by zero"),
            ("1 / 0 == 1 || 1 % 0 == 1", "error: division by zero"),
            ("object.name || true", "true"),
            ("object.name || false", "error: no such overload"),
            ("[1, 0].all(x, 1 / x > 5)", "false"),
            ("[0, 5].all(x, 1 / x > 5)", "false"),
            ("[0, 1].exists(x, 1 / x == 1)", "true"),
            ("[0, 5].exists(x, 1 / x == 1)", "error: division by zero"),
            ("[1, 0].map(x, 1 / x)", "error: division by zero"),
            ("[1, 0].filter(x, 1 / x == 1)", "error: division by zero"),
            ("[1, 0].exists_one(x, 1 / x == 1)", "error: division by zero"),
        ],
    );
}

#[test]
fn fields_and_indexes() {
    check(
        &sample(),
        &[
            ("object.name", "\"db-01\""),
            ("object.nope", "error: no such key: nope"),
            ("object.name.x", "error: no such key: x"),
            ("object.nothing.x", "error: no such key: x"),
            ("object.list.x", "error: unsupported index type 'string' in list"),
            ("object.list[2]", "3"),
            ("object.list[5]", "error: index out of bounds: 5"),
            ("object.list[-1]", "error: index out of bounds: -1"),
            ("object.list[1.0]", "2"),
            ("object.list[1.5]", "error: unsupported index value 1.5 in list"),
            ("object['dash-ed'].namespace", "\"n\""),
            ("object.labels[object.words[0] + 'pp']", "\"shop\""),
            ("oldObject", "null"),
            ("oldObject.x", "error: no such key: x"),
            ("has(object.name)", "true"),
            ("has(object.nothing)", "true"),
            ("has(object.nope)", "false"),
            ("has(object.nope.x)", "error: no such key: nope"),
            ("has(oldObject.x)", "false"),
            ("has({'a': null}.a)", "true"),
            ("'app' in object.labels && !('x' in object.labels)", "true"),
            ("2 in object.list && 2.0 in [dyn(2)] && !(9 in object.list)", "true"),
            ("'a' in object.name", "error: no such overload"),
            ("'x' in []", "false"),
        ],
    );
}

#[test]
fn optionals() {
    check(
        &sample(),
        &[
            ("object.?name", "optional.of(\"db-01\")"),
            ("object.?nope.x.?y", "optional.none()"),
            ("object.?nope.orValue('d')", "\"d\""),
            ("object.?name.orValue(1 / 0)", "\"db-01\""),
            ("object.?nope.or(object.?name).value()", "\"db-01\""),
            ("object.list[?9].hasValue()", "false"),
            ("object[?'name'].optMap(x, x + '!')", "optional.of(\"db-01!\")"),
            ("object.?nope.optMap(x, x + '!')", "optional.none()"),
            ("object.?items.optFlatMap(i, i[?0]).optMap(i, i.name).orValue('')", "\"x\""),
            ("optional.none().value()", "error: optional.none() dereference"),
            ("optional.ofNonZeroValue('')", "optional.none()"),
            ("[?object.?name, ?object.?nope]", "[\"db-01\"]"),
            ("{?'a': object.?name, ?'b': object.?nope}", "{\"a\":\"db-01\"}"),
            ("Object{?spec: object.?nope}", "Object{}"),
            ("has(object.?nope.x)", "false"),
            ("object.?name == optional.of('db-01')", "true"),
        ],
    );
}

#[test]
fn macros() {
    check(
        &sample(),
        &[
            ("object.list.all(x, x > 0) && ![].exists(x, true) && [].all(x, false)", "true"),
            ("object.list.exists_one(x, x > 2)", "true"),
            ("object.list.map(x, x * 2)", "[2,4,6]"),
            ("object.list.map(x, x > 1, x * 2)", "[4,6]"),
            ("object.list.filter(x, x != 2)", "[1,3]"),
            ("object.labels.map(k, k)", "[\"app\",\"tier\"]"),
            ("object.labels.filter(k, object.labels[k] == 'db')", "[\"tier\"]"),
            ("object.labels.all(k, v, size(v) > 1)", "true"),
            ("object.list.exists(i, v, i == 2 && v == 3)", "true"),
            ("object.list.existsOne(i, v, v > 1)", "false"),
            ("object.list.transformList(i, v, i > 0, v * 10 + i)", "[21,32]"),
            ("object.labels.transformMap(k, v, k != 'app', size(v))", "{\"tier\":2}"),
            ("object.labels.transformMapEntry(k, v, {v: k})", "{\"db\":\"tier\",\"shop\":\"app\"}"),
            ("object.list.transformMapEntry(i, v, {'k': v})", "error: insert failed: key k already exists"),
            ("object.items.sortBy(i, i.v).map(i, i.name)", "[\"y\",\"x\"]"),
            ("[1, 2].map(x, [3, 4].map(y, x * y))", "[[3,4],[6,8]]"),
            ("[1, 2].map(x, [x].map(x, x + 1))", "[[2],[3]]"),
            ("object.name.all(x, true)", "error: got 'string', expected iterable type"),
            ("object.list.all(x, x)", "error: no such overload"),
            ("{3: 'a', 1: 'b'}.map(k, k)", "[1,3]"),
        ],
    );
}

#[test]
fn literals() {
    check(
        &sample(),
        &[
            (r#"'a\n\x41\u00e9\U0001F600\101\'' + r'\n' + "\"""#, "\"a\\nAé😀A'\\\\n\\\"\""),
            ("'''a\nb''' + \"\"\"c\"d\"\"\"", "\"a\\nbc\\\"d\""),
            (r"b'\xff\101a'", "b\"\\xffAa\""),
            ("0x1F + 1", "32"),
            ("[1u, 0x2u]", "[1u,2u]"),
            ("1e3 + .5", "1000.5"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("{'b': 1, 'a': 2}", "{\"a\":2,\"b\":1}"),
            ("{'a': 1, 'a': 2}", "{\"a\":2}"),
            ("{null: 1}", "{null:1}"),
            ("{1.5: 'a'}", "{1.5:\"a\"}"),
            ("{'a': object.n}.a", "3"),
            ("[,]", "[]"),
            ("1 // a comment\n + 1", "2"),
            ("Object{spec: Object.spec{replicas: object.n}}", "Object{\"spec\":Object.spec{\"replicas\":3}}"),
            ("[JSONPatch{op: 'add', path: '/a', value: 1}]", "[JSONPatch{\"op\":\"add\",\"path\":\"/a\",\"value\":1}]"),
        ],
    );
}

#[test]
fn conversions_and_types() {
    check(
        &sample(),
        &[
            ("int('12') + int(1.9) + int(-1.9)", "12"),
            ("int(object.name)", "error: type conversion error from 'string' to 'int'"),
            ("uint(object.n - 4)", "error: unsigned integer overflow"),
            ("double('1.5') + double(1)", "2.5"),
            ("bool('T' + 'rue')", "true"),
            ("bool(object.name)", "error: type conversion error from 'string' to 'bool'"),
            ("string(1.0) + string(1e6) + string(0.00001) + string(true) + string(b'x')", "\"11e+061e-05truex\""),
            ("string(object.list)", "error: no such overload: string(list)"),
            ("bytes('é')", "b\"\\xc3\\xa9\""),
            ("type(object) == map && type(object.n) == int && type(1u) == uint", "true"),
            ("type(type(1))", "type"),
            ("type(object.d)", "double"),
            ("size('héé') + size(object.list) + object.labels.size() + size(b'ab')", "10"),
            ("size(object.n)", "error: no such overload: size"),
            ("dyn([1]) == [1.0]", "true"),
        ],
    );
}

#[test]
fn strings() {
    check(
        &sample(),
        &[
            ("'a,b,c'.split(',')", "[\"a\",\"b\",\"c\"]"),
            ("'a,b,c'.split(',', 2)", "[\"a\",\"b,c\"]"),
            ("'abc'.split('')", "[\"a\",\"b\",\"c\"]"),
            ("''.split(',')", "[\"\"]"),
            ("'a'.split(',', 0)", "[]"),
            ("object.words.join('-') + ['x'].join()", "\"a-bx\""),
            ("'abcabc'.replace('b', 'x', 1)", "\"axcabc\""),
            ("'abc'.replace('', '-')", "\"-a-b-c-\""),
            ("'héllo'.substring(1, 3)", "\"él\""),
            ("'abc'.substring(2, 1)", "error: invalid substring range. start: 2, end: 1"),
            ("'abc'.substring(9)", "error: index out of range: 9"),
            ("'héé'.charAt(1) + 'abc'.charAt(3)", "\"é\""),
            ("'hello'.indexOf('l', 3)", "3"),
            ("'hello'.lastIndexOf('l')", "3"),
            ("'hello'.lastIndexOf('l', 2)", "2"),
            ("'  x '.trim() + 'Hi É'.lowerAscii() + 'é'.upperAscii()", "\"xhi Éé\""),
            ("'abc'.startsWith('ab') && 'abc'.endsWith('bc') && 'abc'.contains('b')", "true"),
            ("'abc'.matches('^a.c$') && !'٣'.matches('^\\\\d$') && 'a]'.matches('^[]a]+$')", "true"),
            ("object.name.matches(object.name + '(')", "error: error parsing regexp: missing closing ): `db-01(`"),
            ("'a1b22'.find('[0-9]+') + 'x'.find('[0-9]')", "\"1\""),
            ("'a1b22'.findAll('[0-9]+')", "[\"1\",\"22\"]"),
            ("'%s is %d, %.2f%%'.format(['x', 3, 1.255])", "\"x is 3, 1.25%\""),
            ("'%s'.format([[1, 2.0, true, null]])", "\"[1, 2.000000, true, null]\""),
            (
                "'%d'.format([object.name])",
                "error: error during formatting: decimal clause can only be used on integers, was given string",
            ),
            ("strings.quote('a\"b\\n')", r#""\"a\\\"b\\n\"""#),
            ("jsonpatch.escapeKey('k8s.io/my~label')", "\"k8s.io~1my~0label\""),
        ],
    );
}

#[test]
fn lists_and_sets() {
    check(
        &sample(),
        &[
            ("object.list.sum() + [1, 2].sum()", "9"),
            ("[].sum()", "0"),
            ("object.words.sum()", "error: no such overload: sum(list)"),
            ("[3, 1, 2].min() + [3, 1, 2].max()", "4"),
            ("[].max()", "error: max called on empty list"),
            ("[1, 2].isSorted() && !['b', 'a'].isSorted()", "true"),
            ("[1, 2, 1].indexOf(1) + [1, 2, 1].lastIndexOf(1) + object.list.indexOf(9)", "1"),
            ("[3, 1, 2].sort()", "[1,2,3]"),
            (
                "object.list.map(x, x % 2 == 1 ? dyn('a') : dyn(x)).sort()",
                "error: list elements must have the same type",
            ),
            ("[1, 1, 2].distinct() + [1, 2].reverse()", "[1,2,2,1]"),
            ("[[1], [2, 3]].flatten()", "[1,2,3]"),
            (
                "dyn([[1, [2]], [3]]).flatten(2)",
                "refused: `[2]`: expected type 'int' but found 'list(int)'; `[3]`: expected type 'list(dyn)' but found 'list(int)'",
            ),
            ("[1, 2, 3].slice(1, 2)", "[2]"),
            ("[1, 2, 3].slice(1, 5)", "error: cannot slice(1, 5), list is length 3"),
            ("lists.range(3)", "[0,1,2]"),
            ("sets.contains(object.list, [1, 2]) && sets.intersects([1], [1, 2])", "true"),
            ("sets.equivalent([1, 2, 2], [2, 1])", "true"),
        ],
    );
}

#[test]
fn quantities_and_time() {
    check(
        &sample(),
        &[
            ("quantity('1Gi').isGreaterThan(quantity('500Mi'))", "true"),
            ("quantity('1').add(2).compareTo(quantity('3'))", "0"),
            ("quantity('1.5').sub(quantity('500m')).asInteger()", "error: cannot convert value to integer"),
            ("quantity('3k').sub(500).asInteger()", "2500"),
            ("quantity('1.5').asInteger()", "error: cannot convert value to integer"),
            ("quantity('1.5').asApproximateFloat()", "1.5"),
            ("sign(quantity('-1'))", "-1"),
            ("quantity('1000m') == quantity('1')", "true"),
            ("isQuantity('1Gi') && !isQuantity('x')", "true"),
            ("duration('1h30m') == duration('90m')", "true"),
            ("duration('1h') - duration('2h')", "duration(\"-3600s\")"),
            ("string(duration('1.5h')) + string(duration('1ns'))", "\"5400s0.000000001s\""),
            ("duration('90s').getMinutes()", "1"),
            ("timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z') == duration('24h')", "true"),
            ("timestamp('2026-01-01T00:00:00Z') + duration('1h')", "timestamp(\"2026-01-01T01:00:00Z\")"),
            ("timestamp('2026-01-01T00:00:00+02:00') < timestamp('2026-01-01T00:00:00Z')", "true"),
            ("timestamp('0001-01-01T00:00:00Z') - duration('1s')", "error: timestamp overflow"),
            ("timestamp('2026-01-01T10:20:30.5Z').getHours('+02:00')", "12"),
            ("timestamp('2026-03-01T00:00:00Z').getDayOfYear()", "59"),
            ("timestamp(object.name)", "error: type conversion error from 'string' to 'google.protobuf.Timestamp'"),
            ("int(timestamp('1970-01-01T00:01:00Z'))", "60"),
        ],
    );
}

#[test]
fn values_become_json() {
    let (unit, id) = compile(
        "Object{metadata: Object.metadata{labels: {'a': 'b'}, ?x: object.?nope}, d: duration('90s'), b: b'ab', l: object.list}",
    )
    .unwrap();
    let tree = tree(&sample());
    let inputs = [Input::Node(tree.root())];
    let value = Evaluation::new(&unit, &inputs, Off).evaluate(id).unwrap();
    insta::assert_snapshot!(
        value.to_json().unwrap(),
        @r#"{"b":"YWI=","d":"90s","l":[1,2,3],"metadata":{"labels":{"a":"b"}}}"#
    );
}

/// A variable is computed once, sees the earlier ones, and keeps its error for where it is used.
#[test]
fn variables() {
    let mut builder = UnitBuilder::new(declarations());
    builder.variable("n", "object.n * 2").unwrap();
    builder.variable("wrong", "1 / (object.n - 3)").unwrap();
    builder.variable("both", "variables.n + 1").unwrap();
    let unused = builder.expression("variables.both == 7", Expect::Bool).unwrap();
    let used = builder.expression("variables.wrong == 1", Expect::Bool).unwrap();
    let absorbed = builder.expression("variables.wrong == 1 || true", Expect::Bool).unwrap();
    let unit = builder.finish();
    let tree = tree(&sample());
    let inputs = [Input::Node(tree.root())];
    let mut evaluation = Evaluation::new(&unit, &inputs, Off);
    assert_eq!(shown(evaluation.evaluate(unused)), "true");
    assert_eq!(shown(evaluation.evaluate(absorbed)), "true");
    let Err(Halt::Error(error)) = evaluation.evaluate(used) else { panic!("no error") };
    assert_eq!((error.message.as_ref(), unit.source(error.expression)), ("division by zero", "1 / (object.n - 3)"));
    assert_eq!(&unit.source(error.expression)[error.span.clone()], "/");
}
