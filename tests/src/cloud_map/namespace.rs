//! A namespace.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::service::identifier;
use super::world::{REGION, ServiceKey};

/// What a namespace is reached by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamespaceKind {
    /// The API alone.
    Http,
    /// The API, and DNS inside a VPC.
    PrivateDns,
    /// The API, and DNS.
    PublicDns,
}

impl NamespaceKind {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::PrivateDns => "DNS_PRIVATE",
            Self::PublicDns => "DNS_PUBLIC",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Http, Self::PrivateDns, Self::PublicDns].into_iter().find(|kind| kind.name() == name)
    }
}

/// A namespace: a new one takes its id and ARN when it is added to the world.
#[derive(Debug, Clone)]
pub struct Namespace {
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) http_name: String,
    pub(super) kind: NamespaceKind,
    /// Empty until it is added, for the world's account.
    pub(super) owner: String,
    pub(super) description: Option<String>,
    pub(super) creator_request_id: Option<String>,
    pub(super) create_date: f64,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) services: BTreeMap<String, ServiceKey>,
}

impl Namespace {
    /// One that only the API reaches.
    #[must_use]
    pub fn http(name: &str) -> Self {
        Self::new(NamespaceKind::Http, name)
    }

    /// One with a private hosted zone.
    #[must_use]
    pub fn private_dns(name: &str) -> Self {
        Self::new(NamespaceKind::PrivateDns, name)
    }

    pub(super) fn new(kind: NamespaceKind, name: &str) -> Self {
        Self {
            id: String::new(),
            arn: String::new(),
            name: name.to_owned(),
            http_name: name.to_owned(),
            kind,
            owner: String::new(),
            description: None,
            creator_request_id: None,
            create_date: 0.0,
            tags: BTreeMap::new(),
            services: BTreeMap::new(),
        }
    }

    /// The name by which Discover knows it, where that is not its name.
    #[must_use]
    pub fn with_http_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.http_name);
        self
    }

    /// Of another account, which shares it with the caller's.
    #[must_use]
    pub fn shared_by(mut self, account: &str) -> Self {
        account.clone_into(&mut self.owner);
        self
    }

    /// With that id, and the ARN that follows from it.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// With that description.
    #[must_use]
    pub fn described(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// With a tag more.
    #[must_use]
    pub fn tagged(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// A namespace of the same name has another id than the one before it.
    pub(super) fn complete(&mut self, key: u64, account: &str) {
        if self.owner.is_empty() {
            account.clone_into(&mut self.owner);
        }
        if self.id.is_empty() {
            self.id = format!("ns-{}", identifier(&[&self.owner, &self.name, &key.to_string()]));
        }
        if self.arn.is_empty() {
            self.arn =
                format!("arn:aws:servicediscovery:{REGION}:{}:namespace/{}", self.owner, self.id);
        }
        if self.create_date <= 0.0 {
            self.create_date = create_date(key);
        }
    }
}

/// Seconds with a fraction, as the wire has them.
#[expect(clippy::cast_precision_loss, reason = "the keys of a test's world are small")]
pub(super) fn create_date(key: u64) -> f64 {
    1_585_354_387.357 + key as f64
}

/// As `ListNamespaces` has it.
pub(super) fn namespace_summary(namespace: &Namespace) -> Map<String, Value> {
    let dns = match namespace.kind {
        NamespaceKind::Http => json!({"SOA": {}}),
        NamespaceKind::PrivateDns | NamespaceKind::PublicDns => {
            json!({"HostedZoneId": namespace.id.replace("ns-", "Z").to_uppercase(), "SOA": {"TTL": 15}})
        }
    };
    let mut summary = object(json!({
        "Id": namespace.id,
        "Arn": namespace.arn,
        "ResourceOwner": namespace.owner,
        "Name": namespace.name,
        "Type": namespace.kind.name(),
        "ServiceCount": namespace.services.len(),
        "Properties": {"DnsProperties": dns, "HttpProperties": {"HttpName": namespace.http_name}},
        "CreateDate": namespace.create_date,
    }));
    insert_some(&mut summary, "Description", namespace.description.as_deref());
    summary
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

pub(super) fn insert_some(
    members: &mut Map<String, Value>,
    name: &str,
    value: Option<impl Into<Value>>,
) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value.into());
    }
}
