//! What was found, for a person or a machine.

use std::fmt;
use std::path::Path;

use istio_cloud_map_core::diagnostic::OneLine;
use istio_cloud_map_core::service_entry::validate::Finding;
use serde::Serialize;
use serde_json::Value;

use crate::logging;

/// Which entry a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    file: String,
    /// The document's number in the file, from 1.
    document: usize,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
}

impl Entry {
    pub(super) fn new(file: &Path, document: usize, entry: &Value) -> Self {
        let text = |key| {
            entry
                .get("metadata")
                .and_then(|metadata| metadata.get(key))
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let file = file.display().to_string();
        Self {
            file,
            document,
            name: text("name").or_else(|| text("generateName")).unwrap_or_default(),
            namespace: text("namespace"),
        }
    }
}

/// A finding of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Reported {
    #[serde(flatten)]
    pub(super) entry: Entry,
    #[serde(flatten)]
    pub(super) finding: Finding,
}

/// `FILE:DOCUMENT NAME: error[Rule] PATH: message`, on one line whatever the name holds.
impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { file, document, name, namespace } = &self.entry;
        let name = if name.is_empty() { "(no name)" } else { name };
        let place = namespace
            .as_ref()
            .map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
        write!(f, "{}:{document} {}: {}", OneLine(file), OneLine(&place), self.finding)
    }
}

pub(super) fn lines(findings: &[Reported]) -> String {
    let mut text = String::new();
    for finding in findings {
        text.push_str(&finding.to_string());
        text.push('\n');
    }
    text
}

/// A list of flat objects: `jq` and spreadsheets take it as it is.
pub(super) fn json(findings: &[Reported]) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(findings).map(|text| logging::visible(&text).into_owned() + "\n")
}

/// What all files together come to.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) entries: usize,
    pub(super) invalid: usize,
    pub(super) errors: usize,
    pub(super) warnings: usize,
    /// Documents of other kinds.
    pub(super) skipped: usize,
    /// Documents of any kind that can't be read.
    pub(super) unreadable_documents: usize,
    /// Files.
    pub(super) unreadable: usize,
}

impl Totals {
    pub(super) const fn failed(&self, strict: bool) -> bool {
        self.errors > 0
            || self.unreadable_documents > 0
            || self.unreadable > 0
            || (strict && self.warnings > 0)
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, invalid, errors, warnings, skipped, unreadable_documents, unreadable } =
            *self;
        write!(
            f,
            "{}: {} valid, {invalid} invalid",
            Count(entries, "ServiceEntry", "ServiceEntries"),
            entries - invalid
        )?;
        write!(
            f,
            "; {}, {}",
            Count(errors, "error", "errors"),
            Count(warnings, "warning", "warnings")
        )?;
        if skipped > 0 {
            write!(f, "; {} of other kinds skipped", Count(skipped, "document", "documents"))?;
        }
        if unreadable_documents > 0 {
            write!(f, "; {} not read", Count(unreadable_documents, "document", "documents"))?;
        }
        if unreadable > 0 {
            write!(f, "; {} not read", Count(unreadable, "file", "files"))?;
        }
        Ok(())
    }
}

/// A number and what is counted.
struct Count(usize, &'static str, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, one, many) = self;
        write!(f, "{count} {}", if *count == 1 { one } else { many })
    }
}
