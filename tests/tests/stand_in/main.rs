//! The stand-in for Cloud Map answers as Cloud Map does.

mod answers;
mod client;
mod connection;
mod discover;
mod faults;
mod refusals;
mod sdk;
mod throughput;

type Tested = Result<(), Box<dyn std::error::Error>>;
