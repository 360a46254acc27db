//! Ports and addresses over time, and what the golden cases do not cover.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::cloud_map::{Health, Instance, Namespace, Record, Service};
use crate::diagnostic::Code;
use crate::service_entry::{Protocol, ServicePort};

/// An instance at 10.0.0.`host` with these other attributes.
fn instance(host: usize, health_status: Health, attributes: &[(&str, &str)]) -> Instance {
    let address = ("AWS_INSTANCE_IPV4".to_owned(), format!("10.0.0.{host}"));
    let attributes = attributes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .chain([address])
        .collect();
    Instance { id: format!("i-{host}"), health_status, attributes }
}

fn at(host: usize, port: u16) -> Instance {
    instance(host, Health::Healthy, &[("AWS_INSTANCE_PORT", &port.to_string())])
}

fn unhealthy(host: usize, port: u16) -> Instance {
    Instance { health_status: Health::Unhealthy, ..at(host, port) }
}

fn service(instances: Vec<Instance>) -> Record {
    Record {
        namespace: Namespace { name: "n".to_owned(), ..Namespace::default() },
        service: Service { name: "s".to_owned(), ..Service::default() },
        instances,
        ..Record::default()
    }
}

fn options(options: Value) -> Options {
    serde_json::from_value(options).unwrap()
}

/// The entry, and the codes of the diagnostics.
fn entry(
    record: &Record,
    options: &Options,
    last: Option<&LastKnown>,
) -> (ServiceEntry, Vec<Code>) {
    let Translation { outcome, diagnostics } = Translator::new(options).translate(&[record], last);
    let Outcome::Entry(entry) = outcome else { panic!("no entry: {diagnostics:?}") };
    (*entry, diagnostics.into_iter().map(|diagnostic| diagnostic.code).collect())
}

/// The last known ports and addresses of a TCP service.
fn last() -> LastKnown {
    let port = ServicePort {
        number: 5432,
        name: "tcp-5432".to_owned(),
        protocol: Protocol::Tcp,
        target_port: None,
    };
    LastKnown { ports: vec![port], addresses: vec!["10.0.0.1".to_owned()] }
}

/// Each endpoint's address and port map.
fn maps(entry: &ServiceEntry) -> Vec<Value> {
    entry.spec.endpoints.iter().map(|endpoint| json!([endpoint.address, endpoint.ports])).collect()
}

#[test]
fn without_any_instance_a_service_keeps_its_last_ports_and_addresses() {
    let options = Options::default();
    let (kept, codes) = entry(&service(Vec::new()), &options, Some(&last()));
    assert_eq!(LastKnown::from_entry(&kept), last());
    assert_eq!(codes, []);
    let (new, codes) = entry(&service(Vec::new()), &options, None);
    assert_eq!(new.spec.ports.iter().map(|port| port.number).collect::<Vec<_>>(), [80, 443]);
    assert_eq!(codes, [Code::PortsUnknown]);
    let nothing = LastKnown::default();
    assert_eq!(entry(&service(Vec::new()), &options, Some(&nothing)), (new, codes));
}

#[test]
fn only_ports_that_are_not_routed_by_name_use_the_last_addresses() {
    let http = LastKnown {
        ports: vec![ServicePort { protocol: Protocol::Http, ..last().ports.remove(0) }],
        ..last()
    };
    assert_eq!(
        entry(&service(Vec::new()), &Options::default(), Some(&http)).0.spec.addresses,
        Vec::<String>::new()
    );
    let none = options(json!({"addresses": "none"}));
    assert_eq!(
        entry(&service(Vec::new()), &none, Some(&last())).0.spec.addresses,
        Vec::<String>::new()
    );
    let without_address = LastKnown { addresses: Vec::new(), ..last() };
    assert_eq!(
        entry(&service(Vec::new()), &Options::default(), Some(&without_address)).1,
        [Code::TcpWithoutAddress]
    );
}

#[test]
fn instances_that_are_left_out_take_precedence_over_what_was_last_known() {
    let options = options(json!({"health": "healthy"}));
    let live = service(vec![at(2, 6379), at(3, 6379)]);
    let drained = service(vec![unhealthy(2, 6379), unhealthy(3, 6379)]);
    let before = entry(&live, &options, None).0;
    let (after, codes) = entry(&drained, &options, Some(&last()));
    assert_eq!(LastKnown::from_entry(&after), LastKnown::from_entry(&before));
    assert_eq!(after.spec.endpoints.len(), 0);
    assert_eq!(codes, [Code::Unhealthy]);
    let many = service((1..=17).map(|host| unhealthy(host, 6379)).collect());
    assert_eq!(entry(&many, &options, Some(&last())).0.spec.addresses, last().addresses);
}

#[test]
fn instances_without_a_usable_address_decide_the_ports_if_no_other_has_one() {
    let bad = |port: &str| instance(1, Health::Healthy, &[("AWS_INSTANCE_PORT", port)]);
    let denied = options(json!({"denyCidrs": ["10.0.0.1"]}));
    let ports = |record: &Record| {
        entry(record, &denied, Some(&last()))
            .0
            .spec
            .ports
            .iter()
            .map(|port| port.number)
            .collect::<Vec<_>>()
    };
    assert_eq!(ports(&service(vec![bad("8080")])), [8080]);
    assert_eq!(ports(&service(vec![bad("8080"), at(2, 9090)])), [9090]);
    assert_eq!(ports(&service(vec![bad("")])), [5432]);
}

#[test]
fn listed_ports_take_precedence_over_what_was_last_known() {
    let listed = options(json!({"overrides": [{"ports": "http:8080"}]}));
    let (entry, codes) = entry(&service(Vec::new()), &listed, Some(&last()));
    assert_eq!(entry.spec.ports.iter().map(|port| port.number).collect::<Vec<_>>(), [8080]);
    assert_eq!(codes, []);
}

#[test]
fn neither_a_deployment_nor_the_ninth_task_changes_the_ports_of_a_scheduler() {
    let options = options(json!({"health": "healthy"}));
    let of = |instances: Vec<Instance>| entry(&service(instances), &options, None);
    let tasks = |from: u16, count: u16| {
        (from..from + count).map(|n| at(usize::from(n), 20_000 + 7 * n)).collect::<Vec<_>>()
    };
    let (before, codes) = of(tasks(1, 3));
    assert_eq!(before.spec.ports.len(), 1);
    assert_eq!(codes, [Code::DynamicPorts]);
    let deployed = of(tasks(4, 3)).0;
    let ninth = of(tasks(1, 9)).0;
    let failing = of([
        tasks(1, 1),
        tasks(4, 2)
            .into_iter()
            .map(|i| Instance { health_status: Health::Unhealthy, ..i })
            .collect(),
    ]
    .concat())
    .0;
    for after in [&deployed, &ninth, &failing] {
        assert_eq!(after.spec.ports, before.spec.ports);
    }
    assert_eq!(maps(&failing), [json!(["10.0.0.1", {"http": 20_007}])]);
}

#[test]
fn a_rollout_and_one_address_with_several_ports_are_not_dynamic_ports() {
    let numbers = |instances: Vec<Instance>| {
        let spec = entry(&service(instances), &Options::default(), None).0.spec;
        spec.ports.iter().map(|port| port.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(vec![at(1, 8080), at(2, 9090)]), [8080, 9090]);
    assert_eq!(
        numbers(vec![at(1, 8080), at(2, 8080), at(3, 9090), at(4, 7070)]),
        [7070, 8080, 9090]
    );
    assert_eq!(numbers(vec![at(1, 80), at(1, 443), at(1, 8443)]), [80, 443, 8443]);
}

#[test]
fn tcp_is_never_mapped_to_a_port_of_udp_nor_the_reverse() {
    let mcs = |host, port: &str, service_port: &str, transport: &str| {
        instance(
            host,
            Health::Healthy,
            &[
                ("AWS_INSTANCE_PORT", port),
                ("SERVICE_PORT", service_port),
                ("SERVICE_PROTOCOL", transport),
            ],
        )
    };
    let both = || vec![mcs(1, "5353", "53", "TCP"), mcs(1, "5300", "53", "UDP")];
    let map =
        |record: &Record, options: Value| maps(&entry(record, &self::options(options), None).0);
    let dns = service(both());
    assert_eq!(map(&dns, json!({})), [json!(["10.0.0.1", {"tcp-53": 5353}])]);
    assert_eq!(
        map(&dns, json!({"overrides": [{"protocol": "UDP"}]})),
        [json!(["10.0.0.1", {"udp-53": 5300}])]
    );
    assert_eq!(
        map(&dns, json!({"overrides": [{"ports": "tcp:53,udp:54"}]})),
        [json!(["10.0.0.1", {"tcp": 5353, "udp": 54}])]
    );
    assert_eq!(
        map(&dns, json!({"protocols": {"53": "UDP"}})),
        [json!(["10.0.0.1", {"tcp-53": 5353}])]
    );
    let partly = service([both(), vec![mcs(2, "5300", "53", "UDP")]].concat());
    let (partly, codes) = entry(&partly, &Options::default(), None);
    assert_eq!(maps(&partly), [json!(["10.0.0.1", {"tcp-53": 5353}]), json!(["10.0.0.2", {}])]);
    assert!(codes.contains(&Code::PortNotServed), "{codes:?}");
}

#[test]
fn a_port_list_keeps_every_instance_of_an_address() {
    let listed = |instances: Vec<Instance>, ports: &str| {
        let options = options(json!({"overrides": [{"ports": ports}]}));
        maps(&entry(&service(instances), &options, None).0)
    };
    let tasks = || vec![at(1, 32_768), at(1, 32_769)];
    assert_eq!(
        listed(tasks(), "http:80"),
        [json!(["10.0.0.1", {"http": 32_768}]), json!(["10.0.0.1", {"http": 32_769}])]
    );
    assert_eq!(listed(tasks(), "http:80:8080"), [json!(["10.0.0.1", {"http": 8080}])]);
    let beside = [tasks(), vec![at(1, 9090)]].concat();
    let each = |own: u16| json!(["10.0.0.1", {"http": own, "http-metrics": 9090}]);
    assert_eq!(listed(beside, "http:80,http-metrics:9090"), [each(32_768), each(32_769)]);
    assert_eq!(
        listed(vec![at(1, 8080), at(1, 9090)], "http:8080,http-metrics:9090"),
        [json!(["10.0.0.1", {"http": 8080, "http-metrics": 9090}])]
    );
}

/// A record in `us-east-1` of another account: its first zone is the mesh's third.
fn of_another_account(instances: Vec<Instance>) -> Record {
    let zones = [("us-east-1a".to_owned(), "us-east-1c".to_owned())].into_iter().collect();
    Record {
        region: Some("us-east-1".to_owned()),
        zones: Some(Arc::new(zones)),
        ..service(instances)
    }
}

fn in_zone(host: usize, zone: &str) -> Instance {
    instance(host, Health::Healthy, &[("AVAILABILITY_ZONE", zone)])
}

/// Each endpoint's locality, empty without one.
fn localities(records: &[&Record]) -> Vec<String> {
    let options = Options::default();
    let translation = Translator::new(&options).translate(records, None);
    let Outcome::Entry(entry) = translation.outcome else { panic!("no entry") };
    entry.spec.endpoints.into_iter().map(|e| e.locality.unwrap_or_default()).collect()
}

#[test]
fn a_zone_of_another_account_is_called_as_in_the_mesh_or_left_out() {
    let unzoned = instance(3, Health::Healthy, &[]);
    let instances = vec![in_zone(1, "us-east-1a"), in_zone(2, "us-east-1b"), unzoned];
    let record = of_another_account(instances.clone());
    assert_eq!(localities(&[&record]), ["us-east-1/us-east-1c", "us-east-1", ""]);
    let unmapped = Record { zones: Some(Arc::default()), ..record };
    assert_eq!(localities(&[&unmapped]), ["us-east-1", "us-east-1", ""]);
    let own = Record { zones: None, ..unmapped };
    assert_eq!(localities(&[&own]), ["us-east-1/us-east-1a", "us-east-1/us-east-1b", ""]);
}

#[test]
fn each_endpoint_of_a_merged_entry_has_at_least_its_region() {
    let west = Record {
        source: "west".to_owned(),
        region: Some("us-west-2".to_owned()),
        ..service(vec![in_zone(1, "us-west-2b"), instance(2, Health::Healthy, &[])])
    };
    let there = of_another_account(vec![in_zone(3, "us-east-1b"), at(4, 80)]);
    assert_eq!(
        localities(&[&west, &there]),
        ["us-west-2/us-west-2b", "us-west-2", "us-east-1", "us-east-1"]
    );
}

#[test]
fn a_zone_that_is_left_out_is_named_as_the_reason() {
    let found = reasons(&of_another_account(vec![in_zone(1, "us-east-1b")]), &Options::default());
    let message = "us-east-1: the region of its instance, whose zone is not known here";
    let expected = (Rule::Locality, "10.0.0.1".to_owned(), message.to_owned());
    assert!(found.contains(&expected), "{found:#?}");
}

fn reasons(record: &Record, options: &Options) -> Vec<(Rule, String, String)> {
    let (translation, reasons) = Translator::new(options).explain(&[record], None);
    assert_eq!(translation, Translator::new(options).translate(&[record], None));
    reasons
        .into_iter()
        .map(|reason| {
            let port = reason.port.map(|port| format!(":{port}")).unwrap_or_default();
            let about = reason.instance.or(reason.endpoint).unwrap_or_default();
            (reason.rule, about + &port, reason.message)
        })
        .collect()
}

#[test]
fn each_part_of_an_entry_names_the_rule_that_made_it() {
    let record = service(vec![at(1, 8080), unhealthy(2, 8080), at(3, 9090)]);
    let reasons = reasons(&record, &Options::default());
    let expect = |rule: Rule, about: &str, message: &str| {
        assert!(
            reasons.contains(&(rule, about.to_owned(), message.to_owned())),
            "{rule:?} {about} {message}: {reasons:#?}"
        );
    };
    expect(Rule::Host, "", "`s.n`: SERVICE.NAMESPACE in lower case");
    expect(Rule::Address, "i-1", "10.0.0.1 is its AWS_INSTANCE_IPV4");
    expect(Rule::Health, "i-2", "left out: its health check fails");
    expect(Rule::Port, ":8080", "tcp-8080: AWS_INSTANCE_PORT of an instance");
    expect(Rule::Protocol, ":8080", "TCP: the default, since nothing names another protocol");
    expect(Rule::PortMap, "10.0.0.1:8080", "8080: it is registered for this port");
    let lowest = "9090: its lowest port of the same protocol, since it does not listen on 8080";
    expect(Rule::PortMap, "10.0.0.3:8080", lowest);
    expect(Rule::Locality, "10.0.0.1", "none: its instance has no AVAILABILITY_ZONE");
    expect(Rule::Resolution, "", "STATIC, since no endpoint is a host name");
    let captures =
        "the endpoints' IPs, up to 16: without any, port 8080 captures all of 0.0.0.0:8080";
    expect(Rule::VirtualAddresses, "", captures);
}

#[test]
fn an_override_and_an_exclusion_are_named_as_the_reason() {
    let listed =
        options(json!({"overrides": [{"ports": "http:80:8080", "host": "a.example.com"}]}));
    let found = reasons(&service(vec![at(1, 8080)]), &listed);
    let messages: Vec<&str> = found.iter().map(|(_, _, message)| message.as_str()).collect();
    for message in [
        "`a.example.com`: an override sets it",
        "http: an override sets it",
        "HTTP: the name of the port begins with it",
        "8080: the target port that is listed",
    ] {
        assert!(messages.contains(&message), "{message}: {messages:#?}");
    }
    let excluded = options(json!({"overrides": [{"exclude": true}]}));
    let found = reasons(&service(vec![at(1, 8080)]), &excluded);
    assert_eq!(
        found,
        [(Rule::Entry, String::new(), "there is no entry: an override excludes it".to_owned())]
    );
}

#[test]
fn an_ambient_mesh_lists_no_address_that_nobody_asked_for() {
    let tcp = |instances| service(instances);
    for instances in [vec![at(1, 5432)], vec![at(1, 5432), at(2, 5432)], Vec::new()] {
        let ambient = options(json!({"mesh": "ambient"}));
        let (entry, codes) = entry(&tcp(instances), &ambient, Some(&last()));
        assert_eq!((entry.spec.addresses, codes), (Vec::<String>::new(), Vec::new()));
    }
}

#[test]
fn an_address_beside_a_waypoint_is_reported_wherever_the_waypoint_may_come_from() {
    let bypassed = [Code::WaypointBypassed];
    let label = |name: &str| json!({"istio.io/use-waypoint": name});
    for (case, set, expected) in [
        ("sidecars", json!({}), &[][..]),
        ("a label", json!({"entryLabels": label("w")}), &bypassed),
        ("an override's label", json!({"overrides": [{"entryLabels": label("w")}]}), &bypassed),
        ("no waypoint, by label", json!({"entryLabels": label("None")}), &[]),
        ("no address", json!({"addresses": "none", "entryLabels": label("w")}), &[]),
        // The namespace may have the label.
        ("ambient", json!({"mesh": "ambient", "addresses": "endpoints"}), &bypassed),
        (
            "ambient, no waypoint",
            json!({"mesh": "ambient", "addresses": "endpoints", "entryLabels": label("none")}),
            &[],
        ),
    ] {
        assert_eq!(entry(&service(vec![at(1, 80)]), &options(set), None).1, expected, "{case}");
    }
}

#[test]
fn endpoints_that_share_an_address_are_reported_in_an_ambient_mesh_alone() {
    let host_mapped = |host: usize, port: &str| {
        let id = format!("i-{host}-{port}");
        Instance {
            id,
            ..instance(
                host,
                Health::Healthy,
                &[
                    ("AWS_INSTANCE_PORT", port),
                    ("EC2_INSTANCE_ID", "i-0"),
                    ("ECS_CLUSTER_NAME", "c"),
                ],
            )
        }
    };
    let tasks =
        || service(vec![host_mapped(1, "32768"), host_mapped(1, "32769"), host_mapped(2, "32768")]);
    let (shared, codes) = entry(&tasks(), &options(json!({"mesh": "ambient"})), None);
    assert_eq!((shared.spec.endpoints.len(), codes), (3, vec![Code::SharedAddress]));
    assert_eq!(entry(&tasks(), &Options::default(), None).1, []);
    let apart = service(vec![host_mapped(1, "32768"), host_mapped(2, "32768")]);
    assert_eq!(entry(&apart, &options(json!({"mesh": "ambient"})), None).1, []);
}
