//! Name, labels and annotations of an entry.

use serde::{Deserialize as _, Deserializer, de::Error as _};

use super::options::Options;
use crate::cloud_map::{Record, account_of};
use crate::service_entry::{
    MANAGED_BY, Metadata, OWNER_LABEL, annotation, is_dns_label, is_label_value,
};
use crate::sorted::SortedMap;

/// Reads an owner: what can stand in a label, and is not nothing.
pub(super) fn owner<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if !text.is_empty() && is_label_value(&text) {
        return Ok(text);
    }
    let expected = "1 to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
    Err(D::Error::custom(format_args!(
        "`{text}` can't be the value of a label; expected {expected}"
    )))
}

/// Reads the name of a Kubernetes namespace.
pub(super) fn namespace<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    if is_dns_label(&text) {
        return Ok(Some(text));
    }
    let expected = "at most 63 lower-case letters, digits and inner hyphens";
    Err(D::Error::custom(format_args!("`{text}` is no name of a namespace; expected {expected}")))
}

/// The metadata of a record's entry.
pub(super) fn metadata(record: &Record, name: String, options: &Options) -> Metadata {
    let labels = [MANAGED_BY, (OWNER_LABEL, options.owner.as_str())];
    let mut annotations = SortedMap::new();
    let mut annotate = |key: &str, value: String| drop(annotations.insert(key.to_owned(), value));
    annotate(annotation::SOURCE, record.source.clone());
    annotate(annotation::NAMESPACE, record.namespace.key().to_owned());
    annotate(annotation::SERVICE, record.service.key().to_owned());
    if let Some(region) = &record.region {
        annotate(annotation::REGION, region.clone());
    }
    let arn = record.service.arn.as_deref().or(record.namespace.arn.as_deref());
    if let Some(account) = account_of(arn).or(record.namespace.resource_owner.as_deref()) {
        annotate(annotation::ACCOUNT, account.to_owned());
    }
    if let Some(revision) = record.instances_revision {
        annotate(annotation::REVISION, revision.to_string());
    }
    Metadata {
        name,
        namespace: options.target_namespace.clone(),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        annotations,
    }
}
