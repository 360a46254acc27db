//! How long the policy takes under the waPC host: an instance, and a verdict on an entry of 100
//! endpoints.
//!
//! `cargo bench -p istio-cloud-map-tests --features wasm --bench policy`; with `--profile dev`
//! wasmtime itself is not optimised, which the module's own code does not feel.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints what it finds"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "../tests/policy/guest.rs"]
mod guest;

use guest::{OPERATOR, Policy, create, entry, outcome, request};

const ROUNDS: u32 = 300;
const HOST: &str = "getistio-external-service.my-namespace";

fn main() {
    let instances: Vec<Value> = (1..=100)
        .map(|n| {
            json!({"InstanceId": format!("i-{n}"), "NamespaceName": "my-namespace", "ServiceName": "getistio-external-service",
                "Attributes": {"AWS_INSTANCE_IPV4": format!("10.0.0.{n}"), "AWS_INSTANCE_PORT": "8080", "AVAILABILITY_ZONE": "us-west-2a"}})
        })
        .collect();
    let mut hundred = entry(&[HOST]);
    let endpoints =
        (1..=100).map(|n| json!({"address": format!("10.0.0.{n}"), "ports": {"http": 8080}, "locality": "us-west-2/us-west-2a"}));
    hundred["spec"]["endpoints"] = endpoints.collect();
    let mut annotated = hundred.clone();
    annotated["metadata"]["annotations"] =
        json!({"istio-cloud-map/cloud-map": json!({"Instances": instances}).to_string()});

    let protecting = json!({"protectedHosts": [HOST], "trustedUsers": [OPERATOR]});
    Policy::start();
    measure("an instance", || drop(Policy::start()));
    let policy = Policy::start();
    for (name, expected, request, settings) in [
        ("the operator makes 100 endpoints", "accepted", create(OPERATOR, &hundred), &protecting),
        (
            "the operator changes 100 endpoints",
            "accepted",
            request("UPDATE", OPERATOR, &hundred, &hundred),
            &protecting,
        ),
        ("a stranger is rejected", "protected-host", create("alice", &hundred), &protecting),
        (
            "100 endpoints are filled in",
            "filled",
            create("alice", &annotated),
            &json!({"source": "fill"}),
        ),
    ] {
        assert_eq!(outcome(&policy.validate(&request, settings)), expected);
        let payload = json!({"request": request, "settings": settings}).to_string();
        measure(name, || drop(policy.answer("validate", payload.as_bytes())));
    }
}

fn measure(name: &str, mut act: impl FnMut()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            act();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100];
    println!("{name:<36} median {:>8.1?}   99 % {:>8.1?}", at(50), at(99));
}
