//! Credentials, endpoints, kubeconfigs, and the address to listen on.

use std::fs;

use super::{assert_fails, command, run, snapshot, stderr};

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
