//! Credentials that don't stop a call for longer than the call may take.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, Result, SharedCredentialsProvider};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No load takes longer: a provider that hangs (a command, a metadata service) is asked again.
pub(super) const MOST_LOADING: Duration = Duration::from_secs(20);

/// Loads credentials beside the call that needs them. A call that can't wait fails, and the next
/// one finds what was loaded meanwhile; otherwise a provider that is slower than a call's time
/// limit would be cut off for ever.
#[derive(Debug)]
pub(super) struct Patient {
    provider: SharedCredentialsProvider,
    limit: Duration,
    loading: Mutex<Option<JoinHandle<Result>>>,
}

impl Patient {
    /// `limit` is how long a call waits.
    pub(super) fn new(provider: SharedCredentialsProvider, limit: Duration) -> Self {
        Self { provider, limit, loading: Mutex::new(None) }
    }

    /// Loads them now, and keeps them for the first call.
    pub(super) async fn prime(&self, limit: Duration) -> std::result::Result<(), CredentialsError> {
        let credentials = self.wait(limit).await?;
        *self.loading.lock().await = Some(tokio::spawn(std::future::ready(Ok(credentials))));
        Ok(())
    }

    async fn wait(&self, limit: Duration) -> std::result::Result<Credentials, CredentialsError> {
        let mut loading = self.loading.lock().await;
        let task = loading.get_or_insert_with(|| tokio::spawn(load(self.provider.clone())));
        let loaded =
            timeout(limit, task).await.map_err(|_| CredentialsError::provider_timed_out(limit))?;
        *loading = None;
        loaded.unwrap_or_else(|stopped| Err(CredentialsError::unhandled(stopped)))
    }
}

async fn load(provider: SharedCredentialsProvider) -> Result {
    timeout(MOST_LOADING, provider.provide_credentials())
        .await
        .unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(MOST_LOADING)))
}

impl ProvideCredentials for Patient {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.wait(self.limit))
    }
}
