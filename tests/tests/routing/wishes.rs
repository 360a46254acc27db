//! What a configuration and a service itself say about how it shall be translated.

use std::collections::BTreeMap;

use istio_cloud_map_core::cloud_map::Record;
use istio_cloud_map_core::service_entry::Host;
use istio_cloud_map_core::service_entry::Protocol;
use istio_cloud_map_core::translate::{
    EmptyService, HealthMode, IpFamily, Options, Override, PortList, PortSpec,
};

/// Service port to its protocol and, if one is said, its target port.
pub type Listed = BTreeMap<u16, (Protocol, Option<u16>)>;

/// What holds for one service.
pub struct Wishes {
    pub host: String,
    pub excluded: bool,
    pub ports: Option<Listed>,
    pub protocol: Option<Protocol>,
    /// What the health check says of the protocol.
    pub check: Option<Protocol>,
    pub dynamic: PortSpec,
    pub health: HealthMode,
    pub family: IpFamily,
    pub empty: EmptyService,
}

impl Wishes {
    pub fn of(record: &Record, options: &Options) -> Self {
        let said = Said {
            record,
            overrides: options.overrides.iter().filter(|o| fits(o, record)).collect(),
        };
        let bookkeeping = record.service.name.starts_with("aws-ecs-sc.client.");
        let excluded = said
            .by_override(|o| o.exclude)
            .or(said.hint("exclude", |word| word.to_ascii_lowercase().parse().ok()));
        let ports = said
            .by_override(|o| o.ports.clone())
            .or(said.hint("ports", |text| text.parse::<PortList>().ok()));
        let listed = |list: PortList| {
            list.ports()
                .iter()
                .map(|port| (port.number(), (port.protocol(), port.target())))
                .collect::<Listed>()
        };
        let host = said
            .by_override(|o| o.host.clone())
            .or(said.hint("host", |text| Host::try_from(text.to_owned()).ok()));
        let check =
            record.service.health_check_config.as_ref().and_then(|check| check.kind.as_deref());
        Self {
            host: host.map_or_else(|| own_host(record), |host| host.as_str().to_owned()),
            excluded: excluded.unwrap_or(bookkeeping),
            ports: ports.map(listed),
            protocol: said
                .by_override(|o| o.protocol)
                .or(said.hint("protocol", |word| word.parse().ok())),
            check: check
                .filter(|word| matches!(*word, "HTTP" | "HTTPS" | "TCP"))
                .and_then(|word| word.parse().ok()),
            dynamic: said
                .by_override(|o| o.dynamic_port.clone())
                .unwrap_or_else(|| options.dynamic_port.clone()),
            health: said.by_override(|o| o.health).unwrap_or(options.health),
            family: said.by_override(|o| o.ip_family).unwrap_or(options.ip_family),
            empty: said.by_override(|o| o.empty_service).unwrap_or(options.empty_service),
        }
    }
}

fn fits(o: &Override, record: &Record) -> bool {
    let names = [
        (&o.source, &record.source),
        (&o.namespace, &record.namespace.name),
        (&o.service, &record.service.name),
    ];
    names.into_iter().all(|(glob, name)| glob.as_ref().is_none_or(|glob| glob.matches(name)))
}

fn own_host(record: &Record) -> String {
    let (service, namespace) = (&record.service.name, &record.namespace.name);
    let host = if service == "." { namespace.clone() } else { format!("{service}.{namespace}") };
    host.strip_suffix('.').unwrap_or(&host).to_ascii_lowercase()
}

struct Said<'a> {
    record: &'a Record,
    overrides: Vec<&'a Override>,
}

impl Said<'_> {
    fn by_override<T>(&self, field: impl Fn(&Override) -> Option<T>) -> Option<T> {
        self.overrides.iter().find_map(|o| field(o))
    }

    /// What the service's own attributes say, else its tags: the first that can be read.
    fn hint<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let key = format!("istio-cloud-map/{name}");
        let attribute = self.record.service_attributes.get(&key).and_then(|value| read(value));
        let mut tags: Vec<&str> = self
            .record
            .tags
            .iter()
            .filter(|tag| tag.key == key)
            .map(|tag| tag.value.as_str())
            .collect();
        tags.sort_unstable();
        attribute.or_else(|| tags.into_iter().find_map(read))
    }
}
