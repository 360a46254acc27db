//! What a run of a process has observed and written, and how much it may.

use serde_json::Value;

use super::{Life, key_of, push_within};
use crate::driver::{WriteCall, WriteFault};
use crate::time::{S, Us};

/// The guard's window, minus the time from the decision about a write to its effect.
const GUARD_WINDOW: Us = 570 * S;
/// How long after its last failure an outage's backlog is written.
const BACKLOG: Us = 15 * S;
/// How long after a loss of sources a removal may arrive that was decided before.
const REBASED: Us = 30 * S;
const GUARD_FROM: usize = 10;
/// The maximum number of entries by which a process's view may lag behind the store.
const LAG: usize = 2;
/// The maximum number of attempts within ten seconds during an outage that affects them.
const MOST_ATTEMPTS_IN_OUTAGE: usize = 10;

impl Life {
    pub(super) fn observe(&mut self, object: &Value, exists: bool) {
        let version =
            object.get("metadata").and_then(|m| m.get("resourceVersion")).and_then(Value::as_str);
        let version = version.and_then(|version| version.parse().ok()).unwrap_or(0);
        let known = self.observed.entry(key_of(object)).or_default();
        if version >= known.0 {
            *known = (version, exists);
        }
    }

    /// Records the response to a write.
    pub(super) fn written(
        &mut self,
        id: u64,
        result: Result<Option<&Value>, &WriteFault>,
        now: Us,
    ) {
        let Some((key, verb, replaces)) = self.in_flight.remove(&id) else { return };
        let own = Some((key.namespace.clone(), verb));
        match result {
            Ok(Some(stored)) => self.observe(stored, true),
            Ok(None) | Err(WriteFault::NotFound) => {
                if let Some(known) =
                    self.observed.get_mut(&key).filter(|(version, _)| *version == replaces)
                {
                    known.1 = false;
                }
            }
            Err(_) => {}
        }
        match result {
            Err(WriteFault::Forbidden) => {
                self.outages.remove(&None);
                self.outages.entry(own).or_default();
            }
            Err(fault) if fault.strikes_all() => {
                self.outages.entry(None).or_default();
                if let WriteFault::Throttled(wait) = fault {
                    self.retry_at = self.retry_at.max(now + wait);
                }
            }
            _ => self.outages.retain(|struck, _| struck.is_some() && *struck != own),
        }
        if !self.outages.is_empty() {
            let begun = self.outage.filter(|(_, last)| last + BACKLOG > now);
            self.outage = Some((begun.map_or(now, |(begun, _)| begun), now));
        }
    }

    /// Records a write that is sent, and returns its violations.
    pub(super) fn attempt(&mut self, write: &WriteCall, now: Us) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let what = format!("{} of {}", write.action, write.key);
        if self.stopping {
            found.push(("safe.stop", format!("{what} after a stop")));
        }
        let replaces = write.replaces.as_ref().map(|(_, version)| version.parse().unwrap_or(0));
        let known = self
            .observed
            .get(&write.key)
            .filter(|(_, exists)| *exists)
            .map(|(version, _)| *version);
        if replaces != known {
            found.push((
                "quiet.stale",
                format!("{what} over version {replaces:?}, though it has observed {known:?}"),
            ));
        }
        if now < self.retry_at {
            found.push((
                "frugal.retry-after",
                format!(
                    "{what} {} ms before the API server allows it",
                    (self.retry_at - now) / 1_000
                ),
            ));
        }
        let own = (write.key.namespace.clone(), verb(write.action));
        for (struck, attempts) in self
            .outages
            .iter_mut()
            .filter(|(struck, _)| struck.as_ref().is_none_or(|struck| *struck == own))
        {
            if push_within(attempts, now, 10 * S) > MOST_ATTEMPTS_IN_OUTAGE {
                attempts.clear();
                found.push((
                    "frugal.outage",
                    format!("{what} is one of many in an outage of {struck:?}"),
                ));
            }
        }
        self.in_flight.insert(write.id, (write.key.clone(), own.1, replaces.unwrap_or(0)));
        found
    }

    /// Counts a removal, and returns whether it exceeds the share.
    pub(super) fn guard(
        &mut self,
        deletes: bool,
        sent: Us,
        now: Us,
        percent: u8,
    ) -> Option<String> {
        let from = now.saturating_sub(GUARD_WINDOW);
        let times = if deletes { &mut self.deletes } else { &mut self.emptyings };
        times.push(now);
        let count = times.iter().filter(|at| **at > from).count();
        // The number at the beginning of the window was recorded before it.
        let first = self
            .owned
            .partition_point(|(at, _, _)| *at <= now.saturating_sub(GUARD_WINDOW + 60 * S))
            .saturating_sub(1);
        // A removal that waited for the end of an outage may have been allowed when there were too
        // few entries for a share to count.
        let decided =
            self.outage.filter(|(_, last)| last + BACKLOG > now).map_or(sent, |(begun, _)| begun);
        // What went to another replica counts no more, as soon as it is gone; what was decided before
        // may still arrive.
        let since = self.rebased.map_or(0, |at| {
            self.owned.partition_point(|(noted, _, _)| *noted <= at).saturating_sub(1)
        });
        let late = self.rebased.is_none_or(|at| at + REBASED >= now) || self.outage.is_some();
        let first_of_base = if late { first } else { first.max(since) };
        let marks_then =
            self.owned.iter().skip(first.max(since)).filter(|(at, _, _)| *at <= decided);
        let most_then =
            marks_then.map(|(_, all, full)| if deletes { *all } else { *full }).max().unwrap_or(0);
        let marks = self.owned.iter().skip(first_of_base);
        let most =
            marks.map(|(_, all, full)| if deletes { *all } else { *full }).max().unwrap_or(0);
        let touched = self.touched.iter().filter(|at| **at > from).count();
        let base = most + touched + LAG;
        let too_many = most_then >= GUARD_FROM + LAG && count * 100 > base * usize::from(percent);
        too_many.then(|| {
            let what = if deletes { "deleted" } else { "emptied" };
            format!("{count} entries {what} within ten minutes, and there were {base} at most ({percent} % allowed)")
        })
    }
}

/// The verb of an action.
fn verb(action: &'static str) -> &'static str {
    if matches!(action, "create" | "delete") { action } else { "update" }
}
