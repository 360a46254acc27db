//! Ranges of IP addresses, and those that no endpoint may be in.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A range of addresses, `10.0.0.0/8`; a single address is a range of one. Host bits are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), schemars(extend("pattern" = crate::schema::pattern::cidr())), ts(type = "string"))]
pub struct Cidr(IpNet);

/// The text is not a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a valid address range; expected one like `10.0.0.0/8`, `fd00::/8` or `10.0.0.1`"
)]
pub struct InvalidCidr(String);

impl Cidr {
    /// Whether the address is in the range. An IPv4 address is in no IPv6 range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Self {
        Self(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)))
    }

    const fn v6(first: u16, second: u16, last: u16, length: u8) -> Self {
        let address = Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, last);
        Self(IpNet::V6(Ipv6Net::new_assert(address, length)))
    }
}

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let parse = || {
            let Some((address, length)) = text.split_once('/') else {
                return Some(IpNet::from(text.parse::<IpAddr>().ok()?));
            };
            IpNet::new(address.parse().ok()?, length.parse().ok()?).ok()
        };
        let range = parse().ok_or_else(|| InvalidCidr(text.to_owned()))?;
        // A range within ::ffff:0:0/96 covers the IPv4 addresses that are mapped there.
        let mapped = match range {
            IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96)),
            IpNet::V4(_) => None,
        };
        let v4 = mapped.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
        Ok(Self(v4.map_or(range, IpNet::V4)))
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
        self.0.fmt(f)
    }
}

/// The default of `denyCidrs`. A user who can write to Cloud Map must not be able to direct a
/// client to itself (loopback, unspecified), to the metadata and agents of its node (link-local,
/// and `fd00:ec2::/32`, EC2's IPv6 range for the same), or to a group (multicast, broadcast).
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

/// The range that forbids an address, if there is one.
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

/// The IPv4 address that an IPv6 address embeds and a gateway would use: IPv4-compatible (RFC
/// 4291), NAT64 (RFC 6052) and 6to4 (RFC 3056).
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
    fn an_address_of_the_client_itself_or_of_its_node_is_forbidden() {
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
    fn an_allowed_range_takes_precedence_over_a_denied_one() {
        let allow = ["127.0.0.0/8".parse().unwrap(), "::/0".parse().unwrap()];
        assert_eq!(forbidding("127.0.0.1".parse().unwrap(), &FORBIDDEN, &allow), None);
        assert!(
            forbidding("169.254.169.254".parse().unwrap(), &FORBIDDEN, &allow).is_some(),
            "::/0 is not a range of IPv4 addresses"
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
