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
mod credentials;
mod gateway;
mod istio;
mod processes;
mod programs;

pub use api_server::ApiServer;
pub use gateway::Gateway;
pub use istio::{
    Ambient, AmbientWorld, BoundService, FoundAddress, Judge, Push, Pushes, RoutedCall,
    RoutedCluster, RoutedEndpoint, RoutedPort, RoutedService, Routes, Verdict,
};
pub use programs::{ChartTools, Moto, PlainHost};

/// How long anything may take to start on a machine that is busy building.
const START: std::time::Duration = std::time::Duration::from_mins(2);

/// How often a condition is looked at that is waited for.
const POLL: std::time::Duration = std::time::Duration::from_millis(50);
