//! `validate`: `ServiceEntry` objects against Istio's rules.

mod documents;
mod json;
mod kind;
mod report;
mod yaml;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use istio_cloud_map_core::cloud_map::decode;
use istio_cloud_map_core::diagnostic::Severity;
use istio_cloud_map_core::service_entry::validate::{Finding, Rule, validate};
use serde_json::Value;

use super::streams;
use documents::shown;
use kind::Kind;
use report::{Entry, Reported, Totals};
use yaml::Octal;

/// Checks ServiceEntries of any author against Istio's rules
///
/// Takes YAML or JSON, several documents and Lists; other kinds are skipped. A finding is one line
/// on stdout. Exit: 0 valid, 1 if there is an error (with --strict also a warning) or a file or
/// document can't be read, 2 wrong usage.
///
/// Examples:
///
///   istio-cloud-map validate entries/*.yaml
///   kubectl get serviceentries -A -o yaml | istio-cloud-map validate
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_override_self = true)]
pub struct Validate {
    /// The files; `-` is stdin
    #[arg(default_value = "-")]
    files: Vec<PathBuf>,
    /// One line a finding, or one JSON document
    #[arg(short, long, value_enum, default_value_t, env = "ISTIO_CLOUD_MAP_VALIDATE_OUTPUT")]
    output: Output,
    /// Exit with 1 if any error or warning was given
    #[arg(long, env = "ISTIO_CLOUD_MAP_STRICT")]
    strict: bool,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Lines.
    #[default]
    Text,
    /// A list of objects.
    Json,
}

impl Validate {
    /// Reads, judges, writes.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let mut judged = Judged::default();
        for file in &self.files {
            match text(file) {
                Ok(text) => judged.file(file, &text),
                Err(error) => {
                    judged.unreadable(one_line(&format!("{}: {error:#}", file.display())));
                }
            }
        }
        let text = match self.output {
            Output::Text => report::lines(&judged.findings),
            Output::Json => report::json(&judged.findings)?,
        };
        streams::write(&text)?;
        judged.messages.iter().for_each(|line| streams::message(format_args!("error: {line}")));
        streams::message(&judged.totals);
        Ok(if judged.totals.failed(self.strict) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Judged {
    totals: Totals,
    findings: Vec<Reported>,
    /// Why files and documents can't be read.
    messages: Vec<String>,
}

impl Judged {
    fn file(&mut self, file: &Path, text: &str) {
        for (index, document) in documents::read(text).iter().enumerate() {
            let number = index + 1;
            match document {
                Ok(document) => {
                    self.document((file, number), &document.value, "", &document.octals);
                }
                Err(message) => self.unreadable_document((file, number), message),
            }
        }
    }

    fn unreadable(&mut self, message: String) {
        self.totals.unreadable += 1;
        self.messages.push(message);
    }

    fn unreadable_document(&mut self, (file, number): (&Path, usize), message: &str) {
        self.totals.unreadable_documents += 1;
        self.messages.push(one_line(&format!("{}:{number}: {message}", file.display())));
    }

    /// A document is an entry, a list of them, or something else. `within` is the path that the
    /// entry has in its document.
    fn document(&mut self, place: (&Path, usize), value: &Value, within: &str, octals: &[Octal]) {
        if !value.is_object() {
            return self.unreadable_document(
                place,
                &format!(
                    "{} is {}, expected an object",
                    within.trim_end_matches('.'),
                    shown(value)
                ),
            );
        }
        if let Some(message) = kind::error_of_the_api_server(value) {
            return self.unreadable_document(place, &message);
        }
        if let Some(items) = kind::items(value) {
            for (index, item) in items.iter().enumerate() {
                self.document(place, item, &format!("{within}items[{index}]."), octals);
            }
            return;
        }
        let findings = match kind::of(value) {
            Kind::Other => {
                self.totals.skipped += 1;
                return;
            }
            Kind::Misspelt(finding) => vec![finding],
            Kind::Entry => with_octals(validate(value), within, octals),
        };
        self.totals.entries += 1;
        let count =
            |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        self.totals.errors += count(Severity::Error);
        self.totals.warnings += count(Severity::Warning);
        self.totals.invalid += usize::from(count(Severity::Error) > 0);
        let entry = Entry::new(place.0, place.1, value);
        self.findings
            .extend(findings.into_iter().map(|finding| Reported { entry: entry.clone(), finding }));
    }
}

/// A number in octal is a fault of its own only where nothing else is wrong with it.
fn with_octals(mut findings: Vec<Finding>, within: &str, octals: &[Octal]) -> Vec<Finding> {
    for octal in octals {
        let Some(path) = octal.path.strip_prefix(within) else { continue };
        let written = format!("`{}` is written as octal: {}", octal.text, octal.number);
        match findings.iter_mut().find(|finding| finding.path == path) {
            Some(finding) => finding.message = format!("{}; {written}", finding.message),
            None => findings.push(Finding {
                severity: Rule::OctalNumber.severity(),
                path: path.to_owned(),
                rule: Rule::OctalNumber,
                message: format!("{written}; without the leading zero it is decimal"),
            }),
        }
    }
    findings
}

fn text(file: &Path) -> anyhow::Result<String> {
    let bytes = if file.as_os_str() == "-" {
        streams::read(file)?
    } else {
        std::fs::read(file).context("can't read it")?
    };
    Ok(decode(&bytes)?.into_owned())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
