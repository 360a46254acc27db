#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};

use super::*;

fn call(of: fn(&[u8]) -> String, request: &Value) -> Value {
    serde_json::from_str(&of(request.to_string().as_bytes())).unwrap()
}

fn error(of: fn(&[u8]) -> String, request: &Value) -> (String, String) {
    let answer = call(of, request);
    let text = |key: &str| {
        answer
            .pointer(&format!("/error/{key}"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    (text("kind"), text("message"))
}

fn web() -> Value {
    json!({"Instances": [{"Id": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}]})
}

#[test]
fn what_list_instances_prints_becomes_an_entry() {
    let answer = call(
        translate,
        &json!({"input": web(), "options": {"namespace": "ns", "service": "web", "addresses": "none"}}),
    );
    assert_eq!(
        answer.pointer("/ok/serviceEntries/0/spec/hosts/0"),
        Some(&json!("web.ns")),
        "{answer}"
    );
    assert_eq!(answer.pointer("/ok/serviceEntries/0/spec/addresses"), None, "{answer}");
    assert_eq!(answer.pointer("/ok/diagnostics"), Some(&json!([])), "{answer}");
}

#[test]
fn a_translation_is_written_as_its_entries_and_diagnostics() {
    let input = json!({"services": [
        {"namespace": {"Name": "ns"}, "service": {"Name": "b"}, "instances": [{"Id": "i-1", "Attributes": {}}]},
        {"namespace": {"Name": "ns"}, "service": {"Name": "a"}, "instances": []},
        {"namespace": {"Name": "ns"}, "service": {"Name": "a_b"}, "instances": []},
    ]});
    let answer = call(translate, &json!({"input": input}));
    let names: Vec<_> = answer["ok"]["serviceEntries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["metadata"]["name"])
        .collect();
    assert_eq!(names, ["cloudmap-a.ns", "cloudmap-b.ns"]);
    let codes: Vec<_> = answer["ok"]["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|diagnostic| &diagnostic["code"])
        .collect();
    assert_eq!(
        codes,
        ["InvalidHost", "InvalidAddress", "PortsUnknown", "PortsUnknown"],
        "{answer}"
    );
}

#[test]
fn a_plan_has_the_changes_and_the_refusals() {
    let options = json!({"namespace": "ns", "service": "web"});
    let desired =
        call(translate, &json!({"input": web(), "options": options}))["ok"]["serviceEntries"]
            .clone();
    let owned = json!({"istio-cloud-map/owner": "istio-cloud-map"});
    let source =
        json!({"istio-cloud-map/source": "default", "istio-cloud-map/namespace-id": "other"});
    let gone = json!({"metadata": {"name": "cloudmap-gone.ns", "namespace": "mesh", "labels": owned, "annotations": source}, "spec": {"hosts": ["gone.ns"]}});
    let request = |scopes: Value| json!({"input": {"desired": desired, "observed": [gone], "scopes": scopes}, "options": {"namespace": "mesh", "policy": "sync"}});
    let create = json!({"namespace": "mesh", "name": "cloudmap-web.ns", "action": "create"});
    let incomplete =
        json!({"namespace": "mesh", "name": "cloudmap-gone.ns", "reason": "incomplete"});
    let delete = json!({"namespace": "mesh", "name": "cloudmap-gone.ns", "action": "delete"});
    let elsewhere = call(plan, &request(json!({"sources": {"another": true}})));
    assert_eq!(
        elsewhere,
        json!({"ok": {"changes": [create], "refusals": []}}),
        "another process reads that source"
    );
    let unread = call(plan, &request(json!({"sources": {"default": false}})));
    assert_eq!(unread, json!({"ok": {"changes": [create], "refusals": [incomplete]}}));
    let read = request(json!({"sources": {"default": true}}));
    assert_eq!(call(plan, &read), json!({"ok": {"changes": [delete, create], "refusals": []}}));
    let partly = json!({"sources": {"default": true}, "namespaces": [{"source": "default", "namespace": "other", "complete": false}]});
    assert_eq!(
        call(plan, &request(partly)),
        json!({"ok": {"changes": [create], "refusals": [incomplete]}})
    );
}

#[test]
fn an_update_names_its_fields_and_a_conflict_the_other_entry() {
    let options = json!({"namespace": "ns", "service": "web"});
    let desired =
        call(translate, &json!({"input": web(), "options": options}))["ok"]["serviceEntries"]
            .clone();
    let mut stored = desired[0].clone();
    stored["spec"]["endpoints"][0]["address"] = json!("10.0.0.2");
    let request = |stored: &Value| json!({"input": {"desired": desired, "observed": [stored], "scopes": {"sources": {"default": true}}}});
    let update = json!({"namespace": "default", "name": "cloudmap-web.ns", "action": "update", "fields": ["endpoints"], "empties": false});
    assert_eq!(call(plan, &request(&stored)), json!({"ok": {"changes": [update], "refusals": []}}));
    stored["metadata"]["labels"] = json!({});
    let with = json!({"namespace": "default", "name": "cloudmap-web.ns"});
    let conflict = json!({"namespace": "default", "name": "cloudmap-web.ns", "reason": "conflict", "with": with});
    assert_eq!(
        call(plan, &request(&stored)),
        json!({"ok": {"changes": [], "refusals": [conflict]}})
    );
}

#[test]
fn findings_are_listed() {
    let answer = call(
        validate,
        &json!({"input": {"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": {"name": "a"}}}),
    );
    assert_eq!(answer.pointer("/ok/0/severity"), Some(&json!("error")), "{answer}");
}

#[test]
fn every_error_is_a_response_with_the_problem_and_its_path() {
    for (of, request, kind, words) in [
        (
            translate as fn(&[u8]) -> String,
            json!({"input": {"Services": []}}),
            "InvalidInput",
            "services",
        ),
        (
            translate,
            json!({"input": {}, "options": {"adresses": "none"}}),
            "InvalidOptions",
            "adresses",
        ),
        (
            translate,
            json!({"input": {}, "options": {"addresses": "all"}}),
            "InvalidOptions",
            "addresses: unknown variant `all`",
        ),
        (
            translate,
            json!({"input": {}, "options": {"namespace": 1}}),
            "InvalidOptions",
            "namespace",
        ),
        (translate, json!({"input": {}, "options": []}), "InvalidOptions", "an array"),
        (translate, json!({"inputs": {}}), "InvalidRequest", "inputs"),
        (translate, json!({}), "InvalidRequest", "input"),
        (plan, json!({"input": {"desired": [{}]}}), "InvalidInput", "desired[0]"),
        (plan, json!({"input": {"desird": []}}), "InvalidInput", "desird"),
        (
            plan,
            json!({"input": {}, "options": {"maxDeletePercent": 300}}),
            "InvalidOptions",
            "maxDeletePercent",
        ),
        (validate, json!({"input": {}, "options": {"strict": true}}), "InvalidOptions", "strict"),
    ] {
        let (found, message) = error(of, &request);
        assert_eq!(found, kind, "{request}: {message}");
        assert!(message.contains(words), "{request}: {message}");
    }
}

#[test]
fn garbage_is_an_error() {
    for of in [translate, plan, validate] {
        for garbage in [&b""[..], b"\xff\xfe", b"{", b"null", b"[]", b"\"\\ud800\""] {
            assert!(of(garbage).starts_with(r#"{"error":{"kind":"InvalidRequest""#));
        }
    }
}

#[test]
fn a_text_call_returns_the_ok_of_a_response() {
    let (input, options) = (web(), json!({"namespace": "ns", "service": "web"}));
    let ok = |of: fn(&[u8]) -> String, request: Value| call(of, &request)["ok"].clone();
    let read = |text: Result<String, Error>| serde_json::from_str::<Value>(&text.unwrap()).unwrap();
    let translated = read(text::translate(&input.to_string(), &options.to_string()));
    assert_eq!(translated, ok(translate, json!({"input": input, "options": options})));
    let desired = json!({"desired": translated["serviceEntries"]});
    let planned = text::plan(&desired.to_string(), r#"{"namespace": "mesh"}"#).unwrap();
    let planned = serde_json::to_value(planned).unwrap();
    assert_eq!(planned, ok(plan, json!({"input": desired, "options": {"namespace": "mesh"}})));
    let invalid = json!({"kind": "ServiceEntry"});
    let found = serde_json::to_value(text::validate(&invalid.to_string()).unwrap()).unwrap();
    assert_eq!(found, ok(validate, json!({"input": invalid})));
}

#[test]
fn a_text_call_returns_the_error_of_a_response() {
    fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
        result.unwrap_err().kind
    }
    assert_eq!(kind(text::translate("{", "{}")), ErrorKind::InvalidInput);
    let unknown_option = text::translate(r#"{"services": []}"#, r#"{"no": 1}"#);
    assert_eq!(kind(unknown_option), ErrorKind::InvalidOptions);
    assert_eq!(kind(text::plan("{}", "[]")), ErrorKind::InvalidOptions);
    assert_eq!(kind(text::plan(r#"{"no": 1}"#, "{}")), ErrorKind::InvalidInput);
    assert_eq!(kind(text::validate("")), ErrorKind::InvalidInput);
}

#[test]
fn an_error_says_where_in_fields_of_its_own() {
    for (result, path, position) in [
        (text::translate("{\n\"Instances\": [}", "{}"), None, Some((2, 15))),
        (text::translate(r#"{"services": {}}"#, "{}"), Some("services"), None),
        (text::translate(r#"{"services": [1]}"#, "{}"), Some("services[0]"), None),
        (
            text::translate(r#"{"Instances": [{"Attributes": {"a": 1}}]}"#, "{}"),
            Some("Instances[0].Attributes.a"),
            None,
        ),
        (text::translate("{}", r#"{"overrides": [{"no": 1}]}"#), Some("overrides[0].no"), None),
        (text::translate("{}", r#"{"region": 1}"#), Some("region"), None),
        (text::translate("{}", "{"), None, Some((1, 1))),
    ] {
        let error = result.unwrap_err();
        let found = error.position.map(|position| (position.line, position.column));
        assert_eq!((error.path.as_deref(), found), (path, position), "{}", error.to_json());
    }
}
