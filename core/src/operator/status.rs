//! A snapshot of the operator.

use std::collections::BTreeMap;

use super::{Operator, Removals};
use crate::diagnostic::{Code, Diagnostic, Severity};

/// A snapshot of the operator, for probes and metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The first pass is over, or there is no source to read.
    pub ready: bool,
    /// By source's name.
    pub sources: BTreeMap<String, SourceStatus>,
    /// Entries of ours that exist.
    pub entries: usize,
    /// Entries that wait to be written, written again, or removed.
    pub pending: usize,
    /// What the guard refuses, if it does.
    pub refused: Option<Refused>,
    /// Whether writes wait for the end of an outage.
    pub writes_held: bool,
    /// How many times an entry was evaluated since the start: this grows with the changes, not with
    /// the number of entries.
    pub decisions: u64,
    /// How many diagnostics of each code hold now.
    pub diagnostics: BTreeMap<Code, usize>,
}

impl Status {
    /// Whether all of every source is known, and no read of it fails.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.sources.values().all(|source| source.complete && source.failing == 0)
    }

    /// The sources whose first pass is not over.
    #[must_use]
    pub fn incomplete(&self) -> Vec<&str> {
        let sources = self.sources.iter().filter(|(_, source)| !source.complete);
        sources.map(|(name, _)| name.as_str()).collect()
    }
}

/// Removals that the guard refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// How many.
    pub removals: Removals,
    /// The value of the annotation that confirms them.
    pub token: String,
}

/// A snapshot of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceStatus {
    /// Namespaces that were listed.
    pub namespaces: usize,
    /// Services that were listed.
    pub services: usize,
    /// Lists and services that could not be read at the last attempt.
    pub failing: usize,
    /// Whether everything in it was read once.
    pub complete: bool,
    /// Its current limit of data-plane requests a second.
    pub rate: u64,
}

impl Operator {
    /// A snapshot. It costs a walk over all services and entries.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = Status {
            ready: self.ready || self.inventory.sources.is_empty() && self.entries.listed,
            writes_held: !self.outages.is_empty(),
            ..Status::default()
        };
        for (name, source) in &self.inventory.sources {
            let failing = usize::from(source.list.attempts.failing.is_some());
            let failing = failing
                + source.namespaces.values().filter(|n| n.list.attempts.failing.is_some()).count();
            let rate = self.planes.get(&source.config.quota).map_or(0, |planes| planes.data.rate());
            let source = SourceStatus {
                namespaces: source.namespaces.len(),
                services: 0,
                failing,
                complete: source.passed,
                rate,
            };
            status.sources.insert(name.to_string(), source);
        }
        let mut count =
            |diagnostic: &Diagnostic| *status.diagnostics.entry(diagnostic.code).or_default() += 1;
        for (id, service) in &self.inventory.services {
            service.diagnostics.iter().chain(&service.conflict).for_each(&mut count);
            let Some(source) = status.sources.get_mut(id.source.as_ref()) else { continue };
            source.services += 1;
            source.failing += usize::from(
                service.attempts.failing.is_some() || service.hints.attempts.failing.is_some(),
            );
        }
        for (_, entry) in self.entries.iter() {
            entry.reported.iter().for_each(&mut count);
        }
        status.decisions = self.decisions;
        status.entries = self.entries.owned();
        status.pending = self.entries.pending();
        status.refused = self
            .refused()
            .zip(self.removals.token())
            .map(|(removals, token)| Refused { removals, token: token.to_owned() });
        status
    }

    /// Whether a single pass has left anything undone.
    pub(super) fn has_failed(&self) -> bool {
        let sources = self.inventory.sources.values();
        let unread = sources.flat_map(|s| {
            std::iter::once(&s.list.attempts).chain(s.namespaces.values().map(|n| &n.list.attempts))
        });
        let services = self.inventory.services.values();
        let mut unread =
            unread.chain(services.clone().flat_map(|s| [&s.attempts, &s.hints.attempts]));
        let diagnostics = services.flat_map(|s| s.diagnostics.iter().chain(&s.conflict));
        let mut diagnostics =
            diagnostics.chain(self.entries.iter().flat_map(|(_, entry)| &entry.reported));
        let error = |d: &Diagnostic| d.severity == Severity::Error;
        self.gave_up
            || self.refused().is_some()
            || unread.any(|a| a.failing.is_some())
            || diagnostics.any(error)
    }
}
