//! The requests for every host: golden cases, and generated requests of the three calls.

use fastrand::Rng;
use istio_cloud_map_core::api;
use istio_cloud_map_core::cloud_map::{Instance, Record};
use istio_cloud_map_tests::generated::{Entries, services};
use istio_cloud_map_tests::golden;
use serde_json::value::RawValue;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Translate,
    Plan,
    Validate,
}

impl Call {
    /// What hosts call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Translate => "translate",
            Self::Plan => "plan",
            Self::Validate => "validate",
        }
    }

    /// The answer of the core as it is compiled for this machine.
    pub fn natively(self, request: &[u8]) -> Vec<u8> {
        let answer = match self {
            Self::Translate => api::translate(request),
            Self::Plan => api::plan(request),
            Self::Validate => api::validate(request),
        };
        answer.into_bytes()
    }
}

pub struct Case {
    pub name: String,
    pub call: Call,
    pub input: String,
    pub options: Option<String>,
    /// None where the input is not one JSON value: such can be given as a text, but can't be
    /// part of a request.
    pub request: Option<Request>,
}

/// A request in one line, and what the core answers to it.
pub struct Request {
    pub text: Vec<u8>,
    pub native: Vec<u8>,
}

impl Case {
    pub fn new(call: Call, name: String, input: String, options: Option<String>) -> Self {
        let request = serde_json::from_str::<&RawValue>(&input)
            .is_ok()
            .then(|| Request::new(call, &input, options.as_deref()));
        Self { name, call, input, options, request }
    }
}

impl Request {
    fn new(call: Call, input: &str, options: Option<&str>) -> Self {
        let options = options.map(|options| format!(r#","options":{options}"#)).unwrap_or_default();
        // In JSON they are between values only.
        let text =
            format!(r#"{{"input":{input}{options}}}"#).replace(['\r', '\n'], " ").into_bytes();
        Self { native: call.natively(&text), text }
    }
}

/// The golden cases of the core.
pub fn golden() -> Vec<Case> {
    let cases = golden::all().into_iter();
    let case = |golden: golden::Golden| {
        Case::new(Call::Translate, format!("golden {}", golden.name), golden.input, golden.options)
    };
    cases.map(case).collect()
}

/// What is escaped, or long in one encoding and short in another.
const WORDS: [&str; 6] = ["é", "😀", "\u{2028}", "\"\\\u{7f}\u{1}", "ﬀ\u{301}", "80"];

/// A translation of services in all shapes of input, with options varied.
pub fn translation(seed: u64) -> Case {
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

/// Any entries, mostly with mistakes.
pub fn validations(count: usize) -> Vec<Case> {
    let case = |(number, entry): (usize, Value)| {
        Case::new(Call::Validate, format!("entry {number}"), entry.to_string(), None)
    };
    Entries::of_seed(3).take(count).enumerate().map(case).collect()
}

/// Up to eight entries, some of which already exist: unchanged, changed, or with another owner.
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
        plan_options(&mut rng).map(|options| options.to_string()),
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

fn plan_options(rng: &mut Rng) -> Option<Value> {
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
