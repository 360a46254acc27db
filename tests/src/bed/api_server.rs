//! A Kubernetes API server over an etcd: no controllers, no nodes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams};
use kube::{Api, Client};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::credentials::{admin, client_for, write_certificates, write_kubeconfig};
use super::processes::{Daemon, ProcessFolder, free_port};
use super::programs::Programs;
use super::{POLL, START};

/// A cluster of one API server with authentication, RBAC and the `ServiceEntry` CRD.
///
/// Without controllers a namespace that is deleted stays `Terminating`, owner references collect
/// nothing, pods do not start, and service accounts exist only where a test creates them.
pub struct ApiServer {
    server: Option<Daemon>,
    etcd: Daemon,
    port: u16,
    etcd_port: u16,
    kubeconfig: PathBuf,
    programs: Programs,
    // Last, since what is above runs in it.
    folder: ProcessFolder,
}

impl ApiServer {
    /// Starts one that serves `ServiceEntry`.
    pub async fn start() -> Self {
        let server = Self::start_without_crd().await;
        server.install_crd().await;
        server
    }

    /// Starts one without Istio's CRDs.
    pub async fn start_without_crd() -> Self {
        let programs = Programs::make_async(&["apiserver", "judge", "kubectl"]).await;
        let folder = ProcessFolder::new();
        write_certificates(folder.path());
        let (port, etcd_port) = (free_port(), free_port());
        let etcd = folder.start("etcd", &mut etcd_command(programs.path("ETCD"), etcd_port));
        let kubeconfig =
            write_kubeconfig(folder.path(), "kubeconfig", &address(port), &admin(folder.path()));
        let mut this = Self { server: None, etcd, port, etcd_port, kubeconfig, programs, folder };
        this.restart().await;
        this
    }

    /// Installs the `ServiceEntry` CRD and returns when all its versions are served.
    pub async fn install_crd(&self) {
        install_crd(&self.client().await, self.programs.path("SERVICE_ENTRY_CRD")).await;
    }

    /// Adds the deployment of an istiod 1.29.1 of the revision `canary`, with a variable in its
    /// environment.
    pub async fn add_istiod(&self, variable: &str, value: &str) {
        self.kubectl(&["create", "namespace", "istio-system"]).await;
        let labels = json!({"app": "istiod", "istio.io/rev": "canary"});
        let container = json!({
            "name": "discovery", "image": "registry.istio.io/release/pilot:1.29.1-distroless",
            "env": [{"name": variable, "value": value}],
        });
        let istiod = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "istiod", "namespace": "istio-system", "labels": labels},
            "spec": {
                "selector": {"matchLabels": {"app": "istiod"}},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        });
        let file = self.directory().join("istiod.json");
        fs::write(&file, istiod.to_string()).expect("a file");
        self.kubectl(&["apply", "-f", &file.display().to_string()]).await;
    }

    /// The admin's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A directory for the test's own files, removed with the server.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.folder.path()
    }

    /// A client with all rights. Make one in each async runtime.
    pub async fn client(&self) -> Client {
        client_for(&self.kubeconfig).await
    }

    /// A client with the rights of whomever the kubeconfig names.
    pub async fn client_for(&self, kubeconfig: &Path) -> Client {
        client_for(kubeconfig).await
    }

    /// A kubeconfig with a fresh token of this service account, which must exist.
    pub async fn kubeconfig_for_service_account(&self, namespace: &str, name: &str) -> PathBuf {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await, namespace);
        let answer = accounts
            .create_token_request(name, &PostParams::default(), &TokenRequest::default())
            .await
            .unwrap_or_else(|error| panic!("no token for {namespace}/{name}: {error}"));
        let status = answer.status.expect("a token");
        write_kubeconfig(
            self.folder.path(),
            &format!("kubeconfig-{namespace}-{name}"),
            &address(self.port),
            &json!({"token": status.token}),
        )
    }

    /// Ends the API server, as a crash would. What it stored stays.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Starts the API server again, at the same address with the same data, and waits until it is
    /// ready.
    pub async fn restart(&mut self) {
        self.stop();
        let command = &mut self.server_command();
        let mut server = self.folder.start("kube-apiserver", command);
        let client = self.client().await;
        let etcd = &mut self.etcd;
        server
            .until(async || {
                etcd.assert_alive();
                is_ready(&client).await
            })
            .await;
        self.server = Some(server);
    }

    /// Kills etcd and starts it again with what it stored. The API server goes on.
    pub async fn restart_etcd(&mut self, away: Duration) {
        self.etcd.signal(Signal::SIGKILL);
        tokio::time::sleep(away).await;
        self.etcd = self
            .folder
            .start("etcd", &mut etcd_command(self.programs.path("ETCD"), self.etcd_port));
    }

    /// Stops the API server without closing its connections: requests hang.
    pub fn pause(&self) {
        self.running().signal(Signal::SIGSTOP);
    }

    /// Lets a paused API server go on.
    pub fn resume(&self) {
        self.running().signal(Signal::SIGCONT);
    }

    /// The API server's process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.running().id()
    }

    fn running(&self) -> &Daemon {
        self.server.as_ref().expect("an API server that was not stopped")
    }

    /// What `kubectl` prints, run as the admin.
    pub async fn kubectl(&self, args: &[&str]) -> String {
        let output = self.kubectl_output(args).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {args:?}: {}: {stderr}", output.status);
        String::from_utf8(output.stdout).expect("kubectl prints UTF-8")
    }

    /// How `kubectl` ends, run as the admin, where it may fail.
    pub async fn kubectl_output(&self, args: &[&str]) -> Output {
        tokio::process::Command::new(self.programs.path("KUBECTL"))
            .args(args)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", self.folder.path())
            .kill_on_drop(true)
            .output()
            .await
            .expect("kubectl runs")
    }

    /// A shell with `kubectl` and `helm`, as the admin, in the repository's root.
    #[must_use]
    pub fn shell(&self, line: &str) -> Command {
        let programs = self.programs.path("KUBECTL").parent().expect("a directory");
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn server_command(&self) -> Command {
        let mut command = Command::new(self.programs.path("KUBE_APISERVER"));
        command
            .arg(format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port))
            .arg(format!("--secure-port={}", self.port))
            .args(SERVER_FLAGS);
        command
    }
}

/// The file names are those of [`write_certificates`], in the directory where the server runs. It
/// looks for an address to advertise on the machine's interfaces unless it is given one; it is not
/// used.
const SERVER_FLAGS: [&str; 14] = [
    "--bind-address=127.0.0.1",
    "--advertise-address=192.0.2.1",
    "--endpoint-reconciler-type=none",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=RBAC",
    "--disable-admission-plugins=ServiceAccount",
    "--client-ca-file=ca.crt",
    "--tls-cert-file=server.crt",
    "--tls-private-key-file=server.key",
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-account-key-file=service-accounts.pub",
    "--service-account-signing-key-file=service-accounts.key",
    "--cert-dir=certificates",
    "--profiling=false",
];

fn etcd_command(program: &Path, port: u16) -> Command {
    let clients = format!("http://127.0.0.1:{port}");
    let peers = format!("http://127.0.0.1:{}", free_port());
    let mut command = Command::new(program);
    command
        .args(["--name=bed", "--data-dir=etcd", "--unsafe-no-fsync"])
        .arg(format!("--listen-client-urls={clients}"))
        .arg(format!("--advertise-client-urls={clients}"))
        .arg(format!("--listen-peer-urls={peers}"))
        .arg(format!("--initial-advertise-peer-urls={peers}"))
        .arg(format!("--initial-cluster=bed={peers}"));
    command
}

fn address(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// Ready, and past the moment when the namespaces that every cluster has appear.
async fn is_ready(client: &Client) -> bool {
    let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else {
        return false;
    };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    client.request_text(request).await.is_ok() && namespaces.get("default").await.is_ok()
}

/// Creates the CRD and returns once its versions are served, which is a moment after it is there.
async fn install_crd(client: &Client, file: &Path) {
    let text = fs::read(file).expect("the CRD's file");
    let crd: CustomResourceDefinition = serde_json::from_slice(&text).expect("a CRD");
    Api::all(client.clone())
        .create(&PostParams::default(), &crd)
        .await
        .expect("the API server takes Istio's CRD");
    for version in crd.spec.versions.iter().filter(|version| version.served) {
        let kind = GroupVersionKind::gvk(&crd.spec.group, &version.name, &crd.spec.names.kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, &crd.spec.names.plural);
        let entries = Api::<DynamicObject>::all_with(client.clone(), &resource);
        timeout(START, async {
            while entries.list(&ListParams::default()).await.is_err() {
                sleep(POLL).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("ServiceEntry {} is not served", version.name));
    }
}
