//! Ranges of IP addresses, and which of them nobody may be pointed at.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A range of addresses, `10.0.0.0/8`; a lone address is a range of one. Host bits are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), schemars(extend("pattern" = crate::schema::pattern::cidr())), ts(type = "string"))]
pub struct Cidr {
    address: IpAddr,
    length: u8,
}

/// No range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no address range; expected one like `10.0.0.0/8`, `fd00::/8` or `10.0.0.1`")]
pub struct InvalidCidr(String);

impl Cidr {
    /// Whether the address is in the range. An IPv4 address is in no IPv6 range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                let differing = u32::from(range) ^ u32::from(address);
                differing.checked_shr(32_u32.saturating_sub(self.length.into())).unwrap_or(0) == 0
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => {
                let differing = u128::from(range) ^ u128::from(address);
                differing.checked_shr(128_u32.saturating_sub(self.length.into())).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), length }
    }

    const fn v6(first: u16, second: u16, last: u16, length: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, last)), length }
    }
}

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let invalid = || InvalidCidr(text.to_owned());
        let (address, length) =
            text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(length) => {
                length.parse().ok().filter(|length: &u8| *length <= most).ok_or_else(invalid)?
            }
            None => most,
        };
        // A range within ::ffff:0:0/96 is meant for the IPv4 addresses that those are.
        match address {
            IpAddr::V6(v6) if length >= 96 && v6.to_ipv4_mapped().is_some() => {
                Ok(Self { address: address.to_canonical(), length: length.saturating_sub(96) })
            }
            _ => Ok(Self { address, length }),
        }
    }
}

impl TryFrom<String> for Cidr {
    type Error = InvalidCidr;

    fn try_from(text: String) -> Result<Self, InvalidCidr> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// What `denyCidrs` is by default. Whoever may write to Cloud Map must not be able to point callers
/// at themselves (loopback, unspecified), at their node's metadata and agents (link-local, and
/// `fd00:ec2::/32`, EC2's IPv6 range for the same), or at a group (multicast, broadcast).
pub(super) const FORBIDDEN: [Cidr; 10] = [
    Cidr::v4(0, 0, 0, 0, 8),
    Cidr::v4(127, 0, 0, 0, 8),
    Cidr::v4(169, 254, 0, 0, 16),
    Cidr::v4(224, 0, 0, 0, 4),
    Cidr::v4(255, 255, 255, 255, 32),
    Cidr::v6(0, 0, 0, 128),
    Cidr::v6(0, 0, 1, 128),
    Cidr::v6(0xfe80, 0, 0, 10),
    Cidr::v6(0xff00, 0, 0, 8),
    Cidr::v6(0xfd00, 0xec2, 0, 32),
];

/// The range that forbids an address, or none.
pub(super) fn forbidding(address: IpAddr, deny: &[Cidr], allow: &[Cidr]) -> Option<Cidr> {
    let embedded = match address {
        IpAddr::V6(v6) => embedded(v6).map(IpAddr::V4),
        IpAddr::V4(_) => None,
    };
    let allowed = |address: IpAddr| allow.iter().any(|range| range.contains(address));
    [Some(address), embedded]
        .into_iter()
        .flatten()
        .filter(|a| !allowed(*a))
        .find_map(|a| deny.iter().find(|r| r.contains(a)).copied())
}

/// The IPv4 address that a translator would make of an IPv6 one: IPv4-compatible, NAT64 (RFC 6052)
/// and 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(v4(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn is_forbidden(address: &str) -> bool {
        forbidding(address.parse().unwrap(), &FORBIDDEN, &[]).is_some()
    }

    #[test]
    fn what_points_callers_at_themselves_or_their_node_is_forbidden() {
        for address in [
            "127.0.0.1",
            "127.255.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "169.254.170.2",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "64:ff9b::7f00:1",
            "2002:a9fe:a9fe::1",
            "::127.0.0.1",
        ] {
            assert!(is_forbidden(address), "{address}");
        }
        for address in [
            "10.0.0.0",
            "128.0.0.1",
            "8.8.8.8",
            "2001:db8::1",
            "fd00::1",
            "::abcd:abcd:abcd:abcd",
            "fec0::1",
            "64:ff9b::a00:1",
        ] {
            assert!(!is_forbidden(address), "{address}");
        }
    }

    #[test]
    fn an_allowed_range_outweighs_a_denied_one() {
        let allow = ["127.0.0.0/8".parse().unwrap(), "::/0".parse().unwrap()];
        assert_eq!(forbidding("127.0.0.1".parse().unwrap(), &FORBIDDEN, &allow), None);
        assert!(
            forbidding("169.254.169.254".parse().unwrap(), &FORBIDDEN, &allow).is_some(),
            "::/0 is no range of IPv4 addresses"
        );
    }

    #[test]
    fn ranges_are_read_and_written() {
        let written = |text: &str| text.parse::<Cidr>().map(|c| c.to_string());
        assert_eq!(written("10.0.0.1").unwrap(), "10.0.0.1/32");
        assert_eq!(written("::ffff:10.0.0.0/104").unwrap(), "10.0.0.0/8");
        assert_eq!(written("::/0").unwrap(), "::/0");
        for text in ["", "10.0.0.0/33", "10.0.0/8", "a/8", "::/129", "10.0.0.0/"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
        let all: Cidr = "0.0.0.0/0".parse().unwrap();
        assert!(
            all.contains("255.1.1.1".parse().unwrap()) && !all.contains("::1".parse().unwrap())
        );
    }
}
