//! The diagnostics of a translation.

use crate::cloud_map::{Instance, Record};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::order;

/// Collects diagnostics.
#[derive(Debug, Default)]
pub struct Report(Vec<Diagnostic>);

impl Report {
    /// Adds a diagnostic about a service as a whole.
    pub(super) fn service(
        &mut self,
        record: &Record,
        severity: Severity,
        code: Code,
        message: String,
    ) {
        self.push(record, severity, code, None, message);
    }

    /// Adds a warning about one instance.
    pub(super) fn instance(
        &mut self,
        record: &Record,
        instance: &Instance,
        code: Code,
        message: String,
    ) {
        let id = (!instance.id.is_empty()).then(|| instance.id.clone());
        self.push(record, Severity::Warning, code, id, message);
    }

    fn push(
        &mut self,
        record: &Record,
        severity: Severity,
        code: Code,
        instance: Option<String>,
        message: String,
    ) {
        self.0.push(Diagnostic {
            severity,
            code,
            source: record.source.clone(),
            namespace: record.namespace.name.clone(),
            service: record.service.name.clone(),
            instance,
            message,
        });
    }

    /// The diagnostics, sorted, without duplicates.
    pub(super) fn sorted(mut self) -> Vec<Diagnostic> {
        order::sort(&mut self.0);
        self.0.dedup();
        self.0
    }
}
