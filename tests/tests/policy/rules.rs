//! Validity, and Cloud Map JSON.

use serde_json::{Value, json};

use crate::guest::{Policy, create, entry, outcome, request};

#[test]
fn an_entry_that_istio_would_reject_is_rejected_and_a_valid_one_accepted() {
    let policy = Policy::start();
    for (name, pointer, value, expected) in [
        ("as it is", "/metadata/name", json!("web"), "accepted"),
        ("an IP address as a host", "/spec/hosts", json!(["10.0.0.1"]), "invalid"),
        ("every host", "/spec/hosts", json!(["*"]), "invalid"),
        ("a port of zero", "/spec/ports/0/number", json!(0), "invalid"),
        ("h2", "/spec/ports/0/protocol", json!("h2"), "invalid"),
        ("a name as a static endpoint", "/spec/endpoints/0/address", json!("web.shop"), "invalid"),
        ("endpoints without resolution", "/spec/resolution", json!("NONE"), "invalid"),
        ("DNS", "/spec/resolution", json!("DNS"), "accepted"),
    ] {
        let mut entry = entry(&["web.shop"]);
        *entry.pointer_mut(pointer).unwrap() = value;
        assert_eq!(
            outcome(&policy.validate(&create("alice", &entry), &json!({}))),
            expected,
            "{name}"
        );
        let lax = policy.validate(&create("alice", &entry), &json!({"rejectInvalid": false}));
        assert_eq!(
            (outcome(&lax).as_str(), lax.get("warnings").is_some()),
            ("accepted", expected == "invalid"),
            "{name}: {lax}"
        );
    }
}

/// An entry of this spec with the tutorial's service in its annotation.
fn annotated(spec: &Value) -> Value {
    let discovered = json!({"Instances": [{
        "InstanceId": "52.192.72.89",
        "NamespaceName": "my-namespace",
        "ServiceName": "getistio-external-service",
        "HealthStatus": "HEALTHY",
        "Attributes": {"AWS_INSTANCE_IPV4": "52.192.72.89"},
    }]});
    let mut entry = entry(&[]);
    entry["spec"] = spec.clone();
    entry["metadata"]["annotations"] = json!({"istio-cloud-map/cloud-map": discovered.to_string()});
    entry
}

/// The spec of the tutorial's golden case.
fn tutorial() -> Value {
    let golden: Value =
        serde_json::from_str(include_str!("../../../core/tests/golden/tutorial.out.json")).unwrap();
    golden.pointer("/serviceEntries/0/spec").unwrap().clone()
}

#[test]
fn a_spec_is_compared_with_its_cloud_map_json() {
    let policy = Policy::start();
    let check = |spec: &Value| {
        policy.validate(&create("alice", &annotated(spec)), &json!({"source": "check"}))
    };
    assert_eq!(outcome(&check(&tutorial())), "accepted");
    let mut other = tutorial();
    other["endpoints"][0]["address"] = json!("10.6.6.6");
    other["addresses"] = json!([]);
    let verdict = check(&other);
    assert_eq!((outcome(&verdict).as_str(), &verdict["code"]), ("cloud-map", &json!(422)));
    let message = verdict["message"].as_str().unwrap();
    assert!(
        message.contains("spec.addresses is absent")
            && message.contains("spec.endpoints[0].address is \"10.6.6.6\""),
        "{message}"
    );
}

#[test]
fn a_spec_is_filled_from_its_cloud_map_json() {
    let policy = Policy::start();
    let sent = annotated(
        &json!({"hosts": ["placeholder.example.com"], "exportTo": ["."], "subjectAltNames": ["x"]}),
    );
    let verdict = policy.validate(&create("alice", &sent), &json!({"source": "fill"}));
    assert_eq!(outcome(&verdict), "filled", "{verdict}");
    let mut spec = tutorial();
    spec["exportTo"] = json!(["."]);
    spec["subjectAltNames"] = json!(["x"]);
    let filled = &verdict["mutated_object"];
    assert_eq!(*filled, annotated(&spec));
    let again =
        policy.validate(&request("UPDATE", "alice", filled, filled), &json!({"source": "fill"}));
    assert_eq!((outcome(&again).as_str(), again.get("mutated_object")), ("accepted", None));
    let deleted = policy
        .validate(&request("DELETE", "alice", &sent, &Value::Null), &json!({"source": "fill"}));
    assert_eq!((outcome(&deleted).as_str(), deleted.get("mutated_object")), ("accepted", None));
}

#[test]
fn a_protected_host_can_not_be_filled_in_by_a_stranger() {
    let settings = json!({"source": "fill", "protectedHosts": ["*.my-namespace"]});
    let sent = annotated(&json!({"hosts": ["harmless.example.com"]}));
    assert_eq!(
        outcome(&Policy::start().validate(&create("alice", &sent), &settings)),
        "protected-host"
    );
}

#[test]
fn an_invalid_entry_from_before_the_policy_may_get_a_label_and_lose_a_finalizer() {
    let policy = Policy::start();
    let mut old = entry(&["web.shop"]);
    old["spec"]["ports"][0]["number"] = json!(0);
    old["metadata"]["finalizers"] = json!(["example.com/x"]);
    let (mut labelled, mut freed, mut changed) = (old.clone(), old.clone(), old.clone());
    labelled["metadata"]["labels"] = json!({"team": "a"});
    freed["metadata"]["finalizers"] = json!([]);
    changed["spec"]["ports"][0]["number"] = json!(70000);
    for (name, new, expected) in [
        ("a label", &labelled, "accepted"),
        ("a finalizer", &freed, "accepted"),
        ("the spec", &changed, "invalid"),
    ] {
        assert_eq!(
            outcome(&policy.validate(&request("UPDATE", "alice", &old, new), &json!({}))),
            expected,
            "{name}"
        );
    }
}
