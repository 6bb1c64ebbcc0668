//! Socket addresses as text.
//!
//! In: the wire form of socket parameters. Out: bytes appended to a line. Next: `param`.
//! Source: scap format specification, types SOCKADDR and SOCKTUPLE.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustc_hash::FxHashMap;

use super::num::{hex_lower, udec};
use super::Style;
use crate::bytes::{trim_nul, Cursor};
use crate::state::fds::{Tuple, L4};

const AF_UNIX: u8 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// Appends an address.
pub fn ip(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(v4) => ipv4(out, v4),
        // Writing to a vector cannot fail.
        IpAddr::V6(v6) => drop(write!(out, "{v6}")),
    }
}

fn ipv4(out: &mut Vec<u8>, ip: Ipv4Addr) {
    for (i, byte) in ip.octets().into_iter().enumerate() {
        if i > 0 {
            out.push(b'.');
        }
        udec(out, u64::from(byte));
    }
}

/// Names of ports by transport.
#[derive(Clone, Debug, Default)]
pub struct Services {
    names: FxHashMap<(u16, bool), Box<str>>,
}

impl Services {
    /// From rows of port, whether it is one of UDP, and name.
    pub fn new(rows: &[(u16, bool, String)]) -> Self {
        let names = rows.iter().map(|(port, udp, name)| ((*port, *udp), name.as_str().into()));
        Services { names: names.collect() }
    }

    /// Whether ports are shown as numbers.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Appends a port: its name, or the number when it has none.
    pub fn port(&self, out: &mut Vec<u8>, port: u16, l4: L4) {
        match self.names.get(&(port, l4 == L4::Udp)) {
            Some(name) => out.extend_from_slice(name.as_bytes()),
            None => udec(out, u64::from(port)),
        }
    }
}

/// How the ports of a socket are shown.
#[derive(Clone, Copy)]
pub struct Ports<'t> {
    /// Their names.
    pub services: &'t Services,
    /// The transport, which decides what a port's name is.
    pub l4: L4,
}

/// Appends `address:port`, IPv6 without brackets.
fn endpoint(out: &mut Vec<u8>, (address, port): (IpAddr, u16), ports: Ports<'_>) {
    ip(out, address);
    out.push(b':');
    ports.services.port(out, port, ports.l4);
}

/// Appends `source:port->destination:port`.
pub fn connection(out: &mut Vec<u8>, src: (IpAddr, u16), dst: (IpAddr, u16), ports: Ports<'_>) {
    endpoint(out, src, ports);
    out.extend_from_slice(b"->");
    endpoint(out, dst, ports);
}

/// Appends the name of an IP socket with its ports named.
pub fn socket(out: &mut Vec<u8>, tuple: &Tuple, is_server: bool, ports: Ports<'_>) {
    let (src, dst) = ((tuple.src, tuple.sport), (tuple.dst, tuple.dport));
    if is_server {
        endpoint(out, dst, ports);
    } else {
        connection(out, src, dst, ports);
    }
}

fn v4(cursor: &mut Cursor<'_>) -> Option<IpAddr> {
    let octets: [u8; 4] = cursor.take(4)?.try_into().ok()?;
    Some(Ipv4Addr::from(octets).into())
}

fn v6(cursor: &mut Cursor<'_>) -> Option<IpAddr> {
    let octets: [u8; 16] = cursor.take(16)?.try_into().ok()?;
    Some(Ipv6Addr::from(octets).into())
}

type ReadIp = fn(&mut Cursor<'_>) -> Option<IpAddr>;

fn read_endpoint(cursor: &mut Cursor<'_>, read: ReadIp) -> Option<(IpAddr, u16)> {
    Some((read(cursor)?, cursor.u16()?))
}

/// A path with its final NUL.
fn read_path<'a>(cursor: &Cursor<'a>) -> Option<&'a [u8]> {
    let rest = cursor.rest();
    (rest.last() == Some(&0)).then(|| trim_nul(rest))
}

/// The address of a SOCKADDR parameter, when it is one of IPv4 or IPv6.
pub fn sockaddr_ip(bytes: &[u8]) -> Option<(IpAddr, u16)> {
    let mut cursor = Cursor::new(bytes);
    match cursor.u8()? {
        AF_INET => read_endpoint(&mut cursor, v4),
        AF_INET6 => read_endpoint(&mut cursor, v6),
        _ => None,
    }
}

/// Appends a SOCKADDR parameter.
pub fn sockaddr(out: &mut Vec<u8>, bytes: &[u8], style: &Style, ports: Ports<'_>) {
    let mut cursor = Cursor::new(bytes);
    let family = cursor.u8().unwrap_or(0);
    match family {
        AF_INET | AF_INET6 => match sockaddr_ip(bytes) {
            Some(end) => endpoint(out, end, ports),
            None => invalid(out, family),
        },
        AF_UNIX => match read_path(&cursor) {
            Some(path) => style.text(out, path),
            None => invalid(out, family),
        },
        _ => other_family(out, family),
    }
}

fn invalid(out: &mut Vec<u8>, family: u8) {
    out.extend_from_slice(match family {
        AF_INET => b"INVALID IPv4",
        AF_INET6 => b"INVALID IPv6",
        _ => b"INVALID PATH",
    });
}

fn other_family(out: &mut Vec<u8>, family: u8) {
    out.extend_from_slice(b"family ");
    udec(out, u64::from(family));
}

/// Both ends of a SOCKTUPLE parameter, when it is one of IPv4 or IPv6.
///
/// Ends that are both IPv4-mapped are given as IPv4.
pub fn socktuple_ips(bytes: &[u8]) -> Option<[(IpAddr, u16); 2]> {
    let mut cursor = Cursor::new(bytes);
    let read = match cursor.u8()? {
        AF_INET => v4,
        AF_INET6 => v6 as ReadIp,
        _ => return None,
    };
    let ends = [read_endpoint(&mut cursor, read)?, read_endpoint(&mut cursor, read)?];
    Some(as_v4(ends).unwrap_or(ends))
}

fn as_v4(ends: [(IpAddr, u16); 2]) -> Option<[(IpAddr, u16); 2]> {
    let map = |(ip, port)| match ip {
        IpAddr::V6(v6) if v6.is_unspecified() => Some((Ipv4Addr::UNSPECIFIED.into(), port)),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map(|v4| (v4.into(), port)),
        IpAddr::V4(_) => None,
    };
    Some([map(ends[0])?, map(ends[1])?])
}

/// Appends a SOCKTUPLE parameter.
pub fn socktuple(out: &mut Vec<u8>, bytes: &[u8], style: &Style, ports: Ports<'_>) {
    let mut cursor = Cursor::new(bytes);
    let family = cursor.u8().unwrap_or(0);
    match family {
        AF_INET | AF_INET6 => match socktuple_ips(bytes) {
            Some([src, dst]) => connection(out, src, dst, ports),
            None => invalid(out, family),
        },
        AF_UNIX => {
            if unix_pair(out, &mut cursor, style).is_none() {
                invalid(out, family);
            }
        }
        _ => other_family(out, family),
    }
}

fn unix_pair(out: &mut Vec<u8>, cursor: &mut Cursor<'_>, style: &Style) -> Option<()> {
    let (src, dst) = (cursor.u64()?, cursor.u64()?);
    let path = read_path(cursor)?;
    hex_lower(out, src);
    out.extend_from_slice(b"->");
    hex_lower(out, dst);
    out.push(b' ');
    style.text(out, path);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        let services = Services::default();
        socktuple(&mut out, bytes, &Style::default(), Ports { services: &services, l4: L4::Tcp });
        String::from_utf8(out).unwrap_or_default()
    }

    fn addr(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        let services = Services::new(&[(53, true, "domain".into())]);
        sockaddr(&mut out, bytes, &Style::default(), Ports { services: &services, l4: L4::Udp });
        String::from_utf8(out).unwrap_or_default()
    }

    #[test]
    fn ipv4_ends_are_joined_by_an_arrow() {
        let bytes = [2, 127, 0, 0, 1, 0x04, 0xaf, 10, 0, 0, 2, 80, 0];
        assert_eq!(tuple(&bytes), "127.0.0.1:44804->10.0.0.2:80");
        assert_eq!(tuple(&bytes[..12]), "INVALID IPv4");
    }

    #[test]
    fn mapped_ends_are_shown_as_ipv4() {
        let mut bytes = vec![10];
        for last in [1, 2] {
            bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last, 5, 0]);
        }
        assert_eq!(tuple(&bytes), "10.0.0.1:5->10.0.0.2:5");
        bytes[30] = 1;
        assert!(tuple(&bytes).contains("::ffff:10.0.0.1:5->"));
    }

    #[test]
    fn unix_ends_are_kernel_addresses_and_a_path() {
        let mut bytes = vec![1];
        bytes.extend(0u64.to_le_bytes());
        bytes.extend(0xffff_8800_3c42_0800_u64.to_le_bytes());
        bytes.extend(b"/run/x\0");
        assert_eq!(tuple(&bytes), "0->ffff88003c420800 /run/x");
        bytes.pop();
        assert_eq!(tuple(&bytes), "INVALID PATH");
    }

    #[test]
    fn addresses_of_every_family() {
        assert_eq!(addr(&[2, 1, 2, 3, 4, 80, 0]), "1.2.3.4:80");
        assert_eq!(addr(&[2, 1, 2, 3, 4, 53, 0]), "1.2.3.4:domain");
        assert_eq!(addr(&[2, 1, 2, 3, 4, 80]), "INVALID IPv4");
        assert_eq!(addr(b"\x01/run/x\0"), "/run/x");
        assert_eq!(addr(&[16]), "family 16");
    }
}
