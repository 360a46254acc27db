//! Snapshots of Cloud Map as a module can get them from JavaScript: as objects, or as JSON text.
//! `../passing.mjs` measures both.

use std::collections::BTreeMap;

use serde::Deserialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[derive(Deserialize)]
struct Snapshot {
    services: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    namespace: BTreeMap<String, String>,
    service: BTreeMap<String, String>,
    instances_revision: u64,
    instances: Vec<Registered>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Registered {
    instance_id: String,
    health_status: String,
    attributes: BTreeMap<String, String>,
}

/// Takes objects, by serde-wasm-bindgen. Returns a sum over all that was read.
///
/// # Errors
/// If the value is not a snapshot.
#[wasm_bindgen]
pub fn objects(snapshot: JsValue) -> Result<f64, String> {
    let snapshot: Snapshot =
        serde_wasm_bindgen::from_value(snapshot).map_err(|error| error.to_string())?;
    Ok(sum(&snapshot))
}

/// Takes JSON text. Returns a sum over all that was read.
///
/// # Errors
/// If the text is not a snapshot.
#[wasm_bindgen]
pub fn text(snapshot: &str) -> Result<f64, String> {
    let snapshot: Snapshot = serde_json::from_str(snapshot).map_err(|error| error.to_string())?;
    Ok(sum(&snapshot))
}

/// Depends on every field, so that both ways have to read all.
#[expect(clippy::cast_precision_loss, reason = "the sums of both ways are equal all the same")]
fn sum(snapshot: &Snapshot) -> f64 {
    let strings = |map: &BTreeMap<String, String>| -> u64 {
        map.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
    };
    let instance = |instance: &Registered| {
        (instance.instance_id.len() + instance.health_status.len()) as u64
            + strings(&instance.attributes)
    };
    let total = |record: &Record| {
        let instances: u64 = record.instances.iter().map(instance).sum();
        record.instances_revision % 1_000
            + strings(&record.namespace)
            + strings(&record.service)
            + instances
    };
    snapshot.services.iter().map(total).sum::<u64>() as f64
}
