//! The guard against mass deletion.

use super::Options;

/// Below this many entries a share says nothing.
const FROM: usize = 10;

/// What a pass would remove, and of how much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removals {
    /// Entries to be deleted.
    pub deletes: usize,
    /// Our entries.
    pub entries: usize,
    /// Entries that had endpoints and would have none.
    pub emptyings: usize,
    /// Our entries that have endpoints.
    pub with_endpoints: usize,
}

impl Removals {
    /// Whether that is too much to be done without a person's word.
    #[must_use]
    pub fn refused(&self, options: &Options) -> bool {
        let over = |part: usize, of: usize| of >= FROM && part * 100 > of * options.max_delete_percent as usize;
        !options.force_deletes && (over(self.deletes, self.entries) || over(self.emptyings, self.with_endpoints))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_percent_pass_and_one_more_does_not() {
        let options = Options::default();
        let deletes = |deletes, entries| Removals { deletes, entries, ..Removals::default() }.refused(&options);
        assert!(!deletes(3, 10));
        assert!(deletes(4, 10));
        assert!(!deletes(30, 100));
        assert!(deletes(31, 100));
    }

    #[test]
    fn below_ten_entries_everything_passes() {
        let removals = Removals { deletes: 9, entries: 9, emptyings: 9, with_endpoints: 9 };
        assert!(!removals.refused(&Options::default()));
    }

    #[test]
    fn emptyings_are_counted_against_what_had_endpoints() {
        let removals = Removals { emptyings: 4, with_endpoints: 10, entries: 100, deletes: 0 };
        assert!(removals.refused(&Options::default()));
        assert!(!removals.refused(&Options { force_deletes: true, ..Options::default() }));
    }
}
