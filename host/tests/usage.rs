//! Wrong usage: one line with the problem and its solution, the right exit code, no panic.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

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

#[test]
fn a_missing_file() {
    assert_fails(
        &run(&["translate", "no-such-file.json"], ""),
        1,
        &["no-such-file.json", "No such file"],
    );
}

#[test]
fn a_namespace_that_kubernetes_does_not_have() {
    for flags in [["translate", "--namespace"], ["serve", "--namespace"]] {
        assert_fails(
            &run(&[&flags[..], &["Prod"]].concat(), ""),
            2,
            &[flags[1], "Prod", "lower-case"],
        );
    }
}

#[test]
fn a_target_namespace_is_that_of_the_flag_else_of_the_option() {
    let input = r#"{"Instances": [{"Id": "i"}]}"#;
    let names = [
        "translate",
        "--cloud-map-service",
        "a",
        "--cloud-map-namespace",
        "b",
        "--set",
        "targetNamespace=mesh",
    ];
    let namespace =
        |more: &[&str]| String::from_utf8(run(&[&names[..], more].concat(), input).stdout).unwrap();
    assert!(namespace(&[]).contains("  namespace: mesh\n"));
    assert!(namespace(&["--namespace", ""]).contains("  namespace: mesh\n"));
    assert!(namespace(&["--namespace", "team"]).contains("  namespace: team\n"));
}

#[test]
fn a_file_that_is_not_text() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("binary");
    fs::write(&file, [0_u8, 159, 146, 150]).unwrap();
    assert_fails(&run(&["translate", file.to_str().unwrap()], ""), 1, &["binary", "UTF-8"]);
}

#[test]
fn a_directory_in_place_of_a_file() {
    assert_fails(&run(&["translate", "/"], ""), 1, &["directory"]);
}

#[test]
fn invalid_json() {
    assert_fails(&run(&["translate"], "{\"Instances\": [\n  oops"), 1, &["line 2"]);
    assert_fails(&run(&["translate"], ""), 1, &["JSON"]);
}

#[test]
fn the_wrong_shape() {
    assert_fails(&run(&["translate"], "{\"Services\": []}"), 1, &["`services`", "snapshot"]);
    assert_fails(&run(&["translate"], "[1, 2]"), 1, &[]);
    assert_fails(&run(&["translate"], "{\"instances\": []}"), 1, &["Instances"]);
}

#[test]
fn what_list_instances_prints_without_the_names() {
    let listed = "{\"Instances\": [{\"Id\": \"i-1\", \"Attributes\": {\"AWS_INSTANCE_IPV4\": \"10.0.0.1\"}}]}";
    assert_fails(
        &run(&["translate"], listed),
        1,
        &["--cloud-map-service", "--cloud-map-namespace"],
    );
    let names = ["--cloud-map-service", "web", "--cloud-map-namespace", "ns"];
    let output = run(&[&["translate"], &names[..]].concat(), listed);
    assert!(String::from_utf8(output.stdout).unwrap().contains("web.ns"));
    let kubernetes = "`--namespace` is the Kubernetes namespace";
    assert_fails(
        &run(&["translate", "--service", "web", "--namespace", "ns"], listed),
        2,
        &["--cloud-map-service", "--cloud-map-namespace", kubernetes],
    );
    assert_fails(
        &run(&["translate", "--namespace", "ns"], listed),
        2,
        &["--cloud-map-service", "--cloud-map-namespace", kubernetes],
    );
    assert_fails(
        &run(&["translate", "--namespace", "shop.local"], listed),
        2,
        &["--cloud-map-namespace"],
    );

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("listed.json");
    fs::write(&file, listed).unwrap();
    let from = format!("file:{}", file.display());
    let output =
        run(&[&["serve", "--once", "--from", &from, "--to", "-"], &names[..]].concat(), "");
    assert!(
        String::from_utf8(output.stdout.clone()).unwrap().contains("web.ns"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_wrong_flag_suggests_the_right_one() {
    assert_fails(
        &run(&["translate", "--cloud-map-servce", "x"], ""),
        2,
        &["--cloud-map-servce", "--cloud-map-service"],
    );
    assert_fails(&run(&["serv"], ""), 2, &["serve"]);
    assert_fails(&run(&["serve", "--interval", "soon"], ""), 2, &["5s"]);
    assert_fails(&run(&["serve", "--from", "nowhere"], ""), 2, &["aws or file:PATH"]);
    assert_fails(&run(&["serve", "--id", "not a label!"], ""), 2, &["label"]);
    assert_fails(&run(&["serve", "--max-delete-percent", "101"], ""), 2, &["100"]);
}

#[test]
fn an_unknown_option_of_the_translation() {
    assert_fails(&run(&["translate", "--set", "adresses=none"], "{}"), 2, &["--set", "adresses"]);
    assert_fails(&run(&["translate", "--set", "addresses"], "{}"), 2, &["OPTION=VALUE"]);
}

#[test]
fn a_wrong_value_of_an_option_is_named_in_the_words_of_json() {
    for (setting, words) in [
        ("emptyService=7", "emptyService: expected a string"),
        ("protocols={\"8080\": 7}", "protocols.8080: expected a string, got the number 7"),
        ("allowCidrs=10.0.0.0/8", "allowCidrs: expected an array, got the string"),
        ("emptyService=drop", "emptyService: unknown variant `drop`, expected `keep` or `omit`"),
    ] {
        assert_fails(&run(&["translate", "--set", setting], "{}"), 2, &["--set", words]);
    }
}

#[test]
fn no_credentials_and_no_region() {
    assert_fails(&run(&["serve", "--once", "--to", "-"], ""), 1, &["AWS_REGION"]);
    assert_fails(
        &run(&["serve", "--once", "--to", "-", "--aws-region", "us-west-2"], ""),
        1,
        &["AWS_ACCESS_KEY_ID", "IRSA"],
    );
}

#[test]
fn a_missing_kubeconfig_and_a_cluster_that_does_not_answer() {
    let directory = tempfile::tempdir().unwrap();
    let from = format!("file:{}", snapshot(directory.path()));
    assert_fails(
        &run(&["serve", "--once", "--from", &from, "--kube-config", "/no/kubeconfig"], ""),
        1,
        &["/no/kubeconfig", "--kube-config"],
    );
    let kubeconfig = directory.path().join("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
                users: [{name: u, user: {token: t}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n";
    fs::write(&kubeconfig, text).unwrap();
    assert_fails(
        &run(
            &["serve", "--once", "--from", &from, "--kube-config", kubeconfig.to_str().unwrap()],
            "",
        ),
        1,
        &["127.0.0.1:1"],
    );
}

#[test]
fn a_snapshot_that_is_bad_from_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("snapshot.json");
    fs::write(&file, "{\"services\": 7}").unwrap();
    let from = format!("file:{}", file.display());
    assert_fails(
        &run(&["serve", "--once", "--from", &from, "--to", "-"], ""),
        1,
        &["snapshot.json", "services"],
    );
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

#[test]
fn an_address_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let from = format!("file:{}", snapshot(directory.path()));
    assert_fails(
        &run(&["serve", "--from", &from, "--to", "-", "--listen", &address], ""),
        1,
        &[&address, "--listen"],
    );
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
    assert!(
        stderr(&strict).contains("warning[ForbiddenAddress] ns/web bad: "),
        "{}",
        stderr(&strict)
    );
}

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

const DISCOVERED: &str = r#"{"Instances": [{"InstanceId": "i", "NamespaceName": "n", "ServiceName": "s", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}]}"#;

/// Runs `translate` on a file of these bytes.
fn translate(bytes: &[u8]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("input");
    fs::write(&file, bytes).unwrap();
    run(&["translate", file.to_str().unwrap()], "")
}

#[test]
fn text_in_utf_16_is_read_as_in_utf_8() {
    let plain = translate(DISCOVERED.as_bytes());
    assert!(plain.status.success());
    let marked = format!("\u{feff}{DISCOVERED}");
    for text in [DISCOVERED, &marked] {
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [text.as_bytes(), &little, &big] {
            let output = translate(bytes);
            assert_eq!(
                (output.status.code(), &output.stdout),
                (Some(0), &plain.stdout),
                "{}",
                stderr(&output)
            );
        }
    }
}

#[test]
fn input_in_another_format_is_named() {
    let page = DISCOVERED.replace("}]}", "}], \"NextToken\": \"x\"}");
    for (bytes, words) in [
        (&b"\x1f\x8b\x08\x00"[..], "gunzip -c"),
        (b"Instances:\n- Attributes: {}\n", "--output json"),
        (b"INSTANCES\tHEALTHY\ti-1\tn\ts\n", "--output json"),
        (b"----------\n|  DiscoverInstances  |\n", "--output json"),
        (page.as_bytes(), "NextToken"),
        (
            br#"{"services": [{"serviceName": "s"}], "failures": []}"#,
            "`namespace`, `service` and `instances`",
        ),
    ] {
        let output = translate(bytes);
        assert_fails(&output, 1, &[words]);
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_environment_variable_that_is_empty_counts_as_not_set() {
    let mut command = command(&["translate", "/dev/null"]);
    for name in [
        "STRICT",
        "OUTPUT",
        "SET",
        "LOG_LEVEL",
        "SOURCE",
        "ID",
        "API_VERSION",
        "SERVICE",
        "CLOUD_MAP_SERVICE",
    ] {
        command.env(format!("ISTIO_CLOUD_MAP_{name}"), "");
    }
    let output = command.env("AWS_REGION", "").env("PUBLISH_NAMESPACE", "").output().unwrap();
    assert_fails(&output, 1, &["empty"]);
}

#[test]
fn a_switch_accepts_common_spellings_of_true_and_false() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("input");
    fs::write(&file, DISCOVERED.replace("10.0.0.1", "127.0.0.1")).unwrap();
    for (value, code) in [
        ("1", 1),
        ("True", 1),
        ("YES", 1),
        ("on", 1),
        ("0", 0),
        ("false", 0),
        ("No", 0),
        ("OFF", 0),
        ("", 0),
        ("maybe", 2),
    ] {
        let output = command(&["translate", file.to_str().unwrap()])
            .env("ISTIO_CLOUD_MAP_STRICT", value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{value}: {}", stderr(&output));
    }
}

#[test]
fn a_wrong_value_of_an_environment_variable_names_the_variable() {
    for (name, value) in [
        ("ISTIO_CLOUD_MAP_ONCE", "maybe"),
        ("ISTIO_CLOUD_MAP_INTERVAL", "1us"),
        ("ISTIO_CLOUD_MAP_SET", "bogus=1"),
        ("AWS_REGION", "us-wset"),
        ("AWS_ENDPOINT_URL_SERVICEDISCOVERY", "not a url"),
        ("ISTIO_CLOUD_MAP_LOG_LEVEL", "loud"),
    ] {
        assert_fails(
            &command(&["serve"]).env(name, value).output().unwrap(),
            2,
            &[&format!("environment variable {name}")],
        );
    }
    let output = command(&["serve", "--interval", "1us"])
        .env("ISTIO_CLOUD_MAP_INTERVAL", "5s")
        .output()
        .unwrap();
    assert!(!stderr(&output).contains("environment variable"), "{}", stderr(&output));
}

#[test]
fn any_wrong_option_region_or_url_is_wrong_usage() {
    for arguments in [
        &["serve", "--set", "bogus=1"][..],
        &["serve", "--aws-region", "US West"],
        &["serve", "--endpoint-url", "localhost:5000"],
        &["serve", "--interval", "500000000000y"],
        &["translate", "--aws-region", "nowhere"],
    ] {
        assert_fails(&run(arguments, ""), 2, &[]);
    }
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
fn help_has_an_example_of_each_command_and_fits_a_terminal() {
    for command_name in ["serve", "translate", "validate"] {
        let help = String::from_utf8(run(&[command_name, "--help"], "").stdout).unwrap();
        assert!(
            help.contains("Examples:\n")
                && help.contains(&format!("istio-cloud-map {command_name}")),
            "{help}"
        );
    }
    assert!(String::from_utf8(run(&["--help"], "").stdout).unwrap().contains("Examples:\n"));
}

fn snapshot(directory: &Path) -> String {
    let file = directory.join("snapshot.json");
    fs::write(&file, "{\"services\": []}").unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn serve_accepts_common_spellings_of_addresses_and_intervals() {
    let directory = tempfile::tempdir().unwrap();
    let from = format!("file:{}", snapshot(directory.path()));
    for flags in [
        ["--listen", ":0"],
        ["--listen", "localhost:0"],
        ["--interval", "5s..60s"],
        ["--interval", "100ms"],
    ] {
        let output =
            run(&[&["serve", "--once", "--from", &from, "--to", "-"], &flags[..]].concat(), "");
        assert_eq!(output.status.code(), Some(0), "{flags:?}: {}", stderr(&output));
    }
    for flags in [
        ["--listen", "8080"],
        ["--listen", "example.com:80"],
        ["--interval", "60s..5s"],
        ["--interval", "5s..2h"],
    ] {
        assert_fails(
            &run(&[&["serve", "--from", &from], &flags[..]].concat(), ""),
            2,
            &[flags[0], "expected"],
        );
    }
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

#[test]
fn a_wrong_endpoint_or_its_variant_is_wrong_usage_and_no_password_is_repeated() {
    let rows: [(&[&str], (&str, &str), &str); 7] = [
        (&[], ("AWS_ENDPOINT_URL", "ftp://x"), "AWS_ENDPOINT_URL"),
        (
            &["--endpoint-url", "https://me:hunter2@example.com"],
            ("A", ""),
            "example.com has a user name or password",
        ),
        (
            &["--data-endpoint-url", "https://me:hunter2@example.com"],
            ("A", ""),
            "example.com has a user name or password",
        ),
        (
            &[],
            ("AWS_ENDPOINT_URL_SERVICEDISCOVERY", "me:hunter2@example.com"),
            "example.com has a user name or password",
        ),
        (&["--use-fips", "--endpoint-url", "https://example.com"], ("A", ""), "--use-fips"),
        (
            &["--data-endpoint-url", "https://example.com"],
            ("AWS_USE_DUALSTACK_ENDPOINT", "yes"),
            "--use-dual-stack",
        ),
        (&[], ("AWS_CA_BUNDLE", "/no/ca.pem"), "AWS_CA_BUNDLE: /no/ca.pem"),
    ];
    for (arguments, (name, value), words) in rows {
        let mut command = command(
            &[&["serve", "--once", "--to", "-", "--aws-region", "us-west-2"], arguments].concat(),
        );
        let output = command.env(name, value).output().unwrap();
        assert_fails(&output, 2, &[words]);
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
    }
    let help = command(&["serve", "--help"])
        .env("AWS_ENDPOINT_URL_SERVICEDISCOVERY", "https://me:hunter2@example.com")
        .output()
        .unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains("hunter2"));
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
fn the_kubeconfig_of_the_flag_comes_before_that_of_the_environment_and_this_before_the_pods_account()
 {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("snapshot.json"), r#"{"services": []}"#).unwrap();
    let from = format!("file:{}", directory.path().join("snapshot.json").display());
    let kubeconfig = |port: u16| {
        let path = directory.path().join(port.to_string());
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n\
             contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\ncurrent-context: x\n"
        );
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (flag, variable) = (kubeconfig(1), kubeconfig(2));
    for (with_flag, with_variable, words) in [
        (true, true, "http://127.0.0.1:1"),
        (true, false, "http://127.0.0.1:1"),
        (false, true, "http://127.0.0.1:2"),
        // No pod's token is where the tests run.
        (false, false, "the pod's service account can't be used"),
    ] {
        let mut command = command(&["serve", "--once", "--listen", "127.0.0.1:0", "--from", &from]);
        command.env("KUBERNETES_SERVICE_HOST", "127.0.0.1").env("KUBERNETES_SERVICE_PORT", "3");
        if with_flag {
            command.args(["--kube-config", &flag]);
        }
        if with_variable {
            command.env("KUBECONFIG", &variable);
        }
        assert_fails(&command.output().unwrap(), 1, &[words]);
    }
}
