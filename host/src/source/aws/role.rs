//! Credentials of a role that is assumed, of another account for example.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, Result};
use aws_sdk_servicediscovery::config::Region;
use aws_sdk_servicediscovery::error::ErrorMetadata;
use thiserror::Error;

use super::calls::one_line;
use super::connect::{AwsOptions, ConnectError, present};
use super::failure::{causes, certificate_advice, described, find};

/// How long a refusal is repeated before STS is asked again: every read needs the credentials, and
/// all sources of the account share its rate.
const REPEATED: Duration = Duration::from_secs(3);

/// Which role, and what its trust policy may demand.
#[derive(Debug, Clone)]
pub(super) struct Role {
    arn: String,
    external_id: Option<String>,
}

impl Role {
    /// The role of the options, if they have one.
    pub(super) fn from_options(
        options: &AwsOptions,
    ) -> std::result::Result<Option<Self>, ConnectError> {
        let external_id = present(options.external_id.as_deref()).map(str::to_owned);
        match present(options.role_arn.as_deref()) {
            Some(arn) if is_role_arn(arn) => Ok(Some(Self { arn: arn.to_owned(), external_id })),
            Some(arn) => Err(ConnectError::BadRole(one_line(arn))),
            None if external_id.is_some() => Err(ConnectError::NoRole),
            None => Ok(None),
        }
    }

    /// Credentials of the role, which STS gives to those of `base`.
    pub(super) async fn assume(
        self,
        base: impl ProvideCredentials + 'static,
        sdk: &SdkConfig,
        region: &str,
    ) -> AssumedRole {
        let mut provider = AssumeRoleProvider::builder(self.arn.as_str())
            .session_name(env!("CARGO_PKG_NAME"))
            .configure(sdk)
            .region(Region::new(region.to_owned()));
        if let Some(id) = self.external_id {
            provider = provider.external_id(id);
        }
        let provider = provider.build_from_provider(base).await;
        AssumedRole { arn: self.arn, provider, refused: Mutex::new(None) }
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/NAME`, the name with or without a path.
fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return false };
    let name = resource.strip_prefix("role/").and_then(|path| path.rsplit('/').next());
    let in_name = |c: char| c.is_ascii_alphanumeric() || "/_+=,.@-".contains(c);
    partition.starts_with("aws")
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && name.is_some_and(|name| !name.is_empty())
        && resource.chars().all(in_name)
}

/// Asks STS for each set of credentials; who uses them keeps them until shortly before they expire.
#[derive(Debug)]
pub(super) struct AssumedRole {
    arn: String,
    provider: AssumeRoleProvider,
    refused: Mutex<Option<(Instant, RoleError)>>,
}

/// Why a role can't be assumed, and what to do.
#[derive(Debug, Clone, Error)]
#[error("{0}")]
pub(super) struct RoleError(String);

impl RoleError {
    fn new(arn: &str, error: &CredentialsError) -> Self {
        let answer = find::<ErrorMetadata>(error);
        let reason = answer.map_or_else(|| causes(error), described);
        let advice = match answer.and_then(ErrorMetadata::code) {
            Some("AccessDenied") => {
                "; allow the IAM action sts:AssumeRole on this role to the identity that assumes it, and check that the role exists and that its \
                 trust policy allows that identity, and this external id if it demands one"
            }
            _ => certificate_advice(&reason)
                .unwrap_or("; check the credentials that assume it, and the route to AWS STS"),
        };
        let reason = reason.trim_end_matches('.');
        Self(format!("the role `{arn}` can't be assumed: {reason}{advice}"))
    }
}

impl AssumedRole {
    async fn credentials(&self) -> Result {
        let last = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, error)) = last
            && at.elapsed() < REPEATED
        {
            return Err(CredentialsError::provider_error(error));
        }
        let refused = match self.provider.provide_credentials().await {
            Ok(credentials) => return Ok(credentials),
            Err(error) => RoleError::new(&self.arn, &error),
        };
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), refused.clone()));
        Err(CredentialsError::provider_error(refused))
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.credentials())
    }
}
