//! Translations on request.

use std::cell::RefCell;

use serde::ser::{Error as _, SerializeSeq as _, SerializeStruct as _};
use serde::{Serialize, Serializer};

use super::options::Flat;
use super::{Error, to_json};
use crate::cloud_map::{DEFAULT_SOURCE, InputOptions, Record, parse};
use crate::diagnostic::Diagnostic;
use crate::order;
use crate::translate::{Options, Translator};

/// All of [`Options`], and beside them what the input itself may not say: `namespace`, `service`,
/// `source`, `region`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TranslateOptions {
    names: InputOptions,
    translation: Options,
}

impl TranslateOptions {
    /// Of a JSON object.
    ///
    /// # Errors
    /// [`Error::InvalidOptions`], with the path of what is unknown or has a bad value.
    pub fn read(text: &str) -> Result<Self, Error> {
        let mut options = Flat::read(text)?;
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

/// A translation, made while it is written: `{"serviceEntries": [...], "diagnostics": [...]}`. Each
/// entry is let go of before the next is made, so that all of them are never held beside the text.
#[derive(Debug)]
pub struct Translation {
    records: Vec<Record>,
    diagnostics: Vec<Diagnostic>,
    options: Options,
}

impl Translation {
    /// Of Cloud Map JSON in one of its three shapes.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], where it is none of them.
    pub fn of(input: &str, options: TranslateOptions) -> Result<Self, Error> {
        let input =
            parse(input, &options.names).map_err(|error| Error::InvalidInput(error.to_string()))?;
        Ok(Self {
            records: input.records,
            diagnostics: input.diagnostics,
            options: options.translation,
        })
    }

    /// About as many bytes as it is long when written, rather more than less: a text that grows by
    /// doubling would cost up to three times as much.
    #[must_use]
    pub fn length_hint(&self) -> usize {
        const ENTRY: usize = 768;
        const ENDPOINT: usize = 96;
        self.records.iter().map(|record| ENTRY + ENDPOINT * record.instances.len()).sum()
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// None that is known: whatever is translated can be written.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        to_json(self, self.length_hint())
    }
}

impl Serialize for Translation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = Entries { of: self, diagnostics: RefCell::default() };
        let mut answer = serializer.serialize_struct("Translation", 2)?;
        answer.serialize_field("serviceEntries", &entries)?;
        let mut diagnostics = self.diagnostics.clone();
        diagnostics.append(&mut entries.diagnostics.borrow_mut());
        order::sort(&mut diagnostics);
        answer.serialize_field("diagnostics", &diagnostics)?;
        answer.end()
    }
}

/// The entries, and the diagnostics that they leave behind.
struct Entries<'a> {
    of: &'a Translation,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut written = Ok(());
        let diagnostics =
            Translator::new(&self.of.options).translate_each(&self.of.records, |entry| {
                if written.is_ok() {
                    written = list.serialize_element(&entry);
                }
            });
        written?;
        self.diagnostics.try_borrow_mut().map_err(S::Error::custom)?.extend(diagnostics);
        list.end()
    }
}
