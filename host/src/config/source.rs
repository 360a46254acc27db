//! A source: its settings, and what is made of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use istio_cloud_map_core::cloud_map::{InputOptions, ZoneNames};
use istio_cloud_map_core::operator::{self, NameFilter, ReadError, ReadFailure};

use tokio::runtime::Handle;
use tokio::task::{JoinError, spawn_blocking};

use crate::cli::Usage;
use crate::source::Source;
use crate::source::aws::{AwsOptions, AwsSource, ConnectError};
use crate::source::file::FileSource;
use crate::source::lazy::LazySource;

/// One account and region, or one file.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Its name.
    pub name: String,
    /// What is read.
    pub kind: SourceKind,
    /// The start fails without it. Else it is opened when it is first read, and then its region is
    /// known before.
    pub is_required: bool,
    /// Which Cloud Map namespaces are read.
    pub namespaces: NameFilter,
    /// Which services are read.
    pub services: NameFilter,
    /// The Kubernetes namespace of its entries, or a template of it.
    pub target_namespace: String,
    /// What the mesh calls its zones, if that is not what they are called there.
    pub zones: Option<Arc<ZoneNames>>,
    /// Time between two lists of namespaces and services.
    pub catalogue_interval: Duration,
    /// Read each service's attributes for hints.
    pub read_service_attributes: bool,
    /// Read each service's tags for hints.
    pub read_tags: bool,
    /// Maximum number of revision and discover calls a second.
    pub max_requests_per_second: u32,
}

/// What is read. To add a kind, add a variant, its arm in [`SourceConfig::build`], and how it is
/// written on the command line in `cli/backend.rs` and `cli/serve/config.rs`.
#[derive(Debug, Clone)]
pub enum SourceKind {
    /// AWS itself.
    Aws(AwsOptions),
    /// A file of Cloud Map JSON, read again when it changes.
    File(PathBuf, InputOptions),
}

/// A file costs no calls.
const FILE_REQUESTS_PER_SECOND: u32 = 100_000;
const FILE_LISTS_PER_SECOND: u32 = 10_000;

impl SourceConfig {
    /// Connects to AWS or opens the file; with the source, the region that it turned out to be in.
    ///
    /// # Errors
    /// [`Usage`] where the settings are wrong in themselves, whatever AWS answers.
    pub async fn build(&self) -> anyhow::Result<(Arc<dyn Source>, Option<String>)> {
        if !self.is_required {
            return Ok((Arc::new(self.lazy()), self.kind.region()));
        }
        match &self.kind {
            SourceKind::Aws(options) => {
                let source = AwsSource::connect(options.clone()).await.map_err(usage)?;
                let region = source.region().to_owned();
                Ok((Arc::new(source), Some(region)))
            }
            SourceKind::File(path, options) => {
                let source = FileSource::open(path, options.clone())?;
                Ok((Arc::new(source), options.region.clone()))
            }
        }
    }

    fn lazy(&self) -> LazySource {
        let kind = self.kind.clone();
        LazySource::new(Box::new(move || {
            let kind = kind.clone();
            Box::pin(async move { kind.open().await })
        }))
    }

    /// Sources of one account and region share a quota. The account of the credentials themselves
    /// is not known, so it counts as one more.
    fn quota(&self) -> String {
        match &self.kind {
            SourceKind::Aws(options) => {
                let role = options.role_arn.as_deref();
                let account = role.and_then(|role| role.split(':').nth(4)).unwrap_or_default();
                format!("aws {account} {}", options.region.as_deref().unwrap_or_default())
            }
            SourceKind::File(..) => format!("file {}", self.name),
        }
    }

    /// The part that the operator decides with.
    pub(super) fn operator(
        &self,
        region: Option<String>,
        interval: Duration,
    ) -> operator::SourceConfig {
        let aws = operator::SourceConfig {
            name: self.name.clone(),
            region,
            quota: self.quota(),
            namespaces: self.namespaces.clone(),
            services: self.services.clone(),
            target_namespace: self.target_namespace.clone(),
            zones: self.zones.clone(),
            catalogue_interval: self.catalogue_interval,
            read_service_attributes: self.read_service_attributes,
            read_tags: self.read_tags,
            max_requests_per_second: self.max_requests_per_second,
            ..operator::SourceConfig::default()
        };
        match self.kind {
            SourceKind::Aws(_) => aws,
            SourceKind::File(..) => operator::SourceConfig {
                catalogue_interval: interval,
                // A file has its hints beside the instances.
                read_service_attributes: true,
                read_tags: true,
                max_requests_per_second: FILE_REQUESTS_PER_SECOND,
                max_lists_per_second: FILE_LISTS_PER_SECOND,
                ..aws
            },
        }
    }
}

impl SourceKind {
    fn region(&self) -> Option<String> {
        match self {
            Self::Aws(options) => options.region.clone(),
            Self::File(_, options) => options.region.clone(),
        }
    }

    /// Opens it, on a thread of its own: what blocks it must not hold up the other sources.
    async fn open(self) -> Result<Box<dyn Source>, ReadError> {
        let runtime = Handle::current();
        let open = move || -> Result<Box<dyn Source>, ReadError> {
            match self {
                Self::Aws(options) => runtime
                    .block_on(AwsSource::connect(options))
                    .map(|source| Box::new(source) as _)
                    .map_err(|error| unread(&error)),
                Self::File(path, options) => FileSource::open(path, options)
                    .map(|source| Box::new(source) as _)
                    .map_err(|error| ReadError::from(&error)),
            }
        };
        let stopped = |error: JoinError| ReadError {
            failure: ReadFailure::Unreachable,
            message: error.to_string(),
        };
        spawn_blocking(open).await.map_err(stopped)?
    }
}

/// Every one of these fails all reads of the source, and is reported once for all.
fn unread(error: &ConnectError) -> ReadError {
    let failure = match error {
        ConnectError::TooSlow { .. } => ReadFailure::Unreachable,
        _ => ReadFailure::Credentials,
    };
    ReadError { failure, message: error.to_string() }
}

fn usage(error: ConnectError) -> anyhow::Error {
    if error.is_usage() { Usage(error.to_string()).into() } else { error.into() }
}
