//! The inputs of the service model 2017-03-14, as far as the fake reads them, and the check whether a
//! body meets their constraints.

use serde_json::{Map, Value};

use super::calls::Operation;
use super::wire::{ErrorKind, Refusal};

const UNBOUNDED: usize = usize::MAX;

const fn text(min: usize, max: usize) -> Shape {
    Shape::Text { min, max, allows: |_| true }
}

const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, required: false, shape }
}

const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, required: true, shape }
}

static ACCOUNT: Shape = text(12, 12);
static ARN: Shape = text(0, 255);
static RESOURCE_NAME: Shape = text(1, 1011);
static RESOURCE_ID: Shape = text(0, 64);
static OPERATION_ID: Shape = text(0, 255);
static DESCRIPTION: Shape = text(0, 1024);
static NEXT_TOKEN: Shape = text(0, 4096);
static MAX_RESULTS: Shape = Shape::Integer { min: 1, max: 100 };
static DISCOVER_MAX_RESULTS: Shape = Shape::Integer { min: 1, max: 1000 };
static FAILURE_THRESHOLD: Shape = Shape::Integer { min: 1, max: 10 };
static TTL: Shape = Shape::Integer { min: 0, max: 2_147_483_647 };
static NAMESPACE_NAME: Shape = Shape::Text { min: 1, max: 1024, allows: printable };
static NEW_HTTP_NAME: Shape = Shape::Text { min: 1, max: 1024, allows: printable_but_no_arn };
static NEW_DNS_NAME: Shape = Shape::Text { min: 1, max: 253, allows: printable_but_no_arn };
static SERVICE_NAME: Shape = Shape::Text { min: 1, max: 127, allows: is_service_name };
static INSTANCE_ID: Shape = Shape::Text { min: 1, max: 64, allows: is_instance_id };
static ATTRIBUTE_KEY: Shape = Shape::Text { min: 1, max: 255, allows: printable };
static ATTRIBUTE_VALUE: Shape = Shape::Text { min: 0, max: 1024, allows: is_attribute_value };
static ATTRIBUTES: Shape =
    Shape::Map { key: &ATTRIBUTE_KEY, value: &ATTRIBUTE_VALUE, max: UNBOUNDED };
static SERVICE_ATTRIBUTE_KEY: Shape = text(0, 255);
static SERVICE_ATTRIBUTE_VALUE: Shape = text(0, 1024);
static SERVICE_ATTRIBUTES: Shape =
    Shape::Map { key: &SERVICE_ATTRIBUTE_KEY, value: &SERVICE_ATTRIBUTE_VALUE, max: 30 };
static INSTANCE_IDS: Shape = Shape::List { of: &RESOURCE_ID, min: 1, max: UNBOUNDED };
static HEALTH_FILTER: Shape = Shape::OneOf(&["HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL"]);
static CUSTOM_HEALTH: Shape = Shape::OneOf(&["HEALTHY", "UNHEALTHY"]);
static SERVICE_TYPE: Shape = Shape::OneOf(&["HTTP"]);

static FILTER_VALUE: Shape = text(1, 255);
static FILTER_VALUES: Shape = Shape::List { of: &FILTER_VALUE, min: 0, max: UNBOUNDED };
static CONDITION: Shape = Shape::OneOf(&["EQ", "IN", "BETWEEN", "BEGINS_WITH"]);
static NAMESPACE_FILTER_NAME: Shape =
    Shape::OneOf(&["TYPE", "NAME", "HTTP_NAME", "RESOURCE_OWNER"]);
static NAMESPACE_FILTER: Shape = Shape::Structure(&[
    required("Name", &NAMESPACE_FILTER_NAME),
    required("Values", &FILTER_VALUES),
    optional("Condition", &CONDITION),
]);
static NAMESPACE_FILTERS: Shape = Shape::List { of: &NAMESPACE_FILTER, min: 0, max: UNBOUNDED };
static SERVICE_FILTER_NAME: Shape = Shape::OneOf(&["NAMESPACE_ID", "RESOURCE_OWNER"]);
static SERVICE_FILTER: Shape = Shape::Structure(&[
    required("Name", &SERVICE_FILTER_NAME),
    required("Values", &FILTER_VALUES),
    optional("Condition", &CONDITION),
]);
static SERVICE_FILTERS: Shape = Shape::List { of: &SERVICE_FILTER, min: 0, max: UNBOUNDED };

static TAG_KEY: Shape = text(1, 128);
static TAG_VALUE: Shape = text(0, 256);
static TAG: Shape = Shape::Structure(&[required("Key", &TAG_KEY), required("Value", &TAG_VALUE)]);
static TAGS: Shape = Shape::List { of: &TAG, min: 0, max: 200 };

static ROUTING_POLICY: Shape = Shape::OneOf(&["MULTIVALUE", "WEIGHTED"]);
static RECORD_TYPE: Shape = Shape::OneOf(&["SRV", "A", "AAAA", "CNAME"]);
static RECORD: Shape = Shape::Structure(&[required("Type", &RECORD_TYPE), required("TTL", &TTL)]);
static RECORDS: Shape = Shape::List { of: &RECORD, min: 0, max: UNBOUNDED };
static DNS_CONFIG: Shape = Shape::Structure(&[
    optional("NamespaceId", &RESOURCE_ID),
    optional("RoutingPolicy", &ROUTING_POLICY),
    required("DnsRecords", &RECORDS),
]);
static CHECK_TYPE: Shape = Shape::OneOf(&["HTTP", "HTTPS", "TCP"]);
static HEALTH_CHECK: Shape = Shape::Structure(&[
    required("Type", &CHECK_TYPE),
    optional("ResourcePath", &ARN),
    optional("FailureThreshold", &FAILURE_THRESHOLD),
]);
static CUSTOM_HEALTH_CHECK: Shape =
    Shape::Structure(&[optional("FailureThreshold", &FAILURE_THRESHOLD)]);
static SOA: Shape = Shape::Structure(&[required("TTL", &TTL)]);
static DNS_PROPERTIES: Shape = Shape::Structure(&[required("SOA", &SOA)]);
static NAMESPACE_PROPERTIES: Shape =
    Shape::Structure(&[required("DnsProperties", &DNS_PROPERTIES)]);

static ID: [Member; 1] = [required("Id", &ARN)];
static OF_SERVICE: [Member; 1] = [required("ServiceId", &ARN)];
static OF_INSTANCE: [Member; 2] =
    [required("ServiceId", &ARN), required("InstanceId", &RESOURCE_ID)];
static CREATE_HTTP_NAMESPACE: [Member; 4] = [
    required("Name", &NEW_HTTP_NAME),
    optional("CreatorRequestId", &RESOURCE_ID),
    optional("Description", &DESCRIPTION),
    optional("Tags", &TAGS),
];
static CREATE_PRIVATE_DNS_NAMESPACE: [Member; 6] = [
    required("Name", &NEW_DNS_NAME),
    optional("CreatorRequestId", &RESOURCE_ID),
    optional("Description", &DESCRIPTION),
    required("Vpc", &RESOURCE_ID),
    optional("Tags", &TAGS),
    optional("Properties", &NAMESPACE_PROPERTIES),
];
static CREATE_SERVICE: [Member; 9] = [
    required("Name", &SERVICE_NAME),
    optional("NamespaceId", &ARN),
    optional("CreatorRequestId", &RESOURCE_ID),
    optional("Description", &DESCRIPTION),
    optional("DnsConfig", &DNS_CONFIG),
    optional("HealthCheckConfig", &HEALTH_CHECK),
    optional("HealthCheckCustomConfig", &CUSTOM_HEALTH_CHECK),
    optional("Tags", &TAGS),
    optional("Type", &SERVICE_TYPE),
];
static DISCOVER: [Member; 7] = [
    required("NamespaceName", &NAMESPACE_NAME),
    required("ServiceName", &SERVICE_NAME),
    optional("MaxResults", &DISCOVER_MAX_RESULTS),
    optional("QueryParameters", &ATTRIBUTES),
    optional("OptionalParameters", &ATTRIBUTES),
    optional("HealthStatus", &HEALTH_FILTER),
    optional("OwnerAccount", &ACCOUNT),
];
static DISCOVER_REVISION: [Member; 3] = [
    required("NamespaceName", &NAMESPACE_NAME),
    required("ServiceName", &SERVICE_NAME),
    optional("OwnerAccount", &ACCOUNT),
];
static HEALTH_STATUS: [Member; 4] = [
    required("ServiceId", &ARN),
    optional("Instances", &INSTANCE_IDS),
    optional("MaxResults", &MAX_RESULTS),
    optional("NextToken", &NEXT_TOKEN),
];
static OPERATION: [Member; 2] =
    [required("OperationId", &OPERATION_ID), optional("OwnerAccount", &ACCOUNT)];
static LIST_INSTANCES: [Member; 3] = [
    required("ServiceId", &ARN),
    optional("NextToken", &NEXT_TOKEN),
    optional("MaxResults", &MAX_RESULTS),
];
static LIST_NAMESPACES: [Member; 3] = [
    optional("NextToken", &NEXT_TOKEN),
    optional("MaxResults", &MAX_RESULTS),
    optional("Filters", &NAMESPACE_FILTERS),
];
static LIST_SERVICES: [Member; 3] = [
    optional("NextToken", &NEXT_TOKEN),
    optional("MaxResults", &MAX_RESULTS),
    optional("Filters", &SERVICE_FILTERS),
];
static LIST_TAGS: [Member; 1] = [required("ResourceARN", &RESOURCE_NAME)];
static TAG_RESOURCE: [Member; 2] =
    [required("ResourceARN", &RESOURCE_NAME), required("Tags", &TAGS)];
static REGISTER: [Member; 4] = [
    required("ServiceId", &ARN),
    required("InstanceId", &INSTANCE_ID),
    optional("CreatorRequestId", &RESOURCE_ID),
    required("Attributes", &ATTRIBUTES),
];
static UPDATE_HEALTH: [Member; 3] = [
    required("ServiceId", &ARN),
    required("InstanceId", &RESOURCE_ID),
    required("Status", &CUSTOM_HEALTH),
];
static UPDATE_ATTRIBUTES: [Member; 2] =
    [required("ServiceId", &ARN), required("Attributes", &SERVICE_ATTRIBUTES)];

/// The members of an operation's input.
pub(super) fn input(operation: Operation) -> &'static [Member] {
    match operation {
        Operation::CreateHttpNamespace => &CREATE_HTTP_NAMESPACE,
        Operation::CreatePrivateDnsNamespace => &CREATE_PRIVATE_DNS_NAMESPACE,
        Operation::CreateService => &CREATE_SERVICE,
        Operation::DeleteNamespace
        | Operation::DeleteService
        | Operation::GetNamespace
        | Operation::GetService => &ID,
        Operation::DeregisterInstance | Operation::GetInstance => &OF_INSTANCE,
        Operation::DiscoverInstances => &DISCOVER,
        Operation::DiscoverInstancesRevision => &DISCOVER_REVISION,
        Operation::GetInstancesHealthStatus => &HEALTH_STATUS,
        Operation::GetOperation => &OPERATION,
        Operation::GetServiceAttributes => &OF_SERVICE,
        Operation::ListInstances => &LIST_INSTANCES,
        Operation::ListNamespaces => &LIST_NAMESPACES,
        Operation::ListServices => &LIST_SERVICES,
        Operation::ListTagsForResource => &LIST_TAGS,
        Operation::RegisterInstance => &REGISTER,
        Operation::TagResource => &TAG_RESOURCE,
        Operation::UpdateInstanceCustomHealthStatus => &UPDATE_HEALTH,
        Operation::UpdateServiceAttributes => &UPDATE_ATTRIBUTES,
    }
}

fn printable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn printable_but_no_arn(name: &str) -> bool {
    printable(name) && !name.starts_with("arn:")
}

fn is_instance_id(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_/:.@-".contains(&byte))
}

fn is_attribute_value(value: &str) -> bool {
    !value.starts_with([' ', '\t'])
        && value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ' || byte == b'\t')
}

fn is_service_name(name: &str) -> bool {
    name == "." || name.split('.').all(is_label)
}

/// A label of one letter may not be `_`, and none may begin or end with `-`.
fn is_label(label: &str) -> bool {
    let outer = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match label.as_bytes() {
        [] => false,
        [only] => only.is_ascii_alphanumeric(),
        [first, inner @ .., last] => {
            inner.len() <= 61
                && outer(*first)
                && outer(*last)
                && inner.iter().all(|byte| outer(*byte) || *byte == b'-')
        }
    }
}

/// A type of the model with its constraints.
pub(super) enum Shape {
    Text { min: usize, max: usize, allows: fn(&str) -> bool },
    OneOf(&'static [&'static str]),
    Integer { min: i64, max: i64 },
    List { of: &'static Self, min: usize, max: usize },
    Map { key: &'static Self, value: &'static Self, max: usize },
    Structure(&'static [Member]),
}

/// A member of a structure.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) shape: &'static Shape,
}

/// Checks an operation's input.
pub(super) fn check(members: &'static [Member], body: &Value) -> Result<(), Refusal> {
    structure(members, body, "")
}

fn structure(members: &'static [Member], value: &Value, path: &str) -> Result<(), Refusal> {
    let Value::Object(fields) = value else { return Err(wrong_type(path, "a structure")) };
    members.iter().try_for_each(|member| check_member(member, fields, path))
}

fn check_member(member: &Member, fields: &Map<String, Value>, path: &str) -> Result<(), Refusal> {
    let path = format!("{path}{}{}", if path.is_empty() { "" } else { "." }, member.name);
    match fields.get(member.name).filter(|value| !value.is_null()) {
        Some(value) => check_value(member.shape, value, &path),
        None if member.required => Err(breaks(&path, "Member must not be null")),
        None => Ok(()),
    }
}

fn check_value(shape: &'static Shape, value: &Value, path: &str) -> Result<(), Refusal> {
    match shape {
        Shape::Structure(members) => structure(members, value, path),
        Shape::Integer { min, max } => {
            let integer = value.as_i64().ok_or_else(|| wrong_type(path, "an integer"))?;
            within(integer, *min, *max, path, "value")
        }
        Shape::OneOf(words) => {
            let text = value.as_str().ok_or_else(|| wrong_type(path, "a string"))?;
            if words.contains(&text) {
                return Ok(());
            }
            Err(breaks(
                path,
                &format!("Member must satisfy enum value set: [{}]", words.join(", ")),
            ))
        }
        Shape::Text { min, max, allows } => {
            let text = value.as_str().ok_or_else(|| wrong_type(path, "a string"))?;
            length(text.chars().count(), *min, *max, path)?;
            if allows(text) {
                return Ok(());
            }
            Err(breaks(path, "Member must satisfy its regular expression pattern"))
        }
        Shape::List { of, min, max } => {
            let values = value.as_array().ok_or_else(|| wrong_type(path, "a list"))?;
            length(values.len(), *min, *max, path)?;
            values.iter().try_for_each(|value| check_value(of, value, &format!("{path}.member")))
        }
        Shape::Map { key, value: of, max } => {
            let entries = value.as_object().ok_or_else(|| wrong_type(path, "a map"))?;
            length(entries.len(), 0, *max, path)?;
            entries.iter().try_for_each(|(name, value)| {
                check_value(key, &Value::String(name.clone()), &format!("{path}.key"))?;
                check_value(of, value, &format!("{path}.{name}"))
            })
        }
    }
}

fn length(length: usize, min: usize, max: usize, path: &str) -> Result<(), Refusal> {
    within(length, min, max, path, "length")
}

fn within<Number>(
    number: Number,
    min: Number,
    max: Number,
    path: &str,
    what: &str,
) -> Result<(), Refusal>
where
    Number: Copy + PartialOrd + std::fmt::Display,
{
    if number > max {
        return Err(breaks(path, &format!("Member must have {what} less than or equal to {max}")));
    }
    if number < min {
        return Err(breaks(
            path,
            &format!("Member must have {what} greater than or equal to {min}"),
        ));
    }
    Ok(())
}

fn breaks(path: &str, constraint: &str) -> Refusal {
    Refusal::invalid(format!(
        "1 validation error detected: Value at '{path}' failed to satisfy constraint: {constraint}"
    ))
}

fn wrong_type(path: &str, expected: &str) -> Refusal {
    let path = if path.is_empty() { "the body" } else { path };
    Refusal::new(ErrorKind::Serialization, format!("{path} is not {expected}"))
}
