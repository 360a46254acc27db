//! Who may have an entry of which host.

use serde_json::{Value, json};

use super::{Asked, HOST, OPERATOR, entry, put};

/// Checks rows of a name, a request, and the beginning of the response.
fn check(rows: Vec<(&str, Asked, &str)>) {
    for (name, asked, expected) in rows {
        let outcome = asked.outcome();
        assert!(outcome.starts_with(expected), "{name}: {outcome}");
    }
}

const FORBIDDEN: &str = "403 protected-host: ";

#[test]
fn a_host_that_overlaps_a_protected_one_is_for_trusted_users() {
    for (protected, host, overlaps) in [
        ("web.prod.local", "web.prod.local", true),
        ("web.prod.local", "WEB.Prod.Local", true),
        ("web.prod.local", "web.prod.local.", true),
        ("WEB.prod.local.", "web.prod.local", true),
        ("web.prod.local", "*.prod.local", true),
        ("web.prod.local", "*.local", true),
        ("web.prod.local", "*eb.prod.local", true),
        ("web.prod.local", "*", true),
        ("*.prod.local", "web.prod.local", true),
        ("*.prod.local", "a.web.prod.local", true),
        ("*.prod.local", "*.web.prod.local", true),
        ("*.prod.local", "*.local", true),
        ("*", "anything.at.all", true),
        ("web.prod.local", "web2.prod.local", false),
        ("web.prod.local", "a.web.prod.local", false),
        ("web.prod.local", "*.web.prod.local", false),
        ("*.prod.local", "prod.local", false),
        ("*.prod.local", "web.production.local", false),
        ("web.prod.local", "10.0.0.1", false),
    ] {
        let settings = json!({"protectedHosts": ["first.of.all", protected], "trustedUsers": [OPERATOR], "rejectInvalid": false});
        let outcome = |user| Asked::create(user, entry(host)).under(settings.clone()).outcome();
        assert_eq!(
            outcome("alice").starts_with(FORBIDDEN),
            overlaps,
            "{protected} and {host}: {}",
            outcome("alice")
        );
        assert_eq!(outcome(OPERATOR), "accepted", "{protected} and {host}");
    }
}

#[test]
fn the_message_names_the_host_the_user_and_the_reason() {
    let mut two = entry("harmless.example.com");
    put(&mut two, "/spec/hosts", json!(["harmless.example.com", "*.my-namespace"]));
    assert_eq!(
        Asked::create("alice", two).outcome(),
        "403 protected-host: host `*.my-namespace` is protected by `getistio-external-service.my-namespace`: only trusted users may create, \
         update or delete an entry with it, and `alice` is not trusted"
    );
}

#[test]
fn only_trusted_users_may_create_change_or_delete() {
    let (theirs, other) = (|| entry(HOST), || entry("other.example.com"));
    let update = |user: &str, old, new| Asked::to("UPDATE", user, old, new);
    let delete = |user: &str, old| Asked::to("DELETE", user, old, Value::Null);
    check(vec![
        ("a stranger makes one", Asked::create("alice", theirs()), FORBIDDEN),
        ("a stranger moves onto a host", update("alice", other(), theirs()), FORBIDDEN),
        (
            "a stranger moves away from a host",
            update("alice", theirs(), other()),
            "403 protected-host: the entry as it is stored: host",
        ),
        ("a stranger edits", update("alice", theirs(), theirs()), FORBIDDEN),
        ("a stranger deletes", delete("alice", theirs()), FORBIDDEN),
        ("a stranger edits what is not protected", update("alice", other(), other()), "accepted"),
        ("a stranger deletes what is not protected", delete("alice", other()), "accepted"),
        ("the operator makes one", Asked::create(OPERATOR, theirs()), "accepted"),
        ("the operator edits", update(OPERATOR, theirs(), theirs()), "accepted"),
        ("the operator moves away", update(OPERATOR, theirs(), other()), "accepted"),
        ("the operator deletes", delete(OPERATOR, theirs()), "accepted"),
    ]);
}

#[test]
fn trust_is_by_the_exact_name_or_a_group() {
    let groups = |user: &str, groups: Value| {
        Asked::create(user, entry(HOST)).with("/userInfo/groups", groups)
    };
    check(vec![
        ("a member", groups("alice", json!(["system:authenticated", "mesh-admins"])), "accepted"),
        ("no member", groups("alice", json!(["mesh-admins-2"])), FORBIDDEN),
        ("no groups", groups("alice", Value::Null), FORBIDDEN),
        ("a group's name as a user's", groups("mesh-admins", json!([])), FORBIDDEN),
        ("a user's name as a group's", groups("alice", json!([OPERATOR])), FORBIDDEN),
        ("another letter case", groups(&OPERATOR.to_uppercase(), json!([])), FORBIDDEN),
        (
            "another namespace",
            groups("system:serviceaccount:other:istio-cloud-map", json!([])),
            FORBIDDEN,
        ),
        (
            "no trusted users",
            groups(OPERATOR, json!([])).under(json!({"protectedHosts": [HOST]})),
            FORBIDDEN,
        ),
    ]);
}

#[test]
fn a_request_without_a_user_is_rejected_if_hosts_are_protected() {
    let other = || Asked::create("alice", entry("other.example.com"));
    check(vec![
        (
            "no userInfo",
            other().with("/userInfo", Value::Null),
            "400 malformed: the request: userInfo.username",
        ),
        (
            "no name",
            other().with("/userInfo/username", Value::Null),
            "400 malformed: the request: userInfo.username",
        ),
        (
            "an empty name",
            other().with("/userInfo/username", json!("")),
            "400 malformed: the request: userInfo.username",
        ),
        (
            "an invalid name",
            other().with("/userInfo/username", json!(5)),
            "400 malformed: the request: ",
        ),
        (
            "invalid groups",
            other().with("/userInfo/groups", json!("mesh-admins")),
            "400 malformed: the request: ",
        ),
        (
            "nothing is protected",
            other().with("/userInfo", Value::Null).under(json!({})),
            "accepted",
        ),
    ]);
}

#[test]
fn hosts_that_can_not_be_read_do_not_bypass_the_protection() {
    let lax = json!({"protectedHosts": [HOST], "trustedUsers": [OPERATOR], "rejectInvalid": false});
    let with = |pointer: &str, value: Value| {
        let mut entry = entry(HOST);
        put(&mut entry, pointer, value);
        entry
    };
    let rows: [(&str, Value, &str); 5] = [
        (
            "a number",
            with("/spec/hosts", json!([5])),
            "422 invalid: spec.hosts[0]: it is 5, expected a string",
        ),
        (
            "a list in a list",
            with("/spec/hosts", json!(["a.b", [HOST]])),
            "422 invalid: spec.hosts[1]: it is ",
        ),
        ("a string", with("/spec/hosts", json!(HOST)), "422 invalid: spec.hosts: it is not a list"),
        (
            "an object",
            with("/spec/hosts", json!({"0": HOST})),
            "422 invalid: spec.hosts: it is not a list",
        ),
        (
            "a spec that is a list",
            with("/spec", json!([HOST])),
            "422 invalid: spec: it is not an object",
        ),
    ];
    for (name, entry, expected) in rows {
        let create = Asked::create("alice", entry.clone()).under(lax.clone()).outcome();
        assert!(create.starts_with(expected), "{name}: {create}");
        let delete =
            Asked::to("DELETE", "alice", entry.clone(), Value::Null).under(lax.clone()).outcome();
        assert!(delete.starts_with("422 invalid: the entry as it is stored: "), "{name}: {delete}");
        // A user who is trusted with any host may have a broken entry too.
        assert_eq!(
            Asked::to("DELETE", OPERATOR, entry, Value::Null).outcome(),
            "accepted",
            "{name}"
        );
    }
    for path in ["/spec", "/spec/hosts"] {
        assert_eq!(
            Asked::to("DELETE", "alice", with(path, Value::Null), Value::Null).outcome(),
            "accepted",
            "{path}"
        );
    }
}

#[test]
fn the_audit_log_names_protected_hosts_of_every_user() {
    let audited =
        |user| Asked::create(user, entry("*.my-namespace")).verdict()["audit_annotations"].clone();
    assert_eq!(
        audited("alice"),
        json!({"decision": "rejected", "reason": "protected-host", "protected-host": HOST})
    );
    assert_eq!(audited(OPERATOR), json!({"decision": "accepted", "protected-host": HOST}));
}
