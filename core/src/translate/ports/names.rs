//! Names of service ports: unique, stable, at most 62 characters.

use super::list::LONGEST_NAME;
use crate::order;
use crate::service_entry::{Protocol, ServicePort, is_dns_label};

/// A service port before it has its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted<'a> {
    pub(super) number: u16,
    pub(super) protocol: Protocol,
    /// The name that somebody gave it.
    pub(super) name: Option<&'a str>,
}

impl Wanted<'_> {
    pub(super) const fn new(number: u16, protocol: Protocol) -> Self {
        Self { number, protocol, name: None }
    }
}

/// Names ports that are sorted by number. A given name stands if it is a valid one and no lower
/// port has it; the others are `http` for 80, `https` for 443 and `PROTOCOL-NUMBER`.
pub(super) fn assign(wanted: &[Wanted<'_>]) -> Vec<ServicePort> {
    let given = wanted
        .iter()
        .filter_map(|port| Some((port.name.filter(|name| is_name(name))?, port.number)));
    let mut given: Vec<(&str, u16)> = given.collect();
    order::sort(&mut given);
    given.dedup_by_key(|(name, _)| *name);
    let named = wanted.iter().map(|port| {
        let stands = port.name.filter(|name| given.binary_search(&(name, port.number)).is_ok());
        let name = stands.map_or_else(|| free(port, &given), str::to_owned);
        ServicePort { number: port.number, name, protocol: port.protocol, target_port: None }
    });
    named.collect()
}

fn is_name(text: &str) -> bool {
    is_dns_label(text) && text.len() <= LONGEST_NAME
}

/// The first of the default names that nobody gave another port. Those of two numbers are never the
/// same.
fn free(port: &Wanted<'_>, given: &[(&str, u16)]) -> String {
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

    fn names(ports: &[Wanted<'_>]) -> Vec<String> {
        assign(ports).into_iter().map(|port| port.name).collect()
    }

    #[test]
    fn well_known_numbers_have_short_names_and_others_their_protocol_and_number() {
        let ports = [
            Wanted::new(80, Protocol::Http),
            Wanted::new(443, Protocol::Https),
            Wanted::new(8080, Protocol::GrpcWeb),
        ];
        assert_eq!(names(&ports), ["http", "https", "grpc-web-8080"]);
    }

    #[test]
    fn a_given_name_stands_and_a_default_one_gives_way() {
        let given = |number, name| Wanted { number, protocol: Protocol::Http, name: Some(name) };
        let ports = [
            Wanted::new(80, Protocol::Http),
            given(81, "http"),
            given(82, "http-80"),
            given(83, "http"),
            given(84, "Not_Valid"),
        ];
        assert_eq!(names(&ports), ["http-80-2", "http", "http-80", "http-83", "http-84"]);
    }
}
