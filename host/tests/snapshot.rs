//! `snapshot`: what is read, and that the file gives the same entries.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use istio_cloud_map_tests::cloud_map::{FakeCloudMap, Fault, Namespace, Operation, Service};
use istio_cloud_map_tests::operator::with_aws;
use serde_json::Value;
use tempfile::TempDir;

fn run(directory: &Path, fake: &FakeCloudMap, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
    command.args(arguments).current_dir(directory).env_clear().env("HOME", "/nonexistent");
    with_aws(&mut command, fake.url());
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Three namespaces, one of another account, pages, an empty service, health, a hint.
fn fake() -> FakeCloudMap {
    let fake = FakeCloudMap::start().unwrap();
    fake.world(|world| {
        let shop = world.http_namespace("shop");
        for number in 0..120 {
            let service = world.service(shop, &format!("s{number:03}"));
            for instance in 0..number % 3 {
                world.register(
                    service,
                    &format!("i-{instance}"),
                    [
                        ("AWS_INSTANCE_IPV4", format!("10.0.{number}.{instance}").as_str()),
                        ("AWS_INSTANCE_PORT", "8080"),
                        ("AVAILABILITY_ZONE", "us-west-2a"),
                    ],
                );
            }
        }
        // Of an account whose zones have other names.
        let corp = world.add_namespace(Namespace::http("corp").shared_by("999900001111"));
        let mail = world.service(corp, "mail");
        let zone = ("AVAILABILITY_ZONE", "us-west-2b");
        world.register(mail, "i-1", [("AWS_INSTANCE_IPV4", "10.8.0.1"), zone]);
        let lab = world.http_namespace("lab.local");
        let checked = world.add_service(lab, Service::named("checked").with_custom_health_check());
        world.register(checked, "i-1", [("AWS_INSTANCE_IPV4", "10.9.0.1")]);
    });
    fake
}

#[test]
fn a_snapshot_gives_the_same_entries_as_aws() {
    let (fake, directory) = (fake(), TempDir::new().unwrap());
    let output = run(directory.path(), &fake, &["snapshot", "snapshot.json"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", said(&output));
    assert!(said(&output).contains("wrote snapshot.json services=122"), "{}", said(&output));
    let from = |source: &str| {
        let arguments =
            ["serve", "--once", "--to", "-", "--from", source, "--empty-grace", "100ms"];
        let output = run(directory.path(), &fake, &arguments);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let (aws, file) = (from("aws"), from("file:snapshot.json"));
    assert_eq!(aws.matches("kind: ServiceEntry").count(), 122);
    assert_eq!(aws, file);
    assert!(aws.contains("us-west-2/us-west-2a") && !aws.contains("us-west-2b"), "{aws}");
}

#[test]
fn a_redacted_snapshot_has_the_same_shape_and_no_address() {
    let (fake, directory) = (fake(), TempDir::new().unwrap());
    let output = run(directory.path(), &fake, &["snapshot", "--redact"]);
    assert!(output.status.success(), "{}", said(&output));
    let snapshot: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(snapshot["services"].as_array().unwrap().len(), 122);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("10.9.0.1") && text.contains("us-west-2a"), "{text}");
}

#[test]
fn a_snapshot_of_what_could_not_be_read_is_not_written() {
    let (fake, directory) = (fake(), TempDir::new().unwrap());
    fake.inject(Fault::AccessDenied.on(Operation::ListServices));
    fs::write(directory.path().join("snapshot.json"), "the last one").unwrap();
    let output = run(directory.path(), &fake, &["snapshot", "snapshot.json"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("ListServices") && said.contains("no snapshot is written"), "{said}");
    assert_eq!(fs::read_to_string(directory.path().join("snapshot.json")).unwrap(), "the last one");
}
