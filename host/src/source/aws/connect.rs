//! From options and the environment to a client.

use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_servicediscovery::Client;
use aws_sdk_servicediscovery::config::retry::RetryConfig;
use aws_sdk_servicediscovery::config::timeout::TimeoutConfig;
use aws_sdk_servicediscovery::config::{Builder, Region, StalledStreamProtectionConfig};
use thiserror::Error;
use tokio::time::timeout;

use super::AwsSource;
use super::call::one_line;
use super::credentials::Patient;
use super::failure::causes;
use super::prefix::NoPrefixUnderOverride;

/// How long the search for a region, and then for credentials, may take.
const MOST_CONNECTING: Duration = Duration::from_secs(10);

/// Where to read, and what of it.
#[derive(Debug, Clone)]
pub struct AwsOptions {
    /// The region; else what the environment, the profile or the instance says.
    pub region: Option<String>,
    /// Another address of Cloud Map: a VPC endpoint, a stand-in. Else `AWS_ENDPOINT_URL_SERVICEDISCOVERY`, `AWS_ENDPOINT_URL` or the
    /// profile's.
    pub endpoint_url: Option<String>,
    /// How long one call may take, from the first byte out to the last byte in.
    pub call_timeout: Duration,
    /// A role to take on, with the credentials found otherwise.
    pub role_arn: Option<String>,
    /// What the role's trust policy may ask for.
    pub external_id: Option<String>,
}

impl Default for AwsOptions {
    fn default() -> Self {
        Self { region: None, endpoint_url: None, call_timeout: Duration::from_secs(3), role_arn: None, external_id: None }
    }
}

/// Why Cloud Map can't be asked at all.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Nobody names one.
    #[error("no AWS region: set --aws-region or AWS_REGION (us-west-2, for example), or a region in the AWS profile")]
    NoRegion,
    /// Not the name of one.
    #[error("{0:?} is no AWS region: expected a name like us-west-2")]
    BadRegion(String),
    /// Not a URL.
    #[error("{0:?} is no endpoint: expected a URL like https://servicediscovery.us-west-2.amazonaws.com")]
    BadEndpoint(String),
    /// A second half without its first.
    #[error("an external id is given, but no role: an external id is only used when a role is taken on")]
    NoRole,
    /// The chain found none.
    #[error(
        "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the pod's service account a role \
         (IRSA or EKS Pod Identity), or run where the instance has one"
    )]
    NoCredentials,
    /// A profile is named, and nothing else gives any.
    #[error("no AWS credentials: the profile {0:?} (AWS_PROFILE) has none, or is not in ~/.aws/config or ~/.aws/credentials")]
    NoCredentialsInProfile(String),
    /// The chain found some that can't be used.
    #[error("AWS credentials can't be loaded: {0}; check the profile, the role's trust policy or the service account")]
    Credentials(String),
    /// Something that should answer does not: the instance's metadata, for example.
    #[error(
        "the search for {what} took more than {} s: give {what} by environment or profile, or set AWS_EC2_METADATA_DISABLED=true \
         if this is no EC2 instance",
        .limit.as_secs()
    )]
    TooSlow {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
}

impl AwsSource {
    /// Finds region and credentials as every AWS tool does (environment, profile, IRSA, Pod Identity or container, instance role), and
    /// loads the credentials once.
    ///
    /// Proxies are those of the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` and their lower-case forms, as the SDK
    /// does by itself. The metadata services (169.254.169.254, 169.254.170.2, 169.254.170.23) are asked over HTTP and belong in `NO_PROXY`
    /// where `HTTP_PROXY` is set.
    ///
    /// # Errors
    /// Where there is no region or there are no credentials, or an option is wrong.
    pub async fn connect(options: AwsOptions) -> Result<Self, ConnectError> {
        let endpoint = endpoint(&options)?;
        if options.external_id.is_some() && options.role_arn.is_none() {
            return Err(ConnectError::NoRole);
        }
        let (sdk, region) = sdk_config(&options).await?;
        let credentials = credentials(&sdk, &options).await?;
        let mut builder = Builder::from(&sdk).credentials_provider(credentials);
        if let Some(url) = endpoint {
            builder = builder.endpoint_url(url);
        }
        Ok(Self::with(builder, region, &options))
    }

    /// All that does not depend on where it runs.
    pub(super) fn with(builder: Builder, region: String, options: &AwsOptions) -> Self {
        let config = limited(builder, options.call_timeout).region(Region::new(region.clone())).interceptor(NoPrefixUnderOverride);
        Self { client: Client::from_conf(config.build()), region }
    }
}

/// One attempt and an end to it. These are set here and not where the environment is loaded, since the credential providers would take them
/// over, and they do need their retries.
fn limited(builder: Builder, limit: Duration) -> Builder {
    let timeouts = TimeoutConfig::builder()
        // Shorter, so that the message says which part it was.
        .connect_timeout(limit * 2 / 3)
        .read_timeout(limit)
        // The read time-out ends with the first byte; these two also end an answer that trickles.
        .operation_attempt_timeout(limit)
        .operation_timeout(limit)
        .build();
    builder
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        // It would end a trickle after 5 s at less than a byte a second; the limits above are stricter.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

async fn sdk_config(options: &AwsOptions) -> Result<(SdkConfig, String), ConnectError> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Ok(name) = AppName::new(env!("CARGO_PKG_NAME")) {
        loader = loader.app_name(name);
    }
    if let Some(region) = present(options.region.as_deref()) {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let late = |_| ConnectError::TooSlow { what: "an AWS region", limit: MOST_CONNECTING };
    let sdk = timeout(MOST_CONNECTING, loader.load()).await.map_err(late)?;
    let region = present(sdk.region().map(AsRef::as_ref)).ok_or(ConnectError::NoRegion)?.to_owned();
    // It becomes part of a host name.
    if !region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err(ConnectError::BadRegion(region));
    }
    Ok((sdk, region))
}

async fn credentials(sdk: &SdkConfig, options: &AwsOptions) -> Result<SharedCredentialsProvider, ConnectError> {
    let mut provider = sdk.credentials_provider().ok_or(ConnectError::NoCredentials)?;
    if let Some(role) = present(options.role_arn.as_deref()) {
        let mut role = AssumeRoleProvider::builder(role).session_name(env!("CARGO_PKG_NAME")).configure(sdk);
        if let Some(id) = &options.external_id {
            role = role.external_id(id);
        }
        provider = SharedCredentialsProvider::new(role.build().await);
    }
    // A call must still have time to say that it was the credentials that were late.
    let patient = Patient::new(provider, options.call_timeout * 4 / 5);
    patient.prime(MOST_CONNECTING).await.map_err(|error| refusal(&error))?;
    Ok(SharedCredentialsProvider::new(patient))
}

fn refusal(error: &CredentialsError) -> ConnectError {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => match std::env::var("AWS_PROFILE") {
            Ok(profile) if !profile.is_empty() => ConnectError::NoCredentialsInProfile(one_line(&profile)),
            _ => ConnectError::NoCredentials,
        },
        CredentialsError::ProviderTimedOut(_) => ConnectError::TooSlow { what: "AWS credentials", limit: MOST_CONNECTING },
        _ => ConnectError::Credentials(causes(error)),
    }
}

fn endpoint(options: &AwsOptions) -> Result<Option<&str>, ConnectError> {
    let Some(url) = present(options.endpoint_url.as_deref()) else { return Ok(None) };
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') && !url.contains(char::is_whitespace) => Ok(Some(url)),
        _ => Err(ConnectError::BadEndpoint(one_line(url))),
    }
}

/// A value that is there: a Secret or `ConfigMap` may hold an empty string for none, and `echo` leaves a line break at the end.
fn present(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}
