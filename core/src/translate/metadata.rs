//! Name, labels and annotations of an entry.

use super::options::Options;
use crate::cloud_map::Record;
use crate::service_entry::{MANAGED_BY, Metadata, OWNER_LABEL, annotation};
use crate::sorted::SortedMap;

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
