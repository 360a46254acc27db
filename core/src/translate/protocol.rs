//! The protocol of a port: the first that speaks.

use serde::{Deserialize as _, Deserializer, de::Error as _};

use super::provider::Says;
use super::report::Report;
use super::settings::Settings;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::service_entry::Protocol;
use crate::sorted::SortedMap;

/// Reads the protocols of ports by their numbers, none of which is 0.
pub(super) fn by_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SortedMap<u16, Protocol>, D::Error> {
    let protocols = SortedMap::<u16, Protocol>::deserialize(deserializer)?;
    if protocols.contains_key(&0) {
        return Err(D::Error::custom("0 is no port; expected numbers in 1..=65535"));
    }
    Ok(protocols)
}

/// An override, then a hint on the service or on all its instances, then the port's number, then
/// the health check, then TCP. Never nothing, since Istio would then sniff, and protocols in which
/// the server speaks first would stall.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ladder<'a> {
    /// What an override or a hint says of all ports.
    pub(super) forced: Option<Protocol>,
    by_number: &'a SortedMap<u16, Protocol>,
    check: Option<Protocol>,
}

impl<'a> Ladder<'a> {
    pub(super) fn new(
        record: &Record,
        settings: &Settings<'a>,
        speaking: &[&Says<'_>],
        report: &mut Report,
    ) -> Self {
        let check =
            record.service.health_check_config.as_ref().and_then(|check| check.kind.as_deref());
        let check = match check {
            Some("HTTP") => Some(Protocol::Http),
            Some("HTTPS") => Some(Protocol::Https),
            Some("TCP") => Some(Protocol::Tcp),
            _ => None,
        };
        let forced = settings.protocol().or_else(|| of_all(record, speaking, report));
        Self { forced, by_number: &settings.options.protocols, check }
    }

    pub(super) fn of(&self, number: u16) -> Protocol {
        self.forced.or_else(|| self.by_number(number)).or(self.check).unwrap_or(Protocol::Tcp)
    }

    /// The protocol by the number, in contradiction to the health check: one of plain HTTP and TLS
    /// fails.
    pub(super) fn contradiction(&self, number: u16) -> Option<(Protocol, Protocol)> {
        let (by_number, check) = (self.by_number(number)?, self.check?);
        let opposed = matches!(
            (by_number, check),
            (Protocol::Http, Protocol::Https) | (Protocol::Https, Protocol::Http)
        );
        (self.forced.is_none() && opposed).then_some((by_number, check))
    }

    fn by_number(&self, number: u16) -> Option<Protocol> {
        self.by_number.get(&number).copied().or(match number {
            80 => Some(Protocol::Http),
            443 => Some(Protocol::Https),
            _ => None,
        })
    }
}

/// The attribute `istio-cloud-map/protocol`, if all instances have it and agree.
fn of_all(record: &Record, speaking: &[&Says<'_>], report: &mut Report) -> Option<Protocol> {
    let first = speaking.iter().filter_map(|says| says.known.protocol).min()?;
    let problem = match first.parse() {
        Ok(protocol) if speaking.iter().all(|says| says.known.protocol == Some(first)) => {
            return Some(protocol);
        }
        Ok(_) => "not all instances say the same".to_owned(),
        Err(error) => error.to_string(),
    };
    let message =
        format!("the instances' attribute `istio-cloud-map/protocol` is ignored: {problem}");
    report.service(record, Severity::Warning, Code::InvalidHint, message);
    None
}
