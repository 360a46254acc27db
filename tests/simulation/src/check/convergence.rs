//! What must reach the cluster, and by when.

use serde_json::Value;

use crate::cloud::ServiceRef;
use crate::cluster::{Key, Stored};
use crate::driver::Change;
use crate::time::{S, Us};
use crate::truth::Expected;
use crate::world::{Event, Process, World};

impl World {
    /// The time within which an instance of this entry must be in the cluster; none if there is no
    /// such limit at the moment.
    pub fn fair_bound(&self, key: &Key, service: &ServiceRef) -> Option<Us> {
        let p = self.processes.iter().find(|p| p.runs() && !p.settings.once)?;
        let s = &p.settings;
        let services: u64 =
            self.cloud.accounts.values().map(|account| account.services.len() as u64).sum();
        let pages = services / self.cloud.page_size as u64 + 2;
        let namespaces: u64 =
            self.cloud.accounts.values().map(|account| account.namespaces.len() as u64).sum();
        let round = 2 * services * S / u64::from(s.data_rate.max(1))
            + 2 * services * self.net.read.max / s.reads_in_flight.max(1) as u64;
        let writes = 2 * services * self.net.write.max / s.writes_in_flight.max(1) as u64;
        let calls = 3 * self.net.read.slowest + 3 * self.net.write.slowest;
        let known = s.interval + round + writes + calls + 2 * S;
        // Lists and hints take turns.
        let hints = 4 * services * u64::from(s.hints != (false, false));
        let lists = s.catalogue_interval * 2
            + 2 * (pages * (namespaces + 1) + hints) * S / u64::from(s.list_rate.max(1));
        let created = self.cloud.service(service).map_or(0, |service| service.created);
        let is_known = self.cluster.entries.contains_key(key) && self.now - created > lists;
        Some(if is_known { known } else { known + lists })
    }

    /// An instance was registered long enough ago.
    pub fn probe(&mut self, key: &Key, service: &ServiceRef, address: &str, since: Us) {
        // The bound grows with what was created since.
        if let Some(at) = self.fair_bound(key, service).map(|bound| since + bound)
            && at > self.now
        {
            let (key, service, address) = (key.clone(), service.clone(), address.to_owned());
            return self.schedule(at, Event::Probe { key, service, address, since });
        }
        let reads = |(_, p): &(usize, &Process)| {
            let source = &service.source;
            let led = p.leading.as_ref().is_none_or(|leading| leading.led.contains_key(source));
            p.runs()
                && !p.settings.once
                && led
                && p.settings.sources.iter().any(|s| s.name == *source)
        };
        let Some((index, p)) = self.processes.iter().enumerate().find(reads) else { return };
        let started = self.check.lives.get(&index).map_or(0, |life| life.started);
        let led = p.leading.as_ref().and_then(|leading| leading.led.get(&service.source));
        let started = led.copied().unwrap_or(started);
        // Without a calm time before, a process may be behind.
        let calm = since >= started + 60 * S
            && self.faults.none_between(since.saturating_sub(60 * S), self.now);
        let expected = self
            .truth
            .expected
            .get(key)
            .is_some_and(|expected| expected.endpoints.contains(address));
        let moved = self.truth.claimants(key).count() > 1
            || self.check.touched.contains(key)
            || self.fighters.contains_key(key);
        if !calm
            || !expected
            || moved
            || p.settings.policy == Change::CreateOnly
            || self.is_foreign(key)
        {
            return;
        }
        self.check.probes += 1;
        if self.cluster.entries.get(key).is_none_or(|stored| !stored.endpoints.contains(address)) {
            let seconds = (self.now - since) / S;
            self.violate(
                "fair",
                format!("{address} was registered {seconds} s ago, and is not in {key}"),
            );
        }
    }

    /// Whether an entry of another owner has this name or one of its hosts.
    pub fn is_foreign(&self, key: &Key) -> bool {
        let ours = |stored: &Stored| self.processes.iter().any(|p| p.owns(stored));
        let hosts = self
            .truth
            .expected
            .get(key)
            .and_then(|expected| expected.spec.get("hosts"))
            .and_then(Value::as_array);
        let hosts: Vec<&str> = hosts.into_iter().flatten().filter_map(Value::as_str).collect();
        let overlaps = |host: &String| {
            hosts.iter().any(|own| {
                own == host || host.strip_prefix('*').is_some_and(|end| own.ends_with(end))
            })
        };
        self.cluster.entries.iter().any(|(other, stored)| {
            let adoptable = other == key
                && stored.owner.is_none()
                && self.processes.iter().any(|p| p.settings.adopt);
            !ours(stored)
                && !adoptable
                && (other == key
                    || other.namespace == key.namespace && stored.hosts.iter().any(overlaps))
        })
    }

    /// The unexcused differences between the cluster and the translation of the true Cloud Map.
    pub fn differences(&self) -> Vec<String> {
        let expected =
            self.truth.expected.iter().filter_map(|(key, expected)| self.difference(key, expected));
        let left =
            self.cluster.entries.iter().filter(|(key, _)| !self.truth.expected.contains_key(*key));
        let left = left.filter(|(_, stored)| {
            let mut owners = self.processes.iter().filter(|p| p.owns(stored)).peekable();
            owners.peek().is_some()
                && owners.all(|p| p.settings.policy == Change::Sync && !p.refused)
        });
        expected.chain(left.map(|(key, _)| format!("{key} is left over"))).collect()
    }

    fn difference(&self, key: &Key, expected: &Expected) -> Option<String> {
        let reads = |p: &&Process| {
            p.settings.sources.iter().any(|source| source.name == expected.service.source)
        };
        let p = self.processes.iter().find(reads)?;
        if self.is_foreign(key) {
            return None;
        }
        let Some(stored) = self.cluster.entries.get(key) else {
            return Some(format!("{key} is missing"));
        };
        if p.settings.policy == Change::CreateOnly {
            return None;
        }
        let removal = expected.endpoints.is_empty() && !stored.endpoints.is_empty();
        let is_repair = stored.owner.is_some() && stored.last_written_endpoints == Some(0);
        if removal && !is_repair && self.processes.iter().any(|p| p.refused) {
            return None;
        }
        if stored.owner.is_none() {
            return Some(format!("{key} is not adopted"));
        }
        if stored.endpoints != expected.endpoints {
            return Some(format!(
                "{key} has {:?} and should have {:?}",
                stored.endpoints, expected.endpoints
            ));
        }
        // What a drained entry keeps depends on what the operator has observed before.
        let drained =
            |field: &str| expected.endpoints.is_empty() && matches!(field, "ports" | "addresses");
        let fields =
            expected.spec.as_object().into_iter().flatten().filter(|(field, _)| !drained(field));
        let differing: Vec<&String> = fields
            .filter(|(field, value)| stored.spec().get(field) != Some(value))
            .map(|(f, _)| f)
            .collect();
        (!differing.is_empty()).then(|| format!("{key} differs in {differing:?}"))
    }
}
