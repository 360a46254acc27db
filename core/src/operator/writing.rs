//! Looks at the entries that are due, sends writes, and takes their answers in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::attempts::{Scope as Subject, backoff};
use super::entries::{Applied, CALM, Cause, Entries, InFlight, Strike, WaitFor, WriteState};
use super::guard::Removal;
use super::inventory::{Emptiness, Wanted, WantedEntry};
use super::{
    Action, Case, Decision, Effect, EntryKey, Observed, Operator, Reason, ServiceId, Time, Write,
    WriteError, WriteFailure,
};
use crate::diagnostic::{Code, Diagnostic, Severity};

/// The first pause after a write that failed; it doubles, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The pauses after a write that was rejected: trying again soon can't help.
const REJECTED_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_REJECTED_PAUSE: Duration = Duration::from_mins(10);
/// The longest pause before one write tries whether an outage is over, where the interval is
/// shorter.
const LONGEST_OUTAGE_PAUSE: Duration = Duration::from_secs(3);
/// A conflict that lasts for so many writes is reported.
const CONFLICTS_REPORTED_FROM: u32 = 5;

/// A failure that strikes many writes alike.
#[derive(Debug, Clone)]
struct Outage {
    failures: u32,
    /// When one write may find out whether it is over.
    until: Time,
    /// That write is under way.
    probe: Option<EntryKey>,
}

/// What strikes many writes alike, now.
#[derive(Debug, Clone, Default)]
pub(super) struct Outages(BTreeMap<Strike, Outage>);

impl Outages {
    pub(super) fn wake_at(&self, entries: &Entries) -> Option<Time> {
        let idle = self.0.iter().filter(|(strike, outage)| {
            outage.probe.is_none() && entries.waits_for(&WaitFor::Outage((*strike).clone()))
        });
        idle.map(|(_, outage)| outage.until).min()
    }

    /// The widest outage that strikes a write. One that tries whether an outage is over waits for a
    /// wider one, not for a narrower one.
    fn of(&self, key: &EntryKey, write: &InFlight, tries: Option<&Strike>) -> Option<Strike> {
        let namespace = &key.namespace;
        let strikes = [
            Strike::All,
            Strike::Namespace(namespace.clone()),
            Strike::Verb(namespace.clone(), write.verb()),
        ];
        strikes
            .into_iter()
            .find(|strike| self.0.contains_key(strike))
            .filter(|strike| tries.is_none_or(|tries| strike < tries))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the services that claim an entry want.
enum Resolved {
    /// Not known yet: whatever exists stays.
    Unknown,
    /// No entry.
    Nothing,
    /// This one. `is_partial`: it may be without endpoints that an unread service still has.
    Entry { entry: Arc<WantedEntry>, is_partial: bool },
}

impl Operator {
    /// Decides about every entry that is due, the oldest first, as far as writes may be started.
    pub(super) fn settle(&mut self, now: Time) {
        if !self.entries.listed {
            return;
        }
        self.probe(now);
        while self.entries.in_flight < self.config.max_writes_in_flight
            && let Some((since, key)) = self.entries.first_due()
        {
            let approved = match self.entries.get(&key).map(|entry| &entry.state) {
                Some(WriteState::Due { approved, .. }) => *approved,
                _ => None,
            };
            self.settle_one(&key, since, approved, None, now);
        }
    }

    /// Lets one write try whether an outage is over.
    fn probe(&mut self, now: Time) {
        let due: Vec<Strike> = self
            .outages
            .0
            .iter()
            .filter(|(_, outage)| outage.probe.is_none() && outage.until <= now)
            .map(|(strike, _)| strike.clone())
            .collect();
        for strike in due {
            let on = WaitFor::Outage(strike.clone());
            while let Some(key) = self.entries.first_waiting(&on) {
                let Some(WriteState::Blocked { since, approved, .. }) =
                    self.entries.get(&key).map(|entry| entry.state.clone())
                else {
                    break;
                };
                self.settle_one(&key, since, approved, Some(&strike), now);
                let Some(entry) = self.entries.get(&key) else { continue };
                if matches!(entry.state, WriteState::InFlight(_)) {
                    if let Some(outage) = self.outages.0.get_mut(&strike) {
                        outage.probe = Some(key);
                    }
                    break;
                }
                if matches!(&entry.state, WriteState::Blocked { on: still, .. } if *still == on) {
                    break;
                }
            }
        }
    }

    fn settle_one(
        &mut self,
        key: &EntryKey,
        since: Time,
        approved: Option<Removal>,
        tries: Option<&Strike>,
        now: Time,
    ) {
        self.decisions += 1;
        let resolved = self.resolve(key, now);
        let (desired, is_partial) = match resolved {
            Resolved::Unknown => return self.entries.set(key, WriteState::Settled),
            Resolved::Nothing => (None, false),
            Resolved::Entry { entry, is_partial } => (Some(entry), is_partial),
        };
        let hosts = desired.as_ref().map(|entry| entry.desired.hosts.clone()).unwrap_or_default();
        self.entries.want_hosts(key, &hosts);
        let overlapping =
            if hosts.is_empty() { None } else { self.entries.overlapping(key, &hosts).cloned() };
        let Some(entry) = self.entries.get(key) else { return };
        let observed = entry.observed.as_ref().map(|observed| (observed, entry.ownership));
        let complete = self.completeness(desired.as_deref(), entry.observed.as_ref());
        let case = Case {
            desired: desired.as_deref().map(|entry| &entry.desired),
            observed,
            overlapping: overlapping.as_ref(),
            complete: complete.is_ok() && !is_partial,
        };
        let decision = case.decide(&self.config.plan);
        let fields = desired.as_ref().map(|entry| entry.desired.fields);
        // What was written before and has come back: not a removal, and not to be repaired for ever
        // at full speed.
        let is_repair = entry.applied == Some(fields.map_or(Applied::Deleted, Applied::Fields));
        let fight_until = entry.repairs.next_at(now);
        let overlaps = overlapping.as_ref().filter(|_| !matches!(decision, Decision::Refuse(_)));
        let mut diagnostics: Vec<Diagnostic> =
            overlaps.map(|other| self.overlap(key, other)).into_iter().collect();
        diagnostics
            .extend(entry.failure.as_ref().and_then(|(_, _, diagnostic)| diagnostic.clone()));
        if entry.repairs.is_fight(now) {
            diagnostics.push(self.about(
                key,
                Severity::Error,
                Code::WriteNotKept,
                FIGHT.to_owned(),
            ));
        }
        match decision {
            Decision::Keep => {
                let is_as_wanted = desired.as_ref().zip(entry.observed.as_ref());
                let is_as_wanted = is_as_wanted.is_some_and(|(wanted, observed)| {
                    wanted.desired.fields.differing(&observed.fields).next().is_none()
                });
                self.settled(key, fields.filter(|_| is_as_wanted), now);
                diagnostics.retain(|diagnostic| diagnostic.code != Code::WriteFailed);
            }
            Decision::Refuse(Reason::Conflict { with, owner }) => {
                diagnostics.push(self.conflict(key, &with, owner.as_deref()));
                self.entries.set(key, WriteState::Conflicted);
            }
            Decision::Refuse(Reason::Incomplete | Reason::Guard) => {
                let on = complete.err().unwrap_or_else(|| self.unread_claimant(key));
                self.confirm_soon(&on, now);
                self.entries.set(key, WriteState::Blocked { on, since: now, approved: None });
            }
            Decision::Do(action) => {
                let removal =
                    action.removal().filter(|removal| !is_repair && approved != Some(*removal));
                let unconfirmed = action.removal().and_then(|_| self.unconfirmed(key));
                let replaces = entry.observed.as_ref().map(|observed| observed.version.clone());
                let write = InFlight { since, fields, replaces, approved };
                let strike = self.outages.of(key, &write, tries);
                if let Some(on) = unconfirmed.filter(|_| !is_repair) {
                    self.entries.set(
                        key,
                        WriteState::Blocked {
                            on: WaitFor::Service(on),
                            since: now,
                            approved: None,
                        },
                    );
                } else if let Some(removal) = removal {
                    self.entries.set(key, WriteState::AwaitingGuard(removal));
                    self.removing.plan(now + self.config.interval / 2);
                } else if is_repair && fight_until > now {
                    self.entries.set(
                        key,
                        WriteState::Backoff {
                            until: fight_until,
                            cause: Cause::Fight,
                            since: now,
                            approved,
                        },
                    );
                } else if let Some(strike) = strike {
                    self.entries.set(
                        key,
                        WriteState::Blocked { on: WaitFor::Outage(strike), since, approved },
                    );
                } else {
                    self.write(key, action, desired.as_deref(), write, is_repair, now);
                }
            }
        }
        self.report_about(key, diagnostics);
        self.report_claims(key);
    }

    /// The entry is as it should be.
    fn settled(&mut self, key: &EntryKey, fields: Option<super::Fields>, now: Time) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        // Whoever wrote it: from here on, another state is a change by somebody else.
        entry.applied = fields.map(Applied::Fields).or(entry.applied);
        entry.failure = None;
        let deleted =
            entry.observed.is_none() && entry.claims.is_empty() && entry.applied.is_some();
        self.entries.set(
            key,
            if deleted { WriteState::Deleted { until: now + CALM } } else { WriteState::Settled },
        );
    }

    fn report_about(&mut self, key: &EntryKey, diagnostics: Vec<Diagnostic>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let before = std::mem::replace(&mut entry.reported, diagnostics.clone());
        let new = diagnostics.into_iter().filter(|diagnostic| !before.contains(diagnostic));
        self.effects.extend(new.map(Effect::Report));
    }

    /// What the services want that claim an entry. One that was not read takes nothing over: the
    /// entry of another stays that one's.
    fn resolve(&mut self, key: &EntryKey, now: Time) -> Resolved {
        let Some(entry) = self.entries.get(key) else { return Resolved::Nothing };
        let observed = entry
            .observed
            .as_ref()
            .and_then(|observed| observed.scope.as_ref().zip(observed.service.as_ref()));
        let holds = |id: &ServiceId| {
            observed.is_some_and(|(scope, service)| {
                scope.source == *id.source
                    && scope.namespace == *id.namespace
                    && *service == *id.service
            })
        };
        let states = entry.claims.iter().filter_map(|id| self.service(id).map(|state| (id, state)));
        let states: Vec<_> = states.collect();
        if states.is_empty() {
            return self.resolve_unclaimed(key);
        }
        let is_unknown = |wanted: &Wanted| *wanted == Wanted::Unknown;
        let is_partial = states.iter().any(|(_, state)| is_unknown(&state.wanted));
        let untried =
            states.iter().any(|(_, state)| is_unknown(&state.wanted) && !state.attempts.tried);
        if self.merges() && states.len() > 1 {
            if untried {
                return Resolved::Unknown;
            }
            let merged = self.merge(key, now);
            return merged.map_or(Resolved::Unknown, |entry| Resolved::Entry { entry, is_partial });
        }
        if states.iter().any(|(id, state)| is_unknown(&state.wanted) && holds(id)) {
            return Resolved::Unknown;
        }
        let mut waits = false;
        for (id, state) in states {
            match &state.wanted {
                Wanted::Unknown => waits |= !state.attempts.tried,
                Wanted::Entry(_) | Wanted::Omitted if waits && !holds(id) => {
                    return Resolved::Unknown;
                }
                Wanted::Entry(entry) => {
                    return Resolved::Entry { entry: entry.clone(), is_partial: false };
                }
                Wanted::Omitted => return Resolved::Nothing,
                Wanted::Excluded => {}
            }
        }
        Resolved::Unknown
    }

    /// An entry whose own name is not known before its service was read (a host of the service's
    /// own choice) must not go before that.
    fn resolve_unclaimed(&self, key: &EntryKey) -> Resolved {
        let observed = self.entries.get(key).and_then(|entry| entry.observed.as_ref());
        let unread = observed
            .and_then(service_of)
            .filter(|id| self.service(id).is_some_and(|state| state.wanted == Wanted::Unknown));
        if unread.is_some() { Resolved::Unknown } else { Resolved::Nothing }
    }

    /// Whether enough was read to delete or shrink the entry, or what that waits for.
    fn completeness(
        &self,
        desired: Option<&WantedEntry>,
        observed: Option<&Observed>,
    ) -> Result<(), WaitFor> {
        match (desired, observed.and_then(|observed| observed.scope.as_ref())) {
            (Some(entry), _) => self.inventory.may_shrink(&entry.desired.scope),
            (None, Some(scope)) => self.inventory.may_delete(scope),
            (None, None) => Ok(()),
        }
    }

    /// Has a list read again so that what waits for its confirmation need not wait for the next
    /// round.
    fn confirm_soon(&mut self, on: &WaitFor, now: Time) {
        let grace = self.config.empty_grace;
        match on {
            // The first that waits has had them planned.
            WaitFor::Source(_) | WaitFor::Namespace(..) if self.entries.waits_for(on) => {}
            WaitFor::Source(name) => {
                let at = self
                    .inventory
                    .sources
                    .get(name)
                    .and_then(|source| source.progress.confirm_at(grace));
                if let Some(at) = at {
                    self.plan_namespaces(name, at.max(now));
                }
                let namespaces = self
                    .inventory
                    .sources
                    .get(name)
                    .into_iter()
                    .flat_map(|source| source.namespaces.keys());
                for key in namespaces.cloned().collect::<Vec<_>>() {
                    self.confirm_soon(&WaitFor::Namespace(name.clone(), key), now);
                }
            }
            WaitFor::Namespace(name, key) => {
                let namespace =
                    self.inventory.sources.get(name).and_then(|source| source.namespaces.get(key));
                let at = namespace
                    .filter(|namespace| namespace.listing.is_none())
                    .and_then(|namespace| namespace.progress.confirm_at(grace));
                if let Some((at, control)) = at.zip(self.control(name)) {
                    control
                        .expedite(super::ReadKey::Services(name.clone(), key.clone()), at.max(now));
                }
            }
            WaitFor::Service(_) | WaitFor::Outage(_) => {}
        }
    }

    /// A service whose emptiness would take something away and is not confirmed yet.
    fn unconfirmed(&self, key: &EntryKey) -> Option<ServiceId> {
        let entry = self.entries.get(key)?;
        let unconfirmed = |id: &&ServiceId| {
            self.service(id).is_some_and(|state| matches!(state.emptiness, Emptiness::Since(_)))
        };
        entry.claims.iter().find(unconfirmed).cloned()
    }

    /// A service that claims an entry and was not read.
    fn unread_claimant(&self, key: &EntryKey) -> WaitFor {
        let claims = self.entries.get(key).into_iter().flat_map(|entry| &entry.claims);
        let unread = claims
            .into_iter()
            .find(|id| self.service(id).is_some_and(|state| state.wanted == Wanted::Unknown))
            .cloned();
        unread.map_or_else(|| WaitFor::Source("".into()), WaitFor::Service)
    }

    fn write(
        &mut self,
        key: &EntryKey,
        action: Action,
        desired: Option<&WantedEntry>,
        write: InFlight,
        is_repair: bool,
        now: Time,
    ) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if is_repair {
            entry.repairs.record(now);
        }
        self.effects.push(Effect::Write(Write {
            key: key.clone(),
            json: desired.map(|entry| entry.json.clone()),
            endpoints: desired.map_or(0, |entry| entry.desired.endpoints.len()),
            replaces: write.replaces.clone(),
            action,
        }));
        self.entries.set(key, WriteState::InFlight(write));
    }

    pub(super) fn written(
        &mut self,
        key: &EntryKey,
        result: Result<Option<Box<Observed>>, WriteError>,
        now: Time,
    ) {
        let Some(WriteState::InFlight(write)) =
            self.entries.get(key).map(|entry| entry.state.clone())
        else {
            return;
        };
        let probed =
            self.outages.0.iter_mut().filter(|(_, outage)| outage.probe.as_ref() == Some(key));
        let probed: Vec<Strike> = probed
            .map(|(strike, outage)| {
                outage.probe = None;
                strike.clone()
            })
            .collect();
        let struck =
            result.as_ref().err().and_then(|error| strike(key, error.failure, write.verb()));
        match result {
            Ok(stored) => self.taken(key, write, stored, now),
            Err(error) => self.failed(key, &error, write, now),
        }
        for tried in probed {
            // Another write may have failed since this one was sent.
            let ends = self.outages.0.get(&tried).is_some_and(|outage| outage.until <= now);
            // A failure that strikes less shows that what strikes more is over.
            if ends && struck.as_ref().is_none_or(|struck| *struck > tried) {
                self.outage_over(&tried, now);
            }
        }
        self.removing.observe(self.entries.base, now);
    }

    fn taken(&mut self, key: &EntryKey, write: InFlight, stored: Option<Box<Observed>>, now: Time) {
        let InFlight { since, fields, replaces, .. } = write;
        self.entries.set(key, WriteState::Due { since, approved: None });
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.applied = Some(fields.map_or(Applied::Deleted, Applied::Fields));
        entry.failure = None;
        let Some(stored) = stored else {
            // Only what was deleted is gone: somebody may have made it anew meanwhile.
            return self.entries.remove(key, &replaces.unwrap_or_default(), now);
        };
        if fields.is_some_and(|fields| fields.differing(&stored.fields).next().is_some()) {
            // An admission webhook changes it as it is written: the next write is the second try
            // already.
            entry.repairs.record(now);
        }
        let ownership = self.ownership(&stored);
        self.entries.observe(*stored, ownership, now);
    }

    fn failed(&mut self, key: &EntryKey, error: &WriteError, write: InFlight, now: Time) {
        let InFlight { since, approved, .. } = write;
        // It may have been stored all the same, and then what it replaced is no state to return to
        // without the guard.
        if matches!(error.failure, WriteFailure::Unreachable | WriteFailure::Other)
            && let Some(entry) = self.entries.get_mut(key)
        {
            entry.applied = None;
        }
        if let Some(strike) = strike(key, error.failure, write.verb()) {
            self.struck(strike, key, error, since, approved, now);
            return;
        }
        let about = |operator: &Self| {
            operator.about(key, Severity::Error, Code::WriteFailed, error.message.clone())
        };
        let Some(entry) = self.entries.get_mut(key) else { return };
        let (before, failures, reported) = entry.failure.take().unwrap_or((error.failure, 0, None));
        let failures = if before == error.failure { failures + 1 } else { 1 };
        if error.failure == WriteFailure::NotFound {
            entry.failure = Some((error.failure, failures, None));
            self.entries.set(key, WriteState::Due { since, approved: None });
            return self.entries.remove(key, &write.replaces.unwrap_or_default(), now);
        }
        // Somebody was faster; what is observed next decides, and there is nothing to report yet.
        let quiet = error.failure == WriteFailure::Conflict && failures < CONFLICTS_REPORTED_FROM;
        let reported = reported.filter(|_| before == error.failure);
        let diagnostic = if quiet { None } else { reported.clone().or_else(|| Some(about(self))) };
        if reported.is_none() {
            self.effects.extend(diagnostic.clone().map(Effect::Report));
        }
        let wait = match error.failure {
            WriteFailure::Rejected => backoff(failures, REJECTED_PAUSE, LONGEST_REJECTED_PAUSE),
            _ => backoff(failures, FIRST_PAUSE, self.config.interval),
        };
        let again = self.config.tries_again(failures);
        self.gave_up |= !again;
        if let Some(entry) = self.entries.get_mut(key) {
            entry.reported.extend(diagnostic.clone());
            entry.failure = Some((error.failure, failures, diagnostic));
        }
        let backoff = WriteState::Backoff {
            until: now + wait,
            cause: Cause::Failure(error.failure),
            since,
            approved,
        };
        self.entries.set(key, if again { backoff } else { WriteState::Settled });
    }

    /// A failure that strikes many writes: all of them wait, but one that tries whether it is over.
    fn struck(
        &mut self,
        strike: Strike,
        key: &EntryKey,
        error: &WriteError,
        since: Time,
        approved: Option<Removal>,
        now: Time,
    ) {
        let new = !self.outages.0.contains_key(&strike);
        let outage = self.outages.0.entry(strike.clone()).or_insert(Outage {
            failures: 0,
            until: now,
            probe: None,
        });
        if outage.until <= now {
            outage.failures = outage.failures.saturating_add(1);
        }
        let pause =
            backoff(outage.failures, FIRST_PAUSE, LONGEST_OUTAGE_PAUSE.max(self.config.interval));
        outage.until = outage.until.max(now + pause.max(error.retry_after.unwrap_or_default()));
        let again = self.config.tries_again(outage.failures);
        if new {
            let subject = Subject { source: "", namespace: "", service: "" };
            self.effects.push(subject.report(
                Severity::Warning,
                Code::WriteFailed,
                error.message.clone(),
            ));
        }
        if again {
            self.entries
                .set(key, WriteState::Blocked { on: WaitFor::Outage(strike), since, approved });
        } else {
            self.gave_up = true;
            self.outage_given_up(&strike, key);
        }
    }

    /// A single pass does not wait for the end of an outage for ever.
    fn outage_given_up(&mut self, strike: &Strike, key: &EntryKey) {
        self.entries.set(key, WriteState::Settled);
        while let Some(key) = self.entries.first_waiting(&WaitFor::Outage(strike.clone())) {
            self.entries.set(&key, WriteState::Settled);
        }
    }

    fn outage_over(&mut self, strike: &Strike, now: Time) {
        self.outages.0.remove(strike);
        self.entries.wake(&WaitFor::Outage(strike.clone()), now);
        if self.outages.is_empty() {
            let subject = Subject { source: "", namespace: "", service: "" };
            self.effects.push(subject.report(
                Severity::Info,
                Code::WriteFailed,
                "entries can be written again".to_owned(),
            ));
        }
    }

    fn conflict(&self, key: &EntryKey, with: &EntryKey, owner: Option<&str>) -> Diagnostic {
        let whose = owner.map_or_else(
            || "has no owner label".to_owned(),
            |owner| format!("has the owner {owner:?}"),
        );
        let what = if with == key { "of this name" } else { "with an overlapping host" };
        let message = format!(
            "ServiceEntry {with} {what} {whose}: left alone; delete or rename it, or use --adopt for an unowned one of this name"
        );
        self.about(key, Severity::Error, Code::Conflict, message)
    }

    /// An entry of somebody else with a host that overlaps one of ours: both stay, and Istio picks.
    fn overlap(&self, key: &EntryKey, other: &Observed) -> Diagnostic {
        let message = format!(
            "ServiceEntry {} has an overlapping host and is not ours: left alone; Istio uses the older one",
            other.key
        );
        self.about(key, Severity::Warning, Code::Conflict, message)
    }

    /// Reports the services that claim an entry and don't get it.
    fn report_claims(&mut self, key: &EntryKey) {
        let merges = self.merges();
        let Some(entry) = self.entries.get(key) else { return };
        if merges || entry.claims.len() < 2 {
            let only = entry.claims.first().cloned();
            if let Some(state) = only.and_then(|id| self.inventory.services.get_mut(&id)) {
                state.conflict = None;
            }
            return;
        }
        let mut claims = entry.claims.iter();
        let Some(first) = claims.next() else { return };
        let message = format!(
            "service {} of namespace {} in source {} has this host already, and is ranked first",
            first.service, first.namespace, first.source
        );
        let known = |id: &&ServiceId| {
            self.service(id)
                .and_then(|state| state.conflict.as_ref())
                .is_none_or(|known| known.message != message)
        };
        let new: Vec<ServiceId> = claims.filter(known).cloned().collect();
        let first = first.clone();
        if let Some(state) = self.inventory.services.get_mut(&first) {
            state.conflict = None;
        }
        for id in new {
            let diagnostic =
                self.about_service(&id, Severity::Error, Code::HostConflict, message.clone());
            if let Some(state) = self.inventory.services.get_mut(&id) {
                state.conflict = Some(diagnostic.clone());
            }
            self.effects.push(Effect::Report(diagnostic));
        }
    }

    fn about(&self, key: &EntryKey, severity: Severity, code: Code, message: String) -> Diagnostic {
        let claimant = self.entries.get(key).and_then(|entry| entry.claims.first());
        let Some(id) = claimant else {
            let (source, namespace, service) = (String::new(), String::new(), key.to_string());
            return Diagnostic {
                severity,
                code,
                source,
                namespace,
                service,
                instance: None,
                message,
            };
        };
        self.about_service(id, severity, code, message)
    }

    fn about_service(
        &self,
        id: &ServiceId,
        severity: Severity,
        code: Code,
        message: String,
    ) -> Diagnostic {
        let namespace = self
            .inventory
            .namespace(id)
            .map_or_else(|| id.namespace.to_string(), |n| n.info.name.clone());
        let service =
            self.service(id).map_or_else(|| id.service.to_string(), |s| s.info.name.clone());
        Diagnostic {
            severity,
            code,
            source: id.source.to_string(),
            namespace,
            service,
            instance: None,
            message,
        }
    }
}

const FIGHT: &str = "what is stored is not what was written, again and again; an admission webhook, another controller or a second operator \
                     with other options changes it: repaired ever more rarely";

/// The service that an entry was made of.
fn service_of(entry: &Observed) -> Option<ServiceId> {
    let (scope, service) = entry.scope.as_ref().zip(entry.service.as_ref())?;
    Some(ServiceId {
        source: scope.source.as_str().into(),
        namespace: scope.namespace.as_str().into(),
        service: service.as_str().into(),
    })
}

/// What a failure strikes beside its own entry.
fn strike(key: &EntryKey, failure: WriteFailure, verb: &'static str) -> Option<Strike> {
    match failure {
        WriteFailure::Unreachable | WriteFailure::Throttled => Some(Strike::All),
        WriteFailure::NoNamespace => Some(Strike::Namespace(key.namespace.clone())),
        WriteFailure::Forbidden => Some(Strike::Verb(key.namespace.clone(), verb)),
        WriteFailure::Conflict
        | WriteFailure::NotFound
        | WriteFailure::Rejected
        | WriteFailure::Other => None,
    }
}
