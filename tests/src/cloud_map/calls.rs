//! The operations of Cloud Map, and how often each was called and with which outcome.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::Target;
use super::wire::ErrorKind;

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        /// An operation of Cloud Map, as its service model names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $(#[doc = concat!("`", stringify!($name), "`")] $name,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The operation of that name on the wire.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

operations!(
    CreateHttpNamespace,
    CreatePrivateDnsNamespace,
    CreateService,
    DeleteNamespace,
    DeleteService,
    DeregisterInstance,
    DiscoverInstances,
    DiscoverInstancesRevision,
    GetInstance,
    GetInstancesHealthStatus,
    GetNamespace,
    GetOperation,
    GetService,
    GetServiceAttributes,
    ListInstances,
    ListNamespaces,
    ListServices,
    ListTagsForResource,
    RegisterInstance,
    TagResource,
    UpdateInstanceCustomHealthStatus,
    UpdateServiceAttributes,
);

impl Operation {
    /// Whether the data plane answers it, which throttles by another error than the control plane.
    #[must_use]
    pub const fn is_data_plane(self) -> bool {
        matches!(self, Self::DiscoverInstances | Self::DiscoverInstancesRevision)
    }

    /// The member that holds a page, with what it is when empty; none where the answer has no
    /// pages.
    pub(super) fn empty_page(self) -> Option<(&'static str, serde_json::Value)> {
        match self {
            Self::ListNamespaces => Some(("Namespaces", serde_json::json!([]))),
            Self::ListServices => Some(("Services", serde_json::json!([]))),
            Self::ListInstances => Some(("Instances", serde_json::json!([]))),
            Self::GetInstancesHealthStatus => Some(("Status", serde_json::json!({}))),
            _ => None,
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// With an answer.
    Answered,
    /// With an error.
    Refused(ErrorKind),
    /// With a fault that leaves the caller without a readable answer.
    Broken,
}

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Calls {
    arrived: BTreeMap<Operation, u64>,
    ended: BTreeMap<(Operation, Outcome), u64>,
    /// By the plain names of namespace and service.
    about_services: BTreeMap<(Operation, String, String), u64>,
    access_keys: BTreeSet<String>,
}

impl Calls {
    pub(super) fn arrive(&mut self, operation: Operation) {
        *self.arrived.entry(operation).or_default() += 1;
    }

    pub(super) fn sign(&mut self, access_key: &str) {
        if !self.access_keys.contains(access_key) {
            self.access_keys.insert(access_key.to_owned());
        }
    }

    pub(super) fn concern(&mut self, operation: Operation, target: &Target) {
        if let (Some(namespace), Some(service)) = (target.namespace.first(), target.service.first())
        {
            *self
                .about_services
                .entry((operation, namespace.clone(), service.clone()))
                .or_default() += 1;
        }
    }

    pub(super) fn end(&mut self, operation: Operation, outcome: Outcome) {
        *self.ended.entry((operation, outcome)).or_default() += 1;
    }

    pub(super) fn of(&self, operation: Operation) -> u64 {
        self.arrived.get(&operation).copied().unwrap_or_default()
    }

    pub(super) fn ended(&self, operation: Operation, outcome: Outcome) -> u64 {
        self.ended.get(&(operation, outcome)).copied().unwrap_or_default()
    }

    pub(super) fn about(&self, operation: Operation, namespace: &str, service: &str) -> u64 {
        let key = (operation, namespace.to_owned(), service.to_owned());
        self.about_services.get(&key).copied().unwrap_or_default()
    }

    pub(super) const fn access_keys(&self) -> &BTreeSet<String> {
        &self.access_keys
    }

    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}
