//! The three calls.

use istio_cloud_map_core::call;

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
            Self::Translate => call::translate(request),
            Self::Plan => call::plan(request),
            Self::Validate => call::validate(request),
        };
        answer.into_bytes()
    }
}
