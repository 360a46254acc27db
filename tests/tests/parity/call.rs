//! The three calls.

use istio_cloud_map_core::api;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Translate,
    Plan,
    Validate,
}

impl Call {
    /// What hosts call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Translate => "translate",
            Self::Plan => "plan",
            Self::Validate => "validate",
        }
    }

    /// The answer of the core as it is compiled for this machine.
    pub fn natively(self, request: &[u8]) -> Vec<u8> {
        let answer = match self {
            Self::Translate => api::translate(request),
            Self::Plan => api::plan(request),
            Self::Validate => api::validate(request),
        };
        answer.into_bytes()
    }
}
