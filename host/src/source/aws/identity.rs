//! Whose credentials are used, and what AWS's clock shows: for checks, not for reading.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature as Feature;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{Builder, ConfigBag, Intercept, Region, RuntimeComponents};
use aws_sdk_sts::error::{BoxError, SdkError};
use aws_sdk_sts::primitives::{DateTime, DateTimeFormat};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

use super::connect::{AwsOptions, credentials, sdk_config};
use super::failure::{causes, described, find};
use super::role::{Role, RoleError};

/// How long STS may take.
const LONGEST: Duration = Duration::from_secs(5);

/// Whose credentials are used.
#[derive(Debug)]
pub struct Identity {
    /// Where they come from.
    pub origin: &'static str,
    /// The ARN of the user or of the role's session; else why it is not known.
    pub caller: Result<String, String>,
    /// AWS's time and the local time of the same moment, if AWS has answered.
    pub clocks: Option<(SystemTime, SystemTime)>,
}

/// Loads credentials as a source does, assumes its role, and asks STS who that is, which needs no
/// permission.
///
/// # Errors
/// Where there are no credentials, or the role can't be assumed.
pub async fn identity(options: &AwsOptions) -> Result<Identity, String> {
    let role = Role::from_options(options).map_err(|error| error.to_string())?;
    let (sdk, region) = sdk_config(options).await.map_err(|error| error.to_string())?;
    let is_role = role.is_some();
    let provider = credentials(&sdk, &region, role, LONGEST).await;
    let provider = provider.map_err(|error| error.to_string())?;
    let loaded = provider.provide_credentials().await;
    let loaded = loaded.map_err(|error| {
        find::<RoleError>(&error).map_or_else(|| causes(&error), ToString::to_string)
    })?;
    let limits =
        TimeoutConfig::builder().operation_timeout(LONGEST).connect_timeout(LONGEST).build();
    let config = Builder::from(&sdk)
        .credentials_provider(provider)
        .region(Region::new(region))
        .retry_config(RetryConfig::disabled())
        .timeout_config(limits)
        .build();
    let date = Date::default();
    let call = Client::from_conf(config).get_caller_identity().customize();
    let caller = match call.interceptor(date.clone()).send().await {
        Ok(answer) => Ok(answer.arn.unwrap_or_default()),
        Err(SdkError::ServiceError(answer)) => Err(described(answer.err().meta())),
        Err(error) => Err(causes(&error)),
    };
    let origin = if is_role { "a role that is assumed" } else { origin(&loaded) };
    Ok(Identity { origin, caller, clocks: date.0.get().copied() })
}

/// The provider, as AWS's documentation names it.
fn origin(credentials: &Credentials) -> &'static str {
    let features = credentials.get_property::<Vec<Feature>>().map(Vec::as_slice);
    let has = |feature| features.is_some_and(|features| features.contains(&feature));
    if has(Feature::CredentialsEnvVarsStsWebIdToken) || has(Feature::CredentialsStsAssumeRoleWebId)
    {
        "a web identity token (IRSA)"
    } else if has(Feature::CredentialsHttp) {
        "a container's endpoint (EKS Pod Identity or ECS)"
    } else if has(Feature::CredentialsImds) {
        "the instance's role"
    } else if has(Feature::CredentialsProfileSso) || has(Feature::CredentialsSso) {
        "an SSO session"
    } else if has(Feature::CredentialsProfileProcess) || has(Feature::CredentialsProcess) {
        "the profile's credential_process"
    } else if has(Feature::CredentialsStsAssumeRole) {
        "the profile's role"
    } else if has(Feature::CredentialsProfile) {
        "the profile"
    } else if has(Feature::CredentialsEnvVars) {
        "the environment"
    } else {
        "the AWS chain"
    }
}

/// The answer's `Date`, and when it came.
#[derive(Debug, Clone, Default)]
struct Date(Arc<OnceLock<(SystemTime, SystemTime)>>);

#[dyn_dispatch_hint]
impl Intercept for Date {
    fn name(&self) -> &'static str {
        "Date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let there = context.response().headers().get("date").and_then(http_date);
        if let Some(there) = there {
            let _first = self.0.set((there, SystemTime::now()));
        }
        Ok(())
    }
}

/// The time of a header `Date`.
pub fn http_date(text: &str) -> Option<SystemTime> {
    DateTime::from_str(text, DateTimeFormat::HttpDate).ok()?.try_into().ok()
}
