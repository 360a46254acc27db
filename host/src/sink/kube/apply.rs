//! The writes.

use ::kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use istio_cloud_map_core::operator::WriteError;
use istio_cloud_map_core::operator::{EntryKey, Observed};
use istio_cloud_map_core::service_entry::annotation;
use serde_json::{Map, Value, json};

use super::failure::{Call, bounded};
use super::{Apply, FIELD_MANAGER, KIND, KubeSink, Version};
use crate::sink::dry_run::not_json;

/// A version that no stored object can have, since etcd's first revision holds nothing. The API
/// server ignores it where there is no object, and answers 409 where there is one: without it, an
/// object that another operator with our field manager's name has made would be taken over, force
/// or not.
const NO_OBJECT: &str = "1";

pub(super) async fn apply(sink: &KubeSink, entry: Apply) -> Result<Observed, WriteError> {
    let Apply { key, json, replaces } = entry;
    let mut object: Value = serde_json::from_str(&json).map_err(|error| not_json(&key, &error))?;
    drop(json);
    let wanted = Observed::from_json(&object, None, &key.namespace);
    address(&mut object, &sink.resource.api_version, &key, replaces.as_ref());

    let call = Call::apply(&key, replaces.is_none());
    let api = sink.api(&key.namespace);
    let params = PatchParams { force: replaces.is_some(), ..PatchParams::apply(FIELD_MANAGER) };
    let patch = Patch::Apply(&object);
    let stored = bounded(call, sink.options.call_timeout, api.patch(&key.name, &params, &patch))
        .await?
        .observed;

    let Some(correction) = correction(&object, &wanted, &stored) else { return Ok(stored) };
    let (params, patch) = (PatchParams::apply(FIELD_MANAGER), Patch::Merge(&correction));
    bounded(call, sink.options.call_timeout, api.patch(&key.name, &params, &patch))
        .await
        .map(|entry| entry.observed)
}

/// Writes into the object which one it is, and which version it replaces.
fn address(object: &mut Value, api_version: &str, key: &EntryKey, replaces: Option<&Version>) {
    let Value::Object(object) = object else { return };
    // Istio's own, never ours to write.
    object.remove("status");
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), KIND.into());
    let Value::Object(metadata) = object.entry("metadata").or_insert_with(|| json!({})) else {
        return;
    };
    metadata.insert("name".to_owned(), key.name.as_str().into());
    metadata.insert("namespace".to_owned(), key.namespace.as_str().into());
    let version = match replaces {
        Some(version) => version.resource_version.as_deref(),
        None => Some(NO_OBJECT),
    };
    if let Some(version) = version {
        metadata.insert("resourceVersion".to_owned(), version.into());
    }
    if let Some(uid) = replaces.and_then(|version| version.uid.as_deref()) {
        metadata.insert("uid".to_owned(), uid.into());
    }
}

/// What apply did not put right, as a merge patch: an item that another field manager added to a
/// list with keys (`ports`) survives an apply, and so does a field that another manager owns too. Such a
/// label stays and is theirs, and so is no longer listed as ours.
fn correction(object: &Value, wanted: &Observed, stored: &Observed) -> Option<Value> {
    let spec = object.get("spec").unwrap_or(&Value::Null);
    let differing = wanted.fields.differing_in_spec(&stored.fields);
    let fields: Map<String, Value> = differing
        .map(|field| (field.to_owned(), spec.get(field).cloned().unwrap_or(Value::Null)))
        .collect();
    let listed = object.pointer("/metadata/annotations").unwrap_or(&Value::Null);
    let unlisted: Map<String, Value> = wanted
        .fields
        .differing(&stored.fields)
        .filter_map(|part| match part {
            "labels" => Some(annotation::ENTRY_LABELS),
            "annotations" => Some(annotation::ENTRY_ANNOTATIONS),
            _ => None,
        })
        .filter(|list| listed.get(list).is_none())
        .map(|list| (list.to_owned(), Value::Null))
        .collect();
    if fields.is_empty() && unlisted.is_empty() {
        return None;
    }
    let metadata = json!({
        "resourceVersion": stored.version.resource_version,
        "annotations": unlisted,
    });
    Some(json!({"metadata": metadata, "spec": fields}))
}

pub(super) async fn delete(
    sink: &KubeSink,
    key: &EntryKey,
    version: &Version,
) -> Result<(), WriteError> {
    let preconditions = Preconditions {
        uid: version.uid.clone(),
        resource_version: version.resource_version.clone(),
    };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    let api = sink.api(&key.namespace);
    bounded(Call::delete(key), sink.options.call_timeout, api.delete(&key.name, &params))
        .await
        .map(drop)
}
