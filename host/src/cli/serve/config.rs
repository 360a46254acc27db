//! What the flags and the configuration file become: the [`Config`].

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;

use istio_cloud_map_core::cloud_map::{DEFAULT_SOURCE, InputOptions};
use istio_cloud_map_core::operator::{self, NameFilter};
use istio_cloud_map_core::service_entry::ApiVersion;
use istio_cloud_map_core::translate::Mesh;

use super::Serve;
use crate::cli::Usage;
use crate::cli::backend::{SinkArg, SourceArg};
use crate::cli::translate::Output;
use crate::config::file::SourceEntry;
use crate::config::{Config, SinkConfig, SinkKind, SourceConfig, SourceKind};
use crate::sink::stdout::Format;
use crate::source::aws::AwsOptions;

/// Where Kubernetes mounts a pod's own namespace.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

impl Serve {
    /// The configuration file, if there is one.
    pub fn config_file(&self) -> Option<&Path> {
        self.config.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// The settings of the flags and of the file.
    pub fn config(&self) -> anyhow::Result<Config> {
        let namespace = self.target_namespace();
        let translate = self.settings.options(&self.file.translation)?;
        if translate.mesh == Mesh::Auto && self.to != SinkArg::Kube {
            let message = "`mesh: auto` needs a cluster to ask: with --to dir: or -, set `mesh` to sidecar or ambient";
            return Err(Usage(message.to_owned()).into());
        }
        let sources = self.sources(&namespace)?;
        Ok(Config {
            sink: self.sink(&sources, namespace, translate.api_version),
            sources,
            translate,
            transformation: self.transformation.clone(),
            transform: self.transformation.load()?,
            plan: operator::Options {
                owner: self.settings.id.clone(),
                policy: self.safety.policy.into(),
                adopt: self.safety.adopt,
                max_delete_percent: self.safety.max_delete_percent,
                force_deletes: self.safety.force_deletes,
            },
            interval: self.reading.interval.shortest,
            longest_interval: self.reading.interval.longest,
            empty_grace: self.safety.empty_grace,
            max_writes_in_flight: self.max_writes_in_flight.into(),
            once: self.once,
            listen: self.listen,
        })
    }

    fn target_namespace(&self) -> String {
        let given = self.namespace.clone().filter(|namespace| !namespace.is_empty());
        given.or_else(pod_namespace).unwrap_or_else(|| "default".to_owned())
    }

    /// The namespace and the owner of the leases, if this process shares its sources.
    fn leases(&self, default_namespace: &str) -> Option<(String, String)> {
        let shares = self.leader_elect && !self.once && !self.dry_run && self.to == SinkArg::Kube;
        let given =
            self.leader_election_namespace.clone().filter(|namespace| !namespace.is_empty());
        let namespace =
            given.or_else(pod_namespace).unwrap_or_else(|| default_namespace.to_owned());
        shares.then(|| (namespace, self.settings.id.clone()))
    }

    /// The sources of the configuration file, else the one of the flags.
    fn sources(&self, namespace: &str) -> anyhow::Result<Vec<SourceConfig>> {
        let source = self.source(namespace);
        if self.file.sources.is_empty() {
            return Ok(vec![source]);
        }
        if self.from != SourceArg::Aws {
            let message = "--from can't be combined with `sources` of the configuration file: remove one of them";
            return Err(Usage(message.to_owned()).into());
        }
        self.file.sources.iter().map(|entry| self.source_of(entry, &source)).collect()
    }

    /// A source of the configuration file. What it leaves open is as the flags have it.
    fn source_of(&self, entry: &SourceEntry, flags: &SourceConfig) -> anyhow::Result<SourceConfig> {
        let kind = match (&entry.file, &flags.kind) {
            (Some(path), _) => SourceKind::File(
                path.clone(),
                InputOptions { region: None, ..self.input_options() },
            ),
            (None, SourceKind::Aws(flags)) => {
                let region = entry.region.clone().or_else(|| flags.region.clone());
                if region.is_none() {
                    return Err(Usage(format!(
                        "the source `{}` has no region: set its `region`, or --aws-region or AWS_REGION for all that have none",
                        entry.name
                    ))
                    .into());
                }
                SourceKind::Aws(AwsOptions {
                    region,
                    endpoint_url: entry.endpoint_url.clone().or_else(|| flags.endpoint_url.clone()),
                    data_endpoint_url: entry
                        .data_endpoint_url
                        .clone()
                        .or_else(|| flags.data_endpoint_url.clone()),
                    role_arn: entry.role_arn.clone(),
                    external_id: entry.external_id.clone(),
                    ..flags.clone()
                })
            }
            (None, SourceKind::File(..)) => flags.kind.clone(),
        };
        Ok(SourceConfig {
            name: entry.name.clone(),
            kind,
            is_required: false,
            namespaces: entry.namespaces.clone(),
            services: entry.services.clone(),
            target_namespace: entry
                .target_namespace
                .clone()
                .unwrap_or_else(|| flags.target_namespace.clone()),
            zones: entry.zones(),
            catalogue_interval: flags.catalogue_interval,
            read_service_attributes: entry
                .read_service_attributes
                .unwrap_or(flags.read_service_attributes),
            read_tags: entry.read_tags.unwrap_or(flags.read_tags),
            max_requests_per_second: entry
                .max_requests_per_second
                .map_or(flags.max_requests_per_second, NonZeroU32::get),
        })
    }

    fn input_options(&self) -> InputOptions {
        InputOptions {
            region: self.reading.aws_region.clone().filter(|region| !region.is_empty()),
            namespace: self.names.cloud_map_namespace.clone(),
            service: self.names.cloud_map_service.clone(),
            ..InputOptions::default()
        }
    }

    /// The source of the flags.
    fn source(&self, namespace: &str) -> SourceConfig {
        let options = self.input_options();
        let kind = match &self.from {
            SourceArg::Aws => SourceKind::Aws(AwsOptions {
                region: options.region,
                endpoint_url: self.endpoints.endpoint_url.clone(),
                data_endpoint_url: self.endpoints.data_endpoint_url.clone(),
                use_dual_stack: self.endpoints.use_dual_stack,
                use_fips: self.endpoints.use_fips,
                call_timeout: self.reading.call_timeout,
                ..AwsOptions::default()
            }),
            SourceArg::File(path) => SourceKind::File(path.clone(), options),
        };
        SourceConfig {
            name: DEFAULT_SOURCE.to_owned(),
            kind,
            is_required: true,
            namespaces: NameFilter::default(),
            services: NameFilter::default(),
            target_namespace: namespace.to_owned(),
            zones: None,
            catalogue_interval: self.reading.catalogue_interval,
            read_service_attributes: self.reading.read_service_attributes,
            read_tags: self.reading.read_tags,
            max_requests_per_second: self.reading.max_requests_per_second,
        }
    }

    fn sink(
        &self,
        sources: &[SourceConfig],
        default_namespace: String,
        api_version: ApiVersion,
    ) -> SinkConfig {
        let targets: BTreeSet<&str> =
            sources.iter().map(|source| source.target_namespace.as_str()).collect();
        let has_template = targets.iter().any(|target| target.contains('{'));
        let namespaces = if has_template {
            Vec::new()
        } else {
            targets.into_iter().map(str::to_owned).collect()
        };
        let kind = match &self.to {
            SinkArg::Kube => SinkKind::Kube { kube_config: self.kube_config.clone(), api_version },
            SinkArg::Dir(path) => SinkKind::Dir(path.clone()),
            SinkArg::Stdout => SinkKind::Stdout {
                format: if self.output == Output::Json { Format::Json } else { Format::Yaml },
                once: self.once,
            },
        };
        let leases = self.leases(&default_namespace);
        let pod = pod_namespace().zip(std::env::var("HOSTNAME").ok());
        SinkConfig { kind, namespaces, default_namespace, dry_run: self.dry_run, leases, pod }
    }
}

/// The namespace of the pod that this process runs in.
fn pod_namespace() -> Option<String> {
    let text = std::fs::read_to_string(POD_NAMESPACE).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
