//! Services in all shapes of input, with options varied.

use fastrand::Rng;
use istio_cloud_map_core::cloud_map::{Instance, Record};
use istio_cloud_map_tests::generated::services;
use serde_json::{Value, json};

use crate::call::Call;
use crate::case::Case;

/// What is escaped, or long in one encoding and short in another.
const WORDS: [&str; 6] = ["é", "😀", "\u{2028}", "\"\\\u{7f}\u{1}", "ﬀ\u{301}", "80"];

pub fn case(seed: u64) -> Case {
    let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9).wrapping_add(1));
    let mut options = services::options_json(seed);
    vary(&mut rng, &mut options);
    let input = match rng.u8(..5) {
        0 | 1 => json!({"services": [service(&mut rng, seed)]}),
        2 => {
            let count = rng.u64(2..=4);
            json!({"services": (0..count).map(|number| service(&mut rng, seed + number * 1_000_000)).collect::<Vec<_>>()})
        }
        3 => discovered(&service(&mut rng, seed)),
        _ => {
            let service = service(&mut rng, seed);
            options["namespace"] = json!(service.namespace.name);
            options["service"] = json!(service.service.name);
            json!({"Instances": service.instances})
        }
    };
    let pretty = rng.u8(..4) == 0;
    let input =
        if pretty { serde_json::to_string_pretty(&input).unwrap() } else { input.to_string() };
    let options = (options != json!({}) || rng.bool()).then(|| options.to_string());
    Case::new(Call::Translate, format!("seed {seed}"), input, options)
}

/// A service of the seed; some with a revision beyond what a double holds, some with words that are
/// not ASCII where they are reported.
fn service(rng: &mut Rng, seed: u64) -> Record {
    let mut record = services::service(seed);
    if rng.u8(..8) == 0 {
        record.instances_revision = Some(rng.i64(0..));
    }
    if rng.u8(..4) == 0 {
        let count = record.instances.len();
        if let Some(instance) =
            rng.choice(0..count).and_then(|index| record.instances.get_mut(index))
        {
            instance.id = format!("i-{}", word(rng));
            instance.attributes.insert("AWS_INSTANCE_PORT".to_owned(), word(rng));
        }
    }
    record
}

fn word(rng: &mut Rng) -> String {
    rng.choice(WORDS).unwrap().repeat(rng.usize(1..4))
}

/// As `discover-instances` prints it.
fn discovered(record: &Record) -> Value {
    let instance = |instance: &Instance| {
        json!({
            "InstanceId": instance.id,
            "NamespaceName": record.namespace.name,
            "ServiceName": record.service.name,
            "HealthStatus": instance.health_status,
            "Attributes": instance.attributes,
        })
    };
    json!({"Instances": record.instances.iter().map(instance).collect::<Vec<_>>(), "InstancesRevision": record.instances_revision})
}

/// Options that a routing test has no use for, and some that are wrong.
fn vary(rng: &mut Rng, options: &mut Value) {
    let more = [
        ("exportTo", json!([".", "mesh"])),
        ("location", json!("MESH_INTERNAL")),
        ("apiVersion", json!("networking.istio.io/v1beta1")),
        ("targetNamespace", json!("mesh")),
        ("owner", json!("second")),
        ("denyCidrs", json!(["10.0.0.0/25"])),
        ("region", json!("eu-central-1")),
        ("source", json!("second")),
        (
            "overrides",
            json!([{"service": "svc-1*", "protocol": "GRPC"}, {"namespace": "prod", "addresses": "none"}]),
        ),
        ("conflicts", json!("nonsense")),
        ("adresses", json!("none")),
    ];
    for (key, value) in more {
        // The last two are wrong.
        let one_of = if key.ends_with("cts") || key == "adresses" { 60 } else { 12 };
        if rng.u8(..one_of) == 0 {
            options[key] = value;
        }
    }
}
