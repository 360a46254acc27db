//! All services at once, and what becomes of two that claim one host.

use std::collections::BTreeMap;

use super::Outcome;
use super::entry::Claim;
use super::options::{Conflicts, Options};
use super::report::Report;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::service_entry::ServiceEntry;

/// What became of all services.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Translated {
    /// Sorted by namespace and name.
    pub entries: Vec<ServiceEntry>,
    /// What was skipped, dropped or degraded, sorted.
    pub diagnostics: Vec<Diagnostic>,
}

/// Translates all services. Of several that claim one host the first by (source, namespace id, service id) has it, whether or not it has
/// an entry at the moment; with `conflicts: merge` they share it.
#[must_use]
pub fn translate_all(records: &[Record], options: &Options) -> Translated {
    let mut sorted: Vec<&Record> = records.iter().collect();
    sorted.sort_by_key(|record| record.key());
    let mut report = Report::default();
    let mut claims: BTreeMap<String, (Claim<'_>, Vec<&Record>)> = BTreeMap::new();
    for record in sorted {
        let Ok(claim) = Claim::of(record, options, &mut report) else { continue };
        let Some((holder, sharers)) = claims.get_mut(&claim.host) else {
            claims.insert(claim.host.clone(), (claim, vec![record]));
            continue;
        };
        match options.conflicts {
            Conflicts::Merge => sharers.push(record),
            Conflicts::Refuse => refuse(record, holder, &mut report),
        }
    }
    let outcomes = claims.into_values().map(|(claim, records)| claim.entry(&records, &mut report));
    let mut entries: Vec<ServiceEntry> = outcomes
        .filter_map(|outcome| match outcome {
            Outcome::Entry(entry) => Some(*entry),
            Outcome::Excluded | Outcome::Empty | Outcome::Failed => None,
        })
        .collect();
    entries.sort_by(|a, b| (&a.metadata.namespace, &a.metadata.name).cmp(&(&b.metadata.namespace, &b.metadata.name)));
    Translated { entries, diagnostics: report.sorted() }
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
