//! Whether Istio and the API server accept a `ServiceEntry`, and whether it works as intended.
//!
//! Three sets of rules apply before an entry is stored: the schema of Istio's CRD with its CEL
//! rules, the API server's rules for the metadata of any object, and `ValidateServiceEntry` in
//! Istio's webhook (`pkg/config/validation`). An entry that one of them rejects is an error here;
//! an entry that they accept but that probably does not work as intended is a warning.
//! [`Rule::source`] is the set that a rule belongs to.
//!
//! The API server prunes before it validates: a field that the schema does not know and a null in
//! an object count as absent. This module does the same.
//!
//! [`Rule`] is the list of all rules. Each file checks the fields that it is named after; the file
//! `read` reports wrong types, missing and unknown fields.

mod endpoints;
mod finding;
mod hosts_and_addresses;
mod metadata;
mod ports;
mod read;
mod resolution;
mod rule;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use finding::Finding;
pub(crate) use finding::Quoted;
pub use rule::{Rule, Source};

use super::names::is_istio_label;
use endpoints::Endpoint;
use finding::{Findings, Path};
use hosts_and_addresses::{check_addresses, read_addresses, read_hosts};
use metadata::Metadata;
use ports::Port;
use read::{Object, repeats, text, wrong_type};
use resolution::Resolution;

/// All errors and warnings about one `ServiceEntry`, in the order of its fields.
///
/// ```
/// use istio_cloud_map_core::service_entry::validate::{Rule, validate};
///
/// let entry = serde_json::json!({
///     "apiVersion": "networking.istio.io/v1",
///     "kind": "ServiceEntry",
///     "metadata": {"name": "web"},
///     "spec": {"hosts": ["web.shop"], "ports": [{"number": 0, "name": "http", "protocol":
///     "HTTP"}], "resolution": "DNS"}, }); let findings = validate(&entry);
///     assert_eq!(findings[0].rule, Rule::InvalidPort); assert_eq!(findings[0].to_string(),
///     "error[InvalidPort] spec.ports[0].number: it is 0, expected 1..=65535");
/// ```
#[must_use]
pub fn validate(entry: &Value) -> Vec<Finding> {
    let mut findings = Findings::default();
    check_entry(entry, &mut findings);
    findings.into_list()
}

const ENTRY_FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
const API_VERSIONS: [&str; 3] =
    ["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"];

fn check_entry(entry: &Value, findings: &mut Findings) {
    let Some(entry) = Object::new(entry, &Path::Root, &ENTRY_FIELDS, findings) else { return };
    one_of(entry, "apiVersion", &API_VERSIONS, findings);
    one_of(entry, "kind", &["ServiceEntry"], findings);
    let at = Path::Root.key("metadata");
    let metadata = metadata::check(entry.field("metadata"), &at, findings);
    // `status` is not read: the API server accepts it only in its own subresource.
    let Some(spec) = entry.required("spec", findings) else { return };
    check_spec(spec, &metadata, findings);
}

/// Checks that a required field has one of these values.
fn one_of(entry: Object<'_, '_>, key: &str, values: &[&str], findings: &mut Findings) {
    let at = entry.at.key(key);
    match entry.required(key, findings).map(|value| value.as_str().ok_or(value)) {
        Some(Ok(text)) if !values.contains(&text) => {
            findings.report(
                Rule::UnknownValue,
                &at,
                format!("it is {}, expected {}", Quoted(text), values.join(", ")),
            );
        }
        Some(Err(value)) => wrong_type(value, &at, "a string", findings),
        Some(Ok(_)) | None => {}
    }
}

const SPEC_FIELDS: [&str; 9] = [
    "addresses",
    "endpoints",
    "exportTo",
    "hosts",
    "location",
    "ports",
    "resolution",
    "subjectAltNames",
    "workloadSelector",
];

/// The readable parts of a `spec`. A value of the wrong type is reported and left out.
#[derive(Debug)]
struct Spec<'a> {
    /// None if Istio does not know it; then the rules that depend on it do not apply.
    resolution: Option<Resolution>,
    is_internal: bool,
    /// With their indices, like all lists here.
    hosts: Vec<(usize, &'a str)>,
    addresses: Vec<(usize, &'a str)>,
    ports: Vec<Port<'a>>,
    /// The CRD's rules distinguish an empty list from an absent one.
    endpoints: Option<Vec<Endpoint<'a>>>,
    has_selector: bool,
}

/// Reads the fields of the spec one by one, and then checks them against each other.
fn check_spec(value: &Value, metadata: &Metadata<'_>, findings: &mut Findings) {
    let at = Path::Root.key("spec");
    let Some(object) = Object::new(value, &at, &SPEC_FIELDS, findings) else { return };
    let location = choice(object, "location", &["MESH_EXTERNAL", "MESH_INTERNAL"], findings);
    let resolution = match object.field("resolution") {
        Some(_) => choice(object, "resolution", &Resolution::NAMES, findings)
            .and_then(Resolution::from_name),
        None => Some(Resolution::None),
    };
    let spec = Spec {
        resolution,
        is_internal: location == Some("MESH_INTERNAL"),
        hosts: read_hosts(object, resolution, findings),
        addresses: read_addresses(object, findings),
        ports: ports::read(object, findings),
        endpoints: endpoints::read(object, findings),
        has_selector: check_selector(object, resolution, findings),
    };
    ports::check(&spec, metadata, &at, findings);
    check_addresses(&spec, &at, findings);
    endpoints::check(&spec, &at, findings);
    resolution::check(&spec, metadata, &at, findings);
    check_export_to(object, metadata.namespace, findings);
    object.texts("subjectAltNames", usize::MAX, usize::MAX, findings);
}

/// The field's value, if it is one of these; any other is reported.
fn choice<'a>(
    spec: Object<'a, '_>,
    key: &str,
    values: &[&str],
    findings: &mut Findings,
) -> Option<&'a str> {
    let text = spec.text(key, usize::MAX, findings)?;
    let is_known = values.contains(&text);
    if !is_known {
        let message = format!("it is {}, expected {}", Quoted(text), values.join(", "));
        findings.report(Rule::UnknownValue, &spec.at.key(key), message);
    }
    is_known.then_some(text)
}

/// Checks `workloadSelector`. Returns whether there is one.
fn check_selector(
    spec: Object<'_, '_>,
    resolution: Option<Resolution>,
    findings: &mut Findings,
) -> bool {
    let at = spec.at.key("workloadSelector");
    let Some(value) = spec.field("workloadSelector") else { return false };
    if resolution == Some(Resolution::None) {
        findings.report(Rule::SelectorNotUsed, &at, "resolution NONE does not use it");
    }
    if let Some(selector) = Object::new(value, &at, &["labels"], findings) {
        check_selector_labels(selector, findings);
    }
    true
}

fn check_selector_labels(selector: Object<'_, '_>, findings: &mut Findings) {
    let at = selector.at.key("labels");
    let labels = selector.map("labels", 256, findings);
    if labels.as_ref().map_or(selector.field("labels").is_none(), Vec::is_empty) {
        findings.report(
            Rule::EmptySelector,
            &at,
            "it has no label, so it selects every workload of the namespace",
        );
    }
    for (key, value) in labels.unwrap_or_default() {
        let at = at.key(key);
        let value = text(value, &at, 63, findings).unwrap_or_default();
        if key.is_empty() {
            findings.report(Rule::InvalidSelector, &at, "its key is empty");
        }
        if key.contains('*') || value.contains('*') {
            findings.report(
                Rule::InvalidSelector,
                &at,
                format!("the label is {} = {}, expected no wildcard", Quoted(key), Quoted(value)),
            );
        }
    }
}

/// Checks `exportTo`. `namespace` is the entry's own, if it has one.
fn check_export_to(spec: Object<'_, '_>, namespace: Option<&str>, findings: &mut Findings) {
    let at = spec.at.key("exportTo");
    let namespaces = spec.texts("exportTo", usize::MAX, usize::MAX, findings);
    let count = namespaces.len();
    let resolved = |name| if name == "." { namespace.unwrap_or(name) } else { name };
    let seen = repeats(namespaces.iter().map(|(index, name)| (resolved(*name), *index)));
    for (index, name) in namespaces {
        let at = at.index(index);
        if !matches!(name, "." | "*" | "~") && !is_istio_label(name) {
            let expected = "expected `.` (the same namespace), `*` (all), `~` (none) or the name of a namespace";
            findings.report(
                Rule::InvalidExportTo,
                &at,
                format!("it is {}, {expected}", Quoted(name)),
            );
        }
        if let Some(first) = seen.get(&index) {
            findings.report(
                Rule::DuplicateExportTo,
                &at,
                format!(
                    "{} is the same namespace as spec.exportTo[{first}]",
                    Quoted(resolved(name))
                ),
            );
        }
        if matches!(name, "*" | "~") && count > 1 {
            findings.report(
                Rule::ExportToNotAlone,
                &at,
                format!("{} must be the only item", Quoted(name)),
            );
        }
    }
}
