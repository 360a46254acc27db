//! A user's own change of an entry, made outside of the core: JSON goes out, JSON comes back, and
//! what comes back is judged here.

mod answer;
mod check;
mod request;
#[cfg(test)]
mod tests;

use std::fmt;

use super::Outcome;
use super::address::AddressRules;
use super::report::Report;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::service_entry::ServiceEntry;

/// Something that changes entries. It must be a function of its request: the same bytes in, the
/// same bytes out.
///
/// The request is `{"input": {"serviceEntry": {...}, "records": [...]}, "options": {}}`: the entry
/// as it would be applied, and the services that it was made of, each as in a snapshot (one, but
/// for `conflicts: merge`). The answer is `{"ok": {"serviceEntry": {...}}}`; `{"ok": null}`, which
/// leaves the service out; or `{"error": {"message": "..."}}`.
///
/// Of the entry `spec` may change, but for its hosts. What comes back is held to Istio's rules, to
/// the addresses that endpoints may have, and to the limits of any entry. Where that or the call
/// fails, the service keeps what was last applied, and [`Code::TransformFailed`] says why.
pub trait Transform: fmt::Debug + Send + Sync {
    /// The answer to a request.
    ///
    /// # Errors
    /// Why there is none, as the end of a sentence that begins with "the transformation".
    fn call(&self, request: &str) -> Result<Vec<u8>, String>;
}

/// What is done to each entry once it is made. A type of its own for "nothing", so that a program
/// that never transforms has no code for it.
pub(super) trait Step {
    fn apply(
        &self,
        entry: ServiceEntry,
        records: &[&Record],
        rules: &AddressRules<'_>,
        report: &mut Report,
    ) -> Outcome;
}

/// Nothing is done.
pub(super) struct Unchanged;

impl Step for Unchanged {
    fn apply(
        &self,
        entry: ServiceEntry,
        _: &[&Record],
        _: &AddressRules<'_>,
        _: &mut Report,
    ) -> Outcome {
        Outcome::Entry(Box::new(entry))
    }
}

impl Step for Option<&dyn Transform> {
    fn apply(
        &self,
        entry: ServiceEntry,
        records: &[&Record],
        rules: &AddressRules<'_>,
        report: &mut Report,
    ) -> Outcome {
        let Some(transform) = self else { return Unchanged.apply(entry, records, rules, report) };
        let said = |severity, code, message: String, report: &mut Report| {
            if let Some(record) = records.first() {
                report.service(record, severity, code, message);
            }
        };
        match transformed(*transform, &entry, records, rules) {
            Ok(Some(entry)) => Outcome::Entry(Box::new(entry)),
            Ok(None) => {
                said(
                    Severity::Info,
                    Code::Excluded,
                    "the service is left out: the transformation drops it".to_owned(),
                    report,
                );
                Outcome::Excluded
            }
            Err(why) => {
                let message = format!("the transformation {why}; what was last applied stays");
                said(Severity::Error, Code::TransformFailed, message, report);
                Outcome::Failed
            }
        }
    }
}

fn transformed(
    transform: &dyn Transform,
    entry: &ServiceEntry,
    records: &[&Record],
    rules: &AddressRules<'_>,
) -> Result<Option<ServiceEntry>, String> {
    let request = request::text(entry, records)?;
    let answer = transform.call(&request)?;
    let Some(changed) = answer::read(&answer)? else { return Ok(None) };
    check::checked(entry, changed, rules).map(Some)
}
