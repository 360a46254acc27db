//! Drives the operator by hand through the life of one service, with a fake Cloud Map and a fake
//! cluster. There is no clock: the time is a number that this program chooses, so that two minutes
//! pass in an instant and every run prints the same.
//!
//! ```sh
//! cargo run --package istio-cloud-map-core --example drive_operator
//! ```

use std::error::Error;
use std::time::Duration;

use istio_cloud_map_core::cloud_map::{Instance, Namespace, Service};
use istio_cloud_map_core::operator::{
    Config, Effect, Event, InstancesRead, NamespaceOwner, Observation, Observed, Operator, Page,
    Read, ReadError, ReadFailure, ReadId, SourceConfig, Time, Version, Write,
};
use istio_cloud_map_core::sorted::SortedMap;
use serde_json::{Value, json};

/// Cloud Map and the cluster.
#[derive(Default)]
struct Fake {
    /// The addresses of the service's instances; none, while there is no service.
    addresses: Option<Vec<&'static str>>,
    /// Grows with each change of the instances.
    revision: i64,
    /// Grows with each write.
    resource_version: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let script = [
        (Duration::ZERO, Some(vec!["10.0.0.1"])),
        (Duration::from_secs(7), Some(vec!["10.0.0.1", "10.0.0.2"])),
        (Duration::from_secs(20), None),
        (Duration::from_mins(2), None),
    ];
    let config = Config { sources: vec![SourceConfig::default()], ..Config::default() };
    let mut operator = Operator::new(config, Time::ZERO);
    let mut fake = Fake::default();

    // The operator reads nothing before it has seen which entries exist: here, none.
    let listed = Observation::Listed { entries: Vec::new(), version: Version::default() };
    let mut events = vec![Event::Observed(listed)];
    let mut now = Time::ZERO;
    for (at, addresses) in script {
        // Until the next step of the script, the operator is woken whenever it asks to be.
        while now < at || !events.is_empty() {
            let mut wake = at;
            while let Some(event) = events.pop() {
                for effect in operator.handle(event, now) {
                    match effect {
                        Effect::Read { id, read } => events.push(fake.read(id, &read, now)),
                        Effect::Write(write) => events.push(fake.write(write, now)?),
                        Effect::Report(diagnostic) | Effect::ReportEntry { diagnostic, .. } => {
                            println!("{now:>6?}  report {diagnostic}");
                        }
                        Effect::WakeAt(time) => wake = time.min(at),
                        Effect::Finished { .. } => println!("{now:>6?}  finished"),
                    }
                }
            }
            if now < at {
                now = wake;
                events.push(Event::Tick);
            }
        }
        println!("{now:>6?}  --- instances: {addresses:?}");
        fake.addresses = addresses;
        fake.revision += 1;
        events.push(Event::Tick);
    }
    Ok(())
}

impl Fake {
    /// Answers a read. A real driver sends the answer later.
    fn read(&self, read: ReadId, call: &Read, now: Time) -> Event {
        if !matches!(call, Read::Revision(_)) {
            println!("{now:>6?}  read   {}", call.operation());
        }
        let deleted = ReadError {
            failure: ReadFailure::NotFound,
            message: "the service does not exist".to_owned(),
        };
        match call {
            Read::Namespaces { owner, .. } => {
                let shop = || Namespace { name: "shop".to_owned(), ..Namespace::default() };
                let items = (*owner == NamespaceOwner::Own).then(shop).into_iter().collect();
                Event::NamespacesPage { read, result: Ok(Page { items, next_token: None }) }
            }
            Read::Services { .. } => {
                let web = |_| Service { name: "web".to_owned(), ..Service::default() };
                let items = self.addresses.iter().map(web).collect();
                Event::ServicesPage { read, result: Ok(Page { items, next_token: None }) }
            }
            Read::Revision(_) => {
                let result = self.addresses.as_ref().map(|_| self.revision).ok_or(deleted);
                Event::Revision { read, result }
            }
            Read::Instances(_) => {
                let answer = |addresses: &Vec<&'static str>| InstancesRead {
                    instances: addresses.iter().map(|address| instance(address)).collect(),
                    change_token: Some(self.revision),
                    ..InstancesRead::default()
                };
                let result = self.addresses.as_ref().map(answer).ok_or(deleted);
                Event::Instances { read, result }
            }
            Read::ServiceAttributes(_) => {
                Event::ServiceAttributes { read, result: Ok(SortedMap::default()) }
            }
            Read::Tags(_) => Event::Tags { read, result: Ok(Vec::new()) },
        }
    }

    /// Stores an entry, and answers with what is stored now.
    fn write(&mut self, write: Write, now: Time) -> Result<Event, Box<dyn Error>> {
        let (verb, endpoints) = (write.action.as_str(), write.endpoints);
        println!("{now:>6?}  {verb} {} with {endpoints} endpoints", write.key);
        self.resource_version += 1;
        let mut stored = None;
        if let Some(json) = &write.json {
            let mut entry: Value = serde_json::from_str(json)?;
            if let Some(Value::Object(metadata)) = entry.pointer_mut("/metadata") {
                let version = self.resource_version.to_string();
                metadata.insert("resourceVersion".to_owned(), json!(version));
            }
            stored = Some(Box::new(Observed::from_json(&entry, None, "default")));
        }
        Ok(Event::Written { key: write.key, result: Ok(stored) })
    }
}

fn instance(address: &str) -> Instance {
    let attributes = [("AWS_INSTANCE_IPV4", address), ("AWS_INSTANCE_PORT", "8080")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Instance {
        id: address.to_owned(),
        attributes: SortedMap::from(attributes),
        ..Instance::default()
    }
}
