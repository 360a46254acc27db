//! Is a changed entry one that may be applied?

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::address::AddressRules;
use crate::diagnostic::Severity;
use crate::json;
use crate::order;
use crate::service_entry::validate::validate;
use crate::service_entry::{Endpoint, ServiceEntry};

/// The entry of an answer, its lists in the order in which every entry has them. `before` is the
/// entry that was asked about.
///
/// # Errors
/// What about it can't be applied.
pub(super) fn checked(
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

/// The path of a field that was said and is not kept. What is empty counts as not said.
fn lost(said: &Value, kept: &Value, at: &str) -> Option<String> {
    match (said, kept) {
        (Value::Object(said), Value::Object(kept)) => {
            said.iter().filter(|(_, value)| !is_empty(value)).find_map(|(key, value)| {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                match kept.get(key) {
                    Some(kept) => lost(value, kept, &path),
                    None => Some(path),
                }
            })
        }
        (Value::Array(said), Value::Array(kept)) => said
            .iter()
            .zip(kept)
            .enumerate()
            .find_map(|(index, (said, kept))| lost(said, kept, &format!("{at}[{index}]"))),
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

/// The first field that differs and may not: what identifies an entry, says whose it is, and is
/// remembered about it. Of two entries of one operator nobody compares the hosts, and so they stay
/// as they were given out.
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
