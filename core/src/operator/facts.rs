//! An entry reduced to what a decision needs: fingerprints instead of contents, so that a thousand
//! entries of a hundred endpoints take a few hundred kilobytes.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::istio::IstioStatus;
use crate::order;
use crate::service_entry::{
    OWNER_LABEL, ServiceEntry, annotation, canonical_host, is_reserved_key,
};
use crate::translate::LastKnown;

/// Which object an entry is.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct EntryKey {
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for EntryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The unit of complete reading: a Cloud Map namespace of a source.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Scope {
    /// The source's name.
    pub source: String,
    /// [`crate::cloud_map::Namespace::key`]
    pub namespace: String,
}

/// The fields of a spec that we may set. Any other belongs to other writers, and is left alone.
pub const FIELDS: [&str; 7] =
    ["hosts", "addresses", "ports", "location", "resolution", "endpoints", "exportTo"];

/// One field of a spec: its content, and whether we may remove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    fingerprint: u64,
    ours: bool,
}

/// Labels or annotations, each as fingerprints of its key and its value. Without those that
/// every entry has: a difference in them alone is never written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pairs(Vec<(u64, Field)>);

impl Pairs {
    /// From `metadata`; `list` is the annotation that lists the keys that we have set.
    fn from_metadata(metadata: &Value, part: &str, list: &str) -> Self {
        let set = metadata.get("annotations").and_then(|annotations| annotations.get(list));
        let set = set.and_then(Value::as_str).unwrap_or_default();
        let pairs = metadata.get(part).and_then(Value::as_object).into_iter().flatten();
        let pairs = pairs.filter(|(key, _)| !is_reserved_key(key));
        let pairs = pairs.map(|(key, value)| {
            let ours = set.split(',').any(|set| set == key);
            (fingerprint_of_key(key), Field { fingerprint: fingerprint(value), ours })
        });
        Self(pairs.collect())
    }

    fn get(&self, key: u64) -> Option<Field> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, field)| *field)
    }

    /// Whether `observed` differs from `self`, the desired ones. One that is not desired is a
    /// difference only if it is ours.
    fn differ(&self, observed: &Self) -> bool {
        let is_stored = |(key, desired): &(u64, Field)| {
            observed.get(*key).is_some_and(|stored| stored.fingerprint == desired.fingerprint)
        };
        let is_left = |(key, stored): &(u64, Field)| stored.ours && self.get(*key).is_none();
        !self.0.iter().all(is_stored) || observed.0.iter().any(is_left)
    }
}

/// What an update may write: the fields of the spec, and the labels and annotations that options
/// set, as fingerprints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    spec: [Option<Field>; FIELDS.len()],
    labels: Pairs,
    annotations: Pairs,
}

impl Fields {
    /// From an object; `ours` tests whether we have written a field of its spec, and so may remove
    /// it.
    fn from_object(object: &Value, ours: impl Fn(&str) -> bool) -> Self {
        let spec = object.get("spec").unwrap_or(&Value::Null);
        let metadata = object.get("metadata").unwrap_or(&Value::Null);
        Self {
            spec: FIELDS.map(|name| {
                let value = spec.get(name).filter(|v| !is_empty(v))?;
                Some(Field { fingerprint: fingerprint(value), ours: ours(name) })
            }),
            labels: Pairs::from_metadata(metadata, "labels", annotation::ENTRY_LABELS),
            annotations: Pairs::from_metadata(
                metadata,
                "annotations",
                annotation::ENTRY_ANNOTATIONS,
            ),
        }
    }

    /// Whether there is an endpoint.
    #[must_use]
    pub fn has_endpoints(&self) -> bool {
        FIELDS.iter().zip(&self.spec).any(|(name, field)| *name == "endpoints" && field.is_some())
    }

    /// The names of the fields in which `observed` differs from `self`, the desired ones: those of
    /// the spec, `labels` and `annotations`.
    pub fn differing<'a>(&'a self, observed: &'a Self) -> impl Iterator<Item = &'static str> + 'a {
        let labels = self.labels.differ(&observed.labels).then_some("labels");
        let annotations = self.annotations.differ(&observed.annotations).then_some("annotations");
        self.differing_in_spec(observed).chain(labels).chain(annotations)
    }

    /// The names of the fields of the spec in which `observed` differs from `self`, the desired
    /// ones. A field that is not desired differs only if it is set and ours.
    pub fn differing_in_spec<'a>(
        &'a self,
        observed: &'a Self,
    ) -> impl Iterator<Item = &'static str> + 'a {
        let pairs = self.spec.iter().zip(&observed.spec).zip(FIELDS);
        pairs.filter_map(|((desired, observed), name)| {
            let same = match (desired, observed) {
                (Some(desired), Some(observed)) => desired.fingerprint == observed.fingerprint,
                (Some(_), None) => false,
                // Endpoints are removed even if another writer added them: the service has none.
                (None, Some(observed)) => !observed.ours && name != "endpoints",
                (None, None) => true,
            };
            (!same).then_some(name)
        })
    }
}

/// Istio's schema tests presence, and so an empty list is the same as none.
pub(crate) fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// An entry as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Which object it is.
    pub key: EntryKey,
    /// What has to be read completely before the entry may lose endpoints.
    pub scope: Scope,
    /// Its hosts.
    pub hosts: Vec<String>,
    /// What of it is compared.
    pub fields: Fields,
    /// Fingerprints of its endpoints' addresses, sorted.
    pub endpoints: Vec<u64>,
}

impl Desired {
    /// From an entry. The key's namespace is the entry's own, else `default_namespace`.
    #[must_use]
    pub fn from_entry(entry: &ServiceEntry, scope: Scope, default_namespace: &str) -> Self {
        let object = serde_json::to_value(entry).unwrap_or_default();
        let key = EntryKey {
            namespace: entry
                .metadata
                .namespace
                .clone()
                .unwrap_or_else(|| default_namespace.to_owned()),
            name: entry.metadata.name.clone(),
        };
        Self::from_object(key, scope, entry.spec.hosts.clone(), &object)
    }

    /// From an entry as JSON, as a translation writes it. Its scope is that of its annotations;
    /// without them, one with empty names.
    ///
    /// # Errors
    /// Where it has no name or no hosts: what was expected where.
    pub fn from_json(entry: &Value, default_namespace: &str) -> Result<Self, String> {
        let text =
            |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let name =
            text("/metadata/name").ok_or("metadata.name: expected the name of a ServiceEntry")?;
        let hosts = entry
            .pointer("/spec/hosts")
            .and_then(Value::as_array)
            .ok_or("spec.hosts: expected a list of hosts")?;
        let host = |(index, host): (usize, &Value)| {
            host.as_str().map(str::to_owned).ok_or(format!("spec.hosts[{index}]: expected a host"))
        };
        let hosts = hosts.iter().enumerate().map(host).collect::<Result<_, _>>()?;
        let key = EntryKey {
            namespace: text("/metadata/namespace").unwrap_or_else(|| default_namespace.to_owned()),
            name,
        };
        let scope = Scope {
            source: annotation(entry, annotation::SOURCE).unwrap_or_default(),
            namespace: annotation(entry, annotation::NAMESPACE).unwrap_or_default(),
        };
        Ok(Self::from_object(key, scope, hosts, entry))
    }

    fn from_object(key: EntryKey, scope: Scope, hosts: Vec<String>, object: &Value) -> Self {
        Self {
            key,
            scope,
            hosts,
            fields: Fields::from_object(object, |_| true),
            endpoints: endpoint_fingerprints(object),
        }
    }
}

/// The value of an annotation of an object.
fn annotation(object: &Value, name: &str) -> Option<String> {
    object.get("metadata")?.get("annotations")?.get(name)?.as_str().map(str::to_owned)
}

/// One state of a stored object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    /// `metadata.uid`, where the store has such.
    pub uid: Option<String>,
    /// `metadata.resourceVersion`, where the store has such.
    pub resource_version: Option<String>,
}

impl Version {
    /// Whether this is an older state than `other`. Resource versions are compared as numbers where
    /// both are such, as Kubernetes promises they may be; otherwise neither is older.
    #[must_use]
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.number().zip(other.number()).is_some_and(|(this, other)| this < other)
    }

    fn number(&self) -> Option<u64> {
        self.resource_version.as_ref().and_then(|version| version.parse().ok())
    }
}

/// An entry as it is stored, whether ours or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Which object it is.
    pub key: EntryKey,
    /// Its owner label.
    pub owner: Option<String>,
    /// Its hosts, in lower case and without a trailing dot.
    pub hosts: Vec<String>,
    /// What of it is compared.
    pub fields: Fields,
    /// Fingerprints of its endpoints' addresses, sorted.
    pub endpoints: Vec<u64>,
    /// The scope that it was made from, by its annotations.
    pub scope: Option<Scope>,
    /// [`crate::cloud_map::Service::key`] of the service that it was made from, by its annotations.
    pub service: Option<String>,
    /// The region that it was read in, by its annotations.
    pub region: Option<String>,
    /// The account that it was read from, by its annotations.
    pub account: Option<String>,
    /// The refused removals that a person confirms with an annotation.
    pub confirmation: Option<String>,
    /// Its ports and addresses, for a service that answers without any instance. Only of entries
    /// that have an owner.
    pub last_known: Option<Box<LastKnown>>,
    /// What Istio has reported about it.
    pub istio: IstioStatus,
    /// The state that was observed.
    pub version: Version,
}

impl Observed {
    /// From an object as JSON. Lenient: any writer may have made it, in any version of the API.
    /// `field_manager` is the name we apply with; where it is given and the object has
    /// `managedFields`, those decide which fields are ours, else all are.
    #[must_use]
    pub fn from_json(object: &Value, field_manager: Option<&str>, default_namespace: &str) -> Self {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let owner = object
            .pointer("/metadata/labels")
            .and_then(|l| l.get(OWNER_LABEL))
            .and_then(Value::as_str);
        let spec = object.get("spec").unwrap_or(&Value::Null);
        let hosts = spec
            .get("hosts")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let managed = field_manager.and_then(|manager| ManagedSpec::from_object(object, manager));
        Self {
            key: EntryKey {
                namespace: text("/metadata/namespace")
                    .unwrap_or_else(|| default_namespace.to_owned()),
                name: text("/metadata/name").unwrap_or_default(),
            },
            owner: owner.map(str::to_owned),
            hosts: hosts.map(canonical_host).collect(),
            fields: Fields::from_object(object, |field| {
                managed.as_ref().is_none_or(|m| m.contains(field))
            }),
            endpoints: endpoint_fingerprints(object),
            scope: annotation(object, annotation::SOURCE)
                .zip(annotation(object, annotation::NAMESPACE))
                .map(|(source, namespace)| Scope { source, namespace }),
            service: annotation(object, annotation::SERVICE),
            region: annotation(object, annotation::REGION),
            account: annotation(object, annotation::ACCOUNT),
            confirmation: annotation(object, annotation::CONFIRM_REMOVALS),
            last_known: owner.map(|_| Box::new(LastKnown::from_json(spec))),
            istio: IstioStatus::from_object(object),
            version: Version {
                uid: text("/metadata/uid"),
                resource_version: text("/metadata/resourceVersion"),
            },
        }
    }
}

fn endpoint_fingerprints(object: &Value) -> Vec<u64> {
    let endpoints =
        object.pointer("/spec/endpoints").and_then(Value::as_array).into_iter().flatten();
    let mut addresses: Vec<u64> =
        endpoints.filter_map(|endpoint| endpoint.get("address")).map(fingerprint).collect();
    order::sort(&mut addresses);
    addresses
}

/// The parts of `metadata.managedFields` under `spec` that belong to one field manager.
struct ManagedSpec<'a>(Vec<&'a Value>);

impl<'a> ManagedSpec<'a> {
    /// None where the object has no `managedFields`.
    fn from_object(object: &'a Value, manager: &str) -> Option<Self> {
        let all = object.pointer("/metadata/managedFields")?.as_array()?;
        let ours = all.iter().filter(|m| m.get("manager").and_then(Value::as_str) == Some(manager));
        Some(Self(ours.filter_map(|m| m.pointer("/fieldsV1/f:spec")).collect()))
    }

    fn contains(&self, field: &str) -> bool {
        let name = format!("f:{field}");
        self.0.iter().any(|spec| spec.get(&name).is_some())
    }
}

/// The fingerprint of a value, whatever the order of its keys. Only compared with others of the same
/// process, never stored.
fn fingerprint(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(value, &mut hasher);
    hasher.finish()
}

fn fingerprint_of_key(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

fn feed(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(b) => (1_u8, b).hash(hasher),
        Value::Number(n) => (2_u8, n.to_string()).hash(hasher),
        Value::String(s) => (3_u8, s).hash(hasher),
        Value::Array(items) => {
            (4_u8, items.len()).hash(hasher);
            for item in items {
                feed(item, hasher);
            }
        }
        Value::Object(map) => {
            (5_u8, map.len()).hash(hasher);
            // serde_json keeps keys sorted or in their order of insertion, as features of other crates
            // choose.
            let mut keys: Vec<_> = map.iter().collect();
            order::sort_by(&mut keys, |(a, _), (b, _)| a.cmp(b));
            for (key, item) in keys {
                key.hash(hasher);
                feed(item, hasher);
            }
        }
    }
}
