//! A fake Cloud Map: an HTTP server in the test's own process, on a loopback port.
//!
//! It answers as AWS does, with what makes a reader stumble: pages that are empty and go on,
//! answers in no order, names that are not the names, revisions above 2^53. Tests make its
//! [`World`], switch [`Fault`]s on and off, and count the calls. It is AWS STS as well: credentials
//! of a [`Role`] read the world of the role's account.
//!
//! ```no_run
//! use istio_cloud_map_tests::cloud_map::{Fault, Health, Operation, Service, FakeCloudMap};
//!
//! # fn main() -> std::io::Result<()> {
//! let cloud_map = FakeCloudMap::start()?;
//! let web = cloud_map.world(|world| {
//!     let namespace = world.http_namespace("my-namespace");
//!     let web = world.add_service(namespace, Service::named("web").with_custom_health_check());
//!     world.register(web, "i-1", [("AWS_INSTANCE_IPV4", "10.0.0.1"), ("AWS_INSTANCE_PORT", "80")]);
//!     web
//! });
//! let of_web = Fault::AccessDenied.in_service("my-namespace", "web");
//! let denied = cloud_map.inject(of_web.on(Operation::DiscoverInstances));
//! // ... run the operator against cloud_map.url() ...
//! cloud_map.clear(denied);
//! cloud_map.world(|world| world.set_health(web, "i-1", Health::Unhealthy));
//! assert!(cloud_map.calls(Operation::DiscoverInstances) > 0);
//! # Ok(())
//! # }
//! ```

mod answers;
mod calls;
mod faults;
mod listing;
mod model;
mod namespace;
mod server;
mod service;
mod setup;
mod snapshot;
mod sts;
mod wire;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::serve::ListenerExt;
use tokio::sync::oneshot;

pub use calls::{Operation, Outcome};
pub use faults::{Fault, FaultId, FaultRule};
pub use namespace::{Namespace, NamespaceKind};
use server::Shared;
pub use service::{Health, Instance, Service};
pub use sts::{AssumeRole, Role, Sts};
pub use wire::ErrorKind;
pub use world::{ACCOUNT, NamespaceKey, REGION, ServiceKey, World};

/// A running fake. Dropping it closes its port and every connection.
#[derive(Debug)]
pub struct FakeCloudMap {
    address: SocketAddr,
    url: String,
    shared: Arc<Shared>,
    /// Ends the thread when it is dropped.
    running: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeCloudMap {
    /// Starts with an empty world, on a free port.
    ///
    /// # Errors
    /// Where no port or no thread is to be had.
    pub fn start() -> io::Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), World::default())
    }

    /// Starts with a world, at an address: that of a fake that was stopped, for one.
    ///
    /// # Errors
    /// Where the address is not to be had, or no thread.
    pub fn start_at(address: SocketAddr, world: World) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Shared::new(world);
        // A runtime of its own: with it end all the connections, those that hang too, and a test
        // that blocks does not block it.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (running, stopped) = oneshot::channel();
        let router = server::router(Arc::clone(&shared));
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            tokio::select! {
                served = axum::serve(listener, router) => served,
                _ = stopped => Ok(()),
            }
        };
        let thread = std::thread::Builder::new().name("cloud-map".to_owned()).spawn(move || {
            // The listener of a running server has no error that would end it.
            let _ = runtime.block_on(serve);
        })?;
        Ok(Self {
            address,
            url: format!("http://{address}"),
            shared,
            running: Some(running),
            thread: Some(thread),
        })
    }

    /// The endpoint to override AWS's with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of the endpoint.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Looks at the world or changes it, in one step for all readers.
    pub fn world<Answer>(&self, change: impl FnOnce(&mut World) -> Answer) -> Answer {
        self.world_of(ACCOUNT, change)
    }

    /// The same for another account, which is read with the credentials of a role of it.
    pub fn world_of<Answer>(
        &self,
        account: &str,
        change: impl FnOnce(&mut World) -> Answer,
    ) -> Answer {
        self.shared.world(account, change)
    }

    /// Looks at the roles and the calls that assumed them, or changes the roles.
    pub fn sts<Answer>(&self, change: impl FnOnce(&mut Sts) -> Answer) -> Answer {
        change(&mut self.shared.sts())
    }

    /// Switches a fault on.
    pub fn inject(&self, rule: impl Into<FaultRule>) -> FaultId {
        self.shared.faults().inject(rule.into())
    }

    /// Throttles the calls of an operation beyond a token bucket of so many a second and so many at
    /// once. Each page is a call.
    pub fn limit(&self, operation: Operation, per_second: f64, burst: f64) {
        self.shared.faults().limit(operation, per_second, burst);
    }

    /// Switches a fault off, for the calls to come.
    pub fn clear(&self, fault: FaultId) {
        self.shared.faults().clear(fault);
    }

    /// How many calls of an operation have arrived, however they ended.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.shared.calls().of(operation)
    }

    /// How many calls of an operation have ended so.
    #[must_use]
    pub fn calls_ended(&self, operation: Operation, outcome: Outcome) -> u64 {
        self.shared.calls().ended(operation, outcome)
    }

    /// How many calls of an operation were about a service, existing or not.
    #[must_use]
    pub fn calls_about(&self, operation: Operation, namespace: &str, service: &str) -> u64 {
        self.shared.calls().about(operation, namespace, service)
    }

    /// The access key ids that have signed calls, sorted.
    #[must_use]
    pub fn access_keys(&self) -> Vec<String> {
        self.shared.calls().access_keys().iter().cloned().collect()
    }

    /// Counts from nothing again.
    pub fn reset_calls(&self) {
        self.shared.calls().reset();
    }

    /// Stops, and gives back the caller's world to start again with.
    #[must_use]
    pub fn stop(mut self) -> World {
        self.end();
        self.shared.world(ACCOUNT, std::mem::take)
    }

    fn end(&mut self) {
        drop(self.running.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for FakeCloudMap {
    fn drop(&mut self) {
        self.end();
    }
}
