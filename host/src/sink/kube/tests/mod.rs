//! Against an API server of a few lines, with scripted answers.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails panics"
)]

mod connecting;
mod fake;
mod observing;
mod writing;

use istio_cloud_map_core::operator::EntryKey;
use serde_json::{Value, json};

use super::super::Apply;

fn key() -> EntryKey {
    EntryKey { namespace: "mesh".to_owned(), name: "cloudmap-web.shop".to_owned() }
}

fn entry() -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": "ServiceEntry",
        "metadata": {"name": "cloudmap-web.shop", "labels": {"istio-cloud-map/owner": "me"}},
        "spec": {
            "hosts": ["web.shop"],
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
            "resolution": "STATIC",
            "endpoints": [{"address": "10.0.0.1"}],
        },
    })
}

/// As the API server stores it.
fn stored(resource_version: &str) -> Value {
    let mut stored = entry();
    stored["metadata"]["namespace"] = json!("mesh");
    stored["metadata"]["uid"] = json!("u-1");
    stored["metadata"]["resourceVersion"] = json!(resource_version);
    let ours = json!({"f:hosts": {}, "f:ports": {}, "f:resolution": {}, "f:endpoints": {}});
    stored["metadata"]["managedFields"] =
        json!([{"manager": "istio-cloud-map", "operation": "Apply", "fieldsV1": {"f:spec": ours}}]);
    stored
}

fn create() -> Apply {
    Apply { key: key(), json: entry().to_string(), replaces: None }
}
