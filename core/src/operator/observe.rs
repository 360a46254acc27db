//! Takes in what the sink observes, and finds out which entries are ours.

use super::report::DiagnosticScope;
use super::{Observation, Observed, Operator, Ownership, Time};
use crate::diagnostic::{Code, Severity};

impl Operator {
    pub(super) fn observed(&mut self, observation: Observation, now: Time) {
        match observation {
            Observation::Listed { entries, version } => {
                for entry in &entries {
                    self.confirm_removals(entry, now);
                }
                let entries = entries.into_iter().map(|entry| {
                    let ownership = self.ownership(&entry);
                    (entry, ownership)
                });
                let entries = entries.collect();
                self.entries.list(entries, &version, now);
            }
            Observation::Applied(entry) => {
                self.confirm_removals(&entry, now);
                let ownership = self.ownership(&entry);
                self.entries.observe(*entry, ownership, now);
            }
            Observation::Deleted { key, version } => self.entries.remove(&key, &version, now),
        }
        self.removals.observe(self.entries.base, now);
    }

    pub(super) fn ownership(&self, entry: &Observed) -> Ownership {
        match entry.owner.as_deref() {
            None => Ownership::Unowned,
            Some(owner) if owner != self.config.plan.owner => Ownership::Foreign,
            Some(_) if self.inventory.reads(entry) => Ownership::Ours,
            Some(_) => Ownership::OtherSource,
        }
    }

    /// Updates the ownership of every entry: it depends on the accounts that are read.
    pub(super) fn refresh_ownership(&mut self, now: Time) {
        let changed: Vec<(Observed, Ownership)> = self
            .entries
            .iter()
            .filter_map(|(_, entry)| {
                let observed = entry.observed.as_ref()?;
                let ownership = self.ownership(observed);
                (ownership != entry.ownership).then(|| (observed.clone(), ownership))
            })
            .collect();
        for (entry, ownership) in changed {
            self.entries.observe(entry, ownership, now);
        }
        self.removals.observe(self.entries.base, now);
        self.report_other_sources();
    }

    /// Reports entries of ours that no replica keeps, once.
    fn report_other_sources(&mut self) {
        let elsewhere = &self.config.elsewhere;
        let is_unread = |observed: &Observed| {
            let source = observed.scope.as_ref().map(|scope| scope.source.as_str());
            !source.is_some_and(|source| elsewhere.iter().any(|name| name == source))
        };
        let unread = self.entries.iter().filter(|(_, entry)| {
            entry.ownership == Ownership::OtherSource
                && entry.observed.as_ref().is_some_and(is_unread)
        });
        let unread = if self.other_sources_reported { 0 } else { unread.count() };
        if unread == 0 {
            return;
        }
        self.other_sources_reported = true;
        let message = format!(
            "{unread} entries have the owner {:?} but come from a source, account or region that is not read here: left alone; another process \
             keeps them, or delete them by hand",
            self.config.plan.owner
        );
        let report = DiagnosticScope::ALL.report(Severity::Info, Code::OtherSource, message);
        self.effects.push(report);
    }
}
