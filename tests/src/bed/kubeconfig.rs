//! How clients are told where the API server is and who they are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

/// Writes a kubeconfig for this user (`client-certificate` and `client-key`, or `token`).
pub(super) fn write(directory: &Path, file: &str, server: &str, user: &Value) -> PathBuf {
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "bed",
            "cluster": {"server": server, "certificate-authority": directory.join("ca.crt")},
        }],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": "user"}}],
        "current-context": "bed",
    });
    let path = directory.join(file);
    fs::write(&path, kubeconfig.to_string()).expect("the bed's directory takes a file");
    path
}

/// The certificate's user of [`super::pki`].
pub(super) fn admin(directory: &Path) -> Value {
    json!({
        "client-certificate": directory.join("admin.crt"),
        "client-key": directory.join("admin.key"),
    })
}

/// A client for a kubeconfig.
pub(super) async fn client(path: &Path) -> kube::Client {
    let kubeconfig = Kubeconfig::read_from(path).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a kubeconfig that names a cluster and a user");
    kube::Client::try_from(config).expect("a client")
}
