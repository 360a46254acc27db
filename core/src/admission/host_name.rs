//! A host in the settings.

use std::fmt;

use thiserror::Error;

use crate::service_entry::{canonical_host, host_problem, hosts_overlap};

/// A host that is protected: a name, a wildcard `*.NAME`, or `*` for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedHost(String);

/// No host that can be protected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{host}` is no host to protect: {problem}; expected a name, `*.NAME` or `*`")]
pub struct InvalidProtectedHost {
    host: String,
    problem: String,
}

impl ProtectedHost {
    /// Whether an entry's host, canonical, is covered by this one or covers it.
    pub(super) fn overlaps(&self, host: &str) -> bool {
        hosts_overlap(&self.0, host)
    }
}

impl TryFrom<String> for ProtectedHost {
    type Error = InvalidProtectedHost;

    fn try_from(host: String) -> Result<Self, InvalidProtectedHost> {
        let canonical = canonical_host(&host);
        let problem = if canonical == "*" {
            None
        } else {
            host_problem(canonical.strip_prefix("*.").unwrap_or(&canonical))
        };
        match problem {
            Some(problem) => Err(InvalidProtectedHost { host, problem }),
            None => Ok(Self(canonical)),
        }
    }
}

impl fmt::Display for ProtectedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
