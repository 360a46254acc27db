//! The cluster's keys and certificates, and the kubeconfigs that name them.

use std::fs;
use std::path::{Path, PathBuf};

use kube::config::{KubeConfigOptions, Kubeconfig};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use serde_json::{Value, json};

/// Writes `ca.crt`, `server.crt`, `server.key`, `admin.crt`, `admin.key`, `service-accounts.key`
/// and `service-accounts.pub` to the directory.
pub(super) fn write_certificates(directory: &Path) {
    let issuer = authority().expect("a CA's certificate");
    store(directory, "ca.crt", issuer.pem());

    let names = ["127.0.0.1", "localhost"].map(str::to_owned);
    let mut server = CertificateParams::new(names).expect("the server's names");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    certify(directory, "server", &server, &issuer);

    let mut admin = CertificateParams::default();
    admin.distinguished_name.push(DnType::OrganizationName, "system:masters");
    admin.distinguished_name.push(DnType::CommonName, "admin");
    admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    certify(directory, "admin", &admin, &issuer);

    let tokens = KeyPair::generate().expect("a key");
    store(directory, "service-accounts.key", tokens.serialize_pem());
    store(directory, "service-accounts.pub", tokens.public_key_pem());
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "bed");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn certify(
    directory: &Path,
    name: &str,
    params: &CertificateParams,
    issuer: &CertifiedIssuer<'_, KeyPair>,
) {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    store(directory, &format!("{name}.crt"), certificate.pem());
    store(directory, &format!("{name}.key"), key.serialize_pem());
}

fn store(directory: &Path, name: &str, pem: String) {
    fs::write(directory.join(name), pem).expect("the bed's directory takes a file");
}

/// Writes a kubeconfig for this user (`client-certificate` and `client-key`, or `token`).
pub(super) fn write_kubeconfig(
    directory: &Path,
    file: &str,
    server: &str,
    user: &Value,
) -> PathBuf {
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

/// The user of the admin's certificate.
pub(super) fn admin(directory: &Path) -> Value {
    json!({
        "client-certificate": directory.join("admin.crt"),
        "client-key": directory.join("admin.key"),
    })
}

/// A client for a kubeconfig.
pub(super) async fn client_for(path: &Path) -> kube::Client {
    let kubeconfig = Kubeconfig::read_from(path).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a kubeconfig that names a cluster and a user");
    kube::Client::try_from(config).expect("a client")
}
