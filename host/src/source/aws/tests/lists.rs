use istio_cloud_map_core::sync::ReadFailure;
use serde_json::json;

use super::{Reply, Wire, options, own, shared};
use crate::source::Source;

const NOTHING: &str = r#"{"Namespaces": []}"#;

#[tokio::test]
async fn pages_are_read_until_there_is_no_token_however_empty_they_are() {
    let wire = Wire::ok([
        r#"{"Namespaces": [], "NextToken": "a"}"#,
        r#"{"Namespaces": [{"Id": "ns-1", "Name": "one", "Type": "HTTP"}], "NextToken": "b"}"#,
        r#"{"Namespaces": [], "NextToken": "c"}"#,
        r#"{"Namespaces": [{"Id": "ns-2", "Name": "two", "Type": "DNS_PRIVATE"}]}"#,
        NOTHING,
    ]);
    let listed = wire.source(&options()).namespaces().await.unwrap();
    assert_eq!(listed.items.iter().map(|n| n.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(listed.calls, 5);
    let tokens: Vec<_> = wire.sent().iter().map(|sent| sent.body["NextToken"].clone()).collect();
    assert_eq!(tokens, [json!(null), json!("a"), json!("b"), json!("c"), json!(null)]);
}

#[tokio::test]
async fn namespaces_of_other_accounts_are_shared_and_ones_in_both_lists_are_our_own() {
    let both = r#"{"Namespaces": [{"Id": "ns-1", "Name": "ours", "ResourceOwner": "111122223333",
        "Properties": {"DnsProperties": {"HostedZoneId": "Z1", "SOA": {}}, "HttpProperties": {"HttpName": "ours-7f3a"}}}]}"#;
    let others = r#"{"Namespaces": [{"Id": "ns-9", "Arn": "arn:9", "Name": "theirs", "ResourceOwner": "444455556666"},
        {"Id": "ns-1", "Name": "ours", "ResourceOwner": "111122223333"}]}"#;
    let wire = Wire::ok([both, others]);
    let listed = wire.source(&options()).namespaces().await.unwrap();
    let whose: Vec<_> = listed.items.iter().map(|n| (n.key(), n.http_name(), n.shared)).collect();
    assert_eq!(whose, [("ns-1", "ours-7f3a", false), ("ns-9", "theirs", true)]);
    assert_eq!(listed.items[1].resource_owner.as_deref(), Some("444455556666"));
    let filters: Vec<_> = wire.sent().iter().map(|sent| sent.body["Filters"].clone()).collect();
    let filter = |owner| json!([{"Name": "RESOURCE_OWNER", "Condition": "EQ", "Values": [owner]}]);
    assert_eq!(filters, [filter("SELF"), filter("OTHER_ACCOUNTS")]);
}

#[tokio::test]
async fn services_are_asked_for_by_the_namespace_s_id_or_by_the_arn_of_a_shared_one() {
    for (namespace, value) in [(own(), "ns-1"), (shared(), super::SHARED_ARN)] {
        let wire = Wire::ok([r#"{"Services": []}"#]);
        wire.source(&options()).services(&namespace).await.unwrap();
        let sent = &wire.sent()[0];
        assert_eq!(sent.body["Filters"], json!([{"Name": "NAMESPACE_ID", "Condition": "EQ", "Values": [value]}]));
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
    let services = wire.source(&options()).services(&own()).await.unwrap().items;
    let found: Vec<_> = services.iter().map(|s| (s.key(), s.name.as_str(), s.has_health_check())).collect();
    assert_eq!(found, [("srv-1", "web", true), ("srv-2", "api", true), ("srv-3", ".", false)]);
    let check = services[0].health_check_config.as_ref().and_then(|check| check.kind.as_deref());
    assert_eq!((check, services[0].kind.as_deref()), (Some("HTTPS"), Some("DNS_HTTP")));
}

#[tokio::test]
async fn a_list_fails_whole_if_one_of_its_pages_does() {
    let first = || Reply::Answer(200, r#"{"Services": [{"Id": "srv-1", "Name": "web"}], "NextToken": "a"}"#.to_owned());
    let rows = [
        ("broken connection", Reply::Broken, ReadFailure::Unreachable),
        ("throttled", Reply::Answer(400, r#"{"__type": "ThrottlingException"}"#.to_owned()), ReadFailure::Throttled),
        ("the same token again", first(), ReadFailure::Malformed),
        ("no list in the answer", Reply::Answer(200, "{}".to_owned()), ReadFailure::Malformed),
        ("a service without a name", Reply::Answer(200, r#"{"Services": [{"Id": "srv-2"}]}"#.to_owned()), ReadFailure::Malformed),
    ];
    for (name, second, failure) in rows {
        let wire = Wire::new([first(), second]);
        let error = wire.source(&options()).services(&own()).await.unwrap_err();
        assert_eq!(error.failure, failure, "{name}: {error}");
        assert!(error.message.starts_with("ListServices of my-namespace: "), "{name}: {error}");
    }
}
