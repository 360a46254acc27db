//! An instance and its health.

use std::collections::BTreeMap;

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
        [Self::Healthy, Self::Unhealthy, Self::Unknown].into_iter().find(|health| health.name() == name)
    }
}

/// An instance of a service.
#[derive(Debug, Clone)]
pub struct Instance {
    pub(in crate::cloud_map) attributes: BTreeMap<String, String>,
    pub(in crate::cloud_map) health: Health,
}

impl Instance {
    /// The attribute of the first health counts here and never again.
    pub(super) fn new(is_checked: bool, attributes: BTreeMap<String, String>) -> Self {
        let initial = attributes.get("AWS_INIT_HEALTH_STATUS").and_then(|name| Health::named(name));
        let health = if is_checked { initial.unwrap_or(Health::Healthy) } else { Health::Unknown };
        Self { attributes, health }
    }
}
