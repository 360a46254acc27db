//! Requests to plan and to validate.

use fastrand::Rng;
use istio_cloud_map_tests::generated::{Entries, services};
use serde_json::{Value, json};

use crate::call::Call;
use crate::case::Case;

/// Entries of anybody's, mostly with mistakes.
pub fn validations(count: usize) -> Vec<Case> {
    let case = |(number, entry): (usize, Value)| {
        Case::new(Call::Validate, format!("entry {number}"), entry.to_string(), None)
    };
    Entries::of_seed(3).take(count).enumerate().map(case).collect()
}

/// Up to eight entries, of which some are there already, as they are, changed, or somebody else's.
pub fn plan(seed: u64) -> Case {
    let mut rng = Rng::with_seed(seed);
    let services: Vec<_> =
        (0..rng.u64(..8)).map(|number| services::service(seed * 8 + number)).collect();
    let request = json!({"input": {"services": services}}).to_string();
    let mut answer: Value =
        serde_json::from_slice(&Call::Translate.natively(request.as_bytes())).unwrap();
    let mut desired = Vec::new();
    let mut observed = Vec::new();
    for entry in answer["ok"]["serviceEntries"].as_array_mut().unwrap().drain(..) {
        if rng.u8(..4) > 0 {
            observed.push(stored(&mut rng, entry.clone()));
        }
        if rng.u8(..5) > 0 {
            desired.push(entry);
        }
    }
    let complete = rng.u8(..4) > 0;
    let scopes = json!({
        "sources": {"default": complete},
        "namespaces": [{"source": "default", "namespace": "prod", "complete": rng.bool()}],
    });
    let input = json!({"desired": desired, "observed": observed, "scopes": scopes}).to_string();
    Case::new(
        Call::Plan,
        format!("plan {seed}"),
        input,
        options(&mut rng).map(|options| options.to_string()),
    )
}

fn stored(rng: &mut Rng, mut entry: Value) -> Value {
    match rng.u8(..6) {
        0 => entry["spec"]["endpoints"] = json!([{"address": "10.9.9.9"}]),
        1 => entry["spec"]["ports"] = json!([{"number": 1, "name": "é", "protocol": "TCP"}]),
        2 => entry["metadata"]["labels"] = json!({}),
        _ => {}
    }
    entry["metadata"]["namespace"] = json!("default");
    entry["metadata"]["resourceVersion"] = json!(rng.u32(..).to_string());
    entry
}

fn options(rng: &mut Rng) -> Option<Value> {
    let policies = ["sync", "upsert-only", "create-only", "nonsense"];
    let options = json!({
        "policy": policies[if rng.u8(..20) == 0 { 3 } else { rng.usize(..3) }],
        "adopt": rng.bool(),
        "maxDeletePercent": rng.u8(..=100),
        "forceDeletes": rng.bool(),
        "namespace": if rng.u8(..5) == 0 { "mesh" } else { "default" },
    });
    rng.bool().then_some(options)
}
