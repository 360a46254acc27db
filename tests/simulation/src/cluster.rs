//! The API server: objects with uids and resource versions, apply with preconditions, and a log of
//! changes that watches follow.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use istio_cloud_map_core::service_entry::{OWNER_LABEL, annotation};
use serde_json::{Map, Value, json};

use crate::driver::{WriteCall, WriteFault};

pub const FIELD_MANAGER: &str = "istio-cloud-map";

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub namespace: String,
    pub name: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A stored `ServiceEntry`.
#[derive(Debug, Clone)]
pub struct Stored {
    /// As a watch shows it.
    pub object: Arc<Value>,
    pub uid: String,
    pub version: u64,
    pub owner: Option<String>,
    pub source: Option<String>,
    pub hosts: Vec<String>,
    pub endpoints: BTreeSet<String>,
    /// The fields of the spec that the operator has applied.
    managed: BTreeSet<String>,
    /// How many endpoints it had when an operator last wrote it; none, if none ever did.
    pub last_written_endpoints: Option<usize>,
}

impl Stored {
    pub fn spec(&self) -> &Value {
        self.object.get("spec").unwrap_or(&Value::Null)
    }
}

/// A change that watches see.
#[derive(Debug, Clone)]
pub enum Change {
    Applied(Arc<Value>),
    Deleted(Key, Arc<Value>),
}

/// The result of a write: the object before and after it.
#[derive(Debug)]
pub struct Taken {
    pub before: Option<Stored>,
    pub after: Option<Stored>,
    pub change: Option<Change>,
}

#[derive(Debug, Default)]
pub struct Cluster {
    pub entries: BTreeMap<Key, Stored>,
    version: u64,
    last_uid: u64,
}

impl Cluster {
    /// The version of the last change.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// A write by an operator.
    pub fn write(&mut self, call: &WriteCall) -> Result<Taken, WriteFault> {
        let before = self.entries.get(&call.key).cloned();
        let Some(json) = &call.object else {
            let before = before.ok_or(WriteFault::NotFound)?;
            if !is_version(&before, call.replaces.as_ref()) {
                return Err(WriteFault::Conflict);
            }
            let change = self.remove(&call.key);
            return Ok(Taken { before: Some(before), after: None, change });
        };
        let expected = match (&before, &call.replaces) {
            (None, None) => true,
            (Some(before), Some(_)) => is_version(before, call.replaces.as_ref()),
            _ => false,
        };
        if !expected {
            return Err(WriteFault::Conflict);
        }
        let applied: Value = serde_json::from_str(json).unwrap_or_default();
        let empty = Map::new();
        let spec = applied.get("spec").and_then(Value::as_object).unwrap_or(&empty);
        let mut object = before
            .as_ref()
            .map_or_else(|| json!({"metadata": {}, "spec": {}}), |before| (*before.object).clone());
        for part in ["labels", "annotations"] {
            for (name, value) in applied
                .get("metadata")
                .and_then(|m| m.get(part))
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                set(&mut object, &["metadata", part, name], value.clone());
            }
        }
        let managed: BTreeSet<String> = spec.keys().cloned().collect();
        if let Some(stored) = object.get_mut("spec").and_then(Value::as_object_mut) {
            for removed in before.iter().flat_map(|before| before.managed.difference(&managed)) {
                stored.remove(removed);
            }
            // The sink's correcting patch: another client never owns endpoints.
            if !spec.contains_key("endpoints") {
                stored.remove("endpoints");
            }
            stored.extend(spec.clone());
        }
        let change = self.store(&call.key, object, managed);
        let Some(stored) = self.entries.get_mut(&call.key) else {
            return Err(WriteFault::NotFound);
        };
        stored.last_written_endpoints = Some(stored.endpoints.len());
        Ok(Taken { before, after: Some(stored.clone()), change })
    }

    /// Another client changes or creates an object.
    pub fn edit(&mut self, key: &Key, edit: impl FnOnce(&mut Value)) -> Option<Change> {
        let before = self.entries.get(key);
        let managed = before.map(|before| before.managed.clone()).unwrap_or_default();
        let mut object = before
            .map_or_else(|| json!({"metadata": {}, "spec": {}}), |before| (*before.object).clone());
        edit(&mut object);
        self.store(key, object, managed)
    }

    pub fn remove(&mut self, key: &Key) -> Option<Change> {
        let removed = self.entries.remove(key)?;
        self.version += 1;
        let mut last = (*removed.object).clone();
        set(&mut last, &["metadata", "resourceVersion"], self.version.to_string().into());
        Some(Change::Deleted(key.clone(), Arc::new(last)))
    }

    /// Stores an object under the next version; one that is the same keeps its version, and no
    /// watch sees it.
    fn store(&mut self, key: &Key, mut object: Value, managed: BTreeSet<String>) -> Option<Change> {
        let fields: Map<String, Value> =
            managed.iter().map(|field| (format!("f:{field}"), json!({}))).collect();
        let entries = json!([{"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": fields}}]);
        set(&mut object, &["metadata", "managedFields"], entries);
        set(&mut object, &["metadata", "name"], key.name.as_str().into());
        set(&mut object, &["metadata", "namespace"], key.namespace.as_str().into());
        let before = self.entries.get(key);
        if before.is_some_and(|before| *before.object == object) {
            return None;
        }
        self.version += 1;
        self.last_uid += u64::from(before.is_none());
        let uid =
            before.map_or_else(|| format!("uid-{}", self.last_uid), |before| before.uid.clone());
        let last_written_endpoints = before.and_then(|before| before.last_written_endpoints);
        set(&mut object, &["metadata", "uid"], uid.as_str().into());
        set(&mut object, &["metadata", "resourceVersion"], self.version.to_string().into());
        let text = |pointer: &[&str]| {
            pointer.iter().try_fold(&object, |at, step| at.get(*step)).and_then(Value::as_str)
        };
        let list = |field: &str| {
            object.get("spec").and_then(|spec| spec.get(field)).and_then(Value::as_array)
        };
        let stored = Stored {
            uid,
            version: self.version,
            owner: text(&["metadata", "labels", OWNER_LABEL]).map(str::to_owned),
            source: text(&["metadata", "annotations", annotation::SOURCE]).map(str::to_owned),
            hosts: list("hosts")
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            endpoints: addresses(object.get("spec").unwrap_or(&Value::Null)),
            managed,
            last_written_endpoints,
            object: Arc::new(object),
        };
        let change = Change::Applied(stored.object.clone());
        self.entries.insert(key.clone(), stored);
        Some(change)
    }
}

fn is_version(stored: &Stored, expected: Option<&(String, String)>) -> bool {
    let version = stored.version.to_string();
    expected.is_none_or(|(uid, resource_version)| {
        (uid.is_empty() || *uid == stored.uid)
            && (resource_version.is_empty() || *resource_version == version)
    })
}

/// The addresses of a spec's endpoints.
pub fn addresses(spec: &Value) -> BTreeSet<String> {
    let endpoints = spec.get("endpoints").and_then(Value::as_array).into_iter().flatten();
    endpoints
        .filter_map(|endpoint| endpoint.get("address"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Sets a value, and makes the objects on the way to it.
pub fn set(object: &mut Value, path: &[&str], value: Value) {
    let Some((last, way)) = path.split_last() else { return };
    let mut at = object;
    for step in way {
        let Some(map) = at.as_object_mut() else { return };
        at = map.entry(*step).or_insert_with(|| json!({}));
    }
    if let Some(map) = at.as_object_mut() {
        map.insert((*last).to_owned(), value);
    }
}
