//! Invariants of replicas: who may write what, and when.

use std::collections::BTreeMap;

use istio_cloud_map_core::lease::{Effect, Term};

use super::Check;
use crate::cluster::{Key, Taken};
use crate::driver::WriteCall;
use crate::time::Us;
use crate::world::World;

/// When a term was granted, and to which life of which process.
type Grant = (Us, Term, (usize, u32));

/// The writes of replicas, and the leases that permit them.
#[derive(Debug, Default)]
pub struct Leaders {
    /// By lease, in the order in which the API server granted them.
    granted: BTreeMap<String, Vec<Grant>>,
    /// The lease of each write that has not reached the API server yet, by process, life and id.
    under_way: BTreeMap<(usize, u32, u64), (String, Term)>,
    /// The terms that have ended with a release.
    released: BTreeMap<String, Term>,
    /// By which term an entry was last changed.
    changed: BTreeMap<Key, (String, Term)>,
}

impl Check {
    /// A replica sends a write.
    pub fn sent(&mut self, process: usize, life: u32, write: &WriteCall) {
        if let Some(term) = &write.term {
            self.leaders.under_way.insert((process, life, write.id), term.clone());
        }
    }

    /// It has reached the API server, or is lost.
    pub fn arrived(&mut self, process: usize, life: u32, id: u64) {
        self.leaders.under_way.remove(&(process, life, id));
    }

    /// A replica has taken sources over, or has lost them.
    pub fn led(&mut self, process: usize, sources: &[String], is_leader: bool, now: Us) {
        let Some(life) = self.lives.get_mut(&process) else { return };
        life.lists.retain(|(source, _), _| !sources.contains(source));
        if !is_leader {
            life.rebased = Some(now);
        }
    }

    /// A process lists everything again.
    pub fn relists(&mut self, process: usize) {
        if let Some(life) = self.lives.get_mut(&process) {
            life.lists.clear();
        }
    }
}

impl World {
    /// The API server has accepted a write of a lease.
    pub fn check_lease(&mut self, process: usize, life: u32, effect: &Effect) {
        let Effect::Write { name, record, .. } = effect else { return };
        let (term, now, leaders) = (record.transitions, self.now, &mut self.check.leaders);
        let mut found = None;
        if record.holder.is_none() {
            leaders.released.insert(name.clone(), term);
            let mut under_way = leaders
                .under_way
                .iter()
                .filter(|((of, in_life, _), _)| (*of, *in_life) == (process, life));
            if under_way.any(|(_, (lease, _))| lease == name) {
                found = Some(format!("p{process} releases {name} with writes under way"));
            }
        } else {
            let granted = leaders.granted.entry(name.clone()).or_default();
            match granted.last() {
                Some((_, last, by)) if *last == term && *by != (process, life) => {
                    found = Some(format!("term {term} of {name} has two leaders"));
                }
                Some((_, last, _)) if *last > term => {
                    found = Some(format!("term {term} of {name} comes after {last}"));
                }
                Some((_, last, _)) if *last == term => {}
                _ => granted.push((now, term, (process, life))),
            }
        }
        if let Some(what) = found {
            self.violate("safe.term", what);
        }
    }

    /// The API server has accepted a write of an entry. One of an earlier leader may still arrive: it
    /// was sent before there was another, no release has passed it, and it replaces no state of
    /// another.
    pub fn check_term(&mut self, process: usize, write: &WriteCall, taken: &Taken) {
        let Some((lease, term)) = &write.term else { return };
        let (key, leaders) = (&write.key, &mut self.check.leaders);
        let mut found = Vec::new();
        let source = taken.before.as_ref().and_then(|before| before.source.as_ref());
        if source.is_some_and(|source| !write.led.contains(source)) {
            found.push(format!("{key} is of {source:?}, which p{process} did not lead"));
        }
        let granted = leaders.granted.get(lease).into_iter().flatten();
        let later = granted.clone().find(|(_, later, _)| later > term);
        if later.is_some_and(|(at, _, _)| *at <= write.sent) {
            found.push(format!("p{process} writes {key} in term {term} of {lease}: {later:?}"));
        }
        if granted.clone().all(|(_, of, _)| of != term) {
            found.push(format!("p{process} writes {key} in term {term}, which nobody was granted"));
        }
        if taken.change.is_some() {
            if leaders.released.get(lease).is_some_and(|released| released >= term) {
                found.push(format!("p{process} writes {key} after it has released {lease}"));
            }
            // A late create may find what a later leader has deleted.
            let last = leaders.changed.get(key).filter(|_| taken.before.is_some());
            if last.is_some_and(|(of, last)| of == lease && last > term) {
                found.push(format!("p{process} replaces what term {last:?} wrote into {key}"));
            }
            leaders.changed.insert(key.clone(), (lease.clone(), *term));
        }
        for what in found {
            self.violate("safe.term", what);
        }
    }

    /// Each source has exactly one leader, and no replica has more than one more than another.
    pub fn check_shares(&mut self) {
        let (leaders, shares) = self.leaders();
        for (source, by) in leaders {
            if by.len() != 1 {
                self.violate("live.leader", format!("{source} is led by {by:?}"));
            }
        }
        let most = shares.values().max().copied().unwrap_or(0);
        if shares.values().any(|share| share + 1 < most) {
            self.violate("live.shares", format!("the shares are {shares:?}"));
        }
    }
}
