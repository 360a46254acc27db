//! The translation of the Cloud Map JSON in an entry's annotation: checking the spec against it,
//! and filling it in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::difference;
use super::request::Object;
use super::settings::Settings;
use super::verdict::{Reason, Rejection, first_lines};
use crate::cloud_map::{InputError, InputOptions, parse};
use crate::diagnostic::{Diagnostic, Severity};
use crate::operator::is_empty_field;
use crate::service_entry::annotation::CLOUD_MAP;
use crate::translate::{Outcome, Translation, Translator};

/// The translation.
#[derive(Debug)]
pub(super) struct Translated {
    /// The fields of the spec that it determines; null: without the field.
    pub(super) fields: Map<String, Value>,
    /// The diagnostics.
    pub(super) warnings: Vec<String>,
}

impl Translated {
    /// Rejects an entry whose spec differs.
    pub(super) fn check(&self, entry: &Value) -> Result<(), Rejection> {
        match self.differences(entry) {
            None => Ok(()),
            Some(message) => Err(Rejection::new(Reason::CloudMap, message)),
        }
    }

    /// The entry with its spec filled in, as text and as a value; none if its spec is equal
    /// already.
    pub(super) fn fill(
        &self,
        new: &Object<'_>,
    ) -> Result<Option<(Box<RawValue>, Value)>, Rejection> {
        if self.differences(&new.value).is_none() {
            return Ok(None);
        }
        let filled = replace_fields(new.json, &self.fields).and_then(|json| {
            let entry = serde_json::from_str(json.get())?;
            Ok((json, entry))
        });
        filled.map(Some).map_err(|error| {
            Rejection::new(Reason::CloudMap, format!("spec: it can't be filled in: {error}"))
        })
    }

    /// All fields of the spec that differ, each with the path of its first difference.
    fn differences(&self, entry: &Value) -> Option<String> {
        let spec = entry.get("spec").unwrap_or(&Value::Null);
        let found = |name: &str| spec.get(name).unwrap_or(&Value::Null);
        let differing = self.fields.iter().filter_map(|(name, expected)| {
            difference::first(&format!("spec.{name}"), found(name), expected)
        });
        let places: Vec<String> = differing.collect();
        (!places.is_empty())
            .then(|| format!("the spec differs from its Cloud Map JSON: {}", places.join("; ")))
    }
}

/// The fields that keep the author's value, unless an option sets them: Cloud Map has no such data.
const LEFT_TO_THE_AUTHOR: [&str; 2] = ["location", "exportTo"];

/// Translates the annotation of an entry, if it has one.
pub(super) fn translate(
    entry: &Value,
    settings: &Settings,
) -> Result<Option<Translated>, Rejection> {
    let annotations = match entry.pointer("/metadata/annotations") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(annotations)) => annotations,
        Some(_) => {
            return Err(Rejection::new(
                Reason::Invalid,
                "metadata.annotations: it is not an object",
            ));
        }
    };
    match annotations.get(CLOUD_MAP) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(json)) => translated(json, settings).map(Some),
        Some(_) => Err(rejection("it is not a string")),
    }
}

fn translated(json: &str, settings: &Settings) -> Result<Translated, Rejection> {
    let input = parse(json, &InputOptions::default()).map_err(|error| match error {
        InputError::Unnamed { .. } => rejection("the service of its instances is unknown; expected what `aws servicediscovery discover-instances` prints, or a snapshot"),
        error => rejection(&error.to_string()),
    })?;
    refuse_errors(&input.diagnostics)?;
    let [record] = input.records.as_slice() else {
        return Err(rejection(&format!("it has {} services, expected one", input.records.len())));
    };
    let Translation { outcome, diagnostics } =
        Translator::new(&settings.translation).translate(&[record], None);
    refuse_errors(&diagnostics)?;
    let entry = match outcome {
        Outcome::Entry(entry) => entry,
        Outcome::Excluded | Outcome::Failed => {
            return Err(rejection(&format!(
                "it results in no entry; {}",
                lines(&diagnostics).join("; ")
            )));
        }
        Outcome::Empty => {
            return Err(rejection(
                "it results in no entry: no instance of it can be used, and emptyService is omit",
            ));
        }
    };
    let Ok(Value::Object(spec)) = serde_json::to_value(&entry.spec) else {
        return Err(rejection("its translation is not an object"));
    };
    let warnings = lines(&input.diagnostics).into_iter().chain(lines(&diagnostics)).collect();
    Ok(Translated { fields: determined_fields(spec), warnings })
}

fn determined_fields(mut spec: Map<String, Value>) -> Map<String, Value> {
    let value = |name: &str| {
        let value = spec.remove(name).filter(|value| !is_empty_field(value));
        let determined = value.is_some() || !LEFT_TO_THE_AUTHOR.contains(&name);
        determined.then(|| (name.to_owned(), value.unwrap_or_default()))
    };
    crate::operator::SPEC_FIELDS.into_iter().filter_map(value).collect()
}

fn refuse_errors(diagnostics: &[Diagnostic]) -> Result<(), Rejection> {
    let errors: Vec<String> = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(rejection(&first_lines(&errors, 8, 400).join("; ")))
    }
}

fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(ToString::to_string).collect()
}

fn rejection(message: &str) -> Rejection {
    Rejection::new(Reason::CloudMap, format!("the annotation {CLOUD_MAP}: {message}"))
}

type Fields = BTreeMap<String, Box<RawValue>>;

/// The entry with these fields in its spec; null: without the field. Other values keep their bytes.
fn replace_fields(
    entry: &str,
    fields: &Map<String, Value>,
) -> Result<Box<RawValue>, serde_json::Error> {
    let mut entry: Fields = serde_json::from_str(entry)?;
    let spec = entry.get("spec").map(|spec| Option::<Fields>::deserialize(&**spec)).transpose()?;
    let mut spec = spec.flatten().unwrap_or_default();
    for (name, value) in fields {
        if value.is_null() {
            spec.remove(name);
        } else {
            spec.insert(name.clone(), to_raw_value(value)?);
        }
    }
    entry.insert("spec".to_owned(), to_raw_value(&spec)?);
    to_raw_value(&entry)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_replaced_keeps_its_bytes() {
        let entry = r#"{"metadata":{"b":1.50,"a":123456789012345678901234567890},"spec":{"hosts":["old"],"resolution":"DNS","subjectAltNames":[ "x" ]}}"#;
        let fields = json!({"hosts": ["new"], "resolution": null, "ports": [{"number": 80}]});
        let text = replace_fields(entry, fields.as_object().unwrap()).unwrap();
        assert_eq!(
            text.get(),
            r#"{"metadata":{"b":1.50,"a":123456789012345678901234567890},"spec":{"hosts":["new"],"ports":[{"number":80}],"subjectAltNames":[ "x" ]}}"#
        );
    }

    #[test]
    fn an_entry_without_a_spec_gets_one() {
        let fields = json!({"hosts": ["new"]});
        for entry in ["{}", r#"{"spec":null}"#] {
            assert_eq!(
                replace_fields(entry, fields.as_object().unwrap()).unwrap().get(),
                r#"{"spec":{"hosts":["new"]}}"#
            );
        }
        assert!(replace_fields(r#"{"spec":[]}"#, fields.as_object().unwrap()).is_err());
    }
}
