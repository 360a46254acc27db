//! The findings about an entry. `tests/tests/agreement` checks whether Istio agrees.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

mod fields;

use serde_json::{Value, json};

use super::{Rule, Source, validate};
use crate::diagnostic::Severity;

/// A valid entry with these fields in its `spec`; null removes one.
fn with(change: Value) -> Value {
    let mut entry = json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "hosts": ["web.example.com"],
            "addresses": ["10.0.0.1"],
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
            "resolution": "STATIC",
            "endpoints": [{"address": "10.1.0.1"}],
        },
    });
    let Value::Object(change) = change else { return entry };
    entry.get_mut("spec").unwrap().as_object_mut().unwrap().extend(change);
    entry
}

fn with_metadata(metadata: Value) -> Value {
    let mut entry = with(Value::Null);
    *entry.get_mut("metadata").unwrap() = metadata;
    entry
}

fn with_endpoint(endpoint: &Value) -> Value {
    with(json!({"endpoints": [endpoint]}))
}

/// `Rule path` of each finding.
fn findings(entry: &Value) -> Vec<String> {
    validate(entry).iter().map(|finding| format!("{} {}", finding.rule, finding.path)).collect()
}

fn assert_findings(cases: &[(&str, Value, &[&str])]) {
    for (name, entry, expected) in cases {
        assert_eq!(findings(entry), *expected, "{name}");
    }
}

#[test]
fn a_correct_entry_has_no_findings() {
    let full = json!({
        "addresses": ["10.0.0.0/8", "2001:db8::1"], "exportTo": ["."], "location": "MESH_INTERNAL", "subjectAltNames": ["a"],
        "ports": [{"number": 80, "name": "http", "protocol": "http2", "targetPort": 8080}, {"number": 6379, "name": "redis", "protocol": "Redis"}],
        "endpoints": [{"address": "10.1.0.1", "ports": {"http": 1}, "labels": {"a.b/c": ""}, "locality": "r/z/s", "network": "n", "weight": 7, "serviceAccount": "sa"}],
    });
    assert_findings(&[
        ("the base", with(Value::Null), &[]),
        ("all fields", with(full), &[]),
        (
            "nulls count as absent",
            with(json!({"exportTo": null, "location": null, "workloadSelector": null})),
            &[],
        ),
        (
            "DNS without endpoints",
            with(json!({"resolution": "DNS", "endpoints": null, "addresses": null})),
            &[],
        ),
    ]);
}

#[test]
fn all_findings_are_returned_and_not_only_the_first() {
    let entry = with(
        json!({"hosts": ["*", "a_b"], "ports": [{"number": 0, "name": "-"}], "endpoints": [{"address": "a.example.com", "weight": "1"}]}),
    );
    assert_eq!(
        findings(&entry),
        [
            "WildcardHost spec.hosts[0]",
            "InvalidHost spec.hosts[1]",
            "InvalidPort spec.ports[0].number",
            "InvalidPortName spec.ports[0].name",
            "NoProtocol spec.ports[0].protocol",
            "WrongType spec.endpoints[0].weight",
            "InvalidEndpointAddress spec.endpoints[0].address",
            "HostsNotTold spec.ports[0].protocol",
        ]
    );
}

#[test]
fn the_document_is_a_service_entry_with_a_name() {
    assert_findings(&[
        ("not an object", json!([1]), &["WrongType "]),
        (
            "an empty object",
            json!({}),
            &[
                "MissingField apiVersion",
                "MissingField kind",
                "InvalidName metadata.name",
                "MissingField spec",
            ],
        ),
        ("a name", with_metadata(json!({"name": "Web_1"})), &["InvalidName metadata.name"]),
        ("a generated name", with_metadata(json!({"generateName": "web-"})), &[]),
        (
            "a namespace",
            with_metadata(json!({"name": "a", "namespace": "a.b"})),
            &["InvalidNamespace metadata.namespace"],
        ),
        (
            "a label",
            with_metadata(json!({"name": "a", "labels": {"a": "b c", "d": 1}})),
            &["WrongType metadata.labels.d", "InvalidLabel metadata.labels.a"],
        ),
        (
            "a field",
            with_metadata(json!({"name": "a", "label": {}})),
            &["UnknownField metadata.label"],
        ),
        (
            "an annotation",
            with_metadata(
                json!({"name": "a", "annotations": {"istio.io/dry-run": "true", "a b": ""}}),
            ),
            &[
                r#"InvalidAnnotation metadata.annotations["a b"]"#,
                r#"ReservedAnnotation metadata.annotations["istio.io/dry-run"]"#,
            ],
        ),
    ]);
    let mut other = with(Value::Null);
    *other.get_mut("kind").unwrap() = json!("VirtualService");
    *other.get_mut("apiVersion").unwrap() = json!("networking.istio.io/v2");
    assert_eq!(findings(&other), ["UnknownValue apiVersion", "UnknownValue kind"]);
}

#[test]
fn an_unknown_field_is_a_warning_that_names_the_most_similar_one() {
    let findings = validate(&with(
        json!({"ports": [{"number": 80, "name": "http", "protocol": "HTTP", "target_port": 1}]}),
    ));
    assert_eq!(findings.len(), 1);
    let finding = findings.first().unwrap();
    assert_eq!(
        (finding.severity, finding.path.as_str()),
        (Severity::Warning, "spec.ports[0].target_port")
    );
    assert!(finding.message.contains("`targetPort`"), "{}", finding.message);
}

/// Replaces every value of the document by every odd value.
#[test]
fn no_value_anywhere_causes_a_panic() {
    let full = with(json!({
        "workloadSelector": {"labels": {"a": "b"}}, "exportTo": ["."], "subjectAltNames": ["a"], "location": "MESH_EXTERNAL",
        "endpoints": [{"address": "10.1.0.1", "ports": {"http": 1}, "labels": {"a": "b"}, "locality": "r", "network": "n", "weight": 7, "serviceAccount": "sa"}],
    }));
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("é/%*"),
        json!([]),
        json!([null]),
        json!({}),
        json!({"": null}),
    ];
    let mut pointers = vec![String::new()];
    let mut count = 0;
    while let Some(pointer) = pointers.pop() {
        match full.pointer(&pointer).unwrap() {
            Value::Object(map) => pointers.extend(map.keys().map(|key| format!("{pointer}/{key}"))),
            Value::Array(items) => {
                pointers.extend((0..items.len()).map(|index| format!("{pointer}/{index}")));
            }
            _ => {}
        }
        for value in &odd {
            let mut entry = full.clone();
            *entry.pointer_mut(&pointer).unwrap() = value.clone();
            let findings = validate(&entry);
            assert!(findings.iter().all(|finding| !finding.message.is_empty()
                && finding.severity == finding.rule.severity()));
            count += 1;
        }
    }
    assert!(count > 300, "{count}");
}

#[test]
fn a_finding_survives_a_round_trip_through_json() {
    let findings = validate(&with(json!({"ports": null})));
    let text = serde_json::to_string(&findings).unwrap();
    assert_eq!(
        text,
        r#"[{"severity":"warning","path":"spec.ports","rule":"NoPorts","message":"it has no port, so the entry configures nothing"}]"#
    );
    assert_eq!(serde_json::from_str::<Vec<super::Finding>>(&text).unwrap(), findings);
}

#[test]
fn advice_is_never_an_error() {
    assert!(
        Rule::ALL
            .iter()
            .filter(|rule| rule.source() == Source::Advice)
            .all(|rule| rule.severity() == Severity::Warning)
    );
}
