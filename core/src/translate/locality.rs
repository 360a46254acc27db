//! Where an endpoint is: `region/zone`.

use super::provider::Provider;
use super::report::Report;
use crate::diagnostic::Code;

/// The locality of a provider, or none. `with_region` asks for the region at least, so that Istio
/// can fail over between regions.
pub(super) fn locality(
    provider: &Provider<'_>,
    with_region: bool,
    report: &mut Report,
) -> Option<String> {
    let known = &provider.says.known;
    let read_in = provider.record.region.as_deref();
    let Some(zone) = known.zone else {
        return with_region
            .then_some(known.region.or(read_in))
            .flatten()
            .filter(|region| is_name(region))
            .map(str::to_owned);
    };
    let region = known.region.or_else(|| region_of(zone)).or(read_in);
    match region {
        Some(region) if is_name(region) && is_name(zone) => Some([region, "/", zone].concat()),
        _ => {
            let region = region.unwrap_or_default();
            let message = format!(
                "no locality can be made of zone `{zone}` and region `{region}`; it is left out"
            );
            report.instance(provider.record, provider.instance, Code::InvalidHint, message);
            None
        }
    }
}

/// The region that a zone's name begins with: up to its first number. `us-gov-west-1b` is in
/// `us-gov-west-1`, the local zone `us-west-2-lax-1a` in `us-west-2`.
fn region_of(zone: &str) -> Option<&str> {
    let mut end = 0;
    for part in zone.split('-') {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            return zone.get(..end + digits).filter(|_| end > 0);
        }
        end += part.len() + 1;
    }
    None
}

/// A slash would move the parts of a locality, and the schema allows 2,048 characters in all.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_names_its_region() {
        for (zone, region) in [
            ("us-east-1a", Some("us-east-1")),
            ("us-gov-west-1b", Some("us-gov-west-1")),
            ("us-west-2-lax-1a", Some("us-west-2")),
            ("us-east-1-wl1-bos-wlz-1", Some("us-east-1")),
            ("ap-southeast-12c", Some("ap-southeast-12")),
            ("use1-az1", None),
            ("1a", None),
            ("", None),
            ("-1", Some("-1")),
        ] {
            assert_eq!(region_of(zone), region, "{zone}");
        }
    }
}
