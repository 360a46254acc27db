//! From nothing to the first entry by docs/install.md alone: its commands, word for word, on a real
//! API server.
//!
//! The bed has no kubelet: after a command that installs, the operator is started as its pod would
//! be, and `kubectl rollout status`, `exec` and `logs` are answered from that.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use istio_cloud_map_tests::bed::ApiServer;
use istio_cloud_map_tests::cloud_map::{FakeCloudMap, Namespace};
use istio_cloud_map_tests::operator::{ACCESS_KEY, Operator, SECRET_KEY, until};
use istio_cloud_map_tests::pages::{blocks, commands, missing};
use istio_cloud_map_tests::pod::Pod;

const PAGE: &str = include_str!("../../docs/install.md");
const MANIFESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests");
const SOON: Duration = Duration::from_secs(30);

/// A person who has a cluster with Istio, services in Cloud Map, and the page.
struct Newcomer {
    kubernetes: ApiServer,
    cloud_map: FakeCloudMap,
    /// Credentials that the pod gets without the page's doing, as Pod Identity gives them.
    injected: &'static [(&'static str, &'static str)],
    installed: Option<(Pod, Operator)>,
}

impl Newcomer {
    async fn new(injected: &'static [(&'static str, &'static str)]) -> Self {
        let kubernetes = ApiServer::start().await;
        let cloud_map = FakeCloudMap::start().unwrap();
        cloud_map.world(|world| {
            let namespace = world.add_namespace(Namespace::http("my-namespace"));
            let service = world.service(namespace, "getistio-external-service");
            world.register(service, "i-1", [("AWS_INSTANCE_IPV4", "52.192.72.89")]);
        });
        // The clone: the manifests are edited there.
        let clone = kubernetes.directory().join("clone");
        copy(Path::new(MANIFESTS), &clone.join("manifests"));
        Self { kubernetes, cloud_map, injected, installed: None }
    }

    /// Does what a section of the page says.
    async fn follow(&mut self, heading: &str) {
        let section = PAGE.split("\n## ").find(|section| section.starts_with(heading));
        let section = section.unwrap_or_else(|| panic!("the page has no section {heading}"));
        let blocks = blocks(section).into_iter().filter(|(info, _)| *info == "console cluster");
        for (line, shown) in blocks.flat_map(|(_, lines)| commands(&lines)) {
            let mut printed = String::new();
            let shown_in_time = until(SOON, async || {
                printed = self.run(&line).await;
                missing(&shown, &printed).is_none()
            });
            assert!(shown_in_time.await, "`{line}` does not print {shown:#?}, but\n{printed}");
        }
        assert!(self.installed.is_some(), "{heading} installs nothing");
    }

    async fn run(&mut self, line: &str) -> String {
        let kubernetes = &self.kubernetes;
        if let Some((pod, operator)) = &self.installed {
            if line.contains(" rollout status deploy/istio-cloud-map") {
                operator.ready().await;
                return String::new();
            }
            if line.contains(" logs deploy/istio-cloud-map") {
                return operator.log();
            }
            let exec = " exec deploy/istio-cloud-map -- istio-cloud-map ";
            if let Some((_, arguments)) = line.split_once(exec) {
                return printed(line, self.in_cloud(pod.exec(arguments.split_whitespace()))).await;
            }
        }
        let mut shell = kubernetes.shell(line);
        shell
            .current_dir(kubernetes.directory().join("clone"))
            .env("IMAGE", "registry.example/istio-cloud-map")
            .envs([("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)]);
        let printed = printed(line, shell).await;
        if line.starts_with("helm install ") || line.starts_with("kubectl apply -k ") {
            let namespace = if line.contains(" --namespace mesh ") { "mesh" } else { "default" };
            let pod = Pod::new(kubernetes, namespace).await;
            let operator = Operator::spawn(self.in_cloud(pod.serve()));
            self.installed = Some((pod, operator));
        }
        printed
    }

    /// The pod's way to AWS.
    fn in_cloud(&self, mut command: Command) -> Command {
        let endpoint = self.cloud_map.url();
        command
            .args(["--endpoint-url", endpoint, "--data-endpoint-url", endpoint])
            .env("AWS_ENDPOINT_URL_STS", endpoint)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.injected.iter().copied());
        command
    }

    /// There is the entry, in the namespace that the page says, by the key that the pod was given.
    async fn has_the_entry(self, namespace: &str) {
        let get = ["get", "serviceentries", "--all-namespaces", "--output"];
        let output = [
            "jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}:{.metadata.annotations.istio-cloud-map/region}{end}",
        ];
        let entries = self.kubernetes.kubectl(&[get.as_slice(), &output].concat()).await;
        let name = "cloudmap-getistio-external-service.my-namespace";
        assert_eq!(entries, format!("{namespace}/{name}:us-west-2"));
        assert_eq!(self.cloud_map.access_keys(), [ACCESS_KEY]);
        let (_, operator) = self.installed.unwrap();
        let log = operator.log();
        assert!(!log.contains(" WARN ") && !log.contains("ERROR"), "{log}");
    }
}

/// What a command prints, which must succeed.
async fn printed(line: &str, mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let text = text.concat();
    assert!(output.status.success(), "`{line}`: {}\n{text}", output.status);
    text
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn by_the_chart_and_pod_identity_there_is_an_entry() {
    const KEYS: &[(&str, &str)] =
        &[("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)];
    let mut newcomer = Newcomer::new(KEYS).await;
    newcomer.follow("By Helm").await;
    newcomer.has_the_entry("mesh").await;
}

#[tokio::test]
async fn by_plain_yaml_and_access_keys_there_is_an_entry() {
    let mut newcomer = Newcomer::new(&[]).await;
    newcomer.follow("By plain YAML").await;
    newcomer.has_the_entry("default").await;
}
