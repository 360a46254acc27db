//! What Istio and the API server would say.

use serde_json::Value;

use super::settings::Settings;
use super::verdict::{Reason, Rejection, first};
use crate::diagnostic::Severity;
use crate::service_entry::validate::{Finding, validate};

/// How many errors a message holds, and of how many bytes each.
const MOST_ERRORS: usize = 8;
const LONGEST_ERROR: usize = 400;

/// Rejects an entry that would be rejected, with all that is wrong with it; else the warnings about
/// it. What was wrong with `old`, whose spec is the same, is no error of this write.
pub(super) fn check(
    entry: &Value,
    old: Option<&Value>,
    settings: &Settings,
) -> Result<Vec<String>, Rejection> {
    let findings = validate(entry);
    let before: Vec<Finding> = old.map(validate).unwrap_or_default();
    let is_new_error =
        |finding: &&Finding| finding.severity == Severity::Error && !before.contains(*finding);
    let (errors, warnings): (Vec<_>, Vec<_>) = findings.iter().partition(is_new_error);
    let lines =
        |findings: Vec<_>| findings.into_iter().map(ToString::to_string).collect::<Vec<String>>();
    let mut errors = lines(errors);
    if settings.reject_invalid && !errors.is_empty() {
        return Err(Rejection::new(
            Reason::Invalid,
            first(&errors, MOST_ERRORS, LONGEST_ERROR).join("; "),
        ));
    }
    errors.extend(lines(warnings));
    Ok(errors)
}
