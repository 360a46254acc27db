//! The fake Cloud Map as a program: `fake-cloud-map [--listen 127.0.0.1:PORT]
//! [--snapshot FILE]`.
//!
//! It prints its endpoint on stdout and serves until it is stopped.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use istio_cloud_map_tests::cloud_map::{FakeCloudMap, World};

const USAGE: &str = "usage: fake-cloud-map [--listen 127.0.0.1:PORT] [--snapshot FILE]";

struct Arguments {
    listen: SocketAddr,
    snapshot: Option<String>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut arguments =
            Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), snapshot: None };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--listen" => arguments.listen = words.next()?.parse().ok()?,
                "--snapshot" => arguments.snapshot = Some(words.next()?),
                _ => return None,
            }
        }
        // It accepts any signature, so only this machine may reach it.
        arguments.listen.ip().is_loopback().then_some(arguments)
    }
}

fn main() -> ExitCode {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match start(&arguments) {
        Ok(fake) => {
            println!("{}", fake.url());
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<FakeCloudMap, Box<dyn Error>> {
    let world = match &arguments.snapshot {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("cannot read {path}: {error}"))?;
            World::from_snapshot(&text).map_err(|error| format!("{path}: {error}"))?
        }
        None => World::default(),
    };
    FakeCloudMap::start_at(arguments.listen, world)
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen).into())
}
