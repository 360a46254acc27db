//! The output: Istio's `ServiceEntry`, with the fields that are written.
//!
//! Fields are in the order in which they are written; empty lists are left out, since the CEL rules
//! of Istio's CRD test presence.

mod host;
mod ip;
mod names;
mod port_map;
mod protocol;
pub mod validate;

use serde::{Deserialize, Serialize};

pub use host::{Host, InvalidHost, canonical_host, host_problem, hosts_overlap};
pub use names::{is_dns_label, is_label_key, is_label_name, is_label_value};
pub use port_map::PortMap;
pub use protocol::{Protocol, UnknownProtocol};

pub(crate) use host::normalized;

use crate::sorted::SortedMap;

/// The label that marks entries of this program, and its value.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "istio-cloud-map");
/// The label of an entry's owner; its value is the operator's `--id`.
pub const OWNER_LABEL: &str = "istio-cloud-map/owner";

/// Whether a label or an annotation is ours to set, in every entry: no option may set it.
#[must_use]
pub fn is_reserved_key(key: &str) -> bool {
    key == MANAGED_BY.0 || key.starts_with("istio-cloud-map/")
}

/// The annotations of an entry. They are not labels, because a changed label costs the mesh a full
/// push.
pub mod annotation {
    /// The name of the source.
    pub const SOURCE: &str = "istio-cloud-map/source";
    /// The AWS region.
    pub const REGION: &str = "istio-cloud-map/region";
    /// The namespace's id (or ARN, if another account shares it); its name if no id is known.
    pub const NAMESPACE: &str = "istio-cloud-map/namespace-id";
    /// The service's id (or ARN); its name if no id is known.
    pub const SERVICE: &str = "istio-cloud-map/service-id";
    /// The AWS account that owns the service, if its ARN or that of its namespace is known.
    pub const ACCOUNT: &str = "istio-cloud-map/account";
    /// The `InstancesRevision` that the entry was made from.
    pub const REVISION: &str = "istio-cloud-map/revision";
    /// The keys of the labels that options set, separated by commas; absent if there are none. Such
    /// a label is removed when no option sets it any more; one of another writer is left alone.
    pub const ENTRY_LABELS: &str = "istio-cloud-map/entry-labels";
    /// The same for annotations.
    pub const ENTRY_ANNOTATIONS: &str = "istio-cloud-map/entry-annotations";
    /// A user sets it on any entry of a withheld removal to confirm the removal; the value is the
    /// token in the report.
    pub const CONFIRM_REMOVALS: &str = "istio-cloud-map/confirm-removals";
    /// Cloud Map JSON. An author sets it so that the policy compares the spec with its translation,
    /// or fills the spec from it.
    pub const CLOUD_MAP: &str = "istio-cloud-map/cloud-map";
}

/// Which version of `networking.istio.io` an entry is written in. The three have one schema.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), schemars(transform = crate::schema::pattern::with_short_versions))]
pub enum ApiVersion {
    /// Served by every Istio since 1.8.
    #[default]
    #[serde(rename = "networking.istio.io/v1beta1", alias = "v1beta1")]
    V1Beta1,
    /// Served since Istio 1.22.
    #[serde(rename = "networking.istio.io/v1", alias = "v1")]
    V1,
    /// The oldest version.
    #[serde(rename = "networking.istio.io/v1alpha3", alias = "v1alpha3")]
    V1Alpha3,
}

impl ApiVersion {
    /// `v1beta1`, `v1` or `v1alpha3`.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::V1Beta1 => "v1beta1",
            Self::V1 => "v1",
            Self::V1Alpha3 => "v1alpha3",
        }
    }
}

/// The kind, which is always the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub enum Kind {
    /// `ServiceEntry`
    #[default]
    ServiceEntry,
}

/// A whole `ServiceEntry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct ServiceEntry {
    /// The version it is written in.
    pub api_version: ApiVersion,
    /// Always `ServiceEntry`.
    pub kind: Kind,
    /// Name, labels, annotations.
    pub metadata: Metadata,
    /// What Istio reads.
    pub spec: Spec,
}

/// The part of Kubernetes' `ObjectMeta` that is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Metadata {
    /// `cloudmap-SERVICE.NAMESPACE`
    pub name: String,
    /// The Kubernetes namespace, if one is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub namespace: Option<String>,
    /// `app.kubernetes.io/managed-by`, `istio-cloud-map/owner`, and those of `entryLabels`.
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    #[cfg_attr(feature = "schema", ts(as = "std::collections::BTreeMap<String, String>"))]
    pub labels: SortedMap<String, String>,
    /// The origin of the entry, under `istio-cloud-map/`, and those of `entryAnnotations`.
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    #[cfg_attr(feature = "schema", ts(as = "std::collections::BTreeMap<String, String>"))]
    pub annotations: SortedMap<String, String>,
}

/// The label that names the waypoint of a service.
pub const WAYPOINT_LABEL: &str = "istio.io/use-waypoint";

/// Whether a value of [`WAYPOINT_LABEL`] names a waypoint.
#[must_use]
pub fn is_waypoint(name: &str) -> bool {
    !name.is_empty() && !name.eq_ignore_ascii_case("none")
}

/// Istio's `ServiceEntry.spec`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Spec {
    /// Lower case, no trailing dot.
    pub hosts: Vec<String>,
    /// Virtual IPs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Sorted by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ServicePort>,
    /// Absent unless an option sets it; Istio then treats the service as external.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub location: Option<Location>,
    /// How endpoints are found.
    pub resolution: Resolution,
    /// Sorted by address, then ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Which namespaces see it; all, if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub export_to: Vec<String>,
}

/// A port that clients connect to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct ServicePort {
    /// 1..=65535
    pub number: u16,
    /// Unique in the entry, at most 62 characters.
    pub name: String,
    /// `HTTP`, `TCP`, ...
    pub protocol: Protocol,
    /// The endpoints' port, if it differs and no endpoint has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub target_port: Option<u16>,
}

/// Where a service is, seen from the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum Location {
    /// Outside; no mutual TLS.
    MeshExternal,
    /// Part of the mesh.
    MeshInternal,
}

/// How Istio finds the endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub enum Resolution {
    /// As listed, all of them IP addresses.
    Static,
    /// By resolving the endpoints' names.
    Dns,
}

/// One endpoint, Istio's `WorkloadEntry`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Endpoint {
    /// An IP address or a host name.
    pub address: String,
    /// From a service port's name to this endpoint's own port.
    #[serde(default, skip_serializing_if = "PortMap::is_empty")]
    pub ports: PortMap,
    /// For subsets.
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    #[cfg_attr(feature = "schema", ts(as = "std::collections::BTreeMap<String, String>"))]
    pub labels: SortedMap<String, String>,
    /// `region/zone`, or the region alone
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub locality: Option<String>,
    /// 1..; absent is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub weight: Option<u32>,
}
