use istio_cloud_map_core::cloud_map::{Health, Tag};
use istio_cloud_map_core::operator::NamespaceOwner::{OtherAccounts, Own};
use istio_cloud_map_core::operator::ReadFailure;
use serde_json::json;

use super::{Reply, SHARED_ARN, Wire, options, own, shared, web};
use crate::source::Source;
use crate::source::aws::AwsOptions;

const NONE: &str = r#"{"Instances": [], "InstancesRevision": 1}"#;

#[tokio::test]
async fn a_page_is_one_call_and_goes_on_from_its_token() {
    let wire = Wire::ok([
        r#"{"Namespaces": [], "NextToken": "a"}"#,
        r#"{"Namespaces": [{"Id": "ns-1", "Name": "one", "Type": "HTTP"}]}"#,
    ]);
    let source = wire.source(&options());
    let first = source.namespaces(Own, None).await.unwrap();
    assert_eq!((first.items.len(), first.next_token.as_deref()), (0, Some("a")));
    let second = source.namespaces(Own, first.next_token).await.unwrap();
    assert_eq!(second.items.iter().map(|n| n.name.as_str()).collect::<Vec<_>>(), ["one"]);
    let tokens: Vec<_> = wire.sent().iter().map(|sent| sent.body["NextToken"].clone()).collect();
    assert_eq!((second.next_token, tokens), (None, vec![json!(null), json!("a")]));
}

#[tokio::test]
async fn namespaces_of_other_accounts_are_shared() {
    let both = r#"{"Namespaces": [{"Id": "ns-1", "Name": "ours", "ResourceOwner": "111122223333",
        "Properties": {"DnsProperties": {"HostedZoneId": "Z1", "SOA": {}}, "HttpProperties": {"HttpName": "ours-7f3a"}}}]}"#;
    let others = r#"{"Namespaces": [{"Id": "ns-9", "Arn": "arn:9", "Name": "theirs", "ResourceOwner": "444455556666"}]}"#;
    let wire = Wire::ok([both, others]);
    let source = wire.source(&options());
    let mut listed = source.namespaces(Own, None).await.unwrap().items;
    listed.extend(source.namespaces(OtherAccounts, None).await.unwrap().items);
    let whose: Vec<_> = listed.iter().map(|n| (n.key(), n.http_name(), n.shared)).collect();
    assert_eq!(whose, [("ns-1", "ours-7f3a", false), ("ns-9", "theirs", true)]);
    assert_eq!(listed[1].resource_owner.as_deref(), Some("444455556666"));
    let filters: Vec<_> = wire.sent().iter().map(|sent| sent.body["Filters"].clone()).collect();
    let filter = |owner| json!([{"Name": "RESOURCE_OWNER", "Condition": "EQ", "Values": [owner]}]);
    assert_eq!(filters, [filter("SELF"), filter("OTHER_ACCOUNTS")]);
}

#[tokio::test]
async fn services_are_asked_for_by_the_namespace_s_id_or_by_the_arn_of_a_shared_one() {
    for (namespace, value) in [(own(), "ns-1"), (shared(), SHARED_ARN)] {
        let wire = Wire::ok([r#"{"Services": []}"#]);
        wire.source(&options()).services(&namespace, None).await.unwrap();
        let sent = &wire.sent()[0];
        assert_eq!(
            sent.body["Filters"],
            json!([{"Name": "NAMESPACE_ID", "Condition": "EQ", "Values": [value]}])
        );
        assert_eq!(sent.operation, "ListServices");
    }
}

#[tokio::test]
async fn a_service_keeps_what_decides_how_it_is_read_and_translated() {
    let wire = Wire::ok([r#"{"Services": [
        {"Id": "srv-1", "Arn": "arn:1", "Name": "web", "Type": "DNS_HTTP", "Description": "the web", "InstanceCount": 0,
         "DnsConfig": {}, "HealthCheckConfig": {"Type": "HTTPS", "ResourcePath": "/"}, "CreateDate": 1609459200.123},
        {"Id": "srv-2", "Name": "api", "HealthCheckCustomConfig": {"FailureThreshold": 1}},
        {"Id": "srv-3", "Name": "."}]}"#]);
    let services = wire.source(&options()).services(&own(), None).await.unwrap().items;
    let found: Vec<_> =
        services.iter().map(|s| (s.key(), s.name.as_str(), s.has_health_check())).collect();
    assert_eq!(found, [("srv-1", "web", true), ("srv-2", "api", true), ("srv-3", ".", false)]);
    let check = services[0].health_check_config.as_ref().and_then(|check| check.kind.as_deref());
    assert_eq!((check, services[0].kind.as_deref()), (Some("HTTPS"), Some("DNS_HTTP")));
}

#[tokio::test]
async fn a_page_that_is_not_whole_is_a_failure() {
    let answer = |status, body: &str| Reply::Answer(status, body.to_owned());
    let rows = [
        ("broken connection", Reply::Broken, ReadFailure::Unreachable),
        ("throttled", answer(400, r#"{"__type": "ThrottlingException"}"#), ReadFailure::Throttled),
        ("no list in the answer", answer(200, "{}"), ReadFailure::Malformed),
        (
            "a service without a name",
            answer(200, r#"{"Services": [{"Id": "srv-2"}]}"#),
            ReadFailure::Malformed,
        ),
    ];
    for (name, reply, failure) in rows {
        let wire = Wire::new([reply]);
        let error = wire.source(&options()).services(&own(), None).await.unwrap_err();
        assert_eq!(error.failure, failure, "{name}: {error}");
        assert!(error.message.starts_with("ListServices of my-namespace: "), "{name}: {error}");
    }
}

#[tokio::test]
async fn all_instances_of_any_health_are_asked_for_by_the_namespace_s_http_name() {
    let wire = Wire::ok([NONE]);
    wire.source(&options()).instances(&own(), &web()).await.unwrap();
    let expected = json!({"NamespaceName": "my-namespace-7f3a", "ServiceName": "web", "MaxResults": 1000, "HealthStatus": "ALL"});
    assert_eq!(wire.sent()[0].body, expected);
}

#[tokio::test]
async fn a_shared_namespace_is_named_by_its_arn_and_owner() {
    let wire = Wire::ok([NONE, r#"{"InstancesRevision": 1}"#]);
    let source = wire.source(&options());
    source.instances(&shared(), &web()).await.unwrap();
    source.revision(&shared(), &web()).await.unwrap();
    for sent in wire.sent() {
        let named = (&sent.body["NamespaceName"], &sent.body["OwnerAccount"]);
        assert_eq!(named, (&json!(SHARED_ARN), &json!("444455556666")), "{}", sent.operation);
    }
}

#[tokio::test]
async fn instances_come_with_their_health_and_a_revision_beyond_2_53() {
    let wire = Wire::ok([r#"{"Instances": [
        {"InstanceId": "i-1", "NamespaceName": "n", "ServiceName": "web", "HealthStatus": "HEALTHY", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}},
        {"InstanceId": "i-2", "HealthStatus": "UNHEALTHY", "Attributes": {}},
        {"InstanceId": "i-3", "HealthStatus": "ALMOST_WELL"}], "InstancesRevision": 9223372036854775807}"#]);
    let read = wire.source(&options()).instances(&own(), &web()).await.unwrap();
    let health: Vec<_> = read.instances.iter().map(|i| (i.id.as_str(), i.health_status)).collect();
    assert_eq!(
        health,
        [("i-1", Health::Healthy), ("i-2", Health::Unhealthy), ("i-3", Health::Unknown)]
    );
    assert_eq!(read.instances[0].attributes.get("AWS_INSTANCE_IPV4").unwrap(), "10.0.0.1");
    assert_eq!((read.revision, read.change_token), (Some(i64::MAX), Some(i64::MAX)));
}

#[tokio::test]
async fn a_thousand_instances_are_all_there() {
    let instances: Vec<_> =
        (0..1000).map(|i| json!({"InstanceId": format!("i-{i}"), "HealthStatus": "UNKNOWN", "Attributes": {}})).collect();
    let wire =
        Wire::ok([json!({"Instances": instances, "InstancesRevision": 1}).to_string().as_str()]);
    let read = wire.source(&options()).instances(&own(), &web()).await.unwrap();
    assert_eq!((read.instances.len(), wire.sent().len()), (1000, 1));
}

#[tokio::test]
async fn an_answer_without_what_aws_always_sends_is_a_failure_and_no_empty_service() {
    let source = |body| Wire::ok([body]).source(&options());
    let instances = source(r#"{"message": "welcome to the proxy"}"#)
        .instances(&own(), &web())
        .await
        .unwrap_err();
    let revision = source("{}").revision(&own(), &web()).await.unwrap_err();
    assert_eq!(
        (instances.failure, revision.failure),
        (ReadFailure::Malformed, ReadFailure::Malformed)
    );
    assert_eq!(
        instances.message,
        "DiscoverInstances of my-namespace/web: the response is malformed: it has no Instances"
    );
}

#[tokio::test]
async fn the_data_plane_has_a_host_of_its_own_unless_somebody_chose_the_host() {
    let fake = Some("http://127.0.0.1:4566");
    let (vpce, data_vpce) =
        (Some("https://vpce-1.example.com"), Some("https://vpce-2.example.com"));
    let rows = [
        (
            "no override",
            None,
            None,
            "servicediscovery.us-west-2.amazonaws.com",
            "data-servicediscovery.us-west-2.amazonaws.com",
        ),
        ("one for both", fake, None, "127.0.0.1:4566", "127.0.0.1:4566"),
        ("one each", vpce, data_vpce, "vpce-1.example.com", "vpce-2.example.com"),
        (
            "one for the data plane",
            None,
            data_vpce,
            "servicediscovery.us-west-2.amazonaws.com",
            "vpce-2.example.com",
        ),
    ];
    for (name, endpoint, data_endpoint, control, data) in rows {
        let wire = Wire::ok([NONE, r#"{"InstancesRevision": 1}"#, r#"{"Services": []}"#]);
        let [endpoint_url, data_endpoint_url] =
            [endpoint, data_endpoint].map(|url| url.map(str::to_owned));
        let source = wire.source(&AwsOptions { endpoint_url, data_endpoint_url, ..options() });
        source.instances(&own(), &web()).await.unwrap();
        source.revision(&own(), &web()).await.unwrap();
        source.services(&own(), None).await.unwrap();
        let hosts: Vec<_> = wire.sent().into_iter().map(|sent| sent.host).collect();
        assert_eq!(hosts, [data, data, control], "{name}");
    }
}

#[tokio::test]
async fn attributes_and_tags_are_calls_of_their_own() {
    let wire = Wire::ok([
        r#"{"ServiceAttributes": {"ServiceArn": "arn:1", "Attributes": {"istio-cloud-map/ports": "grpc:50051"}}}"#,
        r#"{"Tags": [{"Key": "team", "Value": "a"}]}"#,
    ]);
    let source = wire.source(&options());
    let attributes = source.service_attributes(&own(), &web()).await.unwrap();
    assert_eq!(attributes.get("istio-cloud-map/ports").unwrap(), "grpc:50051");
    assert_eq!(
        source.tags(&own(), &web()).await.unwrap(),
        [Tag { key: "team".to_owned(), value: "a".to_owned() }]
    );
    let sent = wire.sent();
    assert_eq!(
        (&sent[0].body, &sent[1].body),
        (&json!({"ServiceId": "srv-1"}), &json!({"ResourceARN": web().arn}))
    );
}

#[tokio::test]
async fn tags_that_may_not_be_read_name_the_permission() {
    let wire = Wire::new([Reply::Answer(
        400,
        r#"{"__type": "AccessDeniedException", "Message": "no"}"#.to_owned(),
    )]);
    let error = wire.source(&options()).tags(&own(), &web()).await.unwrap_err();
    assert_eq!(error.failure, ReadFailure::AccessDenied);
    assert!(
        error.message.contains("allow the IAM action servicediscovery:ListTagsForResource"),
        "{error}"
    );
}
