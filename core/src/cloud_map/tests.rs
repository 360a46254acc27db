#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::diagnostic::{Code, Diagnostic, Severity};

fn named(namespace: &str, service: &str) -> InputOptions {
    InputOptions {
        namespace: Some(namespace.to_owned()),
        service: Some(service.to_owned()),
        ..InputOptions::default()
    }
}

fn read(json: &str) -> Input {
    parse(json, &InputOptions::default()).unwrap()
}

fn refused(json: &str) -> String {
    parse(json, &InputOptions::default()).unwrap_err().to_string()
}

const DISCOVERED: &str = r#"{"Instances": [
    {"InstanceId": "i-1", "NamespaceName": "n", "ServiceName": "a", "HealthStatus": "HEALTHY", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}},
    {"InstanceId": "i-2", "NamespaceName": "n", "ServiceName": "a", "Attributes": {}}
], "InstancesRevision": 9223372036854775807}"#;

#[test]
fn a_revision_above_2_to_the_53_is_exact() {
    assert_eq!(read(DISCOVERED).records[0].instances_revision, Some(i64::MAX));
}

#[test]
fn discovered_instances_are_grouped_by_their_names() {
    let two = DISCOVERED.replacen(r#""ServiceName": "a""#, r#""ServiceName": "b""#, 1);
    let input = read(&two);
    let names: Vec<_> = input
        .records
        .iter()
        .map(|r| (r.service.name.as_str(), r.instances.len(), r.instances_revision))
        .collect();
    assert_eq!(
        names,
        [("a", 1, None), ("b", 1, None)],
        "the revision belongs to one service, and it is unknown to which"
    );
}

#[test]
fn several_documents_of_one_service_are_one_record() {
    let input = read(&format!("{DISCOVERED}\n{DISCOVERED}"));
    assert_eq!((input.records.len(), input.records[0].instances.len()), (1, 4));
}

#[test]
fn instances_without_names_belong_to_those_of_the_options() {
    let input =
        parse(r#"{"Instances": [{"Id": "i-1", "Attributes": {}}]}"#, &named("n", "s")).unwrap();
    let record = &input.records[0];
    assert_eq!(
        (
            record.namespace.name.as_str(),
            record.service.name.as_str(),
            record.instances[0].id.as_str()
        ),
        ("n", "s", "i-1")
    );
}

#[test]
fn instances_without_names_belong_to_the_only_service_that_the_document_names() {
    let input = read(&DISCOVERED.replacen(r#""NamespaceName": "n", "ServiceName": "a","#, "", 1));
    assert_eq!((input.records.len(), input.records[0].instances.len()), (1, 2));
    assert_eq!(input.records[0].instances_revision, Some(i64::MAX));
}

#[test]
fn without_any_name_the_error_names_the_flags_to_set() {
    let error = refused(r#"{"Instances": [{"Id": "i-1"}]}"#);
    assert!(error.contains("`--cloud-map-service` and `--cloud-map-namespace`"), "{error}");
    let options = InputOptions { namespace: Some("n".to_owned()), ..InputOptions::default() };
    let error = parse(r#"{"Instances": []}"#, &options).unwrap_err();
    assert_eq!(error, InputError::Unnamed { missing: "`service` (`--cloud-map-service`)" });
}

#[test]
fn no_instances_and_names_given_is_a_service_with_none() {
    let input = parse(r#"{"Instances": [], "InstancesRevision": 1}"#, &named("n", "s")).unwrap();
    assert_eq!(
        (
            input.records.len(),
            input.records[0].instances.len(),
            input.records[0].instances_revision
        ),
        (1, 0, Some(1))
    );
}

#[test]
fn a_key_in_the_wrong_letter_case_is_an_error_and_never_an_empty_service() {
    for json in [
        r#"{"instances": []}"#,
        r#"{"Services": []}"#,
        r#"{"Instances": [{"id": "i-1", "attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}]}"#,
        r#"{"Instances": [{"Id": "i-1", "attributes": {}}]}"#,
        r#"{"Instances": [{"InstanceId": "i-1", "Attributes": {}, "healthStatus": "HEALTHY"}]}"#,
    ] {
        let error = parse(json, &named("n", "s")).unwrap_err().to_string();
        assert!(error.contains("wrong letter case"), "{json}: {error}");
    }
}

#[test]
fn a_wrong_letter_case_affects_only_its_own_service_of_a_snapshot() {
    let input = read(
        r#"{"services": [
            {"namespace": {"Name": "n"}, "service": {"Name": "a"}, "instances": [{"Id": "i", "attributes": {}}]},
            {"namespace": {"Name": "n"}, "service": {"Name": "b"}, "Instances": []},
            {"namespace": {"Name": "n"}, "service": {"Name": "c"}, "instances": []}]}"#,
    );
    assert_eq!(input.records.iter().map(|r| r.service.name.as_str()).collect::<Vec<_>>(), ["c"]);
    assert!(
        input
            .diagnostics
            .iter()
            .all(|d| d.severity == Severity::Error && d.message.contains("wrong letter case"))
    );
    assert_eq!(input.diagnostics.len(), 2);
}

#[test]
fn a_service_that_can_t_be_read_is_returned_with_as_much_of_its_names_as_is_known() {
    let input = read(
        r#"{"services": [7, {"namespace": {"Name": "n"}, "service": {}, "instances": []},
            {"namespace": {"Name": "n"}, "service": {"Name": "a"}, "instances": 7},
            {"namespace": {"Name": "n"}, "service": {"Name": "b"}, "instances": [7]},
            {"namespace": {"Name": "n"}, "service": {"Name": "b"}, "instances": []}]}"#,
    );
    let scopes: Vec<_> = input.incomplete.iter().map(|incomplete| &incomplete.scope).collect();
    let names = [("", ""), ("n", ""), ("n", "a"), ("n", "b")];
    let expected =
        names.map(|(namespace, service)| IncompleteScope::from_names(namespace, service));
    assert_eq!(
        scopes,
        expected.iter().collect::<Vec<_>>(),
        "a dropped instance makes no scope incomplete"
    );
    for incomplete in &input.incomplete {
        let is_error =
            |d: &Diagnostic| d.severity == Severity::Error && d.message == incomplete.reason;
        assert!(input.diagnostics.iter().any(is_error), "{incomplete:?}");
    }
}

#[test]
fn a_bad_instance_is_reported_with_its_path_and_affects_nothing_else() {
    let input = read(
        r#"{"services": [{"namespace": {"Name": "n"}, "service": {"Name": "a"}, "instancesRevision": "7", "instances": [
            {"InstanceId": "i-1", "Attributes": {"AWS_INSTANCE_PORT": 80}}, 7, {"InstanceId": "i-3", "Attributes": {}}]}]}"#,
    );
    assert_eq!(
        input.records[0].instances.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(),
        ["i-3"]
    );
    let messages: Vec<_> = input.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "warning[InvalidInstance] n/a: services[0].instancesRevision: expected a whole number, got the string \"7\"; it is ignored",
            "warning[InvalidInstance] n/a: services[0].instances[1]: expected an instance: an object with \
             `InstanceId`, `Attributes` and `HealthStatus`, got the number 7",
            "warning[InvalidInstance] n/a i-1: services[0].instances[0].Attributes.AWS_INSTANCE_PORT: expected a string, \
             got the number 80",
        ]
    );
}

#[test]
fn a_bad_service_of_a_snapshot_affects_no_other() {
    let input = read(
        r#"{"services": [7, {"namespace": {"Name": "n"}, "service": {}, "instances": []},
            {"namespace": {"Name": "n"}, "service": {"Name": "c"}, "instances": []}]}"#,
    );
    assert_eq!(input.records.len(), 1);
    let messages: Vec<_> = input.diagnostics.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages.len(), 2);
    assert!(
        messages.iter().any(|m| m.contains("services[1].service: missing field `Name`")),
        "{messages:?}"
    );
}

#[test]
fn invalid_json_is_an_error_with_line_and_column() {
    let InputError::Syntax { position, message } =
        parse("{\n \"Instances\": [}", &InputOptions::default()).unwrap_err()
    else {
        panic!("no syntax error")
    };
    assert_eq!((position.line, position.column), (2, 16));
    assert_eq!(message, "expected value");
    assert!(refused("").contains("empty"));
    assert!(refused("[]").contains("expected an object with `Instances`"));
    assert!(refused("{}").contains("expected `Instances`"));
}

#[test]
fn what_aws_omits_or_writes_in_several_ways_is_accepted() {
    let input = read(
        r#"{"NextToken": null, "services": [{"namespace": {"Name": "n", "CreateDate": 1.5, "Properties": {"DnsProperties": {"SOA": {}}}},
            "service": {"Name": "s", "DnsConfig": {}, "CreateDate": "20181118T211707Z", "HealthCheckConfig": null, "InstanceCount": 0},
            "tags": null, "zones": null, "serviceAttributes": null, "instances": [{}, {"Id": "a", "InstanceId": "b", "HealthStatus": "NEW"}]}]}"#,
    );
    assert!(input.diagnostics.is_empty());
    assert_eq!(input.records[0].instances.len(), 2);
    assert_eq!(input.records[0].namespace.http_name(), "n");
}

#[test]
fn a_service_listed_twice_is_read_once_and_reported() {
    let input = read(
        r#"{"services": [{"namespace": {"Name": "n", "Id": "ns-1"}, "service": {"Name": "a", "Id": "srv-1"}, "instances": []},
            {"namespace": {"Name": "n", "Id": "ns-1"}, "service": {"Name": "b", "Id": "srv-1"}, "instances": []}]}"#,
    );
    assert_eq!(input.records.len(), 1);
    assert_eq!(input.records[0].service.name, "a");
    assert!(input.diagnostics[0].message.contains("listed twice"));
}

#[test]
fn deep_nesting_neither_overflows_nor_affects_another_service() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let input = read(&format!(
        r#"{{"services": [{{"namespace": {{"Name": "n"}}, "service": {{"Name": "s"}}, "x": {deep},
        "instances": [{{"Attributes": {{"a": {deep}}}}}, {{"Id": "i-2", "y": {deep}}}]}}]}}"#
    ));
    assert_eq!(input.records[0].instances.len(), 1);
    assert!(parse(&deep, &InputOptions::default()).is_err());
    assert!(parse(&"[".repeat(100_000), &InputOptions::default()).is_err());
}

#[test]
fn a_snapshot_that_is_written_reads_back_the_same() {
    let mut input = read(DISCOVERED);
    input.records[0].region = Some("us-west-2".to_owned());
    input.records[0].service.health_check_config =
        Some(crate::cloud_map::HealthCheckConfig { kind: Some("HTTP".to_owned()) });
    input.records[0].tags =
        vec![crate::cloud_map::Tag { key: "k".to_owned(), value: String::new() }];
    let text =
        serde_json::to_string(&crate::cloud_map::Snapshot { services: &input.records }).unwrap();
    assert_eq!(read(&text), input);
}

const PAGE: &str = r#"{"Instances": [{"InstanceId": "i", "NamespaceName": "n", "ServiceName": "SERVICE", "Attributes": {}}], "NextToken": "x"}"#;

#[test]
fn a_page_that_announces_another_needs_it() {
    let page = |service: &str, last: bool| {
        PAGE.replace("SERVICE", service)
            .replace("NextToken", if last { "Other" } else { "NextToken" })
    };
    let listed = r#"{"Instances": [{"Id": "i"}], "NextToken": "x"}"#;
    for whole in [
        page("a", true),
        page("a", false) + &page("a", true),
        page("a", false) + &page("b", false) + &page("b", true) + &page("a", true),
        page("a", false) + r#"{"Instances": []}"#,
        PAGE.replace("SERVICE", "a").replace("\"x\"", "\"\""),
        PAGE.replace("SERVICE", "a").replace("\"x\"", "null"),
    ] {
        assert!(parse(&whole, &InputOptions::default()).is_ok(), "{whole}");
    }
    for partial in
        [page("a", false), page("a", false) + &page("b", true), page("a", true) + &page("a", false)]
    {
        let error = refused(&partial);
        assert!(error.contains("`NextToken` announces another page"), "{partial}: {error}");
    }
    assert!(parse(listed, &named("n", "s")).unwrap_err().to_string().contains("NextToken"));
    assert!(
        parse(&(listed.to_owned() + r#"{"Instances": [{"Id": "j"}]}"#), &named("n", "s")).is_ok()
    );
    // The lenient path, too.
    let damaged = r#"{"Instances": [{"Id": "i"}, 7], "NextToken": "x"}"#;
    assert!(parse(damaged, &named("n", "s")).unwrap_err().to_string().contains("NextToken"));
}

#[test]
fn a_response_that_ends_where_aws_truncates_is_a_warning() {
    let discovered = |count: usize| {
        let instances = vec![
            r#"{"InstanceId": "i", "NamespaceName": "n", "ServiceName": "s", "Attributes": {}}"#;
            count
        ];
        format!(r#"{{"Instances": [{}]}}"#, instances.join(","))
    };
    for (count, warned) in [(99, false), (100, true), (101, false), (999, false), (1000, true)] {
        let diagnostics = read(&discovered(count)).diagnostics;
        assert_eq!(diagnostics.len(), usize::from(warned), "{count}");
        assert!(diagnostics.iter().all(|d| d.code == Code::MaybeIncomplete
            && d.message.contains("`--max-results 1000`")
            || count == 1000));
        assert!(
            diagnostics.iter().all(
                |d| d.severity == Severity::Warning && d.message.contains("--max-results 1000")
            )
        );
    }
    let listed = discovered(100).replace(r#""NamespaceName": "n", "ServiceName": "s", "#, "");
    assert!(
        parse(&listed, &named("n", "s")).unwrap().diagnostics.is_empty(),
        "list-instances has pages"
    );
}

#[test]
fn services_of_another_tool_are_an_error_with_the_expected_shape() {
    for json in [
        r#"{"services": [{"serviceArn": "arn:aws:ecs:us-west-2:1:service/c/s", "serviceName": "s"}], "failures": []}"#,
        r#"{"services": [], "failures": [{"reason": "MISSING"}]}"#,
        r#"{"services": {"web": {"image": "nginx"}}}"#,
        r#"{"services": ["web", "db"]}"#,
        r#"{"services": "web"}"#,
        r#"{"services": [{"namespace": "n", "service": "s", "instances": []}]}"#,
        r#"{"services": [{"namespace": {"Name": "n"}, "service": {"Name": "a"}, "instances": 7}]}"#,
    ] {
        let error = refused(json);
        assert!(
            error.contains("snapshot") && error.contains("`namespace`, `service` and `instances`"),
            "{json}: {error}"
        );
    }
    assert!(read(r#"{"services": []}"#).records.is_empty());
}

#[test]
fn a_document_without_anything_usable_is_an_error_even_beside_a_good_one() {
    let error = refused(&format!(r#"{DISCOVERED}{{"services": [{{"serviceName": "s"}}]}}"#));
    assert!(error.starts_with("document 2: services[0]: missing field `namespace`; "), "{error}");
    let error = parse(r#"{"Instances": [7]}"#, &named("n", "s")).unwrap_err().to_string();
    assert!(error.contains("Instances[0]"), "{error}");
}

#[test]
fn another_format_is_named() {
    for text in [
        "Instances:\n- Id: a\n",
        "INSTANCES\tHEALTHY\ti-1\n",
        "5\nINSTANCES\tHEALTHY\n",
        "-------\n| x |\n",
    ] {
        assert!(refused(text).contains("add `--output json`"), "{text}");
    }
}

#[test]
fn every_document_may_have_a_byte_order_mark() {
    let input = read(&format!("\u{feff}{DISCOVERED}\r\n\u{feff}{DISCOVERED}"));
    assert_eq!(input.records[0].instances.len(), 4);
}

#[test]
fn a_document_of_another_shape_is_refused_with_the_keys_that_it_has() {
    for (json, found) in [
        (r#"{"message": "no"}"#, "has `message`; expected `Instances`"),
        (r#"{"Reservations": [{"Instances": []}]}"#, "has `Reservations`;"),
        (r#"{"Namespaces": [], "b": 1, "c": 2, "d": 3}"#, "has `Namespaces`, `b`, `c`;"),
        (r#"{"Instances": null, "InstancesRevision": 5}"#, "has `Instances` (null);"),
        (r#"{"services": null}"#, "has `services` (null);"),
        ("{}", "has no key;"),
    ] {
        let error = refused(json);
        assert!(error.starts_with("the document has ") && error.contains(found), "{error}");
    }
    assert!(refused(&format!("{DISCOVERED} {{}}")).starts_with("document 2: the document has "));
    assert!(refused(&format!("{{\"{}\": 1}}", "k".repeat(10_000))).len() < 500);
}

#[test]
fn a_trailing_comma_is_named() {
    assert_eq!(
        refused("{\"Instances\": [],\n}"),
        "line 2, column 1: trailing comma; expected Cloud Map JSON"
    );
}

#[test]
fn instances_that_are_given_twice_are_refused() {
    let twice =
        DISCOVERED.replacen(r#""InstancesRevision""#, r#""Instances": [], "InstancesRevision""#, 1);
    assert!(refused(&twice).contains("duplicate field `Instances`"), "{}", refused(&twice));
    assert!(refused(r#"{"services": [], "services": []}"#).contains("duplicate field `services`"));
}
