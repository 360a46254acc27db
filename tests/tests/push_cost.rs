//! What a change in Cloud Map costs the mesh, by Istio's own event recorder: nothing, endpoints
//! only, or a full push.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use istio_cloud_map_core::cloud_map::{Health, Instance, Record};
use istio_cloud_map_core::translate::{HealthMode, Options, Translator};
use istio_cloud_map_tests::bed::{Push, Pushes};
use istio_cloud_map_tests::generated::services;
use serde_json::Value;

/// `web.prod` on port 8080, one instance for each of these last parts of an address.
fn web(check: &str, hosts: std::ops::RangeInclusive<u8>) -> Record {
    let instances = hosts.map(|host| instance(host, 8080)).collect();
    with(services::registered("web", Some(check), instances), |record| {
        record.instances_revision = Some(1);
    })
}

fn http(hosts: std::ops::RangeInclusive<u8>) -> Record {
    web("HTTP", hosts)
}

fn tcp(hosts: std::ops::RangeInclusive<u8>) -> Record {
    web("TCP", hosts)
}

fn instance(host: u8, port: u16) -> Instance {
    services::instance(&format!("i-{host}"), &format!("10.0.0.{host}"), port)
}

fn with(mut record: Record, change: impl FnOnce(&mut Record)) -> Record {
    change(&mut record);
    record
}

fn with_attribute(record: Record, key: &str, value: &str) -> Record {
    with(record, |record| {
        let first = record.instances.first_mut().unwrap();
        first.attributes.insert(key.to_owned(), value.to_owned());
    })
}

fn unhealthy(record: Record) -> Record {
    with(record, |record| record.instances.first_mut().unwrap().health_status = Health::Unhealthy)
}

fn empty(record: Record) -> Record {
    with(record, |record| record.instances.clear())
}

fn entries(records: &[Record], options: &Options) -> Vec<Value> {
    Translator::new(options)
        .translate_all(records)
        .entries
        .iter()
        .map(|entry| serde_json::to_value(entry).unwrap())
        .collect()
}

/// Checks what Istio pushes on each change of `web.prod`, beside an unchanged service.
async fn assert_costs(expected: &Push, changes: Vec<(&str, Record, Record)>) {
    let pushes = Pushes::start().await;
    let bystander =
        with(http(100..=103), |record| "bystander".clone_into(&mut record.service.name));
    let options = Options { weight_attribute: Some("weight".to_owned()), ..Options::default() };
    let mut wrong = BTreeMap::new();
    for (name, before, after) in changes {
        let worlds = [before, after].map(|record| entries(&[record, bystander.clone()], &options));
        let push = pushes.along(&worlds).await;
        if push != [expected.clone()] {
            wrong.insert(name, push);
        }
    }
    assert!(wrong.is_empty(), "expected {expected:?}, got {wrong:#?}");
}

fn endpoints() -> Push {
    Push::Endpoints(vec!["web.prod".to_owned()])
}

fn full() -> Push {
    Push::Full(vec!["web.prod".to_owned()])
}

#[tokio::test]
async fn a_change_of_the_instances_of_an_http_service_is_endpoints_only() {
    let changes = vec![
        ("one is added", http(1..=2), http(1..=3)),
        ("the one that sorts first is added", http(2..=3), http(1..=3)),
        ("one is removed", http(1..=3), http(1..=2)),
        ("one is replaced", http(1..=2), http(2..=3)),
        ("one fails its health check", http(1..=3), unhealthy(http(1..=3))),
        ("one is healthy again", unhealthy(http(1..=3)), http(1..=3)),
        ("one is not ready", http(1..=3), with_attribute(http(1..=3), "READY", "false")),
        ("one has another weight", http(1..=2), with_attribute(http(1..=2), "weight", "7")),
        (
            "one has another zone",
            http(1..=2),
            with_attribute(http(1..=2), "AVAILABILITY_ZONE", "us-west-2a"),
        ),
        ("one of a thousand is added", many(999), many(1000)),
        ("a hundred are removed", many(1000), many(900)),
    ];
    assert_costs(&endpoints(), changes).await;
}

#[tokio::test]
async fn a_change_of_the_instances_of_a_tcp_service_with_more_addresses_than_are_listed_is_endpoints_only()
 {
    let changes = vec![
        ("one is added", tcp(1..=17), tcp(1..=18)),
        ("one is removed", tcp(1..=18), tcp(1..=17)),
        ("one fails its health check", tcp(1..=18), unhealthy(tcp(1..=18))),
    ];
    assert_costs(&endpoints(), changes).await;
}

#[tokio::test]
async fn a_service_that_is_drained_and_comes_back_is_endpoints_only() {
    let drained = |mut record: Record| {
        record.instances.iter_mut().for_each(|instance| instance.health_status = Health::Unhealthy);
        record
    };
    let options = Options { health: HealthMode::Healthy, ..Options::default() };
    let [up, down] = [http(1..=3), drained(http(1..=3))].map(|record| entries(&[record], &options));
    let pushes = Pushes::start().await;
    assert_eq!(
        pushes.along(&[up.clone(), down.clone(), up.clone()]).await,
        [endpoints(), endpoints()]
    );
    // A control plane that has never seen an endpoint of it takes the first one for a new service.
    assert_eq!(pushes.along(&[down, up]).await, [full()]);
}

#[tokio::test]
async fn a_new_reading_of_the_same_is_nothing() {
    let reversed = |record| with(record, |record: &mut Record| record.instances.reverse());
    let revised = |record| with(record, |record: &mut Record| record.instances_revision = Some(2));
    let described = |record| {
        with(record, |record: &mut Record| record.service.description = Some("another".to_owned()))
    };
    let changes = vec![
        ("it is the same", http(1..=9), http(1..=9)),
        ("instances come in another order", http(1..=9), reversed(http(1..=9))),
        ("instances of a TCP service come in another order", tcp(1..=9), reversed(tcp(1..=9))),
        ("the annotation of the revision has changed", http(1..=9), revised(http(1..=9))),
        ("the description has changed", http(1..=9), described(http(1..=9))),
        (
            "an unused attribute has changed",
            http(1..=9),
            with_attribute(http(1..=9), "color", "blue"),
        ),
        (
            "an instance that can't be used is added",
            http(1..=9),
            with(http(1..=9), |r| r.instances.push(Instance::default())),
        ),
        (
            "the first of all instances that can't be used is left",
            empty(http(1..=1)),
            with(empty(http(1..=1)), |r| r.instances.push(Instance::default())),
        ),
    ];
    assert_costs(&Push::None, changes).await;
}

#[tokio::test]
async fn a_change_of_ports_or_addresses_is_a_full_push() {
    let another_port =
        |record| with(record, |record: &mut Record| record.instances.push(instance(9, 9090)));
    let changes = vec![
        ("a new port", http(1..=2), another_port(http(1..=2))),
        ("a port is removed", another_port(http(1..=2)), http(1..=2)),
        ("another protocol", http(1..=2), tcp(1..=2)),
        // The lone address is listed, so that what is called by its IP is reached.
        ("the second instance", http(1..=1), http(1..=2)),
        ("the last but one instance goes", http(1..=2), http(1..=1)),
        ("a listed address of a TCP service", tcp(1..=2), tcp(1..=3)),
    ];
    assert_costs(&full(), changes).await;
}

#[tokio::test]
async fn a_service_that_comes_or_goes_is_a_full_push() {
    let up = entries(&[http(1..=3)], &Options::default());
    let costs = Pushes::start().await.along(&[vec![], up.clone(), up, vec![]]).await;
    assert_eq!(costs, [full(), Push::None, full()]);
}

/// `web.prod` with this many instances.
fn many(count: u16) -> Record {
    with(http(1..=1), |record| {
        record.instances = (0..count)
            .map(|number| {
                let mut instance = instance(1, 8080);
                instance.id = format!("i-{number}");
                instance.attributes.insert(
                    "AWS_INSTANCE_IPV4".to_owned(),
                    format!("10.1.{}.{}", number / 250, number % 250),
                );
                instance
            })
            .collect();
    })
}
