//! Cloud Map JSON in an annotation: compared with the spec, or filled into it.

use serde_json::{Value, json};

use super::super::validate;
use super::{Asked, HOST, OPERATOR, entry, no_cluster, put};

/// What `aws servicediscovery discover-instances` prints of the tutorial's service.
fn discovered(service: &str, ip: &str) -> Value {
    json!({"Instances": [{
        "InstanceId": ip,
        "NamespaceName": "my-namespace",
        "ServiceName": service,
        "HealthStatus": "HEALTHY",
        "Attributes": {"AWS_INSTANCE_IPV4": ip},
    }]})
}

fn annotated(spec: Value, annotation: &Value) -> Value {
    let mut entry = entry("x");
    put(&mut entry, "/spec", spec);
    let text = annotation.as_str().map_or_else(|| annotation.to_string(), str::to_owned);
    put(&mut entry, "/metadata/annotations", json!({"istio-cloud-map/cloud-map": text}));
    entry
}

/// The tutorial's spec, as the translation has it.
fn tutorial() -> Value {
    json!({
        "hosts": [HOST],
        "addresses": ["52.192.72.89"],
        "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}, {"number": 443, "name": "https", "protocol": "HTTPS"}],
        "resolution": "STATIC",
        "endpoints": [{"address": "52.192.72.89", "ports": {"http": 80, "https": 443}}],
    })
}

fn service() -> Value {
    discovered("getistio-external-service", "52.192.72.89")
}

fn checked(spec: Value, annotation: &Value) -> String {
    Asked::create("alice", annotated(spec, annotation)).under(json!({"source": "check"})).outcome()
}

#[test]
fn a_spec_that_equals_the_translation_passes_the_check() {
    assert_eq!(checked(tutorial(), &service()), "accepted");
    let mut more = tutorial();
    put(&mut more, "/subjectAltNames", json!(["spiffe://x"]));
    put(&mut more, "/exportTo", json!(["."]));
    put(&mut more, "/location", json!("MESH_INTERNAL"));
    assert_eq!(
        checked(more, &service()),
        "accepted",
        "fields without Cloud Map data keep the author's value"
    );
}

#[test]
fn a_spec_that_differs_is_rejected_with_every_differing_field() {
    let mut other = tutorial();
    put(&mut other, "/addresses", Value::Null);
    put(&mut other, "/ports", json!([{"number": 80, "name": "http", "protocol": "HTTP"}]));
    put(
        &mut other,
        "/endpoints",
        json!([{"address": "10.6.6.6", "ports": {"http": 80, "https": 443}}]),
    );
    assert_eq!(
        checked(other, &service()),
        "422 cloud-map: the spec differs from its Cloud Map JSON: spec.addresses is absent, expected [\"52.192.72.89\"]; \
         spec.endpoints[0].address is \"10.6.6.6\", expected \"52.192.72.89\"; spec.ports has 1 items, expected 2"
    );
    for (field, value) in
        [("hosts", json!(["a.b"])), ("resolution", json!("DNS")), ("resolution", Value::Null)]
    {
        let mut other = tutorial();
        put(&mut other, &format!("/{field}"), value.clone());
        let outcome = checked(other, &service());
        assert!(
            outcome.starts_with(&format!(
                "422 cloud-map: the spec differs from its Cloud Map JSON: spec.{field}"
            )),
            "{outcome}"
        );
    }
    assert!(checked(Value::Null, &service()).starts_with("422 cloud-map: "), "no spec at all");
}

#[test]
fn the_options_of_the_translation_are_the_settings() {
    let settings = json!({"source": "check", "translation": {"location": "MESH_INTERNAL"}});
    let outcome =
        Asked::create("alice", annotated(tutorial(), &service())).under(settings).outcome();
    assert!(outcome.ends_with("spec.location is absent, expected \"MESH_INTERNAL\""), "{outcome}");
}

#[test]
fn without_the_annotation_or_with_source_off_nothing_is_compared() {
    let mut other = tutorial();
    put(&mut other, "/endpoints", json!([{"address": "10.6.6.6"}]));
    assert_eq!(
        Asked::create("alice", annotated(other, &service())).under(json!({})).outcome(),
        "accepted"
    );
    for source in ["check", "fill"] {
        let verdict =
            Asked::create("alice", entry("a.b")).under(json!({"source": source})).verdict();
        assert_eq!(
            (&verdict["accepted"], verdict.get("mutated_object")),
            (&json!(true), None),
            "{source}"
        );
    }
}

#[test]
fn json_that_does_not_result_in_exactly_one_entry_is_rejected() {
    let snapshot = |name: &str| json!({"namespace": {"Name": "ns"}, "service": {"Name": name}, "instances": []});
    let nameless =
        json!({"Instances": [{"Id": "i", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}]});
    for (name, annotation, expected) in [
        ("no JSON", json!("{"), "the annotation istio-cloud-map/cloud-map: line 1, column"),
        ("nothing", json!(""), "the input is empty"),
        (
            "another shape",
            json!({"Services": []}),
            "the key `Services` is in the wrong letter case",
        ),
        ("no service", json!({"services": []}), "it has 0 services, expected one"),
        (
            "two services",
            json!({"services": [snapshot("a"), snapshot("b")]}),
            "it has 2 services, expected one",
        ),
        ("no names", nameless, "the service of its instances is unknown"),
        ("an invalid host", json!({"services": [snapshot("a_b")]}), "error[InvalidHost] ns/a_b: "),
        (
            "bookkeeping",
            json!({"services": [snapshot("aws-ecs-sc.client.x")]}),
            "it results in no entry; info[Excluded]",
        ),
    ] {
        for source in ["check", "fill"] {
            let outcome = Asked::create("alice", annotated(tutorial(), &annotation))
                .under(json!({"source": source}))
                .outcome();
            assert!(
                outcome.starts_with("422 cloud-map: ") && outcome.contains(expected),
                "{name}, {source}: {outcome}"
            );
        }
    }
    let omitting = json!({"source": "check", "translation": {"emptyService": "omit"}});
    let outcome =
        Asked::create("alice", annotated(tutorial(), &json!({"services": [snapshot("a")]})))
            .under(omitting)
            .outcome();
    assert!(outcome.contains("emptyService is omit"), "{outcome}");
    let mut number = annotated(tutorial(), &service());
    put(&mut number, "/metadata/annotations", json!({"istio-cloud-map/cloud-map": 5}));
    assert!(
        Asked::create("alice", number)
            .under(json!({"source": "check"}))
            .outcome()
            .contains("it is not a string")
    );
}

#[test]
fn what_the_translation_drops_is_a_warning() {
    let mut two = service();
    let bad = json!({"InstanceId": "i-2", "NamespaceName": "my-namespace", "ServiceName": "getistio-external-service",
        "Attributes": {"AWS_INSTANCE_IPV4": "192.168.1."}});
    two["Instances"].as_array_mut().unwrap().push(bad);
    let verdict = Asked::create("alice", annotated(tutorial(), &two))
        .under(json!({"source": "check"}))
        .verdict();
    assert_eq!(verdict["accepted"], json!(true), "{verdict}");
    let warning = verdict["warnings"][0].as_str().unwrap();
    assert!(
        warning.starts_with("warning[InvalidAddress] my-namespace/getistio-external-service i-2: "),
        "{warning}"
    );
}

#[test]
fn filling_replaces_the_spec_by_the_translation_and_changes_nothing_else() {
    let spec = json!({"hosts": ["placeholder.example.com"], "location": "MESH_INTERNAL", "resolution": "NONE", "addresses": ["10.1.1.1"],
        "subjectAltNames": ["spiffe://x"]});
    let sent = annotated(spec, &service());
    let verdict = Asked::create(OPERATOR, sent.clone()).under(json!({"source": "fill"})).verdict();
    assert_eq!(verdict["audit_annotations"], json!({"decision": "filled"}));
    let mut expected = sent;
    let mut spec = tutorial();
    put(&mut spec, "/location", json!("MESH_INTERNAL"));
    put(&mut spec, "/subjectAltNames", json!(["spiffe://x"]));
    put(&mut expected, "/spec", spec);
    assert_eq!(verdict["mutated_object"], expected);
    let again = Asked::to("UPDATE", OPERATOR, expected.clone(), expected)
        .under(json!({"source": "fill"}))
        .verdict();
    assert_eq!(
        (&again["accepted"], again.get("mutated_object")),
        (&json!(true), None),
        "what is filled needs no filling"
    );
}

#[test]
fn what_is_not_filled_keeps_its_bytes() {
    let annotation = service().to_string().replace('"', "\\\"");
    let object = format!(
        r#"{{"kind":"ServiceEntry","apiVersion":"networking.istio.io/v1","metadata":{{"name":"web","annotations":{{"istio-cloud-map/cloud-map":"{annotation}", "n": "1.50"}},"generation":18446744073709551616}}}}"#
    );
    let request =
        Asked::create("alice", json!("HERE")).request.to_string().replace("\"HERE\"", &object);
    let answer = validate(
        format!(r#"{{"request":{request},"settings":{{"source":"fill"}}}}"#).as_bytes(),
        &no_cluster,
    );
    let metadata = object
        .split_once(r#""metadata":"#)
        .and_then(|(_, metadata)| metadata.strip_suffix('}'))
        .unwrap();
    assert!(answer.contains(metadata), "{answer}");
}

#[test]
fn a_filled_in_host_is_protected_too() {
    let harmless = json!({"hosts": ["harmless.example.com"]});
    let asked = |user| {
        let mut asked = Asked::create(user, annotated(harmless.clone(), &service()));
        put(&mut asked.settings, "/source", json!("fill"));
        asked
    };
    assert!(
        asked("alice")
            .outcome()
            .starts_with("403 protected-host: host `getistio-external-service.my-namespace`")
    );
    assert_eq!(asked(OPERATOR).outcome(), "filled");
    assert_eq!(asked(OPERATOR).verdict()["audit_annotations"]["protected-host"], json!(HOST));
}

#[test]
fn a_filled_spec_is_validated() {
    let spec = json!({"hosts": ["placeholder.example.com"], "workloadSelector": {"labels": {"app": "web"}}});
    let outcome = Asked::create("alice", annotated(spec, &service()))
        .under(json!({"source": "fill"}))
        .outcome();
    assert!(outcome.starts_with("422 invalid: error[SelectorAndEndpoints]"), "{outcome}");
}

#[test]
fn a_deleted_entry_is_neither_checked_nor_filled() {
    for source in ["check", "fill"] {
        let asked = Asked::to(
            "DELETE",
            "alice",
            annotated(json!({"hosts": ["a.b"]}), &service()),
            Value::Null,
        );
        let verdict = asked.under(json!({"source": source})).verdict();
        assert_eq!(
            (&verdict["accepted"], verdict.get("mutated_object")),
            (&json!(true), None),
            "{source}"
        );
    }
}

#[test]
fn a_spec_that_already_differs_may_get_a_label_but_not_another_annotation() {
    let differing = || annotated(json!({"hosts": ["a.b"], "resolution": "NONE"}), &service());
    let mut labelled = differing();
    put(&mut labelled, "/metadata/labels", json!({"team": "a"}));
    let mut other = service();
    other["Instances"][0]["Attributes"]["AWS_INSTANCE_IPV4"] = json!("10.9.9.9");
    let renewed = annotated(json!({"hosts": ["a.b"], "resolution": "NONE"}), &other);
    for source in ["check", "fill"] {
        let ask = |new: &Value| {
            Asked::to("UPDATE", "alice", differing(), new.clone())
                .under(json!({"source": source}))
                .outcome()
        };
        assert_eq!(ask(&labelled), "accepted", "{source}");
        assert!(
            ask(&renewed).starts_with(if source == "check" { "422 cloud-map" } else { "filled" }),
            "{source}: {}",
            ask(&renewed)
        );
    }
}
