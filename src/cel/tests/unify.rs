//! Types that are open at first, optionals, keys and instants. Every line was asked of the API server (1.36) and is its
//! answer, but for the order of maps.

use super::*;

#[test]
fn what_is_open_is_decided_by_its_first_use() {
    check(
        &sample(),
        &[
            ("[].all(x, x > 0 && x == 1)", "true"),
            (
                "[].all(x, x > 0 && x == 'a')",
                "refused: `==`: found no matching overload for '_==_' applied to '(int, string)'",
            ),
            ("[][0][0]", "error: index out of bounds: 0"),
            ("true ? [] : [1]", "[]"),
            (
                "(true ? [] : [1]) + ['a']",
                "refused: `+`: found no matching overload for '_+_' applied to '(list(int), list(string))'",
            ),
            ("[[], [1]]", "[[],[1]]"),
            ("[[], {}]", "refused: `{}`: expected type 'list(dyn)' but found 'map(dyn, dyn)'"),
            ("{'a': [], 'b': ['c']}.b", "[\"c\"]"),
            ("optional.none().or(optional.of(1)).value() + 1", "2"),
            ("double(object.list[?0].value())", "error: no such overload: double(int)"),
            ("'%s %s'.format([[1, 'a'], {'b': 1}])", r#""[1, \"a\"] {\"b\":1}""#),
        ],
    );
}

#[test]
fn types_are_values() {
    check(
        &sample(),
        &[
            ("type(1) == int && type(object.name) == string", "true"),
            ("type(1) == string", "false"),
            ("type(duration('1s')) == google.protobuf.Duration", "true"),
            ("type(optional.none()) == optional_type", "true"),
            ("[int, string]", "refused: `string`: expected type 'type(int)' but found 'type(string)'"),
            (
                "[type, type(type(1))]",
                "refused: `type(type(1))`: expected type 'type(type)' but found 'type(type(int))'",
            ),
            ("[int].map(t, t)", "refused: `t`: reference to undefined type: t"),
            ("duration", "refused: `duration`: undeclared reference to 'duration'"),
        ],
    );
}

#[test]
fn an_index_of_what_may_be_anything_may_give_anything() {
    check(
        &sample(),
        &[
            ("object[?'nope'].orValue(1) + 1", "2"),
            ("object.?list[0] + 1", "error: no such overload: _+_"),
            (
                "object.?labels['app'] + 1",
                "refused: `+`: found no matching overload for '_+_' applied to '(optional_type(dyn), int)'",
            ),
            ("object.list[1.5]", "error: unsupported index value 1.5 in list"),
            ("object.list[18446744073709551615u]", "error: unsupported index value 18446744073709551615 in list"),
            ("object.list[object.t]", "error: unsupported index type 'bool' in list"),
            ("object.labels[object.nothing]", "error: invalid qualifier type: null_type"),
            ("object.labels[null]", "refused: `[null]`: invalid qualifier type: null_type"),
        ],
    );
}

#[test]
fn optionals_hold_what_they_hold() {
    check(
        &sample(),
        &[
            ("{'a': optional.of(1)}.?a", "optional.of(optional.of(1))"),
            ("{'a': optional.of({'b': 1})}.a.b", "error: no such key: b"),
            ("optional.of({'b': 1}).b", "optional.of(1)"),
            ("object.n.orValue(1)", "3"),
            ("object.?n.optFlatMap(x, dyn(x))", "3"),
            ("{'a': 1, ?'a': optional.none()}", "{}"),
            ("[?object.n]", "refused: `object.n`: expected type 'optional_type(dyn)' but found 'dyn'"),
            ("[?object.?n, ?object.?nope]", "[3]"),
        ],
    );
}

#[test]
fn keys_of_maps() {
    check(
        &sample(),
        &[
            ("{null: 1}.size() + {1.5: 'a'}.size() + {duration('1s'): 1}.size() + {int: 1}.size()", "4"),
            ("{'a': 1, 'a': 2}", "{\"a\":2}"),
            ("{dyn(1): 'a', dyn(1u): 'b', dyn(1.0): 'c'}", "{1:\"a\",1u:\"b\",1.0:\"c\"}"),
            ("dyn({1: 'a'})[1.0] + dyn({1u: 'b'})[1]", "\"ab\""),
            ("dyn({1: 'a'}) == dyn({1u: 'a'})", "true"),
            ("dyn({1: 'a'}) == dyn({1.0: 'a'})", "false"),
            ("dyn(1.5) in {1: 'a'} || !(dyn(1.0) in {1: 'a'})", "false"),
            ("{[1]: 2}", "refused: `[1]`: unsupported key type: list(int)"),
            ("{object.list: 2}", "error: unsupported key type: list"),
        ],
    );
}

#[test]
fn the_years_1_to_9999() {
    check(
        &sample(),
        &[
            ("string(timestamp('9999-12-31T23:59:59.999999999Z'))", "\"9999-12-31T23:59:59.999999999Z\""),
            ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "error: timestamp overflow"),
            ("timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "error: timestamp overflow"),
            ("timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')", "error: integer overflow"),
            ("timestamp('10000-01-01T00:00:00Z')", "refused: `'10000-01-01T00:00:00Z'`: invalid timestamp argument"),
            ("timestamp('2024-02-30T00:00:00Z')", "refused: `'2024-02-30T00:00:00Z'`: invalid timestamp argument"),
            ("timestamp('2024-01-01 00:00:00Z')", "refused: `'2024-01-01 00:00:00Z'`: invalid timestamp argument"),
            ("string(timestamp('2024-01-01T02:00:00+02:00') + duration('1h'))", "\"2024-01-01T03:00:00+02:00\""),
            ("timestamp('2024-01-01T02:00:00+02:00') == timestamp('2024-01-01T00:00:00Z')", "true"),
            ("timestamp('2024-01-01T02:00:00+02:00').getHours()", "0"),
            ("duration(object.n)", "error: type conversion error from 'int' to 'google.protobuf.Duration'"),
            (
                "-duration('1s')",
                "refused: `-duration('1s')`: found no matching overload for '-_' applied to '(duration)'",
            ),
        ],
    );
}

#[test]
fn structs_are_values_like_others() {
    check(
        &sample(),
        &[
            ("JSONPatch{op: 'add'}.op", "\"add\""),
            ("JSONPatch{op: 'add'}.path", "\"\""),
            ("has(JSONPatch{op: 'add'}.path)", "false"),
            ("JSONPatch{op: 'add'}.nope", "refused: `.nope`: undefined field 'nope'"),
            ("Object{a: 1}.a + 1", "2"),
            ("Object{a: 1}.nope", "null"),
            ("Object{,}", "Object{}"),
            ("JSONPatch{op: 'add', op: 'test'}.op", "\"test\""),
        ],
    );
}
