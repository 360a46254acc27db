//! The operator's settings.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::planner;
use crate::cloud_map::{Namespace, ZoneNames};
use crate::translate::{self, EntryValue, Glob, Transform};

/// The settings of the operator.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to read from.
    pub sources: Vec<SourceConfig>,
    /// The names of sources that another replica may read: their entries are kept there.
    pub elsewhere: Vec<String>,
    /// How to translate.
    pub translate: translate::Options,
    /// Changes each entry before it is planned. It is called while an event is handled, and so must
    /// be quick.
    pub transform: Option<Arc<dyn Transform>>,
    /// How to plan.
    pub plan: planner::Options,
    /// How often each service is polled (5 s). One that changed within the last two minutes is polled
    /// every second.
    pub interval: Duration,
    /// How often a service is polled that has not changed for long; the same as `interval`, or more.
    pub longest_interval: Duration,
    /// How long something must be missing, or a service empty, before a later read confirms it (10 s).
    pub empty_grace: Duration,
    /// How many reads of one account and region may be in flight at once (32).
    pub max_reads_in_flight: usize,
    /// How many writes may be in flight at once (16).
    pub max_writes_in_flight: usize,
    /// One pass, then finish.
    pub once: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            elsewhere: Vec::new(),
            translate: translate::Options::default(),
            transform: None,
            plan: planner::Options::default(),
            interval: Duration::from_secs(5),
            longest_interval: Duration::from_secs(5),
            empty_grace: Duration::from_secs(10),
            max_reads_in_flight: 32,
            max_writes_in_flight: 16,
            once: false,
        }
    }
}

/// How many times a single pass attempts a read or a write.
const MAX_ATTEMPTS_IN_ONE_PASS: u32 = 3;

impl Config {
    /// How the services of a source are translated.
    #[must_use]
    pub fn translation_of(&self, source: &SourceConfig) -> translate::Options {
        let owner = self.plan.owner.clone();
        let target_namespace = Some(source.target_namespace.clone());
        translate::Options { owner, target_namespace, ..self.translate.clone() }
    }

    /// Whether a read or write may be retried after so many failures.
    pub(super) const fn may_retry(&self, failures: u32) -> bool {
        !self.once || failures < MAX_ATTEMPTS_IN_ONE_PASS
    }

    /// What options of the translation use and a source does not read; a sentence for each.
    #[must_use]
    pub fn unread(&self) -> Vec<String> {
        let needs = |test| self.translate.any_entry_value(test);
        let attributes = needs(|value| matches!(value, EntryValue::Attribute(_)));
        let tags = needs(|value| matches!(value, EntryValue::Tag(_)));
        let unread = self.sources.iter().flat_map(|source| {
            [
                (attributes && !source.read_service_attributes)
                    .then_some(("service attributes", "readServiceAttributes")),
                (tags && !source.read_tags).then_some(("tags", "readTags")),
            ]
            .into_iter()
            .flatten()
            .map(|(what, option)| {
                format!(
                    "entryLabels or entryAnnotations use {what}, which are not read of the source `{}`, so its entries are without them; expected `{option}`",
                    source.name
                )
            })
        });
        unread.collect()
    }
}

/// The settings of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceConfig {
    /// Unique; `default` if there is only one.
    pub name: String,
    /// The AWS region, where known.
    pub region: Option<String>,
    /// Sources of one account and region have the same quota, by any name, and share one budget.
    pub quota: String,
    /// The Kubernetes namespace of its entries: a name, or a template with `{namespace}` and
    /// `{service}`, the names in Cloud Map.
    pub target_namespace: String,
    /// What the mesh calls the zones of its instances, if they are of another account. Without it,
    /// they are called the same, but in namespaces that another account shares.
    pub zones: Option<Arc<ZoneNames>>,
    /// The names of Cloud Map namespaces that are read. Another one counts as deleted.
    pub namespaces: NameFilter,
    /// The names of services that are read. Another one counts as deleted.
    pub services: NameFilter,
    /// How often namespaces and services are listed, and hints read (30 s).
    pub catalogue_interval: Duration,
    /// Read each service's attributes.
    pub read_service_attributes: bool,
    /// Read each service's tags.
    pub read_tags: bool,
    /// How many data-plane calls a second at most. The account's limit is 1,000
    /// `DiscoverInstances`, shared with its applications.
    pub max_requests_per_second: u32,
    /// How many control-plane calls a second at most. The account's limit is about 2
    /// `ListServices`.
    pub max_lists_per_second: u32,
}

impl SourceConfig {
    /// What the zones of a namespace's instances are called in the mesh. The account of a namespace
    /// that is shared has its own names.
    #[must_use]
    pub fn zones_of(&self, namespace: &Namespace) -> Option<Arc<ZoneNames>> {
        self.zones.clone().or_else(|| namespace.shared.then(Arc::default))
    }
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            name: crate::cloud_map::DEFAULT_SOURCE.to_owned(),
            region: None,
            quota: String::new(),
            target_namespace: "default".to_owned(),
            zones: None,
            namespaces: NameFilter::default(),
            services: NameFilter::default(),
            catalogue_interval: Duration::from_secs(30),
            read_service_attributes: false,
            read_tags: false,
            max_requests_per_second: 300,
            max_lists_per_second: 2,
        }
    }
}

/// Which names are read: those that match a pattern of `include`, or any if there is none, and none
/// of `exclude`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NameFilter {
    /// Patterns of the names that are read; all, if empty.
    pub include: Vec<Glob>,
    /// Patterns of the names that are not read, even if they are included.
    pub exclude: Vec<Glob>,
}

impl NameFilter {
    /// Whether this name is read.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        let matches = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
        (self.include.is_empty() || matches(&self.include)) && !matches(&self.exclude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_whose_tags_are_used_and_not_read_is_named() {
        let source = |name: &str, read_tags| SourceConfig {
            name: name.to_owned(),
            read_tags,
            ..SourceConfig::default()
        };
        let config = |translate: &str| Config {
            sources: vec![source("a", false), source("b", true)],
            translate: serde_json::from_str(translate).unwrap_or_default(),
            ..Config::default()
        };
        let unread =
            config(r#"{"overrides": [{"entryAnnotations": {"a": {"tag": "b"}}}]}"#).unread();
        assert_eq!(unread.len(), 1, "{unread:?}");
        assert!(unread.iter().all(|line| line.contains("tags") && line.contains("`a`")));
        assert_eq!(config(r#"{"entryLabels": {"a": {"attribute": "b"}}}"#).unread().len(), 2);
        assert_eq!(config(r#"{"entryLabels": {"a": "b"}}"#).unread(), [""; 0]);
    }

    #[test]
    fn a_name_is_read_that_is_included_and_not_excluded() {
        let filter = |include: &[&str], exclude: &[&str]| NameFilter {
            include: include.iter().map(|glob| Glob::from(*glob)).collect(),
            exclude: exclude.iter().map(|glob| Glob::from(*glob)).collect(),
        };
        assert!(filter(&[], &[]).allows("shop"));
        assert!(filter(&["a*", "s*"], &[]).allows("shop"));
        assert!(!filter(&["a*"], &[]).allows("shop"));
        assert!(!filter(&["s*"], &["*op"]).allows("shop"));
        assert!(!filter(&[], &["shop"]).allows("shop"));
    }
}
