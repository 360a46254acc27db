//! A user's transformation of an entry, run outside of the core: the request is JSON, and so is the
//! response, which is checked here.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Outcome;
use super::address::AddressRules;
use super::report::Report;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::service_entry::validate::validate;
use crate::service_entry::{Endpoint, ServiceEntry};
use crate::{json, order};

/// A transformation of entries. It must be a pure function of its request: the same bytes in, the
/// same bytes out.
///
/// The request is `{"input": {"serviceEntry": {...}, "records": [...]}, "options": {}}`: the entry
/// as it would be applied, and the services that it was made from, each as in a snapshot (one,
/// except with `conflicts: merge`). The answer is `{"ok": {"serviceEntry": {...}}}`; `{"ok":
/// null}`, which leaves the service out; or `{"error": {"message": "..."}}`.
///
/// Only `spec` may change, except for its hosts. The returned entry must follow Istio's rules, have
/// only endpoints with allowed addresses, and respect the limits of any entry. If it does not, or
/// if the call fails, the last applied entry is kept, and [`Code::TransformFailed`] has the reason.
pub trait Transform: fmt::Debug + Send + Sync {
    /// The answer to a request.
    ///
    /// # Errors
    /// The reason, as the end of a sentence that begins with "the transformation".
    fn call(&self, request: &str) -> Result<Vec<u8>, String>;
}

/// The last step of a translation. Without a transformation it is [`Unchanged`], so that a program
/// that never transforms contains no code for it.
pub trait Step {
    fn apply(
        &self,
        entry: ServiceEntry,
        records: &[&Record],
        rules: &AddressRules<'_>,
        report: &mut Report,
    ) -> Outcome;
}

/// The step without a transformation.
#[derive(Debug, Clone, Copy)]
pub struct Unchanged;

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
        let report_service = |severity, code, message: String, report: &mut Report| {
            if let Some(record) = records.first() {
                report.service(record, severity, code, message);
            }
        };
        match transformed(*transform, &entry, records, rules) {
            Ok(Some(entry)) => Outcome::Entry(Box::new(entry)),
            Ok(None) => {
                report_service(
                    Severity::Info,
                    Code::Excluded,
                    "the service is left out: the transformation dropped it".to_owned(),
                    report,
                );
                Outcome::Excluded
            }
            Err(reason) => {
                let message =
                    format!("the transformation {reason}; the last applied entry is kept");
                report_service(Severity::Error, Code::TransformFailed, message, report);
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
    let request = request_text(entry, records)?;
    let answer = transform.call(&request)?;
    let Some(changed) = read_answer(&answer)? else { return Ok(None) };
    checked(entry, changed, rules).map(Some)
}

#[derive(Serialize)]
struct Request<'a> {
    input: Input<'a>,
    options: NoOptions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    service_entry: &'a ServiceEntry,
    records: Vec<Record>,
}

/// Empty: a request has the form of all API calls.
#[derive(Serialize)]
struct NoOptions {}

/// The request for an entry. Instances and tags are sorted: Cloud Map returns them in a random
/// order, and the result must not depend on it.
fn request_text(entry: &ServiceEntry, records: &[&Record]) -> Result<String, String> {
    let records = records.iter().map(|record| {
        let mut record = (*record).clone();
        order::sort(&mut record.instances);
        order::sort(&mut record.tags);
        record
    });
    let request = Request {
        input: Input { service_entry: entry, records: records.collect() },
        options: NoOptions {},
    };
    serde_json::to_string(&request).map_err(|error| format!("can't be called: {error}"))
}

/// The maximum number of characters of a module's message that are reported.
const MAX_MESSAGE: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer<'a> {
    #[serde(borrow)]
    Ok(Option<Changed<'a>>),
    Error(Failure),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Changed<'a> {
    #[serde(borrow)]
    service_entry: &'a RawValue,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

/// The text of the entry in the answer; none if the transformation drops the service.
///
/// # Errors
/// If the answer is an error, or has another form.
fn read_answer(answer: &[u8]) -> Result<Option<&str>, String> {
    let text = str::from_utf8(answer)
        .map_err(|error| format!("returned text that is not valid UTF-8: {error}"))?;
    match json::read(text) {
        Ok(Answer::Ok(changed)) => Ok(changed.map(|changed| changed.service_entry.get())),
        Ok(Answer::Error(Failure { message })) => {
            Err(format!("returned an error: {}", shortened(&message)))
        }
        Err(misread) => Err(format!(
            r#"returned an invalid answer ({}); expected {{"ok": {{"serviceEntry": ...}}}}, {{"ok": null}} or {{"error": {{"message": ...}}}}"#,
            shortened(&misread.to_string())
        )),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE).and_then(|(end, _)| text.get(..end)) {
        Some(start) => format!("{start}..."),
        None => text.to_owned(),
    }
}

/// The entry of an answer, with its lists sorted as in every entry. `before` is the entry of the
/// request.
///
/// # Errors
/// Why the entry can't be applied.
fn checked(
    before: &ServiceEntry,
    text: &str,
    rules: &AddressRules<'_>,
) -> Result<ServiceEntry, String> {
    let value: Value = json::read(text)
        .map_err(|misread| format!("returned an invalid ServiceEntry: {misread}"))?;
    check_accepted(&value)?;
    let mut entry: ServiceEntry = json::read(text)
        .map_err(|misread| format!("returned an entry that can't be written: {misread}"))?;
    if let Some(path) = serde_json::to_value(&entry).ok().and_then(|kept| lost(&value, &kept, "")) {
        return Err(format!("sets {path}, which this operator does not write"));
    }
    if let Some(field) = changed(before, &entry) {
        return Err(format!(
            "changes {field}; only spec may change, without its hosts, which an override or a hint sets"
        ));
    }
    let existing: BTreeSet<&str> =
        before.spec.endpoints.iter().map(|endpoint| endpoint.address.as_str()).collect();
    let mut new = entry
        .spec
        .endpoints
        .iter()
        .map(|endpoint| endpoint.address.as_str())
        .filter(|address| !existing.contains(address));
    if let Some(refused) = new.find_map(|address| rules.refusal("endpoint", address)) {
        return Err(format!("adds an endpoint that is not allowed: {refused}"));
    }
    order::sort_by(&mut entry.spec.ports, |a, b| a.number.cmp(&b.number));
    order::sort_by(&mut entry.spec.endpoints, Endpoint::cmp);
    Ok(entry)
}

/// Checks that Istio and the API server accept it.
fn check_accepted(entry: &Value) -> Result<(), String> {
    let findings = validate(entry);
    let mut errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let Some(first) = errors.next() else { return Ok(()) };
    let more = match errors.count() {
        0 => String::new(),
        count => format!(" (and {count} more)"),
    };
    Err(format!("returned an entry that would be rejected: {first}{more}"))
}

/// The path of a field that was set but is not written. An empty value counts as absent.
fn lost(set: &Value, kept: &Value, at: &str) -> Option<String> {
    match (set, kept) {
        (Value::Object(set), Value::Object(kept)) => {
            set.iter().filter(|(_, value)| !is_empty(value)).find_map(|(key, value)| {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                match kept.get(key) {
                    Some(kept) => lost(value, kept, &path),
                    None => Some(path),
                }
            })
        }
        (Value::Array(set), Value::Array(kept)) => set
            .iter()
            .zip(kept)
            .enumerate()
            .find_map(|(index, (set, kept))| lost(set, kept, &format!("{at}[{index}]"))),
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The first field that differs but must not: the identity of an entry, its owner, its annotations.
/// The hosts must not change either: the hosts of one operator's entries are not compared again.
fn changed(before: &ServiceEntry, after: &ServiceEntry) -> Option<&'static str> {
    let (old, new) = (&before.metadata, &after.metadata);
    let kept = [
        ("apiVersion", before.api_version == after.api_version),
        ("metadata.name", old.name == new.name),
        ("metadata.namespace", old.namespace == new.namespace),
        ("metadata.labels", old.labels == new.labels),
        ("metadata.annotations", old.annotations == new.annotations),
        ("spec.hosts", before.spec.hosts == after.spec.hosts),
    ];
    kept.into_iter().find_map(|(field, same)| (!same).then_some(field))
}
