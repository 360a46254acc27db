//! The policy under waPC: what `source: fill` writes into an entry's spec, and its verdict as a
//! whole.

use istio_cloud_map_core::admission;
use istio_cloud_map_core::cloud_map::{InputOptions, parse};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::cases::{Call, Case};
use crate::guest::{OPERATOR, Policy, create};
use crate::runner::{Question, Runner};

/// Options that are not the translation's: the policy takes the names that the JSON has.
const NAMES: [&str; 4] = ["namespace", "region", "service", "source"];

/// The filled spec, beside the spec that a translation gives. The policy writes keys in the order
/// of the alphabet.
pub struct Filled(Policy);

impl Filled {
    pub fn start() -> Self {
        Self(Policy::start())
    }
}

impl Runner for Filled {
    fn name(&self) -> &'static str {
        "policy, filled spec (waPC)"
    }

    fn question(&self, case: &Case) -> Result<Question, &'static str> {
        Ok(Question { asked: payload(case)?, expected: translated_spec(case)? })
    }

    fn answers(&self, _: Call, questions: &[&[u8]]) -> Vec<Vec<u8>> {
        questions.iter().map(|payload| filled_spec(self.0.answer("validate", payload))).collect()
    }
}

/// The verdict, beside the core's own: rejections, too.
pub struct Verdicts(Policy);

impl Verdicts {
    pub fn start() -> Self {
        Self(Policy::start())
    }
}

impl Runner for Verdicts {
    fn name(&self) -> &'static str {
        "policy, verdict (waPC)"
    }

    fn question(&self, case: &Case) -> Result<Question, &'static str> {
        let asked = payload(case)?;
        Ok(Question {
            expected: admission::validate(&asked, &|_| Err("no cluster".to_owned())).into_bytes(),
            asked,
        })
    }

    fn answers(&self, _: Call, questions: &[&[u8]]) -> Vec<Vec<u8>> {
        questions.iter().map(|payload| self.0.answer("validate", payload)).collect()
    }
}

/// An entry without a spec, which the Cloud Map JSON in its annotation fills.
fn payload(case: &Case) -> Result<Vec<u8>, &'static str> {
    if case.call != Call::Translate {
        return Err("no translation");
    }
    let entry = json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "web", "namespace": "default", "annotations": {"istio-cloud-map/cloud-map": case.input}},
    });
    let settings = json!({"source": "fill", "rejectInvalid": false, "translation": options(case)});
    Ok(json!({"request": create(OPERATOR, &entry), "settings": settings}).to_string().into_bytes())
}

fn options(case: &Case) -> Map<String, Value> {
    case.options.as_ref().map(|options| serde_json::from_str(options).unwrap()).unwrap_or_default()
}

/// Of a case that `fill` has an answer to: one service, an entry, no error.
fn translated_spec(case: &Case) -> Result<Vec<u8>, &'static str> {
    if options(case).keys().any(|key| NAMES.contains(&key.as_str())) {
        return Err("names in the options");
    }
    if parse(&case.input, &InputOptions::default()).map_or(0, |input| input.records.len()) != 1 {
        return Err("not one service");
    }
    let request = case.request.as_ref().ok_or("not one JSON value")?;
    let answer: Value = serde_json::from_slice(&request.native).unwrap();
    let diagnostics =
        answer.pointer("/ok/diagnostics").and_then(Value::as_array).ok_or("wrong options")?;
    if diagnostics.iter().any(|diagnostic| diagnostic["severity"] == "error") {
        return Err("an error in the service");
    }
    let spec = answer.pointer("/ok/serviceEntries/0/spec").ok_or("no entry")?;
    Ok(sorted(spec).to_string().into_bytes())
}

/// The spec as the module wrote it; the whole verdict where it filled none.
fn filled_spec(verdict: Vec<u8>) -> Vec<u8> {
    #[derive(Deserialize)]
    struct Verdict<'a> {
        #[serde(borrow)]
        mutated_object: Option<Entry<'a>>,
    }
    #[derive(Deserialize)]
    struct Entry<'a> {
        #[serde(borrow)]
        spec: &'a RawValue,
    }
    let spec = serde_json::from_slice::<Verdict>(&verdict)
        .unwrap()
        .mutated_object
        .map(|entry| entry.spec.get().as_bytes().to_vec());
    spec.unwrap_or(verdict)
}

/// With the keys in the order of the alphabet, however this program's `Map` keeps them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(sorted).collect(),
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(members.into_iter().collect())
        }
        other => other.clone(),
    }
}
