//! All services at once, and what becomes of two that claim one host.

use super::Outcome;
use super::entry::Claim;
use super::options::{Conflicts, Options};
use super::report::Report;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::order;
use crate::service_entry::ServiceEntry;

/// What became of all services.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Translated {
    /// Sorted by name.
    pub entries: Vec<ServiceEntry>,
    /// What was skipped, dropped or degraded, sorted.
    pub diagnostics: Vec<Diagnostic>,
}

/// Translates all services, as [`translate_each`] does, and keeps the entries.
#[must_use]
pub fn translate_all(records: &[Record], options: &Options) -> Translated {
    let mut entries = Vec::new();
    let diagnostics = translate_each(records, options, |entry| entries.push(entry));
    Translated { entries, diagnostics }
}

/// Translates all services and hands their entries out one by one, sorted by name. What was skipped, dropped or degraded is returned, sorted.
///
/// Of several that claim one host the first by (source, namespace id, service id) has it, whether or not it has an entry at the moment;
/// with `conflicts: merge` they share it.
pub fn translate_each(records: &[Record], options: &Options, mut take: impl FnMut(ServiceEntry)) -> Vec<Diagnostic> {
    let mut report = Report::default();
    for (claim, records) in claims(records, options, &mut report) {
        if let Outcome::Entry(entry) = claim.entry(&records, &mut report) {
            take(*entry);
        }
    }
    report.sorted()
}

/// Who claims which host, sorted by the name of the entry.
fn claims<'a>(records: &'a [Record], options: &'a Options, report: &mut Report) -> Vec<(Claim<'a>, Vec<&'a Record>)> {
    let mut sorted: Vec<&Record> = records.iter().collect();
    order::sort_by(&mut sorted, |a, b| a.key().cmp(&b.key()));
    let mut each: Vec<Claim<'_>> = sorted.into_iter().filter_map(|record| Claim::of(record, options, report).ok()).collect();
    // Those of one host stay in their order.
    order::sort_by(&mut each, |a, b| a.host.cmp(&b.host));
    let mut claims: Vec<(Claim<'_>, Vec<&Record>)> = Vec::with_capacity(each.len());
    for claim in each {
        let record = claim.record;
        match claims.last_mut().filter(|(holder, _)| holder.host == claim.host) {
            None => claims.push((claim, vec![record])),
            Some((_, sharers)) if options.conflicts == Conflicts::Merge => sharers.push(record),
            Some((holder, _)) => refuse(record, holder, report),
        }
    }
    order::sort_by(&mut claims, |(a, _), (b, _)| a.name.cmp(&b.name));
    claims
}

fn refuse(record: &Record, holder: &Claim<'_>, report: &mut Report) {
    let first = holder.record;
    let message = format!(
        "the host {} is that of the service {} in {} of source {} already, which comes first; rename one, give one a host by an override, or \
         set conflicts to merge",
        holder.host,
        first.service.key(),
        first.namespace.key(),
        first.source
    );
    report.service(record, Severity::Error, Code::HostConflict, message);
}
