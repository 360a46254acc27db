//! Istio's own code in a process with line-based JSON: its verdicts on `ServiceEntry` objects,
//! the routes that a sidecar gets, and the pushes that a change costs the mesh.

use serde::Deserialize;
use serde_json::Value;

use super::processes::JsonProgram;
use super::programs::Programs;

/// Istio's validating webhook and the CRD's schema and CEL rules, in one process that answers line
/// by line.
pub struct Judge(JsonProgram);

/// Istio's verdict on one `ServiceEntry`. Each message begins with its source: `admission: ` or
/// `crd: `.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// The entry's name.
    pub name: String,
    /// Why it is rejected; none if it is accepted.
    pub errors: Vec<String>,
    /// The warnings that a user would get.
    pub warnings: Vec<String>,
}

impl Judge {
    /// Starts the process.
    pub async fn start() -> Self {
        let programs = Programs::make_async(&["judge"]).await;
        Self(JsonProgram::start(programs.path("JUDGE"), "verdicts"))
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

/// Istio's discovery server, in a process that answers what a sidecar gets from it and where calls
/// through that sidecar end up.
pub struct Routes(JsonProgram);

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
    /// 1 by default.
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
struct RoutesAnswer {
    worlds: Option<Vec<Vec<RoutedService>>>,
    #[serde(default)]
    error: String,
}

impl Routes {
    /// Starts the process.
    pub async fn start() -> Self {
        let programs = Programs::make_async(&["judge"]).await;
        Self(JsonProgram::start(programs.path("JUDGE"), "routes"))
    }

    /// What a sidecar gets in each of the worlds: of the entries of its own world, the first of
    /// which is the oldest, and of nothing else.
    pub async fn worlds(&self, worlds: &[Vec<Value>]) -> Vec<Vec<RoutedService>> {
        let answer: RoutesAnswer = self.0.ask(&worlds).await;
        assert!(answer.error.is_empty(), "no answer about routes: {}", answer.error);
        answer.worlds.unwrap_or_default()
    }
}

/// Istio's registry of `ServiceEntry` objects with its own event recorder behind it, in a process
/// that answers line by line.
pub struct Pushes(JsonProgram);

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
struct PushesAnswer {
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
        let programs = Programs::make_async(&["judge"]).await;
        Self(JsonProgram::start(programs.path("JUDGE"), "pushes"))
    }

    /// What follows each time when a world of entries becomes the next one, for a control plane
    /// that has seen nothing before them.
    pub async fn along(&self, worlds: &[Vec<Value>]) -> Vec<Push> {
        let answer: PushesAnswer = self.0.ask(&worlds).await;
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

/// Istio's index for ambient, in a process that answers what ztunnel finds for each address.
pub struct Ambient(JsonProgram);

/// What ztunnel finds in a namespace of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AmbientWorld {
    /// For each address of an entry and of its endpoints, sorted.
    pub addresses: Option<Vec<FoundAddress>>,
    /// For each host.
    pub services: Option<Vec<BoundService>>,
    #[serde(default)]
    error: String,
}

/// What ztunnel finds for an address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FoundAddress {
    /// The address.
    pub address: String,
    /// How many workloads have it. ztunnel looks among them first.
    pub workloads: usize,
    /// The host of the service that has it, where no workload does.
    pub service: String,
    /// Whether a call goes through a waypoint.
    pub waypoint: bool,
}

/// The condition `istio.io/WaypointBound` of a service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BoundService {
    /// The host.
    pub host: String,
    /// Its status; none, if there is no such condition.
    pub bound: Option<bool>,
}

impl Ambient {
    /// Starts the process.
    pub async fn start() -> Self {
        let programs = Programs::make_async(&["judge"]).await;
        Self(JsonProgram::start(programs.path("JUDGE"), "ambient"))
    }

    /// What ztunnel finds of these entries, in a namespace with a waypoint named `waypoint`.
    pub async fn world(&self, entries: &[Value]) -> AmbientWorld {
        let answer: AmbientWorld = self.0.ask(&entries).await;
        assert!(answer.error.is_empty(), "no answer about ambient: {}", answer.error);
        answer
    }
}
