use istio_cloud_map_core::operator::NamespaceOwner::{OtherAccounts, Own};
use istio_cloud_map_core::operator::ReadFailure;
use serde_json::json;

use super::{Reply, Wire, options, own, shared};
use crate::source::Source;

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
    for (namespace, value) in [(own(), "ns-1"), (shared(), super::SHARED_ARN)] {
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
