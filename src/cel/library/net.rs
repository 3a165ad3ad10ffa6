//! IP addresses and networks (k8s.io/apiserver pkg/cel/library/{ip,cidr}.go over Go's net/netip).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::rc::Rc;

use super::{Answer, Context, Cost, Fail, Opaque, READ, REWRITE, Row, argument, go, row, text_at};
use crate::cel::value::{Value, View};

pub static ROWS: &[Row] = &[
    row("ip(string): net.IP", 30, READ, |_, a| parse_ip(text_at(a, 0)?).map(ip)),
    row("isIP(string): bool", 30, READ, |_, a| Ok(Value::Bool(parse_ip(text_at(a, 0)?).is_ok()))),
    row("ip.isCanonical(string): bool", 30, REWRITE, is_canonical),
    row("string(net.IP): string", 30, Cost::One, |c, a| c.text(ip_at(a, 0)?.to_string())),
    row("net.IP.family(): int", 30, Cost::One, |_, a| Ok(Value::Int(if ip_at(a, 0)?.is_ipv4() { 4 } else { 6 }))),
    row("net.IP.isUnspecified(): bool", 30, Cost::One, |_, a| ask(a, |ip| ip.is_unspecified())),
    row("net.IP.isLoopback(): bool", 30, Cost::One, |_, a| ask(a, |ip| ip.is_loopback())),
    row("net.IP.isLinkLocalMulticast(): bool", 30, Cost::One, |_, a| ask(a, is_link_local_multicast)),
    row("net.IP.isLinkLocalUnicast(): bool", 30, Cost::One, |_, a| ask(a, is_link_local_unicast)),
    row("net.IP.isGlobalUnicast(): bool", 30, Cost::One, |_, a| ask(a, is_global_unicast)),
    row("cidr(string): net.CIDR", 30, READ, |_, a| parse_cidr(text_at(a, 0)?).map(cidr)),
    row("isCIDR(string): bool", 30, READ, |_, a| Ok(Value::Bool(parse_cidr(text_at(a, 0)?).is_ok()))),
    row("string(net.CIDR): string", 30, Cost::One, |c, a| c.text(cidr_at(a, 0)?.to_string())),
    row("net.CIDR.ip(): net.IP", 30, Cost::One, |_, a| Ok(ip(cidr_at(a, 0)?.ip))),
    row("net.CIDR.masked(): net.CIDR", 30, Cost::One, |_, a| Ok(cidr(cidr_at(a, 0)?.masked()))),
    row("net.CIDR.prefixLength(): int", 30, Cost::One, |_, a| Ok(Value::Int(cidr_at(a, 0)?.bits.into()))),
    // The one that takes text comes first, as in the API server: of an open type the first decides.
    row("net.CIDR.containsIP(string): bool", 30, Cost::ContainsIp { text: true }, contains_ip),
    row("net.CIDR.containsIP(net.IP): bool", 30, Cost::ContainsIp { text: false }, contains_ip),
    row("net.CIDR.containsCIDR(string): bool", 30, Cost::ContainsCidr { text: true }, contains_cidr),
    row("net.CIDR.containsCIDR(net.CIDR): bool", 30, Cost::ContainsCidr { text: false }, contains_cidr),
];

/// A network with the address that it was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    ip: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Bytes that the prefix takes; costs follow it.
    pub fn size(self) -> u64 {
        self.bits.div_ceil(8).into()
    }

    fn masked(self) -> Self {
        let ip = match self.ip {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(ip) & mask))
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(ip) & mask))
            }
        };
        Cidr { ip, bits: self.bits }
    }

    fn contains(self, ip: IpAddr) -> bool {
        self.ip.is_ipv4() == ip.is_ipv4() && Cidr { ip, bits: self.bits }.masked() == self.masked()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.bits)
    }
}

/// Neither zones nor IPv4 addresses in IPv6's clothes. Go says more about what is wrong.
fn parse_ip(text: &str) -> Result<IpAddr, Fail> {
    match text.parse::<IpAddr>() {
        Ok(ip) if is_mapped(ip) => {
            Err(Fail::from(format!("IPv4-mapped IPv6 address {} is not allowed", go::quote(text))))
        }
        Ok(ip) => Ok(ip),
        Err(_) => Err(Fail::from(no_address(text))),
    }
}

#[cold]
fn no_address(text: &str) -> String {
    let quoted = go::quote(text);
    match text.split_once('%') {
        Some((address, zone)) if !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok() => {
            format!("IP address {quoted} with zone value is not allowed")
        }
        _ => format!(
            "IP Address {quoted} parse error during conversion from string: ParseAddr({quoted}): unable to parse IP"
        ),
    }
}

/// Bits behind the prefix may be set.
fn parse_cidr(text: &str) -> Result<Cidr, Fail> {
    // The API server says it twice.
    const WRONG: &str = "network address parse error during conversion from string";
    let wrong = |why: String| Fail::from(format!("{WRONG}: {WRONG}: netip.ParsePrefix({}): {why}", go::quote(text)));
    let (ip, bits) = text.rsplit_once('/').ok_or_else(|| wrong("no '/'".to_owned()))?;
    let ip: IpAddr = ip.parse().map_err(|_| wrong(format!("ParseAddr({}): unable to parse IP", go::quote(ip))))?;
    let digits =
        !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit()) && (bits.len() == 1 || !bits.starts_with('0'));
    if !digits || bits.len() > 18 {
        return Err(wrong(format!("bad bits after slash: {}", go::quote(bits))));
    }
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let bits = bits.parse::<u8>().ok().filter(|b| *b <= most);
    let bits = bits.ok_or_else(|| wrong("prefix length out of range".to_owned()))?;
    if is_mapped(ip) {
        let message = format!("{WRONG}: IPv4-mapped IPv6 address {} is not allowed", go::quote(text));
        return Err(Fail::from(message));
    }
    Ok(Cidr { ip, bits })
}

fn is_mapped(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some())
}

fn ip<'a>(ip: IpAddr) -> Value<'a> {
    Value::Opaque(Rc::new(Opaque::Ip(ip)))
}

fn cidr<'a>(cidr: Cidr) -> Value<'a> {
    Value::Opaque(Rc::new(Opaque::Cidr(cidr)))
}

fn ip_at(arguments: &[Value<'_>], i: usize) -> Result<IpAddr, Fail> {
    if let View::Opaque(Opaque::Ip(ip)) = argument(arguments, i)?.view() { Ok(*ip) } else { Err(Fail::NoSuchOverload) }
}

fn cidr_at(arguments: &[Value<'_>], i: usize) -> Result<Cidr, Fail> {
    match argument(arguments, i)?.view() {
        View::Opaque(Opaque::Cidr(cidr)) => Ok(*cidr),
        _ => Err(Fail::NoSuchOverload),
    }
}

fn ask<'a>(arguments: &[Value<'a>], question: fn(IpAddr) -> bool) -> Answer<'a> {
    Ok(Value::Bool(question(ip_at(arguments, 0)?)))
}

fn is_canonical<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let text = text_at(arguments, 0)?;
    Ok(Value::Bool(parse_ip(text)?.to_string() == text))
}

// As netip has them; the standard library's are not all stable, and differ.

fn is_link_local_multicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => matches!(ip.octets(), [224, 0, 0, _]),
        IpAddr::V6(ip) => ip.segments().first().is_some_and(|s| s & 0xff0f == 0xff02),
    }
}

fn is_link_local_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.segments().first().is_some_and(|s| s & 0xffc0 == 0xfe80),
    }
}

fn is_global_unicast(ip: IpAddr) -> bool {
    let none = ip.is_unspecified() || matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !(none || ip.is_loopback() || ip.is_multicast() || is_link_local_unicast(ip))
}

fn contains_ip<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let network = cidr_at(arguments, 0)?;
    let ip = match argument(arguments, 1)?.as_str() {
        // The API server loses the reason why a text is no address.
        Some(text) => parse_ip(text).map_err(|_| Fail::NoSuchOverload)?,
        None => ip_at(arguments, 1)?,
    };
    Ok(Value::Bool(network.contains(ip)))
}

fn contains_cidr<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let network = cidr_at(arguments, 0)?;
    let other = match argument(arguments, 1)?.as_str() {
        Some(text) => parse_cidr(text)?,
        None => cidr_at(arguments, 1)?,
    };
    Ok(Value::Bool(network.bits <= other.bits && network.contains(other.ip)))
}
