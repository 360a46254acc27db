//! The attributes of an instance that mean something to us, picked out in one pass.

use crate::sorted::SortedMap;

/// What an instance says. An empty value counts as absent: the MCS controller writes such.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known<'a> {
    pub(super) ipv4: Option<&'a str>,
    pub(super) ipv6: Option<&'a str>,
    pub(super) cname: Option<&'a str>,
    pub(super) alias: Option<&'a str>,
    pub(super) port: Option<&'a str>,
    pub(super) zone: Option<&'a str>,
    pub(super) region: Option<&'a str>,
    /// `istio-cloud-map/protocol`
    pub(super) protocol: Option<&'a str>,
    /// `READY: false`, as the MCS controller writes it.
    pub(super) not_ready: bool,
    /// It runs on an EC2 host, and ECS registered it.
    pub(super) is_on_ecs_host: bool,
    /// The MCS controller's part.
    pub(super) mcs: Mcs<'a>,
}

/// What the MCS controller writes of a service port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mcs<'a> {
    pub(super) service_port: Option<&'a str>,
    pub(super) target_port: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) endpoint_name: Option<&'a str>,
    /// Of the transport layer: `TCP`, `UDP`.
    pub(super) transport: Option<&'a str>,
}

impl<'a> Known<'a> {
    pub(super) fn of(attributes: &'a SortedMap<String, String>) -> Self {
        let mut known = Self::default();
        let (mut ec2, mut ecs) = (false, false);
        for (key, value) in attributes.iter() {
            let value = value.as_str();
            if value.is_empty() {
                continue;
            }
            match key.as_str() {
                "AWS_INSTANCE_IPV4" => known.ipv4 = Some(value),
                "AWS_INSTANCE_IPV6" => known.ipv6 = Some(value),
                "AWS_INSTANCE_CNAME" => known.cname = Some(value),
                "AWS_ALIAS_DNS_NAME" => known.alias = Some(value),
                "AWS_INSTANCE_PORT" => known.port = Some(value),
                // ECS and App Mesh write the first, Service Connect the second; keys come sorted,
                // so the first wins.
                "AVAILABILITY_ZONE" | "AvailabilityZone" => known.zone = known.zone.or(Some(value)),
                "REGION" => known.region = Some(value),
                "READY" => known.not_ready = value.eq_ignore_ascii_case("false"),
                "EC2_INSTANCE_ID" => ec2 = true,
                "SERVICE_PORT" => known.mcs.service_port = Some(value),
                "SERVICE_TARGET_PORT" => known.mcs.target_port = Some(value),
                "SERVICE_PORT_NAME" => known.mcs.name = Some(value),
                "ENDPOINT_PORT_NAME" => known.mcs.endpoint_name = Some(value),
                // ENDPOINT_PROTOCOL sorts first; what the service says outweighs it.
                "SERVICE_PROTOCOL" | "ENDPOINT_PROTOCOL" => known.mcs.transport = Some(value),
                "istio-cloud-map/protocol" => known.protocol = Some(value),
                key => ecs |= key.starts_with("ECS_"),
            }
        }
        known.is_on_ecs_host = ec2 && ecs;
        known
    }
}
