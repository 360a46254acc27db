//! What is to be read of a source, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::budget::Budget;
use super::{ServiceId, Time};

/// One thing to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Read {
    /// The list of namespaces.
    Namespaces,
    /// The list of a namespace's services.
    Services(Arc<str>),
    /// A service: its revision, or its instances.
    Service(ServiceId),
}

/// Reads that share a budget. Whatever is due waits its turn, the oldest first, and is never dropped.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    budget: Budget,
    queue: BTreeSet<(Time, Read)>,
    due: BTreeMap<Read, Time>,
    in_flight: BTreeSet<Read>,
    max_in_flight: usize,
}

impl Lane {
    pub(super) fn new(budget: Budget, max_in_flight: usize) -> Self {
        Self { budget, queue: BTreeSet::new(), due: BTreeMap::new(), in_flight: BTreeSet::new(), max_in_flight: max_in_flight.max(1) }
    }

    /// Plans a read, instead of whatever was planned of it. One that is under way is not planned again; it plans itself when it ends.
    pub(super) fn plan(&mut self, read: Read, at: Time) {
        if self.in_flight.contains(&read) {
            return;
        }
        self.cancel(&read);
        self.queue.insert((at, read.clone()));
        self.due.insert(read, at);
    }

    /// Plans a read for `at`, unless it is planned for an earlier time.
    pub(super) fn hurry(&mut self, read: Read, at: Time) {
        if self.due.get(&read).is_none_or(|due| *due > at) {
            self.plan(read, at);
        }
    }

    /// Forgets a read, whether planned or under way.
    pub(super) fn forget(&mut self, read: &Read) {
        self.cancel(read);
        self.in_flight.remove(read);
    }

    /// The next read that may be made now.
    pub(super) fn next(&mut self, now: Time) -> Option<Read> {
        let (at, _) = self.queue.first()?;
        if *at > now || self.in_flight.len() >= self.max_in_flight || !self.budget.take(now) {
            return None;
        }
        let (_, read) = self.queue.pop_first()?;
        self.due.remove(&read);
        self.in_flight.insert(read.clone());
        Some(read)
    }

    /// A read is over. False, if it was forgotten meanwhile and its answer is to be, too.
    pub(super) fn done(&mut self, read: &Read) -> bool {
        self.in_flight.remove(read)
    }

    /// When [`Self::next`] should be asked again; an answer to a read in flight may come before.
    pub(super) fn wake_at(&mut self, now: Time) -> Option<Time> {
        let (at, _) = self.queue.first()?;
        let at = *at;
        (self.in_flight.len() < self.max_in_flight).then(|| at.max(self.budget.ready_at(now)))
    }

    /// Nothing planned and nothing under way.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.in_flight.is_empty()
    }

    /// Nothing is to be read any more.
    pub(super) fn stop(&mut self) {
        self.queue.clear();
        self.due.clear();
        self.in_flight.clear();
    }

    pub(super) const fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    pub(super) const fn rate(&self) -> u64 {
        self.budget.rate()
    }

    fn cancel(&mut self, read: &Read) {
        if let Some(at) = self.due.remove(read) {
            self.queue.remove(&(at, read.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn service(name: &str) -> Read {
        Read::Service(ServiceId { source: "s".into(), namespace: "n".into(), service: name.into() })
    }

    fn lane(max_in_flight: usize) -> Lane {
        Lane::new(Budget::new(1000, 1000, Duration::ZERO), max_in_flight)
    }

    #[test]
    fn what_is_due_longest_is_read_first() {
        let mut lane = lane(9);
        lane.plan(service("a"), Duration::from_secs(2));
        lane.plan(service("b"), Duration::from_secs(1));
        let now = Duration::from_secs(3);
        assert_eq!([lane.next(now), lane.next(now), lane.next(now)], [Some(service("b")), Some(service("a")), None]);
    }

    #[test]
    fn no_more_are_under_way_than_allowed() {
        let mut lane = lane(1);
        lane.plan(service("a"), Duration::ZERO);
        lane.plan(service("b"), Duration::ZERO);
        assert_eq!(lane.next(Duration::ZERO), Some(service("a")));
        assert_eq!((lane.next(Duration::ZERO), lane.wake_at(Duration::ZERO)), (None, None));
        assert!(lane.done(&service("a")));
        assert_eq!(lane.next(Duration::ZERO), Some(service("b")));
    }

    #[test]
    fn the_answer_to_a_forgotten_read_does_not_count() {
        let mut lane = lane(1);
        lane.plan(service("a"), Duration::ZERO);
        lane.next(Duration::ZERO);
        lane.forget(&service("a"));
        assert!(!lane.done(&service("a")));
        assert!(lane.is_idle());
    }

    #[test]
    fn a_read_is_planned_once() {
        let mut lane = lane(9);
        lane.plan(service("a"), Duration::from_secs(5));
        lane.hurry(service("a"), Duration::from_secs(1));
        lane.hurry(service("a"), Duration::from_secs(3));
        assert_eq!(lane.wake_at(Duration::ZERO), Some(Duration::from_secs(1)));
        assert_eq!(lane.next(Duration::from_secs(9)), Some(service("a")));
        assert!(lane.queue.is_empty() && lane.due.is_empty());
    }
}
