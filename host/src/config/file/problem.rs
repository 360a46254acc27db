//! What is wrong with a file, as a person reads it: the line, the key, what was expected.

use std::fmt;

use istio_cloud_map_core::translate::{Options, Override};
use serde::de::DeserializeOwned;
use serde_saphyr::Error;

use super::SourceEntry;

/// Names less alike than this are no typing error.
const ALIKE: f64 = 0.75;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1; none, if it is not about one line.
    pub line: Option<u64>,
    /// What, and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// All that is wrong with a file.
#[derive(Debug, Clone)]
pub struct Problems {
    /// Its path.
    pub file: String,
    /// By line.
    pub problems: Vec<Problem>,
}

/// One line for each problem.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> =
            self.problems.iter().map(|problem| format!("{}: {problem}", self.file)).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// The name that was probably meant, as the end of a message.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let by_likeness = known
        .map(|known| (strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase()), known));
    let best = by_likeness.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness >= ALIKE)
        .map_or_else(String::new, |(_, known)| format!(", did you mean `{known}`?"))
}

/// The keys of a type.
pub(super) fn keys_of<T: DeserializeOwned>() -> Vec<&'static str> {
    match serde_saphyr::from_str::<T>("\"\": 0").as_ref().map_err(Error::without_snippet) {
        Err(Error::SerdeUnknownField { expected, .. }) => expected.clone(),
        _ => Vec::new(),
    }
}

/// Says what is wrong in the words of the file.
pub(super) struct Explain<'a> {
    pub text: &'a str,
    /// The keys at the top.
    pub root: Vec<String>,
}

impl Explain<'_> {
    /// An unknown key at the top of the file: one that belongs elsewhere, or a typing error.
    pub(super) fn unknown_key(&self, key: &str) -> String {
        let elsewhere = [
            (keys_of::<Options>(), "in `translation`"),
            (keys_of::<SourceEntry>(), "in a source of `sources`"),
            (keys_of::<Override>(), "in an override of `translation.overrides`"),
        ];
        if let Some((_, place)) = elsewhere.iter().find(|(keys, _)| keys.contains(&key)) {
            return format!("unknown key `{key}`; it belongs {place}");
        }
        let hint = nearest(key, self.root.iter().map(String::as_str));
        format!("unknown key `{key}`{hint}")
    }

    /// What a parser's error means.
    pub(super) fn problem(&self, error: &Error) -> Problem {
        let line = error.location().map(|location| location.line()).filter(|line| *line > 0);
        let message = match error.without_snippet() {
            Error::SerdeUnknownField { field, expected, .. } => {
                let hint = nearest(field, expected.iter().copied());
                if hint.is_empty() {
                    format!("unknown key `{field}`; expected one of {}", expected.join(", "))
                } else {
                    format!("unknown key `{field}`{hint}")
                }
            }
            Error::SerdeUnknownVariant { variant, expected, .. } => {
                let hint = nearest(variant, expected.iter().copied());
                self.value(line, &format!("`{variant}`: expected {}{hint}", expected.join(", ")))
            }
            Error::SerdeInvalidType { unexpected, expected, .. }
            | Error::SerdeInvalidValue { unexpected, expected, .. } => {
                self.value(line, &format!("{unexpected}: expected {expected}"))
            }
            Error::DuplicateMappingKey { key: Some(key), .. } => {
                format!("the key `{key}` is there twice")
            }
            Error::Message { msg, .. } => self.value(line, msg),
            Error::Unexpected { expected: "sequence start", location } => {
                // What is there instead may begin with a key of its own.
                let key = self.key_at(location.line(), location.column());
                let key = key.map(|key| format!("`{key}`: ")).unwrap_or_default();
                format!("{key}expected a list, each item after `- `")
            }
            Error::Unexpected { expected: "mapping start", .. } => {
                self.value(line, "expected keys and values, such as `interval: 5s`")
            }
            Error::Unexpected { expected, .. } => self.value(line, &format!("expected {expected}")),
            // It ends with the position, which the message begins with.
            other => {
                let text = other.to_string();
                text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
            }
        };
        Problem { line, message }
    }

    /// A message about a value, with its key before it.
    fn value(&self, line: Option<u64>, message: &str) -> String {
        match line.and_then(|line| self.key_at(line, u64::MAX)) {
            Some(key) => format!("`{key}`: {message}"),
            None => message.to_owned(),
        }
    }

    /// The key that a value at this place belongs to: that of its line, if it is before it, else that of the nearest line above it that is
    /// indented less, as the items of a list are.
    fn key_at(&self, line: u64, column: u64) -> Option<&str> {
        let count = usize::try_from(line).ok()?;
        let lines: Vec<&str> = self.text.lines().take(count).collect();
        let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
        let mut limit = usize::try_from(column).ok()?.saturating_sub(1);
        for line in lines.into_iter().rev().filter(|line| !line.trim().is_empty()) {
            let trimmed = line.trim_start_matches([' ', '-']);
            let key = trimmed.split_once(':').map(|(key, _)| key.trim_matches(['"', '\'', ' ']));
            let is_key = |key: &&str| {
                !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
            };
            if let Some(key) = key.filter(is_key).filter(|_| indent(line) < limit) {
                return Some(key);
            }
            limit = limit.min(indent(line));
        }
        None
    }
}
