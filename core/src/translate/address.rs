//! The address of an endpoint.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::candidates::InstanceAttributes;
use super::cidr::{Cidr, forbidding};
use super::options::{IpFamily, Options};
use crate::diagnostic::Code;
use crate::service_entry::{host_problem, normalized};

/// An IP address in its canonical form, never an IPv4-mapped one, or a host name that Istio
/// accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address<'a> {
    text: Cow<'a, str>,
    is_ip: bool,
}

impl Address<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) const fn is_ip(&self) -> bool {
        self.is_ip
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Refused {
    fn invalid(message: String) -> Self {
        Self { code: Code::InvalidAddress, message }
    }
}

/// How addresses are chosen and checked.
#[derive(Debug, Clone, Copy)]
pub struct AddressRules<'a> {
    pub(super) family: IpFamily,
    pub(super) deny: &'a [Cidr],
    pub(super) allow: &'a [Cidr],
    /// The service's own host, which as an endpoint would be a loop.
    pub(super) host: &'a str,
}

impl<'a> AddressRules<'a> {
    pub(super) fn new(family: IpFamily, options: &'a Options, host: &'a str) -> Self {
        Self { family, deny: &options.deny_cidrs, allow: &options.allow_cidrs, host }
    }

    /// The addresses of an instance, each checked: one, or with `ipFamily: dual` up to two.
    pub(super) fn choose<'i>(
        &self,
        attributes: &InstanceAttributes<'i>,
    ) -> [Option<Result<Address<'i>, Refused>>; 2] {
        let v4 = || attributes.ipv4.map(|text| self.ipv4(text));
        let v6 = || attributes.ipv6.map(|text| self.ipv6(text));
        let (first, second) = match self.family {
            IpFamily::PreferIpv4 => (v4().or_else(v6), None),
            IpFamily::PreferIpv6 => (v6().or_else(v4), None),
            IpFamily::Dual => (v4(), v6()),
        };
        match (first, second) {
            (Some(Ok(v4)), Some(Ok(v6))) if v4 == v6 => [Some(Ok(v4)), None],
            (None, None) => [Some(self.name(attributes)), None],
            found => found.into(),
        }
    }

    fn ipv4<'i>(&self, text: &'i str) -> Result<Address<'i>, Refused> {
        let address: Ipv4Addr = text.parse().map_err(|_| {
            Refused::invalid(format!(
                "AWS_INSTANCE_IPV4 `{text}` is not a valid IPv4 address; it is not used"
            ))
        })?;
        // A text that parses has no leading zeros, and is therefore canonical.
        self.check(IpAddr::V4(address), || Cow::Borrowed(text))
    }

    fn ipv6(&self, text: &str) -> Result<Address<'static>, Refused> {
        let address: Ipv6Addr = text.parse().map_err(|_| {
            Refused::invalid(format!(
                "AWS_INSTANCE_IPV6 `{text}` is not a valid IPv6 address; it is not used"
            ))
        })?;
        self.ip(IpAddr::V6(address))
    }

    fn ip(&self, address: IpAddr) -> Result<Address<'static>, Refused> {
        let address = address.to_canonical();
        self.check(address, || Cow::Owned(address.to_string()))
    }

    fn check<'i>(
        &self,
        address: IpAddr,
        text: impl FnOnce() -> Cow<'i, str>,
    ) -> Result<Address<'i>, Refused> {
        match forbidding(address, self.deny, self.allow) {
            Some(range) => Err(forbidden(
                &address.to_string(),
                &format!("it is in {range}, which denyCidrs lists"),
            )),
            None => Ok(Address { text: text(), is_ip: true }),
        }
    }

    fn name<'i>(&self, attributes: &InstanceAttributes<'i>) -> Result<Address<'i>, Refused> {
        let (key, text) = match (attributes.cname, attributes.alias) {
            (Some(text), _) => ("AWS_INSTANCE_CNAME", text),
            (None, Some(text)) => ("AWS_ALIAS_DNS_NAME", text),
            (None, None) => {
                return Err(Refused::invalid(
                    "the instance has no address; expected AWS_INSTANCE_IPV4, \
                     AWS_INSTANCE_IPV6, AWS_INSTANCE_CNAME or AWS_ALIAS_DNS_NAME; it is not used"
                        .to_owned(),
                ));
            }
        };
        self.target(key, text)
    }

    /// Why an endpoint may not have this address, if it is not allowed. `what` names its field.
    pub(super) fn refusal(&self, what: &str, text: &str) -> Option<String> {
        self.target(what, text).err().map(|refused| refused.message)
    }

    /// An IP address or a host name.
    fn target<'i>(&self, what: &str, text: &'i str) -> Result<Address<'i>, Refused> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return self.ip(address);
        }
        let name = normalized(text);
        let problem = host_problem(&name).or_else(|| {
            let last = name.rsplit('.').next().unwrap_or_default();
            parses_as_number(last).then(|| "resolvers parse it as an IP address".to_owned())
        });
        if let Some(problem) = problem {
            return Err(Refused::invalid(format!(
                "{what} `{text}` is not a valid host name: {problem}; it is not used"
            )));
        }
        if name == self.host {
            return Err(forbidden(&name, "it is the service's own host, which would be a loop"));
        }
        if let Some(range) =
            well_known_address(&name).and_then(|address| forbidding(address, self.deny, self.allow))
        {
            return Err(forbidden(
                &name,
                &format!("it resolves to an address in {range}, which denyCidrs lists"),
            ));
        }
        Ok(Address { text: name, is_ip: false })
    }
}

fn forbidden(address: &str, why: &str) -> Refused {
    Refused {
        code: Code::ForbiddenAddress,
        message: format!("{address} is not allowed as an endpoint: {why}; it is not used"),
    }
}

/// Whether `inet_aton` parses a last label as a number, and thus `0x7f000001` or `2130706433` as
/// 127.0.0.1.
fn parses_as_number(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => label.bytes().all(|b| b.is_ascii_digit()),
    }
}

/// The address of a name that resolves to the same one everywhere: the loopback (RFC 6761), and the
/// metadata services of EC2 and GCE.
fn well_known_address(name: &str) -> Option<IpAddr> {
    let loopback = name.rsplit('.').next() == Some("localhost")
        || name == "localhost.localdomain"
        || name == "ip6-localhost";
    let metadata =
        matches!(name, "instance-data" | "instance-data.ec2.internal" | "metadata.google.internal");
    if loopback {
        Some(IpAddr::V4(Ipv4Addr::LOCALHOST))
    } else if metadata {
        Some(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::cidr::FORBIDDEN;
    use super::*;

    const fn rules(family: IpFamily) -> AddressRules<'static> {
        AddressRules { family, deny: &FORBIDDEN, allow: &[], host: "web.n" }
    }

    fn chosen(family: IpFamily, attributes: InstanceAttributes<'_>) -> Vec<String> {
        let addresses = rules(family).choose(&attributes);
        addresses
            .into_iter()
            .flatten()
            .map(|a| a.map_or_else(|r| r.code.to_string(), |a| a.to_string()))
            .collect()
    }

    #[test]
    fn the_preferred_family_is_used_and_dual_uses_both() {
        let attributes = InstanceAttributes {
            ipv4: Some("10.0.0.1"),
            ipv6: Some("2001:0DB8::0001"),
            ..InstanceAttributes::default()
        };
        assert_eq!(chosen(IpFamily::PreferIpv4, attributes), ["10.0.0.1"]);
        assert_eq!(chosen(IpFamily::PreferIpv6, attributes), ["2001:db8::1"]);
        assert_eq!(chosen(IpFamily::Dual, attributes), ["10.0.0.1", "2001:db8::1"]);
        let only = InstanceAttributes { ipv6: None, ..attributes };
        assert_eq!(chosen(IpFamily::PreferIpv6, only), ["10.0.0.1"]);
        let only = InstanceAttributes { ipv4: None, ..attributes };
        assert_eq!(chosen(IpFamily::PreferIpv4, only), ["2001:db8::1"]);
    }

    #[test]
    fn an_ipv4_mapped_address_is_its_ipv4_address() {
        let attributes = InstanceAttributes {
            ipv4: Some("10.0.0.0"),
            ipv6: Some("0:0:0:0:0:ffff:a00:0"),
            ..InstanceAttributes::default()
        };
        assert_eq!(chosen(IpFamily::Dual, attributes), ["10.0.0.0"]);
        let attributes =
            InstanceAttributes { ipv6: Some("::ffff:127.0.0.1"), ..InstanceAttributes::default() };
        assert_eq!(chosen(IpFamily::PreferIpv4, attributes), ["ForbiddenAddress"]);
    }

    #[test]
    fn an_ip_takes_precedence_over_a_name_and_a_cname_over_an_alias() {
        let attributes = InstanceAttributes {
            ipv4: Some("10.0.0.1"),
            cname: Some("a.b"),
            alias: Some("c.d"),
            ..InstanceAttributes::default()
        };
        assert_eq!(chosen(IpFamily::PreferIpv4, attributes), ["10.0.0.1"]);
        assert_eq!(
            chosen(IpFamily::PreferIpv4, InstanceAttributes { ipv4: None, ..attributes }),
            ["a.b"]
        );
        assert_eq!(
            chosen(
                IpFamily::PreferIpv4,
                InstanceAttributes { ipv4: None, cname: None, ..attributes }
            ),
            ["c.d"]
        );
        assert_eq!(chosen(IpFamily::PreferIpv4, InstanceAttributes::default()), ["InvalidAddress"]);
    }

    #[test]
    fn names_are_normalized_and_checked() {
        let name = |text| {
            chosen(
                IpFamily::PreferIpv4,
                InstanceAttributes { cname: Some(text), ..InstanceAttributes::default() },
            )
        };
        for (text, expected) in [
            ("Web.Example.COM.", "web.example.com"),
            ("10.0.0.1", "10.0.0.1"),
            ("127.0.0.1", "ForbiddenAddress"),
            ("localhost", "ForbiddenAddress"),
            ("a.LOCALHOST.", "ForbiddenAddress"),
            ("instance-data.ec2.internal", "ForbiddenAddress"),
            ("web.n", "ForbiddenAddress"),
            ("2130706433", "InvalidAddress"),
            ("0x7f000001", "InvalidAddress"),
            ("127.0x1", "InvalidAddress"),
            ("127.1", "InvalidAddress"),
            ("foo_bar.example.com", "InvalidAddress"),
            ("*.example.com", "InvalidAddress"),
            ("[2001:db8::1]", "InvalidAddress"),
            ("fe80::1%eth0", "InvalidAddress"),
        ] {
            assert_eq!(name(text), [expected], "{text}");
        }
    }

    #[test]
    fn an_ip_attribute_without_an_ip_of_its_family_is_invalid() {
        for text in ["vector.local", "192.168.1.", "10.0.0.010", "::1", " 10.0.0.1", "10.0.0.1/32"]
        {
            assert_eq!(
                chosen(
                    IpFamily::PreferIpv4,
                    InstanceAttributes { ipv4: Some(text), ..InstanceAttributes::default() }
                ),
                ["InvalidAddress"],
                "{text}"
            );
        }
        assert_eq!(
            chosen(
                IpFamily::PreferIpv4,
                InstanceAttributes { ipv6: Some("10.0.0.1"), ..InstanceAttributes::default() }
            ),
            ["InvalidAddress"]
        );
    }
}
