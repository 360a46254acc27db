//! Flags, options of the translation, and environment variables.

use std::fs;

use super::{DISCOVERED, assert_fails, command, run, snapshot, stderr};

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
fn any_wrong_option_region_or_url_is_wrong_usage() {
    for arguments in [
        &["serve", "--set", "bogus=1"][..],
        &["serve", "--aws-region", "US West"],
        &["serve", "--endpoint-url", "localhost:5000"],
        &["serve", "--interval", "500000000000y"],
        &["serve", "--to", "-", "--set", "mesh=auto"],
        &["doctor", "--to", "dir:entries", "--set", "mesh=auto"],
        &["translate", "--aws-region", "nowhere"],
    ] {
        assert_fails(&run(arguments, ""), 2, &[]);
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

#[test]
fn as_a_plugin_of_kubectl_its_usage_is_that_of_the_plugin() {
    let directory = tempfile::TempDir::new().unwrap();
    let plugin = directory.path().join("kubectl-cloud_map");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_istio-cloud-map"), &plugin).unwrap();
    let usage = |arguments: &[&str]| {
        let output = std::process::Command::new(&plugin).args(arguments).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    assert!(usage(&["--help"]).contains("Usage: kubectl cloud-map [OPTIONS] <COMMAND>"));
    let wrong = usage(&["validate", "--nope"]);
    assert!(wrong.contains("Usage: kubectl cloud-map validate"), "{wrong}");
}
