//! All services at once, and several services that claim one host.

use super::options::{Conflicts, Options};
use super::report::Report;
use super::transform::Step;
use super::{Claim, Outcome, Translator};
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::order;
use crate::service_entry::ServiceEntry;

/// The result of translating all services.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Translated {
    /// Sorted by name.
    pub entries: Vec<ServiceEntry>,
    /// What was skipped, dropped or degraded, sorted.
    pub diagnostics: Vec<Diagnostic>,
}

impl<S: Step> Translator<'_, S> {
    /// Translates all services, as [`Translator::translate_each`] does, and returns the entries.
    #[must_use]
    pub fn translate_all(&self, records: &[Record]) -> Translated {
        let mut entries = Vec::new();
        let diagnostics = self.translate_each(records, |entry| entries.push(entry));
        Translated { entries, diagnostics }
    }

    /// Translates all services and passes their entries to `take` one by one, sorted by name. What
    /// was skipped, dropped or degraded is returned, sorted.
    ///
    /// If several services claim one host, the first by (source, namespace id, service id) gets it,
    /// whether or not it has an entry at the moment; with `conflicts: merge` they share it. If a
    /// transformation drops a service, the next one that claims its host gets it.
    pub fn translate_each(
        &self,
        records: &[Record],
        mut take: impl FnMut(ServiceEntry),
    ) -> Vec<Diagnostic> {
        let mut report = Report::default();
        for claims in claims(records, self.options, &mut report) {
            let outcome = match self.options.conflicts {
                Conflicts::Merge => merged(&claims, &self.step, &mut report),
                Conflicts::Refuse => first(&claims, &self.step, &mut report),
            };
            if let Some(Outcome::Entry(entry)) = outcome {
                take(*entry);
            }
        }
        report.finish().0
    }
}

/// The claims to each host, sorted by the name of the entry.
fn claims<'a>(
    records: &'a [Record],
    options: &'a Options,
    report: &mut Report,
) -> Vec<Vec<Claim<'a>>> {
    let mut sorted: Vec<&Record> = records.iter().collect();
    order::sort_by(&mut sorted, |a, b| a.key().cmp(&b.key()));
    let mut each: Vec<Claim<'_>> =
        sorted.into_iter().filter_map(|record| Claim::new(record, options, report).ok()).collect();
    // Claims to one host keep their order.
    order::sort_by(&mut each, |a, b| a.host.cmp(&b.host));
    let mut claims: Vec<Vec<Claim<'_>>> = Vec::with_capacity(each.len());
    for claim in each {
        match claims
            .last_mut()
            .filter(|same| same.first().is_some_and(|first| first.host == claim.host))
        {
            Some(same) => same.push(claim),
            None => claims.push(vec![claim]),
        }
    }
    order::sort_by(&mut claims, |a, b| name(a).cmp(&name(b)));
    claims
}

/// The name of the entry for one host.
fn name<'c>(claims: &'c [Claim<'_>]) -> Option<&'c str> {
    claims.first().map(|claim| claim.name.as_str())
}

/// One entry for all claims to a host.
fn merged(claims: &[Claim<'_>], step: &impl Step, report: &mut Report) -> Option<Outcome> {
    let records: Vec<&Record> = claims.iter().map(|claim| claim.record).collect();
    Some(claims.first()?.entry(&records, None, step, report))
}

/// The entry for the first claim whose service is not dropped; the other claims are refused.
fn first(claims: &[Claim<'_>], step: &impl Step, report: &mut Report) -> Option<Outcome> {
    let mut claims = claims.iter();
    while let Some(claim) = claims.next() {
        let outcome = claim.entry(&[claim.record], None, step, report);
        if outcome == Outcome::Excluded {
            continue;
        }
        for other in claims {
            refuse(other.record, claim, report);
        }
        return Some(outcome);
    }
    None
}

fn refuse(record: &Record, accepted: &Claim<'_>, report: &mut Report) {
    let first = accepted.record;
    let message = format!(
        "the host {} is already used by service {} in {} of source {}, which sorts first; rename one of them, set another host with an \
         override, or set conflicts to merge",
        accepted.host,
        first.service.key(),
        first.namespace.key(),
        first.source
    );
    report.service(record, Severity::Error, Code::HostConflict, message);
}
