//! Invariants of what is written.

use istio_cloud_map_core::diagnostic::{Code, Diagnostic};
use istio_cloud_map_core::translate::Conflicts;
use serde_json::Value;

use super::push_within;
use crate::cloud::ServiceRef;
use crate::cluster::{Key, Stored, Taken, addresses};
use crate::driver::{Change, Settings, WriteCall};
use crate::time::{S, Us};
use crate::truth::State;
use crate::world::World;

/// The maximum age of the responses on which a removal is based.
const RECENT: Us = 300 * S;
/// A service that is no older than this may not have been listed yet.
const NEW: Us = 120 * S;
/// What an operator has read is no older than this when it writes.
const STALE: Us = 60 * S;
/// The maximum number of equal writes of one entry within a minute that only another client's
/// changes cause.
const MOST_REPEATS: usize = 15;

impl World {
    /// Notes how many entries each process owns.
    pub fn note_owned(&mut self) {
        for (index, process) in self.processes.iter().enumerate() {
            let Some(life) = self.check.lives.get_mut(&index) else { continue };
            // Entries that are about to be adopted count.
            let adopts = process.settings.adopt;
            let counts = |key: &Key, stored: &Stored| {
                process.keeps(stored)
                    || adopts && stored.owner.is_none() && self.truth.expected.contains_key(key)
            };
            let owned = self
                .cluster
                .entries
                .iter()
                .filter(|(key, stored)| counts(key, stored))
                .map(|(_, stored)| stored);
            let count = |(all, full), stored: &Stored| {
                (all + 1, full + usize::from(!stored.endpoints.is_empty()))
            };
            let (all, full) = owned.fold((0, 0), count);
            if life.owned.last().is_none_or(|(_, a, f)| (*a, *f) != (all, full)) {
                life.owned.push((self.now, all, full));
            }
        }
    }

    /// A process sends a write.
    pub fn check_attempt(&mut self, process: usize, write: &WriteCall) {
        self.check.writes += 1;
        let now = self.now;
        // A removal that was refused is made when the window allows it.
        if self.check.quiet && !matches!(write.action, "empty" | "delete") {
            self.violate(
                "quiet.idle",
                format!(
                    "p{process}: {} of {} although nothing has changed",
                    write.action, write.key
                ),
            );
        }
        let Some(life) = self.check.lives.get_mut(&process) else { return };
        for what in life.attempt(write, now) {
            self.violate(what.0, format!("p{process}: {}", what.1));
        }
    }

    /// A process reports that another client changes what it writes.
    pub fn check_fight_reported(&mut self, process: usize, diagnostic: &Diagnostic) {
        let alone =
            self.processes.len() == 1 && self.check.touched.is_empty() && self.fighters.is_empty();
        if alone && diagnostic.code == Code::WriteNotKept {
            self.violate(
                "quiet.report",
                format!(
                    "p{process} reports a fight over {}, and nobody fights",
                    diagnostic.service
                ),
            );
        }
    }

    /// A process has ended by itself.
    pub fn check_finished(&mut self, process: usize) {
        let in_flight = self.check.lives.get(&process).map_or(0, |life| life.in_flight.len());
        if in_flight > 0 {
            let what = format!("p{process} ends before the answers to {in_flight} writes");
            self.violate("safe.stop", what);
        }
    }

    /// Checks a write that the API server accepts.
    pub fn check_taken(&mut self, process: usize, write: &WriteCall, taken: &Taken) {
        let now = self.now;
        let Some(p) = self.processes.get(process) else { return };
        let settings = p.lenient(now);
        let key = &write.key;
        let mut found: Vec<(&'static str, String)> = Vec::new();
        found.extend(not_ours(process, &settings, write, taken));
        let deletes = taken.after.is_none();
        let changes = taken.before.is_some() && taken.change.is_some();
        if deletes && settings.policy != Change::Sync
            || changes && settings.policy == Change::CreateOnly
        {
            found.push((
                "safe.policy",
                format!("{key}: {} under {:?}", write.action, settings.policy),
            ));
        }
        let had = taken.before.as_ref().filter(|before| !before.endpoints.is_empty());
        // An entry that was empty when an operator last wrote it is repaired, not emptied.
        let had =
            had.filter(|before| before.owner.is_none() || before.last_written_endpoints != Some(0));
        // By what is sent: a server-side apply leaves the endpoints of another field manager where
        // they are.
        let sent =
            write.object.as_deref().and_then(|json| serde_json::from_str::<Value>(json).ok());
        let empties = had.is_some()
            && sent
                .as_ref()
                .is_some_and(|sent| addresses(sent.get("spec").unwrap_or(&Value::Null)).is_empty());
        if let Some(spec) = sent.as_ref().and_then(|sent| sent.get("spec")) {
            found.extend(self.unfounded(key, spec, taken));
        }
        // What the process that sent it could have read, even if another has taken its place.
        let from = write.started.max(now.saturating_sub(RECENT));
        if deletes {
            let span = self.truth.span(key, &[State::Absent], from, now);
            if !self.check.is_answered_twice(span, settings.empty_grace, from, now) {
                found.push((
                    "safe.delete",
                    format!(
                        "{key} is deleted; it was expected to be absent for {}",
                        show_span(span)
                    ),
                ));
            }
        }
        if empties && !self.is_joined(key) {
            let span = self.truth.span(key, &[State::Absent, State::Empty], from, now);
            if !self.check.is_answered_twice(span, settings.empty_grace, from, now) {
                found.push((
                    "safe.empty",
                    format!(
                        "{key} is emptied ({}); it was empty for {}",
                        write.action,
                        show_span(span)
                    ),
                ));
            }
        }
        if let Some(life) = self.check.lives.get_mut(&process) {
            if deletes
                && let Some(what) = life.guard(true, write.sent, now, settings.max_delete_percent)
            {
                found.push(("safe.guard-deletes", what));
            }
            if empties
                && let Some(what) = life.guard(false, write.sent, now, settings.max_delete_percent)
            {
                found.push(("safe.guard-emptyings", what));
            }
            if let Some(after) = &taken.after {
                let last_moved = self.truth.changed.get(key).copied().unwrap_or(0);
                let before = life.last_write.insert(key.clone(), (now, after.spec().clone()));
                if before.is_some_and(|(at, spec)| at > last_moved && spec == *after.spec()) {
                    let repeats = life.repeats.entry(key.clone()).or_default();
                    let count = push_within(repeats, now, 60 * S);
                    if count > MOST_REPEATS {
                        repeats.clear();
                        found.push((
                            "quiet.fight",
                            format!(
                                "p{process} wrote the same into {key} {count} times within a minute"
                            ),
                        ));
                    }
                }
            }
        }
        for (invariant, what) in found {
            self.violate(invariant, what);
        }
        self.check_term(process, write, taken);
        self.note_owned();
    }

    /// Whether a service has joined a merged entry that may not have been listed yet.
    fn is_joined(&self, key: &Key) -> bool {
        let is_new = |service: &ServiceRef| {
            self.cloud.service(service).is_some_and(|service| service.created + NEW >= self.now)
        };
        let merges = self.truth.options.conflicts == Conflicts::Merge;
        merges && self.truth.claimants(key).any(is_new)
    }

    /// The violations of a written spec, compared with what was true until then.
    fn unfounded(&self, key: &Key, spec: &Value, taken: &Taken) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let now = self.now;
        let sent = addresses(spec);
        let lied = self.check.lies.iter().any(|at| at + RECENT >= now);
        let before = taken.before.iter().flat_map(|before| &before.endpoints);
        for address in before.filter(|address| !sent.contains(*address) && !lied) {
            let since = self.truth.expected_since(key, address);
            if since.is_some_and(|since| since + STALE < now) {
                let what = format!("{key} loses {address}, which has been expected for a minute");
                found.push(("safe.endpoint", what));
            }
        }
        // A service whose attributes and tags can't be read is translated without them.
        let location = spec.get("location").unwrap_or(&Value::Null);
        if self.truth.hints != (false, false)
            && self.truth.options.location.is_none()
            && self.faults.none_between(0, now)
            && !self.truth.had_location(key, location, now.saturating_sub(RECENT))
        {
            found.push((
                "safe.hint",
                format!("{key} gets the location {location}, which no hint has set"),
            ));
        }
        found
    }
}

/// The violation of a write to what another owner, or another process, keeps.
fn not_ours(
    process: usize,
    settings: &Settings,
    write: &WriteCall,
    taken: &Taken,
) -> Option<(&'static str, String)> {
    let (key, before) = (&write.key, taken.before.as_ref()?);
    let adopts = settings.adopt && before.owner.is_none() && taken.after.is_some();
    if before.owner.as_deref() != Some(&settings.owner) && !adopts {
        let what = format!("{key} of owner {:?}: {}", before.owner, write.action);
        return Some(("safe.foreign", what));
    }
    let source = before.source.as_ref().filter(|_| before.owner.is_some())?;
    let is_read = settings.sources.iter().any(|read| read.name == *source);
    let what = format!("{key} of {source:?}, which p{process} does not read: {}", write.action);
    (!is_read).then_some(("safe.source", what))
}

fn show_span(span: Option<Us>) -> String {
    span.map_or_else(
        || "no moment".to_owned(),
        |span| format!("{}.{:03} s", span / S, span % S / 1000),
    )
}
