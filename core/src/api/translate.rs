//! The call `translate`, typed.

use std::cell::RefCell;

use serde::ser::{Error as _, SerializeSeq as _, SerializeStruct as _};
use serde::{Serialize, Serializer};

use super::{CallOptions, Error, to_json};
use crate::cloud_map::{DEFAULT_SOURCE, InputOptions, Record, parse};
use crate::diagnostic::Diagnostic;
use crate::order;
use crate::translate::{Options, Outcome, Reason, Translator};

/// All of [`Options`], and the names that the input may lack: `namespace`, `service`, `source`,
/// `region`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TranslateOptions {
    names: InputOptions,
    translation: Options,
}

impl TranslateOptions {
    /// Parses a JSON object.
    ///
    /// # Errors
    /// [`super::ErrorKind::InvalidOptions`], with the path of an option that is unknown or has a bad value.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut options = CallOptions::parse(text)?;
        let mut name = |key| options.take::<Option<String>>(key).map(Option::flatten);
        let names = InputOptions {
            namespace: name("namespace")?,
            service: name("service")?,
            source: name("source")?.unwrap_or_else(|| DEFAULT_SOURCE.to_owned()),
            region: name("region")?,
        };
        Ok(Self { names, translation: options.rest()? })
    }
}

/// Why a service's entry is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Explanation {
    /// The source's name.
    pub source: String,
    /// The Cloud Map namespace's name.
    pub namespace: String,
    /// The Cloud Map service's name.
    pub service: String,
    /// The host of its entry, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub host: Option<String>,
    /// The rule behind each part of the entry, in the order in which rules apply.
    pub reasons: Vec<Reason>,
}

/// A translation, computed while it is serialized as `{"serviceEntries": [...], "diagnostics":
/// [...]}`. Each entry is dropped before the next one is made, so memory holds the text and one entry.
#[derive(Debug)]
pub struct Translation {
    records: Vec<Record>,
    diagnostics: Vec<Diagnostic>,
    options: Options,
}

impl Translation {
    /// Parses Cloud Map JSON in one of its three shapes.
    ///
    /// # Errors
    /// [`super::ErrorKind::InvalidInput`] if the text has none of them.
    pub fn parse(input: &str, options: TranslateOptions) -> Result<Self, Error> {
        let input = parse(input, &options.names)?;
        Ok(Self {
            records: input.records,
            diagnostics: input.diagnostics,
            options: options.translation,
        })
    }

    /// An estimate of the JSON's length in bytes, rather too long than too short: a text that grows by
    /// doubling takes up to three times the memory.
    #[must_use]
    pub fn length_hint(&self) -> usize {
        const ENTRY: usize = 768;
        const ENDPOINT: usize = 96;
        self.records.iter().map(|record| ENTRY + ENDPOINT * record.instances.len()).sum()
    }

    /// Why each service's entry is as it is, as if no other service claimed its host. Sorted as the
    /// input is.
    #[must_use]
    pub fn explain(&self) -> Vec<Explanation> {
        let translator = Translator::new(&self.options);
        let explain = |record: &Record| {
            let (translation, reasons) = translator.explain(&[record], None);
            let host = match translation.outcome {
                Outcome::Entry(entry) => entry.spec.hosts.into_iter().next(),
                Outcome::Excluded | Outcome::Empty | Outcome::Failed => None,
            };
            Explanation {
                source: record.source.clone(),
                namespace: record.namespace.name.clone(),
                service: record.service.name.clone(),
                host,
                reasons,
            }
        };
        self.records.iter().map(explain).collect()
    }

    /// Serializes to JSON.
    ///
    /// # Errors
    /// If an entry can't be serialized; no such entry is known.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        to_json(self, self.length_hint())
    }
}

impl Serialize for Translation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = Entries { translation: self, diagnostics: RefCell::default() };
        let mut result = serializer.serialize_struct("Translation", 2)?;
        result.serialize_field("serviceEntries", &entries)?;
        let mut diagnostics = self.diagnostics.clone();
        diagnostics.append(&mut entries.diagnostics.borrow_mut());
        order::sort(&mut diagnostics);
        result.serialize_field("diagnostics", &diagnostics)?;
        result.end()
    }
}

/// Serializes the entries and keeps the diagnostics about them.
struct Entries<'a> {
    translation: &'a Translation,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut written = Ok(());
        let diagnostics = Translator::new(&self.translation.options).translate_each(
            &self.translation.records,
            |entry| {
                if written.is_ok() {
                    written = list.serialize_element(&entry);
                }
            },
        );
        written?;
        self.diagnostics.try_borrow_mut().map_err(S::Error::custom)?.extend(diagnostics);
        list.end()
    }
}
