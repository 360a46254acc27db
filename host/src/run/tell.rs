//! What a person reads: one line a change, one line a diagnostic, and nothing when nothing changed.

use istio_cloud_map_core::diagnostic::{Diagnostic, Severity};
use istio_cloud_map_core::operator::{Action, Write};

use crate::logging;

/// What the mind reports.
pub fn diagnostic(diagnostic: &Diagnostic) {
    let code = diagnostic.code.as_str();
    let (source, namespace, service) = (&diagnostic.source, &diagnostic.namespace, &diagnostic.service);
    let instance = diagnostic.instance.as_deref();
    if !logging::is_json() {
        return match diagnostic.severity {
            Severity::Error => tracing::error!("{diagnostic}"),
            Severity::Warning => tracing::warn!("{diagnostic}"),
            Severity::Info => tracing::info!("{diagnostic}"),
        };
    }
    match diagnostic.severity {
        Severity::Error => tracing::error!(code, source, namespace, service, instance, "{}", diagnostic.message),
        Severity::Warning => tracing::warn!(code, source, namespace, service, instance, "{}", diagnostic.message),
        Severity::Info => tracing::info!(code, source, namespace, service, instance, "{}", diagnostic.message),
    }
}

/// A write that was made.
pub fn written(write: &Write, dry_run: bool) {
    let (entry, endpoints) = (&write.key, write.endpoints);
    let verb = verb(&write.action, dry_run);
    match &write.action {
        Action::Delete => tracing::info!(%entry, "{verb}"),
        Action::Create | Action::Adopt { .. } => tracing::info!(%entry, endpoints, "{verb}"),
        Action::Update { fields, .. } => tracing::info!(%entry, endpoints, fields = fields.join(","), "{verb}"),
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
