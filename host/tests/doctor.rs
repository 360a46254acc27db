//! `doctor` over a fake Cloud Map: each likely mistake is named with what to do. The cluster's part is
//! in `tests/tests/doctor_kube.rs`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::process::Command;
use std::time::Duration;

use istio_cloud_map_tests::cloud_map::{FakeCloudMap, Fault, Namespace, Operation, Role};
use istio_cloud_map_tests::operator::with_aws;
use istio_cloud_map_tests::pages::assert_listed;
use serde_json::Value;
use tempfile::TempDir;

const ROLE: &str = "arn:aws:iam::444455556666:role/reader";

/// A Cloud Map with one namespace and three services.
fn cloud_map() -> FakeCloudMap {
    let fake = FakeCloudMap::start().unwrap();
    fake.world(|world| {
        let shop = world.add_namespace(Namespace::http("shop"));
        for name in ["web", "cart", "search"] {
            world.service(shop, name);
        }
    });
    fake
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
    command.args(arguments).env_clear().env("HOME", "/nonexistent");
    command
}

/// The exit code, what is on stdout, and what is on stderr.
fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn command(fake: &FakeCloudMap, arguments: &[&str]) -> Command {
    let mut command = program(&["doctor", "--to", "-"]);
    with_aws(&mut command, fake.url());
    command.env("AWS_ENDPOINT_URL_STS", fake.url()).args(arguments);
    command
}

fn doctor(fake: &FakeCloudMap, arguments: &[&str]) -> (i32, String) {
    let (code, stdout, _) = run(&mut command(fake, arguments));
    (code, stdout)
}

/// One pass of `serve`: the exit code and the log.
fn serve_once(fake: &FakeCloudMap) -> (i32, String) {
    let mut command = program(&["serve", "--once", "--to", "-"]);
    with_aws(&mut command, fake.url());
    let (code, _, log) = run(&mut command);
    (code, log)
}

/// The line of a check, and the indented lines below it.
fn lines_of(text: &str, check: &str) -> String {
    let is_it = |line: &&str| line.contains(&format!("{check}: ")) && !line.starts_with("   ");
    let mut lines = text.lines().skip_while(|line| !is_it(line));
    let first = lines.next().unwrap_or_else(|| panic!("no {check} in\n{text}"));
    let rest = lines.take_while(|line| line.starts_with("   "));
    std::iter::once(first).chain(rest).collect::<Vec<_>>().join("\n")
}

fn assert_check(text: &str, check: &str, parts: &[&str]) {
    let lines = lines_of(text, check);
    for part in parts {
        assert!(lines.contains(part), "no `{part}` in\n{lines}\nof\n{text}");
    }
}

#[test]
fn a_source_that_can_be_read_passes_each_check() {
    let fake = cloud_map();
    let flags = ["--read-tags", "--read-service-attributes", "--interval", "10s"];
    let (code, text) = doctor(&fake, &flags);
    assert_eq!(code, 0, "{text}");
    assert!(text.lines().all(|line| line.starts_with("ok      ")), "{text}");
    assert_check(&text, "region", &["us-west-2"]);
    assert_check(&text, "credentials", &["user/test", "the environment"]);
    assert_check(&text, "clock", &["AWS"]);
    assert_check(&text, "ListNamespaces", &["1 of 1"]);
    assert_check(&text, "ListServices", &["3 services"]);
    for operation in [
        "DiscoverInstancesRevision",
        "DiscoverInstances",
        "GetServiceAttributes",
        "ListTagsForResource",
    ] {
        assert_check(&text, operation, &["permitted"]);
    }
    assert_check(&text, "request rate", &["0.3 ", "of 300"]);
    assert_check(&text, "bill", &["3 services every 10s", "0.8 million", "$0.78"]);
}

#[test]
fn a_missing_permission_is_named_with_its_policy_statement_and_hides_no_other_check() {
    for (operation, name) in [
        (Operation::ListNamespaces, "ListNamespaces"),
        (Operation::ListServices, "ListServices"),
        (Operation::DiscoverInstancesRevision, "DiscoverInstancesRevision"),
        (Operation::DiscoverInstances, "DiscoverInstances"),
    ] {
        let fake = cloud_map();
        fake.inject(Fault::AccessDenied.on(operation));
        let (code, text) = doctor(&fake, &[]);
        assert_eq!(code, 1, "{text}");
        let statement =
            format!(r#"{{"Action":["servicediscovery:{name}"],"Effect":"Allow","Resource":"*"}}"#);
        assert_check(&text, name, &["FAILED", "AccessDenied", &statement]);
        assert_eq!(text.matches("FAILED").count(), 1, "{text}");
        assert!(!text.contains(&format!("{name}: {name}")), "{text}");
        assert_check(&text, "bill", &[]);
    }
    let fake = cloud_map();
    fake.inject(Fault::AccessDenied.on(Operation::ListServices));
    let (code, log) = serve_once(&fake);
    assert_eq!(code, 1, "{log}");
    assert_listed(&log, "allow the IAM action servicediscovery:ListServices");
}

#[test]
fn credentials_that_have_expired_fail_with_what_to_renew() {
    let fake = cloud_map();
    fake.inject(Fault::ExpiredToken);
    let (code, text) = doctor(&fake, &[]);
    assert_eq!(code, 1);
    assert_check(
        &text,
        "ListNamespaces",
        &["FAILED", "ExpiredToken", "check the credentials", "clock"],
    );
    assert_listed(&text, "ExpiredTokenException");
}

#[test]
fn no_credentials_fail_with_where_they_are_looked_for() {
    let fake = cloud_map();
    let (code, text, _) = run(command(&fake, &[]).env_remove("AWS_ACCESS_KEY_ID"));
    assert_eq!(code, 1);
    assert_check(&text, "credentials", &["FAILED", "AWS_ACCESS_KEY_ID", "IRSA"]);
}

#[test]
fn a_role_that_does_not_trust_the_service_account_fails_with_what_to_check() {
    let fake = cloud_map();
    let directory = TempDir::new().unwrap();
    let token = directory.path().join("token");
    fs::write(&token, "a token of another service account").unwrap();
    let (code, text, _) = run(command(&fake, &[])
        .env_remove("AWS_ACCESS_KEY_ID")
        .env("AWS_ROLE_ARN", ROLE)
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token));
    assert_eq!(code, 1);
    let parts = ["FAILED", "trust policy", "service account"];
    assert_check(&text, "credentials", &parts);
    assert_listed(&text, "Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

#[test]
fn a_clock_that_is_off_fails_with_how_to_set_it() {
    let fake = cloud_map();
    fake.sts(|sts| sts.set_clock_ahead(Duration::from_mins(10)));
    let (code, text) = doctor(&fake, &[]);
    assert_eq!(code, 1);
    assert_check(&text, "clock", &["FAILED", "chronyc"]);
    assert_listed(&text, " s behind that of AWS");
}

#[test]
fn a_region_without_namespaces_is_a_warning() {
    let fake = FakeCloudMap::start().unwrap();
    let (code, text) = doctor(&fake, &[]);
    assert_eq!(code, 0, "{text}");
    assert_check(&text, "ListNamespaces", &["warning", "us-west-2", "--aws-region"]);
    assert_check(&text, "DiscoverInstances", &["permitted"]);
    let (code, log) = serve_once(&fake);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("WARN found no services: check the region"), "{log}");
    assert_listed(&log, "found no services");
    assert_listed(&text, "none of 0 namespaces in ");
}

#[test]
fn throttling_is_a_warning() {
    let fake = cloud_map();
    fake.inject(Fault::Throttle.on(Operation::ListServices).times(1));
    let (code, text) = doctor(&fake, &[]);
    assert_eq!(code, 0, "{text}");
    assert_check(&text, "throttling", &["warning", "1 of the calls", "--interval"]);
}

#[test]
fn a_proxy_that_does_not_answer_is_named_as_a_likely_reason() {
    let fake = cloud_map();
    let (code, text, _) = run(command(&fake, &[]).env("HTTP_PROXY", "http://127.0.0.1:9"));
    assert_eq!(code, 1);
    assert_check(&text, "ListNamespaces", &["FAILED", "refused", "NO_PROXY"]);
    assert_listed(&text, "Connection refused");
    assert_check(&text, "DiscoverInstances", &["FAILED", "refused"]);
    assert_check(&text, "bill", &["warning", "not known"]);
}

#[test]
fn a_source_that_fails_hides_no_other_source() {
    let fake = cloud_map();
    fake.sts(|sts| sts.add_role(ROLE, Role::default().with_external_id("secret")));
    let directory = TempDir::new().unwrap();
    let config = directory.path().join("config.yaml");
    let text = format!(
        "output: json\nsources:\n- {{name: own, region: us-west-2}}\n\
         - {{name: payments, region: us-west-2, roleArn: '{ROLE}'}}\n\
         - {{name: gone, file: /nonexistent.json}}\n"
    );
    fs::write(&config, text).unwrap();
    let (code, text) = doctor(&fake, &["--config", config.to_str().unwrap()]);
    assert_eq!(code, 1, "{text}");
    assert_check(&text, "own: ListServices", &["ok", "3 services"]);
    assert_check(
        &text,
        "payments: credentials",
        &["FAILED", ROLE, "sts:AssumeRole", "external id"],
    );
    assert_listed(&text, "can't be assumed");
    assert_check(&text, "gone: snapshot", &["FAILED", "/nonexistent.json"]);
}

#[test]
fn a_configuration_file_that_is_wrong_is_wrong_usage() {
    let fake = cloud_map();
    let directory = TempDir::new().unwrap();
    let config = directory.path().join("config.yaml");
    for (text, named) in [
        ("intervall: 5s\n", ["config.yaml", "line 1", "intervall", "interval"]),
        ("interval: often\n", ["config.yaml", "line 1", "`often`", "5s"]),
        ("sources:\n\t- name: shop\n", ["config.yaml", "line 2", "tabs", "indentation"]),
        ("interval: 5s\nsources: [\n", ["config.yaml", "line 2", "unclosed", "["]),
    ] {
        fs::write(&config, text).unwrap();
        let (code, _, stderr) = run(&mut command(&fake, &["--config", config.to_str().unwrap()]));
        assert_eq!(code, 2);
        for part in named {
            assert!(stderr.contains(part), "no `{part}` in {stderr}");
        }
        if text.contains("intervall") {
            assert_listed(&stderr, "unknown key `intervall`, did you mean `interval`?");
        }
    }
}

#[test]
fn json_is_one_list_of_checks() {
    let fake = cloud_map();
    fake.inject(Fault::AccessDenied.on(Operation::DiscoverInstances));
    let (code, text) = doctor(&fake, &["-o", "json"]);
    assert_eq!(code, 1);
    let checks: Vec<Value> = serde_json::from_str(&text).unwrap();
    let failed: Vec<_> = checks.iter().filter(|check| check["result"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    let has = |key: &str, part: &str| {
        failed.iter().all(|check| check[key].as_str().is_some_and(|text| text.contains(part)))
    };
    assert!(has("check", "DiscoverInstances") && has("remedy", "servicediscovery:"), "{text}");
}

#[test]
fn a_cluster_that_cannot_be_found_fails_and_a_directory_is_not_created() {
    let fake = cloud_map();
    let (code, text) = doctor(&fake, &["--to", "kube", "--kube-config", "/nonexistent"]);
    assert_eq!(code, 1);
    assert_check(&text, "API server", &["FAILED", "/nonexistent", "--kube-config"]);
    assert_check(&text, "ListServices", &["ok"]);
    let directory = TempDir::new().unwrap();
    let entries = directory.path().join("entries");
    let (code, text) = doctor(&fake, &["--to", &format!("dir:{}", entries.display())]);
    assert_eq!(code, 0);
    assert_check(&text, "directory", &["warning", "serve creates it"]);
    assert!(!entries.exists());
}

#[test]
fn completions_and_man_pages_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, text, _) = run(&mut program(&["completions", shell]));
        assert!(code == 0 && text.contains("doctor") && text.contains("istio-version"), "{shell}");
    }
    assert_eq!(run(&mut program(&["completions", "tcsh"])).0, 2);
    let (code, text, _) = run(&mut program(&["man"]));
    assert!(code == 0 && text.starts_with(".ie") && text.contains("doctor"), "{text}");
    let (code, text, _) = run(&mut program(&["man", "serve"]));
    assert!(code == 0 && text.contains("interval"), "{text}");
    let (code, _, stderr) = run(&mut program(&["man", "serv"]));
    assert!(code == 2 && stderr.contains("serv"), "{stderr}");
}
