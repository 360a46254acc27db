//! The whole document.

use serde_json::Value;

use super::finding::{Findings, Quoted};
use super::path::Path;
use super::read::{Object, wrong_type};
use super::rule::Rule;
use super::{metadata, spec};

const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
const API_VERSIONS: [&str; 3] =
    ["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"];

pub(super) fn check(entry: &Value, findings: &mut Findings) {
    let Some(entry) = Object::of(entry, &Path::Root, &FIELDS, findings) else { return };
    one_of(entry, "apiVersion", &API_VERSIONS, findings);
    one_of(entry, "kind", &["ServiceEntry"], findings);
    let at = Path::Root.key("metadata");
    let metadata = metadata::check(entry.field("metadata"), &at, findings);
    // `status` is not read: the API server takes it from nobody but its own subresource.
    let Some(spec) = entry.required("spec", findings) else { return };
    spec::check(spec, &metadata, findings);
}

/// Says what is wrong unless the field has one of these values.
fn one_of(entry: Object<'_, '_>, key: &str, values: &[&str], findings: &mut Findings) {
    let at = entry.at.key(key);
    match entry.required(key, findings).map(|value| value.as_str().ok_or(value)) {
        Some(Ok(text)) if !values.contains(&text) => {
            findings.say(
                Rule::UnknownValue,
                &at,
                format!("it is {}, expected {}", Quoted(text), values.join(", ")),
            );
        }
        Some(Err(value)) => wrong_type(value, &at, "a string", findings),
        Some(Ok(_)) | None => {}
    }
}
