//! A source: credentials, region, and each call that reads it.

use std::time::{Duration, Instant};

use istio_cloud_map_core::cloud_map::{Namespace, Service};
use istio_cloud_map_core::operator::{NamespaceOwner, Page, ReadError, ReadFailure};
use serde_json::json;
use tokio::task::spawn_blocking;

use super::bill::{self, Account};
use super::clock;
use super::report::Checks;
use crate::config::{SourceConfig, SourceKind};
use crate::source::Source;
use crate::source::aws::{AwsOptions, AwsSource, identity};
use crate::source::file::FileSource;

/// How long services are counted.
const COUNTING: Duration = Duration::from_secs(45);
/// How often a call is tried again that AWS throttles.
const MOST_RETRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);
/// Asked about where there is nothing else, to see whether the call is permitted.
const NO_SUCH: &str = "istio-cloud-map-doctor";

/// Checks a source. `interval` is the shortest and the longest between two reads of a service.
pub async fn check(config: &SourceConfig, interval: (Duration, Duration), checks: &mut Checks) {
    match &config.kind {
        SourceKind::Aws(options) => aws(config, options, interval, checks).await,
        SourceKind::File(path, options) => {
            let (file, options) = (path.clone(), options.clone());
            let opened = spawn_blocking(move || FileSource::open(file, options).map(drop)).await;
            match opened {
                Ok(Ok(())) => checks.ok("snapshot", format!("{} can be read", path.display())),
                Ok(Err(error)) => checks.failed_with("snapshot", &error.to_string()),
                Err(error) => checks.failed_with("snapshot", &error.to_string()),
            }
        }
    }
}

async fn aws(
    config: &SourceConfig,
    options: &AwsOptions,
    interval: (Duration, Duration),
    checks: &mut Checks,
) {
    let source = match AwsSource::connect(options.clone()).await {
        Ok(source) => source,
        Err(error) => return checks.failed_with("credentials", &error.to_string()),
    };
    checks.ok("region", source.region());
    match identity(options).await {
        Ok(identity) => {
            let origin = identity.origin;
            match identity.caller {
                Ok(arn) => checks.ok("credentials", format!("{arn}, by {origin}")),
                Err(reason) => checks.warning(
                    "credentials",
                    format!(
                        "loaded from {origin}; AWS STS does not report whose they are: {reason}"
                    ),
                    "if they have expired, renew them; else check the route to AWS STS",
                ),
            }
            if let Some(clocks) = identity.clocks {
                clock("AWS", clocks, checks);
            }
        }
        Err(reason) => return checks.failed_with("credentials", &reason),
    }
    let mut reader = Reader { source: &source, account: Account::default(), checks };
    let first = match reader.lists(config).await {
        Err(ReadFailure::Credentials) => return,
        Err(_) => None,
        Ok(first) => {
            reader.account.is_counted = true;
            first
        }
    };
    reader.data_plane(first.as_ref()).await;
    reader.hints(config, first.as_ref()).await;
    let Reader { account, .. } = reader;
    bill::check(account, config, interval, checks);
}

/// What is asked about.
type Found = (Namespace, Service);

/// Reads as the operator does, and counts.
struct Reader<'a> {
    source: &'a AwsSource,
    account: Account,
    checks: &'a mut Checks,
}

impl Reader<'_> {
    /// Lists everything; the first service of it, or why not everything can be listed.
    async fn lists(&mut self, config: &SourceConfig) -> Result<Option<Found>, ReadFailure> {
        let listed = self.namespaces(config).await;
        let namespaces = listed.map_err(|error| self.failed("ListNamespaces", &error))?;
        let listed = self.services(config, namespaces).await;
        listed.map_err(|error| self.failed("ListServices", &error))
    }

    async fn namespaces(&mut self, config: &SourceConfig) -> Result<Vec<Namespace>, ReadError> {
        const LIST: &str = "ListNamespaces";
        let source = self.source;
        let (mut namespaces, mut total) = (Vec::new(), 0);
        for owner in [NamespaceOwner::Own, NamespaceOwner::OtherAccounts] {
            let take = |found: Vec<Namespace>| {
                total += found.len();
                namespaces.extend(found.into_iter().filter(|n| config.namespaces.allows(&n.name)));
            };
            self.pages(|token| source.namespaces(owner, token), take).await?;
        }
        if namespaces.is_empty() {
            let message = format!("none of {total} namespaces in {} is read", source.region());
            let remedy =
                "check --aws-region, the account of the credentials, and the source's `namespaces`";
            self.checks.warning(LIST, message, remedy);
        } else {
            self.checks.ok(LIST, format!("{} of {total} namespaces are read", namespaces.len()));
        }
        Ok(namespaces)
    }

    async fn services(
        &mut self,
        config: &SourceConfig,
        mut namespaces: Vec<Namespace>,
    ) -> Result<Option<Found>, ReadError> {
        let (source, started) = (self.source, Instant::now());
        let (number, is_made_up) = (namespaces.len(), namespaces.is_empty());
        if is_made_up {
            namespaces.push(no_such());
        }
        let (mut count, mut first) = (0_u32, None);
        for namespace in namespaces {
            if started.elapsed() > COUNTING {
                self.account.is_partial = true;
                break;
            }
            let take = |found: Vec<Service>| {
                for service in found.into_iter().filter(|s| config.services.allows(&s.name)) {
                    count += 1;
                    first.get_or_insert_with(|| (namespace.clone(), service));
                }
            };
            match self.pages(|token| source.services(&namespace, token), take).await {
                Err(error) if !(is_made_up && is_answer(error.failure)) => return Err(error),
                _ => {}
            }
        }
        self.account.services = count;
        let at_least = if self.account.is_partial { "at least " } else { "" };
        let message = format!("{at_least}{count} services in {number} namespaces");
        self.checks.ok("ListServices", message);
        Ok(first)
    }

    async fn data_plane(&mut self, first: Option<&Found>) {
        let made_up = (no_such(), Service { name: NO_SUCH.to_owned(), ..Service::default() });
        let (namespace, service) = first.unwrap_or(&made_up);
        let source = self.source;
        let revision = self.call(|| source.revision(namespace, service)).await.map(drop);
        self.permitted("DiscoverInstancesRevision", revision);
        let instances = self.call(|| source.instances(namespace, service)).await.map(drop);
        self.permitted("DiscoverInstances", instances);
    }

    async fn hints(&mut self, config: &SourceConfig, first: Option<&Found>) {
        let source = self.source;
        for (operation, is_used) in [
            ("GetServiceAttributes", config.read_service_attributes),
            ("ListTagsForResource", config.read_tags),
        ] {
            let Some((namespace, service)) = first.filter(|_| is_used) else {
                if is_used {
                    self.checks.ok(operation, "not checked, since there is no service");
                }
                continue;
            };
            let answer = if operation == "GetServiceAttributes" {
                self.call(|| source.service_attributes(namespace, service)).await.map(drop)
            } else {
                self.call(|| source.tags(namespace, service)).await.map(drop)
            };
            self.permitted(operation, answer);
        }
    }

    fn permitted(&mut self, operation: &str, answer: Result<(), ReadError>) {
        match answer {
            Err(error) if !is_answer(error.failure) => drop(self.failed(operation, &error)),
            _ => self.checks.ok(operation, "permitted"),
        }
    }

    fn failed(&mut self, operation: &str, error: &ReadError) -> ReadFailure {
        let message = error.message.as_str();
        let message =
            message.strip_prefix(operation).unwrap_or(message).trim_start_matches([':', ' ']);
        let what = message.split_once("; ").map_or(message, |(what, _)| what);
        match error.failure {
            ReadFailure::AccessDenied if !what.starts_with("OptInRequired") => {
                self.checks.failed(operation, what, statement(operation));
            }
            ReadFailure::Throttled => self.checks.failed(
                operation,
                what,
                "other applications of the account use its quota: try again later, or ask AWS for a higher quota",
            ),
            _ => self.checks.failed_with(operation, message),
        }
        error.failure
    }

    /// Reads all pages of a list.
    async fn pages<'a, T, F: Future<Output = Result<Page<T>, ReadError>> + 'a>(
        &mut self,
        read: impl Fn(Option<String>) -> F,
        mut take: impl FnMut(Vec<T>),
    ) -> Result<(), ReadError> {
        let mut token = None;
        loop {
            let page = self.call(|| read(token.clone())).await?;
            self.account.pages += 1;
            take(page.items);
            token = page.next_token;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// Makes a call, again where AWS throttles it.
    async fn call<T, F: Future<Output = Result<T, ReadError>>>(
        &mut self,
        call: impl Fn() -> F,
    ) -> Result<T, ReadError> {
        let mut retries = 0;
        loop {
            match call().await {
                Err(error) if error.failure == ReadFailure::Throttled => {
                    self.account.throttled += 1;
                    if retries == MOST_RETRIES {
                        return Err(error);
                    }
                }
                answer => return answer,
            }
            retries += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether AWS has answered the question itself, and so permits it.
fn is_answer(failure: ReadFailure) -> bool {
    matches!(failure, ReadFailure::NotFound | ReadFailure::Other)
}

fn no_such() -> Namespace {
    Namespace { name: NO_SUCH.to_owned(), ..Namespace::default() }
}

/// The statement of an IAM policy that permits a call.
fn statement(operation: &str) -> String {
    let statement = json!({
        "Effect": "Allow", "Action": [format!("servicediscovery:{operation}")], "Resource": "*",
    });
    format!("add to the identity's IAM policy:\n{statement}")
}
