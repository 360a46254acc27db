//! Real parts for the tests to run against, on loopback ports of their own: a Kubernetes API
//! server, Istio's judgement of `ServiceEntry` objects, its routes and its pushes, and moto's Cloud
//! Map.
//!
//! `tests/bed/setup` builds what runs here, on demand and once. Everything started is stopped when
//! its value is dropped, and when the test's process dies in any other way.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test whose bed breaks can only fail, with the reason"
)]

mod api_server;
mod crd;
mod daemon;
mod gateway;
mod judge;
mod kubeconfig;
mod lines;
mod moto;
mod pki;
mod plain_hosts;
mod ports;
mod pushes;
mod routes;
mod setup;

pub use api_server::ApiServer;
pub use gateway::Gateway;
pub use judge::{Judge, Verdict};
pub use moto::Moto;
pub use plain_hosts::PlainHost;
pub use pushes::{Push, Pushes};
pub use routes::{RoutedCall, RoutedCluster, RoutedEndpoint, RoutedPort, RoutedService, Routes};

/// How long anything may take to start on a machine that is busy building.
const START: std::time::Duration = std::time::Duration::from_mins(2);

/// How often a condition is looked at that is waited for.
const POLL: std::time::Duration = std::time::Duration::from_millis(50);
