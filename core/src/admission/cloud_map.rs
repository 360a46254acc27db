//! The spec that the Cloud Map JSON in an entry's annotation says.

use serde_json::{Map, Value};

use super::settings::Settings;
use super::verdict::{Reason, Rejection, first};
use crate::cloud_map::{InputError, InputOptions, parse};
use crate::diagnostic::{Diagnostic, Severity};
use crate::operator::is_empty_field;
use crate::service_entry::annotation::CLOUD_MAP;
use crate::translate::{Outcome, Translation, Translator};

/// What the JSON says.
#[derive(Debug)]
pub(super) struct Translated {
    /// The fields that the translation decides, each with its value or null: none.
    pub(super) fields: Map<String, Value>,
    /// What there is to say about the translation.
    pub(super) warnings: Vec<String>,
}

/// Where Cloud Map has nothing to say unless an option does: what the author wrote stays.
const LEFT_TO_THE_AUTHOR: [&str; 2] = ["location", "exportTo"];

/// The translation of the annotation of an entry, or none where there is no annotation.
pub(super) fn of(entry: &Value, settings: &Settings) -> Result<Option<Translated>, Rejection> {
    let annotations = match entry.pointer("/metadata/annotations") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(annotations)) => annotations,
        Some(_) => {
            return Err(Rejection::new(Reason::Invalid, "metadata.annotations: it is no object"));
        }
    };
    match annotations.get(CLOUD_MAP) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(json)) => translated(json, settings).map(Some),
        Some(_) => Err(rejection("it is no string")),
    }
}

fn translated(json: &str, settings: &Settings) -> Result<Translated, Rejection> {
    let input = parse(json, &InputOptions::default()).map_err(|error| match error {
        InputError::Unnamed { .. } => rejection("nothing in it says which service its instances belong to; expected what `aws servicediscovery discover-instances` prints, or a snapshot"),
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
                "no entry comes of it; {}",
                lines(&diagnostics).join("; ")
            )));
        }
        Outcome::Empty => {
            return Err(rejection(
                "no entry comes of it: no instance of it can be used, and emptyService is omit",
            ));
        }
    };
    let Ok(Value::Object(spec)) = serde_json::to_value(&entry.spec) else {
        return Err(rejection("its translation is no object"));
    };
    let warnings = lines(&input.diagnostics).into_iter().chain(lines(&diagnostics)).collect();
    Ok(Translated { fields: decided(spec), warnings })
}

fn decided(mut spec: Map<String, Value>) -> Map<String, Value> {
    let value = |name: &str| {
        let value = spec.remove(name).filter(|value| !is_empty_field(value));
        let decided = value.is_some() || !LEFT_TO_THE_AUTHOR.contains(&name);
        decided.then(|| (name.to_owned(), value.unwrap_or_default()))
    };
    crate::operator::SPEC_FIELDS.into_iter().filter_map(value).collect()
}

fn refuse_errors(diagnostics: &[Diagnostic]) -> Result<(), Rejection> {
    let errors: Vec<String> = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(rejection(&first(&errors, 8, 400).join("; "))) }
}

fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(ToString::to_string).collect()
}

fn rejection(message: &str) -> Rejection {
    Rejection::new(Reason::CloudMap, format!("the annotation {CLOUD_MAP}: {message}"))
}
