//! What a user meets who gets something wrong: one line that says what and what to do, the right exit code, no panic.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
    command.args(arguments).env_clear().env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn run(arguments: &[&str], stdin: &str) -> Output {
    let mut command = command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Fails with `code`, and says so in one line that holds all of `words`.
fn says(output: &Output, code: i32, words: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "expected {words:?} in: {said}");
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
    if code == 1 {
        assert!(said.starts_with("error: "), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_file_that_is_not_there() {
    says(&run(&["translate", "no-such-file.json"], ""), 1, &["no-such-file.json", "No such file"]);
}

#[test]
fn a_namespace_that_kubernetes_does_not_have() {
    for flags in [["translate", "--target-namespace"], ["serve", "--namespace"]] {
        says(&run(&[&flags[..], &["Prod"]].concat(), ""), 2, &[flags[1], "Prod", "lower-case"]);
    }
}

#[test]
fn a_target_namespace_comes_of_the_flag_else_of_the_option() {
    let input = r#"{"Instances": [{"Id": "i"}]}"#;
    let names = ["translate", "--service", "a", "--namespace", "b", "--set", "targetNamespace=mesh"];
    let namespace = |more: &[&str]| String::from_utf8(run(&[&names[..], more].concat(), input).stdout).unwrap();
    assert!(namespace(&[]).contains("  namespace: mesh\n"));
    assert!(namespace(&["--target-namespace", ""]).contains("  namespace: mesh\n"));
    assert!(namespace(&["--target-namespace", "team"]).contains("  namespace: team\n"));
}

#[test]
fn a_file_that_is_no_text() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("binary");
    fs::write(&file, [0_u8, 159, 146, 150]).unwrap();
    says(&run(&["translate", file.to_str().unwrap()], ""), 1, &["binary", "UTF-8"]);
}

#[test]
fn a_directory_in_place_of_a_file() {
    says(&run(&["translate", "/"], ""), 1, &["directory"]);
}

#[test]
fn no_json() {
    says(&run(&["translate"], "{\"Instances\": [\n  oops"), 1, &["line 2"]);
    says(&run(&["translate"], ""), 1, &["JSON"]);
}

#[test]
fn the_wrong_shape() {
    says(&run(&["translate"], "{\"Services\": []}"), 1, &["`services`", "snapshot"]);
    says(&run(&["translate"], "[1, 2]"), 1, &[]);
    says(&run(&["translate"], "{\"instances\": []}"), 1, &["Instances"]);
}

#[test]
fn what_list_instances_prints_without_the_names() {
    let listed = "{\"Instances\": [{\"Id\": \"i-1\", \"Attributes\": {\"AWS_INSTANCE_IPV4\": \"10.0.0.1\"}}]}";
    says(&run(&["translate"], listed), 1, &["--service", "--namespace"]);
    let output = run(&["translate", "--service", "web", "--namespace", "ns"], listed);
    assert!(String::from_utf8(output.stdout).unwrap().contains("web.ns"));
}

#[test]
fn a_wrong_flag_suggests_the_right_one() {
    says(&run(&["translate", "--servce", "x"], ""), 2, &["--servce", "--service"]);
    says(&run(&["serv"], ""), 2, &["serve"]);
    says(&run(&["serve", "--interval", "soon"], ""), 2, &["5s"]);
    says(&run(&["serve", "--from", "nowhere"], ""), 2, &["aws or file:PATH"]);
    says(&run(&["serve", "--id", "not a label!"], ""), 2, &["label"]);
    says(&run(&["serve", "--max-delete-percent", "101"], ""), 2, &["100"]);
}

#[test]
fn an_unknown_option_of_the_translation() {
    says(&run(&["translate", "--set", "adresses=none"], "{}"), 1, &["--set", "adresses"]);
    says(&run(&["translate", "--set", "addresses"], "{}"), 1, &["OPTION=VALUE"]);
}

#[test]
fn no_credentials_and_no_region() {
    says(&run(&["serve", "--once", "--to", "-"], ""), 1, &["AWS_REGION"]);
    says(&run(&["serve", "--once", "--to", "-", "--aws-region", "us-west-2"], ""), 1, &["AWS_ACCESS_KEY_ID", "IRSA"]);
}

#[test]
fn a_kubeconfig_that_is_not_there_and_a_cluster_that_does_not_answer() {
    let directory = tempfile::tempdir().unwrap();
    let from = format!("file:{}", snapshot(directory.path()));
    says(&run(&["serve", "--once", "--from", &from, "--kube-config", "/no/kubeconfig"], ""), 1, &["/no/kubeconfig", "--kube-config"]);
    let kubeconfig = directory.path().join("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
                users: [{name: u, user: {token: t}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n";
    fs::write(&kubeconfig, text).unwrap();
    says(&run(&["serve", "--once", "--from", &from, "--kube-config", kubeconfig.to_str().unwrap()], ""), 1, &["127.0.0.1:1"]);
}

#[test]
fn a_snapshot_that_is_bad_from_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("snapshot.json");
    fs::write(&file, "{\"services\": 7}").unwrap();
    let from = format!("file:{}", file.display());
    says(&run(&["serve", "--once", "--from", &from, "--to", "-"], ""), 1, &["snapshot.json", "services"]);
}

#[test]
fn a_directory_that_can_not_be_made() {
    let directory = tempfile::tempdir().unwrap();
    let from = format!("file:{}", snapshot(directory.path()));
    says(&run(&["serve", "--once", "--from", &from, "--to", "dir:/proc/nothing/here"], ""), 1, &["/proc/nothing/here"]);
}

#[test]
fn an_address_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let from = format!("file:{}", snapshot(directory.path()));
    says(&run(&["serve", "--from", &from, "--to", "-", "--listen", &address], ""), 1, &[&address, "--listen"]);
}

#[test]
fn strict_fails_on_a_warning_and_the_rest_is_still_written() {
    let input = "{\"services\": [{\"namespace\": {\"Name\": \"ns\"}, \"service\": {\"Name\": \"web\"}, \"instances\": [\
         {\"Id\": \"good\", \"Attributes\": {\"AWS_INSTANCE_IPV4\": \"10.0.0.1\"}},\
         {\"Id\": \"bad\", \"Attributes\": {\"AWS_INSTANCE_IPV4\": \"127.0.0.1\"}}]}]}";
    let lenient = run(&["translate"], input);
    let strict = run(&["translate", "--strict"], input);
    assert_eq!((lenient.status.code(), strict.status.code()), (Some(0), Some(1)));
    assert_eq!(lenient.stdout, strict.stdout);
    assert!(stderr(&strict).contains("warning[ForbiddenAddress] ns/web bad: "), "{}", stderr(&strict));
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let mut command = command(&["translate"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let service = "{\"namespace\": {\"Name\": \"ns\"}, \"service\": {\"Name\": \"web\"}, \"instances\": []}";
    child.stdin.take().unwrap().write_all(format!("{{\"services\": [{service}]}}").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
}

fn snapshot(directory: &Path) -> String {
    let file = directory.join("snapshot.json");
    fs::write(&file, "{\"services\": []}").unwrap();
    file.to_str().unwrap().to_owned()
}
