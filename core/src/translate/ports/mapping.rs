//! An endpoint's own port for each service port.

use std::collections::BTreeMap;

use super::{Mapping, PortPlan};
use crate::service_entry::{Protocol, ServicePort};
use crate::translate::provider::Provider;

/// How many endpoints do not serve a port, and the first of them.
#[derive(Debug, Default)]
pub(in crate::translate) struct Unserved(BTreeMap<u16, (usize, String)>);

impl Unserved {
    fn note(&mut self, number: u16, provider: &Provider<'_>) {
        let entry = self.0.entry(number).or_insert_with(|| (0, provider.address.to_string()));
        entry.0 = entry.0.saturating_add(1);
    }

    /// Service port, how many endpoints, the first one's address.
    pub(in crate::translate) fn iter(&self) -> impl Iterator<Item = (u16, usize, &str)> {
        self.0.iter().map(|(number, (count, address))| (*number, *count, address.as_str()))
    }
}

impl PortPlan<'_> {
    /// Whether each port of an address is an endpoint of its own.
    pub(in crate::translate) const fn is_dynamic(&self) -> bool {
        matches!(self.mapping, Mapping::Dynamic)
    }

    /// Service port's name to the endpoint's own port. `providers` are the instances of one endpoint.
    pub(in crate::translate) fn map(&self, providers: &[&Provider<'_>], unserved: &mut Unserved) -> BTreeMap<String, u16> {
        match &self.mapping {
            Mapping::Same => collect(&self.ports, |port| Some(port.number)),
            Mapping::Dynamic => collect(&self.ports, |_| lowest(providers, |_, _| true)),
            Mapping::Listed(targets) => {
                let ports = self.ports.iter().zip(targets);
                ports
                    .map(|(port, target)| (port.name.clone(), target.unwrap_or_else(|| self.listed(port.number, targets, providers))))
                    .collect()
            }
            Mapping::Own if providers.iter().all(|p| p.port.is_none()) => BTreeMap::new(),
            Mapping::Own => collect(&self.ports, |port| {
                let own = self.own(port, providers);
                if own.is_none()
                    && let Some(first) = providers.first()
                {
                    unserved.note(port.number, first);
                }
                own
            }),
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

fn collect(ports: &[ServicePort], own: impl FnMut(&ServicePort) -> Option<u16>) -> BTreeMap<String, u16> {
    let mut own = own;
    ports.iter().filter_map(|port| Some((port.name.clone(), own(port)?))).collect()
}

/// The lowest own port of those instances that fit.
fn lowest(providers: &[&Provider<'_>], fits: impl Fn(&Provider<'_>, u16) -> bool) -> Option<u16> {
    providers.iter().filter_map(|p| p.port.filter(|own| fits(p, *own))).min()
}
