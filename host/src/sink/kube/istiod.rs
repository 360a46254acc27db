//! Istio's control plane, where it runs in the cluster.

use ::kube::api::ListParams;
use ::kube::{Api, Client, Error};
use anyhow::bail;
use istio_cloud_map_core::translate::Mesh;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Container;

use super::failure::{innermost, one_line};

/// Where it usually runs.
pub const NAMESPACE: &str = "istio-system";

/// Its deployment: of the whole cluster, where that may be listed.
pub async fn find(client: &Client) -> Result<Option<Deployment>, Error> {
    let params = ListParams::default().labels("app=istiod").limit(1);
    let everywhere = Api::<Deployment>::all(client.clone()).list(&params).await;
    let list = match everywhere {
        Err(Error::Api(status)) if status.code == 403 => {
            Api::<Deployment>::namespaced(client.clone(), NAMESPACE).list(&params).await?
        }
        list => list?,
    };
    Ok(list.items.into_iter().next())
}

/// The data plane that it serves, for `mesh: auto`.
///
/// # Errors
/// Where that can't be found out: nothing is assumed, since another answer changes the addresses of
/// entries. The message ends with what to do, after a semicolon.
pub async fn mesh(client: &Client) -> anyhow::Result<Mesh> {
    let otherwise = "set `mesh` to sidecar or ambient";
    let mesh = match find(client).await {
        Ok(Some(istiod)) if serves_ambient(&istiod) => Mesh::Ambient,
        Ok(Some(_)) => Mesh::Sidecar,
        Ok(None) => bail!("`mesh: auto`: the cluster has no istiod to ask; {otherwise}"),
        Err(Error::Api(status)) if status.code == 403 => bail!(
            "`mesh: auto`: not permitted to list deployments in {NAMESPACE}, so istiod can't be asked; permit it, or {otherwise}"
        ),
        Err(error) => {
            let reason = one_line(&innermost(&error));
            bail!("`mesh: auto`: istiod can't be looked up: {reason}; {otherwise}")
        }
    };
    Ok(mesh)
}

/// What it runs.
pub fn container(istiod: &Deployment) -> Option<&Container> {
    istiod.spec.as_ref()?.template.spec.as_ref()?.containers.first()
}

/// Whether a variable of its environment is `true`; none, if it is not there.
pub fn is_set(istiod: &Deployment, name: &str) -> Option<bool> {
    let environment = container(istiod)?.env.as_deref()?;
    let variable = environment.iter().find(|variable| variable.name == name)?;
    Some(variable.value.as_deref() == Some("true"))
}

/// Whether it serves ambient.
pub fn serves_ambient(istiod: &Deployment) -> bool {
    is_set(istiod, "PILOT_ENABLE_AMBIENT").unwrap_or(false)
}
