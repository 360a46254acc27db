//! The verdict on an entry as it would be stored.

use istio_cloud_map_core::service_entry::validate::{Rule, validate};
use istio_cloud_map_tests::bed::{Judge, Verdict};
use kube::Client;
use serde_json::Value;

/// The judge's verdict on the entry without the nulls and the unknown fields, which the API server
/// drops before validation. Also checks that both do not know these fields.
pub async fn verdict(judge: &Judge, entry: &Value) -> Verdict {
    let mut entry = entry.clone();
    drop_nulls(&mut entry);
    let verdict = one(judge, &entry).await;
    let Some(unknown) = verdict.errors.iter().find_map(|error| unknown_fields(error)) else {
        return verdict;
    };
    let mut ours: Vec<String> = validate(&entry)
        .into_iter()
        .filter(|finding| finding.rule == Rule::UnknownField)
        .map(|finding| finding.path)
        .collect();
    ours.retain(|path| !path.starts_with("metadata."));
    ours.sort();
    assert_eq!(ours, unknown, "unknown fields of {entry}");
    for path in &unknown {
        drop_field(&mut entry, path);
    }
    one(judge, &entry).await
}

async fn one(judge: &Judge, entry: &Value) -> Verdict {
    judge.verdicts(std::slice::from_ref(entry)).await.pop().expect("one verdict an entry")
}

/// Of objects, not of lists.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// `crd: ...: unknown fields [spec.a spec.ports[0].b]`
fn unknown_fields(error: &str) -> Option<Vec<String>> {
    let list = error.split_once(": unknown fields [")?.1.strip_suffix(']')?;
    let mut paths: Vec<String> = list.split(' ').map(str::to_owned).collect();
    paths.sort();
    Some(paths)
}

/// `spec.ports[0].b`, which becomes `/spec/ports/0/b`.
fn drop_field(entry: &mut Value, path: &str) {
    let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let removed = entry
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .and_then(|object| object.remove(key));
    assert!(removed.is_some(), "no {path} in {entry}");
}

/// Why the API server does not take the entry, as a dry run.
pub async fn refusal(client: &Client, entry: &Value) -> Option<String> {
    let version = entry
        .get("apiVersion")
        .and_then(Value::as_str)
        .and_then(|text| text.strip_prefix("networking.istio.io/"));
    let version =
        version.filter(|version| ["v1", "v1beta1", "v1alpha3"].contains(version)).unwrap_or("v1");
    let url =
        format!("/apis/networking.istio.io/{version}/namespaces/default/serviceentries?dryRun=All");
    let request = http::Request::post(url)
        .header("content-type", "application/json")
        .body(entry.to_string().into_bytes());
    match client.request::<Value>(request.expect("a request")).await {
        Ok(_) => None,
        Err(kube::Error::Api(status)) => Some(format!("api server: {}", status.message)),
        Err(error) => panic!("the API server does not answer: {error}"),
    }
}
