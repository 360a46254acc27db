//! What Cloud Map records mean, by the rules of the translation and without its code: for each host
//! and service port the endpoints that a client must reach, each at a port on which it listens.

use std::collections::{BTreeMap, BTreeSet};

use istio_cloud_map_core::cloud_map::Record;
use istio_cloud_map_core::service_entry::Protocol;
use istio_cloud_map_core::translate::{Conflicts, EmptyService, HealthMode, Options};

use crate::provider::{Provider, State, providers};
use crate::wishes::Wishes;

/// What one host means.
#[derive(Debug, Default)]
pub struct Meaning {
    pub ports: BTreeMap<u16, Port>,
    /// The ports on which each address listens; none where nobody says.
    pub listening: BTreeMap<String, BTreeSet<u16>>,
    /// Somebody lists the ports, and may know of one that Cloud Map does not.
    pub listed: bool,
}

/// What a service port means.
#[derive(Debug)]
pub struct Port {
    pub protocol: Protocol,
    /// Address and port of each endpoint.
    pub endpoints: BTreeSet<(String, u16)>,
    /// Those of them that have no port of its protocol, and so are called at the port's own number.
    pub unserved: BTreeSet<(String, u16)>,
}

/// The meaning of each host that is claimed. Whether Istio accepts the host is left to Istio.
pub fn meanings(records: &[Record], options: &Options) -> BTreeMap<String, Meaning> {
    let mut sorted: Vec<&Record> = records.iter().collect();
    sorted.sort_by_key(|record| record.key());
    let mut claims: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for record in sorted {
        let wishes = Wishes::of(record, options);
        if wishes.excluded {
            continue;
        }
        let claim = claims.entry(wishes.host).or_default();
        if claim.is_empty() || options.conflicts == Conflicts::Merge {
            claim.push(record);
        }
    }
    claims
        .into_iter()
        .filter_map(|(host, records)| Some((host.clone(), meaning(&host, &records, options)?)))
        .collect()
}

fn meaning(host: &str, records: &[&Record], options: &Options) -> Option<Meaning> {
    let wishes = Wishes::of(records.first()?, options);
    let all: Vec<Provider> =
        records.iter().flat_map(|record| providers(record, host, wishes.family)).collect();
    let (all, unplaced): (Vec<&Provider>, Vec<&Provider>) =
        all.iter().partition(|provider| !provider.addresses.is_empty());
    let ready: Vec<&Provider> =
        all.iter().copied().filter(|provider| provider.state != State::NotReady).collect();
    let healthy: Vec<&Provider> =
        ready.iter().copied().filter(|provider| provider.state == State::Usable).collect();
    let used = match wishes.health {
        HealthMode::All => ready,
        HealthMode::HealthyOrElseAll if healthy.is_empty() => ready,
        HealthMode::Healthy | HealthMode::HealthyOrElseAll => healthy,
    };
    if used.is_empty() && wishes.empty == EmptyService::Omit {
        return None;
    }
    // A service that is drained keeps its ports.
    let speaking = [&used, &all, &unplaced]
        .into_iter()
        .find(|speaking| !speaking.is_empty())
        .cloned()
        .unwrap_or_default();
    let rules = Rules::new(&wishes, options, &speaking, is_dynamic(&all, &speaking));
    let mut addresses: BTreeMap<&str, Vec<&Provider>> = BTreeMap::new();
    for provider in &used {
        for address in &provider.addresses {
            addresses.entry(address).or_default().push(provider);
        }
    }
    let ports = rules
        .ports
        .iter()
        .map(|(number, protocol)| (*number, rules.port(*number, *protocol, &addresses)))
        .collect();
    let listening =
        addresses.iter().map(|(address, here)| ((*address).to_owned(), own_ports(here))).collect();
    Some(Meaning { ports, listening, listed: rules.kind == Kind::Listed })
}

/// How service ports come about, and how endpoints serve them.
struct Rules<'a> {
    wishes: &'a Wishes,
    options: &'a Options,
    ports: BTreeMap<u16, Protocol>,
    kind: Kind,
    /// The protocol that all instances agree on.
    agreed: Option<Protocol>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Listed,
    Same,
    EachPortIsAnEndpoint,
    Own,
}

impl<'a> Rules<'a> {
    fn new(
        wishes: &'a Wishes,
        options: &'a Options,
        speaking: &[&Provider],
        is_dynamic: bool,
    ) -> Self {
        let said: BTreeSet<Option<&str>> =
            speaking.iter().map(|provider| provider.protocol.as_deref()).collect();
        let agreed = if said.len() == 1 {
            said.into_iter().next().flatten().and_then(|word| word.parse().ok())
        } else {
            None
        };
        let mut rules = Self { wishes, options, ports: BTreeMap::new(), kind: Kind::Own, agreed };
        let own: BTreeSet<u16> = speaking.iter().filter_map(|provider| provider.port).collect();
        let dynamic =
            (wishes.dynamic.number(), rules.forced().unwrap_or(wishes.dynamic.protocol()));
        let by_number = |numbers: &mut dyn Iterator<Item = u16>| {
            numbers.map(|number| (number, rules.protocol(number))).collect()
        };
        (rules.kind, rules.ports) = if let Some(listed) = &wishes.ports {
            (
                Kind::Listed,
                listed.iter().map(|(number, (protocol, _))| (*number, *protocol)).collect(),
            )
        } else if speaking.iter().any(|provider| provider.service_port.is_some()) {
            (Kind::Own, rules.said_by_mcs(speaking))
        } else if own.is_empty() {
            (Kind::Same, by_number(&mut [80, 443].into_iter()))
        } else if is_dynamic || speaking.iter().all(|provider| provider.host_mapped) {
            (Kind::EachPortIsAnEndpoint, [dynamic].into())
        } else {
            (Kind::Own, by_number(&mut own.into_iter()))
        };
        rules
    }

    fn forced(&self) -> Option<Protocol> {
        self.wishes.protocol.or(self.agreed)
    }

    fn protocol(&self, number: u16) -> Protocol {
        let known = match number {
            80 => Some(Protocol::Http),
            443 => Some(Protocol::Https),
            _ => None,
        };
        let by_number = self.options.protocols.get(&number).copied().or(known);
        self.forced().or(by_number).or(self.wishes.check).unwrap_or(Protocol::Tcp)
    }

    /// The service ports of the MCS controller's instances: the name says the protocol, unless all
    /// of it is UDP.
    fn said_by_mcs(&self, speaking: &[&Provider]) -> BTreeMap<u16, Protocol> {
        let mut said: BTreeMap<u16, Vec<&Provider>> = BTreeMap::new();
        for provider in speaking {
            if let Some(number) = provider.service_port {
                said.entry(number).or_default().push(provider);
            }
        }
        let protocol = |number: u16, providers: &[&Provider]| {
            // Of TCP and UDP on one number TCP stays.
            let stays = |provider: &&&Provider| {
                provider.udp != Some(true) || providers.iter().all(|p| p.udp == Some(true))
            };
            let name = providers
                .iter()
                .filter(stays)
                .filter_map(|provider| provider.port_name.as_deref())
                .min();
            let by_name = if providers.iter().all(|provider| provider.udp == Some(true)) {
                Protocol::Udp
            } else {
                name.and_then(Protocol::of_port_name).unwrap_or_else(|| self.protocol(number))
            };
            let is_tcp = by_name == Protocol::Udp
                && providers.iter().any(|provider| provider.udp == Some(false));
            self.forced().unwrap_or(if is_tcp { Protocol::Tcp } else { by_name })
        };
        said.into_iter().map(|(number, providers)| (number, protocol(number, &providers))).collect()
    }

    fn port(
        &self,
        number: u16,
        protocol: Protocol,
        addresses: &BTreeMap<&str, Vec<&Provider>>,
    ) -> Port {
        let mut port = Port { protocol, endpoints: BTreeSet::new(), unserved: BTreeSet::new() };
        for (address, here) in addresses {
            let own = own_ports(here);
            let at = |own: u16| ((*address).to_owned(), own);
            if self.kind == Kind::EachPortIsAnEndpoint && !own.is_empty() {
                port.endpoints.extend(own.iter().map(|own| at(*own)));
                continue;
            }
            if self.kind == Kind::Listed {
                port.endpoints.extend(self.listed(number, protocol, here).into_iter().map(at));
                continue;
            }
            let served = self.serves(number, protocol, here, &own);
            port.endpoints.insert(at(served.unwrap_or(number)));
            if served.is_none() {
                port.unserved.insert(at(number));
            }
        }
        port
    }

    /// The ports at which these instances, which have one address, serve a listed port: each that
    /// the list does not account for, unless one of them is the listed port's.
    fn listed(&self, number: u16, protocol: Protocol, here: &[&Provider]) -> BTreeSet<u16> {
        let listed = self.wishes.ports.as_ref().unwrap();
        let ports = |fits: &dyn Fn(&Provider, u16) -> bool| {
            let here = here.iter().filter(|p| p.can_serve(protocol));
            here.filter_map(|p| p.port.filter(|own| fits(p, *own))).collect::<BTreeSet<u16>>()
        };
        let target = listed.get(&number).and_then(|(_, target)| *target);
        let mut same = ports(&|p, _| p.service_port == Some(number));
        if same.is_empty() {
            same = ports(&|_, own| own == number);
        }
        if let Some(one) = target.or(same.first().copied()) {
            return [one].into();
        }
        let is_target = |own: u16| listed.values().any(|(_, target)| *target == Some(own));
        let is_listed = |number: &u16| listed.contains_key(number);
        let apart = ports(&|p, own| {
            !(is_target(own) || is_listed(&own) || p.service_port.as_ref().is_some_and(is_listed))
        });
        if apart.is_empty() { [number].into() } else { apart }
    }

    /// The port at which these instances, which have one address, serve a service port.
    fn serves(
        &self,
        number: u16,
        protocol: Protocol,
        here: &[&Provider],
        own: &BTreeSet<u16>,
    ) -> Option<u16> {
        if self.kind == Kind::Same || own.is_empty() {
            return Some(number);
        }
        let lowest = |fits: &dyn Fn(u16) -> bool| {
            let here = here.iter().filter(|p| p.can_serve(protocol));
            here.filter(|p| p.port.is_some_and(|own| fits(p.service_port.unwrap_or(own))))
                .filter_map(|p| p.port)
                .min()
        };
        let of_protocol = |service: u16| {
            self.ports.get(&service).copied().unwrap_or_else(|| self.protocol(service)) == protocol
        };
        lowest(&|service| service == number).or_else(|| lowest(&of_protocol))
    }
}

/// Whether the ports are such as a scheduler gives: more than 8 of them, or each of three instances
/// and more has its own. One address alone has all its ports.
fn is_dynamic(all: &[&Provider], speaking: &[&Provider]) -> bool {
    let ports: BTreeSet<u16> =
        all.iter().chain(speaking).filter_map(|provider| provider.port).collect();
    let at: BTreeSet<(u16, &str)> =
        all.iter().filter_map(|p| Some((p.port?, p.addresses.first()?.as_str()))).collect();
    let addresses: BTreeSet<&str> = at.iter().map(|(_, address)| *address).collect();
    ports.len() > 8 || (ports.len() >= 3 && at.len() == ports.len() && addresses.len() > 1)
}

fn own_ports(here: &[&Provider]) -> BTreeSet<u16> {
    here.iter().filter_map(|provider| provider.port).collect()
}
