//! Streams, logs and written files.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{DISCOVERED, assert_fails, command, run, snapshot, stderr};

#[test]
fn a_reader_that_closes_the_pipe_is_not_an_error() {
    let mut command = command(&["translate"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(DISCOVERED.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stream_causes_no_panic_and_data_is_written_before_messages() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("input");
    fs::write(&file, DISCOVERED.replace("\"10.0.0.1\"", "\"127.0.0.1\"")).unwrap();
    let file = file.to_str().unwrap();
    for arguments in [["translate", file], ["validate", file]] {
        let output = command(&arguments).stderr(full()).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(i32::from(arguments[0] == "validate")),
            "{arguments:?}"
        );
        assert!(!output.stdout.is_empty());
        let output = command(&arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("can't write to stdout")
                && !stderr(&output).contains("panicked"),
            "{}",
            stderr(&output)
        );
        assert_eq!(
            command(&arguments).stdout(full()).stderr(full()).output().unwrap().status.code(),
            Some(1)
        );
    }
    assert_eq!(
        command(&["translate", "no-such-file"]).stderr(full()).output().unwrap().status.code(),
        Some(1)
    );
}

#[test]
fn with_a_json_log_the_final_error_is_json_too() {
    for arguments in [&["serve", "--from", "file:no-such-file"][..], &["translate", "no-such-file"]]
    {
        let output = run(&[arguments, &["--log-format", "json"]].concat(), "");
        let error: serde_json::Value = serde_json::from_str(stderr(&output).trim_end()).unwrap();
        assert_eq!(
            (output.status.code(), error.pointer("/level").and_then(serde_json::Value::as_str)),
            (Some(1), Some("ERROR"))
        );
        assert!(error.pointer("/message").unwrap().to_string().contains("no-such-file"), "{error}");
    }
}

#[test]
fn wrong_usage_is_one_json_line_where_the_log_is_json() {
    let by_flag = |arguments: &[&str]| command(arguments).output().unwrap();
    let by_environment = |arguments: &[&str]| {
        command(arguments).env("ISTIO_CLOUD_MAP_LOG_FORMAT", "json").output().unwrap()
    };
    for (output, words) in [
        (
            by_flag(&["serve", "--log-format", "json", "--interval", "1us"]),
            "invalid value '1us' for '--interval",
        ),
        (
            by_flag(&["--log-format=json", "serve", "--no-such-flag"]),
            "unexpected argument '--no-such-flag' found",
        ),
        (
            by_environment(&["serve", "--listen", "nowhere"]),
            "invalid value 'nowhere' for '--listen",
        ),
        (by_environment(&["sevre"]), "unrecognized subcommand 'sevre'"),
        (by_environment(&[]), "'istio-cloud-map' requires a subcommand"),
    ] {
        let error = stderr(&output);
        assert_eq!(
            (output.status.code(), error.lines().count(), output.stdout.len()),
            (Some(2), 1, 0),
            "{error}"
        );
        let line: serde_json::Value = serde_json::from_str(&error).unwrap();
        let field = |key: &str| line.get(key).and_then(serde_json::Value::as_str).unwrap();
        assert_eq!(field("level"), "ERROR", "{error}");
        let message = field("message");
        assert!(message.starts_with(words) && !message.contains("Usage:"), "{message}");
    }
    for arguments in [["--version"], ["--help"]] {
        let output = by_environment(&arguments);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
        assert!(
            output.stdout.starts_with(b"istio-cloud-map") || output.stdout.starts_with(b"Keeps")
        );
    }
    let text = command(&["--log-format", "text", "sevre"])
        .env("ISTIO_CLOUD_MAP_LOG_FORMAT", "json")
        .output()
        .unwrap();
    assert!(stderr(&text).starts_with("error: unrecognized subcommand"), "{}", stderr(&text));
}

#[test]
fn debug_logs_the_cause_of_each_write_and_no_content() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("snapshot.json");
    fs::write(&file, DISCOVERED.replace("\"10.0.0.1\"", "\"10.0.0.1\", \"password\": \"hunter2\""))
        .unwrap();
    let (from, to) = (
        format!("file:{}", file.display()),
        format!("dir:{}", directory.path().join("entries").display()),
    );
    let output =
        run(&["serve", "--once", "--from", &from, "--to", &to, "--log-level", "debug"], "");
    let error = stderr(&output);
    for step in [
        "listed the existing entries",
        "ListNamespaces",
        "ListServices",
        "DiscoverInstances",
        "instances=1",
        "write",
        "created",
    ] {
        assert!(error.contains(step), "expected {step:?} in: {error}");
    }
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_directory_that_can_not_be_made() {
    let directory = tempfile::tempdir().unwrap();
    let from = format!("file:{}", snapshot(directory.path()));
    assert_fails(
        &run(&["serve", "--once", "--from", &from, "--to", "dir:/proc/nothing/here"], ""),
        1,
        &["/proc/nothing/here"],
    );
}

#[cfg(unix)]
#[test]
fn files_of_entries_have_the_permissions_that_the_umask_leaves() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let (file, entries) =
        (directory.path().join("snapshot.json"), directory.path().join("entries"));
    fs::write(&file, DISCOVERED).unwrap();
    let script = format!(
        "umask 027; exec \"$0\" serve --once --from file:{} --to dir:{}",
        file.display(),
        entries.display()
    );
    let status = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_istio-cloud-map")])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let mode = fs::metadata(entries.join("cloudmap-s.n.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}
