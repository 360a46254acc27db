//! An object of the API server, reduced to what decides while it is being read.

use std::borrow::Cow;

use ::kube::Resource;
use ::kube::core::{ApiResource, DynamicResourceScope, ObjectMeta};
use istio_cloud_map_core::operator::Observed;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::FIELD_MANAGER;

/// A stored `ServiceEntry`. Of its metadata only the version is kept apart, since a watch is
/// resumed from it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    meta: ObjectMeta,
    pub(super) observed: Observed,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Value::deserialize(deserializer)?;
        // The API server always gives the namespace.
        let observed = Observed::from_json(&object, Some(FIELD_MANAGER), "");
        let meta = ObjectMeta {
            resource_version: observed.version.resource_version.clone(),
            ..ObjectMeta::default()
        };
        Ok(Self { meta, observed })
    }
}

impl Resource for Entry {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}
