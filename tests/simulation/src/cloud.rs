//! Cloud Map: sources, namespaces, services and instances, read in pages and limited by token
//! buckets.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

use istio_cloud_map_core::cloud_map::{
    Health, HealthCheckCustomConfig, Instance, Namespace, Record, Service, Tag,
};
use istio_cloud_map_core::sorted::SortedMap;

use crate::driver::{Answer, ReadFault, What};
use crate::time::{S, Us};

/// Calls a second, with a burst.
#[derive(Debug)]
pub struct Bucket {
    pub rate: u64,
    pub burst: u64,
    /// Millionths of a call.
    level: u64,
    at: Us,
}

impl Bucket {
    pub const fn new(rate: u64, burst: u64) -> Self {
        Self { rate, burst, level: burst * S, at: 0 }
    }

    fn take(&mut self, now: Us) -> bool {
        self.level = (self.level + (now - self.at) * self.rate).min(self.burst * S);
        self.at = now;
        let enough = self.level >= S;
        if enough {
            self.level -= S;
        }
        enough
    }
}

/// The two planes' budgets of one account and region.
#[derive(Debug)]
pub struct Quota {
    pub control: Bucket,
    pub data: Bucket,
}

/// What one source reads.
#[derive(Debug)]
pub struct Account {
    /// Name by id.
    pub namespaces: BTreeMap<String, String>,
    /// By id, whatever their namespace: pages are taken from all of them.
    pub services: BTreeMap<String, CloudService>,
    /// Sources of one account and region share it.
    pub quota: String,
}

#[derive(Debug, Clone)]
pub struct CloudService {
    pub namespace: String,
    pub name: String,
    pub health_check: bool,
    pub created: Us,
    pub instances: BTreeMap<String, CloudInstance>,
    pub attributes: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub revision: i64,
}

#[derive(Debug, Clone)]
pub struct CloudInstance {
    pub address: String,
    pub port: Option<u16>,
    pub unhealthy: bool,
}

/// The identity of a service, in the order of precedence for a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceRef {
    pub source: String,
    pub namespace: String,
    pub service: String,
}

impl fmt::Display for ServiceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.source, self.namespace, self.service)
    }
}

#[derive(Debug, Default)]
pub struct Cloud {
    pub accounts: BTreeMap<String, Account>,
    pub quotas: BTreeMap<String, Quota>,
    pub page_size: usize,
    last: u64,
}

impl Cloud {
    pub fn new(page_size: usize) -> Self {
        Self { page_size, ..Self::default() }
    }

    pub fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub fn add_account(&mut self, source: &str, control: Bucket, data: Bucket) {
        self.add_quota(source, control, data);
        self.add_source(source, source);
    }

    pub fn add_quota(&mut self, quota: &str, control: Bucket, data: Bucket) {
        self.quotas.insert(quota.to_owned(), Quota { control, data });
    }

    /// A source of the account and region that have this quota.
    pub fn add_source(&mut self, source: &str, quota: &str) {
        let account = Account {
            namespaces: BTreeMap::new(),
            services: BTreeMap::new(),
            quota: quota.to_owned(),
        };
        self.accounts.insert(source.to_owned(), account);
    }

    pub fn add_namespace(&mut self, source: &str, name: &str) -> String {
        let id = format!("ns-{:04}", self.next_number());
        if let Some(account) = self.accounts.get_mut(source) {
            account.namespaces.insert(id.clone(), name.to_owned());
        }
        id
    }

    pub fn services(&self) -> Vec<ServiceRef> {
        let of = |(source, account): (&String, &Account)| {
            let one = |(id, service): (&String, &CloudService)| ServiceRef {
                source: source.clone(),
                namespace: service.namespace.clone(),
                service: id.clone(),
            };
            account.services.iter().map(one).collect::<Vec<_>>()
        };
        self.accounts.iter().flat_map(of).collect()
    }

    pub fn service(&self, at: &ServiceRef) -> Option<&CloudService> {
        self.accounts.get(&at.source)?.services.get(&at.service)
    }

    pub fn service_mut(&mut self, at: &ServiceRef) -> Option<&mut CloudService> {
        self.accounts.get_mut(&at.source)?.services.get_mut(&at.service)
    }

    /// The complete record of a service, with its attributes and tags if they are read.
    pub fn record(&self, at: &ServiceRef, hints: (bool, bool)) -> Option<Record> {
        let account = self.accounts.get(&at.source)?;
        let service = account.services.get(&at.service)?;
        Some(Record {
            source: at.source.clone(),
            namespace: namespace(&service.namespace, account.namespaces.get(&service.namespace)?),
            service: service_info(&at.service, service),
            instances: service.instances.iter().map(instance).collect(),
            instances_revision: Some(service.revision),
            service_attributes: pairs(&service.attributes, hints.0).collect(),
            tags: pairs(&service.tags, hints.1).map(|(key, value)| Tag { key, value }).collect(),
            ..Record::default()
        })
    }

    /// Answers one call, if the account's budget allows it.
    pub fn answer(
        &mut self,
        source: &str,
        what: &What,
        token: Option<&String>,
        now: Us,
    ) -> Result<Answer, ReadFault> {
        let page_size = self.page_size;
        let account = self.accounts.get(source).ok_or(ReadFault::NotFound)?;
        let quota = self.quotas.get_mut(&account.quota).ok_or(ReadFault::NotFound)?;
        let bucket = if what.is_control() { &mut quota.control } else { &mut quota.data };
        if !bucket.take(now) {
            return Err(ReadFault::Throttled);
        }
        match what {
            What::Namespaces { own: false } => {
                Ok(Answer::Namespaces { items: Vec::new(), next: None })
            }
            What::Namespaces { own: true } => {
                let (page, next) = page(&account.namespaces, token, page_size);
                Ok(Answer::Namespaces {
                    items: page.iter().map(|(id, name)| namespace(id, name)).collect(),
                    next,
                })
            }
            What::Services { namespace: of } => {
                if !account.namespaces.contains_key(of) {
                    return Ok(Answer::Services { items: Vec::new(), next: None });
                }
                let (page, next) = page(&account.services, token, page_size);
                let items = page.iter().filter(|(_, service)| service.namespace == *of);
                Ok(Answer::Services {
                    items: items.map(|(id, service)| service_info(id, service)).collect(),
                    next,
                })
            }
            What::Revision { service } => account
                .services
                .get(service)
                .map(|service| Answer::Revision(service.revision))
                .ok_or(ReadFault::NotFound),
            What::Hint { service, tags } => {
                let service = account.services.get(service).ok_or(ReadFault::NotFound)?;
                let values = if *tags { &service.tags } else { &service.attributes };
                Ok(Answer::Hint(values.clone()))
            }
            What::Instances { service } => {
                let service = account.services.get(service).ok_or(ReadFault::NotFound)?;
                Ok(Answer::Instances {
                    items: service.instances.iter().map(instance).collect(),
                    revision: service.revision,
                })
            }
        }
    }
}

fn pairs(all: &BTreeMap<String, String>, are_read: bool) -> impl Iterator<Item = (String, String)> {
    all.clone().into_iter().filter(move |_| are_read)
}

/// Items of one page, and the token of the next.
type Page<'a, T> = (Vec<(&'a String, &'a T)>, Option<String>);

fn page<'a, T>(all: &'a BTreeMap<String, T>, token: Option<&String>, size: usize) -> Page<'a, T> {
    let from = token.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = all.range::<String, _>((from, Bound::Unbounded));
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next = rest.next().and(page.last()).map(|(id, _)| (*id).clone());
    (page, next)
}

fn namespace(id: &str, name: &str) -> Namespace {
    Namespace {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        kind: Some("HTTP".to_owned()),
        ..Namespace::default()
    }
}

fn service_info(id: &str, service: &CloudService) -> Service {
    let health_check_custom_config = service.health_check.then(HealthCheckCustomConfig::default);
    Service {
        id: Some(id.to_owned()),
        name: service.name.clone(),
        health_check_custom_config,
        ..Service::default()
    }
}

fn instance((id, instance): (&String, &CloudInstance)) -> Instance {
    let mut attributes =
        SortedMap::from([("AWS_INSTANCE_IPV4".to_owned(), instance.address.clone())]);
    if let Some(port) = instance.port {
        attributes.insert("AWS_INSTANCE_PORT".to_owned(), port.to_string());
    }
    let health_status = if instance.unhealthy { Health::Unhealthy } else { Health::Healthy };
    Instance { id: id.clone(), health_status, attributes }
}
