//! The `ServiceEntry` CRD.

use std::{fs, path::Path};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams},
};
use tokio::time::{sleep, timeout};

use super::{POLL, START};

/// Creates the CRD and returns once its versions are served, which is a moment after it is there.
pub(super) async fn install(client: &Client, file: &Path) {
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
