//! Deletes and emptyings: decided together, so that the guard sees how many there are.

use super::attempts::Subject;
use super::{Sync, Time};
use crate::diagnostic::{Code, Severity};
use crate::plan::{Action, Decision, EntryKey, Removals};

impl Sync {
    /// Decides about what is waiting to be removed, when it is time.
    pub(super) fn remove(&mut self, now: Time) {
        if self.removals_at.is_none_or(|at| at > now) {
            return;
        }
        self.removals_at = None;
        self.guard(now);
    }

    /// Lets the removals pass, or refuses them all.
    pub(super) fn guard(&mut self, now: Time) {
        let mut removals = Removals::default();
        let mut removed: Vec<EntryKey> = Vec::new();
        for key in &self.entries.removals {
            match self.decide(key) {
                Decision::Do(Action::Delete) => removals.deletes += 1,
                Decision::Do(Action::Update { empties: true, .. }) => removals.emptyings += 1,
                _ => continue,
            }
            removed.push(key.clone());
        }
        for entry in self.entries.observed.values().filter(|entry| self.config.plan.owns(entry)) {
            removals.entries += 1;
            removals.with_endpoints += usize::from(!entry.endpoints.is_empty());
        }
        let refused = removals.refused(&self.config.plan);
        if refused {
            self.removals_at = Some(now + self.config.interval);
        } else {
            self.entries.removals.clear();
            self.entries.approved.extend(removed.iter().cloned());
            self.entries.dirty.extend(removed);
        }
        self.tell_refused(refused.then_some(removals));
    }

    fn tell_refused(&mut self, refused: Option<Removals>) {
        if self.refused == refused {
            return;
        }
        let subject = Subject { source: "", namespace: "", service: "" };
        let report = match &refused {
            Some(Removals { deletes, entries, emptyings, with_endpoints }) => {
                let message = format!(
                    "{deletes} of {entries} entries would be deleted and {emptyings} of {with_endpoints} emptied, more than {} %: refused until \
                     Cloud Map recovers, or a restart with --force-deletes confirms it",
                    self.config.plan.max_delete_percent
                );
                subject.report(Severity::Error, Code::DeletesRefused, message)
            }
            None => subject.report(Severity::Info, Code::DeletesRefused, "deletes are no longer refused".to_owned()),
        };
        self.refused = refused;
        self.effects.push(report);
    }

    /// Something was read for the first time, or is known completely now: looks again at all that waited for it.
    pub(super) fn unblock(&mut self) {
        let scopes = self.registry.scopes();
        if scopes != self.scopes {
            self.scopes = scopes;
            self.entries.mark_unclaimed();
        }
        self.entries.dirty.append(&mut self.entries.blocked);
    }

    /// Removals that nobody else will wake for, in a single pass that is otherwise over.
    pub(super) fn remove_at_last(&mut self, now: Time) -> bool {
        let waiting = !self.entries.removals.is_empty() && self.refused.is_none();
        if waiting {
            self.guard(now);
        }
        waiting
    }
}
