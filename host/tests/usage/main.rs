//! Wrong usage: one line with the problem and its solution, the right exit code, no panic.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod arguments;
mod connections;
mod input;
mod output;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const DISCOVERED: &str = r#"{"Instances": [{"InstanceId": "i", "NamespaceName": "n", "ServiceName": "s", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}]}"#;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true");
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

/// Asserts that it fails with `code` and one line that contains all of `words`.
fn assert_fails(output: &Output, code: i32, words: &[&str]) {
    let error = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(words.iter().all(|word| error.contains(word)), "expected {words:?} in: {error}");
    assert!(!error.contains("panicked") && !error.contains("RUST_BACKTRACE"), "{error}");
    if code == 1 {
        assert!(error.starts_with("error: "), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// A snapshot without services, in a file whose path is returned.
fn snapshot(directory: &Path) -> String {
    let file = directory.join("snapshot.json");
    fs::write(&file, "{\"services\": []}").unwrap();
    file.to_str().unwrap().to_owned()
}
