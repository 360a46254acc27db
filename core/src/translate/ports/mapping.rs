//! An endpoint's own port for each service port.

use super::{Mapping, PortPlan};
use crate::service_entry::{PortMap, Protocol, ServicePort};
use crate::translate::candidates::{Candidate, InstanceData};
use crate::translate::endpoints::Slot;

/// The number of endpoints that do not serve a service port, and the first of them.
#[derive(Debug)]
struct Missing {
    number: u16,
    count: usize,
    first: String,
}

impl Missing {
    fn count(&mut self, candidate: &Candidate<'_>) {
        if self.count == 0 {
            self.first = candidate.address.to_string();
        }
        self.count = self.count.saturating_add(1);
    }
}

/// The missing endpoints of each service port, in the order of the ports.
#[derive(Debug)]
pub(in crate::translate) struct Unserved(Vec<Missing>);

impl Unserved {
    fn new(ports: &[ServicePort]) -> Self {
        Self(
            ports
                .iter()
                .map(|port| Missing { number: port.number, count: 0, first: String::new() })
                .collect(),
        )
    }

    /// For each service port: its number, the number of endpoints, the address of the first.
    pub(in crate::translate) fn iter(&self) -> impl Iterator<Item = (u16, usize, &str)> {
        self.0
            .iter()
            .filter(|port| port.count > 0)
            .map(|port| (port.number, port.count, port.first.as_str()))
    }
}

/// Makes the port maps of endpoints; equal maps are shared.
#[derive(Debug)]
pub(in crate::translate) struct Maps<'p, 'a> {
    plan: &'p PortPlan<'a>,
    made: Vec<(Vec<Option<u16>>, PortMap)>,
    /// For each service port, the own port of the current address, and whether separate endpoints
    /// serve it at their own ports.
    current: Vec<(Option<u16>, bool)>,
    own: Vec<Option<u16>>,
    pub(in crate::translate) unserved: Unserved,
}

impl<'p, 'a> Maps<'p, 'a> {
    /// The maximum number of maps that are kept for sharing. With dynamic ports each map differs,
    /// and searching all of them would cost more than it saves.
    const MAX_SHARED: usize = 16;

    pub(in crate::translate) fn new(plan: &'p PortPlan<'a>) -> Self {
        Self {
            plan,
            made: Vec::new(),
            current: Vec::new(),
            own: Vec::new(),
            unserved: Unserved::new(&plan.ports),
        }
    }

    /// Starts with the instances of the next address. Returns whether instances with a separate
    /// port are separate endpoints.
    pub(in crate::translate) fn start_address(&mut self, at_address: &[Slot<'_, '_>]) -> bool {
        self.current.clear();
        self.plan.own_ports(at_address, &mut self.current);
        let first = at_address.iter().find_map(|slot| slot.separate_port);
        let last = at_address.last().and_then(|slot| slot.separate_port);
        self.current.iter().any(|(_, open)| *open) && (first != last || self.plan.is_dynamic())
    }

    /// From a service port's name to the own port, for the address as one endpoint.
    pub(in crate::translate) fn whole(&mut self, first: &Candidate<'_>) -> PortMap {
        self.own.clear();
        self.own.extend(self.current.iter().map(|(own, _)| *own));
        self.count_missing(first);
        self.map()
    }

    /// The same for a separate endpoint at this port; `None` if the map is that of the whole
    /// address.
    pub(in crate::translate) fn part(
        &mut self,
        port: u16,
        first: &Candidate<'_>,
    ) -> Option<PortMap> {
        self.own.clear();
        let ports = self.plan.ports.iter().zip(&self.current);
        self.own.extend(ports.map(|(to, (own, open))| {
            if *open && self.plan.can_serve(&first.data, to.protocol) { Some(port) } else { *own }
        }));
        if self.own.iter().eq(self.current.iter().map(|(own, _)| own)) {
            return None;
        }
        self.count_missing(first);
        Some(self.map())
    }

    fn count_missing(&mut self, first: &Candidate<'_>) {
        for (own, missing) in self.own.iter().zip(&mut self.unserved.0) {
            if own.is_none() {
                missing.count(first);
            }
        }
    }

    fn map(&mut self) -> PortMap {
        if let Some((_, map)) = self.made.iter().find(|(own, _)| *own == self.own) {
            return map.clone();
        }
        let ports = self.plan.ports.iter().zip(&self.own);
        let map: PortMap =
            ports.filter_map(|(port, own)| Some((port.name.clone(), (*own)?))).collect();
        if self.made.len() < Self::MAX_SHARED {
            self.made.push((self.own.clone(), map.clone()));
        }
        map
    }
}

impl PortPlan<'_> {
    fn is_dynamic(&self) -> bool {
        matches!(self.mapping, Mapping::Dynamic)
    }

    /// The port of an instance that is a separate endpoint of its address: any port if ports are
    /// dynamic; with a port list, one that is neither listed nor a target.
    pub(in crate::translate) fn separate_port(&self, data: &InstanceData<'_>) -> Option<u16> {
        match &self.mapping {
            Mapping::Dynamic => data.port,
            Mapping::Listed(targets) if targets.iter().any(Option::is_none) => {
                data.port.filter(|own| {
                    let is_listed = |number| {
                        self.ports.binary_search_by_key(&number, |port| port.number).is_ok()
                    };
                    !(targets.contains(&Some(*own))
                        || is_listed(*own)
                        || data.service_port.is_some_and(is_listed))
                })
            }
            Mapping::Listed(_) | Mapping::Same | Mapping::Own => None,
        }
    }

    /// For each service port, the own port of an address, and whether separate endpoints serve it
    /// at their own ports. Empty if no instance of this address has a port while others have one.
    fn own_ports(&self, at_address: &[Slot<'_, '_>], own: &mut Vec<(Option<u16>, bool)>) {
        let has_no_port = || at_address.iter().all(|slot| slot.candidate.data.port.is_none());
        match &self.mapping {
            Mapping::Same => own.extend(self.ports.iter().map(|port| (Some(port.number), false))),
            Mapping::Listed(targets) => own.extend(
                self.ports
                    .iter()
                    .zip(targets)
                    .map(|(port, target)| listed(port, *target, at_address)),
            ),
            Mapping::Dynamic | Mapping::Own if has_no_port() => {}
            Mapping::Dynamic => own.extend(self.ports.iter().map(|_| (None, true))),
            Mapping::Own => {
                own.extend(self.ports.iter().map(|port| (self.own(port, at_address), false)));
            }
        }
    }

    /// The port that an instance has for a service port, else the lowest of the same protocol.
    fn own(&self, port: &ServicePort, at_address: &[Slot<'_, '_>]) -> Option<u16> {
        let client_port = |slot: &Slot<'_, '_>| slot.candidate.data.client_port();
        let direct = lowest(port, at_address, |slot, _| client_port(slot) == Some(port.number));
        direct.or_else(|| {
            lowest(port, at_address, |slot, _| {
                client_port(slot).map(|number| self.protocol(number)) == Some(port.protocol)
            })
        })
    }

    fn protocol(&self, number: u16) -> Protocol {
        let found = self
            .ports
            .binary_search_by_key(&number, |port| port.number)
            .ok()
            .and_then(|index| self.ports.get(index));
        found.map_or_else(|| self.protocols.of_port(number), |port| port.protocol)
    }

    /// Why an endpoint has this port, or none, behind a service port.
    pub(in crate::translate) fn why(
        &self,
        index: usize,
        own: Option<u16>,
        at_address: &[Slot<'_, '_>],
    ) -> String {
        let (Some(port), Some(own)) = (self.ports.get(index), own) else {
            return "none: no instance at this address has a port of that protocol".to_owned();
        };
        let is_registered = at_address.iter().any(|slot| slot.candidate.data.port == Some(own));
        let why = match &self.mapping {
            Mapping::Same => "the number of the service port, since no instance has a port",
            Mapping::Listed(targets) if targets.get(index).copied().flatten().is_some() => {
                "the target port that is listed"
            }
            Mapping::Listed(_) if own == port.number => "the port that is listed",
            Mapping::Listed(_) => "the endpoint's own port, which the list does not name",
            Mapping::Dynamic => "the endpoint's own port",
            Mapping::Own if own == port.number && is_registered => "it is registered for this port",
            Mapping::Own
                if at_address.iter().any(|slot| {
                    slot.candidate.data.service_port == Some(port.number)
                        && slot.candidate.data.port == Some(own)
                }) =>
            {
                "the port that is registered for this service port"
            }
            Mapping::Own => {
                return format!(
                    "{own}: its lowest port of the same protocol, since it does not listen on {}",
                    port.number
                );
            }
        };
        format!("{own}: {why}")
    }

    /// Whether a separate endpoint can serve that protocol.
    fn can_serve(&self, data: &InstanceData<'_>, protocol: Protocol) -> bool {
        let is_udp = |own| self.protocols.of_port(own) == Protocol::Udp;
        let by_number = !self.is_dynamic()
            || data.port.is_none_or(|own| is_udp(own) == (protocol == Protocol::Udp));
        by_number && data.can_serve(protocol)
    }
}

/// The own port for a listed port: its target, else the own port of that number, else one that the
/// list does not account for, else that number: a user who lists `http:8080,http-metrics:9090` for
/// instances on 8080 knows of a port that is not in Cloud Map.
fn listed(
    port: &ServicePort,
    target: Option<u16>,
    at_address: &[Slot<'_, '_>],
) -> (Option<u16>, bool) {
    let by_service_port = || {
        lowest(port, at_address, |slot, _| slot.candidate.data.service_port == Some(port.number))
    };
    let same = || lowest(port, at_address, |_, own| own == port.number);
    if let Some(own) = target.or_else(by_service_port).or_else(same) {
        return (Some(own), false);
    }
    (lowest(port, at_address, |slot, _| slot.separate_port.is_some()).or(Some(port.number)), true)
}

/// The lowest own port of the instances that match and can serve a service port.
fn lowest(
    port: &ServicePort,
    at_address: &[Slot<'_, '_>],
    matches: impl Fn(&Slot<'_, '_>, u16) -> bool,
) -> Option<u16> {
    let own = |slot: &Slot<'_, '_>| {
        slot.candidate
            .data
            .port
            .filter(|own| matches(slot, *own) && slot.candidate.data.can_serve(port.protocol))
    };
    at_address.iter().filter_map(own).min()
}
