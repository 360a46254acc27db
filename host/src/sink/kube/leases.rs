//! Leases (`coordination.k8s.io`) of the operator's replicas.
//!
//! A write is a merge patch with the version that it replaces, so that the API server refuses it
//! where another replica was faster, and other fields stay.

use std::time::Duration;

use ::kube::Api;
use ::kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use istio_cloud_map_core::lease;
use istio_cloud_map_core::operator::{Version, WriteError, WriteFailure};
use istio_cloud_map_core::service_entry::{MANAGED_BY, OWNER_LABEL};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::KubeSink;
use super::failure::{Call, bounded};

/// Well below the time that a leader leads without a renewal.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// The leases of the replicas with one `--id`, in one namespace.
#[derive(Clone)]
pub struct Leases {
    api: Api<Lease>,
    namespace: String,
    owner: String,
}

impl Leases {
    pub(super) fn new(sink: &KubeSink, namespace: String, owner: String) -> Self {
        Self { api: Api::namespaced(sink.client.clone(), &namespace), namespace, owner }
    }

    /// All of them.
    ///
    /// # Errors
    /// Where the API server does not answer, or refuses.
    pub async fn list(&self) -> Result<Vec<(String, lease::Record, Version)>, WriteError> {
        let params = ListParams::default().labels(&format!("{OWNER_LABEL}={}", self.owner));
        let call = Call::list_leases(&self.namespace);
        let list = bounded(call, CALL_TIMEOUT, self.api.list(&params)).await?;
        Ok(list.items.into_iter().filter_map(read).collect())
    }

    /// Creates the lease, or changes the state that `replaces` names. `acquired`: the holder is new.
    ///
    /// # Errors
    /// [`WriteFailure::Conflict`], where the lease is in another state by now.
    pub async fn write(
        &self,
        name: &str,
        record: &lease::Record,
        acquired: bool,
        replaces: Option<&Version>,
    ) -> Result<Version, WriteError> {
        let now = MicroTime(Timestamp::now());
        let spec = LeaseSpec {
            holder_identity: record.holder.clone(),
            lease_duration_seconds: Some(
                i32::try_from(record.duration.as_secs()).unwrap_or(i32::MAX),
            ),
            lease_transitions: Some(i32::try_from(record.transitions).unwrap_or(i32::MAX)),
            acquire_time: acquired.then(|| now.clone()),
            renew_time: Some(now),
            ..LeaseSpec::default()
        };
        let stored = if let Some(version) = replaces {
            let mut spec = json!(spec);
            // A merge patch leaves out what does not change.
            if let (None, Some(spec)) = (&record.holder, spec.as_object_mut()) {
                spec.insert("holderIdentity".to_owned(), serde_json::Value::Null);
            }
            let metadata = json!({
                "uid": version.uid, "resourceVersion": version.resource_version,
            });
            let patch = Patch::Merge(json!({"metadata": metadata, "spec": spec}));
            let params = PatchParams::default();
            let call = Call::patch_lease(&self.namespace, name);
            bounded(call, CALL_TIMEOUT, self.api.patch(name, &params, &patch)).await?
        } else {
            let labels = [MANAGED_BY, (OWNER_LABEL, self.owner.as_str())];
            let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
            let metadata = ObjectMeta {
                name: Some(name.to_owned()),
                labels: Some(labels.into()),
                ..ObjectMeta::default()
            };
            let lease = Lease { metadata, spec: Some(spec) };
            let call = Call::create_lease(&self.namespace, name);
            bounded(call, CALL_TIMEOUT, self.api.create(&PostParams::default(), &lease)).await?
        };
        Ok(version(&stored.metadata))
    }

    /// Deletes the lease in this state.
    ///
    /// # Errors
    /// [`WriteFailure::Conflict`], where it is in another state by now.
    pub async fn delete(&self, name: &str, version: &Version) -> Result<(), WriteError> {
        let preconditions = Preconditions {
            uid: version.uid.clone(),
            resource_version: version.resource_version.clone(),
        };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let call = Call::delete_lease(&self.namespace, name);
        match bounded(call, CALL_TIMEOUT, self.api.delete(name, &params)).await {
            Err(error) if error.failure != WriteFailure::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn read(lease: Lease) -> Option<(String, lease::Record, Version)> {
    let version = version(&lease.metadata);
    let spec = lease.spec.unwrap_or_default();
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let record = lease::Record {
        holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
        transitions: spec.lease_transitions.and_then(|n| n.try_into().ok()).unwrap_or(0),
        duration: Duration::from_secs(seconds.unwrap_or(0)),
        renewed: spec.renew_time.map(|time| time.0.to_string()).unwrap_or_default(),
    };
    lease.metadata.name.map(|name| (name, record, version))
}

fn version(metadata: &ObjectMeta) -> Version {
    Version { uid: metadata.uid.clone(), resource_version: metadata.resource_version.clone() }
}
