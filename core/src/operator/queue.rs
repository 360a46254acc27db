//! What to read of an account and region next, in which order and how fast.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::budget::Budget;
use super::event::NamespaceOwner;
use super::{ReadId, ServiceId, Time};

/// One thing to read. The control plane serves lists and hints, the data plane services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ReadKey {
    /// A source's list of namespaces.
    Namespaces(Arc<str>, NamespaceOwner),
    /// The list of a namespace's services, by source and namespace.
    Services(Arc<str>, Arc<str>),
    /// A service's attributes.
    Attributes(ServiceId),
    /// A service's tags.
    Tags(ServiceId),
    /// A service: its revision, or its instances.
    Service(ServiceId),
}

impl ReadKey {
    /// The source's name.
    pub(super) const fn source(&self) -> &Arc<str> {
        match self {
            Self::Namespaces(source, _) | Self::Services(source, _) => source,
            Self::Attributes(id) | Self::Tags(id) | Self::Service(id) => &id.source,
        }
    }

    /// Whether the data plane serves it.
    pub(super) const fn is_data(&self) -> bool {
        matches!(self, Self::Service(_))
    }

    /// Hints take turns with lists, so that neither starves where both are overdue.
    const fn class(&self) -> Class {
        match self {
            Self::Attributes(_) | Self::Tags(_) => Class::Hints,
            Self::Namespaces(..) | Self::Services(..) | Self::Service(_) => Class::Main,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Main,
    Hints,
}

/// A read in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pending {
    pub key: ReadKey,
    pub sent_at: Time,
}

/// Reads that share a budget. A read that is due waits its turn, the oldest first, and is never
/// dropped.
#[derive(Debug, Clone)]
pub(super) struct ReadQueue {
    budget: Budget,
    /// The class that was not served last: it is served first.
    turn: Class,
    main: BTreeSet<(Time, ReadKey)>,
    hints: BTreeSet<(Time, ReadKey)>,
    due: BTreeMap<ReadKey, Time>,
    pending: BTreeMap<ReadId, Pending>,
    busy: BTreeMap<ReadKey, ReadId>,
    max_in_flight: usize,
}

impl ReadQueue {
    pub(super) fn new(budget: Budget, max_in_flight: usize) -> Self {
        Self {
            budget,
            turn: Class::Main,
            main: BTreeSet::new(),
            hints: BTreeSet::new(),
            due: BTreeMap::new(),
            pending: BTreeMap::new(),
            busy: BTreeMap::new(),
            max_in_flight: max_in_flight.max(1),
        }
    }

    /// Other limits hold from now on.
    pub(super) fn configure(&mut self, limit: u32, burst: u32, max_in_flight: usize) {
        self.budget.configure(limit, burst);
        self.max_in_flight = max_in_flight.max(1);
    }

    /// Plans a read, in place of an earlier plan. One that is in flight is not planned again; its
    /// answer plans the next.
    pub(super) fn plan(&mut self, key: ReadKey, at: Time) {
        if self.busy.contains_key(&key) {
            return;
        }
        self.unplan(&key);
        self.queue(key.class()).insert((at, key.clone()));
        self.due.insert(key, at);
    }

    /// Plans a read for `at`, unless it is planned for an earlier time.
    pub(super) fn expedite(&mut self, key: ReadKey, at: Time) {
        if self.due.get(&key).is_none_or(|due| *due > at) {
            self.plan(key, at);
        }
    }

    /// Cancels a read, whether planned or in flight.
    pub(super) fn cancel(&mut self, key: &ReadKey) {
        self.unplan(key);
        if let Some(id) = self.busy.remove(key) {
            self.pending.remove(&id);
        }
    }

    /// Cancels all reads of a source.
    pub(super) fn cancel_source(&mut self, name: &str) {
        let keys = self.due.keys().chain(self.busy.keys());
        let keys: Vec<ReadKey> = keys.filter(|key| **key.source() == *name).cloned().collect();
        for key in keys {
            self.cancel(&key);
        }
    }

    /// The next read that may be sent now; it is then in flight as `id`.
    pub(super) fn next(&mut self, id: ReadId, now: Time) -> Option<ReadKey> {
        if self.pending.len() >= self.max_in_flight {
            return None;
        }
        let class = self.first(now)?;
        if !self.budget.take(now) {
            return None;
        }
        let (_, key) = self.queue(class).pop_first()?;
        self.turn = if class == Class::Main { Class::Hints } else { Class::Main };
        self.due.remove(&key);
        self.pending.insert(id, Pending { key: key.clone(), sent_at: now });
        self.busy.insert(key.clone(), id);
        Some(key)
    }

    /// A read has ended. None, if it was cancelled meanwhile, and its answer must be ignored.
    pub(super) fn complete(&mut self, id: ReadId) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        self.busy.remove(&pending.key);
        Some(pending)
    }

    /// When [`Self::next`] may return a read; an answer to a read in flight may come before.
    pub(super) fn wake_at(&mut self, now: Time) -> Option<Time> {
        let first = [self.main.first(), self.hints.first()];
        let at = first.into_iter().flatten().map(|(at, _)| *at).min()?;
        (self.pending.len() < self.max_in_flight).then(|| at.max(self.budget.ready_at(now)))
    }

    /// Nothing is planned or in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.due.is_empty() && self.pending.is_empty()
    }

    /// Drops all plans, and ignores the answers to what is in flight.
    pub(super) fn stop(&mut self) {
        self.main.clear();
        self.hints.clear();
        self.due.clear();
        self.pending.clear();
        self.busy.clear();
    }

    pub(super) fn throttle(&mut self, now: Time) {
        self.budget.throttle(now);
    }

    pub(super) const fn rate(&self) -> u64 {
        self.budget.rate()
    }

    pub(super) const fn limit(&self) -> u64 {
        self.budget.limit()
    }

    /// How long the read that has waited longest is overdue.
    pub(super) fn lateness(&self, now: Time) -> Duration {
        // A revision that has changed has its instances read first of all, as if due since the start.
        let first = |queue: &BTreeSet<(Time, ReadKey)>| {
            queue.iter().map(|(at, _)| *at).find(|at| *at > Time::ZERO)
        };
        let due = [&self.main, &self.hints].into_iter().filter_map(first).min();
        now.saturating_sub(due.unwrap_or(now))
    }

    /// The queue whose first read is due; where both are, the one whose turn it is.
    fn first(&self, now: Time) -> Option<Class> {
        let is_due =
            |queue: &BTreeSet<(Time, ReadKey)>| queue.first().is_some_and(|(at, _)| *at <= now);
        match (is_due(&self.main), is_due(&self.hints)) {
            (true, true) => Some(self.turn),
            (true, false) => Some(Class::Main),
            (false, true) => Some(Class::Hints),
            (false, false) => None,
        }
    }

    const fn queue(&mut self, class: Class) -> &mut BTreeSet<(Time, ReadKey)> {
        match class {
            Class::Main => &mut self.main,
            Class::Hints => &mut self.hints,
        }
    }

    fn unplan(&mut self, key: &ReadKey) {
        if let Some(at) = self.due.remove(key) {
            self.queue(key.class()).remove(&(at, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn id(name: &str) -> ServiceId {
        ServiceId { source: "s".into(), namespace: "n".into(), service: name.into() }
    }

    fn service(name: &str) -> ReadKey {
        ReadKey::Service(id(name))
    }

    fn queue(max_in_flight: usize) -> ReadQueue {
        ReadQueue::new(Budget::new(1000, 1000, Duration::ZERO), max_in_flight)
    }

    #[test]
    fn the_oldest_read_that_is_due_is_sent_first() {
        let mut queue = queue(9);
        queue.plan(service("a"), Duration::from_secs(2));
        queue.plan(service("b"), Duration::from_secs(1));
        let now = Duration::from_secs(3);
        assert_eq!(
            [queue.next(1, now), queue.next(2, now), queue.next(3, now)],
            [Some(service("b")), Some(service("a")), None]
        );
    }

    #[test]
    fn hints_and_lists_take_turns_where_both_are_overdue() {
        let mut queue = queue(9);
        queue.plan(ReadKey::Tags(id("a")), Duration::ZERO);
        queue.plan(ReadKey::Tags(id("b")), Duration::ZERO);
        let list = |name: &str| ReadKey::Services("s".into(), name.into());
        queue.plan(list("x"), Duration::from_secs(1));
        queue.plan(list("y"), Duration::from_secs(1));
        let now = Duration::from_secs(3);
        let order: Vec<_> = (0..4).filter_map(|n| queue.next(n, now)).collect();
        assert_eq!(order, [list("x"), ReadKey::Tags(id("a")), list("y"), ReadKey::Tags(id("b"))]);
    }

    #[test]
    fn no_more_are_in_flight_than_allowed() {
        let mut queue = queue(1);
        queue.plan(service("a"), Duration::ZERO);
        queue.plan(service("b"), Duration::ZERO);
        assert_eq!(queue.next(1, Duration::ZERO), Some(service("a")));
        assert_eq!((queue.next(2, Duration::ZERO), queue.wake_at(Duration::ZERO)), (None, None));
        assert!(queue.complete(1).is_some());
        assert_eq!(queue.next(2, Duration::ZERO), Some(service("b")));
    }

    #[test]
    fn the_answer_to_a_cancelled_read_is_ignored() {
        let mut queue = queue(2);
        queue.plan(service("a"), Duration::ZERO);
        queue.next(1, Duration::ZERO);
        queue.cancel(&service("a"));
        assert!(queue.is_idle());
        queue.plan(service("a"), Duration::ZERO);
        queue.next(2, Duration::ZERO);
        assert_eq!(queue.complete(1), None);
        assert!(queue.complete(2).is_some());
    }

    #[test]
    fn a_read_is_planned_once() {
        let mut queue = queue(9);
        queue.plan(service("a"), Duration::from_secs(5));
        queue.expedite(service("a"), Duration::from_secs(1));
        queue.expedite(service("a"), Duration::from_secs(3));
        assert_eq!(queue.wake_at(Duration::ZERO), Some(Duration::from_secs(1)));
        assert_eq!(queue.next(1, Duration::from_secs(9)), Some(service("a")));
        assert!(queue.main.is_empty() && queue.due.is_empty());
    }
}
