//! An endpoint's own port for each service port.

use super::{Mapping, PortPlan};
use crate::service_entry::{PortMap, Protocol, ServicePort};
use crate::translate::provider::Provider;

/// How many endpoints do not serve a port, and the first of them.
#[derive(Debug)]
struct Missing {
    number: u16,
    count: usize,
    first: String,
}

impl Missing {
    fn note(&mut self, provider: &Provider<'_>) {
        if self.count == 0 {
            self.first = provider.address.to_string();
        }
        self.count = self.count.saturating_add(1);
    }
}

/// What each service port is missing, in their order.
#[derive(Debug)]
pub(in crate::translate) struct Unserved(Vec<Missing>);

impl Unserved {
    fn new(ports: &[ServicePort]) -> Self {
        Self(ports.iter().map(|port| Missing { number: port.number, count: 0, first: String::new() }).collect())
    }

    /// Service port, how many endpoints, the first one's address.
    pub(in crate::translate) fn iter(&self) -> impl Iterator<Item = (u16, usize, &str)> {
        self.0.iter().filter(|port| port.count > 0).map(|port| (port.number, port.count, port.first.as_str()))
    }
}

/// Makes the maps of endpoints, and has equal ones shared.
#[derive(Debug)]
pub(in crate::translate) struct Maps<'p, 'a> {
    plan: &'p PortPlan<'a>,
    made: Vec<(Vec<Option<u16>>, PortMap)>,
    own: Vec<Option<u16>>,
    pub(in crate::translate) unserved: Unserved,
}

impl<'p, 'a> Maps<'p, 'a> {
    /// With dynamic ports each map is another, and looking through all of them would cost more than it saves.
    const MOST: usize = 16;

    pub(in crate::translate) fn new(plan: &'p PortPlan<'a>) -> Self {
        Self { plan, made: Vec::new(), own: Vec::new(), unserved: Unserved::new(&plan.ports) }
    }

    /// Service port's name to the endpoint's own port. `providers` are the instances of that one endpoint.
    pub(in crate::translate) fn map(&mut self, providers: &[&Provider<'_>]) -> PortMap {
        self.plan.own_ports(providers, &mut self.unserved, &mut self.own);
        if let Some((_, map)) = self.made.iter().find(|(own, _)| *own == self.own) {
            return map.clone();
        }
        let ports = self.plan.ports.iter().zip(&self.own);
        let map: PortMap = ports.filter_map(|(port, own)| Some((port.name.clone(), (*own)?))).collect();
        if self.made.len() < Self::MOST {
            self.made.push((self.own.clone(), map.clone()));
        }
        map
    }
}

impl PortPlan<'_> {
    /// Whether each port of an address is an endpoint of its own.
    pub(in crate::translate) const fn is_dynamic(&self) -> bool {
        matches!(self.mapping, Mapping::Dynamic)
    }

    /// An endpoint's own port for each service port, in their order. `providers` are the instances of that one endpoint.
    fn own_ports(&self, providers: &[&Provider<'_>], unserved: &mut Unserved, own: &mut Vec<Option<u16>>) {
        own.clear();
        match &self.mapping {
            Mapping::Same => own.extend(self.ports.iter().map(|port| Some(port.number))),
            Mapping::Dynamic => own.extend(self.ports.iter().map(|_| lowest(providers, |_, _| true))),
            Mapping::Listed(targets) => {
                let ports = self.ports.iter().zip(targets);
                own.extend(ports.map(|(port, target)| Some(target.unwrap_or_else(|| self.listed(port.number, targets, providers)))));
            }
            Mapping::Own if providers.iter().all(|p| p.port.is_none()) => {}
            Mapping::Own => own.extend(self.ports.iter().zip(&mut unserved.0).map(|(port, missing)| {
                let own = self.own(port, providers);
                if own.is_none()
                    && let Some(first) = providers.first()
                {
                    missing.note(first);
                }
                own
            })),
        }
    }

    /// What serves a listed port whose target nobody says: the own port of that number, else the lowest own port that the list does not
    /// account for, else that number: who lists `http:8080,http-metrics:9090` for instances on 8080 knows of a port that Cloud Map does not.
    fn listed(&self, number: u16, targets: &[Option<u16>], providers: &[&Provider<'_>]) -> u16 {
        let is_listed = |own: u16| targets.contains(&Some(own)) || self.ports.binary_search_by_key(&own, |port| port.number).is_ok();
        let same = lowest(providers, |_, own| own == number);
        same.or_else(|| lowest(providers, |_, own| !is_listed(own))).unwrap_or(number)
    }

    /// The port that an instance has for a service port, else the lowest of the same protocol.
    fn own(&self, port: &ServicePort, providers: &[&Provider<'_>]) -> Option<u16> {
        let direct = lowest(providers, |p, own| p.service_port.unwrap_or(own) == port.number);
        direct.or_else(|| lowest(providers, |p, own| self.protocol(p.service_port.unwrap_or(own)) == port.protocol))
    }

    fn protocol(&self, number: u16) -> Protocol {
        let found = self.ports.binary_search_by_key(&number, |port| port.number).ok().and_then(|index| self.ports.get(index));
        found.map_or_else(|| self.ladder.of(number), |port| port.protocol)
    }
}

/// The lowest own port of those instances that fit.
fn lowest(providers: &[&Provider<'_>], fits: impl Fn(&Provider<'_>, u16) -> bool) -> Option<u16> {
    providers.iter().filter_map(|p| p.port.filter(|own| fits(p, *own))).min()
}
