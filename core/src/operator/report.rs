//! What is reported about entries: each diagnostic once, when it appears.

use super::{Effect, EntryKey, Observed, Operator, ServiceId};
use crate::diagnostic::{Code, Diagnostic, Severity};

const CONTESTED: &str = "what is stored is not what was written, again and again; an admission webhook, another controller or a second operator \
                         with other options changes it: repaired ever more rarely";

/// What a diagnostic is about: names, for a person.
pub(super) struct DiagnosticScope<'a> {
    pub source: &'a str,
    pub namespace: &'a str,
    pub service: &'a str,
}

impl DiagnosticScope<'static> {
    /// Every source.
    pub(super) const ALL: Self = Self::source("");
}

impl<'a> DiagnosticScope<'a> {
    /// A source as a whole.
    pub(super) const fn source(source: &'a str) -> Self {
        Self { source, namespace: "", service: "" }
    }

    pub(super) fn diagnostic(&self, severity: Severity, code: Code, message: String) -> Diagnostic {
        Diagnostic {
            severity,
            code,
            source: self.source.to_owned(),
            namespace: self.namespace.to_owned(),
            service: self.service.to_owned(),
            instance: None,
            message,
        }
    }

    pub(super) fn report(&self, severity: Severity, code: Code, message: String) -> Effect {
        Effect::Report(self.diagnostic(severity, code, message))
    }
}

impl Operator {
    /// Replaces what holds for an entry, and reports what is new.
    pub(super) fn report_entry(&mut self, key: &EntryKey, diagnostics: Vec<Diagnostic>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let before = std::mem::replace(&mut entry.reported, diagnostics.clone());
        let new = diagnostics.into_iter().filter(|diagnostic| !before.contains(diagnostic));
        let report = |diagnostic| Effect::ReportEntry { entry: key.clone(), diagnostic };
        self.effects.extend(new.map(report));
    }

    /// Reports the services that claim an entry and rank behind the first.
    pub(super) fn report_host_conflicts(&mut self, key: &EntryKey) {
        if self.merges() {
            return;
        }
        let mut claims = self.entries.get(key).into_iter().flat_map(|entry| &entry.claims);
        let Some(first) = claims.next().cloned() else { return };
        let message = format!(
            "service {} of namespace {} in source {} has this host already, and is ranked first",
            first.service, first.namespace, first.source
        );
        let is_new = |id: &&ServiceId| {
            self.service(id)
                .and_then(|state| state.conflict.as_ref())
                .is_none_or(|conflict| conflict.message != message)
        };
        let new: Vec<ServiceId> = claims.filter(is_new).cloned().collect();
        if let Some(state) = self.inventory.services.get_mut(&first) {
            state.conflict = None;
        }
        for id in new {
            let diagnostic =
                self.service_diagnostic(&id, Severity::Error, Code::HostConflict, message.clone());
            if let Some(state) = self.inventory.services.get_mut(&id) {
                state.conflict = Some(diagnostic.clone());
            }
            self.effects.push(Effect::Report(diagnostic));
        }
    }

    /// An entry that is not ours has the name or an overlapping host, and so ours is not written.
    pub(super) fn conflict_diagnostic(
        &self,
        key: &EntryKey,
        with: &EntryKey,
        owner: Option<&str>,
    ) -> Diagnostic {
        let owner = owner.map_or_else(
            || "has no owner label".to_owned(),
            |owner| format!("has the owner {owner:?}"),
        );
        let what = if with == key { "of this name" } else { "with an overlapping host" };
        let message = format!(
            "ServiceEntry {with} {what} {owner}: left alone; delete or rename it, or use --adopt for an unowned one of this name"
        );
        self.entry_diagnostic(key, Severity::Error, Code::Conflict, message)
    }

    /// An entry that is not ours has a host that overlaps one of ours: both stay.
    pub(super) fn overlap_diagnostic(&self, key: &EntryKey, other: &Observed) -> Diagnostic {
        let message = format!(
            "ServiceEntry {} has an overlapping host and is not ours: left alone; Istio uses the older one",
            other.key
        );
        self.entry_diagnostic(key, Severity::Warning, Code::Conflict, message)
    }

    pub(super) fn contested_diagnostic(&self, key: &EntryKey) -> Diagnostic {
        self.entry_diagnostic(key, Severity::Error, Code::WriteNotKept, CONTESTED.to_owned())
    }

    /// About an entry, by the service that has it; by its key, where no service claims it.
    pub(super) fn entry_diagnostic(
        &self,
        key: &EntryKey,
        severity: Severity,
        code: Code,
        message: String,
    ) -> Diagnostic {
        let claimant = self.entries.get(key).and_then(|entry| entry.claims.first());
        let Some(id) = claimant else {
            let scope = DiagnosticScope { service: &key.to_string(), ..DiagnosticScope::ALL };
            return scope.diagnostic(severity, code, message);
        };
        self.service_diagnostic(id, severity, code, message)
    }

    fn service_diagnostic(
        &self,
        id: &ServiceId,
        severity: Severity,
        code: Code,
        message: String,
    ) -> Diagnostic {
        let namespace = self.inventory.namespace(id).map(|namespace| namespace.info.name.as_str());
        let service = self.service(id).map(|state| state.info.name.as_str());
        let scope = DiagnosticScope {
            source: &id.source,
            namespace: namespace.unwrap_or(&id.namespace),
            service: service.unwrap_or(&id.service),
        };
        scope.diagnostic(severity, code, message)
    }
}
