//! The tutorial's host, protected.

use serde_json::{Value, json};

use crate::guest::{OPERATOR, Policy, create, entry, outcome, request};

const HOST: &str = "getistio-external-service.my-namespace";

fn settings() -> Value {
    json!({"protectedHosts": [HOST], "trustedUsers": [OPERATOR], "trustedGroups": ["mesh-admins"]})
}

/// The same table as that of the `ValidatingAdmissionPolicy`.
#[test]
fn a_strangers_entry_of_a_protected_host_is_rejected_and_the_operators_own_passes() {
    let policy = Policy::start();
    let table: Value = serde_json::from_str(include_str!("hosts.json")).unwrap();
    let settings = json!({"protectedHosts": table["protected"], "trustedUsers": [OPERATOR]});
    for case in table["cases"].as_array().unwrap() {
        let mut entry = entry(&[]);
        entry["spec"]["hosts"] = case["hosts"].clone();
        let stranger = if case["overlap"] == json!(true) { "protected-host" } else { "accepted" };
        let ask = |user| outcome(&policy.validate(&create(user, &entry), &settings));
        assert_eq!(ask("alice"), stranger, "{}", case["name"]);
        assert_eq!(ask(OPERATOR), "accepted", "{}", case["name"]);
    }
}

#[test]
fn a_rejection_has_its_code_and_its_reason() {
    let verdict = Policy::start().validate(&create("alice", &entry(&[HOST])), &settings());
    assert_eq!((&verdict["accepted"], &verdict["code"]), (&json!(false), &json!(403)));
    let message = verdict["message"].as_str().unwrap();
    assert!(
        message.starts_with(&format!("host `{HOST}` is protected by `{HOST}`: only trusted users")),
        "{message}"
    );
    assert!(message.ends_with("`alice` is not trusted"), "{message}");
    assert_eq!(verdict["audit_annotations"]["protected-host"], json!(HOST));
    assert_eq!(verdict.get("mutated_object"), None);
}

#[test]
fn a_stranger_can_neither_change_nor_delete_it() {
    let policy = Policy::start();
    let (theirs, other) = (entry(&[HOST]), entry(&["other.example.com"]));
    for (name, operation, old, new) in [
        ("edit", "UPDATE", &theirs, &theirs),
        ("take over", "UPDATE", &other, &theirs),
        ("take away", "UPDATE", &theirs, &other),
        ("delete", "DELETE", &theirs, &Value::Null),
    ] {
        let ask =
            |user| outcome(&policy.validate(&request(operation, user, old, new), &settings()));
        assert_eq!(ask("alice"), "protected-host", "{name}");
        assert_eq!(ask(OPERATOR), "accepted", "{name}");
    }
    let deleted = policy.validate(&request("DELETE", OPERATOR, &theirs, &Value::Null), &settings());
    assert_eq!(deleted.get("mutated_object"), None);
}

#[test]
fn a_member_of_a_trusted_group_is_trusted() {
    let mut request = create("alice", &entry(&[HOST]));
    request["userInfo"]["groups"] = json!(["system:authenticated", "mesh-admins"]);
    assert_eq!(outcome(&Policy::start().validate(&request, &settings())), "accepted");
}

#[test]
fn the_garbage_collector_ends_a_foreground_deletion() {
    let policy = Policy::start();
    let mut deleting = entry(&[HOST]);
    deleting["metadata"]["deletionTimestamp"] = json!("2026-11-27T00:00:00Z");
    let mut held = deleting.clone();
    held["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
    let ask = |old: &Value, new: &Value| {
        outcome(&policy.validate(
            &request(
                "UPDATE",
                "system:serviceaccount:kube-system:generic-garbage-collector",
                old,
                new,
            ),
            &settings(),
        ))
    };
    assert_eq!(ask(&held, &deleting), "exempt");
    assert_eq!(ask(&deleting, &held), "protected-host");
    let mut labelled = deleting.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert_eq!(ask(&held, &labelled), "protected-host");
}

#[test]
fn the_hosts_of_the_operators_entries_in_the_cluster_are_protected() {
    let settings = json!({"protectedOwners": ["istio-cloud-map"], "trustedUsers": [OPERATOR]});
    let mut theirs = entry(&[HOST]);
    theirs["metadata"] = json!({"name": "cloudmap-web", "namespace": "mesh", "labels": {"istio-cloud-map/owner": "istio-cloud-map"}});
    let policy = Policy::beside(Some(json!({"kind": "List", "items": [theirs]})));
    let ask =
        |policy: &Policy, user, host| policy.validate(&create(user, &entry(&[host])), &settings);
    let rejected = ask(&policy, "alice", "*.my-namespace");
    assert_eq!(outcome(&rejected), "protected-host");
    let message = rejected["message"].as_str().unwrap();
    assert!(message.contains("of the ServiceEntry mesh/cloudmap-web"), "{message}");
    assert_eq!(outcome(&ask(&policy, "alice", "api.example.com")), "accepted");
    assert_eq!(outcome(&ask(&policy, OPERATOR, HOST)), "accepted");

    let alone = Policy::start();
    let rejected = ask(&alone, "alice", "api.example.com");
    assert_eq!((outcome(&rejected).as_str(), &rejected["code"]), ("cluster", &json!(500)));
    let message = rejected["message"].as_str().unwrap();
    assert!(message.contains("no kubewarden/kubernetes/list_all_resources here"), "{message}");
    assert_eq!(outcome(&ask(&alone, OPERATOR, HOST)), "accepted");
}
