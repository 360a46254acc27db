//! JSON text to types, with the path in an error.

mod path;
mod words;

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// Why a text does not parse as a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misread {
    /// The path, `services[0].instances` for example; empty for the whole text.
    pub(crate) path: String,
    /// Where the text stops being JSON.
    pub(crate) position: Option<Position>,
    /// What was expected, and what is there.
    pub(crate) message: String,
}

/// A position in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in bytes.
    pub column: usize,
}

impl Position {
    pub(crate) fn new(error: &serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            return write!(f, "{position}: {}", self.message);
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl From<Misread> for String {
    fn from(misread: Misread) -> Self {
        misread.to_string()
    }
}

impl Misread {
    /// The same error in a surrounding text that has this text at `path`.
    pub(crate) fn within(self, path: &str) -> Self {
        let dot = if path.is_empty() || self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        Self { path: [path, dot, &self.path].concat(), ..self }
    }
}

/// Parses a text.
pub(crate) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Misread> {
    serde_json::from_str(text).map_err(|error| explain(text, &error))
}

/// The path is found from the error's position. A deserializer that tracks paths would be compiled
/// for every type, a fifth of a WebAssembly module.
fn explain(text: &str, error: &serde_json::Error) -> Misread {
    // Not by the error's category: some values of a wrong type count as syntax.
    if let Err(syntax) = serde_json::from_str::<IgnoredAny>(text) {
        let position = Some(Position::new(&syntax));
        return Misread { path: String::new(), position, message: message(&syntax) };
    }
    let message = match message(error).as_str() {
        "expected value" => "expected a string".to_owned(),
        message => message.to_owned(),
    };
    Misread { path: path::at(text, error.line(), error.column()), position: None, message }
}

/// The parser's message without its position, in the words of JSON.
pub(crate) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    shortened(&words::of_json(message))
}

/// A long message without its middle: the parser quotes a string in full.
fn shortened(message: &str) -> String {
    const HALF: usize = 200;
    let ends = message.char_indices().nth(HALF).zip(message.char_indices().nth_back(HALF - 1));
    match ends {
        Some(((first, _), (last, _))) if first < last => {
            [message.get(..first), Some("..."), message.get(last..)].into_iter().flatten().collect()
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Thing {
        name: String,
        #[serde(default)]
        parts: Vec<Thing>,
        #[serde(default)]
        sizes: BTreeMap<u16, bool>,
    }

    #[test]
    fn a_long_text_is_not_quoted_in_full() {
        let message = read::<bool>(&format!("\"{}\"", "é".repeat(100_000)))
            .err()
            .map(|misread| misread.message)
            .unwrap_or_default();
        assert!(
            message.chars().count() < 410
                && message.starts_with("expected a boolean, got the string \"é"),
            "{message}"
        );
        assert!(message.ends_with("é\""), "{message}");
        assert_eq!(shortened(&"é".repeat(400)), "é".repeat(400));
    }

    #[test]
    fn an_error_has_its_path_in_the_text() {
        for (text, path, words) in [
            ("{}", "", "missing field `name`"),
            ("[]", "", "invalid length 0"),
            (r#"{"name": 1}"#, "name", "expected a string, got the number 1"),
            ("{\n\"name\":\n  null\n}", "name", "expected a string, got null"),
            (r#"{"name": "a", "nam": 1}"#, "nam", "unknown field `nam`"),
            (r#"{"name": "a", "parts": {}}"#, "parts", "expected an array, got an object"),
            (r#"{"name": "a", "parts": [{"name": "b"}, {}]}"#, "parts[1]", "missing field `name`"),
            (r#"{"name": "a", "parts": [{"name": "b"}, 7]}"#, "parts[1]", "got the number 7"),
            (
                r#"{"parts": [{"name": "],{\"}", "parts": []}, {"name": [1]}], "name": "a"}"#,
                "parts[1].name",
                "expected a string, got an array",
            ),
            (r#"{"name": "a", "sizes": {"1": true, "x": true}}"#, "sizes.x", "expected"),
            (r#"{"name": "a", "sizes": {"1": true, "2": "é"}}"#, "sizes.2", "expected a boolean"),
        ] {
            let misread = read::<Thing>(text).err();
            assert_eq!(
                misread.as_ref().map(|m| m.path.as_str()),
                Some(path),
                "{text}: {misread:?}"
            );
            assert!(
                misread.is_some_and(|m| m.message.contains(words) && !m.message.contains("line")),
                "{text}"
            );
        }
    }
}
