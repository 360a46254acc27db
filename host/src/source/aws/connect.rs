//! From options and the environment to a client.

use std::path::Path;
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_servicediscovery::Client;
use aws_sdk_servicediscovery::config::retry::RetryConfig;
use aws_sdk_servicediscovery::config::timeout::TimeoutConfig;
use aws_sdk_servicediscovery::config::{Builder, Region, StalledStreamProtectionConfig};
use aws_sdk_servicediscovery::error::ErrorMetadata;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder as HttpClientBuilder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use thiserror::Error;
use tokio::time::timeout;

use super::AwsSource;
use super::calls::one_line;
use super::credentials::{MOST_LOADING, Patient};
use super::failure::{causes, certificate_advice, described, find};
use super::prefix::NoPrefixUnderOverride;
use super::role::Role;

/// How long the search for a region, and then for credentials, may take.
const MOST_CONNECTING: Duration = Duration::from_secs(10);

/// Where to read, and what of it.
#[derive(Debug, Clone)]
pub struct AwsOptions {
    /// The region; else that of the environment, the profile or the instance.
    pub region: Option<String>,
    /// Another address of Cloud Map: a VPC endpoint, a fake. Else
    /// `AWS_ENDPOINT_URL_SERVICEDISCOVERY`, `AWS_ENDPOINT_URL` or the profile's.
    pub endpoint_url: Option<String>,
    /// That of the data plane (`DiscoverInstances`, `DiscoverInstancesRevision`), which has an
    /// endpoint service of its own. Else the same.
    pub data_endpoint_url: Option<String>,
    /// Use the endpoints that have IPv6 as well; else as the environment or the profile has it.
    pub use_dual_stack: bool,
    /// Use the endpoints with FIPS 140 cryptography; else as the environment or the profile has it.
    pub use_fips: bool,
    /// How long one call may take, from the first byte out to the last byte in.
    pub call_timeout: Duration,
    /// The ARN of a role to assume, with the credentials found otherwise.
    pub role_arn: Option<String>,
    /// What the role's trust policy may demand.
    pub external_id: Option<String>,
}

impl Default for AwsOptions {
    fn default() -> Self {
        Self {
            region: None,
            endpoint_url: None,
            data_endpoint_url: None,
            use_dual_stack: false,
            use_fips: false,
            call_timeout: Duration::from_secs(3),
            role_arn: None,
            external_id: None,
        }
    }
}

/// Why Cloud Map can't be asked at all.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// None is configured.
    #[error(
        "no AWS region: set --aws-region or AWS_REGION (us-west-2, for example), or a region in the AWS profile"
    )]
    NoRegion,
    /// Not the name of one.
    #[error("{0:?} is not an AWS region: expected a name like us-west-2")]
    BadRegion(String),
    /// Not a URL.
    #[error(
        "{0:?} is not an endpoint: expected a URL like https://servicediscovery.us-west-2.amazonaws.com (it comes from a flag, AWS_ENDPOINT_URL or the profile)"
    )]
    BadEndpoint(String),
    /// A URL with a user name or a password, which is not repeated here.
    #[error(
        "the endpoint URL of {0} has a user name or password, which Cloud Map does not accept: remove it"
    )]
    EndpointWithCredentials(String),
    /// AWS offers no such.
    #[error(
        "an endpoint URL can't be combined with {0}: set only the URL of such an endpoint, or only the option"
    )]
    EndpointVariant(&'static str),
    /// The file of `AWS_CA_BUNDLE`.
    #[error(
        "AWS_CA_BUNDLE: {path} can't be used: {reason}; expected a file of certificates in PEM form"
    )]
    CaBundle {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not the ARN of a role.
    #[error(
        "{0:?} is not the ARN of an IAM role: expected one like arn:aws:iam::111122223333:role/cloud-map-reader"
    )]
    BadRole(String),
    /// A second half without its first.
    #[error("an external id is set, but no role: an external id is only used to assume a role")]
    NoRole,
    /// The chain found none.
    #[error(
        "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the pod's service account a role \
         (IRSA or EKS Pod Identity), or run where the instance has one"
    )]
    NoCredentials,
    /// A profile is named, and nothing else gives any.
    #[error(
        "no AWS credentials: the profile {0:?} (AWS_PROFILE) has none, or is not in ~/.aws/config or ~/.aws/credentials"
    )]
    NoCredentialsInProfile(String),
    /// The chain found some that can't be used.
    #[error(
        "AWS credentials can't be loaded: {0}; check the profile, the role's trust policy or the service account"
    )]
    Credentials(String),
    /// Something that should answer does not: the instance's metadata, for example.
    #[error(
        "the search for {what} took more than {} s: give {what} by environment or profile, or set AWS_EC2_METADATA_DISABLED=true \
         if this is not an EC2 instance",
        .limit.as_secs()
    )]
    TooSlow {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
}

impl ConnectError {
    /// Whether what was asked for is wrong in itself, whatever AWS answers.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::BadRegion(_)
                | Self::BadEndpoint(_)
                | Self::EndpointWithCredentials(_)
                | Self::EndpointVariant(_)
                | Self::CaBundle { .. }
                | Self::BadRole(_)
                | Self::NoRole
        )
    }
}

impl AwsSource {
    /// Finds region and credentials as every AWS tool does (environment, profile, IRSA, Pod
    /// Identity or container, instance role), and loads the credentials once.
    ///
    /// Proxies are those of the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`
    /// and their lower-case forms, as the SDK does by itself. The metadata services
    /// (169.254.169.254, 169.254.170.2, 169.254.170.23) are asked over HTTP and belong in
    /// `NO_PROXY` where `HTTP_PROXY` is set. `AWS_CA_BUNDLE` replaces the system's certificate
    /// authorities.
    ///
    /// # Errors
    /// Where there is no region or there are no credentials, or an option is wrong.
    pub async fn connect(options: AwsOptions) -> Result<Self, ConnectError> {
        let control = endpoint(options.endpoint_url.as_deref())?;
        let data = endpoint(options.data_endpoint_url.as_deref())?;
        let role = Role::from_options(&options)?;
        let (sdk, region) = sdk_config(&options).await?;
        let control = control.or(endpoint(sdk.endpoint_url())?);
        if control.or(data).is_some() {
            for (used, name) in [
                (sdk.use_fips(), "--use-fips (AWS_USE_FIPS_ENDPOINT)"),
                (sdk.use_dual_stack(), "--use-dual-stack (AWS_USE_DUALSTACK_ENDPOINT)"),
            ] {
                if used == Some(true) {
                    return Err(ConnectError::EndpointVariant(name));
                }
            }
        }
        report_endpoints(control, data);
        Self::over(&sdk, region, role, &options).await
    }

    /// With what the environment gives.
    pub(super) async fn over(
        sdk: &SdkConfig,
        region: String,
        role: Option<Role>,
        options: &AwsOptions,
    ) -> Result<Self, ConnectError> {
        let credentials = credentials(sdk, &region, role, options.call_timeout).await?;
        let mut builder = Builder::from(sdk).credentials_provider(credentials);
        if let Some(url) = present(options.endpoint_url.as_deref()) {
            builder = builder.endpoint_url(url);
        }
        Ok(Self::with(builder, region, options))
    }

    /// All that does not depend on where it runs.
    pub(super) fn with(builder: Builder, region: String, options: &AwsOptions) -> Self {
        let config = limited(builder, options.call_timeout)
            .region(Region::new(region.clone()))
            .interceptor(NoPrefixUnderOverride);
        let control = Client::from_conf(config.clone().build());
        let data = match present(options.data_endpoint_url.as_deref()) {
            Some(url) => Client::from_conf(config.endpoint_url(url).build()),
            None => control.clone(),
        };
        Self { control, data, region }
    }
}

/// One attempt and an end to it. These are set here and not where the environment is loaded, since
/// the credential providers would take them over, and they do need their retries.
fn limited(builder: Builder, limit: Duration) -> Builder {
    let timeouts = TimeoutConfig::builder()
        // Shorter, so that the message names the part that was late.
        .connect_timeout(limit * 2 / 3)
        .read_timeout(limit)
        // The read time-out ends with the first byte; these two also end an answer that trickles.
        .operation_attempt_timeout(limit)
        .operation_timeout(limit)
        .build();
    builder
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        // It would end a trickle after 5 s at less than a byte a second; the limits above are
        // stricter.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

pub(super) async fn sdk_config(options: &AwsOptions) -> Result<(SdkConfig, String), ConnectError> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Ok(name) = AppName::new(env!("CARGO_PKG_NAME")) {
        loader = loader.app_name(name);
    }
    if let Some(region) = present(options.region.as_deref()) {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if options.use_dual_stack {
        loader = loader.use_dual_stack(true);
    }
    if options.use_fips {
        loader = loader.use_fips(true);
    }
    if let Some(client) = client_of_ca_bundle()? {
        loader = loader.http_client(client);
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

/// Those of the chain have to be there now. A role is assumed by the first read, and if it can't be,
/// only that read fails.
pub(super) async fn credentials(
    sdk: &SdkConfig,
    region: &str,
    role: Option<Role>,
    call_timeout: Duration,
) -> Result<SharedCredentialsProvider, ConnectError> {
    let chain = sdk.credentials_provider().ok_or(ConnectError::NoCredentials)?;
    // A call must still have time to report that the credentials were late.
    let limit = call_timeout * 4 / 5;
    let chain = Patient::new(chain, if role.is_some() { MOST_LOADING } else { limit });
    chain.prime(MOST_CONNECTING).await.map_err(|error| refusal(&error))?;
    let Some(role) = role else { return Ok(SharedCredentialsProvider::new(chain)) };
    // On the heap, since it is by far the largest part of a start.
    let assumed = Box::pin(role.assume(chain, sdk, region)).await;
    Ok(SharedCredentialsProvider::new(Patient::new(SharedCredentialsProvider::new(assumed), limit)))
}

fn refusal(error: &CredentialsError) -> ConnectError {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => match std::env::var("AWS_PROFILE") {
            Ok(profile) if !profile.is_empty() => {
                ConnectError::NoCredentialsInProfile(one_line(&profile))
            }
            _ => ConnectError::NoCredentials,
        },
        CredentialsError::ProviderTimedOut(_) => {
            ConnectError::TooSlow { what: "AWS credentials", limit: MOST_CONNECTING }
        }
        _ => {
            let reason = find::<ErrorMetadata>(error).map_or_else(|| causes(error), described);
            let advice = certificate_advice(&reason).unwrap_or_default();
            ConnectError::Credentials(reason + advice)
        }
    }
}

fn endpoint(url: Option<&str>) -> Result<Option<&str>, ConnectError> {
    let Some(url) = present(url) else { return Ok(None) };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if let Some((_, host)) = url.rsplit_once('@') {
        return Err(ConnectError::EndpointWithCredentials(one_line(host)));
    }
    if authority.is_empty() || url.contains(char::is_whitespace) {
        return Err(ConnectError::BadEndpoint(one_line(url)));
    }
    Ok(Some(url))
}

/// The two planes have an endpoint each, which is easily overlooked.
fn report_endpoints(control: Option<&str>, data: Option<&str>) {
    match (control, data) {
        (None, None) => {}
        (Some(control), Some(data)) => {
            tracing::info!("Cloud Map is read at {control}, instances at {data}");
        }
        (None, Some(data)) => {
            tracing::info!(
                "instances are read at {data}, everything else at the region's endpoint"
            );
        }
        (Some(both), None) if both.contains(".amazonaws.com") || both.contains(".api.aws") => {
            tracing::warn!(
                "Cloud Map is read at {both}, instances too: an endpoint of AWS answers either for the control plane (servicediscovery) or for the data \
             plane (data-servicediscovery); give the second one with --data-endpoint-url"
            );
        }
        (Some(both), None) => {
            tracing::info!(
                "Cloud Map is read at {both}, instances too; --data-endpoint-url names another address for them"
            );
        }
    }
}

/// Trusts what the file of `AWS_CA_BUNDLE` has and nothing else, as other AWS tools do. For the
/// rest it is the SDK's default client.
fn client_of_ca_bundle() -> Result<Option<SharedHttpClient>, ConnectError> {
    let Some(path) = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let unusable = |reason: String| ConnectError::CaBundle {
        path: Path::new(&path).display().to_string(),
        reason,
    };
    let pem = std::fs::read(&path).map_err(|error| unusable(error.to_string()))?;
    // Read here as well, since the client would panic.
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        authorities.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if authorities.is_empty() {
        return Err(unusable("it contains no certificate".to_owned()));
    }
    let context = TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(pem))
        .build();
    let context = context.map_err(|error| unusable(error.to_string()))?;
    Ok(Some(HttpClientBuilder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.proxy_config(ProxyConfig::from_env()).build()
    })))
}

/// A value that is there: a Secret or `ConfigMap` may hold an empty string for none, and `echo`
/// leaves a line break at the end.
pub(super) fn present(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}
