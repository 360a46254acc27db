//! `explain`: why an instance is, or is not, in an entry.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

fn bed() -> TempDir {
    let bed = TempDir::new().unwrap();
    let instance = |id: &str, attributes: Value, health: &str| json!({"InstanceId": id, "HealthStatus": health, "Attributes": attributes});
    let snapshot = json!({"services": [
        {"namespace": {"Name": "shop.local"}, "service": {"Name": "web.v1"}, "instances": [
            instance("i-good", json!({"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "8080"}), "HEALTHY"),
            instance("i-sick", json!({"AWS_INSTANCE_IPV4": "10.0.0.2", "AWS_INSTANCE_PORT": "8080"}), "UNHEALTHY"),
            instance("i-home", json!({"AWS_INSTANCE_IPV4": "127.0.0.1", "AWS_INSTANCE_PORT": "8080"}), "HEALTHY"),
        ]},
        {"namespace": {"Name": "shop.local"}, "service": {"Name": "extra"}, "instances": []},
    ]});
    fs::write(bed.path().join("snapshot.json"), snapshot.to_string()).unwrap();
    fs::create_dir(bed.path().join("entries")).unwrap();
    bed
}

fn run(bed: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
    command.args(arguments).args(["--to", "dir:entries", "--empty-grace", "100ms"]);
    command.env_clear().env("HOME", "/nonexistent").current_dir(bed.path());
    command.output().unwrap()
}

fn explain(bed: &TempDir, name: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output =
        run(bed, &[&["explain", name, "--from", "file:snapshot.json"], arguments].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn each_instance_is_followed_from_its_attributes_to_the_decision() {
    let bed = bed();
    let (code, text, said) = explain(&bed, "web.v1.shop.local", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(text.starts_with("shop.local/web.v1 of source default: 3 instances\n"), "{text}");
    for expected in [
        "\nHealth\n",
        "  i-sick: ",
        "warning[ForbiddenAddress] shop.local/web.v1 i-home: ",
        "\nDecision\n  serve would create the entry:\n",
        "+  - address: \"10.0.0.1\"\n",
    ] {
        assert!(text.contains(expected), "no {expected:?} in:\n{text}");
    }
    assert!(run(&bed, &["serve", "--once", "--from", "file:snapshot.json"]).status.success());
    let (_, text, _) = explain(&bed, "WEB.v1.shop.local", &[]);
    assert!(text.ends_with("nothing to do: the stored entry is as it should be\n"), "{text}");
}

#[test]
fn a_conflict_and_an_entry_that_is_left_out_say_why() {
    let bed = bed();
    let stranger = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: theirs, namespace: default}\nspec: {hosts: [extra.shop.local]}\n";
    fs::write(bed.path().join("entries/theirs.yaml"), stranger).unwrap();
    let (_, text, _) = explain(&bed, "extra.shop.local", &[]);
    assert!(text.contains("refused: error[Conflict] shop.local/extra"), "{text}");
    let (code, text, _) = explain(&bed, "extra.shop.local", &["--set", "emptyService=omit"]);
    assert_eq!(code, Some(0));
    assert!(text.ends_with("no entry, for the reasons above\n"), "{text}");
    let (_, text, _) = explain(&bed, "extra.shop.local", &["-o", "json"]);
    let json: Value = serde_json::from_str(&text).unwrap();
    let refused = json.pointer("/0/decision/refused/0/code");
    assert_eq!(refused.and_then(Value::as_str), Some("Conflict"), "{json:#}");
}

#[test]
fn a_service_that_is_not_there_or_excluded_is_told_apart() {
    let bed = bed();
    let (code, _, said) = explain(&bed, "wbe.v1.shop.local", &[]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("no service wbe.v1.shop.local") && said.contains("web.v1.shop.local"),
        "{said}"
    );
    for (filter, expected) in [
        ("services: {exclude: ['web*']}", "the filter `services` of the source a excludes web.v1"),
        (
            "namespaces: {exclude: ['shop*']}",
            "the filter `namespaces` of the source a excludes shop.local",
        ),
    ] {
        let config = format!("sources: [{{name: a, file: snapshot.json, {filter}}}]\n");
        fs::write(bed.path().join("config.yaml"), config).unwrap();
        let output = run(&bed, &["explain", "web.v1.shop.local", "--config", "config.yaml"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains(expected), "{said}");
    }
}
