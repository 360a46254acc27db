//! Names of service ports: unique, stable, at most 62 characters.

use std::collections::BTreeSet;

use super::list::LONGEST_NAME;
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

/// Names ports that are sorted by number. A given name stands if it is a valid one and no lower port has it; the others are `http` for 80,
/// `https` for 443 and `PROTOCOL-NUMBER`.
pub(super) fn assign(wanted: Vec<Wanted<'_>>) -> Vec<ServicePort> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let given: Vec<Option<String>> = wanted
        .iter()
        .map(|port| {
            let name = port.name.filter(|name| is_dns_label(name) && name.len() <= LONGEST_NAME)?;
            taken.insert(name.to_owned()).then(|| name.to_owned())
        })
        .collect();
    let named = wanted.into_iter().zip(given).map(|(port, given)| {
        let name = given.unwrap_or_else(|| free(&port, &mut taken));
        ServicePort { number: port.number, name, protocol: port.protocol, target_port: None }
    });
    named.collect()
}

/// The first of the default names that is free.
fn free(port: &Wanted<'_>, taken: &mut BTreeSet<String>) -> String {
    let short = match port.number {
        80 => Some("http".to_owned()),
        443 => Some("https".to_owned()),
        _ => None,
    };
    let long = format!("{}-{}", port.protocol.prefix(), port.number);
    let more = (2_u32..).map(|n| format!("{long}-{n}"));
    let mut candidates = short.into_iter().chain([long.clone()]).chain(more);
    candidates.find(|name| taken.insert(name.clone())).unwrap_or(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ports: Vec<Wanted<'_>>) -> Vec<String> {
        assign(ports).into_iter().map(|port| port.name).collect()
    }

    #[test]
    fn well_known_numbers_have_short_names_and_others_their_protocol_and_number() {
        let ports = vec![Wanted::new(80, Protocol::Http), Wanted::new(443, Protocol::Https), Wanted::new(8080, Protocol::GrpcWeb)];
        assert_eq!(names(ports), ["http", "https", "grpc-web-8080"]);
    }

    #[test]
    fn a_given_name_stands_and_a_default_one_gives_way() {
        let given = |number, name| Wanted { number, protocol: Protocol::Http, name: Some(name) };
        let ports =
            vec![Wanted::new(80, Protocol::Http), given(81, "http"), given(82, "http-80"), given(83, "http"), given(84, "Not_Valid")];
        assert_eq!(names(ports), ["http-80-2", "http", "http-80", "http-83", "http-84"]);
    }
}
