//! The operator as its pod would run it. The bed has no kubelet, so this is what one makes of the
//! Deployment in the API server.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test whose Deployment is not as expected can only fail, with the reason"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Container, EnvVar, PodSpec, Secret};
use kube::{Api, Client};

use crate::bed::ApiServer;
use crate::operator;

/// The only pod of the Deployment `istio-cloud-map`.
#[derive(Debug)]
pub struct Pod {
    namespace: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    /// Paths in the pod, and where they are here.
    mounts: Vec<(String, PathBuf)>,
    kubeconfig: PathBuf,
}

impl Pod {
    /// Prepares what the pod of the Deployment in this namespace would have.
    pub async fn new(server: &ApiServer, namespace: &str) -> Self {
        let client = server.client().await;
        let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
        let deployment = deployments.get("istio-cloud-map").await.expect("a Deployment");
        let pod = deployment.spec.and_then(|spec| spec.template.spec).expect("a pod's spec");
        let container = pod.containers.first().expect("a container");
        let account = pod.service_account_name.as_deref().expect("a service account");
        Self {
            namespace: namespace.to_owned(),
            arguments: container.args.clone().unwrap_or_default(),
            environment: environment(&client, namespace, container).await,
            mounts: mounts(&client, namespace, &pod, server).await,
            kubeconfig: server.kubeconfig_for_service_account(namespace, account).await,
        }
    }

    /// What its container runs.
    #[must_use]
    pub fn serve(&self) -> Command {
        self.exec(self.arguments.iter().map(String::as_str))
    }

    /// The program with other arguments, as `kubectl exec` runs it.
    pub fn exec<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = operator::command(&[]);
        command.args(arguments.into_iter().map(|argument| self.here(argument)));
        command.envs(self.environment.iter().map(|(name, value)| (name, self.here(value))));
        // In place of the files of the service account, which are at fixed paths.
        command
            .env("ISTIO_CLOUD_MAP_KUBE_CONFIG", &self.kubeconfig)
            .env("PUBLISH_NAMESPACE", &self.namespace)
            .env("ISTIO_CLOUD_MAP_LEADER_ELECTION_NAMESPACE", &self.namespace);
        command
    }

    /// A path in one of the pod's volumes as it is on this machine; any other text as it is.
    fn here(&self, text: &str) -> PathBuf {
        let in_volume = |(path, here): &(String, PathBuf)| {
            Some(here.join(text.strip_prefix(path)?.strip_prefix('/')?))
        };
        self.mounts.iter().find_map(in_volume).unwrap_or_else(|| text.into())
    }
}

async fn environment(
    client: &Client,
    namespace: &str,
    container: &Container,
) -> Vec<(String, String)> {
    let mut environment = Vec::new();
    for variable in container.env.iter().flatten() {
        let value = match &variable.value {
            Some(value) => Some(value.clone()),
            None => secret(client, namespace, variable).await,
        };
        environment.extend(value.map(|value| (variable.name.clone(), value)));
    }
    environment
}

/// The value of a variable that a Secret has; none where that is optional and not there.
async fn secret(client: &Client, namespace: &str, variable: &EnvVar) -> Option<String> {
    let source = variable.value_from.as_ref()?.secret_key_ref.as_ref().expect("of a Secret");
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let found = secrets.get_opt(&source.name).await.expect("an answer");
    let value = found.and_then(|secret| secret.data?.remove(&source.key));
    assert!(value.is_some() || source.optional == Some(true), "{} is not there", variable.name);
    value.map(|bytes| String::from_utf8(bytes.0).expect("text"))
}

/// Writes the volumes, which are `ConfigMap`s, into a directory of the server's.
async fn mounts(
    client: &Client,
    namespace: &str,
    pod: &PodSpec,
    server: &ApiServer,
) -> Vec<(String, PathBuf)> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let mut mounts = Vec::new();
    for mount in
        pod.containers.iter().flat_map(|container| container.volume_mounts.iter().flatten())
    {
        let volume = pod.volumes.iter().flatten().find(|volume| volume.name == mount.name);
        let source = volume.and_then(|volume| volume.config_map.as_ref());
        let name = &source.unwrap_or_else(|| panic!("{} is not a ConfigMap", mount.name)).name;
        let map = maps.get(name).await.expect("a ConfigMap");
        let directory = server.directory().join(format!("volume-{namespace}-{}", mount.name));
        fs::create_dir_all(&directory).expect("a directory");
        for (file, text) in map.data.unwrap_or_default() {
            fs::write(directory.join(file), text).expect("a file");
        }
        mounts.push((mount.mount_path.clone(), directory));
    }
    mounts
}
