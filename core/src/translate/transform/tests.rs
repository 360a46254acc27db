#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails panics")]

use std::fmt;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::Transform;
use crate::cloud_map::{InputOptions, Record, parse};
use crate::diagnostic::{Code, Severity};
use crate::service_entry::ServiceEntry;
use crate::translate::{Conflicts, Options, Outcome, Translation, Translator};

fn translate(record: &Record, transform: Option<&dyn Transform>) -> Translation {
    Translator::new(&Options::default()).with_transform(transform).translate(&[record], None)
}

/// A transformation in Rust: the request in, the answer out.
struct Plain<F>(F);

impl<F> fmt::Debug for Plain<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain")
    }
}

impl<F: Fn(Value) -> String + Send + Sync> Transform for Plain<F> {
    fn call(&self, request: &str) -> Result<Vec<u8>, String> {
        Ok((self.0)(serde_json::from_str(request).unwrap()).into_bytes())
    }
}

/// Records its requests.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<String>>);

impl Transform for Recorder {
    fn call(&self, request: &str) -> Result<Vec<u8>, String> {
        self.0.lock().unwrap().push(request.to_owned());
        Ok(br#"{"ok": null}"#.to_vec())
    }
}

/// Always returns the same.
#[derive(Debug)]
struct Fixed(Result<Vec<u8>, String>);

impl Transform for Fixed {
    fn call(&self, _: &str) -> Result<Vec<u8>, String> {
        self.0.clone()
    }
}

fn service(id: &str, name: &str, address: &str) -> Value {
    json!({
        "namespace": {"Id": "ns-1", "Name": "shop"}, "service": {"Id": id, "Name": name}, "tags": [{"Key": "team", "Value": "a"}],
        "instances": [
            {"InstanceId": "i-2", "Attributes": {"AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": "8080"}},
            {"InstanceId": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.9", "AWS_INSTANCE_PORT": "9090"}},
        ],
    })
}

fn records(services: &[Value]) -> Vec<Record> {
    parse(&json!({"services": services}).to_string(), &InputOptions::default()).unwrap().records
}

fn web() -> Record {
    records(&[service("srv-1", "web", "10.0.0.1")]).remove(0)
}

/// The entry of `web` after this change of the request's entry, or the error.
fn changed(change: impl Fn(&mut Value) + Send + Sync) -> Result<ServiceEntry, String> {
    answered(move |mut request: Value| {
        let entry = &mut request["input"]["serviceEntry"];
        change(entry);
        json!({"ok": {"serviceEntry": entry}}).to_string()
    })
}

fn answered(answer: impl Fn(Value) -> String + Send + Sync) -> Result<ServiceEntry, String> {
    through(&Plain(answer))
}

fn through(transform: &dyn Transform) -> Result<ServiceEntry, String> {
    let translation = translate(&web(), Some(transform));
    match translation.outcome {
        Outcome::Entry(entry) => Ok(*entry),
        Outcome::Failed => {
            let failed: Vec<_> = translation
                .diagnostics
                .iter()
                .filter(|d| d.code == Code::TransformFailed)
                .collect();
            assert!(
                matches!(failed.as_slice(), [one] if one.severity == Severity::Error),
                "{:?}",
                translation.diagnostics
            );
            Err(failed[0].to_string())
        }
        other => Err(format!("{other:?}")),
    }
}

/// Asserts that the answer is refused with an error that contains these words.
fn refused(result: Result<ServiceEntry, String>, words: &str) {
    let error = result.unwrap_err();
    assert!(error.starts_with("error[TransformFailed] shop/web: the transformation "), "{error}");
    assert!(
        error.contains(words) && error.ends_with("; the last applied entry is kept"),
        "expected `{words}` in: {error}"
    );
}

#[test]
fn a_transformation_that_changes_nothing_gives_the_entry_of_the_translation() {
    assert_eq!(
        changed(|_| {}).map(Box::new).map(Outcome::Entry),
        Ok(translate(&web(), None).outcome)
    );
}

#[test]
fn the_spec_may_change() {
    let entry = changed(|entry| {
        entry["spec"]["exportTo"] = json!(["team-a"]);
        entry["spec"]["location"] = json!("MESH_INTERNAL");
        entry["spec"]["endpoints"][0]["weight"] = json!(7);
    });
    let entry = entry.unwrap();
    assert_eq!(entry.spec.export_to, ["team-a"]);
    assert_eq!(entry.spec.endpoints[0].weight, Some(7));
}

#[test]
fn the_request_has_the_entry_and_the_record_in_the_same_order_whatever_the_order_of_the_input() {
    let request = |record: &Record| {
        let recorder = Recorder::default();
        drop(translate(record, Some(&recorder)));
        recorder.0.into_inner().unwrap().remove(0)
    };
    let mut other = web();
    other.instances.reverse();
    assert_eq!(request(&web()), request(&other));
    let request: Value = serde_json::from_str(&request(&web())).unwrap();
    let entry: ServiceEntry =
        serde_json::from_value(request["input"]["serviceEntry"].clone()).unwrap();
    assert_eq!(Outcome::Entry(Box::new(entry)), translate(&web(), None).outcome);
    let record = &request["input"]["records"][0];
    assert_eq!(
        (&record["service"]["Id"], &record["tags"][0]["Key"]),
        (&json!("srv-1"), &json!("team"))
    );
    assert_eq!(
        record["instances"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| &i["InstanceId"])
            .collect::<Vec<_>>(),
        ["i-1", "i-2"]
    );
    assert_eq!(request["options"], json!({}));
}

#[test]
fn lists_are_sorted_as_in_every_entry() {
    let entry = changed(|entry| {
        entry["spec"]["endpoints"].as_array_mut().unwrap().reverse();
        entry["spec"]["ports"].as_array_mut().unwrap().reverse();
    });
    assert_eq!(entry.map(Box::new).map(Outcome::Entry), Ok(translate(&web(), None).outcome));
}

#[test]
fn the_identity_and_the_owner_of_an_entry_may_not_change() {
    refused(changed(|entry| entry["metadata"]["name"] = json!("other")), "changes metadata.name");
    refused(
        changed(|entry| entry["metadata"]["namespace"] = json!("other")),
        "changes metadata.namespace",
    );
    refused(
        changed(|entry| entry["metadata"]["labels"]["team"] = json!("a")),
        "changes metadata.labels",
    );
    refused(
        changed(|entry| entry["metadata"]["annotations"] = json!({})),
        "changes metadata.annotations",
    );
    refused(
        changed(|entry| entry["apiVersion"] = json!("networking.istio.io/v1")),
        "changes apiVersion",
    );
    refused(
        changed(|entry| entry["spec"]["hosts"] = json!(["web.example.com"])),
        "changes spec.hosts",
    );
}

#[test]
fn an_entry_that_istio_would_reject_is_refused() {
    refused(
        changed(|entry| entry["spec"]["ports"][0]["number"] = json!(0)),
        "error[InvalidPort] spec.ports[0].number: it is 0",
    );
    refused(
        changed(|entry| entry["spec"]["endpoints"][0]["address"] = json!("")),
        "would be rejected",
    );
    refused(changed(|entry| entry["kind"] = json!("Service")), "would be rejected");
    refused(changed(|entry| *entry = json!(7)), "would be rejected");
}

#[test]
fn a_field_that_is_not_written_is_refused() {
    refused(
        changed(|entry| entry["spec"]["subjectAltNames"] = json!(["a"])),
        "sets spec.subjectAltNames",
    );
    refused(
        changed(|entry| entry["spec"]["endpoints"][1]["network"] = json!("n")),
        "sets spec.endpoints[1].network",
    );
    let unknown = |entry: &mut Value| {
        entry["spec"]["resolution"] = json!("NONE");
        entry["spec"].as_object_mut().unwrap().remove("endpoints");
    };
    refused(changed(unknown), "can't be written: spec.resolution: unknown variant `NONE`");
    assert!(changed(|entry| entry["spec"]["subjectAltNames"] = json!([])).is_ok());
}

#[test]
fn an_endpoint_with_a_forbidden_address_is_refused() {
    refused(
        changed(|entry| entry["spec"]["endpoints"][0]["address"] = json!("169.254.169.254")),
        "169.254.169.254 is not allowed as an endpoint",
    );
    let name = |entry: &mut Value| {
        entry["spec"]["resolution"] = json!("DNS");
        entry["spec"]["endpoints"][0]["address"] = json!("instance-data.ec2.internal");
    };
    refused(changed(name), "instance-data.ec2.internal is not allowed as an endpoint");
}

#[test]
fn an_entry_beyond_the_limits_is_refused() {
    let big = Plain(|mut request: Value| {
        let entry = &mut request["input"]["serviceEntry"];
        let locality = format!("region/{}", "z".repeat(300));
        let endpoints = (0..4000).map(
            |n| json!({"address": format!("10.1.{}.{}", n / 250, n % 250), "locality": locality}),
        );
        entry["spec"]["endpoints"] = endpoints.collect();
        json!({"ok": {"serviceEntry": entry}}).to_string()
    });
    let translation = translate(&web(), Some(&big));
    assert_eq!(translation.outcome, Outcome::Failed);
    assert!(
        translation.diagnostics.iter().any(|d| d.code == Code::LimitExceeded),
        "{:?}",
        translation.diagnostics
    );
}

#[test]
fn an_invalid_answer_is_refused() {
    for answer in [
        "",
        "oops",
        "{}",
        "[]",
        r#"{"ok": {}}"#,
        r#"{"ok": {"serviceEntry": {}, "more": 1}}"#,
        r#"{"ok": 7}"#,
        r#"{"ok": null, "error": null}"#,
    ] {
        refused(answered(|_| answer.to_owned()), "returned an invalid answer");
    }
    refused(
        answered(|_| r#"{"error": {"message": "no\nteam"}}"#.to_owned()),
        r"returned an error: no\nteam",
    );
    refused(
        answered(|_| json!({"error": {"message": "é".repeat(9999)}}).to_string()),
        &format!("{}...;", "é".repeat(500)),
    );
}

#[test]
fn a_call_without_an_answer_has_failed() {
    refused(
        through(&Fixed(Err("ran for too long".to_owned()))),
        "the transformation ran for too long",
    );
    refused(through(&Fixed(Ok(vec![0xff]))), "not valid UTF-8");
}

/// Drops the service with this id.
fn drops(id: &'static str) -> Plain<impl Fn(Value) -> String + Send + Sync> {
    Plain(move |request: Value| {
        let input = &request["input"];
        if input["records"][0]["service"]["Id"] == json!(id) {
            json!({"ok": null}).to_string()
        } else {
            json!({"ok": {"serviceEntry": input["serviceEntry"]}}).to_string()
        }
    })
}

#[test]
fn the_host_of_a_dropped_service_goes_to_the_next_that_claims_it() {
    let records = records(&[
        service("srv-1", "Web", "10.0.0.1"),
        service("srv-2", "web", "10.0.0.2"),
        service("srv-3", "WEB", "10.0.0.3"),
    ]);
    let translated = Translator::new(&Options::default())
        .with_transform(Some(&drops("srv-1")))
        .translate_all(&records);
    let addresses: Vec<_> =
        translated.entries.iter().map(|entry| entry.spec.endpoints[0].address.as_str()).collect();
    assert_eq!(addresses, ["10.0.0.2"]);
    let reported: Vec<_> =
        translated.diagnostics.iter().map(|d| (d.severity, d.code, d.service.as_str())).collect();
    assert_eq!(
        reported,
        [(Severity::Error, Code::HostConflict, "WEB"), (Severity::Info, Code::Excluded, "Web")]
    );
}

#[test]
fn merged_services_are_one_request_with_all_their_records() {
    let records =
        records(&[service("srv-1", "Web", "10.0.0.1"), service("srv-2", "web", "10.0.0.2")]);
    let options = Options { conflicts: Conflicts::Merge, ..Options::default() };
    let counts = Plain(|request: Value| {
        let input = &request["input"];
        assert_eq!(input["records"].as_array().map(Vec::len), Some(2));
        json!({"ok": {"serviceEntry": input["serviceEntry"]}}).to_string()
    });
    let translated =
        Translator::new(&options).with_transform(Some(&counts)).translate_all(&records);
    assert_eq!(translated, Translator::new(&options).translate_all(&records));
    assert_eq!(translated.entries.len(), 1);
}
