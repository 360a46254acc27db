//! The settings of the operator; each part is built by its own settings.
//!
//! The command line and the configuration file ([`mod@file`]) fill a [`Config`]. [`SourceConfig::build`] makes a source of its part,
//! [`SinkConfig::build`] the sink.

pub mod file;
mod sink;
mod source;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use istio_cloud_map_core::operator::{self, Options as PlanOptions};
use istio_cloud_map_core::translate::{Mesh, Options as TranslateOptions, Transform};

use crate::cli::transform::Transformation;
use crate::driver::Sources;

pub use sink::{BuiltSink, SinkConfig, SinkKind};
pub use source::{SourceConfig, SourceKind};

/// All settings of `serve`.
#[derive(Debug, Clone)]
pub struct Config {
    /// What is read.
    pub sources: Vec<SourceConfig>,
    /// What is written to.
    pub sink: SinkConfig,
    /// How services are translated.
    pub translate: TranslateOptions,
    /// The module that changes each entry before it is written.
    pub transformation: Transformation,
    /// The same, loaded.
    pub transform: Option<Arc<dyn Transform>>,
    /// What may be written and removed.
    pub plan: PlanOptions,
    /// Time between two reads of a service.
    pub interval: Duration,
    /// The same for a service that has not changed for long.
    pub longest_interval: Duration,
    /// How long an answer that removes something must have been the same.
    pub empty_grace: Duration,
    /// Maximum number of writes at the same time.
    pub max_writes_in_flight: usize,
    /// Make one pass, then exit.
    pub once: bool,
    /// Address for probes, metrics and the status page.
    pub listen: SocketAddr,
}

impl Config {
    /// Connects to AWS and opens files; with the sources, the settings that the operator decides
    /// with.
    ///
    /// # Errors
    /// Where a source that is required can't be used, or the cluster does not answer what the
    /// settings leave to it.
    pub async fn build_sources(&self) -> anyhow::Result<(Sources, operator::Config)> {
        let (mut sources, mut regions) = (Sources::new(), Vec::new());
        for source in &self.sources {
            let (built, region) = source.build().await?;
            sources.insert(Arc::from(source.name.as_str()), built);
            regions.push(region);
        }
        let mut settings = self.operator(regions);
        if settings.translate.mesh == Mesh::Auto {
            let mesh = self.sink.mesh().await?;
            tracing::info!(?mesh, "`mesh: auto`: istiod was asked");
            settings.translate.mesh = mesh;
        }
        Ok((sources, settings))
    }

    /// What differs from other settings and can't be changed while the process runs.
    pub fn needs_restart(&self, other: &Self) -> Option<&'static str> {
        let is_changed = [
            ("`id`", self.plan.owner != other.plan.owner),
            ("`to`, `output`, `kubeConfig` or `apiVersion`", self.sink.kind != other.sink.kind),
            ("`dryRun`", self.sink.dry_run != other.sink.dry_run),
            ("`leaderElect` or `leaderElectionNamespace`", self.sink.leases != other.sink.leases),
            ("`once`", self.once != other.once),
            ("`listen`", self.listen != other.listen),
        ];
        is_changed.into_iter().find(|(_, changed)| *changed).map(|(setting, _)| setting)
    }

    /// `regions` are those of the sources, as far as they are known.
    fn operator(&self, regions: Vec<Option<String>>) -> operator::Config {
        let sources = self.sources.iter().zip(regions);
        let config = operator::Config {
            sources: sources
                .map(|(source, region)| source.operator(region, self.interval))
                .collect(),
            translate: self.translate.clone(),
            transform: self.transform.clone(),
            plan: self.plan.clone(),
            interval: self.interval,
            longest_interval: self.longest_interval,
            empty_grace: self.empty_grace,
            max_writes_in_flight: self.max_writes_in_flight,
            once: self.once,
            ..operator::Config::default()
        };
        for unread in config.unread() {
            tracing::warn!("{unread}");
        }
        config
    }
}
