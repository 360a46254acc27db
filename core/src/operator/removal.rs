//! Deletes and emptyings: judged together, so that the guard sees how many there are.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::attempts::Scope;
use super::entries::WriteState;
use super::guard::{Guard, Removal, Removals};
use super::{EntryKey, Observed, Operator, Time};
use crate::diagnostic::{Code, Severity};
use crate::service_entry::annotation::CONFIRM_REMOVALS;

/// The removals that wait for the guard.
#[derive(Debug, Clone)]
pub(super) struct Removing {
    guard: Guard,
    /// When to ask the guard next.
    at: Option<Time>,
    refused: Option<Refusal>,
}

/// Removals that were refused, under a name by which a person confirms these and no others.
#[derive(Debug, Clone)]
struct Refusal {
    token: String,
    removals: BTreeMap<EntryKey, Removal>,
}

impl Refusal {
    fn holds(&self, key: &EntryKey, removal: Removal) -> bool {
        self.removals.get(key) == Some(&removal)
    }
}

impl Removing {
    pub(super) const fn new(guard: Guard) -> Self {
        Self { guard, at: None, refused: None }
    }

    pub(super) fn observe(&mut self, base: (usize, usize), now: Time) {
        self.guard.observe(base.0, base.1, now);
    }

    /// A removal waits for the guard.
    pub(super) fn plan(&mut self, at: Time) {
        self.at = Some(self.at.map_or(at, |planned| planned.min(at)));
    }

    pub(super) fn is_due(&self, now: Time) -> bool {
        self.at.is_some_and(|at| at <= now)
    }

    /// Removals wait for a judgement that is still to come.
    pub(super) const fn is_planned(&self) -> bool {
        self.at.is_some() && self.refused.is_none()
    }

    pub(super) const fn wake_at(&self) -> Option<Time> {
        self.at
    }

    /// The token that confirms what is refused.
    pub(super) fn token(&self) -> Option<&str> {
        self.refused.as_ref().map(|refusal| refusal.token.as_str())
    }
}

impl Operator {
    /// Lets the removals pass that wait, or refuses them all.
    pub(super) fn guard(&mut self, now: Time) {
        let removals = self.entries.pending_removals();
        self.removing.at = None;
        if removals.total() == 0 {
            return self.no_longer_refused();
        }
        if self.removing.guard.allows(removals, now) {
            self.removing.guard.record(removals, now);
            let allowed = self.entries.awaiting_guard().clone();
            self.approve(allowed, now);
            return self.no_longer_refused();
        }
        self.removing.at = Some(now + self.config.interval);
        self.refuse(removals, now);
    }

    /// Lets these removals be made. What becomes another kind before it is written is judged anew.
    fn approve(&mut self, removals: BTreeMap<EntryKey, Removal>, now: Time) {
        for (key, removal) in removals {
            self.entries.set(&key, WriteState::Due { since: now, approved: Some(removal) });
        }
    }

    fn refuse(&mut self, removals: Removals, now: Time) {
        let waiting = self.entries.awaiting_guard();
        if let Some(refusal) = &self.removing.refused
            && waiting.iter().all(|(key, removal)| refusal.holds(key, *removal))
        {
            return;
        }
        let mut hasher = DefaultHasher::new();
        (now, waiting).hash(&mut hasher);
        let token = format!("{:016x}", hasher.finish());
        let first = waiting.keys().next().map(ToString::to_string).unwrap_or_default();
        let waiting = waiting.clone();
        let (entries, with_endpoints) = self.removing.guard.base(now);
        let message = format!(
            "{} of {entries} entries would be deleted and {} of {with_endpoints} emptied, {first} among them, more than {} % within ten minutes: \
             refused until Cloud Map recovers, or until you confirm it: annotate any of them with {CONFIRM_REMOVALS}={token}",
            removals.deletes, removals.emptyings, self.config.plan.max_delete_percent
        );
        self.effects.push(WHOLE.report(Severity::Error, Code::DeletesRefused, message));
        self.removing.refused = Some(Refusal { token, removals: waiting });
    }

    fn no_longer_refused(&mut self) {
        if self.removing.refused.take().is_some() {
            let message = "deletes are no longer refused".to_owned();
            self.effects.push(WHOLE.report(Severity::Info, Code::DeletesRefused, message));
        }
    }

    /// A person's annotation may confirm what is refused: exactly that, and only while it is
    /// refused.
    pub(super) fn confirm(&mut self, entry: &Observed, now: Time) {
        let Some(refusal) = self
            .removing
            .refused
            .as_ref()
            .filter(|refusal| entry.confirmation.as_ref() == Some(&refusal.token))
        else {
            return;
        };
        if !refusal.removals.contains_key(&entry.key) {
            return;
        }
        let waiting = self.entries.awaiting_guard();
        let confirmed = waiting.iter().filter(|(key, removal)| refusal.holds(key, **removal));
        let confirmed: BTreeMap<EntryKey, Removal> =
            confirmed.map(|(key, removal)| (key.clone(), *removal)).collect();
        let message = format!(
            "{} removals were confirmed by an annotation of {}",
            confirmed.len(),
            entry.key
        );
        self.effects.push(WHOLE.report(Severity::Info, Code::DeletesRefused, message));
        self.removing.refused = None;
        self.approve(confirmed, now);
    }

    /// What the guard refuses now, if it does.
    pub(super) fn refused(&self) -> Option<Removals> {
        self.removing.refused.as_ref().map(|_| self.entries.pending_removals())
    }
}

const WHOLE: Scope<'static> = Scope { source: "", namespace: "", service: "" };
