//! A configuration file, and several sources that cost one another nothing.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SNAPSHOT: &str = r#"{"services": [
    {"namespace": {"Name": "shop"}, "service": {"Name": "web"},
     "instances": [{"InstanceId": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"}}]},
    {"namespace": {"Name": "lab"}, "service": {"Name": "db"},
     "instances": [{"InstanceId": "i-2", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.2", "AWS_INSTANCE_PORT": "80"}}]}
]}"#;

/// Runs in a directory with a snapshot and a configuration file.
fn run(directory: &Path, config: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    fs::write(directory.join("snapshot.json"), SNAPSHOT).unwrap();
    fs::write(directory.join("config.yaml"), config).unwrap();
    Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"))
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

const ONCE: [&str; 4] = ["serve", "--once", "--config", "config.yaml"];

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn entries(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory.join("entries"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let config = "from: file:snapshot.json\nto: \"-\"\nid: of-the-file\n";
    let owner = |more: &[&str], variables: &[(&str, &str)]| {
        let output = run(directory.path(), config, &[&ONCE[..], more].concat(), variables);
        assert!(output.status.success(), "{}", stderr(&output));
        let text = stdout(&output);
        let line = text.lines().find(|line| line.contains("istio-cloud-map/owner:")).unwrap();
        line.split(": ").nth(1).unwrap().to_owned()
    };
    let variable = [("ISTIO_CLOUD_MAP_ID", "of-the-variable")];
    assert_eq!(owner(&[], &[]), "of-the-file");
    assert_eq!(owner(&[], &variable), "of-the-variable");
    assert_eq!(owner(&["--id", "of-the-flag"], &variable), "of-the-flag");
}

#[test]
fn a_wrong_file_is_wrong_usage() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&ONCE[..], &["config", "check", "config.yaml"]] {
        let output =
            run(directory.path(), "interval: 5s\ntranslation:\n  adress: x\n", arguments, &[]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert_eq!(
            said.trim_end(),
            "error: config.yaml: line 3: unknown key `adress`, did you mean `addresses`?"
        );
    }
    let output = run(directory.path(), "", &["serve", "--config", "none.yaml"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("none.yaml"), "{}", stderr(&output));
}

#[test]
fn a_file_that_is_right_passes_the_check() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), "interval: 5s\n", &["config", "check", "config.yaml"], &[]);
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
    let output = run(directory.path(), "", &["config", "schema"], &[]);
    assert!(stdout(&output).contains("\"maxDeletePercent\""));
}

#[test]
fn a_source_that_cannot_be_opened_costs_the_others_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let config = "
to: dir:entries
sources:
- name: broken
  file: missing.json
- name: denied
  region: us-west-2
- name: works
  file: snapshot.json
";
    let output = run(directory.path(), config, &ONCE, &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("missing.json") && said.contains("no AWS credentials"), "{said}");
    assert_eq!(entries(directory.path()).len(), 2, "{said}");
}

#[test]
fn what_a_filter_leaves_out_is_not_written_and_a_template_gives_the_namespace() {
    let directory = tempfile::tempdir().unwrap();
    let config = "
to: \"-\"
sources:
- name: works
  file: snapshot.json
  namespaces: {exclude: [lab]}
  targetNamespace: team-{namespace}
";
    let output = run(directory.path(), config, &ONCE, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("  namespace: team-shop\n") && !text.contains("db.lab"), "{text}");
}

#[test]
fn a_source_without_a_region_is_named_before_anything_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), "sources:\n- name: west\n", &ONCE, &[]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("`west` has no region"), "{}", stderr(&output));
}
