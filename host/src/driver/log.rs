//! What is logged: one line a change, one line a diagnostic, and nothing when nothing changed. At
//! debug, also what led to it: every read, observation and write, by names and numbers. What
//! instances, attributes and tags contain is never logged.

use std::fmt;

use istio_cloud_map_core::diagnostic::{Diagnostic, Severity};
use istio_cloud_map_core::operator::{
    Action, Event, Observation, Page, Read, ReadError, Target, Write, WriteError,
};

use super::Writes;
use crate::logging;

/// What the operator reports.
pub fn diagnostic(diagnostic: &Diagnostic) {
    let code = diagnostic.code.as_str();
    let (source, namespace, service) =
        (&diagnostic.source, &diagnostic.namespace, &diagnostic.service);
    let instance = diagnostic.instance.as_deref();
    if !logging::is_json() {
        return match diagnostic.severity {
            Severity::Error => tracing::error!("{diagnostic}"),
            Severity::Warning => tracing::warn!("{diagnostic}"),
            Severity::Info => tracing::info!("{diagnostic}"),
        };
    }
    match diagnostic.severity {
        Severity::Error => {
            tracing::error!(code, source, namespace, service, instance, "{}", diagnostic.message);
        }
        Severity::Warning => {
            tracing::warn!(code, source, namespace, service, instance, "{}", diagnostic.message);
        }
        Severity::Info => {
            tracing::info!(code, source, namespace, service, instance, "{}", diagnostic.message);
        }
    }
}

/// A source in which a first, complete pass has found no service: most often the wrong region.
pub fn found_nothing(source: &str) {
    tracing::warn!(
        source,
        "found no services: check the region, the account of the credentials and the filters of the source, \
         with `istio-cloud-map doctor`"
    );
}

/// A write that was made.
pub fn written(write: &Write, writes: Writes) {
    let (entry, endpoints) = (&write.key, write.endpoints);
    let verb = match writes {
        Writes::Made => verb(&write.action, false),
        Writes::Pretended => verb(&write.action, true),
        Writes::Silent => return,
    };
    match &write.action {
        Action::Delete => tracing::info!(%entry, "{verb}"),
        Action::Create | Action::Adopt { .. } => tracing::info!(%entry, endpoints, "{verb}"),
        Action::Update { fields, .. } => {
            tracing::info!(%entry, endpoints, fields = fields.join(","), "{verb}");
        }
    }
}

/// A write that begins.
pub fn writing(write: &Write) {
    let (entry, action, endpoints) = (&write.key, write.action.as_str(), write.endpoints);
    tracing::debug!(%entry, action, endpoints, replaces = write.replaces.is_some(), "write");
}

/// A read that begins.
pub fn asked(read: &Read) {
    let (operation, source, of) = (read.operation(), read.source(), Of(read));
    tracing::debug!(operation, %source, %of, "read");
}

/// A write that was not made. The operator decides whether it is reported.
pub fn not_written(write: &Write, error: &WriteError) {
    let (entry, action, failure) = (&write.key, write.action.as_str(), error.failure.as_str());
    tracing::debug!(%entry, action, failure, "write failed: {error}");
}

/// Logs an observation of the existing entries.
pub fn observed(observation: &Observation) {
    match observation {
        Observation::Listed { entries, .. } => {
            tracing::debug!(entries = entries.len(), "listed the existing entries");
        }
        Observation::Applied(entry) => {
            tracing::debug!(entry = %entry.key, owner = entry.owner, "observed an entry");
        }
        Observation::Deleted { key, .. } => tracing::debug!(entry = %key, "an entry was deleted"),
    }
}

/// The answer to a read.
pub fn answered(read: &Read, answer: &Event) {
    let result = match answer {
        Event::NamespacesPage { result, .. } => result.as_ref().map(page),
        Event::ServicesPage { result, .. } => result.as_ref().map(page),
        Event::ServiceAttributes { result, .. } => {
            result.as_ref().map(|attributes| format!("attributes={}", attributes.iter().count()))
        }
        Event::Tags { result, .. } => result.as_ref().map(|tags| format!("tags={}", tags.len())),
        Event::Revision { result, .. } => {
            result.as_ref().map(|revision| format!("revision={revision}"))
        }
        Event::Instances { result, .. } => result.as_ref().map(|read| {
            format!(
                "instances={} revision={}",
                read.instances.len(),
                read.revision.unwrap_or_default()
            )
        }),
        _ => return,
    };
    let (operation, source, of) = (read.operation(), read.source(), Of(read));
    match result {
        Ok(result) => tracing::debug!(operation, %source, %of, "answer: {result}"),
        Err(ReadError { failure, message }) => {
            tracing::debug!(operation, %source, %of, failure = failure.as_str(), "no answer: {message}");
        }
    }
}

fn page<T>(page: &Page<T>) -> String {
    format!("items={} last={}", page.items.len(), page.next_token.is_none())
}

/// What a read is about.
struct Of<'a>(&'a Read);

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Read::Namespaces { owner, .. } => write!(f, "{owner:?}"),
            Read::Services { namespace, .. } => f.write_str(&namespace.name),
            Read::ServiceAttributes(target)
            | Read::Tags(target)
            | Read::Revision(target)
            | Read::Instances(target) => {
                let Target { namespace, service, .. } = target;
                write!(f, "{}/{}", namespace.name, service.name)
            }
        }
    }
}

const fn verb(action: &Action, dry_run: bool) -> &'static str {
    match (action, dry_run) {
        (Action::Create, false) => "created",
        (Action::Update { empties: false, .. }, false) => "updated",
        (Action::Update { empties: true, .. }, false) => "emptied",
        (Action::Adopt { .. }, false) => "adopted",
        (Action::Delete, false) => "deleted",
        (Action::Create, true) => "would create",
        (Action::Update { empties: false, .. }, true) => "would update",
        (Action::Update { empties: true, .. }, true) => "would empty",
        (Action::Adopt { .. }, true) => "would adopt",
        (Action::Delete, true) => "would delete",
    }
}
