//! Socket addresses and tuples as events carry them.
//!
//! In: bytes of address and tuple parameters. Out: [`Ends`], [`Address`]. Next: `verbs::socket`.
//! Source: scap format specification, parameter types SOCKADDR and SOCKTUPLE.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::fds::Tuple;
use crate::bytes::{trim_nul, Cursor};

/// Address families in the format's numbering.
pub(crate) mod family {
    pub const UNIX: u8 = 1;
    pub const INET: u8 = 2;
    pub const INET6: u8 = 10;
    pub const NETLINK: u8 = 16;
}

/// Both ends of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends<'a> {
    /// IPv4, also when both addresses are IPv4 mapped into IPv6 (or unset).
    V4(Tuple),
    /// IPv6.
    V6(Tuple),
    /// Kernel addresses and the path.
    Unix(u64, u64, &'a [u8]),
}

impl<'a> Ends<'a> {
    /// Reads a tuple parameter; `None` for other families and for bytes that end too soon.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut c = Cursor::new(bytes);
        match c.u8()? {
            family::INET => Some(Ends::V4(tuple(&mut c, v4)?)),
            family::INET6 => {
                let tuple = tuple(&mut c, v6)?;
                Some(tuple.unmapped().map_or(Ends::V6(tuple), Ends::V4))
            }
            family::UNIX => Some(Ends::Unix(c.u64()?, c.u64()?, trim_nul(c.rest()))),
            _ => None,
        }
    }

    /// The ends of an IP socket.
    pub fn tuple(&self) -> Option<Tuple> {
        match self {
            Ends::V4(tuple) | Ends::V6(tuple) => Some(*tuple),
            Ends::Unix(..) => None,
        }
    }
}

/// `source->destination path`, as unix sockets are shown; the blank is there without a path.
pub(crate) fn unix_text(source: u64, destination: u64, path: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(path.len() + 36);
    // Writing to a vector cannot fail.
    let _ = write!(text, "{source:x}->{destination:x} ");
    text.extend_from_slice(path);
    text
}

/// One end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address<'a> {
    /// IPv4 or IPv6 address and port.
    Ip(IpAddr, u16),
    /// Path of a unix socket.
    Unix(&'a [u8]),
    /// Another family.
    Other(u8),
}

impl<'a> Address<'a> {
    /// Reads an address parameter.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut c = Cursor::new(bytes);
        Some(match c.u8()? {
            family::INET => Address::Ip(v4(&mut c)?, c.u16()?),
            family::INET6 => Address::Ip(v6(&mut c)?, c.u16()?),
            family::UNIX => Address::Unix(trim_nul(c.rest())),
            other => Address::Other(other),
        })
    }

    /// The address as it is shown.
    pub fn text(&self) -> Vec<u8> {
        match self {
            Address::Ip(ip, port) => format!("{ip}:{port}").into_bytes(),
            Address::Unix(path) => path.to_vec(),
            Address::Other(family) => format!("family {family}").into_bytes(),
        }
    }
}

fn tuple(c: &mut Cursor<'_>, addr: fn(&mut Cursor<'_>) -> Option<IpAddr>) -> Option<Tuple> {
    let (src, sport) = (addr(c)?, c.u16()?);
    let (dst, dport) = (addr(c)?, c.u16()?);
    Some(Tuple { src, dst, sport, dport })
}

fn v4(c: &mut Cursor<'_>) -> Option<IpAddr> {
    let bytes: [u8; 4] = c.take(4)?.try_into().ok()?;
    Some(IpAddr::V4(Ipv4Addr::from(bytes)))
}

fn v6(c: &mut Cursor<'_>) -> Option<IpAddr> {
    let bytes: [u8; 16] = c.take(16)?.try_into().ok()?;
    Some(IpAddr::V6(Ipv6Addr::from(bytes)))
}

/// The IPv4 form of a mapped address; other addresses stay.
pub(crate) fn plain(addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(addr, IpAddr::V4),
        IpAddr::V4(_) => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_of_every_family_are_read() {
        let v4 = [2, 10, 0, 0, 5, 0xd2, 4, 10, 0, 0, 6, 80, 0];
        let tuple = Ends::parse(&v4).unwrap().tuple().unwrap();
        assert_eq!(tuple.text(false, crate::state::L4::Tcp), "10.0.0.5:1234->10.0.0.6:80");
        let mut unix = vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
        unix.extend_from_slice(b"/run/z\0");
        assert_eq!(Ends::parse(&unix), Some(Ends::Unix(1, 2, b"/run/z")));
        assert_eq!(unix_text(1, 0xabc, b"/run/z"), b"1->abc /run/z");
        assert_eq!(unix_text(0, 0, b""), b"0->0 ");
    }

    #[test]
    fn mapped_addresses_are_ipv4_when_both_are() {
        let mapped = |last: u8| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last];
        let mut bytes = vec![10];
        bytes.extend(mapped(5));
        bytes.extend([1, 0]);
        bytes.extend(mapped(6));
        bytes.extend([80, 0]);
        assert!(matches!(Ends::parse(&bytes), Some(Ends::V4(t)) if t.dst.is_ipv4()));
    }

    #[test]
    fn cut_and_unknown_bytes_are_none() {
        assert_eq!(Ends::parse(&[]), None);
        assert_eq!(Ends::parse(&[2, 10, 0]), None);
        assert_eq!(Ends::parse(&[38, 1, 2, 3]), None);
        assert_eq!(Address::parse(&[2, 1]), None);
        assert_eq!(Address::parse(&[38, 0]).unwrap().text(), b"family 38");
    }
}
