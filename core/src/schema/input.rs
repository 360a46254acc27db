//! What calls take that no type of the core describes. The parser reads them leniently and in one
//! pass, without a type for each shape; these are the shapes, as a caller may count on them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use ts_rs::TS;

use crate::cloud_map::{Namespace, Service, Tag};
use crate::diagnostic::Diagnostic;
use crate::service_entry::ServiceEntry;

/// Cloud Map JSON in one of its three shapes, told apart by their keys. Unknown keys are ignored.
#[derive(Debug, Serialize, TS)]
#[serde(untagged)]
pub enum CloudMapInput {
    /// One or several services, by the names on their instances.
    Discovered(DiscoverInstancesOutput),
    /// One service, named by the options.
    Listed(ListInstancesOutput),
    /// Services with all that is known of them.
    Snapshot(Snapshot),
}

/// What `aws servicediscovery discover-instances` prints: one or several services, by the names on
/// their instances.
#[derive(Debug, Serialize, TS)]
#[serde(rename_all = "PascalCase")]
pub struct DiscoverInstancesOutput {
    /// In any order. The type lets them be absent, as that of the AWS SDK does; without them the input
    /// is an error.
    #[ts(optional = nullable, as = "Option<Vec<DiscoveredInstance>>")]
    pub instances: Vec<DiscoveredInstance>,
    /// Above 2^53 in practice: a `number` is then not exact.
    #[ts(optional = nullable, type = "number | bigint | null")]
    pub instances_revision: Option<i64>,
}

/// An instance as `discover-instances` prints it.
#[derive(Debug, Serialize, TS)]
#[serde(rename_all = "PascalCase")]
#[ts(optional_fields = nullable)]
pub struct DiscoveredInstance {
    /// Unique in its service.
    pub instance_id: Option<String>,
    /// The Cloud Map namespace; else the one that the options name, or that all others have.
    pub namespace_name: Option<String>,
    /// The Cloud Map service; else the one that the options name, or that all others have.
    pub service_name: Option<String>,
    /// Unknown, if absent or another word.
    #[ts(optional = nullable, type = "\"HEALTHY\" | \"UNHEALTHY\" | \"UNKNOWN\" | (string & {}) | null")]
    pub health_status: Option<String>,
    /// What was registered.
    pub attributes: Option<BTreeMap<String, String>>,
}

/// What `aws servicediscovery list-instances` prints: one service, named by the options.
#[derive(Debug, Serialize, TS)]
#[serde(rename_all = "PascalCase")]
pub struct ListInstancesOutput {
    /// In any order. The type lets them be absent, as that of the AWS SDK does; without them the input
    /// is an error.
    #[ts(optional = nullable, as = "Option<Vec<ListedInstance>>")]
    pub instances: Vec<ListedInstance>,
}

/// An instance as `list-instances` prints it: without its health.
#[derive(Debug, Serialize, TS)]
#[serde(rename_all = "PascalCase")]
#[ts(optional_fields = nullable)]
pub struct ListedInstance {
    /// Unique in its service.
    pub id: Option<String>,
    /// What was registered.
    pub attributes: Option<BTreeMap<String, String>>,
}

/// Services with all that is known of them.
#[derive(Debug, Serialize, TS)]
pub struct Snapshot {
    /// In any order.
    pub services: Vec<SnapshotService>,
}

/// A service of a snapshot.
#[derive(Debug, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields = nullable)]
pub struct SnapshotService {
    /// The source's name; else that of the options.
    pub source: Option<String>,
    /// The AWS region; else that of the options.
    pub region: Option<String>,
    /// As `list-namespaces` prints it. Without it the service is an error.
    #[ts(optional = false, as = "Option<Namespace>")]
    pub namespace: Namespace,
    /// As `list-services` or `get-service` prints it. Without it the service is an error.
    #[ts(optional = false, as = "Option<Service>")]
    pub service: Service,
    /// As `get-service-attributes` prints them.
    pub service_attributes: Option<BTreeMap<String, String>>,
    /// As `list-tags-for-resource` prints them.
    pub tags: Option<Vec<Tag>>,
    /// What the mesh calls the zones of its instances: `{THEIRS: OURS}`. Another zone is left out of
    /// the locality. Without it, zones are called as they are here.
    pub zones: Option<BTreeMap<String, String>>,
    /// As `discover-instances` or `list-instances` prints them. Without them the service is an
    /// error.
    #[ts(optional = false, as = "Option<Vec<SnapshotInstance>>")]
    pub instances: Vec<SnapshotInstance>,
    /// Above 2^53 in practice: a `number` is then not exact.
    #[ts(optional = nullable, type = "number | bigint | null")]
    pub instances_revision: Option<i64>,
}

/// An instance of a snapshot.
#[derive(Debug, Serialize, TS)]
#[serde(untagged)]
pub enum SnapshotInstance {
    /// With its health.
    Discovered(DiscoveredInstance),
    /// Without it.
    Listed(ListedInstance),
}

/// What the input itself may not say.
#[derive(Debug, Serialize, TS)]
#[ts(optional_fields)]
pub struct InputNames {
    /// The Cloud Map namespace's name, for what `list-instances` prints.
    pub namespace: Option<String>,
    /// The Cloud Map service's name, for what `list-instances` prints.
    pub service: Option<String>,
    /// The name of the source; `default`, if absent.
    pub source: Option<String>,
    /// The AWS region.
    pub region: Option<String>,
}

/// What a translation gives.
#[derive(Debug, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Translation {
    /// Sorted by namespace and name.
    pub service_entries: Vec<ServiceEntry>,
    /// What was skipped, dropped or degraded, sorted.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a plan is made of.
#[derive(Debug, Serialize, TS)]
#[ts(optional_fields)]
pub struct PlanInput {
    /// Entries as a translation makes them. Their annotations say which scope each is of.
    pub desired: Option<Vec<ServiceEntry>>,
    /// Objects as Kubernetes stores them, of any owner.
    #[ts(type = "Array<object>", optional)]
    pub observed: Option<Vec<Value>>,
    /// What was read completely. Of what is not named here nothing is deleted.
    pub scopes: Option<PlanScopes>,
}

/// What was read completely.
#[derive(Debug, Serialize, TS)]
#[ts(optional_fields)]
pub struct PlanScopes {
    /// Per source, whether its list of namespaces, and each of them that is not named in
    /// `namespaces`, was read completely.
    pub sources: Option<BTreeMap<String, bool>>,
    /// The namespaces of which something else is known than of their source.
    pub namespaces: Option<Vec<PlanNamespace>>,
}

/// How completely a namespace was read.
#[derive(Debug, Serialize, TS)]
pub struct PlanNamespace {
    /// The source's name.
    pub source: String,
    /// The namespace's id; its name where no id is known.
    pub namespace: String,
    /// Whether all its services were read.
    pub complete: bool,
}
