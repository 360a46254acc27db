//! The TypeScript types of the input match the parser: each shape with all its fields is read
//! completely.

use std::collections::BTreeMap;
use std::sync::Arc;

use istio_cloud_map_core::api;
use istio_cloud_map_core::cloud_map::{
    Health, HealthCheckConfig, HealthCheckCustomConfig, HttpProperties, InputOptions, Instance,
    Namespace, NamespaceProperties, Record, Service, Tag, parse,
};
use istio_cloud_map_core::schema::input::{
    CloudMapInput, DiscoverInstancesOutput, DiscoveredInstance, ListInstancesOutput,
    ListedInstance, Snapshot, SnapshotInstance, SnapshotService,
};
use serde_json::{Value, json};

fn attributes() -> BTreeMap<String, String> {
    BTreeMap::from([("AWS_INSTANCE_IPV4".to_owned(), "10.0.0.1".to_owned())])
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the fields")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn discovered() -> DiscoveredInstance {
    DiscoveredInstance {
        instance_id: text("i-1"),
        namespace_name: text("ns"),
        service_name: text("web"),
        health_status: text("HEALTHY"),
        attributes: Some(attributes()),
    }
}

fn listed() -> ListedInstance {
    ListedInstance { id: text("i-1"), attributes: Some(attributes()) }
}

fn instance(health_status: Health) -> Instance {
    Instance { id: "i-1".to_owned(), health_status, attributes: attributes().into_iter().collect() }
}

fn read(input: &CloudMapInput, options: &InputOptions) -> Record {
    let read = parse(&serde_json::to_string(input).unwrap(), options).unwrap();
    assert_eq!((read.records.len(), read.diagnostics.len()), (1, 0), "{:?}", read.diagnostics);
    read.records.into_iter().next().unwrap()
}

#[test]
fn what_discover_instances_prints() {
    let output = DiscoverInstancesOutput {
        instances: vec![discovered()],
        instances_revision: Some(i64::MAX),
    };
    let record = read(&CloudMapInput::Discovered(output), &InputOptions::default());
    assert_eq!((record.namespace.name.as_str(), record.service.name.as_str()), ("ns", "web"));
    assert_eq!(
        (record.instances, record.instances_revision),
        (vec![instance(Health::Healthy)], Some(i64::MAX))
    );
}

#[test]
fn what_list_instances_prints() {
    let options =
        InputOptions { namespace: text("ns"), service: text("web"), ..InputOptions::default() };
    let record =
        read(&CloudMapInput::Listed(ListInstancesOutput { instances: vec![listed()] }), &options);
    assert_eq!(record.instances, [instance(Health::Unknown)]);
}

#[test]
fn a_snapshot() {
    let http_properties = Some(HttpProperties { http_name: text("http") });
    let namespace = Namespace {
        id: text("ns-1"),
        arn: text("arn-1"),
        name: "ns".to_owned(),
        kind: text("HTTP"),
        resource_owner: text("SELF"),
        properties: Some(NamespaceProperties { http_properties }),
        shared: false,
    };
    let service = Service {
        id: text("srv-1"),
        arn: text("arn-2"),
        name: "web".to_owned(),
        kind: text("HTTP"),
        description: text("of the shop"),
        health_check_config: Some(HealthCheckConfig { kind: text("TCP") }),
        health_check_custom_config: Some(HealthCheckCustomConfig {}),
    };
    let tags = vec![Tag { key: "team".to_owned(), value: "a".to_owned() }];
    let expected = Record {
        source: "eu".to_owned(),
        region: text("eu-west-2"),
        namespace: namespace.clone(),
        service: service.clone(),
        service_attributes: attributes().into_iter().collect(),
        tags: tags.clone(),
        instances: vec![instance(Health::Healthy), instance(Health::Unknown)],
        instances_revision: Some(i64::MAX),
        zones: Some(Arc::new(attributes().into_iter().collect())),
    };
    let given = SnapshotService {
        source: text("eu"),
        region: text("eu-west-2"),
        namespace,
        service,
        service_attributes: Some(attributes()),
        tags: Some(tags),
        zones: Some(attributes()),
        instances: vec![
            SnapshotInstance::Discovered(discovered()),
            SnapshotInstance::Listed(listed()),
        ],
        instances_revision: Some(i64::MAX),
    };
    assert_eq!(
        read(
            &CloudMapInput::Snapshot(Snapshot { services: vec![given] }),
            &InputOptions::default()
        ),
        expected
    );
}

#[test]
fn optional_fields_may_be_absent_or_null() {
    let sparse = json!({"InstanceId": null, "NamespaceName": null, "ServiceName": null, "HealthStatus": null, "Attributes": null});
    let service = json!({"source": null, "region": null, "namespace": {"Name": "ns", "Id": null, "Properties": null},
        "service": {"Name": "web", "HealthCheckConfig": null, "HealthCheckCustomConfig": null, "Type": null}, "serviceAttributes": null,
        "tags": null, "zones": null, "instances": [{}, sparse], "instancesRevision": null});
    let options =
        InputOptions { namespace: text("ns"), service: text("web"), ..InputOptions::default() };
    for input in [
        json!({"Instances": [{}, sparse], "InstancesRevision": null}),
        json!({"services": [service]}),
    ] {
        let read = parse(&input.to_string(), &options).unwrap();
        assert_eq!(
            (read.records.first().unwrap().instances.len(), read.diagnostics.len()),
            (2, 0),
            "{input}"
        );
    }
}

#[test]
fn a_response_has_the_keys_of_its_type() {
    let request = json!({"input": CloudMapInput::Discovered(DiscoverInstancesOutput { instances: vec![discovered()], instances_revision: None })});
    let answer: Value =
        serde_json::from_str(&api::translate(request.to_string().as_bytes())).unwrap();
    let keys: Vec<_> =
        answer.get("ok").and_then(Value::as_object).unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["diagnostics", "serviceEntries"]);
}
