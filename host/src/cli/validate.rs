//! `validate`: what Istio would say of `ServiceEntry` objects.

mod documents;
mod report;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use istio_cloud_map_core::diagnostic::Severity;
use istio_cloud_map_core::service_entry::validate::validate;
use serde_json::Value;

use report::{Entry, Said, Totals};

/// Checks service entries, whoever wrote them, against Istio's rules
///
/// Takes YAML or JSON, several documents and Lists; other kinds are skipped. A finding is one line on stdout. Exit: 0 valid, 1 if there is an error
/// (with --strict also a warning) or a file can't be read, 2 wrong usage.
///
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
        let (mut totals, mut said) = (Totals::default(), Vec::new());
        for file in &self.files {
            match read(file).and_then(|text| documents::of(&text)) {
                Ok(documents) => documents.iter().enumerate().for_each(|(index, document)| {
                    judge(file, index + 1, document, &mut totals, &mut said);
                }),
                Err(error) => {
                    totals.unreadable += 1;
                    // One line, whatever the causes are made of.
                    let line = format!("{}: {error:#}", file.display()).split_whitespace().collect::<Vec<_>>().join(" ");
                    eprintln!("error: {line}");
                }
            }
        }
        let text = match self.output {
            Output::Text => report::lines(&said),
            Output::Json => report::json(&said)?,
        };
        match std::io::stdout().lock().write_all(text.as_bytes()) {
            // Whoever reads has read enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            written => written.context("can't write to stdout")?,
        }
        eprintln!("{totals}");
        Ok(if totals.failed(self.strict) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// A document is an entry, a list of them, or something else.
fn judge(file: &Path, number: usize, document: &Value, totals: &mut Totals, said: &mut Vec<Said>) {
    let kind = document.get("kind").and_then(Value::as_str).unwrap_or_default();
    if let Some(items) = document.get("items").and_then(Value::as_array).filter(|_| kind.ends_with("List")) {
        for item in items {
            judge(file, number, item, totals, said);
        }
        return;
    }
    // Without a kind it may be an entry whose author forgot it.
    if !kind.is_empty() && kind != "ServiceEntry" {
        totals.skipped += 1;
        return;
    }
    totals.entries += 1;
    let findings = validate(document);
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    totals.errors += count(Severity::Error);
    totals.warnings += count(Severity::Warning);
    totals.invalid += usize::from(count(Severity::Error) > 0);
    let entry = Entry::of(file, number, document);
    said.extend(findings.into_iter().map(|finding| Said { entry: entry.clone(), finding }));
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str() != "-" {
        return std::fs::read_to_string(file).context("can't read it");
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("can't read stdin")?;
    Ok(text)
}
