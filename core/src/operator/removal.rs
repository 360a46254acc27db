//! Deletes and emptyings: the guard reviews them together, so that it sees how many there are.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::entry::{Turn, WriteState};
use super::guard::{Guard, Removal, Removals};
use super::report::DiagnosticScope;
use super::{EntryKey, Observed, Operator, Options, Time};
use crate::diagnostic::{Code, Severity};
use crate::service_entry::annotation::CONFIRM_REMOVALS;

/// The removals that wait for the guard.
#[derive(Debug, Clone)]
pub(super) struct RemovalReview {
    guard: Guard,
    /// When the next review is.
    at: Option<Time>,
    refused: Option<RefusedRemovals>,
}

/// Removals that were refused, and the token by which a person confirms these and no others.
#[derive(Debug, Clone)]
struct RefusedRemovals {
    token: String,
    removals: BTreeMap<EntryKey, Removal>,
}

impl RefusedRemovals {
    fn includes(&self, key: &EntryKey, removal: Removal) -> bool {
        self.removals.get(key) == Some(&removal)
    }
}

impl RemovalReview {
    pub(super) const fn new(guard: Guard) -> Self {
        Self { guard, at: None, refused: None }
    }

    pub(super) fn observe(&mut self, base: (usize, usize), now: Time) {
        self.guard.observe(base.0, base.1, now);
    }

    /// Other limits hold from now on.
    pub(super) fn configure(&mut self, options: &Options) {
        self.guard.configure(options.max_delete_percent, options.force_deletes);
    }

    /// So many entries, and entries with endpoints, are all that counts from now on.
    pub(super) fn rebase(&mut self, base: (usize, usize)) {
        self.guard.rebase(base.0, base.1);
    }

    /// Plans a review.
    pub(super) fn plan(&mut self, at: Time) {
        self.at = Some(self.at.map_or(at, |planned| planned.min(at)));
    }

    pub(super) fn is_due(&self, now: Time) -> bool {
        self.at.is_some_and(|at| at <= now)
    }

    /// Whether removals wait for a review whose result is open.
    pub(super) const fn is_planned(&self) -> bool {
        self.at.is_some() && self.refused.is_none()
    }

    pub(super) const fn wake_at(&self) -> Option<Time> {
        self.at
    }

    /// What is refused.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&EntryKey, Removal)> {
        let removals = self.refused.iter().flat_map(|refusal| &refusal.removals);
        removals.map(|(key, removal)| (key, *removal))
    }

    /// The token that confirms what is refused.
    pub(super) fn token(&self) -> Option<&str> {
        self.refused.as_ref().map(|refusal| refusal.token.as_str())
    }
}

impl Operator {
    /// Approves all removals that wait, or refuses them all.
    pub(super) fn review_removals(&mut self, now: Time) {
        let removals = self.entries.pending_removals();
        self.removals.at = None;
        if removals.total() == 0 {
            return self.lift_refusal();
        }
        if self.removals.guard.allows(removals, now) {
            self.removals.guard.record(removals, now);
            let allowed = self.entries.awaiting_guard().clone();
            self.approve(allowed, now);
            return self.lift_refusal();
        }
        self.removals.at = Some(now + self.config.interval);
        self.refuse(removals, now);
    }

    /// Approves removals. One that becomes another kind before it is written is reviewed again.
    fn approve(&mut self, removals: BTreeMap<EntryKey, Removal>, now: Time) {
        for (key, removal) in removals {
            self.entries.set(&key, WriteState::Due(Turn { since: now, approved: Some(removal) }));
        }
    }

    fn refuse(&mut self, removals: Removals, now: Time) {
        let waiting = self.entries.awaiting_guard();
        if let Some(refusal) = &self.removals.refused
            && waiting.iter().all(|(key, removal)| refusal.includes(key, *removal))
        {
            return;
        }
        let mut hasher = DefaultHasher::new();
        (now, waiting).hash(&mut hasher);
        let token = format!("{:016x}", hasher.finish());
        let first = waiting.keys().next().map(ToString::to_string).unwrap_or_default();
        let waiting = waiting.clone();
        let (entries, with_endpoints) = self.removals.guard.base(now);
        // A single pass is over before anyone could.
        let confirm = if self.config.once {
            String::new()
        } else {
            format!(
                ", or until you confirm it: annotate any of them with {CONFIRM_REMOVALS}={token}"
            )
        };
        let message = format!(
            "{} of {entries} entries would be deleted and {} of {with_endpoints} emptied, {first} among them, more than {} % within ten minutes: \
             refused until Cloud Map recovers{confirm}",
            removals.deletes, removals.emptyings, self.config.plan.max_delete_percent
        );
        self.effects.push(DiagnosticScope::ALL.report(
            Severity::Error,
            Code::DeletesRefused,
            message,
        ));
        self.removals.refused = Some(RefusedRemovals { token, removals: waiting });
    }

    fn lift_refusal(&mut self) {
        if self.removals.refused.take().is_some() {
            let message = "deletes are no longer refused".to_owned();
            self.effects.push(DiagnosticScope::ALL.report(
                Severity::Info,
                Code::DeletesRefused,
                message,
            ));
        }
    }

    /// A person's annotation may confirm what is refused: exactly that, and only while it is
    /// refused.
    pub(super) fn confirm_removals(&mut self, entry: &Observed, now: Time) {
        let Some(refusal) = &self.removals.refused else { return };
        if entry.confirmation.as_ref() != Some(&refusal.token)
            || !refusal.removals.contains_key(&entry.key)
        {
            return;
        }
        let waiting = self.entries.awaiting_guard();
        let confirmed = waiting.iter().filter(|(key, removal)| refusal.includes(key, **removal));
        let confirmed: BTreeMap<EntryKey, Removal> =
            confirmed.map(|(key, removal)| (key.clone(), *removal)).collect();
        let message = format!(
            "{} removals were confirmed by an annotation of {}",
            confirmed.len(),
            entry.key
        );
        self.effects.push(DiagnosticScope::ALL.report(
            Severity::Info,
            Code::DeletesRefused,
            message,
        ));
        self.removals.refused = None;
        self.approve(confirmed, now);
    }

    /// The removals that the guard refuses now.
    pub(super) fn refused(&self) -> Option<Removals> {
        self.removals.refused.as_ref().map(|_| self.entries.pending_removals())
    }
}
