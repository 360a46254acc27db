//! Requests that are not understood, and large ones.

use serde_json::{Value, json};

use crate::guest::{Policy, create, entry, outcome, request};

#[test]
fn garbage_is_an_answer_and_the_instance_lives_on() {
    let policy = Policy::start();
    let deep = "[".repeat(1_000_000);
    // Without a key settings are the defaults; as a payload that is nothing.
    assert_eq!(outcome(&policy.call("validate", b"{}")), "malformed");
    for payload in [
        &b""[..],
        b"\xff\xfe",
        b"{",
        b"null",
        b"[]",
        b"{\"request\":{},\"settings\":{}}",
        deep.as_bytes(),
    ] {
        let verdict = policy.call("validate", payload);
        assert_eq!(
            (outcome(&verdict).as_str(), &verdict["code"]),
            ("malformed", &json!(400)),
            "{verdict}"
        );
        assert_eq!(policy.call("validate_settings", payload)["valid"], json!(false));
    }
    assert_eq!(
        outcome(&policy.validate(&create("alice", &entry(&["web.shop"])), &json!({}))),
        "accepted"
    );
}

#[test]
fn an_unknown_request_is_rejected_and_another_kind_is_exempt() {
    let policy = Policy::start();
    let entry = entry(&["web.shop"]);
    let changed = |pointer: &str, value: Value| {
        let mut request = create("alice", &entry);
        *request.pointer_mut(pointer).unwrap() = value;
        request
    };
    let mut nobody = create("alice", &entry);
    nobody["userInfo"] = json!({});
    let mut pod = changed("/kind", json!({"group": "", "version": "v1", "kind": "Pod"}));
    pod["resource"] = json!({"group": "", "version": "v1", "resource": "pods"});
    for (name, request, settings, expected) in [
        ("CONNECT", request("CONNECT", "alice", &entry, &entry), json!({}), "malformed"),
        ("an operation", changed("/operation", json!("PATCH")), json!({}), "malformed"),
        ("a version", changed("/kind/version", json!("v2")), json!({}), "malformed"),
        ("nobody", nobody, json!({"protectedHosts": ["a.b"]}), "malformed"),
        ("settings", create("alice", &entry), json!({"protectedHosts": "a.b"}), "settings"),
        ("a pod", pod, json!({"protectedHosts": ["*"]}), "exempt"),
    ] {
        assert_eq!(outcome(&policy.validate(&request, &settings)), expected, "{name}");
    }
}

#[test]
fn an_object_of_a_mebibyte_is_checked() {
    let policy = Policy::start();
    let mut large = entry(&["web.shop"]);
    let endpoints: Vec<Value> = (0..4000_u32)
        .map(|n| {
            let ip = std::net::Ipv4Addr::from(0x0a00_0000 + n);
            json!({"address": ip, "ports": {"http": 8080}, "locality": "us-west-2/us-west-2a", "labels": {"x": "y".repeat(63), "z": "z".repeat(63), "v": "v".repeat(30)}})
        })
        .collect();
    large["spec"]["endpoints"] = json!(endpoints);
    let size = large.to_string().len();
    assert!(size > 1 << 20, "{size}");
    let settings = json!({"protectedHosts": ["getistio-external-service.my-namespace"]});
    assert_eq!(outcome(&policy.validate(&create("alice", &large), &settings)), "accepted");
    assert_eq!(
        outcome(&policy.validate(&request("UPDATE", "alice", &large, &large), &settings)),
        "accepted"
    );
    large["spec"]["hosts"] = json!(["*.my-namespace"]);
    assert_eq!(outcome(&policy.validate(&create("alice", &large), &settings)), "protected-host");
    large["spec"]["hosts"] = json!(["x".repeat(1 << 20)]);
    let verdict = policy.validate(&create("alice", &large), &settings);
    assert_eq!(outcome(&verdict), "invalid");
    assert!(verdict.to_string().len() < 10_000, "an answer stays short");
}
