//! `translate`: Cloud Map JSON in, `ServiceEntry`s out.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use istio_cloud_map_core::cloud_map::{DEFAULT_SOURCE, InputOptions, parse};
use istio_cloud_map_core::diagnostic::Severity;
use istio_cloud_map_core::translate::{Options, translate_all_through};

use super::settings::{self, Settings};
use super::transform::Transformation;
use crate::yaml;

/// Cloud Map JSON in, ServiceEntries out; no network, no cluster
///
/// Takes what `aws servicediscovery discover-instances` or `list-instances` prints, or a snapshot.
///
///   aws servicediscovery discover-instances --namespace-name my-namespace --service-name web | istio-cloud-map translate
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_override_self = true)]
pub struct Translate {
    /// The input; `-` is stdin
    #[arg(default_value = "-")]
    file: PathBuf,
    /// The Cloud Map service, where the input does not say it (list-instances)
    #[arg(long, env = "ISTIO_CLOUD_MAP_SERVICE")]
    service: Option<String>,
    /// The Cloud Map namespace, where the input does not say it (list-instances)
    #[arg(long, env = "ISTIO_CLOUD_MAP_NAMESPACE")]
    namespace: Option<String>,
    /// The name of the source, where the input does not say it
    #[arg(long, default_value = DEFAULT_SOURCE, env = "ISTIO_CLOUD_MAP_SOURCE")]
    source: String,
    /// The AWS region, where the input does not say it
    #[arg(long, env = "AWS_REGION")]
    aws_region: Option<String>,
    /// The Kubernetes namespace to write into the entries; none, if left out
    #[arg(long, env = "PUBLISH_NAMESPACE", value_parser = settings::namespace)]
    target_namespace: Option<String>,
    /// YAML documents, or one JSON List
    #[arg(short, long, value_enum, default_value_t, env = "ISTIO_CLOUD_MAP_OUTPUT")]
    output: Output,
    /// Exit with 1 if any error or warning was given
    #[arg(long, env = "ISTIO_CLOUD_MAP_STRICT")]
    strict: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    transformation: Transformation,
}

/// How entries are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Documents.
    #[default]
    Yaml,
    /// A `List`.
    Json,
}

impl Translate {
    /// Reads, translates, writes.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let options = self.settings.options()?;
        let namespace = self.target_namespace.clone().filter(|namespace| !namespace.is_empty()).or(options.target_namespace);
        let options = Options { target_namespace: namespace, ..options };
        let transform = self.transformation.load()?;
        let text = self.read()?;
        let names = InputOptions { source: self.source, region: self.aws_region, namespace: self.namespace, service: self.service };
        let input = parse(&text, &names).with_context(|| self.file.display().to_string())?;
        drop(text);
        let translated = translate_all_through(&input.records, &options, transform.as_deref());
        let text = match self.output {
            Output::Yaml => yaml::stream(&translated.entries)?,
            Output::Json => yaml::json_list(&translated.entries)?,
        };
        let diagnostics: Vec<_> = input.diagnostics.iter().chain(&translated.diagnostics).collect();
        for diagnostic in &diagnostics {
            eprintln!("{diagnostic}");
        }
        match std::io::stdout().lock().write_all(text.as_bytes()) {
            // Whoever reads has read enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            written => written.context("can't write to stdout")?,
        }
        let failed = self.strict && diagnostics.iter().any(|diagnostic| diagnostic.severity < Severity::Info);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn read(&self) -> anyhow::Result<String> {
        if self.file.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("can't read stdin")?;
            return Ok(text);
        }
        let file = self.file.display();
        std::fs::read_to_string(&self.file).with_context(|| format!("can't read {file}"))
    }
}
