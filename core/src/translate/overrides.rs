//! Options for single services, chosen by glob patterns over their names.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use super::entry_values::EntryValue;
use super::entry_values::{self, EntryValues};
#[cfg(feature = "schema")]
use super::options::LabelKey;
use super::options::{Addresses, EmptyService, ExportTo, HealthMode, IpFamily, Options};
use super::ports::{PortList, PortSpec};
use crate::cloud_map::Record;
#[cfg(feature = "schema")]
use crate::schema::pattern;
use crate::service_entry::{Host, Location, Protocol};

/// Options for the services that match. A field that is not set changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
pub struct Override {
    /// The names of sources it is for; all, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Glob>,
    /// The names of Cloud Map namespaces it is for; all, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Glob>,
    /// The names of Cloud Map services it is for; all, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Glob>,
    /// The host, and with it the entry's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// The service ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<PortList>,
    /// The protocol of all ports that are not listed in `ports`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Where the service is, seen from the mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Whether the service is left out; `false` includes a service that its name, tags or
    /// attributes exclude.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthMode>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_family: Option<IpFamily>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_service: Option<EmptyService>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Addresses>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_port: Option<PortSpec>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_to: Option<ExportTo>,
    /// As in the options. Each label is that of the first override that sets it.
    #[serde(
        skip_serializing_if = "EntryValues::is_empty",
        deserialize_with = "entry_values::labels"
    )]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "pattern::entry_labels"),
        ts(as = "Option<std::collections::BTreeMap<LabelKey, EntryValue>>")
    )]
    pub entry_labels: EntryValues,
    /// As in the options. Each annotation is that of the first override that sets it.
    #[serde(
        skip_serializing_if = "EntryValues::is_empty",
        deserialize_with = "entry_values::annotations"
    )]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "pattern::entry_annotations"),
        ts(as = "Option<std::collections::BTreeMap<LabelKey, EntryValue>>")
    )]
    pub entry_annotations: EntryValues,
}

impl Override {
    fn matches(&self, source: &str, namespace: &str, service: &str) -> bool {
        let matches =
            |glob: &Option<Glob>, name: &str| glob.as_ref().is_none_or(|glob| glob.matches(name));
        matches(&self.service, service)
            && matches(&self.namespace, namespace)
            && matches(&self.source, source)
    }
}

/// The overrides that match a service, in their order.
#[derive(Debug, Clone)]
pub(super) struct Matching<'o>(Vec<&'o Override>);

impl<'o> Matching<'o> {
    pub(super) fn new(record: &Record, options: &'o Options) -> Self {
        Self::by_name(&record.source, &record.namespace.name, &record.service.name, options)
    }

    pub(super) fn by_name(
        source: &str,
        namespace: &str,
        service: &str,
        options: &'o Options,
    ) -> Self {
        Self(options.overrides.iter().filter(|o| o.matches(source, namespace, service)).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'o Override> {
        self.0.iter().copied()
    }

    /// The value from the first override that sets a field.
    pub(super) fn first<T>(&self, field: impl Fn(&'o Override) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|o| field(o))
    }
}

/// A pattern: `*` matches any text, including an empty one, `?` one character. Any other character
/// matches itself, in the same letter case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(type = "string"))]
pub struct Glob(String);

impl Glob {
    /// A pattern; any text is valid.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether the whole `text` matches. Takes time proportional to at most the product of both
    /// lengths, whatever the pattern.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (mut pattern, mut text) = (self.0.chars(), text.chars());
        // Where to continue if what follows the last `*` does not match: one character later.
        let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
        loop {
            let (before_pattern, before_text) = (pattern.clone(), text.clone());
            match (pattern.next(), text.next()) {
                (None, None) => return true,
                (Some('*'), _) => {
                    retry = Some((pattern.clone(), before_text.clone()));
                    text = before_text;
                }
                (Some('?'), Some(_)) => {}
                (Some(p), Some(t)) if p == t => {}
                _ => {
                    drop(before_pattern);
                    let Some((after_star, mut from)) = retry.take() else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    (pattern, text) = (after_star.clone(), from.clone());
                    retry = Some((after_star, from));
                }
            }
        }
    }
}

impl From<&str> for Glob {
    fn from(pattern: &str) -> Self {
        Self::new(pattern)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_first_override_that_sets_a_field_decides_it() {
        let options: Options = serde_json::from_str(
        r#"{"overrides": [{"service": "x"}, {"service": "w*", "exclude": false}, {"namespace": "n", "exclude": true, "protocol": "GRPC"}]}"#,
    )
    .unwrap();
        let web = Matching::by_name("default", "n", "web", &options);
        assert_eq!(
            (web.first(|o| o.exclude), web.first(|o| o.protocol)),
            (Some(false), Some(Protocol::Grpc))
        );
        let other = Matching::by_name("default", "m", "other", &options);
        assert_eq!(other.first(|o| o.exclude), None);
    }

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "a"),
            ("a*c", "abbc"),
            ("a*c", "ac"),
            ("?", "é"),
            ("*b*b", "abab"),
            ("", ""),
            ("a**", "a"),
        ] {
            assert!(Glob::from(pattern).matches(text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("?", ""), ("a*c", "abcd"), ("a", "A"), ("", "a"), ("*b*b", "aba"), ("??", "a")]
        {
            assert!(!Glob::from(pattern).matches(text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        assert!(!Glob::new("*a".repeat(50)).matches(&format!("{}b", "a".repeat(2000))));
    }
}
