//! The report of an operator, made of all its parts.

use super::{
    BudgetReport, EntryReport, EntryState, FailureReport, OutageReport, RefusedRemoval,
    RefusedReport, ServiceReport, SourceReport, StatusReport,
};
use crate::operator::attempts::Attempts;
use crate::operator::entry::{Cause, Entry, WaitFor, WriteState};
use crate::operator::inventory::{DesiredState, ServiceState, Source};
use crate::operator::planner::Ownership;
use crate::operator::queue::ReadQueue;
use crate::operator::{EntryKey, Operator, Planes, Removal, ServiceId, Time};
use crate::service_entry::annotation::CONFIRM_REMOVALS;

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
    let budget = |queue: &ReadQueue| BudgetReport {
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
