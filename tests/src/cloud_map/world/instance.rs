//! An instance and its health.

use std::collections::BTreeMap;

use serde_json::json;

/// What Cloud Map says of an instance's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It passes its check.
    Healthy,
    /// It fails its check.
    Unhealthy,
    /// Nobody checks, or not yet.
    Unknown,
}

impl Health {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
            Self::Unknown => "UNKNOWN",
        }
    }

    pub(in crate::cloud_map) fn named(name: &str) -> Option<Self> {
        [Self::Healthy, Self::Unhealthy, Self::Unknown]
            .into_iter()
            .find(|health| health.name() == name)
    }
}

/// An instance of a service.
#[derive(Debug, Clone)]
pub struct Instance {
    pub(in crate::cloud_map) attributes: BTreeMap<String, String>,
    pub(in crate::cloud_map) health: Health,
    /// What Discover says of it again and again, as the members of a JSON object.
    pub(in crate::cloud_map) rendered: String,
}

impl Instance {
    pub(in crate::cloud_map) fn new(
        id: &str,
        attributes: BTreeMap<String, String>,
        health: Health,
    ) -> Self {
        let rendered = format!(r#""InstanceId":{},"Attributes":{}"#, json!(id), json!(attributes));
        Self { attributes, health, rendered }
    }
}

/// The attribute of the first health counts at registration and never again.
pub(super) fn first_health(is_checked: bool, attributes: &BTreeMap<String, String>) -> Health {
    let initial = attributes.get("AWS_INIT_HEALTH_STATUS").and_then(|name| Health::named(name));
    if is_checked { initial.unwrap_or(Health::Healthy) } else { Health::Unknown }
}
