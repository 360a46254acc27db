//! `ServiceEntry` objects of every kind, each with up to four changes that may or may not be
//! damage.

mod damage;
mod values;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use values::{HOSTS, RESOLUTIONS, mostly, one};

/// A generator that gives the same entries for the same seed.
pub struct Entries(Rng);

impl Entries {
    /// Starts at a seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }
}

impl Iterator for Entries {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let rng = &mut self.0;
        let mut entry = json!({
            "apiVersion": one(rng, &["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"]),
            "kind": "ServiceEntry",
            "metadata": {"name": "entry", "namespace": "default"},
            "spec": spec(rng),
        });
        for _ in 0..one(rng, &[0, 1, 1, 1, 1, 2, 2, 3, 4]) {
            damage::change(rng, &mut entry);
        }
        Some(entry)
    }
}

/// What Istio takes.
fn spec(rng: &mut Rng) -> Value {
    let resolution = one(rng, RESOLUTIONS);
    let mut spec = Map::new();
    let host =
        if resolution == "DYNAMIC_DNS" { json!("*.example.com") } else { mostly(rng, HOSTS, 3) };
    spec.insert("hosts".to_owned(), json!([host]));
    let protocols: &[&str] = if resolution == "DYNAMIC_DNS" {
        &["HTTP", "TLS", "GRPC", "HTTP2"]
    } else {
        &["HTTP", "HTTPS", "GRPC", "TLS", "TCP", "HTTP2", "MySQL", ""]
    };
    let count = one(rng, &[0, 1, 1, 1, 2, 3]);
    let ports: Vec<Value> = (0..count).map(|index| port(rng, index, protocols)).collect();
    if count > 0 || rng.bool() {
        spec.insert("ports".to_owned(), json!(ports));
    }
    if resolution != "NONE" || rng.bool() {
        spec.insert("resolution".to_owned(), json!(resolution));
    }
    if resolution != "DYNAMIC_DNS" && rng.bool() {
        spec.insert("addresses".to_owned(), json!(["10.0.0.1", "2001:db8::1"]));
    }
    endpoints(rng, &mut spec, resolution, &ports);
    for (key, value) in [("location", "MESH_EXTERNAL"), ("location", "MESH_INTERNAL")] {
        if rng.u8(..4) == 0 {
            spec.insert(key.to_owned(), json!(value));
        }
    }
    if rng.u8(..4) == 0 {
        spec.insert(
            "exportTo".to_owned(),
            one(
                rng,
                &[json!(["."]), json!(["*"]), json!(["~"]), json!(["a", "b", "."]), json!([])],
            ),
        );
    }
    Value::Object(spec)
}

fn port(rng: &mut Rng, index: usize, protocols: &[&str]) -> Value {
    let mut port = json!({"name": format!("port-{index}"), "number": 80 + index, "protocol": one(rng, protocols)});
    if rng.u8(..4) == 0 {
        set(&mut port, "targetPort", json!(8080 + index));
    }
    port
}

fn endpoints(rng: &mut Rng, spec: &mut Map<String, Value>, resolution: &str, ports: &[Value]) {
    let most = match resolution {
        "STATIC" | "DNS" => 4,
        "DNS_ROUND_ROBIN" => 2,
        _ => 0,
    };
    let count = if most == 0 { 0 } else { rng.usize(..most) };
    if count == 0 {
        if most > 0 && rng.u8(..4) == 0 {
            spec.insert("workloadSelector".to_owned(), json!({"labels": {"app": "a"}}));
        }
        return;
    }
    let addresses: &[&str] = if resolution == "STATIC" {
        &["10.1.0.1", "10.1.0.2", "2001:db8::9"]
    } else {
        &["10.1.0.1", "a.example.com", "single"]
    };
    let endpoints: Vec<Value> = (0..count).map(|_| endpoint(rng, addresses, ports)).collect();
    spec.insert("endpoints".to_owned(), json!(endpoints));
}

fn endpoint(rng: &mut Rng, addresses: &[&str], ports: &[Value]) -> Value {
    let mut endpoint = json!({"address": one(rng, addresses)});
    if rng.bool() {
        let own = ports
            .iter()
            .filter_map(|port| port.get("name")?.as_str())
            .map(|name| (name.to_owned(), json!(8080)));
        set(&mut endpoint, "ports", Value::Object(own.collect()));
    }
    if rng.u8(..3) == 0 {
        set(&mut endpoint, "labels", json!({"app": "a", "istio.io/rev": ""}));
        set(&mut endpoint, "locality", values::text(rng, values::LOCALITIES));
        set(&mut endpoint, "weight", json!(rng.u32(..)));
    }
    endpoint
}

/// Sets a field, if the value is an object.
fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}
