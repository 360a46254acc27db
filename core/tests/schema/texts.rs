//! The patterns accept the same texts as the Rust types, for generated texts.

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::options::{is_read, schema};

/// Fails if serde and the schema disagree.
fn agree(schema: &Validator, options: &Value) -> Result<(), TestCaseError> {
    prop_assert_eq!(is_read(options), schema.is_valid(options), "read, fits: {}", options);
    Ok(())
}

fn agree_on(texts: &str, options: impl Fn(&str) -> Value) {
    let schema = schema();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..Default::default()
    });
    runner
        .run(&proptest::string::string_regex(texts).unwrap(), |text| {
            agree(&schema, &options(&text))
        })
        .unwrap();
}

#[test]
fn of_hosts() {
    agree_on(
        "[aZ0-9.*_é-]{0,4}(\\.[a-z0-9-]{0,64}){0,5}\\.?",
        |text| json!({"overrides": [{"host": text}]}),
    );
}

#[test]
fn of_label_keys() {
    let keys = "([aZ0._-]{0,3}/)?[a/Z_.é-]{0,66}";
    agree_on(keys, |text| json!({"endpointLabels": {(text): "X"}}));
    agree_on(keys, |text| json!({"entryLabels": {(text): "X"}}));
    let ours = "(istio-cloud-map/|app[.a]kubernetes\\.io/managed-by)[a-c]?";
    agree_on(ours, |text| json!({"entryAnnotations": {(text): "X"}}));
}

#[test]
fn of_label_values() {
    agree_on("[a-cZ0_. -]{0,66}", |text| json!({"entryLabels": {"a": text}}));
}

#[test]
fn of_ports() {
    let port =
        " ?(http|GRPC-web|tcp|MySql|h2|https-)(-[a-zA-Z0-9-]{0,57})? ?(: ?0?[0-9]{1,5} ?){1,3}";
    agree_on(port, |text| json!({"dynamicPort": text}));
    // With different names and numbers: a schema can't require that.
    agree_on(
        "[ ,]{0,2}(http:8?|tcp:9)[ ,]{0,2}(grpc-a : 0?7|udp)?[ ,]{0,2}",
        |text| json!({"overrides": [{"ports": text}]}),
    );
}

#[test]
fn of_protocols_by_port() {
    agree_on("[0-9]{1,6}|[1-9][a-z. -]", |text| json!({"protocols": {(text): "TCP"}}));
    agree_on(
        "[hH][tT]{2}[pP][sS2]?|[gG][rR][pP][cC](-[wW][eE]b)?|[a-z]{3}",
        |text| json!({"protocols": {"1": text}}),
    );
}

#[test]
fn of_address_ranges() {
    // A length is written without a sign and a leading zero, although serde accepts them.
    agree_on(
        "([12]?[0-9]{1,2}\\.){3}[0-9]{1,3}(/[1-9][0-9]?)?",
        |text| json!({"denyCidrs": [text]}),
    );
    agree_on(
        "([0-9a-fF]{0,5}:){1,8}([0-9a]{0,4}|1\\.2\\.3\\.4)(/[1-9][0-9]{0,2})?",
        |text| json!({"denyCidrs": [text]}),
    );
    agree_on("(1:){0,7}:{0,2}(1:){0,7}(1|1\\.2\\.3\\.4|:)", |text| json!({"denyCidrs": [text]}));
}

#[test]
fn of_namespaces_that_see_an_entry() {
    agree_on("[.*~a]?[a.,-]{0,4}", |text| json!({"exportTo": text.split(',').collect::<Vec<_>>()}));
}
