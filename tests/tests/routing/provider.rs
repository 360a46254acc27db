//! Which instances can be used, and where they listen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use istio_cloud_map_core::cloud_map::{Health, Instance, Record};
use istio_cloud_map_core::service_entry::Protocol;
use istio_cloud_map_core::translate::IpFamily;

/// An instance without an unusable port, and with a usable address or a port at least.
#[derive(Debug)]
pub struct Provider {
    /// Those that can be used.
    pub addresses: Vec<String>,
    pub port: Option<u16>,
    /// What clients dial, where the MCS controller says it.
    pub service_port: Option<u16>,
    pub port_name: Option<String>,
    /// Whether its port is one of UDP, where the MCS controller says it.
    pub udp: Option<bool>,
    pub protocol: Option<String>,
    pub state: State,
    /// ECS gave it a port of its EC2 host.
    pub host_mapped: bool,
}

/// Whether it may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    NotReady,
    Unhealthy,
    Usable,
}

impl Provider {
    /// Never TCP for UDP, nor the reverse.
    pub fn can_serve(&self, protocol: Protocol) -> bool {
        self.udp.is_none_or(|udp| udp == (protocol == Protocol::Udp))
    }
}

/// The providers of a record, for a service of this host.
pub fn providers(record: &Record, host: &str, family: IpFamily) -> Vec<Provider> {
    record.instances.iter().filter_map(|instance| provider(instance, host, family)).collect()
}

fn provider(instance: &Instance, host: &str, family: IpFamily) -> Option<Provider> {
    // The MCS controller writes empty values where it knows nothing.
    let says = |key: &str| {
        instance.attributes.get(key).map(String::as_str).filter(|value| !value.is_empty())
    };
    let port = says("AWS_INSTANCE_PORT").map(read);
    let service_port = says("SERVICE_PORT").map(read);
    if port == Some(None) || service_port == Some(None) {
        return None;
    }
    let (port, service_port) = (port.flatten(), service_port.flatten());
    let target = says("SERVICE_TARGET_PORT").filter(|_| service_port.is_some()).and_then(read);
    let port = port.or(target);
    let addresses = addresses(&says, host, family);
    let on_ecs_host = says("EC2_INSTANCE_ID").is_some()
        && instance
            .attributes
            .iter()
            .any(|(key, value)| key.starts_with("ECS_") && !value.is_empty());
    (!addresses.is_empty() || port.or(service_port).is_some()).then(|| Provider {
        addresses,
        port,
        service_port,
        port_name: says("SERVICE_PORT_NAME").or(says("ENDPOINT_PORT_NAME")).map(str::to_owned),
        udp: service_port
            .and_then(|_| says("SERVICE_PROTOCOL").or(says("ENDPOINT_PROTOCOL")))
            .map(|word| word.eq_ignore_ascii_case("udp")),
        protocol: says("istio-cloud-map/protocol").map(str::to_owned),
        state: match instance.health_status {
            _ if says("READY").is_some_and(|word| word.eq_ignore_ascii_case("false")) => {
                State::NotReady
            }
            Health::Unhealthy => State::Unhealthy,
            Health::Healthy | Health::Unknown => State::Usable,
        },
        host_mapped: on_ecs_host && port.is_some_and(|port| port >= 32_768),
    })
}

/// A port's number, in digits alone.
fn read(text: &str) -> Option<u16> {
    text.parse().ok().filter(|number| *number > 0 && !text.starts_with('+'))
}

fn addresses<'a>(
    says: &dyn Fn(&str) -> Option<&'a str>,
    host: &str,
    family: IpFamily,
) -> Vec<String> {
    let v4 = says("AWS_INSTANCE_IPV4").map(|text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4));
    let v6 = says("AWS_INSTANCE_IPV6")
        .map(|text| text.parse::<Ipv6Addr>().ok().map(|ip| IpAddr::V6(ip).to_canonical()));
    let chosen = match family {
        IpFamily::PreferIpv4 => vec![v4.or(v6)],
        IpFamily::PreferIpv6 => vec![v6.or(v4)],
        IpFamily::Dual => vec![v4, v6],
    };
    if v4.is_none() && v6.is_none() {
        let name = says("AWS_INSTANCE_CNAME")
            .or(says("AWS_ALIAS_DNS_NAME"))
            .and_then(|text| name(text, host));
        return name.into_iter().collect();
    }
    let usable = chosen.into_iter().flatten().flatten().filter(|ip| is_callable(*ip));
    let mut addresses: Vec<String> = usable.map(|ip| ip.to_string()).collect();
    addresses.dedup();
    addresses
}

/// Callers must not be pointed at themselves, at a node's metadata, or at many.
fn is_callable(ip: IpAddr) -> bool {
    let link_local = match ip {
        IpAddr::V4(ip) => {
            ip.is_link_local() || ip.is_broadcast() || ip.octets().first() == Some(&0)
        }
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local() || matches!(ip.segments(), [0xfd00, 0xec2, ..])
        }
    };
    !(link_local || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
}

fn name(text: &str, host: &str) -> Option<String> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        let ip = ip.to_canonical();
        return is_callable(ip).then(|| ip.to_string());
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inner && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    let local = last == "localhost"
        || name.starts_with("instance-data")
        || name == "metadata.google.internal";
    let usable =
        name.len() <= 255 && name.split('.').all(is_label) && !is_number && !local && name != host;
    usable.then_some(name)
}
