//! The SDK's types to the core's.

use aws_sdk_servicediscovery::types;
use istio_cloud_map_core::cloud_map::{
    Health, HealthCheckConfig, HealthCheckCustomConfig, HttpProperties, Instance, Namespace,
    NamespaceProperties, Service, Tag,
};

/// Nothing for one without a name, which AWS does not have.
pub(super) fn namespace(summary: types::NamespaceSummary, shared: bool) -> Option<Namespace> {
    let http = summary.properties.and_then(|properties| properties.http_properties);
    let properties = http.map(|http| NamespaceProperties {
        http_properties: Some(HttpProperties { http_name: http.http_name }),
    });
    Some(Namespace {
        id: summary.id,
        arn: summary.arn,
        name: summary.name?,
        kind: summary.r#type.map(|kind| kind.as_str().to_owned()),
        resource_owner: summary.resource_owner,
        properties,
        shared,
    })
}

/// Nothing for one without a name, which AWS does not have.
pub(super) fn service(summary: types::ServiceSummary) -> Option<Service> {
    let check = summary.health_check_config;
    Some(Service {
        id: summary.id,
        arn: summary.arn,
        name: summary.name?,
        kind: summary.r#type.map(|kind| kind.as_str().to_owned()),
        description: summary.description,
        health_check_config: check
            .map(|check| HealthCheckConfig { kind: Some(check.r#type.as_str().to_owned()) }),
        health_check_custom_config: summary
            .health_check_custom_config
            .map(|_| HealthCheckCustomConfig {}),
    })
}

pub(super) fn instance(summary: types::HttpInstanceSummary) -> Instance {
    let health_status = match summary.health_status {
        Some(types::HealthStatus::Healthy) => Health::Healthy,
        Some(types::HealthStatus::Unhealthy) => Health::Unhealthy,
        _ => Health::Unknown,
    };
    Instance {
        id: summary.instance_id.unwrap_or_default(),
        health_status,
        attributes: summary.attributes.unwrap_or_default().into_iter().collect(),
    }
}

pub(super) fn tag(tag: types::Tag) -> Tag {
    Tag { key: tag.key, value: tag.value }
}
