//! What was read from Cloud Map. The shapes are AWS's (`PascalCase` names, nesting), so a snapshot
//! holds them as AWS writes them; fields that we add are `camelCase`.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::document;
use crate::sorted::SortedMap;

/// A snapshot as it is written: the third shape that [`parse`](super::parse) reads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Snapshot<'a> {
    /// One record per service.
    pub services: &'a [Record],
}

/// A Cloud Map service: its namespace, its instances, and what else was read about it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "document::Wire<Instance, i64>")]
pub struct Record {
    /// The name of the source that it was read from.
    pub source: String,
    /// The AWS region it was read in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The namespace that the service is in.
    pub namespace: Namespace,
    /// The service.
    pub service: Service,
    /// `GetServiceAttributes`, if it was called.
    #[serde(skip_serializing_if = "SortedMap::is_empty")]
    pub service_attributes: SortedMap<String, String>,
    /// `ListTagsForResource`, if it was called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// In any order: Cloud Map returns them in a random one.
    pub instances: Vec<Instance>,
    /// `InstancesRevision`: above 2^53 in practice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances_revision: Option<i64>,
    /// What the mesh calls the zones of its instances, if that is not what they are called here.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "zone_names")]
    pub zones: Option<Arc<ZoneNames>>,
}

/// The names that zones have in another account, and what the mesh's own account calls them. AWS
/// shuffles the names: `us-east-1a` is another zone in each account.
pub type ZoneNames = SortedMap<String, String>;

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn zone_names<S: Serializer>(names: &Option<Arc<ZoneNames>>, to: S) -> Result<S::Ok, S::Error> {
    names.as_deref().serialize(to)
}

impl Record {
    /// What the mesh calls a zone of an instance, if that is known.
    #[must_use]
    pub fn zone_in_mesh<'a>(&'a self, zone: &'a str) -> Option<&'a str> {
        match &self.zones {
            None => Some(zone),
            Some(names) => names.get(zone).map(String::as_str),
        }
    }

    /// Its identity: source, namespace, service. Where the first record wins, this is the order.
    #[must_use]
    pub fn key(&self) -> (&str, &str, &str) {
        (&self.source, self.namespace.key(), self.service.key())
    }
}

/// The name of a source without a name.
pub const DEFAULT_SOURCE: &str = "default";

/// A namespace as `ListNamespaces` and `GetNamespace` return it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(rename = "CloudMapNamespace"))]
pub struct Namespace {
    /// `ns-...`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Needed to read a namespace that another account shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The second part of every host in it.
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<String>"))]
    pub name: String,
    /// `HTTP`, `DNS_PRIVATE` or `DNS_PUBLIC`
    #[serde(default, rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The account that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_owner: Option<String>,
    /// Holds the name that `DiscoverInstances` takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<NamespaceProperties>,
    /// Whether another account owns it: calls then use its ARN and name the owner.
    #[cfg_attr(feature = "schema", ts(skip))]
    #[serde(skip)]
    pub shared: bool,
}

/// The part of a namespace's properties that is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct NamespaceProperties {
    /// Absent in old responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_properties: Option<HttpProperties>,
}

/// The name of a namespace in `DiscoverInstances`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct HttpProperties {
    /// May differ from the namespace's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_name: Option<String>,
}

impl Namespace {
    /// Its identity in its source: its id, else its ARN, else its name.
    #[must_use]
    pub fn key(&self) -> &str {
        self.id.as_deref().or(self.arn.as_deref()).unwrap_or(&self.name)
    }

    /// Its name in `DiscoverInstances`: its `HttpName`, else its name.
    #[must_use]
    pub fn http_name(&self) -> &str {
        let http = self
            .properties
            .as_ref()
            .and_then(|p| p.http_properties.as_ref())
            .and_then(|h| h.http_name.as_deref());
        http.unwrap_or(&self.name)
    }
}

/// A service as `ListServices` and `GetService` return it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(rename = "CloudMapService"))]
pub struct Service {
    /// `srv-...`; a service that is recreated may have the same id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The first part of its host; `.` is the namespace itself.
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<String>"))]
    pub name: String,
    /// `HTTP`, `DNS_HTTP` or `DNS`
    #[serde(default, rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A Route 53 health check; its type is a hint for the protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_config: Option<HealthCheckConfig>,
    /// A health check with an externally reported status; only its presence counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(type = "object | null"))]
    pub health_check_custom_config: Option<HealthCheckCustomConfig>,
}

impl Service {
    /// Its identity in its namespace: its id, else its ARN, else its name.
    #[must_use]
    pub fn key(&self) -> &str {
        self.id.as_deref().or(self.arn.as_deref()).unwrap_or(&self.name)
    }

    /// Whether its instances have a health status. It changes without a new revision.
    #[must_use]
    pub const fn has_health_check(&self) -> bool {
        self.health_check_config.is_some() || self.health_check_custom_config.is_some()
    }
}

/// A health check by Route 53.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct HealthCheckConfig {
    /// `HTTP`, `HTTPS` or `TCP`
    #[serde(default, rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A custom health check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HealthCheckCustomConfig {}

/// A tag of the service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Tag {
    /// Its key.
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<String>"))]
    pub key: String,
    /// Its value.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<String>"))]
    pub value: String,
}

/// An instance as `DiscoverInstances` (`InstanceId`) or `ListInstances` (`Id`) returns it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Instance {
    /// Unique in its service; empty where the input has none.
    #[serde(rename = "InstanceId")]
    pub id: String,
    /// Absent in what `ListInstances` returns.
    pub health_status: Health,
    /// What was registered.
    pub attributes: SortedMap<String, String>,
}

/// An instance's health, as Cloud Map reports it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    /// The check passes.
    Healthy,
    /// The check fails.
    Unhealthy,
    /// There is no check, or it has not run yet. A new value from AWS counts as this one.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The account in an ARN: `arn:aws:servicediscovery:us-west-2:123456789012:namespace/ns-1`.
pub(crate) fn account_of(arn: Option<&str>) -> Option<&str> {
    arn?.split(':').nth(4).filter(|account| !account.is_empty())
}
