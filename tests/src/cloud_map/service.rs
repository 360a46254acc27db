//! A service and its instances.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::namespace::{Namespace, NamespaceKind, create_date, insert_some, object};
use super::world::{NamespaceKey, REGION};

/// A service: a new one takes its id and ARN when it is added to the world.
#[derive(Debug, Clone)]
pub struct Service {
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) namespace: NamespaceKey,
    pub(super) description: Option<String>,
    pub(super) creator_request_id: Option<String>,
    pub(super) create_date: f64,
    /// None is what the namespace's kind makes of it.
    pub(super) dns_config: Option<Value>,
    pub(super) health_check: Option<Value>,
    pub(super) custom_health_check: Option<Value>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) revision: i64,
}

impl Service {
    /// One without a health check; in a DNS namespace with A records.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            id: String::new(),
            arn: String::new(),
            name: name.to_owned(),
            namespace: NamespaceKey(0),
            description: None,
            creator_request_id: None,
            create_date: 0.0,
            dns_config: None,
            health_check: None,
            custom_health_check: None,
            attributes: BTreeMap::new(),
            tags: BTreeMap::new(),
            instances: BTreeMap::new(),
            revision: 0,
        }
    }

    /// With a Route 53 health check of the type HTTP, HTTPS or TCP.
    #[must_use]
    pub fn with_health_check(mut self, kind: &str) -> Self {
        self.health_check = Some(json!({"Type": kind, "ResourcePath": "/", "FailureThreshold": 3}));
        self
    }

    /// With health that its owner reports.
    #[must_use]
    pub fn with_custom_health_check(mut self) -> Self {
        self.custom_health_check = Some(json!({"FailureThreshold": 1}));
        self
    }

    /// With that description.
    #[must_use]
    pub fn described(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// With a service attribute more.
    #[must_use]
    pub fn with_attribute(mut self, key: &str, value: &str) -> Self {
        self.attributes.insert(key.to_owned(), value.to_owned());
        self
    }

    /// With a tag more.
    #[must_use]
    pub fn tagged(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Without one all its instances are UNKNOWN and no filter applies.
    #[must_use]
    pub const fn has_health_check(&self) -> bool {
        self.health_check.is_some() || self.custom_health_check.is_some()
    }

    /// A service that is made again has the id that it had.
    pub(super) fn complete(
        &mut self,
        key: u64,
        namespace: NamespaceKey,
        home: &Namespace,
        revision: i64,
    ) {
        self.namespace = namespace;
        if self.id.is_empty() {
            self.id = format!("srv-{}", identifier(&[&home.arn, &self.name]));
        }
        if self.arn.is_empty() {
            self.arn =
                format!("arn:aws:servicediscovery:{REGION}:{}:service/{}", home.owner, self.id);
        }
        if self.create_date <= 0.0 {
            self.create_date = create_date(key);
        }
        if self.revision == 0 {
            self.revision = revision;
        }
        if self.dns_config.is_none() && home.kind != NamespaceKind::Http {
            self.dns_config = Some(dns_config(&["A"]));
        }
    }

    pub(super) fn is_in_dns(&self) -> bool {
        let records =
            self.dns_config.as_ref().and_then(|config| config.get("DnsRecords")?.as_array());
        records.is_some_and(|records| !records.is_empty())
    }
}

fn dns_config(types: &[&str]) -> Value {
    if types.is_empty() {
        return json!({});
    }
    let records: Vec<Value> = types.iter().map(|kind| json!({"Type": kind, "TTL": 60})).collect();
    json!({"RoutingPolicy": "MULTIVALUE", "DnsRecords": records})
}

/// Sixteen characters that follow from the parts alone (FNV-1a), so that a run can be repeated.
pub(super) fn identifier(parts: &[&str]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in parts.join("\0").bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let letters = (0..16).map(|letter| (hash >> (5 * letter + 40)) & 31);
    letters
        .filter_map(|index| {
            ALPHABET.get(usize::try_from(index).ok()?).map(|byte| char::from(*byte))
        })
        .collect()
}

/// An instance's health in Cloud Map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It passes its check.
    Healthy,
    /// It fails its check.
    Unhealthy,
    /// There is no check, or it has not run yet.
    Unknown,
}

impl Health {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
            Self::Unknown => "UNKNOWN",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Healthy, Self::Unhealthy, Self::Unknown]
            .into_iter()
            .find(|health| health.name() == name)
    }
}

/// An instance of a service.
#[derive(Debug, Clone)]
pub struct Instance {
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) health: Health,
    /// Its members in the JSON of Discover, which are cached.
    pub(super) rendered: String,
}

impl Instance {
    pub(super) fn new(id: &str, attributes: BTreeMap<String, String>, health: Health) -> Self {
        let rendered = format!(r#""InstanceId":{},"Attributes":{}"#, json!(id), json!(attributes));
        Self { attributes, health, rendered }
    }
}

/// The attribute of the first health counts at registration and never again.
pub(super) fn first_health(is_checked: bool, attributes: &BTreeMap<String, String>) -> Health {
    let initial = attributes.get("AWS_INIT_HEALTH_STATUS").and_then(|name| Health::named(name));
    if is_checked { initial.unwrap_or(Health::Healthy) } else { Health::Unknown }
}

/// As `ListServices` has it: without the namespace's id, and with a count that lags behind.
pub(super) fn service_summary(service: &Service, owner: &str) -> Map<String, Value> {
    let mut summary = object(json!({
        "Id": service.id,
        "Arn": service.arn,
        "ResourceOwner": owner,
        "Name": service.name,
        "Type": if service.is_in_dns() { "DNS_HTTP" } else { "HTTP" },
        "InstanceCount": 0,
        "DnsConfig": service.dns_config.clone().unwrap_or_else(|| json!({})),
        "CreateDate": service.create_date,
        "CreatedByAccount": owner,
    }));
    insert_some(&mut summary, "Description", service.description.as_deref());
    insert_some(&mut summary, "HealthCheckConfig", service.health_check.clone());
    insert_some(&mut summary, "HealthCheckCustomConfig", service.custom_health_check.clone());
    summary
}
