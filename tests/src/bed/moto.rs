//! moto, somebody else's idea of AWS.

use std::{net::SocketAddr, process::Command};

use tokio::net::TcpStream;

use super::{
    daemon::{Daemon, Yard},
    ports,
    setup::Programs,
};

/// A moto server with nothing in it.
///
/// Its Cloud Map has no pages, no filters and no throttling, and registering an instance again
/// duplicates it.
pub struct Moto {
    _server: Daemon,
    address: SocketAddr,
    _yard: Yard,
}

impl Moto {
    /// Starts one.
    pub async fn start() -> Self {
        let programs = Programs::of(&["python"]).await;
        let yard = Yard::new();
        let port = ports::free();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = Command::new(programs.path("MOTO_SERVER"));
        command.args(["-H", "127.0.0.1", "-p"]).arg(port.to_string());
        let mut server = yard.start("moto", &mut command);
        server.until(async || TcpStream::connect(address).await.is_ok()).await;
        Self { _server: server, address, _yard: yard }
    }

    /// What to override AWS's endpoint with.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}
