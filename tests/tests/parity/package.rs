//! The npm package in Node, both ways: on objects and on text.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use istio_cloud_map_core::api::{Error, TranslateOptions, Translation};
use serde_json::{Number, Value, json};

use crate::cases::{Call, Case};
use crate::runner::{Question, Runner, answers_by_line};

/// How its functions are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Objects,
    Text,
}

pub struct Package {
    folder: PathBuf,
    way: Way,
}

impl Package {
    /// In the folder that it is assembled in.
    pub fn new(folder: &Path, way: Way) -> Self {
        Self { folder: folder.to_owned(), way }
    }
}

impl Runner for Package {
    fn name(&self) -> &'static str {
        match self.way {
            Way::Objects => "npm package, objects (Node)",
            Way::Text => "npm package, text (Node)",
        }
    }

    fn question(&self, case: &Case) -> Result<Question, &'static str> {
        let expected = match self.way {
            Way::Objects => of_objects(case)?,
            Way::Text if case.call == Call::Translate => of_text(case).into_bytes(),
            Way::Text => return Err("no such call"),
        };
        Ok(Question { asked: ascii(&json!([case.input, case.options])), expected })
    }

    fn answers(&self, call: Call, questions: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut node = Command::new("node");
        node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/package.mjs"))
            .arg(&self.folder);
        node.args([if self.way == Way::Text { "text" } else { "objects" }, call.name()]);
        answers_by_line(node, questions).unwrap()
    }
}

fn of_objects(case: &Case) -> Result<Vec<u8>, &'static str> {
    let request = case.request.as_ref().ok_or("not one JSON value")?;
    let input: Value = serde_json::from_str(&case.input).unwrap();
    if has_number(&input, &|number| {
        number.as_i64().is_none_or(|number| number.unsigned_abs() > 1 << 53)
    }) {
        return Err("a number that JavaScript has not exactly");
    }
    Ok(request.native.clone())
}

fn has_number(value: &Value, is_such: &dyn Fn(&Number) -> bool) -> bool {
    match value {
        Value::Number(number) => is_such(number),
        Value::Array(values) => values.iter().any(|value| has_number(value, is_such)),
        Value::Object(members) => members.values().any(|value| has_number(value, is_such)),
        _ => false,
    }
}

/// What the core answers to the input as a text, which may be several JSON values.
fn of_text(case: &Case) -> String {
    let translated = || -> Result<String, Error> {
        let options = TranslateOptions::parse(case.options.as_deref().unwrap_or("{}"))?;
        Ok(Translation::parse(&case.input, options)?.to_json().unwrap())
    };
    match translated() {
        Ok(translation) => format!(r#"{{"ok":{translation}}}"#),
        Err(error) => format!(r#"{{"error":{}}}"#, error.to_json()),
    }
}

/// JSON in which all else is escaped.
fn ascii(value: &Value) -> Vec<u8> {
    let mut text = String::new();
    for character in value.to_string().chars() {
        if matches!(character, ' '..='~') {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            write!(text, "\\u{unit:04x}").unwrap();
        }
    }
    text.into_bytes()
}
