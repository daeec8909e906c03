//! Addresses as limits count them: who has one IPv6 address has all of its /64.
//!
//! Must never hold: what is counted.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::service::Origin;

/// An IPv4 address, or the /64 of an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Block(IpAddr);

impl Block {
    /// The same, as the service counts by it.
    pub(super) fn origin(self) -> Origin {
        Origin(match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        })
    }
}

impl From<SocketAddr> for Block {
    fn from(address: SocketAddr) -> Self {
        Self(match address.ip().to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// Addresses that begin alike: `192.0.2.0/24`, or one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    /// How many bits are alike.
    bits: u8,
}

impl Network {
    fn holds(self, address: IpAddr) -> bool {
        let alike = |left: u128, right: u128, width: u8| {
            (left ^ right).checked_shr((width - self.bits).into()).unwrap_or(0) == 0
        };
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                alike(first.to_bits().into(), address.to_bits().into(), 32)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                alike(first.to_bits(), address.to_bits(), 128)
            }
            _ => false,
        }
    }

    /// Whether it holds `block`, by its first address.
    pub(super) fn holds_block(self, block: Block) -> bool {
        self.holds(block.0)
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (first, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let first: IpAddr = first.parse().map_err(|_| ())?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), str::parse).map_err(|_| ())?;
        if bits <= width { Ok(Self { first, bits }) } else { Err(()) }
    }
}

impl Display for Network {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_ipv6_are_one_and_in_ipv4_are_two() {
        let block = |address: &str| Block::from(address.parse::<SocketAddr>().unwrap());
        assert_eq!(block("[2001:db8::1]:1"), block("[2001:db8::ffff:0:0:1]:2"));
        assert_ne!(block("[2001:db8::1]:1"), block("[2001:db8:0:1::1]:1"));
        assert_ne!(block("192.0.2.1:1"), block("192.0.2.2:1"));
        assert_eq!(block("[::ffff:192.0.2.1]:1"), block("192.0.2.1:9"));
    }

    #[test]
    fn a_network_holds_what_begins_alike() {
        let holds = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().holds(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("0.0.0.0/0", "192.0.2.1") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("::/0", "2001:db8::1") && holds("192.0.2.1", "192.0.2.1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::") && !holds("::1", "::2"));
        for wrong in ["", "10.0.0.0/33", "10.0.0", "::/129", "::/-1", "a/8", "10.0.0.0/"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert_eq!("::1".parse::<Network>().unwrap().to_string(), "::1/128");
    }
}
