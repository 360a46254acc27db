//! What the translation costs, beside its floor: the same input parsed into records, and the same
//! output written, with nothing in between.
//!
//! `cargo bench -p istio-cloud-map-core`
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use istio_cloud_map_core::api::{TranslateOptions, Translation};
use istio_cloud_map_core::cloud_map::{InputOptions, parse};
use istio_cloud_map_core::translate::{Options, Translator};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const ROUNDS: usize = 7;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

fn main() {
    println!("JSON to JSON, {ROUNDS} rounds in turn, the median of each");
    println!(
        "{:>8} {:>9} {:>10} {:>8} {:>11} {:>6} {:>9} {:>8} {:>10}",
        "services",
        "instances",
        "attributes",
        "floor ms",
        "translate ms",
        "ratio",
        "us/service",
        "out MiB",
        "heap/out"
    );
    for (services, instances, attributes) in
        [(1000, 100, 7), (1000, 100, 2), (1000, 10, 7), (10_000, 10, 7), (100_000, 10, 7)]
    {
        measure(services, instances, attributes);
    }
}

fn measure(services: usize, instances: usize, attributes: usize) {
    let input = input(services, instances, attributes);
    let rounds = if services > 10_000 { 3 } else { ROUNDS };
    let (mut floors, mut wholes) = (Vec::new(), Vec::new());
    let entries = Translator::new(&Options::default())
        .translate_all(&parse(&input, &InputOptions::default()).unwrap().records)
        .entries;
    for _ in 0..rounds {
        floors.push(timed(|| {
            black_box(parse(&input, &InputOptions::default()).unwrap());
            black_box(serde_json::to_string(&entries).unwrap());
        }));
        wholes.push(timed(|| {
            let translation = Translation::parse(&input, TranslateOptions::default()).unwrap();
            black_box(translation.to_json().unwrap());
        }));
    }
    let output = serde_json::to_string(&entries).unwrap().len() as f64;
    drop(entries);
    let (floor, whole) = (median(floors), median(wholes));
    let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
    println!(
        "{services:>8} {instances:>9} {attributes:>10} {:>8.1} {:>11.1} {:>6.2} {:>9.1} {:>8.1} {:>10.2}",
        millis(floor),
        millis(whole),
        whole.as_secs_f64() / floor.as_secs_f64(),
        whole.as_secs_f64() * 1e6 / services as f64,
        output / MEBIBYTE,
        heap(&input) / output,
    );
}

/// The most that is held beyond the records that were parsed, the written output among it.
fn heap(input: &str) -> f64 {
    let translation = Translation::parse(input, TranslateOptions::default()).unwrap();
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    black_box(translation.to_json().unwrap());
    (HEAP.peak_usage() - before) as f64
}

fn timed(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations.swap_remove(durations.len() / 2)
}

/// A snapshot as ECS fills Cloud Map; with two attributes, an address and a port alone.
fn input(services: usize, instances: usize, attributes: usize) -> String {
    let more = [
        ("AVAILABILITY_ZONE", "us-west-2b"),
        ("REGION", "us-west-2"),
        ("ECS_CLUSTER_NAME", "production"),
        ("ECS_SERVICE_NAME", "orders"),
        ("ECS_TASK_DEFINITION_FAMILY", "orders-task"),
    ];
    let more: String = more.iter().take(attributes.saturating_sub(2)).fold(
        String::new(),
        |mut text, (key, value)| {
            write!(text, ",\"{key}\":\"{value}\"").unwrap();
            text
        },
    );
    let mut json = String::from("{\"services\":[");
    for service in 0..services {
        let comma = if service == 0 { "" } else { "," };
        write!(
            json,
            "{comma}{{\"namespace\":{{\"Id\":\"ns-1\",\"Name\":\"prod.local\",\"Type\":\"DNS_PRIVATE\"}},\
             \"service\":{{\"Id\":\"srv-{service}\",\"Name\":\"s{service}\"}},\"instancesRevision\":{},\"instances\":[",
            (1_u64 << 60) + service as u64
        )
        .unwrap();
        for instance in 0..instances {
            let comma = if instance == 0 { "" } else { "," };
            let (a, b, c) = (service / 250 % 250, service % 250, (instance * 37) % 250 + 1);
            write!(
                json,
                "{comma}{{\"InstanceId\":\"i-{instance}\",\"HealthStatus\":\"HEALTHY\",\"Attributes\":\
                 {{\"AWS_INSTANCE_IPV4\":\"10.{a}.{b}.{c}\",\"AWS_INSTANCE_PORT\":\"8080\"{more}}}}}"
            )
            .unwrap();
        }
        json.push_str("]}");
    }
    json.push_str("]}");
    json
}
