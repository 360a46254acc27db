//! The labels and annotations that options add to an entry: of constant values, or from the
//! service's attributes and tags. Never from instances, of which each may have other values.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::endpoints::label_value_problem;
use super::explain::{About, Rule};
use super::options::LabelKey;
use super::report::Report;
use super::settings::Settings;
use crate::cloud_map::Record;
use crate::diagnostic::{Code, Severity};
use crate::service_entry::{Metadata, annotation, is_reserved_key};
use crate::sorted::SortedMap;

/// From labels, or annotations, to their values.
pub type EntryValues = SortedMap<LabelKey, EntryValue>;

/// The value of a label or an annotation of an entry: a text; or the service attribute, or the tag,
/// that has the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub enum EntryValue {
    /// The value of the service attribute of this key.
    Attribute(String),
    /// The value of the service's tag of this key.
    Tag(String),
    /// This text.
    #[serde(untagged)]
    Text(String),
}

impl EntryValue {
    fn of<'a>(&'a self, record: &'a Record) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Attribute(key) => record.service_attributes.get(key).map(String::as_str),
            Self::Tag(key) => {
                let tags = record.tags.iter().filter(|tag| tag.key == *key);
                tags.map(|tag| tag.value.as_str()).min()
            }
        }
    }

    fn origin(&self) -> String {
        match self {
            Self::Text(_) => String::new(),
            Self::Attribute(key) => format!(" from the service attribute `{key}`"),
            Self::Tag(key) => format!(" from the tag `{key}`"),
        }
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = EntryValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a text, {"attribute": KEY} or {"tag": KEY}"#)
    }

    fn visit_str<E>(self, text: &str) -> Result<EntryValue, E> {
        Ok(EntryValue::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EntryValue, A::Error> {
        let pair = map.next_entry::<String, String>()?;
        let is_only = map.next_key::<String>()?.is_none();
        match pair {
            Some((name, key)) if is_only && name == "attribute" => Ok(EntryValue::Attribute(key)),
            Some((name, key)) if is_only && name == "tag" => Ok(EntryValue::Tag(key)),
            _ => Err(A::Error::custom(r#"expected a text, {"attribute": KEY} or {"tag": KEY}"#)),
        }
    }
}

impl<'de> Deserialize<'de> for EntryValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// Reads labels: a text has to be a label value.
pub(super) fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EntryValues, D::Error> {
    let labels = annotations(deserializer)?;
    for (key, value) in labels.iter() {
        if let EntryValue::Text(text) = value
            && let Some(problem) = label_value_problem(text)
        {
            return Err(D::Error::custom(format_args!("`{}`: {problem}", key.as_str())));
        }
    }
    Ok(labels)
}

/// Reads annotations: none of the keys is ours.
pub(super) fn annotations<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<EntryValues, D::Error> {
    let values = EntryValues::deserialize(deserializer)?;
    if let Some((key, _)) = values.iter().find(|(key, _)| is_reserved_key(key.as_str())) {
        return Err(D::Error::custom(format_args!(
            "`{}` is set by the operator itself; expected another key than app.kubernetes.io/managed-by and those under istio-cloud-map/",
            key.as_str()
        )));
    }
    Ok(values)
}

/// Adds the labels and annotations that the settings give a service's entry.
pub(super) fn add(
    metadata: &mut Metadata,
    record: &Record,
    settings: &Settings<'_>,
    report: &mut Report,
) {
    let labels = settings.entry_values(|o| &o.entry_labels, &settings.options.entry_labels);
    let annotations =
        settings.entry_values(|o| &o.entry_annotations, &settings.options.entry_annotations);
    for (key, value) in labels {
        let Some(text) = value.of(record) else { continue };
        if let Some(problem) = label_value_problem(text) {
            let message = format!("the label `{key}`{} is left out: {problem}", value.origin());
            report.service(record, Severity::Warning, Code::InvalidLabel, message);
            continue;
        }
        explain("label", key, text, value, report);
        metadata.labels.insert(key.to_owned(), text.to_owned());
    }
    for (key, value) in annotations {
        let Some(text) = value.of(record) else { continue };
        explain("annotation", key, text, value, report);
        metadata.annotations.insert(key.to_owned(), text.to_owned());
    }
    let lists = [
        (annotation::ENTRY_LABELS, keys(&metadata.labels)),
        (annotation::ENTRY_ANNOTATIONS, keys(&metadata.annotations)),
    ];
    for (list, keys) in lists {
        if !keys.is_empty() {
            metadata.annotations.insert(list.to_owned(), keys);
        }
    }
}

fn explain(what: &str, key: &str, text: &str, value: &EntryValue, report: &mut Report) {
    report.because(Rule::Metadata, About::Service, || {
        format!(
            "the {what} `{key}` is `{text}`{}: an option or an override sets it",
            value.origin()
        )
    });
}

/// The keys that options set: they have to be known when no option sets them any more.
fn keys(pairs: &SortedMap<String, String>) -> String {
    let keys = pairs.iter().map(|(key, _)| key.as_str()).filter(|key| !is_reserved_key(key));
    keys.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use serde_json::{Value, json};

    use crate::cloud_map::{InputOptions, parse};
    use crate::diagnostic::Code;
    use crate::service_entry::ServiceEntry;
    use crate::translate::{Options, Outcome, Rule, Translation, Translator};

    fn translated(options: Value) -> (ServiceEntry, Translation) {
        let input = json!({"services": [{
            "namespace": {"Name": "shop"}, "service": {"Name": "web"},
            "serviceAttributes": {"cost-center": "c-1", "note": "two words"},
            "tags": [{"Key": "Environment", "Value": "prod"}, {"Key": "Owner", "Value": "a b"}, {"Key": "mark", "Value": ""}],
            "instances": [{"InstanceId": "i", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1", "team": "evil"}}],
        }]});
        let record = parse(&input.to_string(), &InputOptions::default()).unwrap().records.remove(0);
        let options: Options = serde_json::from_value(options).unwrap();
        let translation = Translator::new(&options).translate(&[&record], None);
        let Outcome::Entry(entry) = &translation.outcome else { panic!("{translation:?}") };
        (*entry.clone(), translation)
    }

    fn labels(options: Value) -> Value {
        let mut labels = serde_json::to_value(translated(options).0.metadata.labels).unwrap();
        let map = labels.as_object_mut().unwrap();
        map.remove("app.kubernetes.io/managed-by");
        map.remove("istio-cloud-map/owner");
        labels
    }

    #[test]
    fn a_label_is_a_text_or_a_service_attribute_or_a_tag_and_nothing_where_that_is_absent() {
        assert_eq!(
            labels(json!({"entryLabels": {
                "team": "payments", "cost-center": {"attribute": "cost-center"}, "env": {"tag": "Environment"},
                "mark": {"tag": "mark"}, "absent": {"tag": "Absent"}, "instance": {"attribute": "team"},
            }})),
            json!({"team": "payments", "cost-center": "c-1", "env": "prod", "mark": ""})
        );
    }

    #[test]
    fn the_first_override_that_sets_a_label_decides_it_and_the_option_decides_the_others() {
        assert_eq!(
            labels(json!({
                "entryLabels": {"team": "a", "env": "b"},
                "overrides": [
                    {"service": "web", "entryLabels": {"team": "c"}},
                    {"entryLabels": {"team": "d", "tier": "e"}},
                    {"service": "other", "entryLabels": {"env": "f"}},
                ],
            })),
            json!({"team": "c", "env": "b", "tier": "e"})
        );
    }

    #[test]
    fn a_value_that_is_no_label_value_is_left_out_and_reported_and_is_an_annotation_all_the_same() {
        let (entry, translation) = translated(json!({
            "entryLabels": {"owner": {"tag": "Owner"}, "team": "a"},
            "entryAnnotations": {"owner": {"tag": "Owner"}, "note": {"attribute": "note"}, "text": "any: text"},
        }));
        assert!(!entry.metadata.labels.contains_key("owner"));
        let [diagnostic] = translation.diagnostics.as_slice() else { panic!("{translation:?}") };
        assert_eq!(diagnostic.code, Code::InvalidLabel);
        assert!(
            diagnostic.to_string().starts_with(
                "warning[InvalidLabel] shop/web: the label `owner` from the tag `Owner` is left out: `a b` is not a valid label value"
            ),
            "{diagnostic}"
        );
        let annotation = |key: &str| entry.metadata.annotations.get(key).map(String::as_str);
        assert_eq!(
            ["owner", "note", "text"].map(annotation),
            [Some("a b"), Some("two words"), Some("any: text")]
        );
        assert_eq!(
            ["istio-cloud-map/entry-labels", "istio-cloud-map/entry-annotations"].map(annotation),
            [Some("team"), Some("note,owner,text")]
        );
    }

    #[test]
    fn a_label_is_explained_by_where_its_value_comes_from() {
        let options: Options =
            serde_json::from_value(json!({"entryLabels": {"env": {"tag": "E"}}})).unwrap();
        let record = crate::cloud_map::Record {
            namespace: crate::cloud_map::Namespace { name: "n".to_owned(), ..<_>::default() },
            service: crate::cloud_map::Service { name: "s".to_owned(), ..<_>::default() },
            tags: vec![crate::cloud_map::Tag { key: "E".to_owned(), value: "prod".to_owned() }],
            ..<_>::default()
        };
        let reasons = Translator::new(&options).explain(&[&record], None).1;
        let reason = reasons.iter().find(|reason| reason.rule == Rule::Metadata).unwrap();
        assert_eq!(
            reason.message,
            "the label `env` is `prod` from the tag `E`: an option or an override sets it"
        );
    }

    #[test]
    fn annotations_beyond_what_the_api_server_accepts_are_an_error() {
        let options: Options =
            serde_json::from_value(json!({"entryAnnotations": {"text": "a".repeat(300_000)}}))
                .unwrap();
        let record = crate::cloud_map::Record {
            namespace: crate::cloud_map::Namespace { name: "n".to_owned(), ..<_>::default() },
            service: crate::cloud_map::Service { name: "s".to_owned(), ..<_>::default() },
            ..<_>::default()
        };
        let translation = Translator::new(&options).translate(&[&record], None);
        assert_eq!(translation.outcome, Outcome::Failed);
        let error = translation.diagnostics.iter().find(|d| d.code == Code::LimitExceeded).unwrap();
        assert!(error.message.contains("bytes of annotations, but at most 262144"), "{error}");
    }

    #[test]
    fn a_key_of_ours_and_a_text_that_is_no_label_value_are_refused_by_name() {
        for (options, words) in [
            (
                json!({"entryLabels": {"istio-cloud-map/owner": "x"}}),
                "`istio-cloud-map/owner` is set by the operator",
            ),
            (
                json!({"entryAnnotations": {"istio-cloud-map/source": {"tag": "x"}}}),
                "`istio-cloud-map/source` is set",
            ),
            (
                json!({"entryLabels": {"app.kubernetes.io/managed-by": "x"}}),
                "`app.kubernetes.io/managed-by` is set",
            ),
            (
                json!({"overrides": [{"entryLabels": {"istio-cloud-map/x": "x"}}]}),
                "`istio-cloud-map/x` is set",
            ),
            (json!({"entryLabels": {"team": "a b"}}), "`team`: `a b` is not a valid label value"),
            (json!({"entryLabels": {"a/b/c": "x"}}), "`a/b/c` is not a valid label key"),
            (json!({"entryLabels": {"team": 5}}), "expected a text"),
            (json!({"entryLabels": {"team": {"label": "x"}}}), "expected a text"),
        ] {
            let error = serde_json::from_str::<Options>(&options.to_string()).unwrap_err();
            assert!(error.to_string().contains(words), "{options}: {error}");
        }
        for value in [json!({"attribute": "a", "tag": "b"}), json!({}), json!(null), json!(["a"])] {
            let options = json!({"entryAnnotations": {"team": value}});
            assert!(serde_json::from_str::<Options>(&options.to_string()).is_err(), "{options}");
            assert!(serde_json::from_value::<Options>(options.clone()).is_err(), "{options}");
        }
    }
}
