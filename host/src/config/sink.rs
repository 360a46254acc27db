//! The sink: its settings, and what is made of them.

use std::path::PathBuf;
use std::sync::Arc;

use istio_cloud_map_core::service_entry::ApiVersion;
use istio_cloud_map_core::translate::Mesh;

use crate::metrics::Metrics;
use crate::sink::Sink;
use crate::sink::dir::DirSink;
use crate::sink::dry_run::DryRun;
use crate::sink::kube::{self, Events, KubeOptions, KubeSink, Leases, istiod};
use crate::sink::stdout::{Format, StdoutSink};

/// Where entries are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkConfig {
    /// What is written to.
    pub kind: SinkKind,
    /// The Kubernetes namespaces of the entries; none, if a template gives them.
    pub namespaces: Vec<String>,
    /// That of an entry that does not say its own.
    pub default_namespace: String,
    /// Only pretend to write.
    pub dry_run: bool,
    /// The namespace and the `--id` of the leases by which replicas share the sources; a cluster has
    /// such. None: this process has all sources for itself.
    pub leases: Option<(String, String)>,
    /// The namespace and the name of the pod of this process, if it is one.
    pub pod: Option<(String, String)>,
}

/// What is written to. To add a kind, add a variant, its arm in [`SinkConfig::build`], and how
/// it is written on the command line in `cli/backend.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkKind {
    /// A cluster.
    Kube {
        /// The kubeconfig; else that of the environment.
        kube_config: Option<PathBuf>,
        /// The version that entries are written in, where the cluster serves it.
        api_version: ApiVersion,
    },
    /// A directory, one file an entry.
    Dir(PathBuf),
    /// Standard output.
    Stdout {
        /// YAML documents or a JSON list.
        format: Format,
        /// Write when the one pass is over, instead of on every change.
        once: bool,
    },
}

/// A sink, and what its cluster has beside entries.
pub struct BuiltSink {
    /// The sink.
    pub sink: Arc<dyn Sink>,
    /// By which replicas share the sources.
    pub leases: Option<Leases>,
    /// For a person to see.
    pub events: Option<Events>,
}

impl SinkConfig {
    /// The same, to look at only.
    pub fn read_only(&self) -> Self {
        Self { dry_run: true, leases: None, ..self.clone() }
    }

    /// Connects to the cluster, or opens the directory.
    ///
    /// # Errors
    /// Where that is not possible.
    pub async fn build(&self, metrics: &Arc<Metrics>) -> anyhow::Result<BuiltSink> {
        let sink = match &self.kind {
            SinkKind::Kube { kube_config, api_version } => {
                let options = KubeOptions {
                    kube_config: kube_config.clone(),
                    namespaces: self.namespaces.clone(),
                    api_version: *api_version,
                    metrics: metrics.clone(),
                    ..KubeOptions::default()
                };
                let sink = KubeSink::connect(options).await?;
                let leases =
                    self.leases.as_ref().map(|(namespace, owner)| sink.leases(namespace, owner));
                let events = (!self.dry_run).then(|| sink.events(self.pod.clone()));
                return Ok(BuiltSink { sink: self.with_dry_run(sink), leases, events });
            }
            SinkKind::Dir(path) if self.dry_run => {
                self.with_dry_run(DirSink::look(path, &self.default_namespace))
            }
            SinkKind::Dir(path) => self.with_dry_run(DirSink::open(path, &self.default_namespace)?),
            SinkKind::Stdout { format, once } => self.with_dry_run(StdoutSink::new(*format, *once)),
        };
        Ok(BuiltSink { sink, leases: None, events: None })
    }

    /// The data plane that the cluster has, for `mesh: auto`.
    ///
    /// # Errors
    /// Where that can't be found out: nothing is assumed, since another answer changes the addresses
    /// of entries.
    pub async fn mesh(&self) -> anyhow::Result<Mesh> {
        // Another kind has no cluster, and is refused with `auto` before.
        let SinkKind::Kube { kube_config, .. } = &self.kind else { return Ok(Mesh::default()) };
        let options = KubeOptions { kube_config: kube_config.clone(), ..KubeOptions::default() };
        let (client, _) = kube::client(&options).await?;
        istiod::mesh(&client).await
    }

    fn with_dry_run<S: Sink + 'static>(&self, sink: S) -> Arc<dyn Sink> {
        if self.dry_run { Arc::new(DryRun(sink)) } else { Arc::new(sink) }
    }
}
