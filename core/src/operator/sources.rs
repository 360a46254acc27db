//! Sources that come and go while the operator runs: another replica leads one, or the
//! configuration has changed.
//!
//! A source that stops is forgotten, not deleted: its entries are those of a source that is not read
//! here, and are left alone.

use std::sync::Arc;

use super::entry::WaitFor;
use super::inventory::Source;
use super::queue::ReadKey;
use super::{Config, NamespaceOwner, Operator, Planes, SourceConfig, Time};

impl Operator {
    /// Takes other settings. Where they decide about all entries, every source starts anew; else only
    /// those that differ do.
    pub(super) fn reconfigured(&mut self, mut config: Config, now: Time) {
        let sources = std::mem::take(&mut config.sources);
        let has_same_transform = match (&config.transform, &self.config.transform) {
            (Some(new), Some(old)) => Arc::ptr_eq(new, old),
            (new, old) => new.is_none() && old.is_none(),
        };
        let decides_alike = has_same_transform
            && config.translate == self.config.translate
            && config.plan == self.config.plan;
        self.removals.configure(&config.plan);
        self.entries.configure(&config.plan);
        self.config = config;
        let goes_on = |source: &SourceConfig| decides_alike && sources.contains(source);
        let running = self.inventory.sources.iter();
        let stopped: Vec<Arc<str>> = running
            .filter(|(_, source)| !goes_on(&source.config))
            .map(|(name, _)| name.clone())
            .collect();
        for name in stopped {
            self.source_stopped(&name, now);
        }
        for source in &sources {
            self.source_started(source, now);
        }
    }

    /// Starts to read a source, and to keep its entries. One that runs with other settings starts
    /// anew.
    pub(super) fn source_started(&mut self, config: &SourceConfig, now: Time) {
        let name: Arc<str> = config.name.as_str().into();
        match self.inventory.sources.get(&name) {
            Some(running) if running.config == *config => return,
            Some(_) => self.source_stopped(&name, now),
            None => {}
        }
        let is_first = !self.uses_quota(&config.quota);
        let max_in_flight = self.config.max_reads_in_flight;
        let planes = self
            .planes
            .entry(config.quota.clone())
            .or_insert_with(|| Planes::new(config, max_in_flight, now));
        if is_first {
            planes.configure(config, max_in_flight);
        }
        planes.control.plan(ReadKey::Namespaces(name.clone(), NamespaceOwner::Own), now);
        self.entries.forget_applied(&name);
        self.inventory.sources.insert(name, Source::new(config, &self.config));
        self.refresh_ownership(now);
    }

    /// Stops to read a source. What is in flight ends by itself; nothing else of it is read or
    /// written any more.
    pub(super) fn source_stopped(&mut self, name: &Arc<str>, now: Time) {
        // First, so that what loses its services below is not ours any more, and is not deleted.
        let Some(source) = self.inventory.sources.remove(name) else { return };
        self.refresh_ownership(now);
        let services: Vec<_> =
            self.inventory.services.keys().filter(|id| id.source == *name).cloned().collect();
        for id in services {
            self.delete_service(&id, now);
        }
        for namespace in source.namespaces.into_keys() {
            self.entries.wake(&WaitFor::Namespace(name.clone(), namespace), now);
        }
        self.entries.wake(&WaitFor::Source(name.clone()), now);
        // Its quota is kept: what was used of it is used, if the source starts again.
        if let Some(planes) = self.planes.get_mut(&source.config.quota) {
            planes.control.cancel_source(name);
            planes.data.cancel_source(name);
        }
        // Its entries are no part of what a share is taken of, not even of the last minutes.
        self.removals.rebase(self.entries.base);
    }

    fn uses_quota(&self, quota: &str) -> bool {
        self.inventory.sources.values().any(|source| source.config.quota == quota)
    }
}
