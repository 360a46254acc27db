//! Properties of every input's translation.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use std::collections::BTreeSet;
use std::net::IpAddr;

use istio_cloud_map_core::cloud_map::{
    Health, HealthCheckConfig, InputOptions, Instance, Namespace, Record, Service, Snapshot, Tag,
    parse,
};
use istio_cloud_map_core::service_entry::{
    Resolution, ServiceEntry, host_problem, is_dns_label, is_label_value,
};
use istio_cloud_map_core::sorted::SortedMap;
use istio_cloud_map_core::translate::{Options, Outcome, Translation, Translator};
use proptest::prelude::*;
use serde_json::Value;

fn translate(record: &Record) -> Translation {
    Translator::new(&Options::default()).translate(&[record], None)
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() }
}

fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        proptest::sample::select(vec![
            "services",
            "Instances",
            "instances",
            "InstanceId",
            "Id",
            "id",
            "Attributes",
            "attributes",
            "NamespaceName",
            "ServiceName",
            "namespace",
            "service",
            "Name",
            "HealthStatus",
            "InstancesRevision",
            "instancesRevision",
            "tags",
            "Properties",
            "AWS_INSTANCE_IPV4",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn address() -> impl Strategy<Value = (&'static str, String)> {
    prop_oneof![
        6 => (0_u8..4, 0_u8..20).prop_map(|(a, b)| ("AWS_INSTANCE_IPV4", format!("10.0.{a}.{b}"))),
        1 => any::<u32>().prop_map(|bits| ("AWS_INSTANCE_IPV4", IpAddr::from(bits.to_be_bytes()).to_string())),
        2 => any::<u128>().prop_map(|bits| ("AWS_INSTANCE_IPV6", IpAddr::from(bits.to_be_bytes()).to_string())),
        1 => (0_u8..4).prop_map(|n| ("AWS_INSTANCE_IPV6", format!("::ffff:10.0.0.{n}"))),
        1 => proptest::sample::select(vec!["a.example.com", "B.example.com.", "a_b.c", "localhost", "10.0.0.1", ""])
            .prop_map(|name| ("AWS_INSTANCE_CNAME", name.to_owned())),
        1 => ".{0,10}".prop_map(|text| ("AWS_ALIAS_DNS_NAME", text)),
        1 => ".{0,10}".prop_map(|text| ("AWS_INSTANCE_IPV4", text)),
    ]
}

fn attribute() -> impl Strategy<Value = (&'static str, String)> {
    let port = || {
        prop_oneof![
            4 => proptest::sample::select(vec!["80", "443", "8080", "9090", "32768", "40000", ""]).prop_map(str::to_owned),
            1 => (0_u32..70_000).prop_map(|n| n.to_string()),
            1 => ".{0,4}",
        ]
    };
    let of = |keys: Vec<&'static str>, values: Vec<&'static str>| {
        (proptest::sample::select(keys), proptest::sample::select(values))
            .prop_map(|(key, value)| (key, value.to_owned()))
    };
    prop_oneof![
        4 => port().prop_map(|port| ("AWS_INSTANCE_PORT", port)),
        1 => port().prop_map(|port| ("SERVICE_PORT", port)),
        1 => of(vec!["SERVICE_PORT_NAME", "ENDPOINT_PORT_NAME"], vec!["http", "grpc-x", "", "Not_A_Name", "http-80", "tcp-8080"]),
        1 => of(vec!["SERVICE_PROTOCOL", "ENDPOINT_PROTOCOL"], vec!["TCP", "UDP", ""]),
        1 => of(vec!["EC2_INSTANCE_ID", "ECS_CLUSTER_NAME"], vec!["x"]),
        1 => of(vec!["READY"], vec!["true", "false", ""]),
        1 => of(vec!["AVAILABILITY_ZONE", "AvailabilityZone", "REGION"], vec!["us-east-1a", "us-east-1", "a/b", "", "x"]),
        1 => of(vec!["version", "weight"], vec!["1", "v2", "4294967295", "arn:x", "0", ""]),
        1 => of(vec!["istio-cloud-map/protocol"], vec!["grpc", "tcp", "h2"]),
    ]
}

fn instance() -> impl Strategy<Value = Instance> {
    let health =
        proptest::sample::select(vec![Health::Healthy, Health::Unhealthy, Health::Unknown]);
    let attributes =
        (proptest::collection::vec(address(), 0..3), proptest::collection::vec(attribute(), 0..5));
    ("[a-c]{1,2}", health, attributes).prop_map(|(id, health_status, (addresses, others))| {
        Instance {
            id,
            health_status,
            attributes: addresses
                .into_iter()
                .chain(others)
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        }
    })
}

fn hint() -> impl Strategy<Value = (String, String)> {
    let values = vec![
        "http:80",
        "grpc:1:2,tcp:9",
        "tcp",
        "true",
        "false",
        "other.example.com",
        "*",
        "MESH_INTERNAL",
        "",
    ];
    (
        proptest::sample::select(vec!["ports", "host", "protocol", "location", "exclude", "x"]),
        proptest::sample::select(values),
    )
        .prop_map(|(key, value)| (format!("istio-cloud-map/{key}"), value.to_owned()))
}

fn record() -> impl Strategy<Value = Record> {
    let name = || prop_oneof![4 => "[a-c]{1,2}", 1 => "[a-zA-Z0-9._-]{1,40}", 1 => Just(".".to_owned()), 1 => "[!-~]{1,20}"];
    let check = proptest::option::of(proptest::sample::select(vec!["HTTP", "HTTPS", "TCP", "X"]));
    let hints = (proptest::collection::vec(hint(), 0..2), proptest::collection::vec(hint(), 0..2));
    (name(), name(), check, hints, proptest::collection::vec(instance(), 0..24)).prop_map(
        |(namespace, service, check, hints, instances)| Record {
            source: "default".to_owned(),
            region: Some("us-west-2".to_owned()),
            namespace: Namespace { name: namespace, ..Namespace::default() },
            service: Service {
                name: service,
                health_check_config: check
                    .map(|kind| HealthCheckConfig { kind: Some(kind.to_owned()) }),
                ..Service::default()
            },
            service_attributes: hints.0.into_iter().collect(),
            tags: hints.1.into_iter().map(|(key, value)| Tag { key, value }).collect(),
            instances,
            instances_revision: Some(i64::MAX),
            zones: None,
        },
    )
}

fn options() -> impl Strategy<Value = Options> {
    let word = |words: Vec<&'static str>| proptest::sample::select(words);
    (
        word(vec!["healthyOrElseAll", "healthy", "all"]),
        word(vec!["preferIpv4", "preferIpv6", "dual"]),
        word(vec!["auto", "none", "endpoints"]),
        word(vec!["keep", "omit"]),
        word(vec!["refuse", "merge"]),
    )
        .prop_map(|(health, family, addresses, empty, conflicts)| {
            serde_json::from_value(serde_json::json!({
                "health": health, "ipFamily": family, "addresses": addresses, "emptyService": empty, "conflicts": conflicts,
                "endpointLabels": {"version": "version"}, "weightAttribute": "weight",
                "entryLabels": {"team": {"tag": "team"}}, "entryAnnotations": {"team": {"attribute": "team"}},
            }))
            .unwrap()
        })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_json_is_read_or_refused(json in any_json(), named in any::<bool>()) {
        let name = named.then(|| "x".to_owned());
        let options = InputOptions { namespace: name.clone(), service: name, ..InputOptions::default() };
        if let Ok(input) = parse(&json.to_string(), &options) {
            drop(Translator::new(&Options::default()).translate_all(&input.records));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,64}") {
        drop(parse(&text, &InputOptions::default()));
    }

    #[test]
    fn a_truncated_snapshot_is_refused(record in record(), at in any::<proptest::sample::Index>()) {
        let text = serde_json::to_string(&Snapshot { services: &[record] }).unwrap();
        let cut: String = text.chars().take(at.index(text.chars().count())).collect();
        prop_assert!(parse(&cut, &InputOptions::default()).is_err());
    }

    #[test]
    fn a_snapshot_survives_a_round_trip(record in record()) {
        let text = serde_json::to_string(&Snapshot { services: std::slice::from_ref(&record) }).unwrap();
        let input = parse(&text, &InputOptions::default()).unwrap();
        prop_assert_eq!((input.records, input.diagnostics), (vec![record], vec![]));
    }

    #[test]
    fn the_order_of_services_and_instances_changes_nothing(
        records in proptest::collection::vec(record(), 0..4), options in options(), seed in any::<prop::sample::Index>(),
    ) {
        // Duplicates of one key differ only in their order, and the reader removes them.
        let mut records: Vec<Record> = records;
        records.sort_by(|a, b| a.key().cmp(&b.key()));
        records.dedup_by(|a, b| a.key() == b.key());
        let mut shuffled = records.clone();
        shuffled.reverse();
        for record in &mut shuffled {
            let at = seed.index(record.instances.len().max(1)).min(record.instances.len());
            record.instances.rotate_left(at);
            record.instances.reverse();
        }
        let bytes = |records: &[Record]| {
            let translated = Translator::new(&options).translate_all(records);
            (serde_json::to_string(&translated.entries).unwrap(), translated.diagnostics)
        };
        prop_assert_eq!(bytes(&records), bytes(&shuffled));
    }

    #[test]
    fn every_entry_passes_istios_rules(records in proptest::collection::vec(record(), 0..4), options in options()) {
        for entry in Translator::new(&options).translate_all(&records).entries {
            let problems = problems(&entry);
            prop_assert!(problems.is_empty(), "{:?}\n{:#}", problems, serde_json::to_value(&entry).unwrap());
        }
    }

    #[test]
    fn one_bad_instance_changes_only_itself(record in record(), at in any::<prop::sample::Index>(), which in 0_u8..5) {
        let mut with_bad = serde_json::to_value(Snapshot { services: std::slice::from_ref(&record) }).unwrap();
        let bad = [
            serde_json::json!(7),
            serde_json::json!({"InstanceId": "bad", "Attributes": {"AWS_INSTANCE_IPV4": 1}}),
            serde_json::json!({"InstanceId": "bad", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "http"}}),
            serde_json::json!({"InstanceId": "bad", "HealthStatus": "HEALTHY", "Attributes": {"AWS_INSTANCE_IPV4": "127.0.0.1", "AWS_INSTANCE_PORT": "1"}}),
            serde_json::json!({"InstanceId": "bad", "HealthStatus": "UNHEALTHY", "Attributes": {}}),
        ];
        let instances = with_bad.pointer_mut("/services/0/instances").unwrap().as_array_mut().unwrap();
        instances.insert(at.index(instances.len() + 1), bad.into_iter().nth(which.into()).unwrap());
        let input = parse(&with_bad.to_string(), &InputOptions::default()).unwrap();
        let with_bad = translate(input.records.first().unwrap());
        let without = translate(&record);
        // If no instance has a usable address, the bad ones still decide the ports.
        let has_endpoints = |outcome: &Outcome| matches!(outcome, Outcome::Entry(entry) if !entry.spec.endpoints.is_empty());
        if !has_endpoints(&without.outcome) {
            prop_assert!(!has_endpoints(&with_bad.outcome));
            return Ok(());
        }
        prop_assert_eq!(&with_bad.outcome, &without.outcome);
        prop_assert_eq!(input.diagnostics.len() + with_bad.diagnostics.len(), without.diagnostics.len() + 1);
    }
}

/// Istio's structural rules (`ValidateServiceEntry` and the schema) that a translated entry could
/// break.
fn problems(entry: &ServiceEntry) -> Vec<String> {
    let spec = &entry.spec;
    let mut problems = Vec::new();
    let mut check = |holds: bool, rule: &str| {
        if !holds {
            problems.push(rule.to_owned());
        }
    };
    let name = &entry.metadata.name;
    check(
        name.len() <= 253
            && name
                .split('.')
                .all(|l| is_dns_label(&l.chars().take(63).collect::<String>()) || l.len() > 63),
        "name",
    );
    check(
        spec.hosts.len() == 1 && spec.hosts.iter().all(|host| host_problem(host).is_none()),
        "hosts",
    );
    check(!spec.ports.is_empty() && spec.ports.len() <= 256, "ports");
    check(spec.ports.is_sorted_by(|a, b| a.number < b.number), "ports are sorted and unique");
    check(
        spec.ports.iter().all(|p| p.number > 0 && is_dns_label(&p.name) && p.name.len() <= 62),
        "port names",
    );
    let names: BTreeSet<&str> = spec.ports.iter().map(|p| p.name.as_str()).collect();
    check(names.len() == spec.ports.len(), "port names are unique");
    let is_ip = |text: &String| text.parse::<IpAddr>().is_ok_and(|ip| ip.to_string() == *text);
    check(
        spec.addresses.iter().all(is_ip) && spec.addresses.is_sorted_by(|a, b| a < b),
        "addresses",
    );
    check(
        spec.addresses.len() <= 256
            && (spec.addresses.is_empty() || spec.resolution == Resolution::Static),
        "addresses and resolution",
    );
    check(
        spec.endpoints.is_sorted_by(|a, b| a < b) && spec.endpoints.len() <= 4096,
        "endpoints are sorted and unique",
    );
    let all_ips = spec.endpoints.iter().all(|e| is_ip(&e.address));
    check(all_ips == (spec.resolution == Resolution::Static), "STATIC is IPs, DNS has a name");
    for endpoint in &spec.endpoints {
        check(
            is_ip(&endpoint.address) || host_problem(&endpoint.address).is_none(),
            "endpoint address",
        );
        check(
            endpoint.ports.iter().all(|(name, port)| names.contains(name) && port > 0),
            "endpoint ports",
        );
        check(endpoint.labels.iter().all(|(_, value)| is_label_value(value)), "endpoint labels");
        check(endpoint.locality.as_ref().is_none_or(|l| l.matches('/').count() <= 1), "locality");
        check(endpoint.weight != Some(0), "weight");
    }
    problems
}

#[test]
fn the_checker_finds_what_istio_rejects() {
    let record = Record {
        namespace: Namespace { name: "n".to_owned(), ..Namespace::default() },
        service: Service { name: "s".to_owned(), ..Service::default() },
        instances: vec![Instance {
            attributes: SortedMap::from([("AWS_INSTANCE_IPV4".to_owned(), "10.0.0.1".to_owned())]),
            ..Instance::default()
        }],
        ..Record::default()
    };
    let Outcome::Entry(entry) = translate(&record).outcome else { panic!("no entry") };
    assert_eq!(problems(&entry), Vec::<String>::new());
    let mut broken = *entry;
    broken.spec.hosts = vec!["10.0.0.1".to_owned()];
    broken.spec.ports.reverse();
    broken.spec.resolution = Resolution::Dns;
    assert_eq!(problems(&broken).len(), 4);
}
