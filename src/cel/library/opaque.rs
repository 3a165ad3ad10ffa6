//! Values of types that libraries bring and that expressions cannot look into.

use core::net::IpAddr;
use std::fmt;

use super::named_format::NamedFormat;
use super::net::Cidr;
use super::quantity::Quantity;
use super::semver::Semver;
use super::url::Url;

/// Such a value.
#[derive(Clone, Debug)]
pub enum Opaque {
    /// `kubernetes.Quantity`
    Quantity(Quantity),
    /// `net.IP`
    Ip(IpAddr),
    /// `net.CIDR`
    Cidr(Cidr),
    /// `kubernetes.URL`
    Url(Box<Url>),
    /// `kubernetes.Semver`
    Semver(Semver),
    /// `kubernetes.NamedFormat`
    Format(&'static NamedFormat),
}

impl Opaque {
    /// The type's name.
    pub fn type_name(&self) -> &'static str {
        match self {
            Opaque::Quantity(_) => "kubernetes.Quantity",
            Opaque::Ip(_) => "net.IP",
            Opaque::Cidr(_) => "net.CIDR",
            Opaque::Url(_) => "kubernetes.URL",
            Opaque::Semver(_) => "kubernetes.Semver",
            Opaque::Format(_) => "kubernetes.NamedFormat",
        }
    }

    /// Whether two are equal. `None` where the API server has no answer: they are of two types, or the other is a quantity
    /// that was computed.
    pub(in crate::cel) fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Opaque::Quantity(a), Opaque::Quantity(b)) if !b.computed => a.compare(b).ok().map(|order| order.is_eq()),
            (Opaque::Ip(a), Opaque::Ip(b)) => Some(a == b),
            (Opaque::Cidr(a), Opaque::Cidr(b)) => Some(a == b),
            (Opaque::Url(a), Opaque::Url(b)) => Some(a == b),
            (Opaque::Semver(a), Opaque::Semver(b)) => Some(a == b),
            (Opaque::Format(a), Opaque::Format(b)) => Some(a == b),
            _ => None,
        }
    }

    /// What costs count as its size: bytes of an address, 1 of anything else.
    pub(super) fn size(&self) -> u64 {
        match self {
            Opaque::Ip(ip) => {
                if ip.is_ipv4() {
                    4
                } else {
                    16
                }
            }
            Opaque::Cidr(cidr) => cidr.size(),
            _ => 1,
        }
    }
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Opaque::Quantity(quantity) => quantity.fmt(f),
            Opaque::Ip(ip) => ip.fmt(f),
            Opaque::Cidr(cidr) => cidr.fmt(f),
            Opaque::Url(url) => url.fmt(f),
            Opaque::Semver(version) => version.fmt(f),
            Opaque::Format(format) => f.write_str(format.name),
        }
    }
}
