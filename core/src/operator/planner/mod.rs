//! Plans changes: for one entry, and for all entries at once.

use serde::{Deserialize, Serialize};

use super::Time;
use super::facts::{Desired, EntryKey, Observed, Scope};
use super::guard::{Guard, Removal, Removals};
use super::hosts::HostIndex;
use crate::order;
use crate::sorted::SortedMap;

/// Which kinds of change are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum Policy {
    /// Create, update and delete.
    #[default]
    Sync,
    /// Create and update; never delete.
    UpsertOnly,
    /// Create; never change what exists.
    CreateOnly,
}

/// How to plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema, ts_rs::TS),
    ts(rename = "PlanSettings")
)]
pub struct Options {
    /// An entry with this owner label is ours, if its source is read.
    pub owner: String,
    /// Which kinds of change are made.
    pub policy: Policy,
    /// Take over entries without an owner that have the name that we would give.
    pub adopt: bool,
    /// The maximum share of owned entries that may be deleted, or emptied, within ten minutes, in
    /// percent (from 10 entries).
    pub max_delete_percent: u8,
    /// Delete and empty any number.
    pub force_deletes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            owner: "istio-cloud-map".to_owned(),
            policy: Policy::Sync,
            adopt: false,
            max_delete_percent: 30,
            force_deletes: false,
        }
    }
}

impl Options {
    /// The guard with these settings.
    #[must_use]
    pub fn guard(&self) -> Guard {
        Guard::new(self.max_delete_percent, self.force_deletes)
    }
}

/// Ownership of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// It has our owner label, and its source, account and region are read here.
    Ours,
    /// It has our owner label, and its source, account or region is not read here: another process
    /// keeps it.
    OtherSource,
    /// It has no owner label.
    Unowned,
    /// It has another owner label.
    Foreign,
}

/// What to do to an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub enum Action {
    /// It does not exist.
    Create,
    /// It exists and differs.
    Update {
        /// The fields of the spec that differ, and `labels` or `annotations`.
        fields: Vec<&'static str>,
        /// It had endpoints and would have none.
        empties: bool,
    },
    /// It had no owner, and becomes ours.
    Adopt {
        /// The fields of the spec that differ, and `labels` or `annotations`.
        fields: Vec<&'static str>,
        /// It had endpoints and would have none.
        empties: bool,
    },
    /// It is ours, and no service in Cloud Map claims it.
    Delete,
}

impl Action {
    /// What it takes away that clients may be using.
    #[must_use]
    pub const fn removal(&self) -> Option<Removal> {
        match self {
            Self::Delete => Some(Removal::Delete),
            Self::Update { empties: true, .. } | Self::Adopt { empties: true, .. } => {
                Some(Removal::Emptying)
            }
            Self::Create | Self::Update { .. } | Self::Adopt { .. } => None,
        }
    }

    /// As a metric's label: `create`, `update`, `adopt`, `delete`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update { .. } => "update",
            Self::Adopt { .. } => "adopt",
            Self::Delete => "delete",
        }
    }
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
    /// Too many deletes or emptyings within ten minutes.
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

/// The input of the decision about one entry.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The desired entry; none, if no service claims it.
    pub desired: Option<&'a Desired>,
    /// The observed entry, and its ownership.
    pub observed: Option<(&'a Observed, Ownership)>,
    /// The first entry, other than the one of the same name, that is not ours and has an
    /// overlapping host.
    pub overlapping: Option<&'a Observed>,
    /// Whether its scope was read completely: without that, nothing is deleted and no endpoint is
    /// dropped.
    pub complete: bool,
}

impl Case<'_> {
    /// Decides about the entry. Whether removals are too many is left to the guard.
    #[must_use]
    pub fn decide(&self, options: &Options) -> Decision {
        let conflict = |with: &Observed| {
            Decision::Refuse(Reason::Conflict { with: with.key.clone(), owner: with.owner.clone() })
        };
        let overlap = self.overlapping.map(conflict);
        match (self.desired, self.observed) {
            (None, None) => Decision::Keep,
            (None, Some((_, ownership))) => self.remove(ownership, options),
            (Some(_), None) => overlap.unwrap_or(Decision::Do(Action::Create)),
            (Some(desired), Some((observed, Ownership::Ours))) => {
                self.change(desired, observed, false, options)
            }
            (Some(desired), Some((observed, Ownership::Unowned)))
                if options.adopt && options.policy != Policy::CreateOnly =>
            {
                overlap.unwrap_or_else(|| self.change(desired, observed, true, options))
            }
            (Some(_), Some((observed, _))) => conflict(observed),
        }
    }

    fn remove(&self, ownership: Ownership, options: &Options) -> Decision {
        if ownership != Ownership::Ours || options.policy != Policy::Sync {
            return Decision::Keep;
        }
        if self.complete {
            Decision::Do(Action::Delete)
        } else {
            Decision::Refuse(Reason::Incomplete)
        }
    }

    fn change(
        &self,
        desired: &Desired,
        observed: &Observed,
        adopt: bool,
        options: &Options,
    ) -> Decision {
        let fields: Vec<_> = desired.fields.differing(&observed.fields).collect();
        if fields.is_empty() && !adopt || options.policy == Policy::CreateOnly {
            return Decision::Keep;
        }
        if !self.complete && drops_an_endpoint(desired, observed) {
            return Decision::Refuse(Reason::Incomplete);
        }
        let empties = desired.endpoints.is_empty() && !observed.endpoints.is_empty();
        Decision::Do(if adopt {
            Action::Adopt { fields, empties }
        } else {
            Action::Update { fields, empties }
        })
    }
}

fn drops_an_endpoint(desired: &Desired, observed: &Observed) -> bool {
    observed.endpoints.iter().any(|endpoint| desired.endpoints.binary_search(endpoint).is_err())
}

/// What was read completely: per source its list of namespaces, per namespace its services and
/// their instances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    /// Per source, whether all its namespaces were read.
    pub sources: SortedMap<String, bool>,
    /// Per namespace that exists, whether it was read completely.
    pub namespaces: SortedMap<Scope, bool>,
}

impl Scopes {
    /// Whether an entry of this scope may be deleted. A namespace that was not read is deleted, if its
    /// source's list of namespaces is complete.
    #[must_use]
    pub fn complete(&self, scope: Option<&Scope>) -> bool {
        let is_complete = |scope: &Scope| {
            let source = self.sources.get(&scope.source).copied();
            self.namespaces.get(scope).copied().or(source)
        };
        scope.and_then(is_complete).unwrap_or(false)
    }

    fn ownership(&self, observed: &Observed, options: &Options) -> Ownership {
        match observed.owner.as_deref() {
            None => Ownership::Unowned,
            Some(owner) if owner != options.owner => Ownership::Foreign,
            Some(_) => {
                let reads = |scope: &Scope| self.sources.get(&scope.source).is_some();
                if observed.scope.as_ref().is_some_and(reads) {
                    Ownership::Ours
                } else {
                    Ownership::OtherSource
                }
            }
        }
    }
}

/// A change to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Change {
    /// To which entry.
    #[serde(flatten)]
    pub key: EntryKey,
    /// What.
    #[serde(flatten)]
    pub action: Action,
}

/// A change that is not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Refusal {
    /// To which entry.
    #[serde(flatten)]
    pub key: EntryKey,
    /// Why.
    #[serde(flatten)]
    pub reason: Reason,
}

/// What to do, and what not to do; both sorted by entry. As JSON `{"changes": [{"namespace",
/// "name", "action": "create"}, ...], "refusals": [{"namespace", "name", "reason": "guard"},
/// ...]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Plan {
    /// To be made.
    pub changes: Vec<Change>,
    /// Not to be made.
    pub refusals: Vec<Refusal>,
}

/// Plans for all entries at once. Of several desired entries of one key the first counts.
#[must_use]
pub fn plan(
    desired: &[Desired],
    observed: &[Observed],
    scopes: &Scopes,
    options: &Options,
) -> Plan {
    let mut hosts = HostIndex::default();
    let stored: SortedMap<&EntryKey, (&Observed, Ownership)> = observed
        .iter()
        .map(|entry| (&entry.key, (entry, scopes.ownership(entry, options))))
        .collect();
    for (_, (entry, ownership)) in stored.iter() {
        if *ownership != Ownership::Ours {
            hosts.insert(&entry.key, &entry.hosts);
        }
    }
    let desired_by_key: SortedMap<&EntryKey, &Desired> =
        desired.iter().rev().map(|entry| (&entry.key, entry)).collect();
    let mut keys: Vec<&EntryKey> = observed
        .iter()
        .map(|entry| &entry.key)
        .chain(desired.iter().map(|entry| &entry.key))
        .collect();
    order::sort(&mut keys);
    keys.dedup();
    let mut plan = Plan::default();
    for key in keys {
        let desired = desired_by_key.get(&key).copied();
        let observed = stored.get(&key).copied();
        let overlapping =
            desired.map(|desired| hosts.overlapping(key, &desired.hosts)).unwrap_or_default();
        let overlapping =
            overlapping.first().and_then(|key| stored.get(&key)).map(|(entry, _)| *entry);
        let scope = desired
            .map(|d| &d.scope)
            .or_else(|| observed.and_then(|(entry, _)| entry.scope.as_ref()));
        let case = Case { desired, observed, overlapping, complete: scopes.complete(scope) };
        match case.decide(options) {
            Decision::Keep => {}
            Decision::Do(action) => plan.changes.push(Change { key: key.clone(), action }),
            Decision::Refuse(reason) => plan.refusals.push(Refusal { key: key.clone(), reason }),
        }
    }
    let counted = |ownership: Ownership| {
        ownership == Ownership::Ours || options.adopt && ownership == Ownership::Unowned
    };
    let ours = || stored.iter().filter(|(_, (_, ownership))| counted(*ownership));
    let with_endpoints = ours().filter(|(_, (entry, _))| !entry.endpoints.is_empty()).count();
    guarded(plan, ours().count(), with_endpoints, options)
}

/// Moves deletes and emptyings to the refusals where they are too many.
fn guarded(mut plan: Plan, entries: usize, with_endpoints: usize, options: &Options) -> Plan {
    let mut removals = Removals::default();
    for removal in plan.changes.iter().filter_map(|change| change.action.removal()) {
        removals.add(removal);
    }
    let mut guard = options.guard();
    guard.observe(entries, with_endpoints, Time::ZERO);
    if guard.allows(removals, Time::ZERO) {
        return plan;
    }
    let (refused, kept): (Vec<_>, Vec<_>) =
        plan.changes.into_iter().partition(|change| change.action.removal().is_some());
    plan.changes = kept;
    plan.refusals.extend(
        refused.into_iter().map(|change| Refusal { key: change.key, reason: Reason::Guard }),
    );
    order::sort_by(&mut plan.refusals, |a, b| a.key.cmp(&b.key));
    plan
}

#[cfg(test)]
mod tests;
