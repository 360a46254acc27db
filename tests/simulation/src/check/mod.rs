//! The invariants. A violation is a value, and the simulation continues.

mod convergence;
mod leading;
mod life;
mod reads;
mod writes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::cluster::{Key, Stored};
use crate::driver::{Input, What};
use crate::time::Us;
use crate::world::Process;

use self::leading::Leaders;

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
    /// When it last lost sources to another replica, and their entries count no more.
    rebased: Option<Us>,
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
    leaders: Leaders,
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
            Input::Tick
            | Input::Stop
            | Input::SourceStarted(..)
            | Input::SourceStopped(_)
            | Input::Reconfigured(..)
            | Input::Read { .. } => {}
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

impl Process {
    /// An entry of its id, from a source that it reads.
    pub fn owns(&self, stored: &Stored) -> bool {
        let read = |source: &String| self.settings.sources.iter().any(|own| own.name == *source);
        stored.owner.as_deref() == Some(&self.settings.owner)
            && stored.source.as_ref().is_none_or(read)
    }

    /// The same, and no other replica keeps it.
    pub fn keeps(&self, stored: &Stored) -> bool {
        let leads = |source: &String| {
            self.leading.as_ref().is_none_or(|leading| leading.led.contains_key(source))
        };
        self.owns(stored) && stored.source.as_ref().is_none_or(leads)
    }
}
