//! The command `validate`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const VALID: &str = "\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.shop]
  ports:
  - {number: 80, name: http, protocol: HTTP}
  resolution: STATIC
  endpoints:
  - address: 10.0.0.1
";
const OTHER: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {}\n";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
    command
        .arg("validate")
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn give(mut command: Command, stdin: &str) -> Output {
    let mut child = command.spawn().expect("the binary starts");
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn run(arguments: &[&str], stdin: &str) -> Output {
    give(command(arguments), stdin)
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// Exit code, stdout and stderr.
fn assert_gives(output: &Output, code: i32, out: &str, err: &str) {
    assert_eq!((stdout(output), stderr(output), output.status.code()), (out, err, Some(code)));
}

#[test]
fn a_valid_entry_prints_nothing_and_exits_with_0() {
    assert_gives(
        &run(&[], VALID),
        0,
        "",
        "1 ServiceEntry: 1 valid, 0 invalid; 0 errors, 0 warnings\n",
    );
}

#[test]
fn a_finding_is_one_line_with_file_document_name_rule_and_path() {
    let text = format!("{VALID}---\n{}", VALID.replace("number: 80", "number: 0"));
    assert_gives(
        &run(&["-"], &text),
        1,
        "-:2 shop/web: error[InvalidPort] spec.ports[0].number: it is 0, expected 1..=65535\n",
        "2 ServiceEntries: 1 valid, 1 invalid; 1 error, 0 warnings\n",
    );
}

#[test]
fn warnings_fail_only_with_strict() {
    let text = VALID.replace("web.shop", "Web.shop");
    let (lenient, strict) = (run(&[], &text), run(&["--strict"], &text));
    assert_eq!((lenient.status.code(), strict.status.code()), (Some(0), Some(1)));
    assert_eq!(lenient.stdout, strict.stdout);
    assert!(
        stdout(&strict).starts_with("-:1 shop/web: warning[UpperCaseHost] spec.hosts[0]: "),
        "{}",
        stdout(&strict)
    );
    let mut by_environment = command(&[]);
    by_environment.env("ISTIO_CLOUD_MAP_STRICT", "true");
    assert_eq!(give(by_environment, &text).status.code(), Some(1));
}

#[test]
fn lists_are_opened_and_other_kinds_are_counted() {
    let item = |text: &str| format!("- {}", text.trim_end().replace('\n', "\n  "));
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n{}\n{}\n",
        item(&VALID.replace("80", "0")),
        item(OTHER)
    );
    let output = run(&[], &format!("{list}---\n{OTHER}"));
    assert!(stdout(&output).starts_with("-:1 shop/web: error[InvalidPort]"), "{}", stdout(&output));
    assert_eq!(
        stderr(&output),
        "1 ServiceEntry: 0 valid, 1 invalid; 1 error, 0 warnings; 2 documents of other kinds skipped\n"
    );
}

#[test]
fn json_is_read_and_written() {
    let entry = r#"{"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": {"name": "web"}, "spec": {"hosts": ["*"]}}"#;
    let output = run(&["-o", "json"], entry);
    assert_eq!(output.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = said.get(0).unwrap();
    for (key, value) in [
        ("file", "-"),
        ("name", "web"),
        ("severity", "error"),
        ("rule", "WildcardHost"),
        ("path", "spec.hosts[0]"),
    ] {
        assert_eq!(first.get(key).and_then(Value::as_str), Some(value), "{first}");
    }
    assert_eq!(first.get("document"), Some(&Value::from(1)));
    assert_eq!(stdout(&run(&["-o", "json"], VALID)), "[]\n");
}

#[test]
fn what_translate_writes_is_valid_as_yaml_and_as_a_list() {
    let input = r#"{"services": [{"namespace": {"Name": "shop"}, "service": {"Name": "web"}, "instances": [
        {"InstanceId": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "8080"}}]}]}"#;
    for output in ["yaml", "json"] {
        let mut translate = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
        translate
            .args(["translate", "-o", output])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let translated = give(translate, input);
        assert_gives(
            &run(&[], stdout(&translated)),
            0,
            "",
            "1 ServiceEntry: 1 valid, 0 invalid; 0 errors, 0 warnings\n",
        );
    }
}

#[test]
fn a_file_that_can_not_be_read_is_one_line_and_the_others_are_checked() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (valid, broken, binary) = (
        path("valid.yaml", VALID.as_bytes()),
        path("broken.yaml", b"a: b: c\nd: ["),
        path("binary", &[0, 159, 146]),
    );
    let words = path("words.txt", b"only words\n");
    for (file, word) in [
        ("no-such-file", "No such file"),
        (&broken, "YAML"),
        (&binary, "UTF-8"),
        ("/", "directory"),
        (&words, "objects"),
    ] {
        let output = run(&[file, &valid], "");
        assert_eq!(output.status.code(), Some(1), "{file}");
        let lines: Vec<&str> = stderr(&output).lines().collect();
        let [error, summary] = lines.as_slice() else { unreachable!("two lines: {lines:?}") };
        assert!(error.starts_with(&format!("error: {file}:")) && error.contains(word), "{error}");
        let what = if [&broken, &words].contains(&&file.to_owned()) { "document" } else { "file" };
        assert_eq!(
            *summary,
            format!("1 ServiceEntry: 1 valid, 0 invalid; 0 errors, 0 warnings; 1 {what} not read")
        );
    }
}

#[test]
fn an_entry_without_a_kind_is_checked_and_not_skipped() {
    let output = run(&[], &VALID.replace("kind: ServiceEntry\n", ""));
    assert_eq!(
        stdout(&output),
        "-:1 shop/web: error[MissingField] kind: it is missing, but required\n"
    );
}

#[test]
fn a_name_with_control_characters_stays_on_its_line() {
    let output = run(&[], &VALID.replace("name: web,", "name: \"w\\e[31m\\nb\","));
    assert_eq!(stdout(&output).lines().count(), 1, "{}", stdout(&output));
    assert!(
        stdout(&output).starts_with(r"-:1 shop/w\u{1b}[31m\nb: error[InvalidName]"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn characters_that_change_the_writing_direction_are_escaped() {
    let evil = "a\u{202e}b\u{9b}c\u{feff}d";
    let entry =
        VALID.replace("name: web", "name: \"EVIL\"").replace("EVIL", "a\\u202eb\\x9bc\\ufeffd");
    let text = format!("{entry}---\n\"a\u{202e}b\"\n---\n{{\"{evil}\": 1, \"{evil}\": 2}}\n");
    for format in ["text", "json"] {
        let output = run(&["-", evil, "-o", format], &text);
        for stream in [stdout(&output), stderr(&output)] {
            assert!(
                stream.contains("202e") && !stream.contains(['\u{202e}', '\u{9b}', '\u{feff}']),
                "{stream}"
            );
        }
    }
    let found: Value = serde_json::from_slice(&run(&["-o", "json"], &text).stdout).unwrap();
    assert_eq!(found.pointer("/0/name").and_then(Value::as_str), Some(evil));
}

#[test]
fn wrong_usage_is_exit_2() {
    for arguments in [&["--output", "xml"][..], &["--stric"]] {
        assert_eq!(run(arguments, "").status.code(), Some(2));
    }
}

#[test]
fn one_bad_document_affects_no_other() {
    let text = format!(
        "{OTHER}---\na: 1\na: 2\n---\n{}---\nmetadata: {{labels: {{commit: 12e4567}}}}\nkind: Pod\n",
        VALID.replace("80", "0")
    );
    let output = run(&[], &text);
    assert!(stdout(&output).starts_with("-:3 shop/web: error[InvalidPort]"), "{}", stdout(&output));
    assert_eq!(
        stderr(&output),
        "error: -:2: line 7: the key `a` is duplicated; expected each key once\n\
         1 ServiceEntry: 0 valid, 1 invalid; 1 error, 0 warnings; 2 documents of other kinds skipped; 1 document not read\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_number_is_read_as_kubectl_does_and_an_octal_one_is_reported() {
    let summary = |warnings| format!("1 ServiceEntry: 1 valid, 0 invalid; 0 errors, {warnings}\n");
    assert_gives(&run(&[], &VALID.replace("80", "80.0")), 0, "", &summary("0 warnings"));
    assert_gives(
        &run(&[], &VALID.replace("80", "0443")),
        0,
        "-:1 shop/web: warning[OctalNumber] spec.ports[0].number: `0443` is written as octal: 291; without the leading zero it is decimal\n",
        &summary("1 warning"),
    );
    // One fault is one finding, in a list, too.
    let item = VALID.replace("80", "0200000").replace('\n', "\n  ");
    let output = run(&[], &format!("kind: List\nitems:\n- {item}\n"));
    assert_eq!(
        stdout(&output),
        "-:1 shop/web: error[InvalidPort] spec.ports[0].number: it is 65536, expected 1..=65535; `0200000` is written as octal: 65536\n"
    );
}

#[test]
fn a_misspelt_kind_of_istio_is_an_error_and_other_kinds_are_skipped() {
    for kind in
        ["serviceentry", "ServiceEntri", "ServiceEntries", "Service Entry", "virtualservice", "Foo"]
    {
        let output = run(&[], &VALID.replace("kind: ServiceEntry", &format!("kind: {kind}")));
        let expected = format!("-:1 shop/web: error[UnknownValue] kind: it is `{kind}`, expected ");
        assert!(
            stdout(&output).starts_with(&expected) && stdout(&output).lines().count() == 1,
            "{kind}: {}",
            stdout(&output)
        );
        assert_eq!(output.status.code(), Some(1), "{kind}");
    }
    for kind in ["VirtualService", "GatewayList"] {
        assert_eq!(
            run(&[], &VALID.replace("kind: ServiceEntry", &format!("kind: {kind}"))).status.code(),
            Some(0),
            "{kind}"
        );
    }
}

#[test]
fn anchors_are_read_quickly() {
    let bomb = (1..12)
        .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")))
        .collect::<Vec<_>>()
        .concat();
    let started = std::time::Instant::now();
    let output = run(&[], &format!("a0: &a0 [x]\n{bomb}---\n{VALID}"));
    assert!(
        stderr(&output).contains("far more") && stderr(&output).contains("1 valid"),
        "{}",
        stderr(&output)
    );
    assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
    let shared = VALID
        .replace("[web.shop]", "&hosts [web.shop]")
        .replace("spec:", "spec:\n  exportTo: &own ['.']");
    assert_eq!(run(&[], &shared).status.code(), Some(0));
}

#[test]
fn an_object_with_items_is_a_list_and_a_bad_item_affects_no_other() {
    let entry =
        VALID.replace('\n', "\n  ").replace("apiVersion: networking", "- apiVersion: networking");
    for kind in ["List", "list", "ServiceEntryList"] {
        let list =
            format!("apiVersion: apps/v1\nkind: {kind}\nitems:\n- words\n{}", entry.trim_end());
        assert_gives(
            &run(&[], &list),
            1,
            "",
            "error: -:1: items[0] is the text `words`, expected an object\n\
             1 ServiceEntry: 1 valid, 0 invalid; 0 errors, 0 warnings; 1 document not read\n",
        );
    }
}

#[test]
fn an_error_of_the_api_server_is_not_skipped() {
    let status = r#"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "serviceentries is forbidden", "code": 403}"#;
    assert_gives(
        &run(&[], status),
        1,
        "",
        "error: -:1: it is an error of the API server: serviceentries is forbidden\n\
         0 ServiceEntries: 0 valid, 0 invalid; 0 errors, 0 warnings; 1 document not read\n",
    );
}
