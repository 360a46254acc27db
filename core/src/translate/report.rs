//! The diagnostics of a translation, and the reasons for what it does.

use super::explain::{About, Reason, Rule};
use crate::cloud_map::{Instance, Record};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::order;

/// Collects diagnostics, and reasons if somebody asks for them.
#[derive(Debug, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
    reasons: Option<Vec<Reason>>,
}

impl Report {
    /// A report that collects reasons, too.
    pub(super) const fn explaining() -> Self {
        Self { diagnostics: Vec::new(), reasons: Some(Vec::new()) }
    }

    pub(super) const fn is_explaining(&self) -> bool {
        self.reasons.is_some()
    }

    /// Adds why a rule decided as it did. The message is made only if somebody asks.
    pub(super) fn because(
        &mut self,
        rule: Rule,
        about: About<'_>,
        message: impl FnOnce() -> String,
    ) {
        if let Some(reasons) = &mut self.reasons {
            reasons.push(Reason::new(rule, about, message()));
        }
    }

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
        self.diagnostics.push(Diagnostic {
            severity,
            code,
            source: record.source.clone(),
            namespace: record.namespace.name.clone(),
            service: record.service.name.clone(),
            instance,
            message,
        });
    }

    /// The diagnostics, sorted, without duplicates, and the reasons, each in the order of the rules.
    pub(super) fn finish(mut self) -> (Vec<Diagnostic>, Vec<Reason>) {
        order::sort(&mut self.diagnostics);
        self.diagnostics.dedup();
        let mut reasons = self.reasons.unwrap_or_default();
        order::sort_by(&mut reasons, |a, b| a.key().cmp(&b.key()));
        reasons.dedup();
        (self.diagnostics, reasons)
    }
}
