//! Lists that are read page by page, again and again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::attempts::Attempts;
use super::{Page, ReadError, ReadFailure, Time};

/// A list that is longer never ends: with 100 a page these are 100,000 services.
const MAX_PAGES: usize = 1_000;
/// A page that has failed so often may have a token that has expired: its list starts again.
const FAILURES_OF_A_PAGE: u32 = 4;

/// A list: of a source's namespaces, or of a namespace's services.
#[derive(Debug, Clone, Default)]
pub(super) struct List {
    /// The round that is being read.
    pub listing: Option<Listing>,
    pub progress: Progress,
    pub attempts: Attempts,
}

impl List {
    /// The round that is being read; one that starts now, if there is none.
    pub(super) fn listing(&mut self, now: Time) -> &mut Listing {
        self.listing.get_or_insert_with(|| Listing::new(now))
    }

    /// Whether the list starts again after a page has failed.
    pub(super) fn restarts(&mut self, error: &ReadError) -> bool {
        let token = self.listing.as_ref().is_some_and(|listing| listing.token.is_some());
        let is_expired = token
            && self.attempts.failures >= FAILURES_OF_A_PAGE
            && !error.failure.affects_source();
        let restarts = is_expired || error.failure == ReadFailure::Malformed;
        if restarts {
            self.listing = None;
        }
        restarts
    }
}

/// One round of reading a list.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    pub begun: Time,
    /// The page to read next; none for the first.
    pub token: Option<String>,
    /// The keys of the items so far.
    pub seen: BTreeSet<Arc<str>>,
    /// How many items were excluded by their names.
    pub excluded: usize,
    tokens: BTreeSet<String>,
}

impl Listing {
    const fn new(begun: Time) -> Self {
        Self { begun, token: None, seen: BTreeSet::new(), excluded: 0, tokens: BTreeSet::new() }
    }

    /// Takes in a page: its items, and whether it was the last. A page may be empty though more
    /// follow.
    pub(super) fn advance<T>(
        &mut self,
        operation: &str,
        page: Page<T>,
    ) -> Result<(Vec<T>, bool), ReadError> {
        self.token = page.next_token.filter(|token| !token.is_empty());
        let Some(token) = &self.token else { return Ok((page.items, true)) };
        let malformed = |what: &str| {
            Err(ReadError {
                failure: ReadFailure::Malformed,
                message: format!("{operation}: {what}"),
            })
        };
        if !self.tokens.insert(token.clone()) {
            return malformed("a NextToken came back, so the list would never end");
        }
        if self.tokens.len() >= MAX_PAGES {
            return malformed("more than 1,000 pages, so the list may never end");
        }
        Ok((page.items, false))
    }
}

/// How far a list has been read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    /// When its first round ended.
    ended: Option<Time>,
    /// When the last round that has ended was begun.
    begun: Time,
    /// Whether a later round, begun long enough after the first, has ended too.
    pub confirmed: bool,
}

impl Progress {
    pub(super) fn complete(&mut self, begun: Time, now: Time, grace: Duration) {
        self.begun = begun;
        match self.ended {
            None => self.ended = Some(now),
            Some(first) => self.confirmed |= begun >= first + grace,
        }
    }

    pub(super) const fn is_complete(self) -> bool {
        self.ended.is_some()
    }

    /// When the last round that has ended was begun.
    pub(super) fn last(self) -> Option<Time> {
        self.ended.map(|_| self.begun)
    }

    /// Whether a round that was begun no earlier than this has ended.
    pub(super) fn is_complete_since(self, since: Time) -> bool {
        self.ended.is_some() && self.begun >= since
    }

    /// When the next round should begin so that it confirms the first.
    pub(super) fn confirm_at(self, grace: Duration) -> Option<Time> {
        self.ended.filter(|_| !self.confirmed).map(|ended| ended + grace)
    }
}
