//! What an administrator sets.

use std::fmt::Display;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use thiserror::Error;

use super::host_name::ProtectedHost;
use crate::json;
use crate::translate::Options;

/// The settings of the policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Hosts that only trusted users may have an entry of. An entry's host that overlaps one
    /// counts, wildcards on both sides.
    pub protected_hosts: Vec<ProtectedHost>,
    /// Names of users as the API server sees them, `system:serviceaccount:NAMESPACE:NAME` for a
    /// service account.
    pub trusted_users: Vec<Name>,
    /// Groups of which every member is trusted.
    pub trusted_groups: Vec<Name>,
    /// Reject what Istio or the API server would reject. If not, it is warned of.
    pub reject_invalid: bool,
    /// What becomes of Cloud Map JSON in the annotation `istio-cloud-map/cloud-map`.
    pub source: SourceMode,
    /// How that JSON is translated.
    pub translation: Options,
}

/// Their keys. Each is read on its own, so that it can be named where it is wrong.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Keys<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    protected_hosts: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    trusted_users: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    trusted_groups: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    reject_invalid: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    source: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    translation: Option<&'a RawValue>,
}

/// A null that is written is no key left out: it is wrong, as any other value of the wrong type.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            protected_hosts: Vec::new(),
            trusted_users: Vec::new(),
            trusted_groups: Vec::new(),
            reject_invalid: true,
            source: SourceMode::Off,
            translation: Options::default(),
        }
    }
}

impl Settings {
    /// Reads them, or says what is wrong and where.
    pub(super) fn read(json: &str) -> Result<Self, String> {
        // A list would be read as the fields in their order.
        if !json.trim_start().starts_with('{') {
            return Err("the settings are no object".to_owned());
        }
        let keys: Keys<'_> =
            serde_json::from_str(json).map_err(|error| format!("the settings: {error}"))?;
        let default = Self::default();
        Ok(Self {
            protected_hosts: list("protectedHosts", keys.protected_hosts)?,
            trusted_users: list("trustedUsers", keys.trusted_users)?,
            trusted_groups: list("trustedGroups", keys.trusted_groups)?,
            reject_invalid: value("rejectInvalid", keys.reject_invalid)?
                .unwrap_or(default.reject_invalid),
            // To the YAML of `kubectl` an unquoted `off` is `false`.
            source: match keys.source.map(RawValue::get) {
                Some("false") => SourceMode::Off,
                _ => value("source", keys.source)?.unwrap_or(default.source),
            },
            translation: value("translation", keys.translation)?.unwrap_or(default.translation),
        })
    }

    /// Whether a user of this name, in these groups, is trusted.
    pub(super) fn trusts(&self, user: &str, groups: &[String]) -> bool {
        self.trusted_users.iter().any(|name| name.0 == user)
            || self.trusted_groups.iter().any(|name| groups.contains(&name.0))
    }
}

/// What becomes of Cloud Map JSON in an annotation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceMode {
    /// It is not looked at.
    #[default]
    Off,
    /// An entry is rejected if its spec is another than the translation.
    Check,
    /// The spec is made equal to the translation.
    Fill,
}

/// The value of a key, or none where it is left out.
fn value<'a, T: Deserialize<'a>>(
    key: &str,
    raw: Option<&'a RawValue>,
) -> Result<Option<T>, String> {
    let read = |raw: &'a RawValue| {
        json::read(raw.get()).map_err(|misread| format!("the settings: {}", misread.within(key)))
    };
    raw.map(read).transpose()
}

/// The items of a key; none, where it is left out.
fn list<T: TryFrom<String, Error: Display>>(
    key: &str,
    raw: Option<&RawValue>,
) -> Result<Vec<T>, String> {
    let texts: Vec<String> = value(key, raw)?.unwrap_or_default();
    let item = |(index, text)| {
        T::try_from(text).map_err(|error| format!("the settings: {key}[{index}]: {error}"))
    };
    texts.into_iter().enumerate().map(item).collect()
}

/// A user's or a group's name: an empty one would trust whoever has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// No name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is empty, expected a name")]
pub struct Empty;

impl TryFrom<String> for Name {
    type Error = Empty;

    fn try_from(name: String) -> Result<Self, Empty> {
        if name.trim().is_empty() { Err(Empty) } else { Ok(Self(name)) }
    }
}
