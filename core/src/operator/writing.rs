//! Sends writes, and takes in their results.

use std::time::Duration;

use super::attempts::{FIRST_WRITE_PAUSE, backoff};
use super::entry::{Applied, Cause, InFlight, Turn, WriteFailures, WriteState};
use super::inventory::DesiredEntry;
use super::outage::OutageScope;
use super::{Action, Effect, EntryKey, Observed, Operator, Time, Write, WriteError, WriteFailure};
use crate::diagnostic::{Code, Severity};

/// The pauses after a write that was rejected: a retry soon can't help.
const REJECTED_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_REJECTED_PAUSE: Duration = Duration::from_mins(10);
/// A conflict that lasts for so many writes is reported.
const CONFLICTS_REPORTED_FROM: u32 = 5;

impl Operator {
    pub(super) fn send(
        &mut self,
        key: &EntryKey,
        action: Action,
        desired: Option<&DesiredEntry>,
        write: InFlight,
        is_repair: bool,
        now: Time,
    ) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if is_repair {
            entry.repairs.record(now);
        }
        let observed = entry.observed.as_ref().and_then(|observed| observed.scope.as_ref());
        let scope = desired.map(|entry| &entry.desired.scope).or(observed);
        self.effects.push(Effect::Write(Write {
            key: key.clone(),
            source: scope.map(|scope| scope.source.as_str()).unwrap_or_default().into(),
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
        let Some(WriteState::InFlight(write)) = self.entries.state(key).cloned() else { return };
        let probed = self.outages.end_probes(key);
        let error = result.as_ref().err();
        let outage =
            error.and_then(|error| OutageScope::from_failure(error.failure, key, write.verb()));
        match result {
            Ok(stored) => self.write_succeeded(key, write, stored, now),
            Err(error) => {
                self.forget_applied(key, error.failure);
                match &outage {
                    Some(scope) => self.record_outage(scope, key, &error, write.turn, now),
                    None => self.write_failed(key, &error, write, now),
                }
            }
        }
        for probed in probed {
            // A failure that affects less shows that what affects more is over.
            if outage.as_ref().is_none_or(|outage| *outage > probed) {
                self.end_outage(probed, now);
            }
        }
        self.removals.observe(self.entries.base, now);
    }

    fn write_succeeded(
        &mut self,
        key: &EntryKey,
        write: InFlight,
        stored: Option<Box<Observed>>,
        now: Time,
    ) {
        let InFlight { turn, fields, replaces } = write;
        self.entries.set(key, WriteState::Due(Turn::new(turn.since)));
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.applied = Some(Applied::new(fields.clone()));
        entry.failures = None;
        let Some(stored) = stored else {
            // Only the version that was replaced is deleted: another writer may have recreated the
            // entry meanwhile.
            return self.entries.remove(key, &replaces.unwrap_or_default(), now);
        };
        if fields.is_some_and(|fields| fields.differing(&stored.fields).next().is_some()) {
            // An admission webhook has changed it: the next write is a repair already.
            entry.repairs.record(now);
        }
        let ownership = self.ownership(&stored);
        self.entries.observe(*stored, ownership, now);
    }

    /// A write with an unknown result may have been stored all the same, and then the state that it
    /// replaced must not be restored without the guard.
    fn forget_applied(&mut self, key: &EntryKey, failure: WriteFailure) {
        if matches!(failure, WriteFailure::Unreachable | WriteFailure::Other)
            && let Some(entry) = self.entries.get_mut(key)
        {
            entry.applied = None;
        }
    }

    /// A write failed in a way that affects no other.
    fn write_failed(&mut self, key: &EntryKey, error: &WriteError, write: InFlight, now: Time) {
        let failure = error.failure;
        let Some(entry) = self.entries.get_mut(key) else { return };
        let before = entry.failures.take().filter(|before| before.failure == failure);
        let count = before.as_ref().map_or(1, |before| before.count + 1);
        if failure == WriteFailure::NotFound {
            entry.failures = Some(WriteFailures { failure, count, diagnostic: None });
            self.entries.set(key, WriteState::Due(Turn::new(write.turn.since)));
            return self.entries.remove(key, &write.replaces.unwrap_or_default(), now);
        }
        let mut diagnostic = before.and_then(|before| before.diagnostic);
        // After a conflict the state that is observed next decides, so one is not reported.
        let is_quiet = failure == WriteFailure::Conflict && count < CONFLICTS_REPORTED_FROM;
        if diagnostic.is_none() && !is_quiet {
            let message = error.message.clone();
            let new = self.entry_diagnostic(key, Severity::Error, Code::WriteFailed, message);
            self.effects.push(Effect::ReportEntry { entry: key.clone(), diagnostic: new.clone() });
            diagnostic = Some(new);
        }
        let pause = match failure {
            WriteFailure::Rejected => backoff(count, REJECTED_PAUSE, LONGEST_REJECTED_PAUSE),
            _ => backoff(count, FIRST_WRITE_PAUSE, self.config.interval),
        };
        if let Some(entry) = self.entries.get_mut(key) {
            entry.reported.extend(diagnostic.clone());
            entry.failures = Some(WriteFailures { failure, count, diagnostic });
        }
        let may_retry = self.config.may_retry(count);
        self.gave_up |= !may_retry;
        let cause = Cause::Failure(failure);
        let backoff = WriteState::Backoff { until: now + pause, cause, turn: write.turn };
        self.entries.set(key, if may_retry { backoff } else { WriteState::Settled });
    }
}
