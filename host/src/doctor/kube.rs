//! The cluster: API server, CRD, and each RBAC verb.

use std::path::Path;
use std::time::{Duration, SystemTime};

use ::kube::api::PostParams;
use ::kube::{Api, Client};
use istio_cloud_map_core::operator::Policy;
use istio_cloud_map_core::service_entry::ApiVersion;
use istio_cloud_map_core::translate::Mesh;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::Namespace;

use super::report::Checks;
use super::{clock, istio};
use crate::config::Config;
use crate::sink::kube::{self as sink, ConnectError, KubeOptions, istiod};
use crate::source::aws::http_date;

/// The group and plural of a kind, as a role names it.
type Kind = (&'static str, &'static str);

const ENTRIES: Kind = ("networking.istio.io", "serviceentries");
const LEASES: Kind = ("coordination.k8s.io", "leases");
/// istiod is one.
const DEPLOYMENTS: Kind = ("apps", "deployments");

pub fn options(kube_config: Option<&Path>, api_version: ApiVersion) -> KubeOptions {
    KubeOptions {
        kube_config: kube_config.map(Path::to_owned),
        api_version,
        call_timeout: Duration::from_secs(10),
        ..KubeOptions::default()
    }
}

/// Checks the cluster of the entries and the leases.
pub async fn check(
    config: &Config,
    options: KubeOptions,
    version: Option<istio::Version>,
    checks: &mut Checks,
) {
    let (client, url) = match sink::client(&options).await {
        Ok(connected) => connected,
        Err(error) => return unreachable(&error, checks),
    };
    match sink::served_version(&client, &url, &options).await {
        Ok(served) => {
            checks.ok("API server", url.as_str());
            checks
                .ok("CRD", format!("serviceentries {}/{} is served", ENTRIES.0, served.version()));
        }
        Err(ConnectError::NoServiceEntries { .. }) => {
            checks.ok("API server", url.as_str());
            checks.failed(
                "CRD",
                format!("serviceentries ({}) is not served", ENTRIES.0),
                "helm install istio-base base --repo https://istio-release.storage.googleapis.com/charts \
                 --namespace istio-system --create-namespace",
            );
        }
        Err(error) => return unreachable(&error, checks),
    }
    if let Some(there) = date(&client).await {
        clock("the API server", (there, SystemTime::now()), checks);
    }
    let access = Access { user: user(&client).await, client };
    if let Some(user) = &access.user {
        checks.ok("user", user.as_str());
    }
    access.entries(config, checks).await;
    access.leases(config, checks).await;
    if config.translate.mesh == Mesh::Auto {
        access.verbs(DEPLOYMENTS, istiod::NAMESPACE, &["list"], checks).await;
        match istiod::mesh(&access.client).await {
            Ok(mesh) => checks.ok("mesh", format!("auto: {mesh:?}").to_lowercase()),
            Err(error) => checks.failed_with("mesh", &error.to_string()),
        }
    }
    istio::check(&access.client, version, config.translate.mesh, checks).await;
}

fn unreachable(error: &ConnectError, checks: &mut Checks) {
    checks.failed_with("API server", &error.to_string());
}

/// The API server's time.
async fn date(client: &Client) -> Option<SystemTime> {
    let request = hyper::Request::get("/version").body(::kube::client::Body::empty()).ok()?;
    let answer = client.send(request).await.ok()?;
    http_date(answer.headers().get("date")?.to_str().ok()?)
}

/// As whom the API server knows this process.
async fn user(client: &Client) -> Option<String> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let review =
        reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await.ok()?;
    review.status?.user_info?.username
}

/// What the API server permits.
struct Access {
    client: Client,
    user: Option<String>,
}

impl Access {
    async fn entries(&self, config: &Config, checks: &mut Checks) {
        let mut verbs = vec!["list", "watch"];
        if !config.sink.dry_run {
            verbs.extend(["create", "patch"]);
            if config.plan.policy == Policy::Sync {
                verbs.push("delete");
            }
        }
        if config.sink.namespaces.is_empty() {
            self.verbs(ENTRIES, "", &verbs, checks).await;
        }
        for namespace in &config.sink.namespaces {
            self.exists(namespace, checks).await;
            self.verbs(ENTRIES, namespace, &verbs, checks).await;
        }
    }

    async fn leases(&self, config: &Config, checks: &mut Checks) {
        match &config.sink.leases {
            Some((namespace, _)) => {
                let verbs = ["list", "create", "patch", "delete"];
                self.verbs(LEASES, namespace, &verbs, checks).await;
            }
            None => checks.ok("leases", "not used: this process has all sources for itself"),
        }
    }

    /// Only where it may be read; the operator itself needs no such permission.
    async fn exists(&self, namespace: &str, checks: &mut Checks) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        if let Ok(None) = namespaces.get_metadata_opt(namespace).await {
            checks.failed(
                "namespace",
                format!("{namespace} does not exist"),
                format!("kubectl create namespace {namespace}"),
            );
        }
    }

    async fn verbs(&self, kind: Kind, namespace: &str, verbs: &[&str], checks: &mut Checks) {
        let place = if namespace.is_empty() { "all namespaces" } else { namespace };
        let check = format!("RBAC {} in {place}", kind.1);
        let (mut permitted, mut missing) = (Vec::new(), Vec::new());
        for verb in verbs {
            match self.may(kind, namespace, verb).await {
                Ok(true) => permitted.push(*verb),
                Ok(false) => missing.push(*verb),
                Err(error) => {
                    let message = format!("{verb} can't be checked: {error}");
                    let remedy = "check that the API server is well: kubectl get --raw=/readyz";
                    return checks.failed(&check, message, remedy);
                }
            }
        }
        if missing.is_empty() {
            checks.ok(&check, permitted.join(", "));
        } else {
            let message = format!("not permitted to {}", missing.join(", "));
            checks.failed(&check, message, self.grant(kind, namespace, &missing));
        }
    }

    async fn may(&self, kind: Kind, namespace: &str, verb: &str) -> Result<bool, ::kube::Error> {
        let attributes = ResourceAttributes {
            group: Some(kind.0.to_owned()),
            resource: Some(kind.1.to_owned()),
            namespace: Some(namespace.to_owned()),
            verb: Some(verb.to_owned()),
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let answer = reviews.create(&PostParams::default(), &review).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// The commands that permit the missing verbs to this user.
    fn grant(&self, (group, plural): Kind, namespace: &str, missing: &[&str]) -> String {
        let (cluster, within) = if namespace.is_empty() {
            ("cluster", String::new())
        } else {
            ("", format!(" --namespace={namespace}"))
        };
        let name = format!("istio-cloud-map-{plural}-{}", missing.join("-"));
        let verbs = missing.join(",");
        format!(
            "kubectl create {cluster}role {name}{within} --verb={verbs} --resource={plural}.{group}\n\
             kubectl create {cluster}rolebinding {name}{within} --{cluster}role={name} {}",
            subject(self.user.as_deref())
        )
    }
}

/// The flag of `kubectl create rolebinding` for a user.
fn subject(user: Option<&str>) -> String {
    let Some(user) = user else { return "--user=USER".to_owned() };
    match user.strip_prefix("system:serviceaccount:") {
        Some(account) => format!("--serviceaccount={account}"),
        None => format!("--user='{}'", user.replace('\'', r"'\''")),
    }
}
