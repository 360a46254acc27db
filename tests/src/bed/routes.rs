//! What a sidecar gets of `ServiceEntry` objects.

use serde::Deserialize;
use serde_json::Value;

use super::{lines::LineByLine, setup::Programs};

/// Istio's discovery server, in a process that answers what a sidecar gets from it and where calls
/// through that sidecar end up.
pub struct Routes(LineByLine);

/// What a sidecar gets of one host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RoutedService {
    /// The host.
    pub host: String,
    /// Its service ports, in the entry's order.
    pub ports: Vec<RoutedPort>,
}

/// What a sidecar gets of one service port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RoutedPort {
    /// The service port's number.
    pub number: u16,
    /// The outbound cluster, if there is one.
    pub cluster: Option<RoutedCluster>,
    /// A call to each of the entry's addresses and of its endpoints' addresses, up to 20; to any
    /// address, where there is none.
    pub calls: Vec<RoutedCall>,
}

/// An outbound cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RoutedCluster {
    /// `EDS`, `STRICT_DNS`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Its endpoints, as often as they are in it.
    pub endpoints: Vec<RoutedEndpoint>,
}

/// Where a cluster sends what it gets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct RoutedEndpoint {
    /// An IP address or a host name.
    pub address: String,
    /// The port that is called.
    pub port: u16,
    /// 1 if nobody says another.
    pub weight: u32,
    /// `region/zone`, or empty.
    pub locality: String,
}

/// Where a client's call ends up, by listeners, filter chains and routes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RoutedCall {
    /// The address that the client called.
    pub to: String,
    /// The listener that took it.
    pub listener: String,
    /// The cluster that it was given to.
    pub cluster: String,
    /// Whether that is the one of the host and port that were called.
    pub reached: bool,
    /// Why the call failed, if it did.
    #[serde(default)]
    pub error: String,
}

#[derive(Deserialize)]
struct Answer {
    worlds: Option<Vec<Vec<RoutedService>>>,
    #[serde(default)]
    error: String,
}

impl Routes {
    /// Starts the process.
    pub async fn start() -> Self {
        let programs = Programs::of(&["judge"]).await;
        Self(LineByLine::start(programs.path("JUDGE"), "routes"))
    }

    /// What a sidecar gets in each of the worlds: of the entries of its own world, the first of
    /// which is the oldest, and of nothing else.
    pub async fn worlds(&self, worlds: &[Vec<Value>]) -> Vec<Vec<RoutedService>> {
        let answer: Answer = self.0.ask(&worlds).await;
        assert!(answer.error.is_empty(), "no answer about routes: {}", answer.error);
        answer.worlds.unwrap_or_default()
    }
}
