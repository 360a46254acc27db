//! `addresses`

use super::finding::{Findings, Quoted};
use super::ip::{canonical_ipv6, is_address_or_prefix};
use super::path::Path;
use super::read::Object;
use super::resolution::Resolution;
use super::rule::Rule;
use super::spec::Spec;

pub(super) fn read<'a>(spec: Object<'a, '_>, findings: &mut Findings) -> Vec<(usize, &'a str)> {
    let at = spec.at.key("addresses");
    let addresses = spec.texts("addresses", 256, 64, findings);
    for (index, address) in &addresses {
        if !is_address_or_prefix(address) {
            let expected =
                "expected an IP address such as `10.0.0.1`, or a CIDR block such as `10.0.0.0/8`";
            findings.say(
                Rule::InvalidAddress,
                &at.index(*index),
                format!("it is {}, {expected}", Quoted(address)),
            );
        }
        check_ipv6(address, &at.index(*index), findings);
    }
    addresses
}

pub(super) fn check_ipv6(address: &str, at: &Path<'_>, findings: &mut Findings) {
    if let Some(canonical) = canonical_ipv6(address) {
        let message = format!(
            "{} is copied as it stands and equals no other text; write {}",
            Quoted(address),
            Quoted(&canonical)
        );
        findings.say(Rule::Ipv6NotCanonical, at, message);
    }
}

pub(super) fn check(spec: &Spec<'_>, at: &Path<'_>, findings: &mut Findings) {
    let Some(resolution) = spec.resolution else { return };
    let at = at.key("addresses");
    if matches!(resolution, Resolution::None | Resolution::Static) {
        return;
    }
    for (index, address) in spec.addresses.iter().filter(|(_, address)| address.contains('/')) {
        let name = resolution.name();
        let message = format!(
            "{} is a CIDR block, which resolution {name} does not take; expected NONE or STATIC",
            Quoted(address)
        );
        findings.say(Rule::CidrNotAllowed, &at.index(*index), message);
    }
}
