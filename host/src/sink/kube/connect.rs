//! Finding the cluster, and what it serves.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use ::kube::api::{GetParams, ListParams};
use ::kube::client::ClientBuilder;
use ::kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use ::kube::core::Request;
use ::kube::{Api, Client, Config, Error};
use hyper::Uri;
use istio_cloud_map_core::operator::{WriteError, WriteFailure};
use istio_cloud_map_core::service_entry::ApiVersion;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResourceList};
use thiserror::Error;
use tower::timeout::TimeoutLayer;
use tower::util::MapResponseLayer;

use super::entry::Entry;
use super::failure::{Call, bounded, no_credentials, one_line};
use super::{GROUP, KubeOptions, PLURAL, proxy, retry_after};

/// Why there is no cluster to work with, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectError {
    /// The file of `--kube-config` is not there, can't be read, or is no kubeconfig.
    #[error("can't use the kubeconfig {path}: {reason}; check the path given with --kube-config")]
    KubeConfig {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Neither a pod's service account nor a kubeconfig.
    #[error(
        "no cluster: {reason}; give a kubeconfig with --kube-config, or write files with --to dir:PATH"
    )]
    NoCluster {
        /// What was looked for.
        reason: String,
    },
    /// No connection, or no answer in time.
    #[error(
        "{reason}; its address is {url}: check that it runs and that no proxy or firewall is in between"
    )]
    Unreachable {
        /// Of the API server.
        url: String,
        /// The innermost reason.
        reason: String,
    },
    /// Istio's CRDs are missing.
    #[error(
        "{url} does not serve ServiceEntry ({GROUP}): install Istio's CRDs, with `istioctl install` or the Helm chart istio/base"
    )]
    NoServiceEntries {
        /// Of the API server.
        url: String,
    },
    /// Credentials or a role are missing.
    #[error("{url}: {reason}")]
    Forbidden {
        /// Of the API server.
        url: String,
        /// What is missing, and what to add.
        reason: String,
    },
    /// Any other answer of the API server.
    #[error("{url}: {reason}")]
    Other {
        /// Of the API server.
        url: String,
        /// In its words.
        reason: String,
    },
}

impl ConnectError {
    fn of(url: &str, error: WriteError) -> Self {
        let (url, reason) = (url.to_owned(), error.message);
        match error.failure {
            WriteFailure::Unreachable => Self::Unreachable { url, reason },
            WriteFailure::Forbidden => Self::Forbidden { url, reason },
            _ => Self::Other { url, reason },
        }
    }
}

/// A client with a limit on every wait, and the address it talks to.
pub async fn client(options: &KubeOptions) -> Result<(Client, String), ConnectError> {
    let mut config = config(options.kube_config.as_deref()).await?;
    config.connect_timeout = Some(options.connect_timeout);
    config.write_timeout = Some(options.call_timeout);
    // What to try again, and when, is decided in the core.
    config.default_retry = false;
    let url = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    // Runs an exec plugin, for as long as that takes.
    let builder = tokio::task::spawn_blocking(|| ClientBuilder::try_from(config)).await;
    let builder = match builder {
        Ok(Ok(builder)) => builder,
        Ok(Err(Error::Auth(error))) => {
            return Err(ConnectError::Forbidden { url, reason: one_line(&no_credentials(&error)) });
        }
        Ok(Err(error)) => {
            return Err(ConnectError::Other { url, reason: one_line(&error.to_string()) });
        }
        Err(error) => {
            return Err(ConnectError::Other { url, reason: one_line(&error.to_string()) });
        }
    };
    // Limits the wait for an answer to begin, of a watch too, which then goes on.
    let builder = builder.with_layer(&TimeoutLayer::new(options.call_timeout));
    Ok((builder.with_layer(&MapResponseLayer::new(retry_after::remember)).build(), url))
}

async fn config(file: Option<&Path>) -> Result<Config, ConnectError> {
    let mut config = if let Some(path) = file {
        let named =
            |error: &KubeconfigError| (path.display().to_string(), one_line(&reason(error)));
        let config = match Kubeconfig::read_from(path) {
            Ok(kubeconfig) => from_kubeconfig(kubeconfig).await,
            Err(error) => Err(error),
        };
        config
            .map_err(|error| named(&error))
            .map_err(|(path, reason)| ConnectError::KubeConfig { path, reason })?
    } else {
        default_config(std::env::var_os("KUBECONFIG"), Config::incluster).await?
    };
    config.cluster_url = without_userinfo(config.cluster_url);
    Ok(config)
}

/// That of `KUBECONFIG`, else the pod's service account, else that of kubectl.
pub(super) async fn default_config(
    kubeconfig: Option<OsString>,
    pod: impl FnOnce() -> Result<Config, InClusterError>,
) -> Result<Config, ConnectError> {
    let asked_for = kubeconfig.is_some_and(|value| !value.is_empty());
    let pod = match (!asked_for).then(pod) {
        Some(Ok(config)) => return Ok(config),
        Some(Err(error)) => Some(error),
        None => None,
    };
    let config = match Kubeconfig::read() {
        Ok(kubeconfig) => from_kubeconfig(kubeconfig).await,
        Err(error) => Err(error),
    };
    config.map_err(|error| {
        let reason = match pod {
            None => format!("the kubeconfig of KUBECONFIG can't be used ({})", reason(&error)),
            Some(pod) if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => {
                format!("the pod's service account can't be used ({pod})")
            }
            Some(_) => format!(
                "this is not a pod, and the default kubeconfig can't be used ({})",
                reason(&error)
            ),
        };
        ConnectError::NoCluster { reason: one_line(&reason) }
    })
}

async fn from_kubeconfig(kubeconfig: Kubeconfig) -> Result<Config, KubeconfigError> {
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig.clone(), &KubeConfigOptions::default()).await?;
    config.proxy_url =
        proxy::proxy(&kubeconfig, &config.cluster_url, |name| std::env::var(name).ok());
    Ok(config)
}

/// A password in an address would be in every message about it, and is not sent in any case.
fn without_userinfo(url: Uri) -> Uri {
    let mut parts = url.clone().into_parts();
    let host = parts
        .authority
        .as_ref()
        .and_then(|authority| authority.as_str().rsplit_once('@')?.1.parse().ok());
    if host.is_none() {
        return url;
    }
    parts.authority = host;
    Uri::from_parts(parts).unwrap_or(url)
}

/// The path is in the message already, and a parser's message ends with an excerpt.
fn reason(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        error => error.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

/// The version to write in: the preferred one if it is served, else the newest that is.
pub async fn served_version(
    client: &Client,
    url: &str,
    options: &KubeOptions,
) -> Result<ApiVersion, ConnectError> {
    let group: APIGroup =
        fetch(client, url, GROUP, options.call_timeout).await?.unwrap_or_default();
    let candidates =
        [options.api_version, ApiVersion::V1, ApiVersion::V1Beta1, ApiVersion::V1Alpha3];
    for candidate in candidates
        .into_iter()
        .filter(|c| group.versions.iter().any(|served| served.version == c.version()))
    {
        // The group also has Istio's other kinds, whose versions are their own.
        let version = format!("{GROUP}/{}", candidate.version());
        let kinds: Option<APIResourceList> =
            fetch(client, url, &version, options.call_timeout).await?;
        if kinds.is_some_and(|kinds| kinds.resources.iter().any(|kind| kind.name == PLURAL)) {
            return Ok(candidate);
        }
    }
    Err(ConnectError::NoServiceEntries { url: url.to_owned() })
}

/// A page of discovery; none if there is no such.
async fn fetch<T: serde::de::DeserializeOwned>(
    client: &Client,
    url: &str,
    path: &str,
    limit: Duration,
) -> Result<Option<T>, ConnectError> {
    let answer = async {
        let request =
            Request::new("/apis").get(path, &GetParams::default()).map_err(Error::BuildRequest)?;
        match client.request(request).await {
            Err(Error::Api(status)) if status.code == 404 => Ok(None),
            answer => answer.map(Some),
        }
    };
    bounded(Call::list(""), limit, answer).await.map_err(|error| ConnectError::of(url, error))
}

/// Listing is what everything else rests on, so that a failure is reported at the start.
pub(super) async fn may_list(
    api: &Api<Entry>,
    namespace: &str,
    url: &str,
    limit: Duration,
) -> Result<(), ConnectError> {
    let listed =
        bounded(Call::list(namespace), limit, api.list(&ListParams::default().limit(1))).await;
    listed.map(drop).map_err(|error| ConnectError::of(url, error))
}
