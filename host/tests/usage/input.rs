//! Input that is missing, wrong or in another format.

use std::fs;
use std::process::Output;

use super::{DISCOVERED, assert_fails, run, stderr};

#[test]
fn a_missing_file() {
    assert_fails(
        &run(&["translate", "no-such-file.json"], ""),
        1,
        &["no-such-file.json", "No such file"],
    );
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
