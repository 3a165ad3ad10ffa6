//! Kubernetes' libraries: what each gives, and where it refuses. The corpus of `tests/parity` has the rest.

use super::*;

fn table(table: &[(&str, &str)]) {
    check(&sample(), table);
}

#[test]
fn addresses() {
    table(&[
        ("ip('10.0.0.1')", "10.0.0.1"),
        ("ip('2001:DB8::0:1')", "2001:db8::1"),
        (
            "ip('10.0.0.256')",
            r#"error: IP Address "10.0.0.256" parse error during conversion from string: ParseAddr("10.0.0.256"): unable to parse IP"#,
        ),
        ("ip('fe80::1%eth0')", r#"error: IP address "fe80::1%eth0" with zone value is not allowed"#),
        ("ip('::ffff:10.0.0.1')", r#"error: IPv4-mapped IPv6 address "::ffff:10.0.0.1" is not allowed"#),
        ("isIP('::1') && !isIP('1.2.3') && !isIP('01.2.3.4')", "true"),
        ("ip.isCanonical('2001:db8::1') && !ip.isCanonical('2001:DB8::1')", "true"),
        ("ip('10.0.0.1').family() + ip('::1').family()", "10"),
        ("ip('127.9.9.9').isLoopback() && ip('::').isUnspecified()", "true"),
        ("ip('224.0.0.9').isLinkLocalMulticast() && ip('169.254.0.1').isLinkLocalUnicast()", "true"),
        ("ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()", "true"),
        ("string(ip('::0:1'))", r#""::1""#),
        ("ip('10.0.0.1') == ip('10.0.0.1')", "true"),
        ("dyn(ip('10.0.0.1')) == 1", "error: no such overload"),
        ("dyn(ip('10.0.0.1')) != 1", "true"),
        ("type(ip('::1'))", "net.IP"),
        ("ip(object.n)", "error: no such overload: ip(int)"),
    ]);
}

#[test]
fn networks() {
    table(&[
        ("cidr('10.1.2.3/8')", "10.1.2.3/8"),
        ("cidr('10.1.2.3/8').masked()", "10.0.0.0/8"),
        ("cidr('10.1.2.3/8').ip()", "10.1.2.3"),
        ("cidr('fe80::/10').prefixLength()", "10"),
        (
            "cidr('10.0.0.0/33')",
            r#"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/33"): prefix length out of range"#,
        ),
        ("isCIDR('::/0') && !isCIDR('::ffff:1.2.3.4/24')", "true"),
        ("cidr('10.0.0.0/8').containsIP('10.9.9.9')", "true"),
        ("cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))", "false"),
        ("cidr('0.0.0.0/0').containsIP('::1')", "false"),
        ("cidr('10.0.0.0/8').containsIP('x')", "error: no such overload: containsIP(net.CIDR, string)"),
        ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", "true"),
        ("cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))", "false"),
        ("string(cidr('10.0.0.1/8'))", r#""10.0.0.1/8""#),
    ]);
}

#[test]
fn urls() {
    table(&[
        (
            "url('https://u:p@Example.com:8443/a b?x=1&x=2&y=%41+b#f')",
            "https://u:p@Example.com:8443/a%20b?x=1&x=2&y=%41+b#f",
        ),
        ("url('https://[::1]:80/').getHostname()", r#""::1""#),
        ("url('https://[::1]:80/').getHost()", r#""[::1]:80""#),
        ("url('https://a:80/').getPort()", r#""80""#),
        ("url('HTTPS://a').getScheme()", r#""https""#),
        ("url('/a b/%2f').getEscapedPath()", r#""/a%20b//""#),
        ("url('http://a/?k=v&k=w&e&%zz=1&s;t=1').getQuery()", r#"{"e":[""],"k":["v","w"]}"#),
        (
            "url('../a')",
            r#"error: URL parse error during conversion from string: parse "../a": invalid URI for request"#,
        ),
        (
            "url('http://a:b/')",
            r#"error: URL parse error during conversion from string: parse "http://a:b/": invalid port ":b" after host"#,
        ),
        (
            "url('http://[1.2.3.4]/')",
            r#"error: URL parse error during conversion from string: parse "http://[1.2.3.4]/": invalid IP-literal"#,
        ),
        ("isURL('/a') && isURL('mailto:x') && !isURL('a') && !isURL('http://a b/')", "true"),
        ("url('http://a/b') == url('HTTP://a/b')", "true"),
    ]);
}

#[test]
fn semantic_versions() {
    table(&[
        ("semver('1.2.3-rc.1+b.7')", "1.2.3-rc.1+b.7"),
        ("semver('v1.2', true)", "1.2.0"),
        ("semver('1.2')", "error: No Major.Minor.Patch elements found"),
        ("semver('1.02.3')", r#"error: Minor number must not contain leading zeroes "02""#),
        ("semver('1.2.3-')", "error: Prerelease is empty"),
        ("isSemver('01.2.3') || isSemver('v1.2.3')", "false"),
        ("isSemver('v01.2', true)", "true"),
        ("semver('1.2.3').major() * 100 + semver('1.2.3').minor() * 10 + semver('1.2.3').patch()", "123"),
        ("semver('1.2.3-rc.1').isLessThan(semver('1.2.3'))", "true"),
        ("semver('1.10.0').isGreaterThan(semver('1.9.0'))", "true"),
        ("semver('1.0.0-2').compareTo(semver('1.0.0-11'))", "-1"),
        ("semver('1.2.3+a') == semver('1.2.3+b')", "true"),
    ]);
}

#[test]
fn named_formats() {
    table(&[
        ("format.dns1123Label().validate('my-name')", "optional.none()"),
        ("format.dns1123Label().validate('My.name').hasValue()", "true"),
        ("format.dns1123Label().validate('a.b').value()", r#"["must not contain dots"]"#),
        ("format.uuid().validate('x').value()", r#"["does not match the UUID format"]"#),
        ("format.named('labelValue').value().validate('')", "optional.none()"),
        ("format.named('nope')", "optional.none()"),
        ("format.date() == format.named('date').value()", "true"),
        (
            "format.byte().validate('a===').value() + format.datetime().validate('2024-01-01T24:00:00Z').value()",
            r#"["invalid base64","invalid datetime"]"#,
        ),
        ("format.uri().validate('a').value()", r#"["parse \"a\": invalid URI for request"]"#),
        ("format.nope()", "refused: `format.nope()`: undeclared reference to 'format.nope'"),
    ]);
}

#[test]
fn quantities() {
    table(&[
        ("quantity('1536Mi')", "1536Mi"),
        ("quantity('1.5Gi') == quantity('1536Mi')", "true"),
        ("quantity('1.5Gi').isInteger()", "false"),
        ("quantity('1Gi').asInteger()", "1073741824"),
        ("quantity('9999999999999999999999G').asApproximateFloat()", "1.0000000000000001e+31"),
        ("quantity('1Gi').add(quantity('1G')).sub(1)", "2073741823"),
        ("quantity('100m').add(1)", "1100m"),
        ("quantity('1').add(1) == quantity('2')", "true"),
        ("quantity('2') == quantity('1').add(1)", "error: no such overload"),
        ("quantity('1k').compareTo(quantity('1Ki'))", "-1"),
        ("sign(quantity('-1n'))", "-1"),
        (
            "quantity('1x')",
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            "quantity('1.2.3')",
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        ("isQuantity('1e3') && !isQuantity('1K')", "true"),
        ("quantity('1e1000000000').isGreaterThan(quantity('1'))", "over budget"),
    ]);
}

#[test]
fn formatting() {
    table(&[
        (
            "'%s is %d of %s'.format(['a', 1, [1, 'b', 2.5, {'k': null}]])",
            r#""a is 1 of [1, \"b\", 2.500000, {\"k\":null}]""#,
        ),
        (
            r"'%.2f %e %x %X %o %b %%'.format([1234.567, 0.00012, 255, b'\xAB', 8, true])",
            r#""1,234.57 1.200000×10⁻⁰⁴ ff AB 10 1 %""#,
        ),
        ("'%s %s'.format([1e6, 0.1])", r#""1e+06 0.1""#),
        ("'%s'.format([{2: 'b', 10: 'a'}])", r#""{10:\"a\", 2:\"b\"}""#),
        ("'%s'.format([object.labels])", r#""{\"app\":\"shop\", \"tier\":\"db\"}""#),
        (
            "'%d'.format(['1'])",
            "refused: `'1'`: error during formatting: decimal clause can only be used on integers, was given string",
        ),
        (
            "'%d'.format([object.name])",
            "error: error during formatting: decimal clause can only be used on integers, was given string",
        ),
        ("'%s %s'.format([1])", "refused: `.format([1])`: index 1 out of range"),
        (
            "'%s'.format([1, 2])",
            "refused: `.format([1, 2])`: too many arguments supplied to string.format (expected 1, got 2)",
        ),
        (
            "'%y'.format([1])",
            r#"refused: `.format([1])`: could not parse formatting clause: unrecognized formatting clause "y""#,
        ),
        (
            "'%.f'.format([1.5])",
            r#"refused: `.format([1.5])`: could not parse formatting clause: error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax"#,
        ),
        ("'%'.format([])", "refused: `.format([])`: unexpected end of string"),
        (
            "'%s'.format([optional.of(1)])",
            "refused: `optional.of(1)`: error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given optional_type",
        ),
        ("(object.name + '%s').format([])", "error: index 0 out of range"),
    ]);
}

#[test]
fn patterns() {
    table(&[
        (r"'héllo'.find('\\pL+') + 'a1'.find('\\d') + 'a'.find('x')", r#""héllo1""#),
        ("'a1b22'.findAll('[0-9]+')", r#"["1","22"]"#),
        ("'aaa'.findAll('a', 2)", r#"["a","a"]"#),
        (r"'٣'.matches('\\d')", "false"),
        ("'AB'.matches('^(?i)ab$')", "true"),
        ("'x'.matches('(?=x)')", "refused: `'(?=x)'`: invalid matches argument"),
        ("'x'.find('(')", "refused: `'('`: error parsing regexp: missing closing ): `(`"),
        ("'x'.findAll('a**')", "refused: `'a**'`: error parsing regexp: invalid nested repetition operator: `**`"),
        ("object.name.find(object.name + '[')", "error: Illegal regex: error parsing regexp: missing closing ]: `[`"),
        (r"'x'.matches('\\p{Greek}|[[:alpha:]]')", "true"),
    ]);
}

#[test]
fn strings() {
    table(&[
        ("'tacocat'.indexOf('a', 2)", "5"),
        ("'tacocat'.lastIndexOf('ac', 4)", "1"),
        ("'tacocat'.lastIndexOf('c', 99)", "-1"),
        ("'héllo'.lastIndexOf('l', 2)", "2"),
        ("'abc'.substring(2, 1)", "error: invalid substring range. start: 2, end: 1"),
        ("'abc'.substring(4)", "error: index out of range: 4"),
        ("'abc'.charAt(3) + 'abc'.charAt(0)", r#""a""#),
        ("'a,b,c'.split(',', 2)", r#"["a","b,c"]"#),
        ("'abc'.split('')", r#"["a","b","c"]"#),
        ("'aaa'.replace('a', 'b', 2)", r#""bba""#),
        ("'aa'.replace('', '-')", r#""-a-a-""#),
        (r"'\u00a0 ÀB '.trim().lowerAscii()", r#""Àb""#),
        ("['a', 'b'].join('-')", r#""a-b""#),
        ("[dyn('a'), dyn(1)].join()", "error: join: invalid input: 1"),
        (r#"strings.quote('a\n"b')"#, r#""\"a\\n\\\"b\"""#),
        ("'abc'.reverse()", "refused: `.reverse()`: found no matching overload for 'reverse' applied to 'string.()'"),
    ]);
}

#[test]
fn lists() {
    table(&[
        ("[dyn(1), dyn('a')].min()", "1"),
        ("[[1]].min()", "refused: `.min()`: found no matching overload for 'min' applied to 'list(list(int)).()'"),
        ("[1.0, 0.0 / 0.0].isSorted()", "true"),
        ("[3, 1, 2].sortBy(x, -x)", "[3,2,1]"),
        (
            "[[1], [2]].sortBy(x, x)",
            "refused: `.sortBy(x, x)`: found no matching overload for '@sortByAssociatedKeys' applied to 'list(list(int)).(list(list(int)))'",
        ),
        ("[1, 2, 1].distinct()", "[1,2]"),
        ("[dyn([1, [2]]), dyn(3)].flatten(2)", "refused: `[2]`: expected type 'int' but found 'list(int)'"),
        ("[1].flatten()", "refused: `.flatten()`: found no matching overload for 'flatten' applied to 'list(int).()'"),
        ("[1, 2, 3].slice(1, 2)", "[2]"),
        ("[1, 2].slice(2, 3)", "error: cannot slice(2, 3), list is length 2"),
        ("lists.range(3).reverse()", "[2,1,0]"),
        ("[1, 2].first().value() + [1, 2].last().value()", "3"),
        ("optional.unwrap([optional.of(1), optional.none()])", "[1]"),
        (
            "sets.contains([1, 2], [1.0]) && sets.equivalent([1], [1u, 1.0]) && !sets.intersects([1], [])",
            "refused: `sets.contains([1, 2], [1.0])`: found no matching overload for 'sets.contains' applied to '(list(int), list(double))'",
        ),
    ]);
}

#[test]
fn time_zones() {
    table(&[
        ("timestamp('2024-07-01T22:30:00Z').getHours('Europe/Berlin')", "0"),
        ("timestamp('2024-01-01T22:30:00Z').getHours('Europe/Berlin')", "23"),
        ("timestamp('2024-01-01T00:00:00Z').getDayOfYear('-01:30')", "364"),
        ("timestamp('2024-01-01T00:00:00Z').getMinutes('Asia/Kolkata')", "30"),
        ("timestamp('2024-01-01T00:00:00Z').getHours('europe/berlin')", "error: unknown time zone europe/berlin"),
        ("timestamp('2024-01-01T00:00:00Z').getHours('../x')", "error: time: invalid location name"),
        ("timestamp('2024-01-01T00:00:00Z').getHours('1:x')", r#"error: strconv.Atoi: parsing "x": invalid syntax"#),
        ("duration('0.3333333333333333333h')", r#"duration("1200s")"#),
        ("duration('2562047h47m16.854775808s')", "refused: `'2562047h47m16.854775808s'`: invalid duration argument"),
        ("string(duration('90m')) + string(duration('1.5s'))", r#""5400s1.5s""#),
    ]);
}

#[test]
fn macros_of_two_variables() {
    table(&[
        ("[1, 2].all(i, v, i < v) && {'a': 1}.exists(k, v, k == 'a' && v == 1)", "true"),
        ("['a', 'b'].existsOne(i, v, i == 1)", "true"),
        ("['a', 'b'].transformList(i, v, v + string(i))", r#"["a0","b1"]"#),
        ("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 10)", r#"{"b":20}"#),
        ("{'a': 1}.transformMapEntry(k, v, {v: k})", r#"{1:"a"}"#),
        ("[1, 2].transformMapEntry(i, v, {'same': v})", "error: insert failed: key same already exists"),
        ("[1].all(i, i, true)", "refused: `i`: duplicate variable name: i"),
        ("object.n.all(i, v, true)", "error: got 'int', expected iterable type"),
    ]);
}

#[test]
fn what_kubernetes_lacks() {
    table(&[
        ("math.greatest(1, 2)", "refused: `math.greatest(1, 2)`: math.greatest is not in Kubernetes' CEL"),
        ("cel.bind(x, 1, x)", "refused: `cel.bind(x, 1, x)`: cel.bind is not in Kubernetes' CEL"),
        ("base64.encode(b'a')", "refused: `base64.encode(b'a')`: base64.encode is not in Kubernetes' CEL"),
        (
            "regex.replace('a', 'b', 'c')",
            "refused: `regex.replace('a', 'b', 'c')`: regex.replace is not in Kubernetes' CEL",
        ),
        ("authorizer.path('/x').check('get').allowed()", "refused: `authorizer`: undeclared reference to 'authorizer'"),
    ]);
}

#[test]
fn each_library_comes_with_its_version() {
    for (source, minor) in [
        ("'a'.matches('a') && isURL('/a') && [1].isSorted()", 26),
        ("isQuantity('1')", 28),
        ("'%d'.format([1]) == strings.quote('a') && sets.contains([1], [1])", 29),
        ("isIP('::1') || isCIDR('::/0')", 30),
        ("format.uuid().validate('a').hasValue()", 31),
        ("[1].all(i, v, true)", 32),
        ("isSemver('1.2.3') || [1].first().hasValue()", 33),
        ("[1].sort() == lists.range(1)", 34),
    ] {
        let (unit, _) = compile(source).unwrap();
        assert_eq!(unit.since(), (1, minor), "{source}");
    }
}

#[test]
fn patches_are_escaped_in_mutations_only() {
    let source = "jsonpatch.escapeKey('a/b~c')";
    assert_eq!(outcome(source, &sample()), "\"a~1b~0c\"");
    let mut builder = UnitBuilder::new(Declarations::default());
    let refusals = builder.expression(source, Expect::Any).unwrap_err();
    assert_eq!(refused(source, &refusals), "refused: `jsonpatch`: undeclared reference to 'jsonpatch'");
}
