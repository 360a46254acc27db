//! The writing side: what each entry needs, and what came of writes.

use std::time::Duration;

use super::attempts::{Subject, Trouble, pause};
use super::entries::{InFlight, Retry};
use super::registry::{Wanted, WantedEntry};
use super::{Effect, ServiceId, Sync, Time, Write, WriteError, WriteFailure};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::plan::{Action, Decision, Desired, EntryKey, Observed, Reason, Scope, decide};

/// The first pause after a write that failed; it doubles, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The pause after a write that was rejected: trying again at once can't help.
const REJECTED_PAUSE: Duration = Duration::from_secs(30);

impl Sync {
    /// Decides about every entry that something has moved for, as far as writes may be started.
    pub(super) fn settle(&mut self, now: Time) {
        if !self.entries.listed {
            return;
        }
        while self.entries.in_flight.len() < self.config.max_writes_in_flight
            && let Some(key) = self.entries.dirty.pop_first()
        {
            let waits = self.entries.retries.get(&key).is_some_and(|retry| retry.at > now);
            if !waits && !self.entries.in_flight.contains_key(&key) {
                self.settle_one(&key, now);
            }
        }
    }

    fn settle_one(&mut self, key: &EntryKey, now: Time) {
        let decision = self.decide(key);
        let mut said = self.host_conflicts(key);
        let approved = self.entries.approved.remove(key);
        self.entries.removals.remove(key);
        if !matches!(decision, Decision::Refuse(_)) {
            said.extend(self.overlaps(key));
        }
        match decision {
            Decision::Keep => {}
            Decision::Do(action) if action.removes() && !approved => {
                self.entries.removals.insert(key.clone());
                self.removals_at.get_or_insert(now + self.config.interval / 2);
            }
            Decision::Do(action) => said.extend(self.write(key, action)),
            Decision::Refuse(reason) => {
                self.entries.blocked.insert(key.clone());
                said.extend(self.explain(key, &reason));
            }
        }
        let before =
            if said.is_empty() { self.entries.standing.remove(key) } else { self.entries.standing.insert(key.clone(), said.clone()) };
        let before = before.unwrap_or_default();
        self.effects.extend(said.into_iter().filter(|diagnostic| !before.contains(diagnostic)).map(Effect::Report));
    }

    /// What an entry needs, by what is known now.
    pub(super) fn decide(&self, key: &EntryKey) -> Decision {
        let winner = self.entries.claims(key).next().and_then(|id| self.registry.services.get(id));
        let observed = self.entries.observed.get(key);
        let desired = match winner.map(|state| &state.wanted) {
            Some(Wanted::Held) => return Decision::Keep,
            Some(Wanted::Entry(entry)) => Some(&entry.desired),
            Some(Wanted::Excluded | Wanted::Omitted) | None => None,
        };
        if desired.is_none() && observed.is_some_and(|entry| self.is_of_a_held_service(entry)) {
            return Decision::Keep;
        }
        let overlapping = desired.map(|d| self.entries.overlapping(key, &d.hosts, &self.config.plan)).unwrap_or_default();
        let complete = self.is_complete(desired, observed);
        let decision = decide(desired, observed, &overlapping, complete, &self.config.plan);
        let unconfirmed = winner.is_some_and(|state| !state.empty_confirmed);
        match decision {
            Decision::Do(action) if action.removes() && unconfirmed => Decision::Keep,
            decision => decision,
        }
    }

    /// An entry whose own name is not known before its service was read (a host of the service's own choice) must not go before that.
    fn is_of_a_held_service(&self, entry: &Observed) -> bool {
        let Some((scope, service)) = entry.scope.as_ref().zip(entry.service.as_ref()) else { return false };
        let id = ServiceId {
            source: scope.source.as_str().into(),
            namespace: scope.namespace.as_str().into(),
            service: service.as_str().into(),
        };
        self.registry.services.get(&id).is_some_and(|state| state.wanted == Wanted::Held)
    }

    /// A desired entry shrinks once its namespace has been passed through; one that nobody wants goes when its scope is known completely.
    fn is_complete(&self, desired: Option<&Desired>, observed: Option<&Observed>) -> bool {
        let scope = |scope: &Scope| {
            let source = self.registry.sources.get(scope.source.as_str());
            source.and_then(|s| s.namespaces.get(scope.namespace.as_str())).is_some_and(super::registry::NamespaceState::passed)
        };
        match desired {
            Some(desired) => scope(&desired.scope),
            None => observed.is_some_and(|entry| self.scopes.complete(entry.scope.as_ref())),
        }
    }

    /// Starts a write, unless the last one like it came out the same.
    fn write(&mut self, key: &EntryKey, action: Action) -> Option<Diagnostic> {
        let observed = self.entries.observed.get(key);
        let wanted = self.wanted(key);
        let fields = wanted.map(|entry| entry.desired.fields);
        let pair = fields.zip(observed.map(|entry| entry.fields));
        if action != Action::Delete
            && pair.is_some()
            && self.entries.not_kept.get(key) == pair.as_ref()
            && observed.is_some_and(|o| self.config.plan.owns(o))
        {
            let message = "what is stored is not what was written; an admission webhook or another controller changes it".to_owned();
            return Some(self.about(key, Severity::Error, Code::WriteNotKept, message));
        }
        let write = Write {
            key: key.clone(),
            json: wanted.filter(|_| action != Action::Delete).map(|entry| entry.json.clone()),
            endpoints: wanted.map_or(0, |entry| entry.desired.endpoints.len()),
            replaces: observed.map(|entry| entry.version.clone()),
            action,
        };
        self.entries.in_flight.insert(key.clone(), InFlight { fields: fields.filter(|_| write.action != Action::Delete) });
        self.effects.push(Effect::Write(write));
        None
    }

    /// The entry that the first service claiming it wants.
    fn wanted(&self, key: &EntryKey) -> Option<&WantedEntry> {
        let id = self.entries.claims(key).next()?;
        match &self.registry.services.get(id)?.wanted {
            Wanted::Entry(entry) => Some(entry),
            Wanted::Held | Wanted::Excluded | Wanted::Omitted => None,
        }
    }

    pub(super) fn written(&mut self, key: &EntryKey, result: Result<Option<Box<Observed>>, WriteError>, now: Time) {
        let Some(write) = self.entries.in_flight.remove(key) else { return };
        self.entries.mark(Some(key));
        match result {
            Ok(stored) => {
                self.entries.retries.remove(key);
                self.entries.not_kept.remove(key);
                self.recovered(now);
                let Some(stored) = stored else { return self.entries.remove(key) };
                if let Some(fields) = write.fields.filter(|fields| fields.differing(&stored.fields).next().is_some()) {
                    self.entries.not_kept.insert(key.clone(), (fields, stored.fields));
                }
                self.entries.observe(*stored, &self.config.plan);
            }
            Err(error) => self.failed(key, &error, now),
        }
    }

    fn failed(&mut self, key: &EntryKey, error: &WriteError, now: Time) {
        if error.failure == WriteFailure::NotFound {
            return self.entries.remove(key);
        }
        let before = self.entries.retries.get(key);
        let failures = before.map_or(0, |retry| retry.failures).saturating_add(1);
        let news = before.is_none_or(|retry| retry.failure != error.failure);
        let wait = match error.failure {
            WriteFailure::Rejected => REJECTED_PAUSE,
            _ => pause(failures, FIRST_PAUSE, self.config.interval),
        };
        // Somebody was faster; what is observed next decides, and there is nothing to tell yet.
        let quiet = error.failure == WriteFailure::Conflict && failures < 5;
        if !self.config.tries_again(failures) {
            self.gave_up = true;
            self.entries.dirty.remove(key);
        }
        let at = if self.config.tries_again(failures) { now + wait } else { Time::MAX };
        self.entries.retries.insert(key.clone(), Retry { failures, failure: error.failure, at });
        if error.failure.strikes_all() {
            let news = self.write_trouble.as_ref().is_none_or(|trouble| trouble.failure != error.failure);
            self.write_trouble = Some(Trouble { failure: error.failure, last: now });
            if news {
                let subject = Subject { source: "", namespace: "", service: "" };
                self.effects.push(subject.report(Severity::Warning, Code::WriteFailed, error.message.clone()));
            }
        } else if news && !quiet {
            let report = self.about(key, Severity::Error, Code::WriteFailed, error.message.clone());
            self.effects.push(Effect::Report(report));
        }
    }

    fn recovered(&mut self, now: Time) {
        if self.write_trouble.as_ref().is_some_and(|trouble| now >= trouble.last + self.config.interval) {
            self.write_trouble = None;
            let subject = Subject { source: "", namespace: "", service: "" };
            self.effects.push(subject.report(Severity::Info, Code::WriteFailed, "entries can be written again".to_owned()));
        }
    }

    /// Looks again at what failed and is due.
    pub(super) fn retry(&mut self, now: Time) {
        let due = self.entries.retries.iter().filter(|(_, retry)| retry.at <= now).map(|(key, _)| key.clone());
        let due: Vec<EntryKey> = due.filter(|key| !self.entries.in_flight.contains_key(key)).collect();
        self.entries.dirty.extend(due);
    }

    fn explain(&self, key: &EntryKey, reason: &Reason) -> Option<Diagnostic> {
        let Reason::Conflict { with, owner } = reason else { return None };
        let whose = owner.as_ref().map_or_else(|| "nobody's (no owner label)".to_owned(), |owner| format!("that of owner {owner:?}"));
        let what = if with == key { "of this name" } else { "with an overlapping host" };
        let message = format!(
            "ServiceEntry {with} {what} is {whose}: left alone; delete or rename it, or use --adopt for one of this name that is nobody's"
        );
        Some(self.about(key, Severity::Error, Code::Conflict, message))
    }

    /// Foreign entries with a host that overlaps one of ours: both stay, and Istio picks.
    fn overlaps(&self, key: &EntryKey) -> Option<Diagnostic> {
        let wanted = self.wanted(key)?;
        let overlapping = self.entries.overlapping(key, &wanted.desired.hosts, &self.config.plan);
        let message = format!(
            "ServiceEntry {} has an overlapping host and is not ours: left alone; Istio uses the older one",
            overlapping.first()?.key
        );
        Some(self.about(key, Severity::Warning, Code::Conflict, message))
    }

    /// What the services say that claim an entry and don't get it.
    fn host_conflicts(&self, key: &EntryKey) -> Vec<Diagnostic> {
        let mut claims = self.entries.claims(key);
        let Some(winner) = claims.next() else { return Vec::new() };
        let message = format!(
            "service {} of namespace {} in source {} has this host already, and is ranked first",
            winner.service, winner.namespace, winner.source
        );
        claims.map(|id| self.about_service(id, Severity::Error, Code::HostConflict, message.clone())).collect()
    }

    fn about(&self, key: &EntryKey, severity: Severity, code: Code, message: String) -> Diagnostic {
        let Some(id) = self.entries.claims(key).next() else {
            let (source, namespace, service) = (String::new(), String::new(), key.to_string());
            return Diagnostic { severity, code, source, namespace, service, instance: None, message };
        };
        self.about_service(id, severity, code, message)
    }

    fn about_service(&self, id: &ServiceId, severity: Severity, code: Code, message: String) -> Diagnostic {
        let namespace = self.registry.namespace(id).map_or_else(|| id.namespace.to_string(), |n| n.info.name.clone());
        let service = self.registry.services.get(id).map_or_else(|| id.service.to_string(), |s| s.info.name.clone());
        Diagnostic { severity, code, source: id.source.to_string(), namespace, service, instance: None, message }
    }
}

impl Action {
    /// Whether it takes something away that clients may be using.
    pub(super) const fn removes(&self) -> bool {
        matches!(self, Self::Delete | Self::Update { empties: true, .. })
    }
}

impl WriteFailure {
    const fn strikes_all(self) -> bool {
        matches!(self, Self::Unreachable | Self::Throttled | Self::Forbidden)
    }
}
