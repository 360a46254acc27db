//! The operations that the stand-in knows.

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
