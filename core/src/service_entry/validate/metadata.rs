//! `metadata`: name, namespace, labels, annotations, by the rules of the API server.

use serde_json::Value;

use super::finding::{Findings, Path, Quoted};
use super::read::{Object, wrong_type};
use super::rule::Rule;
use crate::service_entry::names::{is_dns_label, is_label_value, is_qualified_name, is_subdomain};
use crate::service_entry::{WAYPOINT_LABEL, is_waypoint};

/// The metadata that the rules of the spec depend on.
#[derive(Debug, Default)]
pub(super) struct Metadata<'a> {
    pub(super) namespace: Option<&'a str>,
    /// Whether a label refuses it. The settings of Istio itself are unknown here.
    pub(super) refuses_auto_allocation: bool,
    pub(super) uses_waypoint: bool,
}

const STRINGS: [&str; 7] = [
    "creationTimestamp",
    "deletionTimestamp",
    "generateName",
    "name",
    "namespace",
    "resourceVersion",
    "uid",
];
const FIELDS: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];
/// Istio rejects an entry with one of these.
const RESERVED: [(&str, &str); 4] = [
    ("internal.istio.io/parent-namespace", "it is reserved for Istio, and must not be set"),
    ("internal.istio.io/parents", "it is reserved for Istio, and must not be set"),
    ("internal.istio.io/webhook-always-reject", "it makes Istio reject the entry"),
    ("istio.io/dry-run", "it is supported only for AuthorizationPolicy"),
];
/// The API server's limit for all annotations together, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

pub(super) fn check<'a>(
    value: Option<&'a Value>,
    at: &Path<'_>,
    findings: &mut Findings,
) -> Metadata<'a> {
    let Some(value) = value else {
        findings.report(Rule::InvalidName, &at.key("name"), format!("it is missing, {NAME}"));
        return Metadata::default();
    };
    let Some(metadata) = Object::new(value, at, &FIELDS, findings) else {
        return Metadata::default();
    };
    for key in STRINGS {
        metadata.text(key, usize::MAX, findings);
    }
    check_name(metadata, findings);
    let namespace = metadata
        .field("namespace")
        .and_then(Value::as_str)
        .filter(|namespace| !namespace.is_empty());
    if let Some(namespace) = namespace.filter(|namespace| !is_dns_label(namespace)) {
        let expected =
            "expected a DNS label: at most 63 lower-case letters, digits and inner hyphens";
        findings.report(
            Rule::InvalidNamespace,
            &at.key("namespace"),
            format!("it is {}, {expected}", Quoted(namespace)),
        );
    }
    let labels = strings(metadata, "labels", findings);
    for label in &labels {
        check_label(*label, &at.key("labels"), findings);
    }
    check_annotations(
        &strings(metadata, "annotations", findings),
        &at.key("annotations"),
        findings,
    );
    let label = |name| labels.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let allocates = label("networking.istio.io/enable-autoallocate-ip");
    Metadata {
        namespace,
        refuses_auto_allocation: allocates.is_some_and(|value| value.eq_ignore_ascii_case("false")),
        uses_waypoint: label(WAYPOINT_LABEL).is_some_and(is_waypoint),
    }
}

const NAME: &str =
    "expected a DNS subdomain: at most 253 lower-case letters, digits, dots and inner hyphens";

fn check_name(metadata: Object<'_, '_>, findings: &mut Findings) {
    let at = metadata.at.key("name");
    let set = |key| metadata.field(key).filter(|value| value.as_str() != Some(""));
    match (set("name").map(Value::as_str), set("generateName").map(Value::as_str)) {
        (Some(Some(name)), _) if !is_subdomain(name) => {
            findings.report(Rule::InvalidName, &at, format!("it is {}, {NAME}", Quoted(name)));
        }
        (None, Some(Some(prefix))) if !is_subdomain(&generated(prefix)) => {
            findings.report(
                Rule::InvalidName,
                &metadata.at.key("generateName"),
                format!("it is {}, {NAME}", Quoted(prefix)),
            );
        }
        (None, None) => findings.report(Rule::InvalidName, &at, format!("it is missing, {NAME}")),
        _ => {}
    }
}

/// The API server truncates the prefix and adds five letters or digits.
fn generated(prefix: &str) -> String {
    format!("{}aaaaa", prefix.get(..58).unwrap_or(prefix))
}

/// A map of strings; a null counts as an empty string.
fn strings<'a>(
    metadata: Object<'a, '_>,
    key: &str,
    findings: &mut Findings,
) -> Vec<(&'a str, &'a str)> {
    let at = metadata.at.key(key);
    let Some(value) = metadata.field(key) else { return Vec::new() };
    let Some(map) = value.as_object() else {
        wrong_type(value, &at, "an object", findings);
        return Vec::new();
    };
    let mut strings = Vec::with_capacity(map.len());
    for (key, value) in map {
        match value {
            Value::Null => strings.push((key.as_str(), "")),
            Value::String(value) => strings.push((key.as_str(), value.as_str())),
            other => wrong_type(other, &at.key(key), "a string", findings),
        }
    }
    strings
}

fn check_label((key, value): (&str, &str), at: &Path<'_>, findings: &mut Findings) {
    let at = at.key(key);
    if !is_qualified_name(key) {
        findings.report(Rule::InvalidLabel, &at, format!("the key is {}, {KEY}", Quoted(key)));
    }
    if !is_label_value(value) {
        let expected =
            "expected at most 63 letters, digits, `-`, `_` and `.`, a letter or digit at both ends";
        findings.report(Rule::InvalidLabel, &at, format!("it is {}, {expected}", Quoted(value)));
    }
}

const KEY: &str =
    "expected [PREFIX/]NAME, a DNS subdomain and at most 63 letters, digits, `-`, `_` and `.`";

fn check_annotations(annotations: &[(&str, &str)], at: &Path<'_>, findings: &mut Findings) {
    for (key, _) in annotations {
        // The API server compares in lower case.
        if !is_qualified_name(&key.to_ascii_lowercase()) {
            findings.report(
                Rule::InvalidAnnotation,
                &at.key(key),
                format!("the key is {}, {KEY}", Quoted(key)),
            );
        }
        if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| reserved == key) {
            findings.report(Rule::ReservedAnnotation, &at.key(key), *why);
        }
    }
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > MAX_ANNOTATIONS {
        findings.report(
            Rule::InvalidAnnotation,
            at,
            format!("they have {size} bytes, but at most {MAX_ANNOTATIONS} are allowed"),
        );
    }
}
