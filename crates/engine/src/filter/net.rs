//! Networks.
//!
//! In: networks of the filter. Out: whether an address lies in one. Next: [`super::compare`].

use std::net::IpAddr;

use rustc_hash::{FxHashMap, FxHashSet};

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    base: u128,
    len: u8,
    is_v4: bool,
}

/// The bits of an address, leftmost first, and whether it is IPv4.
fn bits(ip: IpAddr) -> (u128, bool) {
    match ip {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)) << 96, true),
        IpAddr::V6(ip) => (u128::from(ip), false),
    }
}

fn masked(bits: u128, len: u8) -> u128 {
    if len == 0 {
        return 0;
    }
    bits & (u128::MAX << (128 - u32::from(len)))
}

impl Net {
    /// Reads `ADDRESS/LENGTH`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, len) = text.split_once('/')?;
        let (all, is_v4) = bits(address.parse().ok()?);
        let len: u8 = len.parse().ok()?;
        let max = if is_v4 { 32 } else { 128 };
        (len <= max).then(|| Net { base: masked(all, len), len, is_v4 })
    }

    /// Whether an address lies in it; one of the other family never does.
    pub fn has(&self, ip: IpAddr) -> bool {
        let (all, is_v4) = bits(ip);
        is_v4 == self.is_v4 && masked(all, self.len) == self.base
    }
}

/// Networks by prefix length: a lookup is one hash for each length in use, at most 33 or 129.
#[derive(Debug, Default)]
pub struct NetSet {
    by_len: FxHashMap<(bool, u8), FxHashSet<u128>>,
}

impl NetSet {
    /// Adds a network.
    pub fn insert(&mut self, net: Net) {
        self.by_len.entry((net.is_v4, net.len)).or_default().insert(net.base);
    }

    /// Whether an address lies in one of them.
    pub fn has(&self, ip: IpAddr) -> bool {
        let (all, is_v4) = bits(ip);
        let of_family = self.by_len.iter().filter(|((family, _), _)| *family == is_v4);
        of_family.into_iter().any(|((_, len), bases)| bases.contains(&masked(all, *len)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_has_the_addresses_below_its_prefix() {
        let net = Net::parse("10.1.2.3/8").unwrap();
        assert!(net.has(ip("10.255.0.1")));
        assert!(!net.has(ip("11.0.0.1")));
        assert!(!net.has(ip("::ffff:10.0.0.1")));
        assert!(Net::parse("0.0.0.0/0").unwrap().has(ip("1.2.3.4")));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["10.0.0.0", "10.0.0.0/33", "fe80::/129", "x/8", "10.0.0.0/-1"] {
            assert_eq!(Net::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_set_has_what_one_of_its_networks_has() {
        let mut set = NetSet::default();
        for text in ["10.0.0.0/8", "192.168.0.0/16", "2600::/12"] {
            set.insert(Net::parse(text).unwrap());
        }
        assert!(set.has(ip("192.168.3.4")));
        assert!(set.has(ip("2607:f8b0::1")));
        assert!(!set.has(ip("172.16.0.1")));
        assert!(!NetSet::default().has(ip("::1")));
    }
}
