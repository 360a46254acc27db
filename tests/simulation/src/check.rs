//! The invariants. A violation is a value, and the simulation continues.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use istio_cloud_map_core::diagnostic::{Code, Diagnostic};
use serde_json::Value;

use crate::cloud::ServiceRef;
use crate::cluster::{Key, Stored, Taken, addresses};
use crate::driver::{Call, Change, Input, What, WriteCall, WriteFault};
use crate::time::{S, Us};
use crate::truth::{Expected, State};
use crate::world::{Event, Process, World};

/// The maximum age of the responses on which a removal is based.
const RECENT: Us = 300 * S;
/// The guard's window, minus the time from the decision about a write to its effect.
const GUARD_WINDOW: Us = 570 * S;
/// What an operator has read is no older than this when it writes.
const STALE: Us = 60 * S;
/// How long after its last failure an outage's backlog is written.
const BACKLOG: Us = 15 * S;
const GUARD_FROM: usize = 10;
/// The maximum number of entries by which a process's view may lag behind the store.
const LAG: usize = 2;
/// The maximum number of equal writes of one entry within a minute that only another client's
/// changes cause.
const MOST_REPEATS: usize = 15;
/// The maximum number of attempts within ten seconds during an outage that affects them.
const MOST_ATTEMPTS_IN_OUTAGE: usize = 10;

#[derive(Debug, Clone)]
pub struct Violation {
    pub invariant: &'static str,
    pub at: Us,
    pub what: String,
}

/// The history of one run of a process.
#[derive(Debug, Default)]
struct Life {
    started: Us,
    /// Whether it was asked to stop.
    stopping: bool,
    deletes: Vec<Us>,
    emptyings: Vec<Us>,
    /// For each time, the number of owned entries, and of those with endpoints.
    owned: Vec<(Us, usize, usize)>,
    /// When other clients changed or deleted owned entries.
    touched: Vec<Us>,
    calls: BTreeMap<(String, bool), VecDeque<Us>>,
    lists: BTreeMap<(String, What), VecDeque<Us>>,
    lists_read: BTreeSet<(String, What)>,
    /// The namespaces at the start.
    namespaces: BTreeSet<String>,
    last_write: BTreeMap<Key, (Us, Value)>,
    repeats: BTreeMap<Key, VecDeque<Us>>,
    /// The last observation of each entry: the version, and whether it exists.
    observed: BTreeMap<Key, (u64, bool)>,
    /// Of each write that is under way: the entry, the verb, and the version that it replaces.
    in_flight: BTreeMap<u64, (Key, &'static str, u64)>,
    /// The current outages, each with the attempts since the last success.
    outages: BTreeMap<Struck, VecDeque<Us>>,
    /// When the last outage began, and when a write last failed in it.
    outage: Option<(Us, Us)>,
    /// The `Retry-After` of the API server.
    retry_at: Us,
}

/// What a failed write affects: every write (none), or those of one verb in a Kubernetes namespace.
type Struck = Option<(String, &'static str)>;

#[derive(Debug, Default)]
pub struct Check {
    pub violations: Vec<Violation>,
    /// When Cloud Map wrongly answered with an empty response: one of the two responses that a
    /// removal needs.
    pub lies: Vec<Us>,
    lives: BTreeMap<usize, Life>,
    /// Entries that users or controllers have changed.
    pub touched: BTreeSet<Key>,
    /// From now on nothing should be written.
    pub quiet: bool,
    pub reports: usize,
    pub writes: usize,
    pub calls: usize,
    pub probes: usize,
}

fn push_within(times: &mut VecDeque<Us>, now: Us, window: Us) -> usize {
    times.push_back(now);
    while times.front().is_some_and(|first| first + window <= now) {
        times.pop_front();
    }
    times.len()
}

impl Check {
    pub fn violate(&mut self, invariant: &'static str, at: Us, what: String) {
        self.violations.push(Violation { invariant, at, what });
    }

    pub fn start(&mut self, process: usize, namespaces: BTreeSet<String>, now: Us) {
        self.lives.insert(process, Life { started: now, namespaces, ..Life::default() });
    }

    /// From now on a process may end what it has in flight, and no more.
    pub fn stop(&mut self, process: usize) {
        if let Some(life) = self.lives.get_mut(&process) {
            life.stopping = true;
        }
    }

    /// Whether two answers a grace apart can have shown the absence that lasted for `span`: a lie
    /// may be one of them.
    fn is_answered_twice(&self, span: Option<Us>, grace: Us, from: Us, now: Us) -> bool {
        let mut lies = self.lies.iter().filter(|at| **at >= from && **at <= now);
        let first = lies.next();
        let last = lies.next_back().or(first);
        let of_lies = first.zip(last).map_or(0, |(first, last)| last - first);
        match span {
            Some(span) => span >= grace || first.is_some(),
            None => of_lies >= grace,
        }
    }

    pub fn touched(&mut self, key: &Key, now: Us) {
        self.touched.insert(key.clone());
        for life in self.lives.values_mut() {
            life.touched.push(now);
        }
    }

    /// Records an input of a process.
    pub fn observe(&mut self, process: usize, input: &Input, now: Us) {
        let Some(life) = self.lives.get_mut(&process) else { return };
        match input {
            Input::Applied(object) => life.observe(object, true),
            Input::Deleted(_, object) => life.observe(object, false),
            Input::Listed(all, version) => {
                let listed: BTreeSet<Key> = all.iter().map(|object| key_of(object)).collect();
                for (_, known) in life
                    .observed
                    .iter_mut()
                    .filter(|(key, (at, _))| at <= version && !listed.contains(*key))
                {
                    *known = (*version, false);
                }
                for object in all {
                    life.observe(object, true);
                }
            }
            Input::Written { id, result } => {
                life.written(*id, result.as_ref().map(|stored| stored.as_deref()), now);
            }
            Input::Tick | Input::Stop | Input::Read { .. } => {}
        }
    }
}

fn key_of(object: &Value) -> Key {
    let text = |field: &str| {
        object
            .get("metadata")
            .and_then(|m| m.get(field))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Key { namespace: text("namespace"), name: text("name") }
}

/// The verb of an action.
fn verb(action: &'static str) -> &'static str {
    if matches!(action, "create" | "delete") { action } else { "update" }
}

impl Process {
    /// An entry of its id, from a source that it reads.
    pub fn owns(&self, stored: &Stored) -> bool {
        let read = |source: &String| self.settings.sources.iter().any(|own| own.name == *source);
        stored.owner.as_deref() == Some(&self.settings.owner)
            && stored.source.as_ref().is_none_or(read)
    }
}

impl World {
    /// Notes how many entries each process owns.
    pub fn note_owned(&mut self) {
        for (index, process) in self.processes.iter().enumerate() {
            let Some(life) = self.check.lives.get_mut(&index) else { continue };
            // Entries that are about to be adopted count.
            let adopts = process.settings.adopt;
            let counts = |key: &Key, stored: &Stored| {
                process.owns(stored)
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

    pub fn check_call(&mut self, process: usize, call: &Call) {
        self.check.calls += 1;
        let Some(settings) = self.processes.get(process).map(|p| &p.settings) else { return };
        let Some(life) = self.check.lives.get_mut(&process) else { return };
        let control = call.what.is_control();
        let source = settings.sources.iter().find(|source| source.name == call.source);
        let quota = source.map_or_else(|| call.source.clone(), |source| source.quota.clone());
        let allowed = if control {
            2 * settings.list_rate
        } else {
            settings.data_rate + (settings.data_rate / 4).max(1)
        };
        let (invariant, plane) =
            if control { ("frugal.control", "control") } else { ("frugal.data", "data") };
        let times = life.calls.entry((quota.clone(), control)).or_default();
        let count = push_within(times, self.now, S);
        let mut found = life
            .stopping
            .then(|| ("safe.stop", format!("p{process} reads {:?} after a stop", call.what)));
        if count > allowed as usize {
            times.clear();
            found = Some((
                invariant,
                format!(
                    "p{process}: {count} {plane}-plane calls of the quota {quota} in one second, {allowed} allowed"
                ),
            ));
        }
        if let Some((invariant, what)) = found {
            self.violate(invariant, what);
        }
    }

    /// A list was read to its end.
    pub fn check_list(&mut self, process: usize, call: &Call) {
        let Some(settings) = self.processes.get(process).map(|p| &p.settings) else { return };
        let Some(life) = self.check.lives.get_mut(&process) else { return };
        let list = (call.source.clone(), call.what.clone());
        life.lists_read.insert(list.clone());
        let times = life.lists.entry(list).or_default();
        let count = push_within(times, self.now, 300 * S);
        // Each may be confirmed once, after the grace.
        let allowed =
            usize::try_from(2 * 300 * S / settings.catalogue_interval).unwrap_or(usize::MAX) + 10;
        if count > allowed {
            times.clear();
            let what = format!(
                "p{process}: {:?} of {} listed {count} times in 300 s, {allowed} allowed",
                call.what, call.source
            );
            self.violate("frugal.lists", what);
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
        let settings = p.settings.clone();
        let key = &write.key;
        let mut found: Vec<(&'static str, String)> = Vec::new();
        if let Some(before) = &taken.before {
            let adopts = settings.adopt && before.owner.is_none() && taken.after.is_some();
            if before.owner.as_deref() != Some(&settings.owner) && !adopts {
                found.push((
                    "safe.foreign",
                    format!("{key} of owner {:?}: {}", before.owner, write.action),
                ));
            } else if before.owner.is_some() && !p.owns(before) {
                found.push((
                    "safe.source",
                    format!(
                        "{key} of source {:?}, which p{process} does not read: {}",
                        before.source, write.action
                    ),
                ));
            }
        }
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
        if empties {
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
            if deletes && let Some(what) = life.guard(true, now, settings.max_delete_percent) {
                found.push(("safe.guard-deletes", what));
            }
            if empties && let Some(what) = life.guard(false, now, settings.max_delete_percent) {
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
        self.note_owned();
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

    /// Checks that a process that is ready has read every list.
    pub fn check_ready(&mut self, process: usize) {
        let Some((p, life)) = self.processes.get(process).zip(self.check.lives.get(&process))
        else {
            return;
        };
        if !self.faults.none_between(life.started, self.now) {
            return;
        }
        let mut missing = Vec::new();
        for source in &p.settings.sources {
            let read = |what: What| life.lists_read.contains(&(source.name.clone(), what));
            if !read(What::Namespaces { own: true }) {
                missing.push(format!("the namespaces of {}", source.name));
            }
            let namespaces = self
                .cloud
                .accounts
                .get(&source.name)
                .into_iter()
                .flat_map(|account| account.namespaces.keys());
            let unread = namespaces
                .filter(|namespace| life.namespaces.contains(*namespace))
                .filter(|namespace| !read(What::Services { namespace: (*namespace).clone() }));
            missing.extend(
                unread.map(|namespace| format!("the services of {}/{namespace}", source.name)),
            );
        }
        if !missing.is_empty() {
            self.violate(
                "live.ready",
                format!("p{process} is ready, and never read {}", missing.join(", ")),
            );
        }
    }

    /// The time within which an instance of this entry must be in the cluster; none if there is no
    /// such limit at the moment.
    pub fn fair_bound(&self, key: &Key, service: &ServiceRef) -> Option<Us> {
        let p = self.processes.iter().find(|p| p.runs() && !p.settings.once)?;
        let s = &p.settings;
        let services: u64 =
            self.cloud.accounts.values().map(|account| account.services.len() as u64).sum();
        let pages = services / self.cloud.page_size as u64 + 2;
        let namespaces: u64 =
            self.cloud.accounts.values().map(|account| account.namespaces.len() as u64).sum();
        let round = 2 * services * S / u64::from(s.data_rate.max(1))
            + 2 * services * self.net.read.max / s.reads_in_flight.max(1) as u64;
        let writes = 2 * services * self.net.write.max / s.writes_in_flight.max(1) as u64;
        let calls = 3 * self.net.read.slowest + 3 * self.net.write.slowest;
        let known = s.interval + round + writes + calls + 2 * S;
        // Lists and hints take turns.
        let hints = 4 * services * u64::from(s.hints != (false, false));
        let lists = s.catalogue_interval * 2
            + 2 * (pages * (namespaces + 1) + hints) * S / u64::from(s.list_rate.max(1));
        let created = self.cloud.service(service).map_or(0, |service| service.created);
        let is_known = self.cluster.entries.contains_key(key) && self.now - created > lists;
        Some(if is_known { known } else { known + lists })
    }

    /// An instance was registered long enough ago.
    pub fn probe(&mut self, key: &Key, service: &ServiceRef, address: &str, since: Us) {
        // The bound grows with what was created since.
        if let Some(at) = self.fair_bound(key, service).map(|bound| since + bound)
            && at > self.now
        {
            let (key, service, address) = (key.clone(), service.clone(), address.to_owned());
            return self.schedule(at, Event::Probe { key, service, address, since });
        }
        let owner = self.processes.iter().enumerate().find(|(_, p)| p.runs() && !p.settings.once);
        let Some((index, p)) = owner else { return };
        let started = self.check.lives.get(&index).map_or(0, |life| life.started);
        // Without a calm time before, a process may be behind.
        let calm = since >= started + 60 * S
            && self.faults.none_between(since.saturating_sub(60 * S), self.now);
        let expected = self
            .truth
            .expected
            .get(key)
            .is_some_and(|expected| expected.endpoints.contains(address));
        let moved = self.truth.claimants(key).count() > 1
            || self.check.touched.contains(key)
            || self.fighters.contains_key(key);
        if !calm
            || !expected
            || moved
            || p.settings.policy == Change::CreateOnly
            || self.is_foreign(key)
        {
            return;
        }
        self.check.probes += 1;
        if self.cluster.entries.get(key).is_none_or(|stored| !stored.endpoints.contains(address)) {
            let seconds = (self.now - since) / S;
            self.violate(
                "fair",
                format!("{address} was registered {seconds} s ago, and is not in {key}"),
            );
        }
    }

    /// Whether an entry of another owner has this name or one of its hosts.
    pub fn is_foreign(&self, key: &Key) -> bool {
        let ours = |stored: &Stored| self.processes.iter().any(|p| p.owns(stored));
        let hosts = self
            .truth
            .expected
            .get(key)
            .and_then(|expected| expected.spec.get("hosts"))
            .and_then(Value::as_array);
        let hosts: Vec<&str> = hosts.into_iter().flatten().filter_map(Value::as_str).collect();
        let overlaps = |host: &String| {
            hosts.iter().any(|own| {
                own == host || host.strip_prefix('*').is_some_and(|end| own.ends_with(end))
            })
        };
        self.cluster.entries.iter().any(|(other, stored)| {
            let adoptable = other == key
                && stored.owner.is_none()
                && self.processes.iter().any(|p| p.settings.adopt);
            !ours(stored)
                && !adoptable
                && (other == key
                    || other.namespace == key.namespace && stored.hosts.iter().any(overlaps))
        })
    }

    /// The unexcused differences between the cluster and the translation of the true Cloud Map.
    pub fn differences(&self) -> Vec<String> {
        let expected =
            self.truth.expected.iter().filter_map(|(key, expected)| self.difference(key, expected));
        let left =
            self.cluster.entries.iter().filter(|(key, _)| !self.truth.expected.contains_key(*key));
        let left = left.filter(|(_, stored)| {
            let mut owners = self.processes.iter().filter(|p| p.owns(stored)).peekable();
            owners.peek().is_some()
                && owners.all(|p| p.settings.policy == Change::Sync && !p.refused)
        });
        expected.chain(left.map(|(key, _)| format!("{key} is left over"))).collect()
    }

    fn difference(&self, key: &Key, expected: &Expected) -> Option<String> {
        let reads = |p: &&Process| {
            p.settings.sources.iter().any(|source| source.name == expected.service.source)
        };
        let p = self.processes.iter().find(reads)?;
        if self.is_foreign(key) {
            return None;
        }
        let Some(stored) = self.cluster.entries.get(key) else {
            return Some(format!("{key} is missing"));
        };
        if p.settings.policy == Change::CreateOnly {
            return None;
        }
        let removal = expected.endpoints.is_empty() && !stored.endpoints.is_empty();
        let is_repair = stored.owner.is_some() && stored.last_written_endpoints == Some(0);
        if removal && !is_repair && self.processes.iter().any(|p| p.refused) {
            return None;
        }
        if stored.owner.is_none() {
            return Some(format!("{key} is not adopted"));
        }
        if stored.endpoints != expected.endpoints {
            return Some(format!(
                "{key} has {:?} and should have {:?}",
                stored.endpoints, expected.endpoints
            ));
        }
        // What a drained entry keeps depends on what the operator has observed before.
        let drained =
            |field: &str| expected.endpoints.is_empty() && matches!(field, "ports" | "addresses");
        let fields =
            expected.spec.as_object().into_iter().flatten().filter(|(field, _)| !drained(field));
        let differing: Vec<&String> = fields
            .filter(|(field, value)| stored.spec().get(field) != Some(value))
            .map(|(f, _)| f)
            .collect();
        (!differing.is_empty()).then(|| format!("{key} differs in {differing:?}"))
    }
}

impl Life {
    fn observe(&mut self, object: &Value, exists: bool) {
        let version =
            object.get("metadata").and_then(|m| m.get("resourceVersion")).and_then(Value::as_str);
        let version = version.and_then(|version| version.parse().ok()).unwrap_or(0);
        let known = self.observed.entry(key_of(object)).or_default();
        if version >= known.0 {
            *known = (version, exists);
        }
    }

    /// Records the response to a write.
    fn written(&mut self, id: u64, result: Result<Option<&Value>, &WriteFault>, now: Us) {
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
    fn attempt(&mut self, write: &WriteCall, now: Us) -> Vec<(&'static str, String)> {
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
    fn guard(&mut self, deletes: bool, now: Us, percent: u8) -> Option<String> {
        let from = now.saturating_sub(GUARD_WINDOW);
        let times = if deletes { &mut self.deletes } else { &mut self.emptyings };
        times.push(now);
        let count = times.iter().filter(|at| **at > from).count();
        // The number at the beginning of the window was recorded before it.
        let first = self
            .owned
            .partition_point(|(at, _, _)| *at <= now.saturating_sub(GUARD_WINDOW + 60 * S))
            .saturating_sub(1);
        let marks =
            self.owned.iter().skip(first).map(|(_, all, full)| if deletes { *all } else { *full });
        let touched = self.touched.iter().filter(|at| **at > from).count();
        let most = marks.max().unwrap_or(0);
        // A removal that waited for the end of an outage may have been allowed when there were too
        // few entries for a share to count.
        let decided =
            self.outage.filter(|(_, last)| last + BACKLOG > now).map_or(now, |(begun, _)| begun);
        let marks_then = self.owned.iter().skip(first).filter(|(at, _, _)| *at <= decided);
        let most_then =
            marks_then.map(|(_, all, full)| if deletes { *all } else { *full }).max().unwrap_or(0);
        let base = most + touched + LAG;
        let too_many = most_then >= GUARD_FROM + LAG && count * 100 > base * usize::from(percent);
        too_many.then(|| {
            let what = if deletes { "deleted" } else { "emptied" };
            format!("{count} entries {what} within ten minutes, and there were {base} at most ({percent} % allowed)")
        })
    }
}

fn show_span(span: Option<Us>) -> String {
    span.map_or_else(
        || "no moment".to_owned(),
        |span| format!("{}.{:03} s", span / S, span % S / 1000),
    )
}
