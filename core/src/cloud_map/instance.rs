//! Reading an instance, in one pass and without a copy of what is not kept.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Health, Instance};
use crate::sorted::SortedMap;

/// An instance and the names that `DiscoverInstances` prints beside it.
#[derive(Debug, Default)]
pub(super) struct Discovered {
    pub(super) namespace: Option<String>,
    pub(super) service: Option<String>,
    pub(super) instance: Instance,
}

/// The keys that are read. AWS writes nothing in another letter case; who does has another idea of
/// the shape, and dropping its keys as unknown ones would make an instance without attributes of
/// it.
pub(super) const KEYS: [&str; 3] = ["Attributes", "InstanceId", "HealthStatus"];

enum Key {
    Id,
    HealthStatus,
    Attributes,
    NamespaceName,
    ServiceName,
    WrongCase(&'static str),
    Unknown,
}

impl Key {
    fn of(text: &str) -> Self {
        match text {
            "InstanceId" | "Id" => Self::Id,
            "HealthStatus" => Self::HealthStatus,
            "Attributes" => Self::Attributes,
            "NamespaceName" => Self::NamespaceName,
            "ServiceName" => Self::ServiceName,
            _ if text.eq_ignore_ascii_case("Id") => Self::WrongCase("InstanceId"),
            _ => KEYS
                .into_iter()
                .find(|key| key.eq_ignore_ascii_case(text))
                .map_or(Self::Unknown, Self::WrongCase),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key, E> {
                Ok(Key::of(text))
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct InstanceVisitor {
    with_names: bool,
}

impl<'de> Visitor<'de> for InstanceVisitor {
    type Value = Discovered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instance: an object with `InstanceId`, `Attributes` and `HealthStatus`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Discovered, A::Error> {
        let (mut id, mut health, mut attributes) =
            (None::<String>, None::<Health>, None::<SortedMap<String, String>>);
        let mut found = Discovered::default();
        let mut wrong = None;
        while let Some(key) = map.next_key()? {
            match key {
                Key::Id => id = map.next_value::<Option<String>>()?.or(id),
                Key::HealthStatus => health = map.next_value()?,
                Key::Attributes => attributes = map.next_value()?,
                Key::NamespaceName if self.with_names => found.namespace = map.next_value()?,
                Key::ServiceName if self.with_names => found.service = map.next_value()?,
                Key::WrongCase(key) => {
                    map.next_value::<IgnoredAny>()?;
                    wrong = wrong.or(Some(key));
                }
                Key::NamespaceName | Key::ServiceName | Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let Some(key) = wrong.filter(|key| match *key {
            "Attributes" => attributes.is_none(),
            "InstanceId" => id.is_none(),
            _ => health.is_none(),
        }) {
            return Err(de::Error::custom(format_args!(
                "`{key}` is written in another letter case"
            )));
        }
        found.instance = Instance {
            id: id.unwrap_or_default(),
            health_status: health.unwrap_or_default(),
            attributes: attributes.unwrap_or_default(),
        };
        Ok(found)
    }
}

impl<'de> Deserialize<'de> for Discovered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InstanceVisitor { with_names: true })
    }
}

impl<'de> Deserialize<'de> for Instance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(deserializer.deserialize_map(InstanceVisitor { with_names: false })?.instance)
    }
}
