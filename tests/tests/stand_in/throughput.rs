//! How much the stand-in can take, so that a benchmark measures the operator and not this.

use std::thread;
use std::time::{Duration, Instant};

use istio_cloud_map_tests::cloud_map::{Operation, StandIn};
use serde_json::json;

use crate::{Tested, client::Client};

const SERVICES: usize = 1000;
const INSTANCES: usize = 100;

/// What a call of the operation costs, for two callers at once, as calls a second.
fn rate(stand_in: &StandIn, operation: Operation, time: Duration) -> f64 {
    stand_in.reset_calls();
    let start = Instant::now();
    thread::scope(|scope| {
        for caller in 0..2 {
            scope.spawn(move || {
                let mut client = Client::of(stand_in)?;
                for index in (caller..).map(|index| (index * 7919) % SERVICES).take_while(|_| start.elapsed() < time) {
                    let request =
                        json!({"NamespaceName": "my-namespace", "ServiceName": format!("service-{index}"), "HealthStatus": "ALL"});
                    client.ask(operation.name(), &request.to_string())?;
                }
                Ok::<(), std::io::Error>(())
            });
        }
    });
    f64::from(u32::try_from(stand_in.calls(operation)).unwrap_or(u32::MAX))
        / start.elapsed().as_secs_f64()
}

#[test]
#[ignore = "a measurement: cargo test --release --test stand_in -- --ignored --nocapture"]
fn it_answers_two_thousand_discovers_a_second() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| {
        let namespace = world.http_namespace("my-namespace");
        for index in 0..SERVICES {
            let service = world.service(namespace, &format!("service-{index}"));
            for instance in 0..INSTANCES {
                let address = format!("10.{}.{}.{instance}", index / 256, index % 256);
                let attributes = [
                    ("AWS_INSTANCE_IPV4", address.as_str()),
                    ("AWS_INSTANCE_PORT", "8080"),
                    ("AVAILABILITY_ZONE", "us-west-2a"),
                ];
                world.register(service, &format!("i-{instance}"), attributes);
            }
        }
    });
    for operation in [
        Operation::DiscoverInstances,
        Operation::DiscoverInstancesRevision,
        Operation::ListServices,
    ] {
        let rate = rate(&stand_in, operation, Duration::from_secs(3));
        println!(
            "{}: {rate:.0} calls/s with {SERVICES} services of {INSTANCES} instances",
            operation.name()
        );
        assert!(
            rate >= 2000.0 || operation == Operation::ListServices,
            "{}: {rate:.0} calls/s",
            operation.name()
        );
    }
    Ok(())
}
