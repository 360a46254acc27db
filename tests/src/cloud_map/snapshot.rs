//! A world as a file, in the shape of the program's own snapshots. A namespace without services has
//! no place in it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::namespace::{Namespace, NamespaceKind, namespace_summary};
use super::service::{Health, Instance, Service, service_summary};
use super::world::{ACCOUNT, NamespaceKey, REGION, World};

pub(super) fn load(json: &str) -> Result<World, String> {
    let snapshot: Value =
        serde_json::from_str(json).map_err(|error| format!("the snapshot is not JSON: {error}"))?;
    let records = snapshot
        .get("services")
        .and_then(Value::as_array)
        .ok_or("the snapshot has no list `services`")?;
    let mut world = World::default();
    let mut namespaces = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        load_record(&mut world, &mut namespaces, record)
            .map_err(|error| format!("services[{index}] {error}"))?;
    }
    Ok(world)
}

fn load_record(
    world: &mut World,
    namespaces: &mut BTreeMap<String, NamespaceKey>,
    record: &Value,
) -> Result<(), String> {
    let namespace = namespace(record.get("namespace").unwrap_or(&Value::Null))?;
    let identity = format!("{} {} {}", namespace.owner, namespace.id, namespace.name);
    let home = *namespaces.entry(identity).or_insert_with(|| world.add_namespace(namespace));
    let mut service = service(record)?;
    service.instances = instances(record)?;
    let is_checked = service.instances.values().any(|instance| instance.health != Health::Unknown);
    if is_checked && !service.has_health_check() {
        // Where somebody checks there is a check, whatever the record forgot.
        service = service.with_custom_health_check();
    }
    world.add_service(home, service);
    Ok(())
}

fn namespace(record: &Value) -> Result<Namespace, String> {
    let kind = text(record, "Type")
        .and_then(|kind| NamespaceKind::named(&kind))
        .unwrap_or(NamespaceKind::Http);
    let mut namespace = Namespace::new(kind, &text(record, "Name").ok_or("has no namespace.Name")?);
    if let Some(http_name) =
        record.pointer("/Properties/HttpProperties/HttpName").and_then(Value::as_str)
    {
        namespace = namespace.with_http_name(http_name);
    }
    namespace.owner = text(record, "ResourceOwner").unwrap_or_else(|| ACCOUNT.to_owned());
    namespace.id = text(record, "Id").unwrap_or_default();
    namespace.arn = text(record, "Arn").unwrap_or_default();
    namespace.description = text(record, "Description");
    namespace.create_date = record.get("CreateDate").and_then(Value::as_f64).unwrap_or_default();
    Ok(namespace)
}

fn service(record: &Value) -> Result<Service, String> {
    let described = record.get("service").unwrap_or(&Value::Null);
    let mut service = Service::named(&text(described, "Name").ok_or("has no service.Name")?);
    let member = |name: &str| described.get(name).filter(|value| value.is_object()).cloned();
    service.id = text(described, "Id").unwrap_or_default();
    service.arn = text(described, "Arn").unwrap_or_default();
    service.description = text(described, "Description");
    service.create_date = described.get("CreateDate").and_then(Value::as_f64).unwrap_or_default();
    service.dns_config = member("DnsConfig");
    service.health_check = member("HealthCheckConfig");
    service.custom_health_check = member("HealthCheckCustomConfig");
    service.attributes = pairs(record.get("serviceAttributes"));
    service.revision = record.get("instancesRevision").and_then(Value::as_i64).unwrap_or_default();
    let tags = record.get("tags").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    service.tags.extend(
        tags.iter()
            .filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value").unwrap_or_default()))),
    );
    Ok(service)
}

fn instances(record: &Value) -> Result<BTreeMap<String, Instance>, String> {
    let instances =
        record.get("instances").and_then(Value::as_array).ok_or("has no list `instances`")?;
    let read = |(index, instance): (usize, &Value)| {
        let id = text(instance, "InstanceId").or_else(|| text(instance, "Id"));
        let id = id.ok_or_else(|| format!("has no InstanceId in instances[{index}]"))?;
        let health = text(instance, "HealthStatus")
            .and_then(|name| Health::named(&name))
            .unwrap_or(Health::Unknown);
        let described = Instance::new(&id, pairs(instance.get("Attributes")), health);
        Ok((id, described))
    };
    instances.iter().enumerate().map(read).collect()
}

fn text(record: &Value, member: &str) -> Option<String> {
    record.get(member).and_then(Value::as_str).map(str::to_owned)
}

fn pairs(map: Option<&Value>) -> BTreeMap<String, String> {
    let map = map.and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

pub(super) fn save(world: &World) -> String {
    let services: Vec<Value> =
        world.services.values().filter_map(|service| save_service(world, service)).collect();
    format!("{:#}\n", json!({"services": services}))
}

fn save_service(world: &World, service: &Service) -> Option<Value> {
    let namespace = world.namespaces.get(&service.namespace)?;
    let tags: Vec<Value> =
        service.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let instances: Vec<Value> = service
        .instances
        .iter()
        .map(|(id, instance)| json!({"InstanceId": id, "HealthStatus": instance.health.name(), "Attributes": instance.attributes}))
        .collect();
    Some(json!({
        "source": "default",
        "region": REGION,
        "namespace": namespace_summary(namespace),
        "service": service_summary(service, &namespace.owner),
        "serviceAttributes": service.attributes,
        "tags": tags,
        "instances": instances,
        "instancesRevision": service.revision,
    }))
}
