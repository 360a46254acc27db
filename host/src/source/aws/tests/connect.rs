use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use istio_cloud_map_core::operator::{NamespaceOwner, ReadFailure};
use istio_cloud_map_tests::cloud_map::{FakeCloudMap, Role};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Wire, builder, options, own, web};
use crate::source::Source;
use crate::source::aws::connect::ConnectError;
use crate::source::aws::credentials::Patient;
use crate::source::aws::{AwsOptions, AwsSource};

type Variable<'a> = (&'a str, &'a str);

/// The environment is the process's, so each case gets a process: this test again, with only these
/// variables.
fn connect_with(variables: &[Variable]) -> String {
    let home = tempfile::tempdir().unwrap();
    let child = "source::aws::tests::connect::child";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture", "--test-threads=1"])
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let found = text.lines().find_map(|line| line.split_once("CONNECT: "));
    found.unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[tokio::test]
#[ignore = "run by the tests here, each with an environment of its own"]
async fn child() {
    // On a busy machine a TLS handshake can take a second.
    let call_timeout = Duration::from_secs(10);
    let options = AwsOptions {
        role_arn: std::env::var("ROLE").ok(),
        use_fips: std::env::var("FIPS").is_ok(),
        call_timeout,
        ..options()
    };
    println!();
    match AwsSource::connect(options).await {
        Err(error) => println!("CONNECT: {error}"),
        Ok(source) => match source.revision(&own(), &web()).await {
            Ok(revision) => println!("CONNECT: {} {revision}", source.region()),
            Err(error) => println!("CONNECT: {} {error}", source.region()),
        },
    }
}

const KEYS: [Variable; 2] =
    [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret-key")];

#[test]
fn what_is_missing_is_one_line_that_says_what_to_do() {
    let [id, secret] = KEYS;
    let region = ("AWS_REGION", "us-west-2");
    let rows: [(&str, &[Variable], &str); 6] = [
        ("no region", &[id, secret], "no AWS region: set --aws-region or AWS_REGION"),
        ("an empty region", &[id, secret, ("AWS_REGION", "")], "no AWS region: "),
        (
            "no region's name",
            &[id, secret, ("AWS_REGION", "US West")],
            r#""US West" is not an AWS region"#,
        ),
        ("no credentials", &[region], "no AWS credentials: set AWS_ACCESS_KEY_ID"),
        (
            "empty keys",
            &[region, ("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")],
            "no AWS credentials: set ",
        ),
        (
            "no such profile",
            &[region, ("AWS_PROFILE", "nobody")],
            r#"no AWS credentials: the profile "nobody" (AWS_PROFILE)"#,
        ),
    ];
    for (name, variables, message) in rows {
        let error = connect_with(variables);
        assert!(error.starts_with(message), "{name}: {error}");
    }
}

#[test]
fn an_endpoint_of_the_environment_loses_the_prefix_too() {
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SERVICEDISCOVERY"] {
        let url = super::limits::answering(r#"{"InstancesRevision": 42}"#);
        let [id, secret] = KEYS;
        assert_eq!(
            connect_with(&[id, secret, ("AWS_REGION", "eu-north-1\n"), (variable, &url)]),
            "eu-north-1 42",
            "{variable}"
        );
    }
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let url = super::limits::answering(r#"{"InstancesRevision": 7}"#);
    let [id, secret] = KEYS;
    let endpoint = ("AWS_ENDPOINT_URL", "http://cloud-map.invalid");
    assert_eq!(
        connect_with(&[id, secret, ("AWS_REGION", "us-west-2"), endpoint, ("HTTP_PROXY", &url)]),
        "us-west-2 7"
    );
}

/// A proxy that refuses every tunnel, and passes on what was asked for.
fn proxy() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 1024];
            let length = stream.read(&mut buffer).unwrap();
            let _ = sender.send(
                String::from_utf8_lossy(&buffer[..length])
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            );
            let _ = stream.write_all(
                b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            );
        }
    });
    (format!("http://someone:hunter2@{address}"), receiver)
}

#[test]
fn the_region_s_other_endpoints_are_used_through_the_proxy_whose_password_is_not_shown() {
    let [id, secret] = KEYS;
    let (fips, dual_stack) =
        (("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "true"));
    let rows: [(&[Variable], &str); 5] = [
        (&[], "data-servicediscovery.us-west-2.amazonaws.com"),
        (&[fips], "data-servicediscovery-fips.us-west-2.amazonaws.com"),
        (&[("FIPS", "")], "data-servicediscovery-fips.us-west-2.amazonaws.com"),
        (&[dual_stack], "data-servicediscovery.us-west-2.api.aws"),
        (&[fips, dual_stack], "data-servicediscovery-fips.us-west-2.api.aws"),
    ];
    for (variables, host) in rows {
        let (proxy, asked) = proxy();
        let message = connect_with(
            &[&[id, secret, ("AWS_REGION", "us-west-2"), ("HTTPS_PROXY", &proxy)], variables]
                .concat(),
        );
        assert_eq!(asked.try_recv().unwrap(), format!("CONNECT {host}:443 HTTP/1.1"), "{message}");
        assert!(message.contains("HTTPS_PROXY") && !message.contains("hunter2"), "{message}");
    }
}

#[test]
fn what_can_not_be_combined_with_an_endpoint_is_refused_by_name() {
    let [id, secret] = KEYS;
    let url = ("AWS_ENDPOINT_URL", "https://vpce-1.example.com");
    for (variable, flag) in [
        ("AWS_USE_FIPS_ENDPOINT", "--use-fips"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "--use-dual-stack"),
    ] {
        let message =
            connect_with(&[id, secret, ("AWS_REGION", "us-west-2"), url, (variable, "true")]);
        assert!(
            message.starts_with(&format!(
                "an endpoint URL can't be combined with {flag} ({variable})"
            )),
            "{message}"
        );
    }
    let message = connect_with(&[
        id,
        secret,
        ("AWS_REGION", "us-west-2"),
        ("AWS_ENDPOINT_URL", "https://me:hunter2@example.com"),
    ]);
    assert!(
        message.contains("example.com has a user name or password") && !message.contains("hunter2"),
        "{message}"
    );
}

/// The URL of an HTTPS server that answers every request, and its certificate, which no authority
/// has signed.
fn https(body: &'static str) -> (String, String) {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions();
    let config = config
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream =
                StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream.unwrap());
            if stream.read(&mut [0; 8192]).is_ok() {
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
            }
        }
    });
    (url, certified.cert.pem())
}

#[test]
fn the_authorities_of_aws_ca_bundle_are_trusted_and_without_them_it_is_named() {
    let (url, pem) = https(r#"{"InstancesRevision": 42}"#);
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let [id, secret] = KEYS;
    let variables = [id, secret, ("AWS_REGION", "us-west-2"), ("AWS_ENDPOINT_URL", url.as_str())];
    let with = |path: &str| connect_with(&[&variables[..], &[("AWS_CA_BUNDLE", path)]].concat());
    let message = connect_with(&variables);
    assert!(message.contains("UnknownIssuer") && message.contains("AWS_CA_BUNDLE"), "{message}");
    assert_eq!(with(&file("ca.pem", &pem)), "us-west-2 42");
    assert_eq!(with(""), message, "empty is not set");
    let rows = [
        ("/no/ca.pem".to_owned(), "No such file"),
        (file("empty.pem", ""), "contains no certificate"),
        (
            file("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            "contains no certificate",
        ),
        (
            file("bad.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "can't be used",
        ),
    ];
    for (path, words) in rows {
        let message = with(&path);
        assert!(
            message.starts_with(&format!("AWS_CA_BUNDLE: {path} can't be used: "))
                && message.contains(words),
            "{message}"
        );
    }
}

#[test]
fn a_role_is_assumed_at_the_endpoint_of_the_environment() {
    let fake = FakeCloudMap::start().unwrap();
    fake.sts(|sts| sts.add_role(super::role::READER, Role::default()));
    let arn = format!(" {}\n", super::role::READER);
    let [id, secret] = KEYS;
    let variables = [
        id,
        secret,
        ("ROLE", arn.as_str()),
        ("AWS_REGION", "eu-north-1\n"),
        ("AWS_ENDPOINT_URL_STS", fake.url()),
        ("AWS_ENDPOINT_URL_SERVICEDISCOVERY", fake.url()),
    ];
    let message = connect_with(&variables);
    assert!(message.contains("NamespaceNotFound"), "{message}");
    let regions =
        fake.sts(|sts| sts.calls().iter().map(|call| call.region.clone()).collect::<Vec<_>>());
    assert_eq!(
        (regions, fake.access_keys()),
        (vec!["eu-north-1".to_owned()], vec!["ASIA0000000000000001".to_owned()])
    );
}

#[test]
fn credentials_that_would_assume_a_role_have_to_be_there_at_the_start() {
    let role = ("ROLE", super::role::READER);
    let message = connect_with(&[role, ("AWS_REGION", "us-west-2")]);
    assert!(message.starts_with("no AWS credentials: set "), "{message}");
}

#[tokio::test]
async fn wrong_options_are_refused_before_anything_is_asked() {
    let url = |url: &str| AwsOptions { endpoint_url: Some(url.to_owned()), ..options() };
    for wrong in ["localhost:4566", "http://", "https:///path", "http://a b"] {
        let error = AwsSource::connect(url(wrong)).await.unwrap_err();
        assert!(matches!(error, ConnectError::BadEndpoint(_)), "{wrong}: {error}");
    }
    let error = AwsSource::connect(AwsOptions { external_id: Some("x".to_owned()), ..options() })
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::NoRole), "{error}");
    for wrong in [
        "reader",
        "arn:aws:iam::44445555666:role/reader",
        "arn:aws:iam:us-west-2:444455556666:role/reader",
        "arn:aws:iam::444455556666:user/reader",
        "arn:aws:iam::444455556666:role/",
        "arn:aws:iam::444455556666:role/path/",
        "arn:aws:iam::444455556666:role/a reader",
        "arn:aws:sts::444455556666:assumed-role/reader/session",
    ] {
        let error =
            AwsSource::connect(AwsOptions { role_arn: Some(wrong.to_owned()), ..options() })
                .await
                .unwrap_err();
        assert!(error.is_usage(), "{wrong}: {error}");
        assert!(matches!(error, ConnectError::BadRole(_)), "{wrong}: {error}");
    }
}

/// Takes its time, and counts.
#[derive(Debug, Clone, Default)]
struct Slow {
    takes: Duration,
    loads: Arc<AtomicU32>,
    fails: bool,
}

impl ProvideCredentials for Slow {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            self.loads.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(self.takes).await;
            if self.fails {
                Err(CredentialsError::provider_error("the role is gone"))
            } else {
                Ok(Credentials::new("AKID", "secret", None, None, "slow"))
            }
        })
    }
}

#[tokio::test]
async fn credentials_loaded_at_the_start_serve_the_first_call() {
    let slow = Slow::default();
    let patient =
        Patient::new(SharedCredentialsProvider::new(slow.clone()), Duration::from_millis(100));
    patient.prime(Duration::from_secs(1)).await.unwrap();
    patient.provide_credentials().await.unwrap();
    assert_eq!(slow.loads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn credentials_that_are_slower_than_a_call_are_there_for_a_later_one() {
    let slow = Slow { takes: Duration::from_millis(250), ..Slow::default() };
    let patient =
        Patient::new(SharedCredentialsProvider::new(slow.clone()), Duration::from_millis(100));
    assert!(matches!(
        patient.provide_credentials().await,
        Err(CredentialsError::ProviderTimedOut(_))
    ));
    assert!(matches!(
        patient.provide_credentials().await,
        Err(CredentialsError::ProviderTimedOut(_))
    ));
    patient.provide_credentials().await.unwrap();
    assert_eq!(slow.loads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn credentials_that_can_t_be_had_are_told_from_an_unreachable_service() {
    let rows = [
        ("refused", Slow { fails: true, ..Slow::default() }, "the role is gone"),
        ("late", Slow { takes: Duration::from_secs(9), ..Slow::default() }, "timed out"),
    ];
    for (name, provider, reason) in rows {
        let patient =
            Patient::new(SharedCredentialsProvider::new(provider), Duration::from_millis(100));
        let builder = builder().credentials_provider(patient).http_client(Wire::default());
        let source = AwsSource::with(builder, "us-west-2".to_owned(), &options());
        let error = source.namespaces(NamespaceOwner::Own, None).await.unwrap_err();
        assert_eq!(error.failure, ReadFailure::Credentials, "{name}: {error}");
        assert!(error.message.contains(reason), "{name}: {error}");
    }
}
