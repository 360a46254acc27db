//! Which requests are checked, which are exempt, and which are not understood.

use serde_json::{Value, json};

use super::super::validate;
use super::{Asked, HOST, OPERATOR, entry, no_cluster, outcome, put, verdict};

#[test]
fn only_a_service_entry_is_checked() {
    let service_entry =
        || json!({"group": "networking.istio.io", "version": "v1", "kind": "ServiceEntry"});
    let pod = || json!({"version": "v1", "kind": "Pod"});
    let pods = || json!({"group": "", "version": "v1", "resource": "pods"});
    let asked = || Asked::create("alice", entry(HOST));
    for (name, asked, expected) in [
        ("an entry", asked(), "403 "),
        ("v1beta1", asked().with("/kind/version", json!("v1beta1")), "403 "),
        ("v1alpha3", asked().with("/kind/version", json!("v1alpha3")), "403 "),
        (
            "a conversion",
            asked().with("/requestKind", json!({"group": "networking.istio.io", "version": "v1beta1", "kind": "ServiceEntry"})),
            "403 ",
        ),
        (
            "an unknown version",
            asked().with("/kind/version", json!("v2")),
            "400 malformed: the request: kind: it is `networking.istio.io/v2 ServiceEntry`",
        ),
        ("a pod", asked().with("/kind", pod()).with("/resource", pods()), "exempt"),
        ("a pod without a resource", asked().with("/kind", pod()).with("/resource", Value::Null), "exempt"),
        ("another group", asked().with("/kind/group", json!("example.com")).with("/resource/group", json!("example.com")), "exempt"),
        (
            "another kind",
            asked().with("/kind/kind", json!("VirtualService")).with("/resource/resource", json!("virtualservices")),
            "exempt",
        ),
        ("a kind that does not go with the resource", asked().with("/kind", pod()), "400 malformed: the request: kind: "),
        (
            "an entry that was something else",
            asked().with("/kind", pod()).with("/resource", pods()).with("/requestKind", service_entry()),
            "400 ",
        ),
        ("an entry without a resource", asked().with("/resource", Value::Null), "403 "),
        ("a list of entries", asked().with("/kind/kind", json!("ServiceEntryList")).with("/resource", Value::Null), "400 "),
        ("a list of whatever", asked().with("/kind", json!({"version": "v1", "kind": "List"})).with("/resource", Value::Null), "400 "),
        ("no kind", asked().with("/kind", Value::Null), "400 malformed: the request: missing field `kind`"),
        ("its status", asked().with("/subResource", json!("status")), "exempt"),
        ("no subresource", asked().with("/subResource", json!("")), "403 "),
        (
            "another subresource",
            asked().with("/subResource", json!("scale")),
            "400 malformed: the request: a ServiceEntry has no subresource `scale`",
        ),
        ("a dry run", asked().with("/dryRun", json!(true)), "403 "),
    ] {
        let outcome = asked.outcome();
        assert!(outcome.starts_with(expected), "{name}: {outcome}");
    }
}

#[test]
fn an_operation_that_is_not_understood_is_rejected() {
    let asked = |operation: &str| Asked::to(operation, OPERATOR, entry(HOST), entry(HOST));
    for (name, asked, expected) in [
        (
            "CONNECT",
            asked("CONNECT"),
            "400 malformed: the request: operation: it is `CONNECT`, expected CREATE, UPDATE or DELETE",
        ),
        ("an empty one", asked(""), "400 malformed: the request: operation: it is ``"),
        ("another letter case", asked("create"), "400 "),
        (
            "none",
            asked("CREATE").with("/operation", Value::Null),
            "400 malformed: the request: missing field `operation`",
        ),
        (
            "CREATE of nothing",
            asked("CREATE").with("/object", Value::Null),
            "400 malformed: the request: object: it is missing",
        ),
        (
            "CREATE of a number",
            asked("CREATE").with("/object", json!(5)),
            "400 malformed: the request: object: it is not an object",
        ),
        (
            "UPDATE of nothing",
            asked("UPDATE").with("/oldObject", Value::Null),
            "400 malformed: the request: oldObject: it is missing",
        ),
        (
            "UPDATE to nothing",
            asked("UPDATE").with("/object", Value::Null),
            "400 malformed: the request: object: it is missing",
        ),
        (
            "DELETE of nothing",
            asked("DELETE").with("/oldObject", Value::Null),
            "400 malformed: the request: oldObject: it is missing",
        ),
        ("DELETE with an object", asked("DELETE"), "accepted"),
    ] {
        let outcome = asked.outcome();
        assert!(outcome.starts_with(expected), "{name}: {outcome}");
    }
}

#[test]
fn garbage_is_rejected() {
    let deep = format!(r#"{{"request":{},"settings":{{}}}}"#, "[".repeat(100_000));
    let bottomless =
        json!({"request": Asked::create("alice", json!({"spec": "HERE"})).request, "settings": {}})
            .to_string()
            .replace("\"HERE\"", &format!("{}{}", "[".repeat(500), "]".repeat(500)));
    for payload in [
        "",
        "{",
        "null",
        "[]",
        "5",
        "{}",
        r#"{"request":{}}"#,
        r#"{"request":{},"settings":{}}"#,
        &deep,
        &bottomless,
    ] {
        assert!(outcome(&verdict(payload)).starts_with("400 malformed: "), "{payload:.80}");
    }
    let answer: Value =
        serde_json::from_str(&validate(b"{\"request\": \"\xff\"}", &no_cluster)).unwrap();
    assert!(outcome(&answer).starts_with("400 malformed: the payload is not UTF-8: "));
}

#[test]
fn with_settings_that_can_not_be_read_everything_is_rejected() {
    let request = Asked::create(OPERATOR, entry("other.example.com")).request;
    let pod = Asked::create(OPERATOR, json!({}))
        .with("/kind", json!({"version": "v1", "kind": "Pod"}))
        .request;
    for request in [request, pod] {
        for settings in
            [json!({"protectedHost": []}), json!({"source": "of"}), json!([]), Value::Null]
        {
            let outcome = Asked { request: request.clone(), settings: settings.clone() }.outcome();
            assert!(outcome.starts_with("400 settings: the settings"), "{settings}: {outcome}");
        }
        assert!(
            outcome(&verdict(&json!({"request": request}).to_string()))
                .starts_with("400 malformed: the payload: missing field `settings`")
        );
    }
}

#[test]
fn an_entry_that_istio_would_reject_is_rejected_with_all_its_errors() {
    let mut bad = entry("web_1.shop");
    put(&mut bad, "/spec/ports", json!([{"number": 0, "name": "http", "protocol": "h2"}]));
    let strict = Asked::create("alice", bad.clone());
    assert_eq!(
        strict.outcome(),
        "422 invalid: error[InvalidHost] spec.hosts[0]: its label `web_1` contains `_`, expected letters, digits and inner hyphens; \
         error[InvalidPort] spec.ports[0].number: it is 0, expected 1..=65535; \
         error[UnknownProtocol] spec.ports[0].protocol: it is `h2`, expected one of TCP, UDP, HTTP, HTTP2, HTTPS, GRPC, GRPC-WEB, HTTP_PROXY, TLS, \
         MONGO, MYSQL, REDIS"
    );
    let lax = Asked::create("alice", bad.clone()).under(json!({"rejectInvalid": false})).verdict();
    assert_eq!(
        (&lax["accepted"], lax["warnings"].as_array().map(Vec::len)),
        (&json!(true), Some(3)),
        "{lax}"
    );
    assert_eq!(
        Asked::to("DELETE", "alice", bad, Value::Null).outcome(),
        "accepted",
        "what is invalid can be deleted"
    );
}

#[test]
fn a_misleading_entry_is_accepted_with_a_warning() {
    let verdict = Asked::create("alice", entry("Web.shop")).verdict();
    assert_eq!(verdict["accepted"], json!(true));
    let warning = "warning[UpperCaseHost] spec.hosts[0]: `Web.shop` is accepted, but its routes have no cluster; write `web.shop`";
    assert_eq!(verdict["warnings"], json!([warning]));
    assert!(Asked::create("alice", entry("web.shop")).verdict().get("warnings").is_none());
}

#[test]
fn a_response_is_short_however_many_errors_there_are() {
    let mut bad = entry("web.shop");
    let endpoints: Vec<Value> =
        (0..5000).map(|n| json!({"address": format!("no ip {n} {}", "x".repeat(200))})).collect();
    put(&mut bad, "/spec/endpoints", json!(endpoints));
    let strict = Asked::create("alice", bad.clone()).verdict();
    let message = strict["message"].as_str().unwrap();
    assert!(message.len() < 4200 && message.contains("; and 992 more"), "{message}");
    let lax = Asked::create("alice", bad).under(json!({"rejectInvalid": false})).verdict();
    let warnings: Vec<&str> =
        lax["warnings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(warnings.len(), 13);
    assert!(warnings.iter().all(|warning| warning.len() <= 256), "{warnings:?}");
}

/// An entry that is being deleted, with these finalizers.
fn deleting(host: &str, finalizers: Value) -> Value {
    let mut entry = entry(host);
    entry["metadata"]["deletionTimestamp"] = json!("2026-11-27T00:00:00Z");
    put(&mut entry, "/metadata/finalizers", finalizers);
    entry
}

#[test]
fn removing_finalizers_from_an_entry_that_is_being_deleted_is_accepted() {
    let collector = "system:serviceaccount:kube-system:generic-garbage-collector";
    let old = || deleting(HOST, json!(["foregroundDeletion", "x"]));
    let mut bookkept = deleting(HOST, Value::Null);
    bookkept["metadata"]["resourceVersion"] = json!("2");
    bookkept["metadata"]["managedFields"] = json!([{}]);
    for (name, new) in [
        ("one", deleting(HOST, json!(["x"]))),
        ("none left", deleting(HOST, json!([]))),
        ("bookkeeping", bookkept),
    ] {
        assert_eq!(Asked::to("UPDATE", collector, old(), new).outcome(), "exempt", "{name}");
    }
    let mut labelled = deleting(HOST, json!(["x"]));
    labelled["metadata"]["labels"] = json!({"a": "b"});
    let mut other_hosts = deleting(HOST, json!(["x"]));
    other_hosts["spec"]["hosts"] = json!(["a.b"]);
    for (name, old, new) in [
        ("a label, too", old(), labelled),
        ("the hosts, too", old(), other_hosts),
        ("another finalizer", old(), deleting(HOST, json!(["y"]))),
        ("none taken", old(), old()),
        ("not being deleted", entry(HOST), entry(HOST)),
    ] {
        let outcome = Asked::to("UPDATE", collector, old, new).outcome();
        assert!(outcome.starts_with("403 protected-host"), "{name}: {outcome}");
    }
    let anonymous = Asked::to("UPDATE", "alice", old(), deleting(HOST, json!([])))
        .with("/userInfo", json!({}))
        .outcome();
    assert!(anonymous.starts_with("400 "), "{anonymous}");
}

#[test]
fn what_a_request_does_not_change_is_not_checked_again() {
    let invalid = || {
        let mut entry = entry("a.b");
        entry["spec"]["ports"][0]["number"] = json!(0);
        entry
    };
    let with = |pointer: &str, value: Value| {
        let mut entry = invalid();
        put(&mut entry, pointer, value);
        entry
    };
    let labelled = with("/metadata/labels", json!({"team": "a"}));
    let verdict = Asked::to("UPDATE", "alice", invalid(), labelled.clone()).verdict();
    assert_eq!(outcome(&verdict), "accepted");
    assert!(
        verdict["warnings"][0].as_str().unwrap().starts_with("error[InvalidPort]"),
        "the errors are still reported: {verdict}"
    );
    for (name, asked) in [
        ("a new one", Asked::create("alice", labelled)),
        (
            "another spec",
            Asked::to("UPDATE", "alice", invalid(), with("/spec/location", json!("MESH_INTERNAL"))),
        ),
        (
            "an invalid label",
            Asked::to("UPDATE", "alice", invalid(), with("/metadata/labels", json!({"a b": "c"}))),
        ),
    ] {
        assert!(asked.outcome().starts_with("422 invalid"), "{name}: {}", asked.outcome());
    }
}

#[test]
fn an_entry_with_many_errors_is_checked_quickly_and_the_response_stays_short() {
    let mut unknown = entry("a.b");
    for n in 0..80_000 {
        unknown["spec"][format!("field{n}")] = json!(n);
    }
    let mut endpoints = entry("a.b");
    endpoints["spec"]["endpoints"] = json!(vec![json!({}); 400_000]);
    #[expect(clippy::disallowed_methods, reason = "a test measures time")]
    let started = std::time::Instant::now();
    assert_eq!(Asked::create("alice", unknown.clone()).outcome(), "accepted");
    unknown["spec"]["ports"][0]["number"] = json!(0);
    assert!(
        Asked::create("alice", unknown).outcome().starts_with("422 invalid"),
        "warnings do not displace an error"
    );
    let outcome = Asked::create("alice", endpoints).outcome();
    assert!(
        outcome.starts_with("422 invalid: error[TooMany]") && outcome.len() < 5000,
        "{outcome}"
    );
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
