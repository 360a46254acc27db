//! Decides about the entries that are due.

use super::entry::{Applied, Cause, InFlight, REPAIR_WINDOW, Turn, WaitFor, WriteState};
use super::inventory::{DesiredEntry, DesiredState, Emptiness};
use super::outage::OutageScope;
use super::resolve::Resolved;
use super::{
    Action, Case, Decision, EntryKey, Fields, Observed, Operator, ReadKey, Reason, Removal,
    ServiceId, Time,
};
use crate::diagnostic::{Code, Diagnostic};

impl Operator {
    /// Decides about every entry that is due, the oldest first, as long as writes may be sent.
    pub(super) fn decide_due(&mut self, now: Time) {
        if !self.entries.listed {
            return;
        }
        self.probe_outages(now);
        while self.entries.in_flight < self.config.max_writes_in_flight
            && let Some((since, key)) = self.entries.first_due()
        {
            let turn = match self.entries.state(&key) {
                Some(WriteState::Due(turn)) => *turn,
                _ => Turn::new(since),
            };
            self.decide_entry(&key, turn, None, now);
        }
    }

    /// Decides about one entry; its write may be a probe of the outage `probing`.
    pub(super) fn decide_entry(
        &mut self,
        key: &EntryKey,
        turn: Turn,
        probing: Option<&OutageScope>,
        now: Time,
    ) {
        self.decisions += 1;
        let (desired, is_partial) = match self.resolve(key, now) {
            Resolved::Unknown => return self.entries.set(key, WriteState::Settled),
            Resolved::Nothing => (None, false),
            Resolved::Entry { entry, is_partial } => (Some(entry), is_partial),
        };
        let desired = desired.as_deref();
        let hosts = desired.map(|entry| entry.desired.hosts.as_slice()).unwrap_or_default();
        self.entries.set_desired_hosts(key, hosts);
        let overlapping = self.entries.overlapping(key, hosts);
        let Some(entry) = self.entries.get(key) else { return };
        let complete = self.completeness(desired, entry.observed.as_ref());
        let case = Case {
            desired: desired.map(|entry| &entry.desired),
            observed: entry.observed.as_ref().map(|observed| (observed, entry.ownership)),
            overlapping,
            complete: complete.is_ok() && !is_partial,
        };
        let decision = case.decide(&self.config.plan);
        let mut diagnostics: Vec<Diagnostic> = overlapping
            .filter(|_| !matches!(decision, Decision::Refuse(_)))
            .map(|other| self.overlap_diagnostic(key, other))
            .into_iter()
            .collect();
        let failures = entry.failures.as_ref();
        diagnostics.extend(failures.and_then(|failures| failures.diagnostic.clone()));
        if entry.repairs.is_contested(now) {
            diagnostics.push(self.contested_diagnostic(key));
        }
        diagnostics.extend(self.istio_diagnostics(key, entry, now));
        match decision {
            Decision::Keep => {
                let reached =
                    desired.zip(entry.observed.as_ref()).and_then(|(desired, observed)| {
                        let fields = &desired.desired.fields;
                        let is_same = fields.differing(&observed.fields).next().is_none();
                        is_same.then(|| fields.clone())
                    });
                self.record_settled(key, reached, now);
                diagnostics.retain(|diagnostic| diagnostic.code != Code::WriteFailed);
            }
            Decision::Refuse(Reason::Conflict { with, owner }) => {
                diagnostics.push(self.conflict_diagnostic(key, &with, owner.as_deref()));
                self.entries.set(key, WriteState::Conflicted);
            }
            Decision::Refuse(Reason::Incomplete | Reason::Guard) => {
                let on = complete.err().unwrap_or_else(|| self.unread_claimant(key));
                self.confirm_soon(&on, now);
                self.entries.set(key, WriteState::Blocked { on, turn: Turn::new(now) });
            }
            Decision::Do(action) => self.act(key, action, desired, turn, probing, now),
        }
        self.report_entry(key, diagnostics);
        self.report_host_conflicts(key);
    }

    /// Sends a write, or sets what it waits for.
    fn act(
        &mut self,
        key: &EntryKey,
        action: Action,
        desired: Option<&DesiredEntry>,
        turn: Turn,
        probing: Option<&OutageScope>,
        now: Time,
    ) {
        let Some(entry) = self.entries.get(key) else { return };
        let fields = desired.map(|entry| entry.desired.fields.clone());
        // It was written before and another writer has changed it: not a new removal, and not to be
        // repaired for ever at full speed.
        let is_repair = entry.applied == Some(Applied::new(fields.clone()));
        let repair_at = entry.repairs.next_at(now);
        let replaces = entry.observed.as_ref().map(|observed| observed.version.clone());
        let write = InFlight { turn, fields, replaces };
        // What another writer has added to an empty entry is no endpoint of the service.
        let was_empty = entry.applied.as_ref().is_some_and(Applied::is_empty);
        let removal = action.removal().filter(|removal| match removal {
            Removal::Delete => !is_repair,
            Removal::Emptying => !is_repair && !was_empty,
        });
        let state = if let Some(service) = removal.and_then(|_| self.unconfirmed(key)) {
            WriteState::Blocked { on: WaitFor::Service(service), turn: Turn::new(now) }
        } else if let Some(removal) = removal.filter(|removal| turn.approved != Some(*removal)) {
            self.removals.plan(now + self.config.interval / 2);
            WriteState::AwaitingGuard(removal)
        } else if is_repair && repair_at > now {
            let turn = Turn { since: now, ..turn };
            WriteState::Backoff { until: repair_at, cause: Cause::Contested, turn }
        } else if let Some(outage) = self.outages.find(key, &write, probing) {
            WriteState::Blocked { on: WaitFor::Outage(outage), turn }
        } else {
            return self.send(key, action, desired, write, is_repair, now);
        };
        self.entries.set(key, state);
    }

    /// There is nothing to write; `reached` are the fields, if the entry is as desired.
    fn record_settled(&mut self, key: &EntryKey, reached: Option<Fields>, now: Time) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        // Whichever writer has stored it: a later difference is a change by another one.
        entry.applied = reached.map(Applied::Fields).or_else(|| entry.applied.take());
        entry.failures = None;
        let is_deleted =
            entry.observed.is_none() && entry.claims.is_empty() && entry.applied.is_some();
        let state = if is_deleted {
            WriteState::Deleted { until: now + REPAIR_WINDOW }
        } else {
            WriteState::Settled
        };
        self.entries.set(key, state);
    }

    /// Whether enough was read to delete or shrink the entry, or what that waits for.
    fn completeness(
        &self,
        desired: Option<&DesiredEntry>,
        observed: Option<&Observed>,
    ) -> Result<(), WaitFor> {
        let observed = observed.and_then(|observed| observed.scope.as_ref());
        match (desired, observed) {
            (Some(entry), _) => self.inventory.may_shrink(&entry.desired.scope)?,
            (None, Some(scope)) => self.inventory.may_delete(scope)?,
            (None, None) => {}
        }
        let scope = desired.map(|entry| &entry.desired.scope).or(observed);
        match scope.filter(|_| self.merges()) {
            Some(scope) => self.inventory.knows_all_claims(scope),
            None => Ok(()),
        }
    }

    /// Reads a list again soon, so that a removal need not wait for the next round to be confirmed.
    fn confirm_soon(&mut self, on: &WaitFor, now: Time) {
        let grace = self.config.empty_grace;
        match on {
            // The first entry that waits for it has planned the reads.
            WaitFor::Source(_) | WaitFor::Namespace(..) if self.entries.waits_for(on) => {}
            WaitFor::Source(name) => {
                let Some(source) = self.inventory.sources.get(name) else { return };
                let namespaces: Vec<_> = source.namespaces.keys().cloned().collect();
                if let Some(at) = source.list.progress.confirm_at(grace) {
                    self.plan_namespaces(name, at.max(now));
                }
                for namespace in namespaces {
                    self.confirm_soon(&WaitFor::Namespace(name.clone(), namespace), now);
                }
            }
            WaitFor::Namespace(name, key) => {
                let Some(source) = self.inventory.sources.get(name) else { return };
                let at = source
                    .namespaces
                    .get(key)
                    .filter(|namespace| namespace.list.listing.is_none())
                    .and_then(|namespace| namespace.list.progress.confirm_at(grace));
                if let Some(at) = at {
                    self.expedite(ReadKey::Services(name.clone(), key.clone()), at.max(now));
                }
            }
            WaitFor::Service(_) | WaitFor::Outage(_) => {}
        }
    }

    /// A service that claims the entry and whose emptiness is not confirmed yet.
    fn unconfirmed(&self, key: &EntryKey) -> Option<ServiceId> {
        let unconfirmed = |id: &&ServiceId| {
            self.service(id).is_some_and(|state| matches!(state.emptiness, Emptiness::Since(_)))
        };
        self.entries.get(key)?.claims.iter().find(unconfirmed).cloned()
    }

    /// A service that claims the entry and was not read.
    fn unread_claimant(&self, key: &EntryKey) -> WaitFor {
        let is_unread = |id: &&ServiceId| {
            self.service(id).is_some_and(|state| state.desired == DesiredState::Unknown)
        };
        let unread =
            self.entries.get(key).and_then(|entry| entry.claims.iter().find(is_unread)).cloned();
        unread.map_or_else(|| WaitFor::Source("".into()), WaitFor::Service)
    }
}
