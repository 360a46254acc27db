//! Records, their entries, and what Istio's answer about each entry must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use istio_cloud_map_core::cloud_map::{Health, InputOptions, Instance, Record, parse};
use istio_cloud_map_core::diagnostic::{Code, Diagnostic};
use istio_cloud_map_core::service_entry::{Protocol, ServiceEntry};
use istio_cloud_map_core::translate::{HealthMode, Options, PortList, Translator};
use istio_cloud_map_tests::bed::{RoutedCluster, RoutedPort, RoutedService};
use istio_cloud_map_tests::generated::services;
use istio_cloud_map_tests::golden::{self, Golden};
use serde_json::Value;

/// Records that are translated together.
pub struct Case {
    pub name: String,
    pub records: Vec<Record>,
    /// The host of each record; none if the record has no entry.
    hosts: Vec<Option<String>>,
    pub options: Options,
    pub entries: Vec<ServiceEntry>,
    pub diagnostics: Vec<Diagnostic>,
}

/// What instances register, as far as routes must follow it.
#[derive(Debug, Default)]
struct Registered {
    /// The TCP ports on which each address listens; empty if its instances register no port.
    listening: BTreeMap<String, BTreeSet<u16>>,
    /// Each instance that must be reached: at one of these addresses, at this port if there is one.
    expected: Vec<(Vec<String>, Option<u16>)>,
    /// Ports that a hint or an override lists, which the instances may not register.
    listed: BTreeSet<u16>,
}

impl Case {
    pub fn new(name: String, records: Vec<Record>, options: Options) -> Self {
        let translated = Translator::new(&options).translate_all(&records);
        let (entries, diagnostics) = (translated.entries, translated.diagnostics);
        let hosts = records.iter().map(|record| host(record, &options, &diagnostics)).collect();
        Self { name, records, hosts, options, entries, diagnostics }
    }

    pub fn generated(seed: u64) -> Self {
        Self::new(format!("seed {seed}"), vec![services::service(seed)], services::options(seed))
    }

    /// The golden cases whose input can be read.
    pub fn golden() -> Vec<Self> {
        golden::all().into_iter().filter_map(Self::from_golden).collect()
    }

    fn from_golden(golden: Golden) -> Option<Self> {
        let options = golden.options.as_deref().unwrap_or("{}");
        let mut options: serde_json::Map<String, Value> = serde_json::from_str(options).unwrap();
        let mut take =
            |key: &str| options.remove(key).map(|value| value.as_str().unwrap().to_owned());
        let input = InputOptions {
            region: take("region"),
            namespace: take("namespace"),
            service: take("service"),
            ..InputOptions::default()
        };
        let records = parse(&golden.input, &input).ok()?.records;
        let options = serde_json::from_value(Value::Object(options)).unwrap();
        Some(Self::new(golden.name, records, options))
    }

    /// The entries as Istio reads them.
    pub fn entries_json(&self) -> Vec<Value> {
        self.entries.iter().map(|entry| serde_json::to_value(entry).unwrap()).collect()
    }

    pub fn has(&self, code: Code) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.code == code)
    }

    /// What is wrong with the routes that Istio makes of an entry:
    ///
    /// - Each call to a service port gets to the cluster of that port.
    /// - Each usable instance is reached by at least one service port, at the port that it
    ///   registers.
    /// - Nothing else is reached, and UDP not by TCP, except for a closed port that the translation
    ///   reports.
    pub fn problems(&self, entry: &ServiceEntry, routed: &RoutedService) -> Vec<String> {
        let registered = self.registered(&routed.host);
        let mut problems = Vec::new();
        let mut reached = BTreeSet::new();
        for port in &routed.ports {
            // A sidecar does not see UDP, and Istio makes nothing of such a port: what is written
            // counts.
            let udp =
                entry.spec.ports.iter().find(|written| {
                    written.number == port.number && written.protocol == Protocol::Udp
                });
            if let Some(udp) = udp {
                reached.extend(entry.spec.endpoints.iter().map(|endpoint| {
                    let target = endpoint.ports.port(&udp.name);
                    (endpoint.address.as_str(), target.unwrap_or(udp.number))
                }));
                continue;
            }
            let Some(cluster) = &port.cluster else {
                problems.push(format!("port {}: no cluster", port.number));
                continue;
            };
            reached.extend(cluster.endpoints.iter().map(|e| (e.address.as_str(), e.port)));
            let found = self.port_problems(&registered, entry, port, cluster);
            problems.extend(found.into_iter().map(|text| format!("port {}: {text}", port.number)));
        }
        let is_reached = |(addresses, own): &(Vec<String>, Option<u16>)| {
            reached.iter().any(|(address, port)| {
                addresses.iter().any(|one| one == address)
                    && (own.is_none_or(|own| own == *port) || registered.listed.contains(port))
            })
        };
        let missed: Vec<_> = registered.expected.iter().filter(|one| !is_reached(one)).collect();
        if !missed.is_empty() {
            problems.push(format!("instances that no port reaches: {missed:?}"));
        }
        problems
    }

    fn port_problems(
        &self,
        registered: &Registered,
        entry: &ServiceEntry,
        port: &RoutedPort,
        cluster: &RoutedCluster,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        let missed: Vec<_> = port.calls.iter().filter(|call| !call.reached).collect();
        if port.calls.is_empty() || !missed.is_empty() {
            problems.push(format!("calls do not get here: {missed:?}"));
        }
        let is_ip = |address: &str| address.parse::<IpAddr>().is_ok();
        let by_ip = cluster.endpoints.iter().all(|endpoint| is_ip(&endpoint.address));
        let kind = if by_ip { "EDS" } else { "STRICT_DNS" };
        if cluster.kind != kind {
            problems.push(format!("a cluster of type {}, expected {kind}", cluster.kind));
        }
        let closed_port = format!("service port {};", port.number);
        let is_reported = self.diagnostics.iter().any(|diagnostic| {
            diagnostic.code == Code::PortNotServed && diagnostic.message.contains(&closed_port)
        });
        for endpoint in &cluster.endpoints {
            let at = format!("{}:{}", endpoint.address, endpoint.port);
            let Some(ports) = registered.listening.get(&endpoint.address) else {
                problems.push(format!("{at} is not an address of a usable instance"));
                continue;
            };
            let is_closed = !ports.is_empty() && !ports.contains(&endpoint.port);
            let is_allowed = registered.listed.contains(&endpoint.port)
                || (is_reported && endpoint.port == port.number);
            if is_closed && !is_allowed {
                problems.push(format!("{at} is closed, open are {ports:?}"));
            }
            let as_written = entry.spec.endpoints.iter().any(|written| {
                written.address == endpoint.address
                    && written.weight.unwrap_or(1) == endpoint.weight
                    && written.locality.as_deref().unwrap_or_default() == endpoint.locality
            });
            if !as_written {
                problems.push(format!("{at} has another weight or locality: {endpoint:?}"));
            }
        }
        problems
    }

    /// What the instances of the records behind a host register.
    fn registered(&self, host: &str) -> Registered {
        let mut registered = Registered::default();
        let with_hosts = self.records.iter().zip(&self.hosts);
        let records: Vec<&Record> = with_hosts
            .filter(|(_, own)| own.as_deref() == Some(host))
            .map(|(record, _)| record)
            .collect();
        // With whether all its addresses can be used.
        let candidates: Vec<(&Instance, bool)> = records
            .iter()
            .flat_map(|record| record.instances.iter().map(move |instance| (*record, instance)))
            .filter(|(record, instance)| {
                let ready = attribute(instance, "READY");
                !ready.is_some_and(|word| word.eq_ignore_ascii_case("false"))
                    && !self.reports(&[Code::InvalidInstance, Code::InvalidPort], record, instance)
            })
            .map(|(record, instance)| {
                let bad = [Code::InvalidAddress, Code::ForbiddenAddress];
                (instance, !self.reports(&bad, record, instance))
            })
            .collect();
        let is_healthy = |instance: &Instance| instance.health_status != Health::Unhealthy;
        let has_healthy =
            candidates.iter().any(|(instance, is_usable)| *is_usable && is_healthy(instance));
        let takes_all = std::iter::once(self.options.health)
            .chain(self.options.overrides.iter().filter_map(|o| o.health))
            .any(|mode| {
                mode == HealthMode::All || (mode == HealthMode::HealthyOrElseAll && !has_healthy)
            });
        for (instance, is_usable) in candidates {
            if takes_all || is_healthy(instance) {
                registered.add(instance, is_usable);
            }
        }
        let hints = records.iter().flat_map(|record| {
            let attributes = record.service_attributes.iter();
            let tags = record.tags.iter().map(|tag| (&tag.key, &tag.value));
            attributes.chain(tags).filter(|(key, _)| *key == "istio-cloud-map/ports")
        });
        let lists = hints.filter_map(|(_, text)| text.parse::<PortList>().ok());
        let lists = lists.chain(self.options.overrides.iter().filter_map(|o| o.ports.clone()));
        for list in lists {
            for port in list.ports() {
                registered.listed.extend([port.number()].into_iter().chain(port.target()));
            }
        }
        registered
    }

    /// Whether the translation reports one of these about the instance.
    fn reports(&self, codes: &[Code], record: &Record, instance: &Instance) -> bool {
        self.diagnostics.iter().any(|diagnostic| {
            codes.contains(&diagnostic.code)
                && diagnostic.service == record.service.name
                && diagnostic.instance.as_deref().unwrap_or_default() == instance.id
        })
    }
}

impl Registered {
    fn add(&mut self, instance: &Instance, is_usable: bool) {
        let port = |key: &str| attribute(instance, key).and_then(|text| text.parse::<u16>().ok());
        let service_port = port("SERVICE_PORT");
        let own = port("AWS_INSTANCE_PORT")
            .or_else(|| service_port.and_then(|_| port("SERVICE_TARGET_PORT")));
        let transport = attribute(instance, "SERVICE_PROTOCOL")
            .or_else(|| attribute(instance, "ENDPOINT_PROTOCOL"));
        let is_udp =
            service_port.is_some() && transport.is_some_and(|t| t.eq_ignore_ascii_case("udp"));
        let addresses: Vec<String> =
            ["AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_CNAME", "AWS_ALIAS_DNS_NAME"]
                .iter()
                .filter_map(|key| attribute(instance, key))
                .filter_map(canonical)
                .collect();
        for address in &addresses {
            let ports = self.listening.entry(address.clone()).or_default();
            // No TCP call may reach a port of UDP: it counts as a port that no cluster has.
            ports.extend(own.map(|own| if is_udp { 0 } else { own }));
        }
        // Of several ports behind one service port of the MCS controller one is called.
        let own = own.filter(|_| service_port.is_none());
        if is_usable && !is_udp {
            self.expected.push((addresses, own));
        }
    }
}

/// The host that a record is translated to, unless it lost the host to another record.
fn host(record: &Record, options: &Options, diagnostics: &[Diagnostic]) -> Option<String> {
    let is_lost = diagnostics.iter().any(|diagnostic| {
        diagnostic.code == Code::HostConflict
            && diagnostic.service == record.service.name
            && diagnostic.namespace == record.namespace.name
    });
    let alone = Translator::new(options).translate_all(std::slice::from_ref(record));
    alone.entries.first().filter(|_| !is_lost)?.spec.hosts.first().map(ToString::to_string)
}

fn attribute<'a>(instance: &'a Instance, key: &str) -> Option<&'a str> {
    instance.attributes.get(key).map(String::as_str).filter(|value| !value.is_empty())
}

/// An address as Istio writes it, unless it is forbidden.
fn canonical(text: &str) -> Option<String> {
    let Ok(ip) = text.parse::<IpAddr>() else {
        return Some(text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase());
    };
    let ip = ip.to_canonical();
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip == Ipv4Addr::BROADCAST,
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let is_forbidden =
        is_link_local || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast();
    (!is_forbidden).then(|| ip.to_string())
}
