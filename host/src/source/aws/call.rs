//! Which call it was, for a person to read.

use std::fmt;

use istio_cloud_map_core::operator::{ReadError, ReadFailure};

/// A call and what it was asked about: `DiscoverInstances of my-namespace/web`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    /// As AWS names it, so that `servicediscovery:` before it makes the IAM action.
    pub(super) operation: &'static str,
    pub(super) namespace: Option<&'a str>,
    pub(super) service: Option<&'a str>,
}

impl Call<'_> {
    /// An answer that is not what the service model says.
    pub(super) fn malformed(&self, what: impl fmt::Display) -> ReadError {
        ReadError {
            failure: ReadFailure::Malformed,
            message: format!("{self}: the answer makes no sense: {what}"),
        }
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)?;
        if let Some(namespace) = self.namespace {
            write!(f, " of {}", one_line(namespace))?;
        }
        if let Some(service) = self.service {
            write!(f, "/{}", one_line(service))?;
        }
        Ok(())
    }
}

/// The first line of a text, without control characters, and not endless.
///
/// Only the first: what AWS appends when a signature does not match quotes the request's headers,
/// the session token among them.
pub(super) fn one_line(text: &str) -> String {
    const MOST_CHARS: usize = 500;
    let line = text.trim().lines().next().unwrap_or_default();
    line.chars().take(MOST_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
