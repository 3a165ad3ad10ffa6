//! URLs (k8s.io/apiserver pkg/cel/library/urls.go).
//!
//! As Go's net/url reads them, which is neither RFC 3986 nor WHATWG; each part here follows the function of that name there.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::{Answer, Context, Cost, Fail, Opaque, READ, Row, argument, go, row, text_at};
use crate::cel::value::{Value, View};

pub static ROWS: &[Row] = &[
    row("url(string): URL", 0, READ, url),
    row("isURL(string): bool", 0, Cost::One, |_, a| Ok(Value::Bool(parse(text_at(a, 0)?, true).is_ok()))),
    row("URL.getScheme(): string", 0, Cost::One, |c, a| c.text(at(a)?.scheme.as_str())),
    row("URL.getHost(): string", 0, Cost::One, |c, a| c.text(at(a)?.host.as_str())),
    row("URL.getHostname(): string", 0, Cost::One, |c, a| c.text(at(a)?.split_host().0)),
    row("URL.getPort(): string", 0, Cost::One, |c, a| c.text(at(a)?.split_host().1)),
    row("URL.getEscapedPath(): string", 0, Cost::One, |c, a| c.text(at(a)?.path.as_str())),
    row("URL.getQuery(): map(string, list(string))", 0, Cost::One, query),
];

/// What more than this many parameters would be is nothing (urlmaxqueryparams).
const MAX_PARAMETERS: usize = 10_000;

/// A URL in its parts. What was percent-encoded and is no UTF-8 shows replacement characters.
#[derive(Clone, Debug)]
pub struct Url {
    scheme: String,
    host: String,
    /// As `getEscapedPath` gives it.
    path: String,
    query: String,
    /// The whole as Go writes it; equality looks at this.
    text: String,
}

impl PartialEq for Url {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where a character stands, on which it depends whether it is written as it is.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Path,
    Host,
    Zone,
    User,
    Query,
    Fragment,
}

impl Part {
    /// Whether a byte is written as it is (encoding_table.go).
    fn keeps(self, byte: u8) -> bool {
        let others: &[u8] = match self {
            Part::Path => b"$&+,/:;=@",
            Part::Host | Part::Zone => b"!\"$&'()*+,:;<=>[]",
            Part::User => b"$&+,;=",
            Part::Query => b"",
            Part::Fragment => b"!$&()*+,/:;=?@",
        };
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || others.contains(&byte)
    }
}

type Parsed<T> = Result<T, String>;

fn escape(bytes: &[u8], part: Part) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if part.keeps(*byte) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn unescape(text: &str, part: Part) -> Parsed<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(byte) = bytes.get(i) {
        i += 1;
        match byte {
            b'%' => {
                let digit = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16)).map(|d| d as u8);
                let shown = || {
                    let shown = bytes.get(i - 1..(i + 2).min(bytes.len())).unwrap_or_default();
                    format!("invalid URL escape {}", go::quote(&String::from_utf8_lossy(shown)))
                };
                let (Some(high), Some(low)) = (digit(i), digit(i + 1)) else { return Err(shown()) };
                let value = high << 4 | low;
                let refused = match part {
                    Part::Host => value < 0x80 && value != b'%',
                    Part::Zone => value != b'%' && value != b' ' && !Part::Host.keeps(value),
                    _ => false,
                };
                if refused {
                    return Err(shown());
                }
                out.push(value);
                i += 2;
            }
            b'+' if part == Part::Query => out.push(b' '),
            byte if matches!(part, Part::Host | Part::Zone) && byte.is_ascii() && !part.keeps(*byte) => {
                let shown = go::quote(char::from(*byte).encode_utf8(&mut [0; 4]));
                return Err(format!("invalid character {shown} in host name"));
            }
            byte => out.push(*byte),
        }
    }
    Ok(out)
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The scheme and what comes after it.
fn split_scheme(text: &str) -> Parsed<(&str, &str)> {
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if i > 0 => {}
            b':' if i == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((text.get(..i).unwrap_or_default(), text.get(i + 1..).unwrap_or_default())),
            _ => break,
        }
    }
    Ok(("", text))
}

/// `via_request`: as ParseRequestURI, which takes absolute ones only and knows no fragment.
fn parse(text: &str, via_request: bool) -> Parsed<Url> {
    let (whole, fragment) = if via_request { (text, "") } else { text.split_once('#').unwrap_or((text, "")) };
    let mut url = parse_parts(whole, via_request).map_err(|why| format!("parse {}: {why}", go::quote(whole)))?;
    if !fragment.is_empty() {
        let plain = unescape(fragment, Part::Fragment);
        let plain = plain.map_err(|why| format!("parse {}: {why}", go::quote(text)))?;
        let written = valid_encoded(fragment, Part::Fragment);
        url.text.push('#');
        url.text.push_str(&if written { fragment.to_owned() } else { escape(&plain, Part::Fragment) });
    }
    Ok(url)
}

/// All but the fragment.
fn parse_parts(text: &str, via_request: bool) -> Parsed<Url> {
    if text.bytes().any(|b| b < b' ' || b == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    if text.is_empty() && via_request {
        return Err("empty url".to_owned());
    }
    let (scheme, rest) = if text == "*" { ("", text) } else { split_scheme(text)? };
    let scheme = scheme.to_lowercase();
    let (mut rest, query) = if text == "*" { (rest, None) } else { split_query(rest) };
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(&scheme);
        out.push(':');
    }
    let (mut host, mut path) = (String::new(), String::new());
    if !rest.starts_with('/') && !scheme.is_empty() {
        out.push_str(rest);
    } else {
        if !rest.starts_with('/') && text != "*" {
            if via_request {
                return Err("invalid URI for request".to_owned());
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        if (!scheme.is_empty() || !via_request && !rest.starts_with("///"))
            && let Some(after) = rest.strip_prefix("//")
        {
            let (authority, tail) = after.split_at(after.find('/').unwrap_or(after.len()));
            rest = tail;
            host = parse_authority(&scheme, authority, rest, &mut out)?;
        }
        path = escaped_path(rest)?;
        out.push_str(&path);
    }
    if let Some(query) = query {
        out.push('?');
        out.push_str(query);
    }
    let query = query.unwrap_or_default().to_owned();
    Ok(Url { scheme, host, path, query, text: out })
}

/// What stands before the first `?` and after it. Nothing after it is an empty query.
fn split_query(rest: &str) -> (&str, Option<&str>) {
    rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)))
}

/// The host; writes the authority to the URL's text. `path`: what comes after it.
fn parse_authority(scheme: &str, authority: &str, path: &str, out: &mut String) -> Parsed<String> {
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let host = parse_host(scheme, host)?;
    if !host.is_empty() || !path.is_empty() || user.is_some() {
        out.push_str("//");
    }
    if let Some(user) = user {
        if !user.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b)) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        for (i, part) in user.splitn(2, ':').enumerate() {
            out.push_str(if i > 0 { ":" } else { "" });
            out.push_str(&escape(&unescape(part, Part::User)?, Part::User));
        }
        out.push('@');
    }
    out.push_str(&escape(&host, Part::Host));
    Ok(lossy(host))
}

fn parse_host(scheme: &str, host: &str) -> Parsed<Vec<u8>> {
    let port_ok = |port: &str| {
        if is_optional_port(port) { Ok(()) } else { Err(format!("invalid port {} after host", go::quote(port))) }
    };
    match host.rfind('[') {
        Some(0) => {
            let close = host.rfind(']').ok_or("missing ']' in host")?;
            let (inside, port) = (host.get(1..close).unwrap_or_default(), host.get(close + 1..).unwrap_or_default());
            port_ok(port)?;
            let (address, zone) = inside.split_at(inside.find("%25").unwrap_or(inside.len()));
            let mut name = unescape(address, Part::Host)?;
            let zone = unescape(zone, Part::Zone)?;
            check_literal(&lossy(name.clone()), &zone)?;
            name.insert(0, b'[');
            name.extend(zone);
            name.push(b']');
            name.extend(unescape(port, Part::Host)?);
            return Ok(name);
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    if let (Some(first), Some(last)) = (host.find(':'), host.rfind(':')) {
        // A second colon is refused in web addresses only.
        let colon = if matches!(scheme, "http" | "https") { first } else { last };
        port_ok(host.get(colon..).unwrap_or_default())?;
    }
    unescape(host, Part::Host)
}

/// What stands in brackets has to be an IPv6 address, with `%zone` or without.
fn check_literal(address: &str, zone: &[u8]) -> Parsed<()> {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) if zone.len() != 1 => Ok(()),
        Ok(IpAddr::V4(_)) if zone.is_empty() => Err("invalid IP-literal".to_owned()),
        _ => Err(format!("invalid host: ParseAddr({}): unable to parse IP", go::quote(address))),
    }
}

fn is_optional_port(port: &str) -> bool {
    port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
}

/// The path as it was written where that is a valid way to write it.
fn escaped_path(raw: &str) -> Parsed<String> {
    let path = unescape(raw, Part::Path)?;
    let written = raw == "*" || valid_encoded(raw, Part::Path);
    Ok(if written { raw.to_owned() } else { escape(&path, Part::Path) })
}

fn valid_encoded(text: &str, part: Part) -> bool {
    text.bytes().all(|b| b"!$&'()*+,;=:@[]%".contains(&b) || part.keeps(b))
}

impl Url {
    /// Host and port.
    fn split_host(&self) -> (&str, &str) {
        let (mut host, mut port) = (self.host.as_str(), "");
        if let Some((before, after)) = host.rsplit_once(':')
            && after.bytes().all(|b| b.is_ascii_digit())
        {
            (host, port) = (before, after);
        }
        (host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host), port)
    }
}

/// What is wrong with a text as an absolute URL.
pub fn problem(text: &str) -> Option<String> {
    parse(text, true).err()
}

fn at<'v>(arguments: &'v [Value<'_>]) -> Result<&'v Url, Fail> {
    if let View::Opaque(Opaque::Url(url)) = argument(arguments, 0)?.view() {
        Ok(url)
    } else {
        Err(Fail::NoSuchOverload)
    }
}

fn url<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let text = text_at(arguments, 0)?;
    context.allocate(text.len().saturating_mul(4))?;
    // Go reads it twice: once to see whether it is absolute, once with its fragment.
    let url = parse(text, true).and_then(|_| parse(text, false));
    let url = url.map_err(|why| Fail::from(format!("URL parse error during conversion from string: {why}")))?;
    Ok(Value::Opaque(Rc::new(Opaque::Url(Box::new(url)))))
}

/// Parameters by name; those that cannot be read are left out.
fn query<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let text = at(arguments)?.query.as_str();
    let mut parameters: BTreeMap<String, Vec<Value<'a>>> = BTreeMap::new();
    let few = text.matches('&').count() < MAX_PARAMETERS;
    for pair in text.split('&').filter(|pair| few && !pair.is_empty() && !pair.contains(';')) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Ok(name), Ok(value)) = (unescape(name, Part::Query), unescape(value, Part::Query)) else { continue };
        context.allocate_list(2)?;
        parameters.entry(lossy(name)).or_default().push(context.text(lossy(value))?);
    }
    Value::map(parameters.into_iter().map(|(name, values)| (Value::text(name), Value::list(values))).collect())
}
