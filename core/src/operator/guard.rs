//! The guard against mass deletion.
//!
//! It counts what was removed within a window against the most that there was in that window, so
//! that removals in small steps, however they are spread, never add up to more than the share that
//! is allowed.

use std::collections::VecDeque;
use std::time::Duration;

use super::Time;

/// Below this many entries a share is meaningless.
const FROM: usize = 10;
/// How long a removal counts.
pub(super) const WINDOW: Duration = Duration::from_mins(10);

/// What an entry loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Removal {
    /// The entry is deleted.
    Delete,
    /// It had endpoints and has none afterwards.
    Emptying,
}

/// Counts of deletes and of emptyings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removals {
    /// Entries to be deleted.
    pub deletes: usize,
    /// Entries that would lose all endpoints.
    pub emptyings: usize,
}

impl Removals {
    /// Counts one more.
    pub const fn add(&mut self, removal: Removal) {
        match removal {
            Removal::Delete => self.deletes += 1,
            Removal::Emptying => self.emptyings += 1,
        }
    }

    /// Both kinds together.
    #[must_use]
    pub const fn total(self) -> usize {
        self.deletes + self.emptyings
    }
}

/// Decides whether removals are too many to be made without a person's confirmation.
#[derive(Debug, Clone)]
pub struct Guard {
    percent: usize,
    force: bool,
    deletes: Share,
    emptyings: Share,
}

impl Guard {
    /// `max_delete_percent` of the entries, and of the entries with endpoints, may be removed
    /// within ten minutes; all, with `force`.
    #[must_use]
    pub fn new(max_delete_percent: u8, force: bool) -> Self {
        Self {
            percent: max_delete_percent.into(),
            force,
            deletes: Share::default(),
            emptyings: Share::default(),
        }
    }

    /// How many entries there are now, and how many of them have endpoints.
    pub fn observe(&mut self, entries: usize, with_endpoints: usize, now: Time) {
        self.deletes.observe(entries, now);
        self.emptyings.observe(with_endpoints, now);
    }

    /// Other limits hold from now on.
    pub(super) fn configure(&mut self, max_delete_percent: u8, force: bool) {
        self.percent = max_delete_percent.into();
        self.force = force;
    }

    /// So many entries are all that counts from now on: others have got another owner.
    pub(super) fn rebase(&mut self, entries: usize, with_endpoints: usize) {
        self.deletes.rebase(entries);
        self.emptyings.rebase(with_endpoints);
    }

    /// Whether so many removals may be made now, on top of those of the window.
    #[must_use]
    pub fn allows(&self, removals: Removals, now: Time) -> bool {
        self.force
            || self.deletes.allows(removals.deletes, self.percent, now)
                && self.emptyings.allows(removals.emptyings, self.percent, now)
    }

    /// So many removals are made now.
    pub fn record(&mut self, removals: Removals, now: Time) {
        self.deletes.record(removals.deletes, now);
        self.emptyings.record(removals.emptyings, now);
    }

    /// The most entries, and the most entries with endpoints, that there were within the window.
    #[must_use]
    pub fn base(&self, now: Time) -> (usize, usize) {
        (self.deletes.most(now), self.emptyings.most(now))
    }
}

/// One kind of removal, and what it is a share of.
#[derive(Debug, Clone, Default)]
struct Share {
    current: usize,
    /// Earlier counts that were higher than all later ones, and until when each was true.
    peaks: VecDeque<(Time, usize)>,
    removed: VecDeque<(Time, usize)>,
}

impl Share {
    fn observe(&mut self, count: usize, now: Time) {
        if count == self.current {
            return;
        }
        let before = std::mem::replace(&mut self.current, count);
        while self.peaks.back().is_some_and(|(_, peak)| *peak <= before) {
            self.peaks.pop_back();
        }
        self.peaks.push_back((now, before));
        while self.peaks.front().is_some_and(|(until, _)| *until + WINDOW < now) {
            self.peaks.pop_front();
        }
    }

    fn rebase(&mut self, count: usize) {
        self.current = count;
        self.peaks.clear();
    }

    fn most(&self, now: Time) -> usize {
        let recent = self.peaks.iter().find(|(until, _)| *until + WINDOW >= now);
        recent.map_or(self.current, |(_, peak)| (*peak).max(self.current))
    }

    fn allows(&self, more: usize, percent: usize, now: Time) -> bool {
        let base = self.most(now);
        let removed: usize =
            self.removed.iter().filter(|(at, _)| *at + WINDOW >= now).map(|(_, count)| count).sum();
        more == 0 || base < FROM || (removed + more) * 100 <= base * percent
    }

    fn record(&mut self, count: usize, now: Time) {
        while self.removed.front().is_some_and(|(at, _)| *at + WINDOW < now) {
            self.removed.pop_front();
        }
        if count > 0 {
            self.removed.push_back((now, count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Duration::ZERO;

    fn guard(entries: usize) -> Guard {
        let mut guard = Guard::new(30, false);
        guard.observe(entries, entries, START);
        guard
    }

    const fn deletes(deletes: usize) -> Removals {
        Removals { deletes, emptyings: 0 }
    }

    const fn emptyings(emptyings: usize) -> Removals {
        Removals { deletes: 0, emptyings }
    }

    #[test]
    fn thirty_percent_pass_and_one_more_does_not() {
        assert!(guard(10).allows(deletes(3), START) && !guard(10).allows(deletes(4), START));
        assert!(
            guard(100).allows(emptyings(30), START) && !guard(100).allows(emptyings(31), START)
        );
    }

    #[test]
    fn below_ten_entries_everything_passes() {
        assert!(guard(9).allows(Removals { deletes: 9, emptyings: 9 }, START));
    }

    #[test]
    fn small_steps_add_up_and_the_base_does_not_shrink() {
        let mut guard = guard(12);
        assert!(guard.allows(deletes(3), START));
        guard.record(deletes(3), START);
        let later = Duration::from_mins(5);
        guard.observe(9, 9, later);
        assert!(!guard.allows(deletes(9), later) && !guard.allows(deletes(1), later));
        assert_eq!(guard.base(later), (12, 12));
    }

    #[test]
    fn a_removal_counts_for_the_window_and_no_longer() {
        let mut guard = guard(100);
        guard.record(deletes(30), START);
        guard.observe(70, 70, START);
        assert!(!guard.allows(deletes(1), WINDOW));
        let after = WINDOW + Duration::from_millis(1);
        assert!(guard.allows(deletes(21), after) && !guard.allows(deletes(22), after));
    }

    #[test]
    fn a_person_confirms_any_number() {
        let mut guard = Guard::new(30, true);
        guard.observe(100, 100, START);
        assert!(guard.allows(deletes(100), START));
    }

    #[test]
    fn entries_that_go_to_another_owner_do_not_raise_the_share() {
        let mut guard = guard(100);
        guard.rebase(20, 20);
        assert!(guard.allows(deletes(6), START));
        assert!(!guard.allows(deletes(7), START));
    }
}
