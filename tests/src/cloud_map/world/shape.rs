//! Namespaces and services as Cloud Map prints them.

use serde_json::{Map, Value, json};

use super::{Namespace, NamespaceKind, Service};

/// Seconds with a fraction, as the wire has them.
#[expect(clippy::cast_precision_loss, reason = "the keys of a test's world are small")]
pub(super) fn create_date(key: u64) -> f64 {
    1_585_354_387.357 + key as f64
}

/// As `ListNamespaces` has it.
pub(in crate::cloud_map) fn namespace_summary(namespace: &Namespace) -> Map<String, Value> {
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

/// As `ListServices` has it: without the namespace's id, and with a count that lags behind.
pub(in crate::cloud_map) fn service_summary(service: &Service, owner: &str) -> Map<String, Value> {
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

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn insert_some(members: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value.into());
    }
}
