//! IP addresses and CIDR blocks as Istio reads them: with Go's `net/netip`.

use std::net::{IpAddr, Ipv6Addr};

/// Whether `netip.ParseAddr` accepts it: an IPv6 address may have a zone.
pub(super) fn is_address(text: &str) -> bool {
    parse(text).is_some()
}

/// Whether it is an address, or an address and a prefix length. As in Istio, text with one slash is
/// a prefix.
pub(super) fn is_address_or_prefix(text: &str) -> bool {
    if text.bytes().filter(|b| *b == b'/').count() != 1 {
        return is_address(text);
    }
    let Some((address, bits)) = text.split_once('/') else { return false };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let max = if address.is_ipv4() { 32 } else { 128 };
    let is_number =
        bits.bytes().all(|b| b.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    is_number && bits.parse::<u8>().is_ok_and(|bits| bits <= max)
}

/// The canonical form (RFC 5952) of the IPv6 address in this text, if the text differs from it.
pub(super) fn canonical_ipv6(text: &str) -> Option<String> {
    let (address, prefix) =
        text.find('/').and_then(|slash| text.split_at_checked(slash)).unwrap_or((text, ""));
    let (address, zone) = address
        .find('%')
        .and_then(|percent| address.split_at_checked(percent))
        .unwrap_or((address, ""));
    let canonical = address.parse::<Ipv6Addr>().ok()?.to_string();
    (canonical != address).then(|| [&canonical, zone, prefix].concat())
}

fn parse(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((address, zone)) if !zone.is_empty() && address.contains(':') => address,
        Some(_) => return None,
        None => text,
    };
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_go() {
        for text in [
            "10.0.0.1",
            "0.0.0.0",
            "::",
            "2001:db8::1",
            "2001:DB8:0::1",
            "::ffff:1.2.3.4",
            "fe80::1%eth0",
            "fe80::1%a/b/c",
            "1:2:3:4:5:6:7::",
        ] {
            assert!(is_address(text), "{text}");
        }
        for text in [
            "",
            "10.0.0",
            "10.0.0.010",
            "10.0.0.256",
            "10.0.0.1.2",
            "[::1]",
            "::1%",
            "1.2.3.4%eth0",
            "1::2::3",
            ":1",
            "12345::",
            " ::1",
            "1:2:3:4:5:6:7:8::",
            "::1.2.3.04",
            "foo",
        ] {
            assert!(!is_address(text), "{text}");
        }
    }

    #[test]
    fn prefixes_are_those_of_go() {
        for text in
            ["10.0.0.0/8", "10.0.0.1/32", "0.0.0.0/0", "2001:db8::/128", "::/0", "fe80::1%a/b/c"]
        {
            assert!(is_address_or_prefix(text), "{text}");
        }
        for text in [
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "/8",
            "::/129",
            "::/256",
            "fe80::1%eth0/64",
            "10.0.0.0/8/8",
            "10/8",
        ] {
            assert!(!is_address_or_prefix(text), "{text}");
        }
    }

    #[test]
    fn only_an_ipv6_address_can_be_written_in_several_ways() {
        assert_eq!(canonical_ipv6("2001:DB8:0::1/64").as_deref(), Some("2001:db8::1/64"));
        assert_eq!(canonical_ipv6("FE80::1%Eth0").as_deref(), Some("fe80::1%Eth0"));
        assert_eq!(canonical_ipv6("2001:db8::1"), None);
        assert_eq!(canonical_ipv6("10.0.0.1"), None);
        assert_eq!(canonical_ipv6("a.example.com"), None);
    }
}
