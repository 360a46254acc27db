//! Everything that a person may ask about: each source, each service and its entry, and what waits
//! for what.
//!
//! It is built when someone asks, since it takes as much memory as there are services. Times are
//! whole seconds before or after now.

use serde::Serialize;

use super::attempts::Attempts;
use super::entry::{Cause, Entry, WaitFor, WriteState};
use super::inventory::{DesiredState, ServiceState, Source};
use super::planner::Ownership;
use super::{EntryKey, Operator, Planes, Removal, ServiceId, Time};
use crate::cloud_map::{Health, Instance};
use crate::diagnostic::Diagnostic;
use crate::service_entry::annotation::CONFIRM_REMOVALS;

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
    pub(super) fn from_instances(instances: &[Instance]) -> Self {
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

/// So many failures of a source are listed; each service has its own.
const MOST_FAILURES: usize = 5;

impl Operator {
    /// The whole state. It costs as much as there are services: more than a status.
    #[must_use]
    pub fn status_report(&self, now: Time) -> StatusReport {
        let services = self.inventory.services.iter();
        let mut report = StatusReport {
            ready: self.status().ready,
            sources: Vec::new(),
            services: services.map(|(id, state)| self.service_report(id, state, now)).collect(),
            unclaimed: self.unclaimed(now),
            refused: self.refused_report(),
            outages: Vec::new(),
        };
        for (name, source) in &self.inventory.sources {
            let planes = self.planes.get(&source.config.quota);
            let services: Vec<_> =
                report.services.iter().filter(|service| *service.source == **name).collect();
            report.sources.push(source_report(source, planes, &services, now));
        }
        report.outages = self
            .outages
            .iter()
            .map(|(scope, message, until)| OutageReport {
                affects: scope.to_string(),
                message: message.to_owned(),
                retry_in_seconds: until.saturating_sub(now).as_secs(),
            })
            .collect();
        report
    }

    fn service_report(&self, id: &ServiceId, state: &ServiceState, now: Time) -> ServiceReport {
        let namespace = self.inventory.namespace(id).map(|namespace| &namespace.info.name);
        let desired = match &state.desired {
            DesiredState::Entry(entry) => Some(&entry.desired),
            DesiredState::Unknown | DesiredState::Excluded | DesiredState::Omitted => None,
        };
        let entry = state.key.as_ref().and_then(|key| Some((key, self.entries.get(key)?)));
        let is_first = entry.is_some_and(|(_, entry)| entry.claims.first() == Some(id));
        let of_entry = entry.filter(|_| is_first).map(|(_, entry)| &entry.reported);
        let diagnostics = state.diagnostics.iter().chain(&state.conflict);
        let attempts = [&state.attempts, &state.hints.attempts];
        ServiceReport {
            source: id.source.to_string(),
            namespace: namespace.map_or(&*id.namespace, String::as_str).to_owned(),
            name: state.info.name.clone(),
            hosts: desired.map(|desired| desired.hosts.clone()).unwrap_or_default(),
            endpoints: match &state.desired {
                DesiredState::Omitted => Some(0),
                _ => desired.map(|desired| desired.endpoints.len()),
            },
            instances: state.instances,
            changed_seconds_ago: state.changed_at.map(|at| now.saturating_sub(at).as_secs()),
            failure: attempts
                .into_iter()
                .find_map(|attempts| failure_report(attempts, || state.info.name.clone(), now)),
            diagnostics: diagnostics.chain(of_entry.into_iter().flatten()).cloned().collect(),
            entry: entry.map(|(key, entry)| {
                let mut report = entry_report(key, entry, now);
                if let Some(conflict) = &state.conflict {
                    report.state = EntryState::Conflict;
                    report.reason = Some(conflict.message.clone());
                } else if report.state == EntryState::Absent
                    && state.desired == DesiredState::Unknown
                    && state.first_read.is_none()
                {
                    report.state = EntryState::Unread;
                }
                report
            }),
        }
    }

    /// The entries of ours that no service claims.
    fn unclaimed(&self, now: Time) -> Vec<EntryReport> {
        let entries = self.entries.iter().filter(|(_, entry)| {
            entry.claims.is_empty()
                && entry.observed.is_some()
                && entry.ownership == Ownership::Ours
        });
        entries
            .map(|(key, entry)| EntryReport {
                diagnostics: entry.reported.clone(),
                ..entry_report(key, entry, now)
            })
            .collect()
    }

    fn refused_report(&self) -> Option<RefusedReport> {
        let token = self.removals.token()?;
        let counts = self.refused()?;
        let removals: Vec<RefusedRemoval> = self
            .removals
            .refused()
            .map(|(key, removal)| RefusedRemoval { key: key.clone(), removal })
            .collect();
        let EntryKey { namespace, name } = &removals.first()?.key;
        Some(RefusedReport {
            deletes: counts.deletes,
            emptyings: counts.emptyings,
            token: token.to_owned(),
            command: format!(
                "kubectl annotate --overwrite serviceentry {name} --namespace {namespace} {CONFIRM_REMOVALS}={token}"
            ),
            removals,
        })
    }
}

fn source_report(
    source: &Source,
    planes: Option<&Planes>,
    services: &[&ServiceReport],
    now: Time,
) -> SourceReport {
    let namespaces = source.namespaces.values();
    let lists = || std::iter::once(&source.list).chain(namespaces.clone().map(|n| &n.list));
    let listed: Option<Vec<Time>> = lists().map(|list| list.progress.last()).collect();
    let listed = listed.and_then(|lists| lists.into_iter().min());
    let own = failure_report(&source.list.attempts, || "the list of namespaces".to_owned(), now);
    let of_namespaces = namespaces.clone().filter_map(|namespace| {
        let of = || format!("the services of {}", namespace.info.name);
        failure_report(&namespace.list.attempts, of, now)
    });
    let of_services = services.iter().filter_map(|service| {
        let failure = service.failure.clone()?;
        Some(FailureReport { of: format!("{}/{}", service.namespace, service.name), ..failure })
    });
    let mut failures: Vec<FailureReport> =
        own.into_iter().chain(of_namespaces).chain(of_services).collect();
    let failing = failures.len();
    failures.truncate(MOST_FAILURES);
    let budget = |queue: &super::ReadQueue| BudgetReport {
        rate: queue.rate(),
        limit: queue.limit(),
        late_seconds: queue.lateness(now).as_secs(),
    };
    SourceReport {
        name: source.config.name.clone(),
        region: source.config.region.clone(),
        namespaces: source.namespaces.len(),
        services: services.len(),
        excluded: namespaces.map(|namespace| namespace.excluded).sum(),
        complete: source.passed,
        listed_seconds_ago: listed.map(|at| now.saturating_sub(at).as_secs()),
        failing,
        failures,
        control_plane: planes.map(|planes| budget(&planes.control)).unwrap_or_default(),
        data_plane: planes.map(|planes| budget(&planes.data)).unwrap_or_default(),
    }
}

fn failure_report(
    attempts: &Attempts,
    of: impl FnOnce() -> String,
    now: Time,
) -> Option<FailureReport> {
    let failing = attempts.failing.as_ref()?;
    Some(FailureReport {
        of: of(),
        failure: failing.failure.as_str(),
        message: failing.message.to_string(),
        since_seconds_ago: now.saturating_sub(failing.since).as_secs(),
        attempts: attempts.failures,
    })
}

fn entry_report(key: &EntryKey, entry: &Entry, now: Time) -> EntryReport {
    let mut retry_in_seconds = None;
    let (state, reason) = match &entry.state {
        WriteState::Settled | WriteState::Deleted { .. } if entry.observed.is_none() => {
            (EntryState::Absent, None)
        }
        WriteState::Settled | WriteState::Deleted { .. } => (EntryState::Settled, None),
        WriteState::Due(_) => (EntryState::Due, None),
        WriteState::InFlight(_) => (EntryState::Writing, None),
        WriteState::Backoff { until, cause, .. } => {
            retry_in_seconds = Some(until.saturating_sub(now).as_secs());
            let reason = match cause {
                Cause::Failure(failure) => format!("the last write failed: {}", failure.as_str()),
                Cause::Contested => "another writer keeps changing it".to_owned(),
            };
            (EntryState::Backoff, Some(reason))
        }
        WriteState::AwaitingGuard(removal) => {
            let reason = match removal {
                Removal::Delete => "no service claims it: its deletion waits for the guard",
                Removal::Emptying => "the loss of its last endpoint waits for the guard",
            };
            (EntryState::AwaitingGuard, Some(reason.to_owned()))
        }
        WriteState::Blocked { on, .. } => (EntryState::Waiting, Some(waits_for(on))),
        WriteState::Conflicted => {
            let reason = "an entry that is not ours has its name or an overlapping host";
            (EntryState::Conflict, Some(reason.to_owned()))
        }
    };
    EntryReport {
        key: key.clone(),
        endpoints: entry.observed.as_ref().map(|observed| observed.endpoints.len()),
        state,
        reason,
        retry_in_seconds,
        diagnostics: Vec::new(),
    }
}

fn waits_for(on: &WaitFor) -> String {
    match on {
        WaitFor::Source(source) => format!("until the source {source} is read completely"),
        WaitFor::Namespace(source, namespace) => {
            format!("until the namespace {namespace} of the source {source} is read completely")
        }
        WaitFor::Service(id) => format!("until the service {} is read, or read again", id.service),
        WaitFor::Outage(scope) => format!("until the outage of {scope} ends"),
    }
}
