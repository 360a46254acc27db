//! Free loopback ports.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below the range from which the kernel gives outgoing connections theirs, so that a server
/// stopped for a while gets its port back.
const FIRST: u32 = 18_000;
const COUNT: u32 = 12_000;

static TAKEN: AtomicU32 = AtomicU32::new(0);

/// A port nobody listens on. Processes side by side start their search in different places.
pub(super) fn free() -> u16 {
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let offset = start.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + offset).expect("the range ends below 65536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {FIRST} on");
}
