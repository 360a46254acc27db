//! What to do about one entry.

use serde::Serialize;

use super::{Desired, EntryKey, Observed, Options, Policy};

/// What to do to an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub enum Action {
    /// It is not there.
    Create,
    /// It is there and differs.
    Update {
        /// The fields of the spec that differ.
        fields: Vec<&'static str>,
        /// It had endpoints and would have none.
        empties: bool,
    },
    /// It was nobody's, and becomes ours.
    Adopt,
    /// It is ours, and nothing in Cloud Map stands behind it.
    Delete,
}

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub enum Reason {
    /// An entry that is not ours has the name, or a host that overlaps.
    Conflict {
        /// That entry.
        with: EntryKey,
        /// Its owner label.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        owner: Option<String>,
    },
    /// It would delete the entry or drop an endpoint, and its scope was not read completely.
    Incomplete,
    /// Too many deletes or emptyings at once.
    Guard,
}

/// What one entry needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Keep,
    /// A write.
    Do(Action),
    /// A write that may not be made.
    Refuse(Reason),
}

/// Decides about one entry. `overlapping` are the observed entries, other than the one of the same name, that are not ours and have an
/// overlapping host; `complete` says whether its scope was read completely.
#[must_use]
pub fn decide(
    desired: Option<&Desired>,
    observed: Option<&Observed>,
    overlapping: &[&Observed],
    complete: bool,
    options: &Options,
) -> Decision {
    let conflict = |with: &Observed| Decision::Refuse(Reason::Conflict { with: with.key.clone(), owner: with.owner.clone() });
    let other = overlapping.first().map(|with| conflict(with));
    match (desired, observed) {
        (None, None) => Decision::Keep,
        (None, Some(observed)) => remove(observed, complete, options),
        (Some(_), None) => other.unwrap_or(Decision::Do(Action::Create)),
        (Some(desired), Some(observed)) if options.owns(observed) => update(desired, observed, complete, options),
        (Some(_), Some(observed)) if options.adopt && observed.owner.is_none() => other.unwrap_or(Decision::Do(Action::Adopt)),
        (Some(_), Some(observed)) => conflict(observed),
    }
}

fn remove(observed: &Observed, complete: bool, options: &Options) -> Decision {
    if !options.owns(observed) || options.policy != Policy::Sync {
        return Decision::Keep;
    }
    if complete { Decision::Do(Action::Delete) } else { Decision::Refuse(Reason::Incomplete) }
}

fn update(desired: &Desired, observed: &Observed, complete: bool, options: &Options) -> Decision {
    let fields: Vec<_> = desired.fields.differing(&observed.fields).collect();
    if fields.is_empty() || options.policy == Policy::CreateOnly {
        return Decision::Keep;
    }
    if !complete && drops_an_endpoint(desired, observed) {
        return Decision::Refuse(Reason::Incomplete);
    }
    Decision::Do(Action::Update { fields, empties: desired.endpoints.is_empty() && !observed.endpoints.is_empty() })
}

fn drops_an_endpoint(desired: &Desired, observed: &Observed) -> bool {
    observed.endpoints.iter().any(|endpoint| desired.endpoints.binary_search(endpoint).is_err())
}
