//! The schema accepts the same options as serde.

use std::fs;
use std::path::Path;

use istio_cloud_map_core::schema::translation_options;
use istio_cloud_map_core::translate::Options;
use jsonschema::{PatternOptions, Validator};
use serde_json::{Value, json};

/// Uses a regular expression engine without look-ahead, so that no pattern needs it.
pub fn schema() -> Validator {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(&translation_options().to_value())
        .unwrap()
}

pub fn is_read(options: &Value) -> bool {
    serde_json::from_value::<Options>(options.clone()).is_ok()
}

#[test]
fn the_defaults_are_valid() {
    let schema = schema();
    for options in [json!({}), serde_json::to_value(Options::default()).unwrap()] {
        schema.validate(&options).unwrap();
    }
}

#[test]
fn the_options_of_all_golden_cases_are_valid() {
    let schema = schema();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        files.filter(|file| file.to_string_lossy().ends_with(".options.json")).collect();
    assert!(files.len() > 10, "cases are missing");
    for file in files {
        let mut options: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        // These belong to the input.
        for name in ["region", "namespace", "service"] {
            options.as_object_mut().unwrap().remove(name);
        }
        assert!(schema.is_valid(&options) && is_read(&options), "{}", file.display());
    }
}

#[test]
fn options_that_serde_accepts_are_valid() {
    let schema = schema();
    for options in [
        json!({"apiVersion": "v1", "targetNamespace": null, "weightAttribute": "w", "location": "MESH_INTERNAL"}),
        json!({"health": "healthy", "ipFamily": "dual", "emptyService": "omit", "addresses": "endpoints", "conflicts": "merge"}),
        json!({"denyCidrs": ["10.0.0.0/8", "::/0", "::ffff:10.0.0.0/104", "1:2:3:4:5:6:7::", "fe80::1.2.3.4"], "allowCidrs": ["127.0.0.1"]}),
        json!({"endpointLabels": {"version": "VERSION", "security.istio.io/tlsMode": "TLS"}, "dynamicPort": " Grpc-Web : 090 : 65535 "}),
        json!({"entryLabels": {"team": "", "istio.io/use-waypoint": "w", "env": {"tag": "E v"}, "a": {"attribute": ""}}}),
        json!({"overrides": [{"entryLabels": {}, "entryAnnotations": {"networking.istio.io/exportTo": "*, any text"}}]}),
        json!({"protocols": {"8080": "http", "1": "MySQL", "65535": "Grpc-Web"}, "exportTo": ["*"]}),
        json!({"exportTo": [".", "a", "b-1"]}),
        json!({"exportTo": []}),
        json!({"overrides": [{"source": "*", "namespace": "prod*", "service": "", "host": "Web.Prod.", "ports": "http:80,,grpc-a:50051:1 ,"}]}),
        json!({"overrides": [{"ports": ["http:80", "tcp-9:9"], "protocol": "udp", "exclude": false, "exportTo": null, "host": "1"}]}),
    ] {
        assert!(is_read(&options), "{options}");
        schema.validate(&options).unwrap_or_else(|error| panic!("{options}: {error}"));
    }
}

#[test]
fn options_that_serde_refuses_are_invalid() {
    let schema = schema();
    let long = |label: usize| "a".repeat(label);
    let many = vec!["a"; 129].join(".");
    for options in [
        json!({"heath": "all"}),
        json!({"health": "some"}),
        json!({"health": null}),
        json!({"owner": 1}),
        json!({"apiVersion": "v2"}),
        json!({"location": "MESH"}),
        json!({"overrides": {}}),
        json!({"overrides": [{"servce": "a"}]}),
        json!({"overrides": [{"exclude": "yes"}]}),
        json!({"endpointLabels": {"a/b/c": "X"}}),
        json!({"endpointLabels": {(format!("{}/b", many)): "X"}}),
        json!({"endpointLabels": {(long(64)): "X"}}),
        json!({"endpointLabels": {"a": 1}}),
        json!({"entryLabels": {"istio-cloud-map/owner": "x"}}),
        json!({"entryAnnotations": {"app.kubernetes.io/managed-by": "x"}}),
        json!({"overrides": [{"entryLabels": {"istio-cloud-map/x": {"tag": "x"}}}]}),
        json!({"entryLabels": {"team": "a b"}}),
        json!({"entryLabels": {"team": 1}}),
        json!({"entryLabels": {"team": null}}),
        json!({"entryLabels": {"team": {}}}),
        json!({"entryLabels": {"team": {"attribute": "a", "tag": "b"}}}),
        json!({"entryAnnotations": {"team": {"label": "a"}}}),
        json!({"entryAnnotations": {"a/b/c": "X"}}),
        json!({"exportTo": ["*", "a"]}),
        json!({"exportTo": ["a", "a"]}),
        json!({"exportTo": ["*", "~"]}),
        json!({"exportTo": ["A"]}),
        json!({"exportTo": "a"}),
        json!({"denyCidrs": ["localhost"]}),
        json!({"denyCidrs": ["10.0.0.0/33"]}),
        json!({"denyCidrs": ["10.0.0/8"]}),
        json!({"denyCidrs": ["010.0.0.0"]}),
        json!({"allowCidrs": ["::/129"]}),
        json!({"allowCidrs": ["1:2:3:4:5:6:7:8::"]}),
        json!({"allowCidrs": ["1::2::3"]}),
        json!({"overrides": [{"host": "a_b"}]}),
        json!({"overrides": [{"host": "*.b"}]}),
        json!({"overrides": [{"host": "10.0.0.1"}]}),
        json!({"overrides": [{"host": "a.."}]}),
        json!({"overrides": [{"host": many}]}),
        json!({"overrides": [{"host": format!("{}.b", long(64))}]}),
        json!({"protocols": {"http": "HTTP"}}),
        json!({"protocols": {"080": "HTTP"}}),
        json!({"protocols": {"0": "HTTP"}}),
        json!({"protocols": {"65536": "HTTP"}}),
        json!({"protocols": {"80": "h2"}}),
        json!({"dynamicPort": "web:80"}),
        json!({"dynamicPort": "http"}),
        json!({"dynamicPort": "http:0"}),
        json!({"dynamicPort": "http:80:80:80"}),
        json!({"dynamicPort": format!("http-{}:80", long(58))}),
        json!({"overrides": [{"ports": ""}]}),
        json!({"overrides": [{"ports": []}]}),
        json!({"overrides": [{"ports": "http:80 grpc:90"}]}),
        json!({"overrides": [{"ports": ["http:80,grpc:90"]}]}),
        json!({"overrides": [{"ports": ["http:80", "http:80"]}]}),
        json!({"overrides": [{"ports": 80}]}),
    ] {
        assert!(!is_read(&options), "{options} is read");
        assert!(!schema.is_valid(&options), "{options} fits");
    }
}

/// The one rule that a schema can't express; serde refuses these options.
#[test]
fn only_two_ports_with_the_same_name_or_number_are_valid_and_refused() {
    let schema = schema();
    for ports in [
        json!("http:80,tcp:80"),
        json!("http:80,http:81"),
        json!(["http:80", "HTTP:80"]),
        json!("http:80,http:80"),
    ] {
        let options = json!({"overrides": [{"ports": ports}]});
        assert!(!is_read(&options) && schema.is_valid(&options), "{options}");
    }
}
