//! The policy's settings.

use std::fmt::Display;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use thiserror::Error;

use super::owners::Owner;
use super::protection::ProtectedHost;
use crate::json;
use crate::translate::Options;

/// The settings of the policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Hosts that only trusted users may have in an entry. Hosts that overlap one count too, with
    /// wildcards on either side.
    pub protected_hosts: Vec<ProtectedHost>,
    /// Operators whose entries, and all hosts that these have in the cluster, are protected.
    pub protected_owners: Vec<Owner>,
    /// User names as the API server has them; `system:serviceaccount:NAMESPACE:NAME` for a service
    /// account.
    pub trusted_users: Vec<Name>,
    /// Groups whose members are trusted.
    pub trusted_groups: Vec<Name>,
    /// Reject what Istio or the API server would reject; otherwise warn.
    pub reject_invalid: bool,
    /// What to do with Cloud Map JSON in the annotation `istio-cloud-map/cloud-map`.
    pub source: SourceMode,
    /// The options of its translation.
    pub translation: Options,
}

/// The keys. Each value is read on its own, so that an error has its key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Keys<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    protected_hosts: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    protected_owners: Option<&'a RawValue>,
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

/// An explicit null is an error, as any other value of a wrong type; it is not an omitted key.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            protected_hosts: Vec::new(),
            protected_owners: Vec::new(),
            trusted_users: Vec::new(),
            trusted_groups: Vec::new(),
            reject_invalid: true,
            source: SourceMode::Off,
            translation: Options::default(),
        }
    }
}

impl Settings {
    /// Parses a JSON object. An error has the path of what is wrong.
    pub(super) fn parse(json: &str) -> Result<Self, String> {
        // serde reads a list as the fields in their order.
        if !json.trim_start().starts_with('{') {
            return Err("the settings are not an object".to_owned());
        }
        let keys: Keys<'_> =
            serde_json::from_str(json).map_err(|error| format!("the settings: {error}"))?;
        let default = Self::default();
        Ok(Self {
            protected_hosts: list("protectedHosts", keys.protected_hosts)?,
            protected_owners: list("protectedOwners", keys.protected_owners)?,
            trusted_users: list("trustedUsers", keys.trusted_users)?,
            trusted_groups: list("trustedGroups", keys.trusted_groups)?,
            reject_invalid: value("rejectInvalid", keys.reject_invalid)?
                .unwrap_or(default.reject_invalid),
            // In the YAML of `kubectl`, an unquoted `off` is `false`.
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

/// What to do with Cloud Map JSON in an annotation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceMode {
    /// Ignore it.
    #[default]
    Off,
    /// Reject an entry whose spec differs from the translation.
    Check,
    /// Replace the spec by the translation.
    Fill,
}

/// The value of a key; none if it is omitted.
fn value<'a, T: Deserialize<'a>>(
    key: &str,
    raw: Option<&'a RawValue>,
) -> Result<Option<T>, String> {
    let read = |raw: &'a RawValue| {
        json::read(raw.get()).map_err(|misread| format!("the settings: {}", misread.within(key)))
    };
    raw.map(read).transpose()
}

/// The items of a key; empty if it is omitted.
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

/// A user's or a group's name. An empty one is an error: it would match users without a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// The name is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is empty, expected a name")]
pub struct Empty;

impl TryFrom<String> for Name {
    type Error = Empty;

    fn try_from(name: String) -> Result<Self, Empty> {
        if name.trim().is_empty() { Err(Empty) } else { Ok(Self(name)) }
    }
}
