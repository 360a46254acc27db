//! How long it takes from nothing to all entries right, beside the floor: the same applies by a
//! bare client at the same concurrency.
//!
//! `cargo bench --workspace --all-features --bench converge [-- SERVICES INSTANCES]`
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark")]

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use istio_cloud_map_tests::bed::ApiServer;
use istio_cloud_map_tests::cloud_map::FakeCloudMap;
use istio_cloud_map_tests::figures::record;
use istio_cloud_map_tests::fixture::resource;
use istio_cloud_map_tests::operator::{Operator, command, until};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

const CONCURRENCY: usize = 16;

fn main() {
    let numbers: Vec<usize> =
        std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let (services, instances) =
        (numbers.first().copied().unwrap_or(1000), numbers.get(1).copied().unwrap_or(100));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(compare(services, instances));
}

async fn compare(services: usize, instances: usize) {
    let cloud_map = FakeCloudMap::start().unwrap();
    cloud_map.world(|world| {
        let namespace = world.http_namespace("ns");
        for service in 0..services {
            let key = world.service(namespace, &format!("s{service:05}"));
            for instance in 0..instances {
                let address =
                    format!("10.{}.{}.{}", service / 250 % 250, service % 250, instance % 250 + 1);
                world.register(
                    key,
                    &format!("i-{instance}"),
                    [("AWS_INSTANCE_IPV4", address.as_str()), ("AWS_INSTANCE_PORT", "8080")],
                );
            }
        }
    });
    let kubernetes = ApiServer::start().await;
    let client = kubernetes.client().await;
    let entries = translated(&cloud_map.world(|world| world.to_snapshot()), kubernetes.directory());
    assert_eq!(entries.len(), services);
    println!("{services} services x {instances} instances, {CONCURRENCY} writes in flight");

    let before = floor(&kubernetes, &client, "floor-before", &entries).await;
    kubernetes.kubectl(&["create", "namespace", "operator"]).await;
    let operator = converge(&kubernetes, &cloud_map, services).await;
    check(&client, services, instances).await;
    let after = floor(&kubernetes, &client, "floor-after", &entries).await;

    let floor = (before + after) / 2;
    println!(
        "floor, before and after:  {:6.2} s, {:6.2} s",
        before.as_secs_f64(),
        after.as_secs_f64()
    );
    println!("operator, from its start: {:6.2} s", operator.took.as_secs_f64());
    println!("ratio to the floor:       {:6.2}", operator.took.as_secs_f64() / floor.as_secs_f64());
    println!("operator, CPU:            {:6.2} s", operator.cpu.as_secs_f64());
    println!("operator, peak resident:  {:6.1} MiB", operator.peak_mebibytes);
    record(&json!({
        "case": "converge",
        "services": services,
        "instances": instances,
        "floor_before_seconds": before.as_secs_f64(),
        "floor_after_seconds": after.as_secs_f64(),
        "seconds": operator.took.as_secs_f64(),
        "cpu_seconds": operator.cpu.as_secs_f64(),
        "peak_mebibytes": operator.peak_mebibytes,
    }));
}

/// The expected entries, made by `translate`.
fn translated(snapshot: &str, directory: &std::path::Path) -> Vec<Value> {
    let file = directory.join("snapshot.json");
    fs::write(&file, snapshot).unwrap();
    let output = command(&["translate", "--output", "json", "--api-version", "v1"])
        .arg(&file)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    list.get("items").and_then(Value::as_array).cloned().unwrap_or_default()
}

async fn floor(
    kubernetes: &ApiServer,
    client: &Client,
    namespace: &str,
    entries: &[Value],
) -> Duration {
    kubernetes.kubectl(&["create", "namespace", namespace]).await;
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource());
    let (api, parameters) = (&api, &PatchParams::apply("floor").force());
    let started = Instant::now();
    futures::stream::iter(entries)
        .for_each_concurrent(CONCURRENCY, |entry| async move {
            let name = entry.pointer("/metadata/name").and_then(Value::as_str).unwrap();
            api.patch(name, parameters, &Patch::Apply(entry)).await.expect("applied");
        })
        .await;
    started.elapsed()
}

struct Measured {
    took: Duration,
    cpu: Duration,
    peak_mebibytes: f64,
}

async fn converge(kubernetes: &ApiServer, cloud_map: &FakeCloudMap, services: usize) -> Measured {
    let concurrency = CONCURRENCY.to_string();
    let started = Instant::now();
    let operator = Operator::start(
        cloud_map.url(),
        kubernetes.kubeconfig(),
        &["--namespace", "operator", "--max-writes-in-flight", &concurrency, "--log-level", "warn"],
    );
    let all =
        until(Duration::from_mins(10), async || operator.page("/readyz").await.is_some()).await;
    let took = started.elapsed();
    assert!(all, "not ready: {}", operator.log());
    let wanted = f64::from(u32::try_from(services).unwrap());
    let created = until(Duration::from_secs(5), async || {
        operator.metric("istio_cloud_map_writes_total", &["create", "ok"]).await >= wanted
    })
    .await;
    assert!(created, "ready before all was written");
    Measured { took, cpu: operator.cpu(), peak_mebibytes: operator.peak_mebibytes() }
}

/// Every entry is there, with every endpoint.
async fn check(client: &Client, services: usize, instances: usize) {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "operator", &resource());
    let listed = api.list(&ListParams::default()).await.unwrap();
    let whole = |entry: &&DynamicObject| {
        entry.data.pointer("/spec/endpoints").and_then(Value::as_array).map_or(0, Vec::len)
            == instances
    };
    assert_eq!(listed.items.iter().filter(whole).count(), services);
}
