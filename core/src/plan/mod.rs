//! What is desired and what is observed to changes and refusals.
//!
//! [`plan`] does it for a whole world at once. The operator, which learns one thing at a time, asks the same [`decide`] and the same
//! [`Removals`] guard about what has moved.

mod decide;
mod digest;
mod facts;
mod guard;
mod hosts;

use serde::{Deserialize, Serialize};

pub use decide::{Action, Decision, Reason, decide};
pub use facts::{Desired, EntryKey, Fields, Observed, Scope, Version};
pub(crate) use facts::{FIELDS as SPEC_FIELDS, is_empty as is_empty_field};
pub use guard::Removals;
pub use hosts::{HostIndex, canonical_host, hosts_overlap};

use crate::order;
use crate::sorted::SortedMap;

/// Which kinds of change are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub enum Policy {
    /// Create, update and delete.
    #[default]
    Sync,
    /// Create and update; never delete.
    UpsertOnly,
    /// Create; never update or delete.
    CreateOnly,
}

/// How to plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(rename = "PlanSettings"))]
pub struct Options {
    /// An entry with this owner label is ours.
    pub owner: String,
    /// Which kinds of change are made.
    pub policy: Policy,
    /// Take over entries of nobody that bear the name that we would give.
    pub adopt: bool,
    /// How many per cent of our entries may be deleted, or emptied, at once; from ten entries on.
    pub max_delete_percent: u8,
    /// A person has confirmed: delete and empty however many it is.
    pub force_deletes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { owner: "istio-cloud-map".to_owned(), policy: Policy::Sync, adopt: false, max_delete_percent: 30, force_deletes: false }
    }
}

impl Options {
    /// Whether an entry is ours.
    #[must_use]
    pub fn owns(&self, observed: &Observed) -> bool {
        observed.owner.as_deref() == Some(&self.owner)
    }
}

/// What was read completely: per source its list of namespaces, per namespace its services and their instances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    /// Per source, whether all its namespaces are known.
    pub sources: SortedMap<String, bool>,
    /// Per namespace that exists, whether it was read completely.
    pub namespaces: SortedMap<Scope, bool>,
}

impl Scopes {
    /// Whether what is not desired of this scope may go. A namespace that is not known is gone if its source's list of namespaces is complete; an entry
    /// that does not say where it is from needs all sources, and so does one of a source that is configured no more. Where no source is known at
    /// all, nothing may go.
    #[must_use]
    pub fn complete(&self, scope: Option<&Scope>) -> bool {
        let all = || {
            !self.sources.is_empty()
                && self.sources.iter().all(|(_, complete)| *complete)
                && self.namespaces.iter().all(|(_, complete)| *complete)
        };
        let Some(scope) = scope else { return all() };
        let source = self.sources.get(&scope.source).copied();
        self.namespaces.get(scope).copied().or(source).unwrap_or_else(all)
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

/// What to do, and what not to do; both sorted by entry. As JSON
/// `{"changes": [{"namespace", "name", "action": "create"}, ...], "refusals": [{"namespace", "name", "reason": "guard"}, ...]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Plan {
    /// To be made.
    pub changes: Vec<Change>,
    /// Not to be made.
    pub refusals: Vec<Refusal>,
}

/// Plans for a whole world. Of several desired entries of one key the first counts.
#[must_use]
pub fn plan(desired: &[Desired], observed: &[Observed], scopes: &Scopes, options: &Options) -> Plan {
    let mut hosts = HostIndex::default();
    for entry in observed {
        hosts.insert(entry);
    }
    let stored: SortedMap<&EntryKey, &Observed> = observed.iter().map(|entry| (&entry.key, entry)).collect();
    let wanted: SortedMap<&EntryKey, &Desired> = desired.iter().rev().map(|entry| (&entry.key, entry)).collect();
    let mut keys: Vec<&EntryKey> = observed.iter().map(|entry| &entry.key).chain(desired.iter().map(|entry| &entry.key)).collect();
    order::sort(&mut keys);
    keys.dedup();
    let mut plan = Plan::default();
    for key in keys {
        let (desired, observed) = (wanted.get(&key).copied(), stored.get(&key).copied());
        let overlaps = desired.into_iter().flat_map(|d| &d.hosts).flat_map(|host| hosts.overlapping(key, host));
        let foreign: Vec<&Observed> = overlaps.filter_map(|k| stored.get(&k).copied()).filter(|o| !options.owns(o)).collect();
        let scope = desired.map(|d| &d.scope).or_else(|| observed.and_then(|o| o.scope.as_ref()));
        match decide(desired, observed, &foreign, scopes.complete(scope), options) {
            Decision::Keep => {}
            Decision::Do(action) => plan.changes.push(Change { key: key.clone(), action }),
            Decision::Refuse(reason) => plan.refusals.push(Refusal { key: key.clone(), reason }),
        }
    }
    guarded(plan, observed, options)
}

/// Moves deletes and emptyings to the refusals where they are too many.
fn guarded(mut plan: Plan, observed: &[Observed], options: &Options) -> Plan {
    let removes = |change: &Change| matches!(change.action, Action::Delete | Action::Update { empties: true, .. });
    let ours = || observed.iter().filter(|entry| options.owns(entry));
    let deletes = plan.changes.iter().filter(|change| change.action == Action::Delete).count();
    let removals = Removals {
        deletes,
        entries: ours().count(),
        emptyings: plan.changes.iter().filter(|change| removes(change)).count() - deletes,
        with_endpoints: ours().filter(|entry| !entry.endpoints.is_empty()).count(),
    };
    if !removals.refused(options) {
        return plan;
    }
    let (refused, kept): (Vec<_>, Vec<_>) = plan.changes.into_iter().partition(removes);
    plan.changes = kept;
    plan.refusals.extend(refused.into_iter().map(|change| Refusal { key: change.key, reason: Reason::Guard }));
    order::sort_by(&mut plan.refusals, |a, b| a.key.cmp(&b.key));
    plan
}

#[cfg(test)]
mod tests;
