//! Istio's version and settings, and what they imply for entries.

use std::fmt;
use std::str::FromStr;

use ::kube::{Api, Client, Error};
use istio_cloud_map_core::translate::Mesh as MeshOption;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

use super::report::Checks;
use crate::sink::kube::istiod;

const CHECK: &str = "Istio";

/// `1.30.3`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32, u32);

impl FromStr for Version {
    type Err = &'static str;

    /// Reads `1.30`, `1.30.3` and `1.30.3-distroless`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: Option<&str>| part.and_then(|part| part.parse().ok());
        let plain = text.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        let mut parts = plain.split('.');
        let expected = "expected a version such as 1.30.3";
        let major = number(parts.next()).ok_or(expected)?;
        let minor = number(parts.next()).ok_or(expected)?;
        let patch = parts.next().map_or(Some(0), |part| number(Some(part))).ok_or(expected)?;
        Ok(Self(major, minor, patch))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(major, minor, patch) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// What is known of the mesh.
#[derive(Debug, Default)]
struct Mesh {
    version: Option<Version>,
    /// Whether istiod serves ambient.
    ambient: Option<bool>,
    /// Whether addresses are allocated to entries that have none.
    allocates: Option<bool>,
    /// Whether sidecars answer DNS.
    captures_dns: Option<bool>,
    /// `meshConfig.serviceEntryVisibility`
    visibility: Option<Value>,
}

/// Looks for istiod, and reports what its version and settings imply.
pub async fn check(
    client: &Client,
    given: Option<Version>,
    option: MeshOption,
    checks: &mut Checks,
) {
    let found = match istiod::find(client).await {
        Ok(Some(istiod)) => mesh(client, &istiod).await,
        Ok(None) if given.is_none() => {
            let remedy =
                "install Istio, or give its version with --istio-version if istiod runs elsewhere";
            return checks.warning(CHECK, "the cluster has no istiod", remedy);
        }
        Err(Error::Api(status)) if given.is_none() && status.code == 403 => {
            let message = format!(
                "not permitted to list deployments in {}, so its version is not known",
                istiod::NAMESPACE
            );
            return checks.warning(CHECK, message, "give it with --istio-version");
        }
        Err(error) if given.is_none() => {
            let message = format!("its version is not known: {error}");
            return checks.warning(CHECK, message, "give it with --istio-version");
        }
        _ => Mesh::default(),
    };
    implications(&Mesh { version: given.or(found.version), ..found }, option, checks);
}

async fn mesh(client: &Client, istiod: &Deployment) -> Mesh {
    let image = istiod::container(istiod)
        .and_then(|container| container.image.as_deref())
        .unwrap_or_default();
    let tag = image.split('@').next().and_then(|image| image.rsplit_once(':')).map(|(_, tag)| tag);
    let settings = settings(client, istiod).await;
    let capture = |settings: &Value| {
        let variables = settings.pointer("/defaultConfig/proxyMetadata");
        let capture = variables.and_then(|of| of.get("ISTIO_META_DNS_CAPTURE"));
        capture.is_some_and(|capture| matches!(capture.as_str(), Some("true")) || *capture == true)
    };
    Mesh {
        version: tag.and_then(|tag| tag.parse().ok()),
        ambient: Some(istiod::serves_ambient(istiod)),
        allocates: istiod::is_set(istiod, "PILOT_ENABLE_IP_AUTOALLOCATE"),
        captures_dns: settings.as_ref().map(capture),
        visibility: settings.and_then(|settings| settings.get("serviceEntryVisibility").cloned()),
    }
}

/// The mesh configuration, where it may be read.
async fn settings(client: &Client, istiod: &Deployment) -> Option<Value> {
    let labels = istiod.metadata.labels.as_ref();
    let revision = labels.and_then(|labels| labels.get("istio.io/rev")).map(String::as_str);
    let name = match revision {
        None | Some("" | "default") => "istio".to_owned(),
        Some(revision) => format!("istio-{revision}"),
    };
    let namespace = istiod.metadata.namespace.as_deref().unwrap_or(istiod::NAMESPACE);
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let map = maps.get_opt(&name).await.ok()??;
    serde_saphyr::from_str(map.data?.get("mesh")?).ok()
}

fn implications(mesh: &Mesh, option: MeshOption, checks: &mut Checks) {
    let Some(version) = mesh.version else {
        let message = "istiod's image has no version in its tag";
        return checks.warning(CHECK, message, "give it with --istio-version");
    };
    checks.ok(CHECK, version.to_string());
    if version < Version(1, 30, 3) && mesh.ambient != Some(false) {
        let message = "before 1.30.3, each change of endpoints is pushed to all waypoints";
        match mesh.ambient {
            Some(_) => checks.warning("ambient", message, "upgrade Istio to 1.30.3 or later"),
            None => checks.ok("ambient", format!("{message}, if ambient is used")),
        }
    }
    if mesh.ambient == Some(true) && option == MeshOption::Sidecar {
        let message = "istiod serves ambient, but entries are made for sidecars: a call to an address that an entry and its endpoint share bypasses the waypoint";
        checks.warning("mesh", message, "for clients in ambient mode: --set mesh=ambient");
    }
    if version < Version(1, 30, 0) {
        let message = "before 1.30, of two entries with one host that of the namespace that is first by alphabet is used, later the older one";
        checks.ok("duplicate hosts", message);
    }
    if mesh.visibility.as_ref().is_some_and(|value| value.to_string().contains("NONE")) {
        let message =
            "meshConfig.serviceEntryVisibility has NONE: entries that it applies to have no effect";
        let remedy = "set it for the namespaces of the entries: kubectl edit configmap istio --namespace istio-system";
        checks.warning("visibility", message, remedy);
    }
    if mesh.allocates == Some(false) {
        let message = "istiod does not allocate addresses to entries (PILOT_ENABLE_IP_AUTOALLOCATE=false): of TCP services without addresses, one a port is reachable";
        let remedy = "istioctl install --set values.pilot.env.PILOT_ENABLE_IP_AUTOALLOCATE=true";
        checks.warning("auto-allocation", message, remedy);
    }
    if mesh.captures_dns == Some(false) && mesh.ambient != Some(true) {
        let message = "sidecars do not answer DNS, so clients must be able to resolve the hosts of entries by themselves";
        let remedy = "istioctl install --set meshConfig.defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE=\"true\"";
        checks.warning("DNS capture", message, remedy);
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Outcome;
    use super::*;

    #[test]
    fn a_version_is_read_as_image_tags_have_it() {
        for (text, version) in [
            ("1.30", Version(1, 30, 0)),
            ("1.30.3", Version(1, 30, 3)),
            ("v1.28.0-distroless", Version(1, 28, 0)),
        ] {
            assert_eq!(text.parse(), Ok(version), "{text}");
        }
        for text in ["", "latest", "1", "1.x", "1.30.x"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_setting_that_concerns_entries_is_reported() {
        let warnings_with = |mesh: Mesh, option: MeshOption| -> Vec<String> {
            let mut checks = Checks::default();
            implications(&mesh, option, &mut checks);
            let list = checks.into_list().into_iter();
            list.filter(|check| check.result != Outcome::Ok).map(|check| check.check).collect()
        };
        let warnings = |mesh: Mesh| warnings_with(mesh, MeshOption::Ambient);
        let good = || Mesh {
            version: Some(Version(1, 31, 0)),
            ambient: Some(true),
            captures_dns: Some(true),
            ..Mesh::default()
        };
        assert!(warnings(good()).is_empty());
        assert_eq!(warnings_with(good(), MeshOption::Sidecar), ["mesh"]);
        let old = Version(1, 30, 2);
        assert_eq!(warnings(Mesh { version: Some(old), ..good() }), ["ambient"]);
        assert!(warnings(Mesh { version: Some(old), ambient: Some(false), ..good() }).is_empty());
        let hidden = serde_json::json!({"mode": "NONE"});
        assert_eq!(warnings(Mesh { visibility: Some(hidden), ..good() }), ["visibility"]);
        assert_eq!(warnings(Mesh { allocates: Some(false), ..good() }), ["auto-allocation"]);
        let sidecars = Mesh { ambient: Some(false), captures_dns: Some(false), ..good() };
        assert_eq!(warnings(sidecars), ["DNS capture"]);
        assert_eq!(warnings(Mesh { version: None, ..good() }), [CHECK]);
    }
}
