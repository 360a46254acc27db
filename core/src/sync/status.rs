//! What can be told about the operator at any time.

use std::collections::BTreeMap;

use super::Sync;
use crate::diagnostic::Code;
use crate::plan::Removals;

/// A picture of the operator, for probes and metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The first pass is over.
    pub ready: bool,
    /// By source's name.
    pub sources: BTreeMap<String, SourceStatus>,
    /// Entries of ours that exist.
    pub entries: usize,
    /// Entries that wait to be written, written again, or removed.
    pub pending: usize,
    /// What the guard refuses, if it does.
    pub refused: Option<Removals>,
    /// How often each code holds now.
    pub diagnostics: BTreeMap<Code, usize>,
}

/// A picture of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceStatus {
    /// Namespaces that are known.
    pub namespaces: usize,
    /// Services that are known.
    pub services: usize,
    /// Services that could not be read at the last attempt.
    pub failing: usize,
    /// Data-plane requests a second that it allows itself now.
    pub rate: u64,
}

impl Sync {
    /// A picture of now. Costs a walk over all services.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = Status { ready: self.ready, refused: self.refused, ..Status::default() };
        for (name, source) in &self.registry.sources {
            let namespaces = source.namespaces.len();
            let failing = usize::from(source.attempts.failure.is_some());
            let failing = failing + source.namespaces.values().filter(|n| n.attempts.failure.is_some()).count();
            status.sources.insert(name.to_string(), SourceStatus { namespaces, services: 0, failing, rate: source.data.rate() });
        }
        for (id, service) in &self.registry.services {
            let Some(source) = status.sources.get_mut(id.source.as_ref()) else { continue };
            source.services += 1;
            source.failing += usize::from(service.attempts.failure.is_some());
            for diagnostic in &service.diagnostics {
                *status.diagnostics.entry(diagnostic.code).or_default() += 1;
            }
        }
        for diagnostic in self.entries.standing.values().flatten() {
            *status.diagnostics.entry(diagnostic.code).or_default() += 1;
        }
        status.entries = self.entries.observed.values().filter(|entry| self.config.plan.owns(entry)).count();
        status.pending = self.entries.dirty.len() + self.entries.in_flight.len() + self.entries.retries.len() + self.entries.removals.len();
        status
    }

    /// Whether something that a pass should have done was not done.
    pub(super) fn has_failed(&self) -> bool {
        let sources = self.registry.sources.values();
        let unread = sources.flat_map(|s| std::iter::once(&s.attempts).chain(s.namespaces.values().map(|n| &n.attempts)));
        let mut unread = unread.chain(self.registry.services.values().map(|s| &s.attempts));
        let diagnostics = self.registry.services.values().flat_map(|s| &s.diagnostics);
        let mut diagnostics = diagnostics.chain(self.entries.standing.values().flatten());
        let error = |d: &crate::diagnostic::Diagnostic| d.severity == crate::diagnostic::Severity::Error;
        self.gave_up || self.refused.is_some() || unread.any(|a| a.failure.is_some()) || diagnostics.any(error)
    }
}
