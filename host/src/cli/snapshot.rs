//! `snapshot`: Cloud Map as one JSON file.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Arg, Args};
use istio_cloud_map_core::cloud_map::Record;
use istio_cloud_map_core::diagnostic::Code;
use istio_cloud_map_core::translate::Mesh;

use super::looking;
use super::serve::Serve;
use super::streams;
use crate::rehearsal::{self, read_all};
use crate::snapshot::{Redaction, json};
use crate::source::recording::RecordingSource;

/// Time between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Read Cloud Map, and write it as one JSON file
///
/// For support, for tests, and for `--from file:`, which gives the same entries. Takes the flags of
/// serve that say what is read; with --read-service-attributes and --read-tags, hints are read too.
/// Writes nothing unless all could be read: exit 1 then.
///
/// Examples:
///
///   istio-cloud-map snapshot snapshot.json --aws-region us-west-2
///   istio-cloud-map snapshot --redact --config config.yaml > for-support.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_override_self = true, mut_args(adapted))]
pub struct Snapshot {
    /// The file to write; - is stdout
    #[arg(default_value = "-", value_name = "FILE")]
    file: PathBuf,
    /// Hide addresses, account ids, instance ids, and values that do not decide about the entries
    #[arg(long, env = "ISTIO_CLOUD_MAP_REDACT")]
    redact: bool,
    #[command(flatten)]
    pub serve: Serve,
}

/// The flags of `serve` that say what is read.
const LISTED: [&str; 17] = [
    "file",
    "redact",
    "config",
    "from",
    "aws_region",
    "call_timeout",
    "max_requests_per_second",
    "read_service_attributes",
    "read_tags",
    "endpoint_url",
    "data_endpoint_url",
    "use_dual_stack",
    "use_fips",
    "cloud_map_namespace",
    "cloud_map_service",
    "log_format",
    "log_level",
];

/// A flag of `serve` as it is here.
fn adapted(arg: Arg) -> Arg {
    if LISTED.contains(&arg.get_id().as_str()) { arg } else { looking::hidden(arg) }
}

impl Snapshot {
    /// Reads, and writes the file.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut config = self.serve.config()?;
        // What the translation makes of it is not asked, nor is a cluster.
        config.translate.mesh = Mesh::default();
        let (mut records, outcome) = looking::block_on(async {
            let mut recorded = Vec::new();
            let (sources, settings) = config.build_sources().await?;
            let sources = rehearsal::recording(sources, &mut recorded);
            let reading = read_all(settings.clone(), sources);
            let outcome = tokio::select! {
                outcome = reading => outcome?,
                never = progress(&recorded) => never,
            };
            let of_source = |(name, recorded): &(String, Arc<RecordingSource>)| {
                let source = settings.sources.iter().find(|source| source.name == *name)?;
                Some(recorded.records(source))
            };
            let records: Vec<Record> = recorded.iter().filter_map(of_source).flatten().collect();
            anyhow::Ok((records, outcome))
        })??;
        let of_reads = outcome.diagnostics.iter().filter(|found| found.code == Code::ReadFailed);
        of_reads.for_each(crate::driver::diagnostic);
        if !outcome.status.is_complete() {
            bail!("Cloud Map could not be read completely: no snapshot is written");
        }
        if self.redact {
            let mut redaction = Redaction::default();
            for record in &mut records {
                redaction.apply(record);
            }
        }
        let text = json(&records)?;
        if self.file == Path::new("-") {
            streams::write(&text)?;
        } else {
            write(&self.file, &text)
                .with_context(|| format!("can't write {}", self.file.display()))?;
            tracing::info!(services = records.len(), "wrote {}", self.file.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Whole or not at all.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(directory.unwrap_or_else(|| Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// Shows how far it is, on a terminal. Never ends.
async fn progress(sources: &[(String, Arc<RecordingSource>)]) -> ! {
    let started = Instant::now();
    let is_shown = std::io::stderr().is_terminal();
    loop {
        tokio::time::sleep(PROGRESS_EVERY).await;
        if is_shown {
            let counts = sources.iter().map(|(_, source)| source.progress());
            let (listed, read) =
                counts.fold((0, 0), |sum, (listed, read)| (sum.0 + listed, sum.1 + read));
            streams::message(line(listed, read, started.elapsed()));
        }
    }
}

/// `312 of 1000 services read, 120 a second, about 6 s left`
fn line(listed: usize, read: usize, elapsed: Duration) -> String {
    let seconds = usize::try_from(elapsed.as_secs()).unwrap_or(usize::MAX).max(1);
    let rate = read / seconds;
    let left = match (listed.saturating_sub(read) * seconds).checked_div(read) {
        Some(left) => format!(", about {left} s left"),
        None => String::new(),
    };
    format!("{read} of {listed} services read, {rate} a second{left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_has_the_rate_and_the_time_that_is_left() {
        let after = Duration::from_secs(3);
        assert_eq!(
            line(1_000, 300, after),
            "300 of 1000 services read, 100 a second, about 7 s left"
        );
        assert_eq!(line(0, 0, after), "0 of 0 services read, 0 a second");
    }
}
