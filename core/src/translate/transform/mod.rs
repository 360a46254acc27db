//! A user's own change of an entry, made outside of the core: JSON goes out, JSON comes back, and
//! the answer is checked here.

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
                    "the service is left out: the transformation drops it".to_owned(),
                    report,
                );
                Outcome::Excluded
            }
            Err(why) => {
                let message = format!("the transformation {why}; what was last applied stays");
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

/// Empty: a request has the form of all calls.
#[derive(Serialize)]
struct NoOptions {}

/// The request about an entry. Cloud Map answers in a random order, which nothing that is computed
/// from it may depend on: instances and tags are sorted.
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
    serde_json::to_string(&request).map_err(|error| format!("can't be asked: {error}"))
}

/// How many characters of a module's own message are reported.
const LONGEST: usize = 500;

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

/// The text of the entry that it answers with; none, if it drops the service.
///
/// # Errors
/// If the answer is an error, or has another form.
fn read_answer(answer: &[u8]) -> Result<Option<&str>, String> {
    let text = str::from_utf8(answer)
        .map_err(|error| format!("answers with what is no UTF-8: {error}"))?;
    match json::read(text) {
        Ok(Answer::Ok(changed)) => Ok(changed.map(|changed| changed.service_entry.get())),
        Ok(Answer::Error(Failure { message })) => {
            Err(format!("answers with an error: {}", shortened(&message)))
        }
        Err(misread) => Err(format!(
            r#"gives no answer that can be read ({}); expected {{"ok": {{"serviceEntry": ...}}}}, {{"ok": null}} or {{"error": {{"message": ...}}}}"#,
            shortened(&misread.to_string())
        )),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end)) {
        Some(start) => format!("{start}..."),
        None => text.to_owned(),
    }
}

/// The entry of an answer, its lists in the order in which every entry has them. `before` is the
/// entry that was asked about.
///
/// # Errors
/// What about it can't be applied.
fn checked(
    before: &ServiceEntry,
    text: &str,
    rules: &AddressRules<'_>,
) -> Result<ServiceEntry, String> {
    let value: Value = json::read(text)
        .map_err(|misread| format!("answers with what is no ServiceEntry: {misread}"))?;
    accepted(&value)?;
    let mut entry: ServiceEntry = json::read(text)
        .map_err(|misread| format!("answers with an entry that can't be written: {misread}"))?;
    if let Some(path) = serde_json::to_value(&entry).ok().and_then(|kept| lost(&value, &kept, "")) {
        return Err(format!("sets {path}, which this operator does not write"));
    }
    if let Some(field) = changed(before, &entry) {
        return Err(format!(
            "changes {field}; only spec may change, and of it not the hosts, which an override or a hint decides"
        ));
    }
    let known: BTreeSet<&str> =
        before.spec.endpoints.iter().map(|endpoint| endpoint.address.as_str()).collect();
    let mut new = entry
        .spec
        .endpoints
        .iter()
        .map(|endpoint| endpoint.address.as_str())
        .filter(|address| !known.contains(address));
    if let Some(refused) = new.find_map(|address| rules.refusal("endpoint", address)) {
        return Err(format!("adds an endpoint that is refused: {refused}"));
    }
    order::sort_by(&mut entry.spec.ports, |a, b| a.number.cmp(&b.number));
    order::sort_by(&mut entry.spec.endpoints, Endpoint::cmp);
    Ok(entry)
}

/// Whether Istio and the API server accept it.
fn accepted(entry: &Value) -> Result<(), String> {
    let findings = validate(entry);
    let mut errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let Some(first) = errors.next() else { return Ok(()) };
    let more = match errors.count() {
        0 => String::new(),
        count => format!(" (and {count} more)"),
    };
    Err(format!("answers with an entry that would be rejected: {first}{more}"))
}

/// The path of a field that was set and is not kept. An empty value counts as absent.
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

/// The first field that differs and may not: the identity of an entry, its owner, its annotations.
/// The hosts of two entries of one operator are not compared again, so they may not change either.
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
