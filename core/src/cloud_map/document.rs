//! One JSON document of any of the three shapes, and the instances in it.
//!
//! `S`, `I` and `R` are the types of a service, an instance and a revision: the values themselves
//! on the fast path, raw JSON on the lenient one.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::{DEFAULT_SOURCE, Health, Instance, Namespace, Record, Service, Tag, ZoneNames};
use crate::sorted::SortedMap;

/// The maximum number of keys that a message lists, if a document has none of the shapes.
const LISTED_KEYS: usize = 3;
/// The maximum length of each of them in characters.
const LONGEST_KEY: usize = 40;

/// The keys that distinguish the shapes.
#[derive(Debug)]
pub(super) struct Document<S, I, R> {
    /// A snapshot has it.
    pub(super) services: Option<Vec<S>>,
    /// `discover-instances` and `list-instances` have it.
    pub(super) instances: Option<Vec<I>>,
    /// `discover-instances` has it.
    pub(super) revision: Option<R>,
    /// A page that is not the last has a `NextToken`.
    pub(super) has_next: bool,
    /// `aws ecs describe-services` prints it beside its `services`.
    pub(super) has_failures: bool,
    /// The first other keys, as a message lists them.
    pub(super) other_keys: Vec<String>,
    /// `services` or `Instances` in another letter case, as it is written.
    pub(super) wrong_case: Option<String>,
}

// Derived, it would need `S`, `I` and `R` to have defaults.
impl<S, I, R> Default for Document<S, I, R> {
    fn default() -> Self {
        Self {
            services: None,
            instances: None,
            revision: None,
            has_next: false,
            has_failures: false,
            other_keys: Vec::new(),
            wrong_case: None,
        }
    }
}

impl<S, I, R> Document<S, I, R> {
    /// Keeps a key for a message, if it is one of the first.
    fn note_other(&mut self, is_other: bool, key: &str, note: &str) {
        if is_other && self.other_keys.len() < LISTED_KEYS {
            self.other_keys
                .push(format!("`{}`{note}", key.chars().take(LONGEST_KEY).collect::<String>()));
        }
    }
}

/// Whether a `NextToken` is there.
struct Token(bool);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TokenVisitor;
        impl Visitor<'_> for TokenVisitor {
            type Value = Token;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a token")
            }

            fn visit_str<E>(self, text: &str) -> Result<Token, E> {
                Ok(Token(!text.is_empty()))
            }
        }
        deserializer.deserialize_str(TokenVisitor)
    }
}

struct DocumentVisitor<S, I, R>(PhantomData<(S, I, R)>);

impl<'de, S: Deserialize<'de>, I: Deserialize<'de>, R: Deserialize<'de>> Visitor<'de>
    for DocumentVisitor<S, I, R>
{
    type Value = Document<S, I, R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `Instances` (what discover-instances and list-instances print) or `services` (a snapshot)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Document::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                // The second value would replace the first one.
                "services" if found.services.is_some() => {
                    return Err(A::Error::duplicate_field("services"));
                }
                "Instances" if found.instances.is_some() => {
                    return Err(A::Error::duplicate_field("Instances"));
                }
                "services" => {
                    found.services = map.next_value()?;
                    found.note_other(found.services.is_none(), &key, " (null)");
                }
                "Instances" => {
                    found.instances = map.next_value()?;
                    found.note_other(found.instances.is_none(), &key, " (null)");
                }
                "InstancesRevision" => found.revision = map.next_value()?,
                "NextToken" | "nextToken" => {
                    found.has_next |=
                        map.next_value::<Option<Token>>()?.is_some_and(|token| token.0);
                }
                _ => {
                    found.has_failures |= key == "failures";
                    map.next_value::<IgnoredAny>()?;
                    found.note_other(true, &key, "");
                    if key.eq_ignore_ascii_case("services") || key.eq_ignore_ascii_case("instances")
                    {
                        found.wrong_case = Some(key);
                    }
                }
            }
        }
        Ok(found)
    }
}

impl<'de, S: Deserialize<'de>, I: Deserialize<'de>, R: Deserialize<'de>> Deserialize<'de>
    for Document<S, I, R>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor(PhantomData))
    }
}

/// A service of a snapshot.
#[derive(Debug, serde::Deserialize)]
#[serde(
    rename_all = "camelCase",
    expecting = "a service: an object with `namespace`, `service` and `instances`"
)]
pub(super) struct Wire<I, R> {
    source: Option<String>,
    region: Option<String>,
    pub(super) namespace: Namespace,
    pub(super) service: Service,
    service_attributes: Option<SortedMap<String, String>>,
    tags: Option<Vec<Tag>>,
    zones: Option<ZoneNames>,
    pub(super) instances: Vec<I>,
    pub(super) instances_revision: Option<R>,
}

impl<I, R> Wire<I, R> {
    /// The same service with other instances and another revision.
    pub(super) fn with<J, Q>(self, instances: Vec<J>, instances_revision: Option<Q>) -> Wire<J, Q> {
        let Self { source, region, namespace, service, service_attributes, tags, zones, .. } = self;
        Wire {
            source,
            region,
            namespace,
            service,
            service_attributes,
            tags,
            zones,
            instances,
            instances_revision,
        }
    }
}

impl Wire<Instance, i64> {
    /// The record. `source` and `region` are the defaults.
    pub(super) fn into_record(self, source: &str, region: Option<&str>) -> Record {
        Record {
            source: self.source.unwrap_or_else(|| source.to_owned()),
            region: self.region.or_else(|| region.map(str::to_owned)),
            namespace: self.namespace,
            service: self.service,
            service_attributes: self.service_attributes.unwrap_or_default(),
            tags: self.tags.unwrap_or_default(),
            instances: self.instances,
            instances_revision: self.instances_revision,
            zones: self.zones.map(Arc::new),
        }
    }
}

impl From<Wire<Instance, i64>> for Record {
    fn from(wire: Wire<Instance, i64>) -> Self {
        wire.into_record(DEFAULT_SOURCE, None)
    }
}

/// An instance with the names that `DiscoverInstances` prints.
#[derive(Debug, Default)]
pub(super) struct Discovered {
    pub(super) namespace: Option<String>,
    pub(super) service: Option<String>,
    pub(super) instance: Instance,
}

/// The keys of an instance. In another letter case they are an error, since an ignored key would
/// leave an instance without attributes.
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
    fn parse(text: &str) -> Self {
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
                Ok(Key::parse(text))
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
        let mut id: Option<String> = None;
        let mut health: Option<Health> = None;
        let mut attributes: Option<SortedMap<String, String>> = None;
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
