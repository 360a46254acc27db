//! Rule 1: listed ports, `http:80,grpc:50051:8443`.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::order;
#[cfg(feature = "schema")]
use crate::schema::pattern;
use crate::service_entry::{Protocol, is_dns_label};

/// One port: `name:number[:targetPort]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), schemars(with = "String", extend("pattern" = pattern::port())), ts(type = "string"))]
pub struct PortSpec {
    name: String,
    protocol: Protocol,
    number: u16,
    target: Option<u16>,
}

/// The text is not a port.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{text}` is not a valid port: {problem}; expected `name:number[:targetPort]`, where the name is a protocol or begins with one, such as `grpc-api`"
)]
pub struct InvalidPort {
    text: String,
    problem: &'static str,
}

impl PortSpec {
    /// `http:80`
    pub(in crate::translate) fn http() -> Self {
        Self { name: "http".to_owned(), protocol: Protocol::Http, number: 80, target: None }
    }

    /// Unique in its list, at most 62 characters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The protocol that the name begins with.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The port that clients use.
    #[must_use]
    pub const fn number(&self) -> u16 {
        self.number
    }

    /// The port that endpoints listen on, if it is set.
    #[must_use]
    pub const fn target(&self) -> Option<u16> {
        self.target
    }
}

/// The longest name of a port: the API server rejects longer ones as keys of an endpoint's ports.
pub(super) const LONGEST_NAME: usize = 62;

impl FromStr for PortSpec {
    type Err = InvalidPort;

    fn from_str(text: &str) -> Result<Self, InvalidPort> {
        let invalid = |problem| InvalidPort { text: text.to_owned(), problem };
        let mut parts = text.trim().split(':');
        let name = parts.next().unwrap_or_default();
        let number = parts.next();
        let target = parts.next();
        if parts.next().is_some() {
            return Err(invalid("it has more than three parts"));
        }
        let name = name.trim().to_ascii_lowercase();
        if !is_dns_label(&name) || name.len() > LONGEST_NAME {
            return Err(invalid("its name is not 1 to 62 letters, digits and inner hyphens"));
        }
        let protocol = Protocol::of_port_name(&name)
            .ok_or_else(|| invalid("its name does not begin with a protocol"))?;
        let number = number.ok_or_else(|| invalid("it has no number"))?;
        let number =
            port_number(number.trim()).ok_or_else(|| invalid("its number is not in 1..=65535"))?;
        let target = match target {
            Some(target) => Some(
                port_number(target.trim())
                    .ok_or_else(|| invalid("its target port is not in 1..=65535"))?,
            ),
            None => None,
        };
        Ok(Self { name, protocol, number, target })
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.number)?;
        self.target.map_or(Ok(()), |target| write!(f, ":{target}"))
    }
}

impl Serialize for PortSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A number in 1..=65535, of digits only: without a sign, a space or a fraction.
pub(in crate::translate) fn port_number(text: &str) -> Option<u16> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number > 0)
}

/// Ports with unique names and numbers, sorted by number. Written as one comma-separated text; a
/// list of texts is also accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema, ts_rs::TS),
    schemars(schema_with = "pattern::port_list"),
    ts(type = "string | Array<PortSpec>")
)]
pub struct PortList(Vec<PortSpec>);

/// The text is not a list of ports.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidPorts {
    /// An item is not a valid port.
    #[error(transparent)]
    Port(#[from] InvalidPort),
    /// Istio rejects a duplicate number or name.
    #[error("the ports `{0}` and `{1}` have the same name or number; expected unique ones")]
    Twice(PortSpec, PortSpec),
    /// The list is empty.
    #[error("the list has no port; expected `name:number[:targetPort]`, comma-separated")]
    Empty,
}

impl PortList {
    /// The ports, sorted by number.
    #[must_use]
    pub fn ports(&self) -> &[PortSpec] {
        &self.0
    }

    fn new(mut ports: Vec<PortSpec>) -> Result<Self, InvalidPorts> {
        if ports.is_empty() {
            return Err(InvalidPorts::Empty);
        }
        order::sort_by(&mut ports, |a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
        let mut names: Vec<&PortSpec> = ports.iter().collect();
        order::sort_by(&mut names, |a, b| a.name.cmp(&b.name));
        let name = names
            .array_windows()
            .find(|[a, b]| a.name == b.name)
            .map(|[a, b]| ((*a).clone(), (*b).clone()));
        let number = ports
            .array_windows()
            .find(|[a, b]| a.number == b.number)
            .map(|[a, b]| (a.clone(), b.clone()));
        match number.or(name) {
            Some((a, b)) => Err(InvalidPorts::Twice(a, b)),
            None => Ok(Self(ports)),
        }
    }
}

impl FromStr for PortList {
    type Err = InvalidPorts;

    fn from_str(text: &str) -> Result<Self, InvalidPorts> {
        let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        Self::new(texts.map(str::parse).collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for PortList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, port) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{port}")?;
        }
        Ok(())
    }
}

impl Serialize for PortList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = PortList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("ports: `name:number[:targetPort]`, comma-separated or as a list")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PortList, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<PortList, A::Error> {
                let mut ports = Vec::new();
                while let Some(port) = seq.next_element()? {
                    ports.push(port);
                }
                PortList::new(ports).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(ListVisitor)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_list_is_sorted_by_number_and_round_trips() {
        let list: PortList = " https:443, grpc-api:50051:8443 ,http:80,".parse().unwrap();
        assert_eq!(list.to_string(), "http:80,https:443,grpc-api:50051:8443");
        let again: PortList = serde_json::from_str(&serde_json::to_string(&list).unwrap()).unwrap();
        let listed: PortList =
            serde_json::from_str(r#"["https:443", "http:80", "grpc-api:50051:8443"]"#).unwrap();
        assert_eq!((&again, &listed), (&list, &list));
    }

    #[test]
    fn a_list_that_istio_would_reject_is_invalid() {
        for text in [
            "",
            "http",
            "http:",
            "http:0",
            "http:65536",
            "http:+80",
            "http:80:0",
            "http:80:90:1",
            "web:80",
            "-http:80",
            "http:80,http:81",
            "http:80,tcp:80",
            "h2:80",
            "http_a:80",
        ] {
            assert!(text.parse::<PortList>().is_err(), "{text}");
        }
        assert!(format!("http-{}:80", "a".repeat(58)).parse::<PortList>().is_err());
    }
}
