//! One JSON document, before its shape is known. `S`, `I` and `R` are how much of a service, an
//! instance and a revision is read at once: the types themselves on the fast path, raw text on the
//! careful one.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::{DEFAULT_SOURCE, Instance, Namespace, Record, Service, Tag};
use crate::sorted::SortedMap;

/// How many keys of a document with none of the shapes are named, and how much of each, in
/// characters.
const NAMED_KEYS: usize = 3;
const LONGEST_KEY: usize = 40;

/// What tells the shapes apart.
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
    /// The first keys with nothing to use, as a message names them.
    pub(super) other_keys: Vec<String>,
    /// `services` or `Instances` in another letter case, as it is written.
    pub(super) wrong_case: Option<String>,
}

impl<S, I, R> Document<S, I, R> {
    /// Keeps one of the first keys with nothing to use.
    fn note_other(&mut self, is_other: bool, key: &str, note: &str) {
        if is_other && self.other_keys.len() < NAMED_KEYS {
            self.other_keys
                .push(format!("`{}`{note}", key.chars().take(LONGEST_KEY).collect::<String>()));
        }
    }
}

/// A `NextToken`, of which only matters that it is there.
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
        let mut found = Document {
            services: None,
            instances: None,
            revision: None,
            has_next: false,
            has_failures: false,
            other_keys: Vec::new(),
            wrong_case: None,
        };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                // The last of two would hide what the first one holds.
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
    namespace: Namespace,
    service: Service,
    service_attributes: Option<SortedMap<String, String>>,
    tags: Option<Vec<Tag>>,
    pub(super) instances: Vec<I>,
    pub(super) instances_revision: Option<R>,
}

impl<I, R> Wire<I, R> {
    /// The same service with other instances and another revision.
    pub(super) fn with<J, Q>(self, instances: Vec<J>, instances_revision: Option<Q>) -> Wire<J, Q> {
        let Self { source, region, namespace, service, service_attributes, tags, .. } = self;
        Wire {
            source,
            region,
            namespace,
            service,
            service_attributes,
            tags,
            instances,
            instances_revision,
        }
    }

    /// The names, for messages.
    pub(super) fn names(&self) -> (&str, &str) {
        (&self.namespace.name, &self.service.name)
    }
}

impl Wire<Instance, i64> {
    /// The record; `source` and `region` stand in for what the input does not say.
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
        }
    }
}

impl From<Wire<Instance, i64>> for Record {
    fn from(wire: Wire<Instance, i64>) -> Self {
        wire.into_record(DEFAULT_SOURCE, None)
    }
}
