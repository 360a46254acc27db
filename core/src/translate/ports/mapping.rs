//! An endpoint's own port for each service port.

use super::{Mapping, PortPlan};
use crate::service_entry::{PortMap, Protocol, ServicePort};
use crate::translate::candidates::{Candidate, InstanceData};
use crate::translate::endpoints::Slot;

/// How many endpoints do not serve a port, and the first of them.
#[derive(Debug)]
struct Missing {
    number: u16,
    count: usize,
    first: String,
}

impl Missing {
    fn note(&mut self, candidate: &Candidate<'_>) {
        if self.count == 0 {
            self.first = candidate.address.to_string();
        }
        self.count = self.count.saturating_add(1);
    }
}

/// What each service port is missing, in their order.
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

    /// Service port, how many endpoints, the first one's address.
    pub(in crate::translate) fn iter(&self) -> impl Iterator<Item = (u16, usize, &str)> {
        self.0
            .iter()
            .filter(|port| port.count > 0)
            .map(|port| (port.number, port.count, port.first.as_str()))
    }
}

/// Makes the maps of endpoints, and has equal ones shared.
#[derive(Debug)]
pub(in crate::translate) struct Maps<'p, 'a> {
    plan: &'p PortPlan<'a>,
    made: Vec<(Vec<Option<u16>>, PortMap)>,
    /// For each service port the own one of the address at hand, and whether an instance that is
    /// apart serves it itself.
    at_address: Vec<(Option<u16>, bool)>,
    own: Vec<Option<u16>>,
    pub(in crate::translate) unserved: Unserved,
}

impl<'p, 'a> Maps<'p, 'a> {
    /// With dynamic ports each map is another, and looking through all of them would cost more than
    /// it saves.
    const MOST: usize = 16;

    pub(in crate::translate) fn new(plan: &'p PortPlan<'a>) -> Self {
        Self {
            plan,
            made: Vec::new(),
            at_address: Vec::new(),
            own: Vec::new(),
            unserved: Unserved::new(&plan.ports),
        }
    }

    /// Turns to the instances of one address, and says whether those that are apart are endpoints
    /// of their own.
    pub(in crate::translate) fn start_address(&mut self, at_address: &[Slot<'_, '_>]) -> bool {
        self.at_address.clear();
        self.plan.own_ports(at_address, &mut self.at_address);
        let (first, last) = (
            at_address.iter().find_map(|slot| slot.separate_port),
            at_address.last().and_then(|slot| slot.separate_port),
        );
        self.at_address.iter().any(|(_, open)| *open) && (first != last || self.plan.is_dynamic())
    }

    /// Service port's name to own port, for the address as one endpoint.
    pub(in crate::translate) fn whole(&mut self, first: &Candidate<'_>) -> PortMap {
        self.own.clear();
        self.own.extend(self.at_address.iter().map(|(own, _)| *own));
        self.note_missing(first);
        self.map()
    }

    /// The same, for the instances that are apart at this port; `None` if it is that of the whole
    /// address.
    pub(in crate::translate) fn part(
        &mut self,
        port: u16,
        first: &Candidate<'_>,
    ) -> Option<PortMap> {
        self.own.clear();
        let ports = self.plan.ports.iter().zip(&self.at_address);
        self.own.extend(ports.map(|(to, (own, open))| {
            if *open && self.plan.fits(&first.data, to.protocol) { Some(port) } else { *own }
        }));
        if self.own.iter().eq(self.at_address.iter().map(|(own, _)| own)) {
            return None;
        }
        self.note_missing(first);
        Some(self.map())
    }

    fn note_missing(&mut self, first: &Candidate<'_>) {
        for (own, missing) in self.own.iter().zip(&mut self.unserved.0) {
            if own.is_none() {
                missing.note(first);
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
        if self.made.len() < Self::MOST {
            self.made.push((self.own.clone(), map.clone()));
        }
        map
    }
}

impl PortPlan<'_> {
    fn is_dynamic(&self) -> bool {
        matches!(self.mapping, Mapping::Dynamic)
    }

    /// The own port of an instance that is an endpoint beside others of its address: any with
    /// dynamic ports; of a list's, one that the list does not account for.
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

    /// For each service port the own one of an address, and whether an instance that is apart there
    /// serves it at its own. Nothing, if nobody there says a port and others do.
    fn own_ports(&self, at_address: &[Slot<'_, '_>], own: &mut Vec<(Option<u16>, bool)>) {
        let silent = || at_address.iter().all(|slot| slot.candidate.data.port.is_none());
        match &self.mapping {
            Mapping::Same => own.extend(self.ports.iter().map(|port| (Some(port.number), false))),
            Mapping::Listed(targets) => own.extend(
                self.ports
                    .iter()
                    .zip(targets)
                    .map(|(port, target)| listed(port, *target, at_address)),
            ),
            Mapping::Dynamic | Mapping::Own if silent() => {}
            Mapping::Dynamic => own.extend(self.ports.iter().map(|_| (None, true))),
            Mapping::Own => {
                own.extend(self.ports.iter().map(|port| (self.own(port, at_address), false)))
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

    /// Whether an instance that is apart can serve that protocol.
    fn fits(&self, data: &InstanceData<'_>, protocol: Protocol) -> bool {
        let is_udp = |own| self.protocols.of_port(own) == Protocol::Udp;
        let by_number = !self.is_dynamic()
            || data.port.is_none_or(|own| is_udp(own) == (protocol == Protocol::Udp));
        by_number && data.fits(protocol)
    }
}

/// What serves a listed port whose target nobody says: the own port of that number, else one that
/// the list does not account for, else that number: who lists `http:8080,http-metrics:9090` for
/// instances on 8080 knows of a port that Cloud Map does not.
fn listed(
    port: &ServicePort,
    target: Option<u16>,
    at_address: &[Slot<'_, '_>],
) -> (Option<u16>, bool) {
    let said = || {
        lowest(port, at_address, |slot, _| slot.candidate.data.service_port == Some(port.number))
    };
    let same = || lowest(port, at_address, |_, own| own == port.number);
    if let Some(own) = target.or_else(said).or_else(same) {
        return (Some(own), false);
    }
    (lowest(port, at_address, |slot, _| slot.separate_port.is_some()).or(Some(port.number)), true)
}

/// The lowest own port of those instances that can serve a service port and are asked for.
fn lowest(
    port: &ServicePort,
    at_address: &[Slot<'_, '_>],
    asked: impl Fn(&Slot<'_, '_>, u16) -> bool,
) -> Option<u16> {
    let own = |slot: &Slot<'_, '_>| {
        slot.candidate
            .data
            .port
            .filter(|own| asked(slot, *own) && slot.candidate.data.fits(port.protocol))
    };
    at_address.iter().filter_map(own).min()
}
