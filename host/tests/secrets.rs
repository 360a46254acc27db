//! No output has a secret: whatever the command, whether it works or fails, at the most detailed log level.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use istio_cloud_map_tests::cloud_map::{FakeCloudMap, Fault, Operation};
use istio_cloud_map_tests::operator::{Operator, SECRET_KEY, until, with_aws};
use tempfile::TempDir;

const SESSION_TOKEN: &str = "a-session-token-that-is-secret";
const PROXY_PASSWORD: &str = "a-proxy-password-that-is-secret";
const CLUSTER_PASSWORD: &str = "a-password-in-a-cluster-url-that-is-secret";
const BEARER_TOKEN: &str = "a-bearer-token-that-is-secret";
const PLUGIN_TOKEN: &str = "a-token-of-a-plugin-that-is-secret";
const ENDPOINT_PASSWORD: &str = "a-password-in-an-endpoint-url-that-is-secret";
const SECRETS: [&str; 7] = [
    SECRET_KEY,
    SESSION_TOKEN,
    PROXY_PASSWORD,
    CLUSTER_PASSWORD,
    BEARER_TOKEN,
    PLUGIN_TOKEN,
    ENDPOINT_PASSWORD,
];

struct Bed {
    fake: FakeCloudMap,
    directory: TempDir,
}

impl Bed {
    fn new() -> Self {
        let (fake, directory) = (FakeCloudMap::start().unwrap(), TempDir::new().unwrap());
        fake.world(|world| {
            let shop = world.http_namespace("shop");
            let web = world.service(shop, "web");
            world.register(web, "i-1", [("AWS_INSTANCE_IPV4", "10.0.0.1")]);
        });
        fs::create_dir(directory.path().join("entries")).unwrap();
        // Echoes its token where an answer is expected, as a plugin that is out of date may.
        let plugin = format!(
            "{{command: echo, args: ['{PLUGIN_TOKEN}'], apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}}"
        );
        for (file, user) in [
            ("token.yaml", format!("{{token: {BEARER_TOKEN}}}")),
            ("broken-token.yaml", format!("{{token: \"{BEARER_TOKEN}\\n\"}}")),
            ("plugin.yaml", format!("{{exec: {plugin}}}")),
        ] {
            let kubeconfig = format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
                 clusters: [{{name: c, cluster: {{server: 'https://u:{CLUSTER_PASSWORD}@127.0.0.1:1'}}}}]\n\
                 users: [{{name: u, user: {user}}}]\n\
                 contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
            );
            fs::write(directory.path().join(file), kubeconfig).unwrap();
        }
        Self { fake, directory }
    }

    /// The program with all the secrets.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_istio-cloud-map"));
        command.args(arguments).args(["--log-level", "trace"]).current_dir(self.directory.path());
        command.env_clear().env("HOME", "/nonexistent").env("PATH", "/usr/bin:/bin");
        with_aws(&mut command, self.fake.url());
        command
            .env("AWS_SESSION_TOKEN", SESSION_TOKEN)
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("HTTPS_PROXY", format!("http://u:{PROXY_PASSWORD}@127.0.0.1:1"))
            .env("HTTP_PROXY", format!("http://u:{PROXY_PASSWORD}@127.0.0.1:1"))
            .env("NO_PROXY", "127.0.0.1");
        command
    }
}

#[track_caller]
fn assert_no_secret(what: &str, output: &str) {
    for secret in SECRETS {
        assert!(!output.contains(secret), "{what} prints `{secret}`:\n{output}");
    }
}

#[track_caller]
fn text(what: &str, output: &Output) -> String {
    let text = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    assert!(!text.is_empty(), "{what} prints nothing");
    text
}

#[test]
fn no_command_prints_a_secret_whether_it_works_or_fails() {
    let bed = Bed::new();
    let once = ["--empty-grace", "100ms", "--to"];
    let commands: [&[&str]; 5] =
        [&["serve", "--once"], &["doctor"], &["plan"], &["snapshot"], &["explain", "web.shop"]];
    let sinks: [&[&str]; 4] = [
        &["dir:entries"],
        &["kube", "--kube-config", "token.yaml"],
        &["kube", "--kube-config", "broken-token.yaml"],
        &["kube", "--kube-config", "plugin.yaml"],
    ];
    let endpoint = format!("http://u:{ENDPOINT_PASSWORD}@127.0.0.1:1");
    let worlds: [(&str, &[(&str, &str)]); 3] = [
        ("as it is", &[]),
        ("through the proxy", &[("NO_PROXY", "")]),
        (
            "an endpoint with a password",
            &[
                ("AWS_ENDPOINT_URL_SERVICEDISCOVERY", &endpoint),
                ("ISTIO_CLOUD_MAP_DATA_ENDPOINT_URL", &endpoint),
            ],
        ),
    ];
    for denied in [false, true] {
        if denied {
            bed.fake.inject(Fault::AccessDenied.on(Operation::ListNamespaces));
            bed.fake.inject(Fault::AccessDenied.on(Operation::DiscoverInstances));
        }
        for (world, variables) in worlds {
            // One API server is enough for each way to fail.
            let sinks = if denied || world != "as it is" { &sinks[..1] } else { &sinks[..] };
            for (command, sink) in commands.iter().flat_map(|c| sinks.iter().map(move |s| (c, s))) {
                let is_snapshot = command.first() == Some(&"snapshot");
                let arguments = if is_snapshot {
                    command.to_vec()
                } else {
                    [command, &once[..], sink].concat()
                };
                let what = format!("{arguments:?}, {world}, denied: {denied}");
                let mut process = bed.command(&arguments);
                process.envs(variables.iter().copied());
                let mut limited = Command::new("timeout");
                limited
                    .args(["-s", "TERM", "3"])
                    .arg(process.get_program())
                    .args(process.get_args());
                limited.env_clear().current_dir(bed.directory.path());
                limited.envs(process.get_envs().filter_map(|(name, value)| Some((name, value?))));
                assert_no_secret(&what, &text(&what, &limited.output().unwrap()));
            }
        }
    }
}

#[tokio::test]
async fn no_page_and_no_log_of_serve_has_a_secret() {
    let bed = Bed::new();
    for format in ["text", "json"] {
        let command = bed.command(&["serve", "--to", "dir:entries", "--log-format", format]);
        let operator = Operator::spawn(command);
        let is_ready = async || operator.page("/readyz").await.is_some();
        assert!(until(Duration::from_secs(10), is_ready).await, "{}", operator.log());
        for path in ["/", "/status.json", "/metrics"] {
            let Some(page) = operator.page(path).await else { panic!("{path} is not served") };
            assert_no_secret(path, &page);
        }
        assert_no_secret("the log", &operator.log());
    }
}
