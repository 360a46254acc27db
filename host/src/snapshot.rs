//! Cloud Map as one JSON file, and what is hidden in it for others.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use istio_cloud_map_core::cloud_map::Record;

/// The attributes whose values decide how a service is translated, and tell nothing else.
const KEPT: [&str; 16] = [
    "AWS_INSTANCE_PORT",
    "AWS_INIT_HEALTH_STATUS",
    "AVAILABILITY_ZONE",
    "AvailabilityZone",
    "REGION",
    "READY",
    "ENDPOINT_PORT_NAME",
    "ENDPOINT_PROTOCOL",
    "SERVICE_PORT_NAME",
    "SERVICE_PORT",
    "SERVICE_TARGET_PORT",
    "SERVICE_PROTOCOL",
    "SERVICE_TYPE",
    "protocol",
    "scheme",
    "weight",
];
/// Our own hints.
const HINTS: &str = "istio-cloud-map/";
const REDACTED: &str = "redacted";

/// The records as a snapshot, one service a line.
///
/// # Errors
/// None in practice.
pub fn json(records: &[Record]) -> Result<String, serde_json::Error> {
    let lines: Result<Vec<String>, _> = records.iter().map(serde_json::to_string).collect();
    Ok(format!("{{\"services\": [\n{}\n]}}\n", lines?.join(",\n")))
}

/// Hides what tells about a network, an account or a person. What decides about the entries stays:
/// names, ports, zones, health, and which values are equal.
#[derive(Debug, Default)]
pub struct Redaction {
    addresses: HashMap<IpAddr, IpAddr>,
    hosts: HashMap<String, usize>,
    accounts: HashMap<String, usize>,
    instances: HashMap<String, usize>,
}

impl Redaction {
    /// Hides it in a record. Equal values of any record become equal ones.
    pub fn apply(&mut self, record: &mut Record) {
        let (namespace, service) = (&mut record.namespace, &mut record.service);
        for text in [&mut namespace.arn, &mut namespace.resource_owner, &mut service.arn] {
            *text = text.take().map(|text| self.without_accounts(&text));
        }
        service.description = service.description.take().map(|_| REDACTED.to_owned());
        let hidden = |key: &str, value: &str| {
            if key.starts_with(HINTS) { value.to_owned() } else { REDACTED.to_owned() }
        };
        for tag in &mut record.tags {
            tag.value = hidden(&tag.key, &tag.value);
        }
        record.service_attributes = record
            .service_attributes
            .iter()
            .map(|(key, value)| (key.clone(), hidden(key, value)))
            .collect();
        for instance in &mut record.instances {
            instance.id = format!("instance-{}", numbered(&mut self.instances, &instance.id));
            instance.attributes = instance
                .attributes
                .iter()
                .map(|(key, value)| (key.clone(), self.value(key, value)))
                .collect();
        }
    }

    fn value(&mut self, key: &str, value: &str) -> String {
        if KEPT.contains(&key) || key.starts_with(HINTS) || value.is_empty() {
            return value.to_owned();
        }
        match key {
            "AWS_INSTANCE_IPV4" | "AWS_INSTANCE_IPV6" => match value.parse() {
                Ok(address) => self.address(address).to_string(),
                // What is wrong with it is what a reader looks for.
                Err(_) => value.to_owned(),
            },
            "AWS_INSTANCE_CNAME" | "AWS_ALIAS_DNS_NAME" => {
                format!("host-{}.example.com", numbered(&mut self.hosts, value))
            }
            _ => REDACTED.to_owned(),
        }
    }

    /// Another address of the same kind. One that may not be an endpoint stays, as that is a finding.
    fn address(&mut self, address: IpAddr) -> IpAddr {
        let is_special = match address {
            IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        if is_special || address.is_loopback() || address.is_unspecified() || address.is_multicast()
        {
            return address;
        }
        let number = u32::try_from(self.addresses.len() + 1).unwrap_or(u32::MAX);
        *self.addresses.entry(address).or_insert_with(|| match address {
            IpAddr::V4(_) => Ipv4Addr::from_bits(0x0A00_0000 | (number & 0x00FF_FFFF)).into(),
            IpAddr::V6(_) => Ipv6Addr::from_bits(0xfd00 << 112 | u128::from(number)).into(),
        })
    }

    /// The account is the fifth part of an ARN, or all of the text.
    fn without_accounts(&mut self, text: &str) -> String {
        let parts = text.split(':').map(|part| {
            if part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit()) {
                format!("{:012}", numbered(&mut self.accounts, part))
            } else {
                part.to_owned()
            }
        });
        parts.collect::<Vec<_>>().join(":")
    }
}

/// The number of a text, from 1, in the order in which they are seen.
fn numbered(seen: &mut HashMap<String, usize>, text: &str) -> usize {
    let next = seen.len() + 1;
    *seen.entry(text.to_owned()).or_insert(next)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    fn redacted(instances: &serde_json::Value) -> serde_json::Value {
        let record = json!({
            "source": "default",
            "namespace": {"Name": "shop", "Arn": "arn:aws:servicediscovery:us-west-2:123456789012:namespace/ns-1", "ResourceOwner": "123456789012"},
            "service": {"Name": "web", "Description": "call Ann"},
            "serviceAttributes": {"istio-cloud-map/ports": "grpc:50051", "owner": "Ann"},
            "tags": [{"Key": "team", "Value": "Ann's"}],
            "instances": instances,
        });
        let mut record: Record = serde_json::from_value(record).unwrap();
        Redaction::default().apply(&mut record);
        serde_json::to_value(record).unwrap()
    }

    #[test]
    fn what_tells_about_accounts_and_people_is_hidden_and_hints_are_not() {
        let record = redacted(&json!([]));
        let arn = "arn:aws:servicediscovery:us-west-2:000000000001:namespace/ns-1";
        assert_eq!(record.pointer("/namespace/Arn"), Some(&json!(arn)));
        assert_eq!(record.pointer("/namespace/ResourceOwner"), Some(&json!("000000000001")));
        assert_eq!(
            record.get("serviceAttributes"),
            Some(&json!({"istio-cloud-map/ports": "grpc:50051", "owner": REDACTED}))
        );
        assert!(
            !record.to_string().contains("Ann") && !record.to_string().contains("123456789012")
        );
    }

    #[test]
    fn equal_addresses_stay_equal_and_what_is_wrong_with_one_stays() {
        let instance = |id: &str, attributes: serde_json::Value| json!({"InstanceId": id, "Attributes": attributes});
        let record = redacted(&json!([
            instance(
                "tcp-192_0_2_7-80",
                json!({"AWS_INSTANCE_IPV4": "192.0.2.7", "AWS_INSTANCE_PORT": "80", "OWNER": "Ann"})
            ),
            instance("b", json!({"AWS_INSTANCE_IPV4": "192.0.2.7", "AWS_INSTANCE_PORT": "81"})),
            instance("c", json!({"AWS_INSTANCE_IPV4": "127.0.0.1"})),
            instance("d", json!({"AWS_INSTANCE_IPV4": "192.0.2."})),
            instance("e", json!({"AWS_ALIAS_DNS_NAME": "x.elb.amazonaws.com"})),
            instance("f", json!({"AWS_INSTANCE_IPV6": "2001:db8::7"})),
        ]));
        let text = record.to_string();
        assert_eq!(text.matches("\"10.0.0.1\"").count(), 2, "{text}");
        for expected in ["\"127.0.0.1\"", "\"192.0.2.\"", "host-1.example.com", "fd00::2", "\"81\""]
        {
            assert!(text.contains(expected), "no {expected} in {text}");
        }
        for hidden in ["192.0.2.7", "192_0_2_7", "Ann", "elb", "db8"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }
}
