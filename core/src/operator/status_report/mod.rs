//! Everything that a person may ask about: each source, each service and its entry, and what waits
//! for what.
//!
//! It is built when someone asks, since it takes as much memory as there are services. Times are
//! whole seconds before or after now.

mod collect;

use serde::Serialize;

use super::{EntryKey, Removal};
use crate::cloud_map::{Health, Instance};
use crate::diagnostic::Diagnostic;

/// The state of the operator, for a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusReport {
    /// The first pass is over.
    pub ready: bool,
    /// The sources that are read here.
    pub sources: Vec<SourceReport>,
    /// The services of these sources.
    pub services: Vec<ServiceReport>,
    /// Entries of the operator's own that no service claims: they are deleted, or wait for it.
    pub unclaimed: Vec<EntryReport>,
    /// What the guard refuses, if it does.
    pub refused: Option<RefusedReport>,
    /// Failures that hold back more than one write.
    pub outages: Vec<OutageReport>,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceReport {
    /// Its name.
    pub name: String,
    /// The AWS region, where known.
    pub region: Option<String>,
    /// The Cloud Map namespaces that were listed.
    pub namespaces: usize,
    /// The services that were listed.
    pub services: usize,
    /// The services that were left out by their names.
    pub excluded: usize,
    /// Everything in it was read once.
    pub complete: bool,
    /// The age of the oldest of its lists; none before all were read to their ends.
    pub listed_seconds_ago: Option<u64>,
    /// Lists and services that can't be read.
    pub failing: usize,
    /// The first of these failures.
    pub failures: Vec<FailureReport>,
    /// Lists, attributes and tags: shared by all sources of one account and region.
    pub control_plane: BudgetReport,
    /// Revisions and instances: shared by all sources of one account and region.
    pub data_plane: BudgetReport,
}

/// The rate of calls to AWS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BudgetReport {
    /// Calls a second that are allowed now: fewer than the limit after AWS has throttled.
    pub rate: u64,
    /// Calls a second, as configured.
    pub limit: u64,
    /// How long the read that has waited longest is overdue.
    pub late_seconds: u64,
}

/// Something that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailureReport {
    /// The list, the Cloud Map namespace or the service.
    pub of: String,
    /// The kind of failure, as the label of the metric.
    pub failure: &'static str,
    /// The last answer.
    pub message: String,
    /// Since when every attempt has failed.
    pub since_seconds_ago: u64,
    /// How many attempts have failed since.
    pub attempts: u32,
}

/// A Cloud Map service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceReport {
    /// The source's name.
    pub source: String,
    /// The Cloud Map namespace's name.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The hosts of its entry; none, if there is no such.
    pub hosts: Vec<String>,
    /// The endpoints that its entry should have; none, if that is not known.
    pub endpoints: Option<usize>,
    /// Its instances in Cloud Map; none, before they were read.
    pub instances: Option<InstanceCounts>,
    /// When its instances were last changed, as far as was observed.
    pub changed_seconds_ago: Option<u64>,
    /// Why it can't be read.
    pub failure: Option<FailureReport>,
    /// What was dropped or degraded of it, and what is wrong with its entry.
    pub diagnostics: Vec<Diagnostic>,
    /// The entry that it claims, and the state of that; none, if it can have none.
    pub entry: Option<EntryReport>,
}

/// How many instances a service has. The health of the rest is not known: they have no health check,
/// or it has not run yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InstanceCounts {
    /// All that are registered.
    pub total: u32,
    /// Those whose health check passes.
    pub healthy: u32,
    /// Those whose health check fails.
    pub unhealthy: u32,
}

impl InstanceCounts {
    pub(in crate::operator) fn from_instances(instances: &[Instance]) -> Self {
        let count = |health: Option<Health>| {
            let counted = instances
                .iter()
                .filter(|instance| health.is_none_or(|health| instance.health_status == health));
            u32::try_from(counted.count()).unwrap_or(u32::MAX)
        };
        Self {
            total: count(None),
            healthy: count(Some(Health::Healthy)),
            unhealthy: count(Some(Health::Unhealthy)),
        }
    }
}

/// The entry of a service, or one that has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EntryReport {
    /// Its Kubernetes namespace and name.
    #[serde(flatten)]
    pub key: EntryKey,
    /// The endpoints that it has; none, if it does not exist.
    pub endpoints: Option<usize>,
    /// What is done about it next.
    pub state: EntryState,
    /// Why, if nothing is done at once.
    pub reason: Option<String>,
    /// When it is written again.
    pub retry_in_seconds: Option<u64>,
    /// What is wrong with it, if no service claims it: else the service has these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

/// What is done about an entry next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum EntryState {
    /// Nothing: it exists, and there is nothing to write.
    Settled,
    /// Nothing: it does not exist, and should not.
    Absent,
    /// Its service was not read yet.
    Unread,
    /// It will be decided about at once.
    Due,
    /// A write is in flight.
    Writing,
    /// It waits for a time after a failure, or because another writer keeps changing it.
    Backoff,
    /// It waits for something to be read completely, or for the end of an outage.
    Waiting,
    /// Its deletion, or the loss of its last endpoint, waits for the guard.
    AwaitingGuard,
    /// Another entry or service has its name or host.
    Conflict,
}

impl EntryState {
    /// As in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Absent => "absent",
            Self::Unread => "unread",
            Self::Due => "due",
            Self::Writing => "writing",
            Self::Backoff => "backoff",
            Self::Waiting => "waiting",
            Self::AwaitingGuard => "awaitingGuard",
            Self::Conflict => "conflict",
        }
    }
}

/// Removals that the guard refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefusedReport {
    /// How many entries would be deleted.
    pub deletes: usize,
    /// How many entries would lose all their endpoints.
    pub emptyings: usize,
    /// The value of the annotation that confirms them.
    pub token: String,
    /// The command that confirms them.
    pub command: String,
    /// Each of them.
    pub removals: Vec<RefusedRemoval>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefusedRemoval {
    /// The entry.
    #[serde(flatten)]
    pub key: EntryKey,
    /// What it would lose.
    pub removal: Removal,
}

/// A failure that holds back more than one write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutageReport {
    /// What it affects.
    pub affects: String,
    /// The last failure.
    pub message: String,
    /// When one write is tried again.
    pub retry_in_seconds: u64,
}
