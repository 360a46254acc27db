//! The protocol and the name of each service port.

use super::list::LONGEST_NAME;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::order;
use crate::service_entry::{Protocol, ServicePort, is_dns_label};
use crate::sorted::SortedMap;
use crate::translate::candidates::InstanceData;
use crate::translate::report::Report;
use crate::translate::settings::Settings;

/// The protocol of a port, by precedence: an override, a hint on the service, a hint on all its
/// instances, the port's number, the type of the health check, TCP. There is always one: without it
/// Istio detects the protocol, and protocols in which the server sends first would stall.
#[derive(Debug, Clone, Copy)]
pub(in crate::translate) struct ProtocolPrecedence<'a> {
    /// The protocol that an override or a hint sets for all ports.
    pub(in crate::translate) forced: Option<Protocol>,
    by_number: &'a SortedMap<u16, Protocol>,
    check: Option<Protocol>,
}

impl<'a> ProtocolPrecedence<'a> {
    pub(in crate::translate) fn new(
        record: &Record,
        settings: &Settings<'a>,
        sources: &[&InstanceData<'_>],
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
        let forced = settings.protocol().or_else(|| hint_of_all(record, sources, report));
        Self { forced, by_number: &settings.options.protocols, check }
    }

    pub(in crate::translate) fn of_port(&self, number: u16) -> Protocol {
        self.forced.or_else(|| self.by_number(number)).or(self.check).unwrap_or(Protocol::Tcp)
    }

    /// Why [`Self::of_port`] returns what it returns, where no override or hint of the service does.
    pub(in crate::translate) fn why(&self, number: u16) -> &'static str {
        if self.forced.is_some() {
            "the attribute istio-cloud-map/protocol of all instances"
        } else if self.by_number.contains_key(&number) {
            "the option `protocols` lists the port"
        } else if self.by_number(number).is_some() {
            "the protocol of that port number"
        } else if self.check.is_some() {
            "the type of the service's health check"
        } else {
            "the default, since nothing names another protocol"
        }
    }

    /// The protocol by the number and that of the health check, if one is plain HTTP and the other
    /// TLS, so that one of them must fail.
    pub(in crate::translate) fn contradiction(&self, number: u16) -> Option<(Protocol, Protocol)> {
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
fn hint_of_all(
    record: &Record,
    sources: &[&InstanceData<'_>],
    report: &mut Report,
) -> Option<Protocol> {
    let first = sources.iter().filter_map(|data| data.attributes.protocol).min()?;
    let problem = match first.parse() {
        Ok(protocol) if sources.iter().all(|data| data.attributes.protocol == Some(first)) => {
            return Some(protocol);
        }
        Ok(_) => "not all instances have the same value".to_owned(),
        Err(error) => error.to_string(),
    };
    let message =
        format!("the instances' attribute `istio-cloud-map/protocol` is ignored: {problem}");
    report.service(record, Severity::Warning, Code::InvalidHint, message);
    None
}

/// A service port before it has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnnamedPort<'a> {
    pub(super) number: u16,
    pub(super) protocol: Protocol,
    /// The name from the instances, if there is one.
    pub(super) name: Option<&'a str>,
}

impl UnnamedPort<'_> {
    pub(super) const fn new(number: u16, protocol: Protocol) -> Self {
        Self { number, protocol, name: None }
    }
}

/// Names ports that are sorted by number. A given name is used if it is valid and no lower port has
/// it; the others are `http` for 80, `https` for 443 and `PROTOCOL-NUMBER`.
pub(super) fn assign_names(ports: &[UnnamedPort<'_>]) -> Vec<ServicePort> {
    let given = ports
        .iter()
        .filter_map(|port| Some((port.name.filter(|name| is_name(name))?, port.number)));
    let mut given: Vec<(&str, u16)> = given.collect();
    order::sort(&mut given);
    given.dedup_by_key(|(name, _)| *name);
    let named = ports.iter().map(|port| {
        let kept = port.name.filter(|name| given.binary_search(&(name, port.number)).is_ok());
        let name = kept.map_or_else(|| free(port, &given), str::to_owned);
        ServicePort { number: port.number, name, protocol: port.protocol, target_port: None }
    });
    named.collect()
}

fn is_name(text: &str) -> bool {
    is_dns_label(text) && text.len() <= LONGEST_NAME
}

/// The first of the default names that no other port was given. The default names of two numbers
/// are never the same.
fn free(port: &UnnamedPort<'_>, given: &[(&str, u16)]) -> String {
    let short = match port.number {
        80 => Some("http".to_owned()),
        443 => Some("https".to_owned()),
        _ => None,
    };
    let long = format!("{}-{}", port.protocol.prefix(), port.number);
    let more = (2_u32..).map(|n| format!("{long}-{n}"));
    let mut candidates = short.into_iter().chain([long.clone()]).chain(more);
    let is_free = |name: &String| given.binary_search_by(|(given, _)| (*given).cmp(name)).is_err();
    candidates.find(is_free).unwrap_or(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ports: &[UnnamedPort<'_>]) -> Vec<String> {
        assign_names(ports).into_iter().map(|port| port.name).collect()
    }

    #[test]
    fn well_known_numbers_have_short_names_and_others_their_protocol_and_number() {
        let ports = [
            UnnamedPort::new(80, Protocol::Http),
            UnnamedPort::new(443, Protocol::Https),
            UnnamedPort::new(8080, Protocol::GrpcWeb),
        ];
        assert_eq!(names(&ports), ["http", "https", "grpc-web-8080"]);
    }

    #[test]
    fn a_given_name_is_kept_and_a_default_name_avoids_it() {
        let given =
            |number, name| UnnamedPort { number, protocol: Protocol::Http, name: Some(name) };
        let ports = [
            UnnamedPort::new(80, Protocol::Http),
            given(81, "http"),
            given(82, "http-80"),
            given(83, "http"),
            given(84, "Not_Valid"),
        ];
        assert_eq!(names(&ports), ["http-80-2", "http", "http-80", "http-83", "http-84"]);
    }
}
