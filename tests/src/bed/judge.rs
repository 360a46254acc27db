//! Istio's own judgement of `ServiceEntry` objects.

use serde::Deserialize;
use serde_json::Value;

use super::{lines::LineByLine, setup::Programs};

/// Istio's validating webhook and the CRD's schema and CEL rules, in one process that answers line
/// by line.
pub struct Judge(LineByLine);

/// What Istio says of one `ServiceEntry`. Each message begins with who says it: `admission: ` or
/// `crd: `.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// The entry's name.
    pub name: String,
    /// Why it is rejected; none if it is accepted.
    pub errors: Vec<String>,
    /// What a user would be told although it is accepted.
    pub warnings: Vec<String>,
}

impl Judge {
    /// Starts the process.
    pub async fn start() -> Self {
        let programs = Programs::of(&["judge"]).await;
        Self(LineByLine::start(programs.path("JUDGE"), "verdicts"))
    }

    /// One verdict an entry, in their order.
    pub async fn verdicts(&self, entries: &[Value]) -> Vec<Verdict> {
        self.0.ask_all(entries).await
    }

    /// Panics with all the errors unless every entry is accepted.
    pub async fn assert_accepts(&self, entries: &[Value]) {
        let verdicts = self.verdicts(entries).await;
        let rejected: Vec<_> =
            verdicts.iter().filter(|verdict| !verdict.errors.is_empty()).collect();
        assert!(rejected.is_empty(), "Istio rejects {rejected:#?}");
    }
}
