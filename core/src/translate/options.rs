//! The options of a translation, one type for the command line, the configuration file and the wasm
//! modules.

use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::cidr::{Cidr, FORBIDDEN};
use super::entry_values::{self, EntryValue, EntryValues};
use super::overrides::Override;
use super::ports::PortSpec;
use crate::json;
use crate::order;
#[cfg(feature = "schema")]
use crate::schema::pattern;
use crate::service_entry::{
    ApiVersion, Location, Protocol, is_dns_label, is_label_key, is_label_name,
};
use crate::sorted::SortedMap;

/// How services are translated. Every field has the documented default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema, ts_rs::TS),
    schemars(title = "Translation options"),
    ts(rename = "TranslationOptions", optional_fields)
)]
pub struct Options {
    /// The value of the owner label: the operator's `--id`.
    #[serde(deserialize_with = "owner")]
    #[cfg_attr(
        feature = "schema",
        schemars(regex(pattern = "^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"))
    )]
    pub owner: String,
    /// The version that entries are written in.
    #[cfg_attr(feature = "schema", ts(type = "ApiVersion | \"v1beta1\" | \"v1\" | \"v1alpha3\""))]
    pub api_version: ApiVersion,
    /// The Kubernetes namespace written into entries; none, if absent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "namespace")]
    #[cfg_attr(
        feature = "schema",
        schemars(regex(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))
    )]
    pub target_namespace: Option<String>,
    /// Which instances are used, by their health.
    pub health: HealthMode,
    /// Which addresses of an instance with both an IPv4 and an IPv6 address are used.
    pub ip_family: IpFamily,
    /// Addresses that no endpoint may have. By default loopback, unspecified, link-local (including
    /// the metadata service) and multicast.
    pub deny_cidrs: Vec<Cidr>,
    /// Addresses that an endpoint may have although they are denied.
    pub allow_cidrs: Vec<Cidr>,
    /// From a label of endpoints to the attribute that has its value.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<LabelKey, String>", extend("propertyNames" = pattern::label_key_names())), ts(as = "std::collections::BTreeMap<LabelKey, String>"))]
    pub endpoint_labels: SortedMap<LabelKey, String>,
    /// Labels of the entry. Each value is a text, `{"attribute": KEY}` or `{"tag": KEY}`: the service
    /// attribute or the tag that has the value, where that is read; without it, there is no such
    /// label. A changed label makes Istio push its configuration to all proxies.
    #[serde(deserialize_with = "entry_values::labels")]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "pattern::entry_labels"),
        ts(as = "std::collections::BTreeMap<LabelKey, EntryValue>")
    )]
    pub entry_labels: EntryValues,
    /// Annotations of the entry, as `entryLabels`, with any text as a value.
    #[serde(deserialize_with = "entry_values::annotations")]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "pattern::entry_annotations"),
        ts(as = "std::collections::BTreeMap<LabelKey, EntryValue>")
    )]
    pub entry_annotations: EntryValues,
    /// The attribute that has an endpoint's weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_attribute: Option<String>,
    /// Whether a service without endpoints has an entry.
    pub empty_service: EmptyService,
    /// Which virtual addresses an entry has.
    pub addresses: Addresses,
    /// Which data plane the clients use.
    pub mesh: Mesh,
    /// The protocol of a port by its number, beside 80 `HTTP` and 443 `HTTPS`.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<u16, Protocol>", extend("propertyNames" = pattern::port_names())), ts(as = "std::collections::BTreeMap<u16, Protocol>"))]
    #[serde(deserialize_with = "protocols_by_number")]
    pub protocols: SortedMap<u16, Protocol>,
    /// The service port for host-mapped ports of ECS, `name:number`. A target port is ignored.
    pub dynamic_port: PortSpec,
    /// Where services are, seen from the mesh; left out, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Which Kubernetes namespaces see the entries; all, if empty.
    #[serde(skip_serializing_if = "ExportTo::is_empty")]
    pub export_to: ExportTo,
    /// How two services that claim one host are handled.
    pub conflicts: Conflicts,
    /// Options for single services. If several match, the first that sets a field decides it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

/// From JSON. The error has the path of what is wrong, and is in the words of JSON.
impl FromStr for Options {
    type Err = String;

    fn from_str(json: &str) -> Result<Self, String> {
        json::read(json).map_err(String::from)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            owner: "istio-cloud-map".to_owned(),
            api_version: ApiVersion::default(),
            target_namespace: None,
            health: HealthMode::default(),
            ip_family: IpFamily::default(),
            deny_cidrs: FORBIDDEN.to_vec(),
            allow_cidrs: Vec::new(),
            endpoint_labels: SortedMap::new(),
            entry_labels: EntryValues::new(),
            entry_annotations: EntryValues::new(),
            weight_attribute: None,
            empty_service: EmptyService::default(),
            addresses: Addresses::default(),
            mesh: Mesh::default(),
            protocols: SortedMap::new(),
            dynamic_port: PortSpec::http(),
            location: None,
            export_to: ExportTo::default(),
            conflicts: Conflicts::default(),
            overrides: Vec::new(),
        }
    }
}

impl Options {
    /// Whether a label or an annotation of an entry has a value that this tests.
    pub(crate) fn any_entry_value(&self, test: fn(&EntryValue) -> bool) -> bool {
        let overrides = self.overrides.iter().flat_map(|o| [&o.entry_labels, &o.entry_annotations]);
        [&self.entry_labels, &self.entry_annotations]
            .into_iter()
            .chain(overrides)
            .flat_map(EntryValues::iter)
            .any(|(_, value)| test(value))
    }
}

/// Reads an owner: a label value that is not empty.
fn owner<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_label_name(&text) {
        return Ok(text);
    }
    let expected = "1 to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
    Err(D::Error::custom(format_args!("`{text}` is not a valid label value; expected {expected}")))
}

/// Reads the name of a Kubernetes namespace.
fn namespace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    if is_dns_label(&text) {
        return Ok(Some(text));
    }
    let expected = "at most 63 lower-case letters, digits and inner hyphens";
    Err(D::Error::custom(format_args!(
        "`{text}` is not a valid namespace name; expected {expected}"
    )))
}

/// Reads the protocols of ports by their numbers; 0 is not a port.
fn protocols_by_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SortedMap<u16, Protocol>, D::Error> {
    let protocols = SortedMap::<u16, Protocol>::deserialize(deserializer)?;
    if protocols.contains_key(&0) {
        return Err(D::Error::custom("0 is not a valid port; expected numbers in 1..=65535"));
    }
    Ok(protocols)
}

/// Which instances are used, by their health. One of unknown health counts as healthy: it has no
/// check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum HealthMode {
    /// The healthy ones; all, if none is.
    #[default]
    HealthyOrElseAll,
    /// The healthy ones.
    Healthy,
    /// All.
    All,
}

/// Which addresses of an instance with both families are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum IpFamily {
    /// IPv4; IPv6 where there is none.
    #[default]
    PreferIpv4,
    /// IPv6; IPv4 where there is none.
    PreferIpv6,
    /// Both, as two endpoints.
    Dual,
}

/// Whether a service without endpoints has an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum EmptyService {
    /// An entry without endpoints, so that clients get a 503.
    #[default]
    Keep,
    /// No entry.
    Omit,
}

/// Which virtual addresses an entry has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum Addresses {
    /// The IP of a single endpoint. With more endpoints: up to 16 IPs if a port is not routed by
    /// name, else none. In an ambient mesh: none.
    #[default]
    Auto,
    /// None.
    None,
    /// The endpoints' IPs, up to 64.
    Endpoints,
}

/// Which data plane the clients use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum Mesh {
    /// Sidecars.
    #[default]
    Sidecar,
    /// Istio's ambient mode, for some clients or for all. `addresses: auto` lists none, since
    /// ztunnel takes a call to an endpoint's IP to the endpoint, past the waypoint of the service.
    Ambient,
    /// Whichever the cluster has: ambient, if its istiod serves that. The operator asks the cluster
    /// when it starts and when its configuration changes; where there is none to ask, sidecars.
    Auto,
}

/// How two services that claim one host are handled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum Conflicts {
    /// The first by source, namespace id and service id gets the host; the others are reported.
    #[default]
    Refuse,
    /// One entry of all of them, each endpoint with its own region.
    Merge,
}

/// A label's key: `[PREFIX/]NAME`, as Kubernetes and Istio accept it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), schemars(extend("pattern" = pattern::label_key())), ts(type = "string"))]
pub struct LabelKey(String);

/// The text is not a label key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a valid label key; expected `[prefix/]name` of letters, digits, `-`, `_` and `.`"
)]
pub struct InvalidLabelKey(String);

impl LabelKey {
    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LabelKey {
    type Error = InvalidLabelKey;

    fn try_from(key: String) -> Result<Self, InvalidLabelKey> {
        if is_label_key(&key) { Ok(Self(key)) } else { Err(InvalidLabelKey(key)) }
    }
}

impl From<LabelKey> for String {
    fn from(key: LabelKey) -> Self {
        key.0
    }
}

/// Kubernetes namespaces that see an entry: names, `.` for its own, or `*` or `~` (all, none)
/// alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), schemars(extend("anyOf" = pattern::export_to())), ts(type = "Array<string>"))]
pub struct ExportTo(Vec<String>);

/// Istio would reject the list as `exportTo`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not allowed in exportTo; expected distinct names of namespaces and `.`, or only `*` or `~`"
)]
pub struct InvalidExportTo(String);

impl ExportTo {
    /// Whether all namespaces see it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<Vec<String>> for ExportTo {
    type Error = InvalidExportTo;

    fn try_from(mut names: Vec<String>) -> Result<Self, InvalidExportTo> {
        order::sort(&mut names);
        let alone = names.len() == 1;
        let twice = names.array_windows().find(|[a, b]| a == b).map(|[a, _]| a);
        let bad = names.iter().find(|name| {
            !(*name == "." || is_dns_label(name) || (alone && matches!(name.as_str(), "*" | "~")))
        });
        match bad.or(twice) {
            Some(bad) => Err(InvalidExportTo(bad.clone())),
            None => Ok(Self(names)),
        }
    }
}

impl From<ExportTo> for Vec<String> {
    fn from(export_to: ExportTo) -> Self {
        export_to.0
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_defaults_are_written_and_read_back() {
        let text = serde_json::to_string(&Options::default()).unwrap();
        assert_eq!(serde_json::from_str::<Options>(&text).unwrap(), Options::default());
        assert_eq!(serde_json::from_str::<Options>("{}").unwrap(), Options::default());
    }

    #[test]
    fn every_option_can_be_set_in_json() {
        let options: Options = serde_json::from_str(
            r#"{"health": "healthy", "ipFamily": "dual", "denyCidrs": ["10.0.0.0/8"], "allowCidrs": ["127.0.0.1"], "emptyService": "omit",
                "endpointLabels": {"version": "VERSION"}, "weightAttribute": "weight", "addresses": "endpoints", "mesh": "ambient", "dynamicPort": "grpc:90",
                "entryLabels": {"team": "a"}, "entryAnnotations": {"note": {"tag": "Note"}},
                "protocols": {"8080": "http"}, "location": "MESH_INTERNAL", "exportTo": ["."], "conflicts": "merge", "apiVersion": "v1",
                "overrides": [{"namespace": "prod*", "service": "web", "ports": "http:80", "exclude": false}]}"#,
        )
        .unwrap();
        assert_eq!(options.protocols.get(&8080), Some(&Protocol::Http));
        assert_eq!(options.overrides.len(), 1);
    }

    #[test]
    fn unknown_keys_and_bad_values_are_refused() {
        for text in [
            r#"{"heath": "all"}"#,
            r#"{"owner": ""}"#,
            r#"{"owner": "a b"}"#,
            r#"{"targetNamespace": "Prod"}"#,
            r#"{"targetNamespace": ""}"#,
            r#"{"overrides": [{"servce": "a"}]}"#,
            r#"{"endpointLabels": {"a/b/c": "X"}}"#,
            r#"{"exportTo": ["*", "a"]}"#,
            r#"{"exportTo": ["a", "a"]}"#,
            r#"{"denyCidrs": ["localhost"]}"#,
            r#"{"overrides": [{"host": "a_b"}]}"#,
            r#"{"overrides": [{"host": "*.b"}]}"#,
            r#"{"protocols": {"http": "HTTP"}}"#,
            r#"{"protocols": {"0": "HTTP"}}"#,
        ] {
            assert!(serde_json::from_str::<Options>(text).is_err(), "{text}");
        }
    }
}
