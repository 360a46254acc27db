//! An admission policy: a request and the policy's settings in, a verdict out, in Kubewarden's
//! form.
//!
//! The checks of a `ServiceEntry` that is created, updated or deleted, in this order:
//!
//! 1. [`Settings::protected_hosts`]: a host that only trusted users may have, in the new entry or
//!    in the stored one. [`Settings::protected_owners`]: the same for the entries of an operator, and
//!    for the hosts that these have in the cluster.
//! 2. [`Settings::source`]: the spec equals the translation of the Cloud Map JSON in an annotation,
//!    or is replaced by it. The hosts of that translation are checked again.
//! 3. [`Settings::reject_invalid`]: Istio and the API server accept it.
//!
//! Only changes are checked: an update that leaves the spec and the Cloud Map JSON as they are
//! skips 2 and reports no old errors in 3, and one that only removes finalizers of an entry that is
//! being deleted is accepted.
//!
//! Requests about other kinds are accepted. What can't be understood is rejected: wrong settings, a
//! malformed request, an unknown operation or version, a request without a user if the user
//! decides.

mod cloud_map;
mod difference;
mod owners;
mod protection;
mod request;
mod settings;
#[cfg(test)]
mod tests;
mod verdict;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

pub use owners::{InvalidOwner, ListEntries, Owner};
pub use protection::{InvalidProtectedHost, ProtectedHost};
pub use settings::{Empty, Name, Settings, SourceMode};
pub use verdict::{AuditKey, Reason, Verdict};

use crate::diagnostic::Severity;
use crate::service_entry::validate::{Finding, validate as findings};
use protection::StoredOrNew;
use request::{Request, Write};
use verdict::{Accepted, Rejection, first_lines};

/// How many errors a message has.
const MAX_ERRORS: usize = 8;
/// The maximum length of each of them in bytes.
const LONGEST_ERROR: usize = 400;

/// Validates `{"request": AdmissionRequest, "settings": {...}}` and returns a [`Verdict`] as JSON.
/// A wrong payload is a rejection, never a failure. `list` is only called with
/// [`Settings::protected_owners`].
#[must_use]
pub fn validate(payload: &[u8], list: ListEntries<'_>) -> String {
    let verdict = verdict_on(payload, list).unwrap_or_else(Verdict::rejected);
    written(&verdict, r#"{"accepted":false,"message":"the verdict can't be written as JSON"}"#)
}

/// Checks settings: JSON in, `{"valid": true}` or `{"valid": false, "message": "..."}` out.
#[must_use]
pub fn validate_settings(payload: &[u8]) -> String {
    let message = text(payload).and_then(Settings::parse).err();
    let answer = SettingsAnswer { valid: message.is_none(), message };
    written(&answer, r#"{"valid":false,"message":"the answer can't be written as JSON"}"#)
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    request: &'a RawValue,
    #[serde(borrow)]
    settings: &'a RawValue,
}

#[derive(Serialize)]
struct SettingsAnswer {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

fn verdict_on(payload: &[u8], list: ListEntries<'_>) -> Result<Verdict, Rejection> {
    let malformed = |message| Rejection::new(Reason::Malformed, message);
    let payload: Payload<'_> = serde_json::from_str(text(payload).map_err(malformed)?)
        .map_err(|error| malformed(format!("the payload: {error}")))?;
    let settings = Settings::parse(payload.settings.get())
        .map_err(|message| Rejection::new(Reason::Settings, message))?;
    match Request::parse(payload.request.get()).map_err(malformed)? {
        Request::Exempt(why) => Ok(Verdict::exempt(why)),
        Request::Write(write) => judge(&write, &settings, list),
    }
}

/// Runs the checks, one after another.
fn judge(
    write: &Write<'_>,
    settings: &Settings,
    list: ListEntries<'_>,
) -> Result<Verdict, Rejection> {
    if write.user.is_some() && write.change.only_finalizes() {
        return Ok(Verdict::exempt("finalizers"));
    }
    let mut accepted = Accepted {
        protected_host: protection::check(write, settings, list)?,
        ..Accepted::default()
    };
    let Some(new) = write.change.new_object() else { return Ok(Verdict::accepted(accepted)) };
    // An unchanged spec was checked when it was written, or is older than the policy: it must not
    // prevent an update of a label.
    let same = write.change.same_content();
    let translated = match settings.source {
        SourceMode::Off => None,
        _ if same.is_some() => None,
        SourceMode::Check | SourceMode::Fill => cloud_map::translate(&new.value, settings)?,
    };
    let filled = match &translated {
        Some(translated) if settings.source == SourceMode::Fill => translated.fill(new)?,
        Some(translated) => {
            translated.check(&new.value)?;
            None
        }
        None => None,
    };
    if let Some((_, entry)) = &filled {
        // The author of the annotation chose its hosts.
        let overlapped =
            protection::check_entry(entry, StoredOrNew::New, write.user.as_ref(), settings, list)?;
        accepted.protected_host = accepted.protected_host.or(overlapped);
    }
    accepted.warnings = translated.map(|translated| translated.warnings).unwrap_or_default();
    accepted.warnings.extend(check_validity(
        filled.as_ref().map_or(&new.value, |(_, entry)| entry),
        same.map(|old| &old.value),
        settings,
    )?);
    accepted.filled = filled.map(|(json, _)| json);
    Ok(Verdict::accepted(accepted))
}

/// Rejects an entry that Istio or the API server would reject, with its errors; otherwise returns
/// warnings. Errors that `old`, whose spec is the same, has too are warnings.
fn check_validity(
    entry: &Value,
    old: Option<&Value>,
    settings: &Settings,
) -> Result<Vec<String>, Rejection> {
    let found = findings(entry);
    let before: Vec<Finding> = old.map(findings).unwrap_or_default();
    let is_new_error =
        |finding: &&Finding| finding.severity == Severity::Error && !before.contains(*finding);
    let (errors, warnings): (Vec<_>, Vec<_>) = found.iter().partition(is_new_error);
    let lines =
        |findings: Vec<_>| findings.into_iter().map(ToString::to_string).collect::<Vec<String>>();
    let mut errors = lines(errors);
    if settings.reject_invalid && !errors.is_empty() {
        return Err(Rejection::new(
            Reason::Invalid,
            first_lines(&errors, MAX_ERRORS, LONGEST_ERROR).join("; "),
        ));
    }
    errors.extend(lines(warnings));
    Ok(errors)
}

fn text(payload: &[u8]) -> Result<&str, String> {
    str::from_utf8(payload).map_err(|error| format!("the payload is not UTF-8: {error}"))
}

fn written(answer: &impl Serialize, otherwise: &str) -> String {
    serde_json::to_string(answer).unwrap_or_else(|_| otherwise.to_owned())
}
