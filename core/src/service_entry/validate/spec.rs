//! `spec`: its fields are read one by one, and then held against each other.

use serde_json::Value;

use super::endpoints::{self, Endpoint};
use super::finding::{Findings, Quoted};
use super::metadata::Metadata;
use super::path::Path;
use super::ports::{self, Port};
use super::read::Object;
use super::resolution::{self, Resolution};
use super::rule::Rule;
use super::{addresses, export_to, hosts, selector};

const FIELDS: [&str; 9] = [
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

/// What could be read of a `spec`. Whatever has the wrong type has been said and is left out.
#[derive(Debug)]
pub(super) struct Spec<'a> {
    /// Nothing, if it is none that Istio knows; then no rule that depends on it says anything.
    pub(super) resolution: Option<Resolution>,
    pub(super) is_internal: bool,
    /// With their indices, as all lists here.
    pub(super) hosts: Vec<(usize, &'a str)>,
    pub(super) addresses: Vec<(usize, &'a str)>,
    pub(super) ports: Vec<Port<'a>>,
    /// The CRD's rules tell an empty list from none.
    pub(super) endpoints: Option<Vec<Endpoint<'a>>>,
    pub(super) has_selector: bool,
}

pub(super) fn check(value: &Value, metadata: &Metadata<'_>, findings: &mut Findings) {
    let at = Path::Root.key("spec");
    let Some(object) = Object::of(value, &at, &FIELDS, findings) else { return };
    let location = choice(object, "location", &["MESH_EXTERNAL", "MESH_INTERNAL"], findings);
    let resolution = match object.field("resolution") {
        Some(_) => {
            choice(object, "resolution", &Resolution::NAMES, findings).and_then(Resolution::of)
        }
        None => Some(Resolution::None),
    };
    let spec = Spec {
        resolution,
        is_internal: location == Some("MESH_INTERNAL"),
        hosts: hosts::read(object, resolution, findings),
        addresses: addresses::read(object, findings),
        ports: ports::read(object, findings),
        endpoints: endpoints::read(object, findings),
        has_selector: selector::check(object, resolution, findings),
    };
    ports::check(&spec, metadata, &at, findings);
    addresses::check(&spec, &at, findings);
    endpoints::check(&spec, &at, findings);
    resolution::check(&spec, metadata, &at, findings);
    export_to::check(object, metadata.namespace, findings);
    object.texts("subjectAltNames", usize::MAX, usize::MAX, findings);
}

/// The field's value, if it is one of these; if there is another, that is said.
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
        findings.say(Rule::UnknownValue, &spec.at.key(key), message);
    }
    is_known.then_some(text)
}
