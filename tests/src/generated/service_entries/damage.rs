//! One change to an entry: a value of another kind, on a line or one beyond, missing, too much, of
//! another type.

use fastrand::Rng;
use serde_json::{Value, json};

use super::set;
use super::values::{
    ADDRESSES, ENDPOINT_ADDRESSES, HOSTS, LABEL_KEYS, LABEL_VALUES, LOCALITIES, LOCATIONS,
    NAMESPACES, OTHER_RESOLUTIONS, PORT_NAMES, PROTOCOLS, RESOLUTIONS, host_of_length, mostly,
    of_another_type, of_length, one, port_number, text,
};

/// Changes one thing.
pub(super) fn change(rng: &mut Rng, entry: &mut Value) {
    let Some(spec) = entry.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    match rng.u8(..20) {
        0..3 => hosts(rng, spec),
        3..5 => addresses(rng, spec),
        5..8 => ports(rng, spec),
        8 => rename(rng, spec),
        9..14 => endpoints(rng, spec),
        14 => set(
            spec,
            "resolution",
            if rng.u8(..4) == 0 { text(rng, OTHER_RESOLUTIONS) } else { text(rng, RESOLUTIONS) },
        ),
        15 => export_to(rng, spec),
        16 => selector(rng, spec),
        17 => other(rng, spec),
        18 => metadata(rng, entry),
        _ => anywhere(rng, entry),
    }
}

fn hosts(rng: &mut Rng, spec: &mut Value) {
    let long = json!([
        host_of_length(one(rng, &[63, 64, 127, 254, 255, 256])),
        format!("{}.b", of_length(one(rng, &[62, 63, 64]))),
        format!("*{}.b", of_length(one(rng, &[61, 62, 63]))),
        format!("*-{}.b", of_length(one(rng, &[60, 61, 62]))),
    ]);
    let hosts: Vec<Value> = match rng.u8(..8) {
        0 => long.as_array().map(|all| vec![one(rng, all)]).unwrap_or_default(),
        1 => Vec::new(),
        2 => (0..one(rng, &[255, 256, 257])).map(|index| json!(format!("h{index}.b"))).collect(),
        3 => vec![json!("a.example.com"), mostly(rng, HOSTS, 3)],
        4 => vec![json!("*.a.example.com"), text(rng, HOSTS)],
        _ => vec![text(rng, HOSTS)],
    };
    set(spec, "hosts", json!(hosts));
}

fn addresses(rng: &mut Rng, spec: &mut Value) {
    let addresses: Vec<Value> = match rng.u8(..8) {
        0 => Vec::new(),
        1 => vec![json!("10.0.0.1"); one(rng, &[255, 256, 257])],
        2 => vec![json!(format!("fe80::1%{}", of_length(one(rng, &[55, 56, 57]))))],
        3 => vec![json!("10.0.0.1"), text(rng, ADDRESSES)],
        _ => vec![text(rng, ADDRESSES)],
    };
    set(spec, "addresses", json!(addresses));
}

fn ports(rng: &mut Rng, spec: &mut Value) {
    let many = |count: usize| {
        (0..count).map(|index| json!({"name": format!("p{index}"), "number": index + 1, "protocol": "HTTP"})).collect::<Vec<_>>()
    };
    if rng.u8(..8) == 0 {
        let count = one(rng, &[0, 1, 255, 256, 257]);
        return set(spec, "ports", json!(many(count)));
    }
    let Some(ports) = spec.get_mut("ports").and_then(Value::as_array_mut) else {
        return set(spec, "ports", json!(many(1)));
    };
    if ports.is_empty() || rng.u8(..6) == 0 {
        ports.push(
            json!({"name": one(rng, &["port-0", "port-1", "more"]), "number": one(rng, &[80, 81, 90]), "protocol": one(rng, PROTOCOLS)}),
        );
    }
    let index = rng.usize(..ports.len());
    let Some(port) = ports.get_mut(index) else { return };
    match rng.u8(..8) {
        0 => set(port, "number", port_number(rng)),
        1 => set(port, "targetPort", port_number(rng)),
        2 => set(port, "name", text(rng, PORT_NAMES)),
        3 => set(port, "name", json!(of_length(one(rng, &[62, 63, 64, 255, 256, 257])))),
        4..6 => set(port, "protocol", text(rng, PROTOCOLS)),
        6 => set(port, "protocol", json!(of_length(one(rng, &[256, 257])))),
        _ => loses_or_mistypes(rng, port, &["name", "number", "protocol", "targetPort"]),
    }
}

/// The first port and whatever of the endpoints goes by its name.
fn rename(rng: &mut Rng, spec: &mut Value) {
    let name = of_length(one(rng, &[61, 62, 63, 64]));
    let Some(port) = spec.pointer_mut("/ports/0") else { return };
    let old = port.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    set(port, "name", json!(name));
    for endpoint in spec.get_mut("endpoints").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(ports) = endpoint.get_mut("ports").and_then(Value::as_object_mut)
            && let Some(number) = ports.remove(&old)
        {
            ports.insert(name.clone(), number);
        }
    }
}

fn endpoints(rng: &mut Rng, spec: &mut Value) {
    if rng.u8(..8) == 0 {
        let endpoints = match rng.u8(..3) {
            0 => json!([]),
            1 => json!(vec![
                json!({"address": "10.1.0.1"});
                one(rng, &[2, 2, 2, 2, 2, 2, 2, 2, 4096, 4097])
            ]),
            _ => json!([null]),
        };
        return set(spec, "endpoints", endpoints);
    }
    let name = spec.pointer("/ports/0/name").and_then(Value::as_str).unwrap_or("http").to_owned();
    let Some(endpoints) =
        spec.get_mut("endpoints").and_then(Value::as_array_mut).filter(|all| !all.is_empty())
    else {
        return set(spec, "endpoints", json!([{"address": text(rng, ENDPOINT_ADDRESSES)}]));
    };
    let index = rng.usize(..endpoints.len());
    let Some(endpoint) = endpoints.get_mut(index) else { return };
    match rng.u8(..12) {
        0..3 => set(endpoint, "address", text(rng, ENDPOINT_ADDRESSES)),
        3 => set(endpoint, "address", json!(host_of_length(one(rng, &[255, 256, 257])))),
        4..6 => endpoint_ports(rng, endpoint, &name),
        6 => set(endpoint, "labels", labels(rng)),
        7 => set(
            endpoint,
            "locality",
            if rng.bool() {
                text(rng, LOCALITIES)
            } else {
                json!(of_length(one(rng, &[2048, 2049])))
            },
        ),
        8 => set(
            endpoint,
            "weight",
            one(
                rng,
                &[
                    json!(0),
                    json!(1),
                    json!(u32::MAX),
                    json!(4_294_967_296_u64),
                    json!(-1),
                    json!("1"),
                    json!(0.5),
                ],
            ),
        ),
        9 => network(rng, endpoint),
        10 if rng.bool() => socket(rng, endpoint, &name),
        10 => set(endpoint, "serviceAccount", json!(of_length(one(rng, &[0, 253, 254])))),
        _ => loses_or_mistypes(
            rng,
            endpoint,
            &["address", "labels", "locality", "network", "ports", "serviceAccount", "weight"],
        ),
    }
}

/// Fine, where there is one service port and no port of its own.
fn socket(rng: &mut Rng, endpoint: &mut Value, name: &str) {
    set(endpoint, "address", json!(one(rng, &["unix:///a", "unix://@a"])));
    set(endpoint, "ports", one(rng, &[Value::Null, json!({}), json!({name: 80})]));
}

fn network(rng: &mut Rng, endpoint: &mut Value) {
    set(
        endpoint,
        "network",
        json!(one(
            rng,
            &[String::new(), "n".to_owned(), of_length(2048), of_length(2049), "é".repeat(2048)]
        )),
    );
    match rng.u8(..3) {
        0 => set(endpoint, "address", json!("")),
        1 => set(endpoint, "address", Value::Null),
        _ => {}
    }
}

fn endpoint_ports(rng: &mut Rng, endpoint: &mut Value, name: &str) {
    let ports = match rng.u8(..6) {
        0 => json!({}),
        1 => Value::Object(
            (0..one(rng, &[128, 129])).map(|index| (format!("p{index}"), json!(80))).collect(),
        ),
        2 => json!({name: 80, one(rng, PORT_NAMES): 81}),
        3 => json!({of_length(one(rng, &[62, 63, 64])): 80}),
        _ => json!({name: port_number(rng)}),
    };
    set(endpoint, "ports", ports);
}

fn labels(rng: &mut Rng) -> Value {
    let long_key = [
        of_length(63),
        of_length(64),
        format!("{}/a", of_length(253)),
        format!("{}/a", of_length(254)),
        format!("a/{}", of_length(64)),
    ];
    match rng.u8(..6) {
        0 => Value::Object(
            (0..one(rng, &[256, 257])).map(|index| (format!("l{index}"), json!("a"))).collect(),
        ),
        1 => json!({one(rng, &long_key): "a"}),
        2 => json!({"a": of_length(one(rng, &[63, 64, 1000]))}),
        3 => json!({one(rng, LABEL_KEYS): "a"}),
        4 => json!({"a": one(rng, LABEL_VALUES)}),
        _ => json!({one(rng, LABEL_KEYS): of_another_type(rng)}),
    }
}

fn export_to(rng: &mut Rng, spec: &mut Value) {
    let count = rng.usize(..4);
    let mut names: Vec<Value> = (0..count).map(|_| mostly(rng, NAMESPACES, 6)).collect();
    if rng.u8(..6) == 0 {
        names.push(json!(of_length(one(rng, &[63, 64]))));
    }
    set(spec, "exportTo", json!(names));
}

fn selector(rng: &mut Rng, spec: &mut Value) {
    let selector = match rng.u8(..6) {
        0 => json!({}),
        1 => json!({"labels": {}}),
        2 => json!({"labels": labels(rng)}),
        3 => json!({"labels": {one(rng, LABEL_KEYS): one(rng, LABEL_VALUES)}}),
        4 => json!({"labels": null}),
        _ => json!({"labels": {"a": "b"}, "matchLabels": {"a": "b"}}),
    };
    set(spec, "workloadSelector", selector);
    if let Some(spec) = spec.as_object_mut().filter(|_| rng.bool()) {
        spec.remove("endpoints");
    }
}

fn other(rng: &mut Rng, spec: &mut Value) {
    match rng.u8(..3) {
        0 => set(spec, "location", text(rng, LOCATIONS)),
        1 => set(
            spec,
            "subjectAltNames",
            one(rng, &[json!([]), json!(["a", ""]), json!([1]), json!("a")]),
        ),
        _ => {
            let fields = [
                "addresses",
                "endpoints",
                "exportTo",
                "hosts",
                "location",
                "ports",
                "resolution",
                "subjectAltNames",
                "workloadSelector",
            ];
            loses_or_mistypes(rng, spec, &fields);
        }
    }
}

/// The namespace is not changed: the judge would accept another one, and the API server would
/// reject the request's URL.
fn metadata(rng: &mut Rng, entry: &mut Value) {
    let Some(metadata) = entry.get_mut("metadata") else { return };
    let names = ["a.b", "A", "a_b", "", "-a", "a..b", &of_length(253), &of_length(254)];
    let reserved = [
        "istio.io/dry-run",
        "internal.istio.io/webhook-always-reject",
        "internal.istio.io/parents",
        "internal.istio.io/parent-namespace",
    ];
    match rng.u8(..7) {
        0 => set(metadata, "name", json!(one(rng, &names))),
        1 => set(metadata, "labels", labels(rng)),
        2 => set(metadata, "annotations", labels(rng)),
        3 if rng.bool() => {
            set(metadata, "annotations", json!({"a/b": of_length(one(rng, &[262_141, 262_142]))}));
        }
        3 => set(metadata, "annotations", json!({one(rng, &reserved): "true"})),
        4 => {
            set(
                metadata,
                "labels",
                json!({"istio.io/use-waypoint": one(rng, &["waypoint", "waypoint", "none", "None", ""])}),
            );
            entry
                .get_mut("spec")
                .into_iter()
                .for_each(|spec| set(spec, "location", json!("MESH_INTERNAL")));
        }
        5 => set(
            metadata,
            "labels",
            json!({"networking.istio.io/enable-autoallocate-ip": one(rng, &["false", "False", "true"])}),
        ),
        _ => loses_or_mistypes(rng, metadata, &["name", "labels", "annotations"]),
    }
}

/// The document's own fields, and unknown fields.
fn anywhere(rng: &mut Rng, entry: &mut Value) {
    let pointers = ["", "/spec", "/spec/ports/0", "/spec/endpoints/0", "/spec/workloadSelector"];
    let unknown = one(
        rng,
        &["host", "export_to", "target_port", "service_account", "x", "subject_alt_names"],
    );
    match rng.u8(..6) {
        0..4 => {
            let value = of_another_type(rng);
            entry
                .pointer_mut(one(rng, &pointers))
                .into_iter()
                .for_each(|object| set(object, unknown, value.clone()));
        }
        4 => set(entry, "spec", of_another_type(rng)),
        _ => {
            let value = one(
                rng,
                &[
                    Value::Null,
                    json!("ServiceEntrys"),
                    json!("v1"),
                    json!("networking.istio.io/v2"),
                    json!("istio.io/v1"),
                ],
            );
            set(entry, one(rng, &["apiVersion", "kind"]), value);
        }
    }
}

fn loses_or_mistypes(rng: &mut Rng, object: &mut Value, fields: &[&str]) {
    let field = one(rng, fields);
    if rng.u8(..3) == 0 {
        object.as_object_mut().and_then(|object| object.remove(field));
    } else {
        set(object, field, of_another_type(rng));
    }
}
