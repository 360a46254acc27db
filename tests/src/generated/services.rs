//! Cloud Map services for tests: generated from seeds, or made of the given instances.

use fastrand::Rng;
use istio_cloud_map_core::cloud_map::{
    Health, HealthCheckConfig, Instance, Namespace, Record, Service, Tag,
};
use istio_cloud_map_core::sorted::SortedMap;
use istio_cloud_map_core::translate::Options;
use serde_json::{Value, json};

type Attributes = SortedMap<String, String>;

/// A service. Its name holds the seed, so that no two claim one host.
#[must_use]
pub fn service(seed: u64) -> Record {
    let mut rng = Rng::with_seed(seed);
    let count = size(&mut rng);
    let shapes = [plain, plain, plain, host_mapped, mcs, named, families, spoiled];
    let shape = pick(&mut rng, &shapes);
    let mut instances: Vec<Instance> = shape(&mut rng, count)
        .into_iter()
        .enumerate()
        .map(|(number, attributes)| Instance {
            id: format!("i-{number}"),
            health_status: Health::Unknown,
            attributes,
        })
        .collect();
    let checked = rng.u8(..4) == 0;
    let healthy = rng.u8(..=4);
    for instance in instances.iter_mut().filter(|_| checked) {
        instance.health_status =
            if rng.u8(..4) < healthy { Health::Healthy } else { Health::Unhealthy };
    }
    rng.shuffle(&mut instances);
    let check = pick(&mut rng, &[None, None, Some("HTTP"), Some("HTTPS"), Some("TCP")]);
    let namespace = pick(&mut rng, &["prod", "prod.local", "Prod", "example.com"]);
    let mut record = registered(&name(&mut rng, seed), check, instances);
    namespace.clone_into(&mut record.namespace.name);
    hint(&mut rng, &mut record);
    record
}

/// A service of these instances in the namespace `prod`, with a Route 53 health check of this type.
#[must_use]
pub fn registered(name: &str, check: Option<&str>, instances: Vec<Instance>) -> Record {
    let check = check.map(|kind| HealthCheckConfig { kind: Some(kind.to_owned()) });
    Record {
        source: "default".to_owned(),
        region: Some("us-west-2".to_owned()),
        namespace: Namespace { name: "prod".to_owned(), ..Namespace::default() },
        service: Service {
            name: name.to_owned(),
            health_check_config: check,
            ..Service::default()
        },
        instances,
        ..Record::default()
    }
}

/// An instance that listens on one port.
#[must_use]
pub fn instance(id: &str, address: &str, port: u16) -> Instance {
    Instance {
        id: id.to_owned(),
        health_status: Health::Unknown,
        attributes: from([
            ("AWS_INSTANCE_IPV4", address.to_owned()),
            ("AWS_INSTANCE_PORT", port.to_string()),
        ]),
    }
}

/// Most services are translated by the defaults.
///
/// # Panics
/// Never, unless an option is renamed.
#[must_use]
pub fn options(seed: u64) -> Options {
    serde_json::from_value(options_json(seed)).expect("options that the core knows")
}

/// The same as a host writes them.
#[must_use]
pub fn options_json(seed: u64) -> Value {
    let mut rng = Rng::with_seed(!seed);
    if rng.u8(..3) > 0 {
        return json!({});
    }
    json!({
        "health": pick(&mut rng, &["healthyOrElseAll", "healthy", "all"]),
        "ipFamily": pick(&mut rng, &["preferIpv4", "preferIpv6", "dual"]),
        "addresses": pick(&mut rng, &["auto", "none", "endpoints"]),
        "emptyService": pick(&mut rng, &["keep", "omit"]),
        "dynamicPort": pick(&mut rng, &["http:80", "grpc:50051", "tcp:9"]),
        "protocols": pick(&mut rng, &[json!({}), json!({"8080": "HTTP", "9090": "GRPC"})]),
        "endpointLabels": {"version": "version"},
        "entryLabels": {"team": "a", "env": {"tag": "team"}},
        "entryAnnotations": {"note": {"attribute": "note"}},
        "weightAttribute": "weight",
    })
}

fn size(rng: &mut Rng) -> usize {
    match rng.u16(..400) {
        0..30 => 0,
        30..110 => 1,
        110..350 => rng.usize(2..=8),
        350..380 => rng.usize(9..=40),
        380..398 => 100,
        _ => 1000,
    }
}

/// Some that Istio rejects among them.
fn name(rng: &mut Rng, seed: u64) -> String {
    match rng.u8(..24) {
        0 => format!("my_svc-{seed}"),
        1 => format!("a b {seed}"),
        2 => format!("-{seed}-"),
        3 => format!("{}{seed}", "a".repeat(63)),
        4 => format!("a.{seed}.*"),
        5 => format!("API-{seed}"),
        6 | 7 => format!("_http._tcp.svc{seed}").replace('_', ""),
        _ => format!("svc-{seed}"),
    }
}

fn hint(rng: &mut Rng, record: &mut Record) {
    let (key, value) = match rng.u8(..20) {
        0 => (
            "ports",
            pick(
                rng,
                &[
                    "http:80",
                    "http:8080,http-metrics:9090",
                    "grpc:50051:9090,tcp:5432",
                    "tls:443:8443",
                    "redis:6379",
                ],
            ),
        ),
        1 | 5 | 6 => (
            "protocol",
            pick(
                rng,
                &[
                    "grpc", "http2", "tcp", "mongo", "mysql", "redis", "tls", "https", "grpc-web",
                    "udp", "h2",
                ],
            ),
        ),
        2 => ("location", "MESH_INTERNAL"),
        3 => ("exclude", pick(rng, &["true", "false"])),
        4 => {
            let protocol = pick(rng, &["grpc", "tcp", "nonsense"]);
            for instance in &mut record.instances {
                instance
                    .attributes
                    .insert("istio-cloud-map/protocol".to_owned(), protocol.to_owned());
            }
            return;
        }
        _ => return,
    };
    let (key, value) = (format!("istio-cloud-map/{key}"), value.to_owned());
    if rng.bool() {
        record.service_attributes.insert(key, value);
    } else {
        record.tags.push(Tag { key, value });
    }
}

/// Up to 12 distinct ports; an address may be there several times, and a port be missing.
fn plain(rng: &mut Rng, count: usize) -> Vec<Attributes> {
    let known = [80, 443, 8080, 8443, 9090, 50_051, 3306, 6379];
    let ports: Vec<u16> = (0..rng.usize(..=12))
        .map(|_| if rng.bool() { pick(rng, &known) } else { rng.u16(1..) })
        .collect();
    let hosts = if rng.bool() { count.max(1) * 4 } else { count / 2 + 1 };
    let without = rng.u8(..8) == 0;
    (0..count)
        .map(|_| {
            let mut attributes = from([("AWS_INSTANCE_IPV4", ipv4(rng, hosts))]);
            if !ports.is_empty() && (!without || rng.u8(..4) > 0) {
                attributes.insert("AWS_INSTANCE_PORT".to_owned(), pick(rng, &ports).to_string());
            }
            if rng.bool() {
                attributes.insert(
                    "AVAILABILITY_ZONE".to_owned(),
                    pick(rng, &["us-west-2a", "us-west-2b", "a/b"]).to_owned(),
                );
            }
            if rng.u8(..4) == 0 {
                attributes
                    .insert("weight".to_owned(), pick(rng, &["1", "10", "0", "x"]).to_owned());
                attributes
                    .insert("version".to_owned(), pick(rng, &["v1", "v2", "arn:x"]).to_owned());
            }
            attributes
        })
        .collect()
}

/// Tasks of ECS on EC2 hosts, each with a port of its host; sometimes one that is not from the
/// dynamic range.
fn host_mapped(rng: &mut Rng, count: usize) -> Vec<Attributes> {
    let fixed = rng.u8(..4) == 0;
    (0..count)
        .map(|_| {
            let port = if fixed && rng.u8(..4) == 0 { 8080 } else { rng.u16(32_768..=60_999) };
            from([
                ("AWS_INSTANCE_IPV4", ipv4(rng, count / 3 + 1)),
                ("AWS_INSTANCE_PORT", port.to_string()),
                ("EC2_INSTANCE_ID", "i-0".to_owned()),
                ("ECS_CLUSTER_NAME", "cluster".to_owned()),
                ("AVAILABILITY_ZONE", "us-west-2a".to_owned()),
                ("REGION", "us-west-2".to_owned()),
            ])
        })
        .collect()
}

/// Pods behind the MCS controller, one instance for each port of a pod.
fn mcs(rng: &mut Rng, count: usize) -> Vec<Attributes> {
    let ports: Vec<(u16, u16, &str, &str)> = (0..rng.usize(1..=4))
        .map(|_| {
            let (service, target) = (pick(rng, &[80, 443, 8080, 9000, 53]), rng.u16(1024..));
            (
                service,
                target,
                pick(rng, &["http", "grpc-api", "web", "", "https", "tcp-x"]),
                pick(rng, &["TCP", "TCP", "UDP", ""]),
            )
        })
        .collect();
    let pods = (count / ports.len()).max(usize::from(count > 0));
    let mut instances = Vec::new();
    for pod in 0..pods {
        let ready = pick(rng, &["true", "true", "TRUE", "", "false"]);
        for (service, target, name, transport) in ports.iter().filter(|_| rng.u8(..10) > 0) {
            instances.push(from([
                ("AWS_INSTANCE_IPV4", format!("10.1.{}.{}", pod / 250, pod % 250 + 1)),
                ("AWS_INSTANCE_PORT", target.to_string()),
                ("SERVICE_PORT", service.to_string()),
                ("SERVICE_TARGET_PORT", target.to_string()),
                ("SERVICE_PORT_NAME", (*name).to_owned()),
                ("SERVICE_PROTOCOL", (*transport).to_owned()),
                ("READY", ready.to_owned()),
            ]));
        }
    }
    instances
}

/// Load balancers and foreign names, some beside IP addresses.
fn named(rng: &mut Rng, count: usize) -> Vec<Attributes> {
    let mixed = rng.u8(..3) == 0;
    (0..count)
        .map(|number| {
            let mut attributes = match rng.u8(..3) {
                0 if mixed => from([("AWS_INSTANCE_IPV4", ipv4(rng, count))]),
                1 => from([(
                    "AWS_ALIAS_DNS_NAME",
                    format!("lb-{number}.us-west-2.elb.amazonaws.com"),
                )]),
                _ => from([("AWS_INSTANCE_CNAME", format!("Db-{}.example.com.", number / 2))]),
            };
            if !attributes.contains_key("AWS_ALIAS_DNS_NAME") && rng.bool() {
                attributes.insert(
                    "AWS_INSTANCE_PORT".to_owned(),
                    pick(rng, &["443", "5432", "80"]).to_owned(),
                );
            }
            attributes
        })
        .collect()
}

/// IPv4, IPv6 or both.
fn families(rng: &mut Rng, count: usize) -> Vec<Attributes> {
    let port = pick(rng, &["", "80", "8080", "443"]);
    (0..count)
        .map(|number| {
            let mut attributes = from([("AWS_INSTANCE_PORT", port.to_owned())]);
            let which = rng.u8(..3);
            if which != 0 {
                attributes.insert(
                    "AWS_INSTANCE_IPV6".to_owned(),
                    format!("2001:0DB8::{:04x}", number + 1),
                );
            }
            if which != 1 {
                attributes.insert("AWS_INSTANCE_IPV4".to_owned(), ipv4(rng, count));
            }
            attributes
        })
        .collect()
}

/// Plain ones, of which some have what can't be used.
fn spoiled(rng: &mut Rng, count: usize) -> Vec<Attributes> {
    let bad = [
        ("AWS_INSTANCE_IPV4", "127.0.0.1"),
        ("AWS_INSTANCE_IPV4", "169.254.169.254"),
        ("AWS_INSTANCE_IPV4", "192.168.1."),
        ("AWS_INSTANCE_IPV4", "vector.local"),
        ("AWS_INSTANCE_IPV4", "10.0.0.010"),
        ("AWS_INSTANCE_IPV4", ""),
        ("AWS_INSTANCE_PORT", "http"),
        ("AWS_INSTANCE_PORT", "0"),
        ("AWS_INSTANCE_PORT", "65536"),
        ("AWS_INSTANCE_PORT", "+80"),
        ("SERVICE_PORT", "-1"),
        ("/a/path", "arn:aws:x"),
    ];
    let mut instances = plain(rng, count);
    for attributes in &mut instances {
        if rng.u8(..3) == 0 {
            let (key, value) = pick(rng, &bad);
            attributes.insert(key.to_owned(), value.to_owned());
        }
    }
    instances
}

fn ipv4(rng: &mut Rng, hosts: usize) -> String {
    let host = rng.usize(..hosts.max(1));
    format!("10.0.{}.{}", host / 250, host % 250 + 1)
}

fn from<const N: usize>(pairs: [(&str, String); N]) -> Attributes {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn pick<T: Clone>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(..choices.len())].clone()
}
