//! The cluster's keys and certificates.

use std::{fs, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// Writes `ca.crt`, `server.crt`, `server.key`, `admin.crt`, `admin.key`, `service-accounts.key`
/// and `service-accounts.pub` to the directory.
pub(super) fn write(directory: &Path) {
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
