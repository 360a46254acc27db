//! `translate`: Cloud Map JSON in, `ServiceEntry`s out.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use istio_cloud_map_core::cloud_map::{DEFAULT_SOURCE, InputError, InputOptions, decode, parse};
use istio_cloud_map_core::diagnostic::Severity;
use istio_cloud_map_core::translate::{Options, Translator};

use super::settings::{self, CloudMapNames, Settings};
use super::transform::Transformation;
use super::{Usage, streams};
use crate::yaml;

/// Cloud Map JSON in, ServiceEntries out; no network, no cluster
///
/// Takes what `aws servicediscovery discover-instances` or `list-instances` prints, or a snapshot.
///
/// Examples:
///
///   aws servicediscovery discover-instances --namespace-name my-namespace \
///     --service-name web --max-results 1000 | istio-cloud-map translate
///   aws servicediscovery list-instances --service-id srv-1 |
///     istio-cloud-map translate --cloud-map-namespace my-namespace --cloud-map-service web
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_override_self = true)]
pub struct Translate {
    /// The input; `-` is stdin
    #[arg(default_value = "-")]
    file: PathBuf,
    #[arg(long, hide = true, env = "ISTIO_CLOUD_MAP_SERVICE", value_parser = other_spelling)]
    service: Option<String>,
    #[command(flatten)]
    names: CloudMapNames,
    /// Name of the source, where the input has none
    #[arg(long, default_value = DEFAULT_SOURCE, env = "ISTIO_CLOUD_MAP_SOURCE")]
    source: String,
    /// AWS region, where the input has none
    #[arg(long, env = "AWS_REGION", value_parser = settings::region)]
    aws_region: Option<String>,
    /// The Kubernetes namespace to write into the entries; none, if left out
    #[arg(long, alias = "target-namespace", env = "PUBLISH_NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
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
        let options = self.settings.options(&Options::default())?;
        let namespace = self
            .namespace
            .clone()
            .filter(|namespace| !namespace.is_empty())
            .or(options.target_namespace);
        let options = Options { target_namespace: namespace, ..options };
        let transform = self.transformation.load()?;
        let bytes = streams::read(&self.file)?;
        let CloudMapNames { cloud_map_namespace, cloud_map_service } = self.names;
        let names = InputOptions {
            source: self.source,
            region: self.aws_region,
            namespace: cloud_map_namespace,
            service: cloud_map_service,
        };
        let file = self.file.display();
        let input = match decode(&bytes).and_then(|text| parse(&text, &names)) {
            Err(error @ InputError::Unnamed { .. }) if self.namespace.is_some() => {
                return Err(Usage(format!(
                    "{file}: {error} (`--namespace` is the Kubernetes namespace)"
                ))
                .into());
            }
            input => input.with_context(|| file.to_string())?,
        };
        drop(bytes);
        let translated = Translator::new(&options)
            .with_transform(transform.as_deref())
            .translate_all(&input.records);
        let text = match self.output {
            Output::Yaml => yaml::stream(&translated.entries)?,
            Output::Json => yaml::json_list(&translated.entries)?,
        };
        let diagnostics: Vec<_> = input.diagnostics.iter().chain(&translated.diagnostics).collect();
        // Data before messages: stderr may be closed.
        let written = streams::write(&text);
        diagnostics.iter().for_each(streams::message);
        written?;
        let failed = self.strict
            && diagnostics.iter().any(|diagnostic| diagnostic.severity < Severity::Info);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// `--namespace` is what a Cloud Map namespace may be given to by mistake.
fn namespace(text: &str) -> Result<String, String> {
    settings::namespace(text)
        .map_err(|error| format!("{error} (the Cloud Map namespace is `--cloud-map-namespace`)"))
}

fn other_spelling(_: &str) -> Result<String, String> {
    let words =
        "the Cloud Map service is `--cloud-map-service`, and its namespace `--cloud-map-namespace`";
    Err(format!("{words}; `--namespace` is the Kubernetes namespace in every command"))
}
