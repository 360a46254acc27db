//! A service.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Instance, Namespace, NamespaceKey, NamespaceKind, REGION};

/// A service: a new one takes its id and ARN when it is added to the world.
#[derive(Debug, Clone)]
pub struct Service {
    pub(in crate::cloud_map) id: String,
    pub(in crate::cloud_map) arn: String,
    pub(in crate::cloud_map) name: String,
    pub(in crate::cloud_map) namespace: NamespaceKey,
    pub(in crate::cloud_map) description: Option<String>,
    pub(in crate::cloud_map) creator_request_id: Option<String>,
    pub(in crate::cloud_map) create_date: f64,
    /// None is what the namespace's kind makes of it.
    pub(in crate::cloud_map) dns_config: Option<Value>,
    pub(in crate::cloud_map) health_check: Option<Value>,
    pub(in crate::cloud_map) custom_health_check: Option<Value>,
    pub(in crate::cloud_map) attributes: BTreeMap<String, String>,
    pub(in crate::cloud_map) tags: BTreeMap<String, String>,
    pub(in crate::cloud_map) instances: BTreeMap<String, Instance>,
    pub(in crate::cloud_map) revision: i64,
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

    /// With DNS records of the types A, AAAA, SRV or CNAME; with none it is reached by the API
    /// alone, also in a DNS namespace.
    #[must_use]
    pub fn with_dns_records(mut self, types: &[&str]) -> Self {
        self.dns_config = Some(dns_config(types));
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

    /// Its service attributes.
    pub fn attributes_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.attributes
    }

    /// Its tags.
    pub fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.tags
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
            self.create_date = super::shape::create_date(key);
        }
        if self.revision == 0 {
            self.revision = revision;
        }
        if self.dns_config.is_none() && home.kind != NamespaceKind::Http {
            self.dns_config = Some(dns_config(&["A"]));
        }
    }

    pub(in crate::cloud_map) fn is_in_dns(&self) -> bool {
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
