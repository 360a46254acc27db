//! What a change of `ServiceEntry` objects costs the mesh.

use serde::Deserialize;
use serde_json::Value;

use super::{lines::LineByLine, setup::Programs};

/// Istio's registry of `ServiceEntry` objects with its own event recorder behind it, in a process
/// that answers line by line.
pub struct Pushes(LineByLine);

/// What a change makes Istio push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Push {
    /// Nothing.
    None,
    /// The endpoints of these hosts, which is cheap.
    Endpoints(Vec<String>),
    /// Listeners, routes and clusters to every sidecar that sees one of these hosts.
    Full(Vec<String>),
}

#[derive(Deserialize)]
struct Answer {
    pushes: Option<Vec<Pushed>>,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Pushed {
    endpoints: Option<Vec<String>>,
    full: Option<Vec<String>>,
}

impl Pushes {
    /// Starts the process.
    pub async fn start() -> Self {
        let programs = Programs::of(&["judge"]).await;
        Self(LineByLine::start(programs.path("JUDGE"), "pushes"))
    }

    /// What follows each time when a world of entries becomes the next one, for a control plane
    /// that has seen nothing before them.
    pub async fn along(&self, worlds: &[Vec<Value>]) -> Vec<Push> {
        let answer: Answer = self.0.ask(&worlds).await;
        assert!(answer.error.is_empty(), "no answer about pushes: {}", answer.error);
        answer.pushes.unwrap_or_default().into_iter().map(Push::from).collect()
    }
}

impl From<Pushed> for Push {
    fn from(pushed: Pushed) -> Self {
        let (full, endpoints) =
            (pushed.full.unwrap_or_default(), pushed.endpoints.unwrap_or_default());
        match (full.is_empty(), endpoints.is_empty()) {
            (false, _) => Self::Full(full),
            (true, false) => Self::Endpoints(endpoints),
            (true, true) => Self::None,
        }
    }
}
