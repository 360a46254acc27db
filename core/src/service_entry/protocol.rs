//! The protocols that Istio knows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The protocols that Istio knows, by the names that it documents. Read in any letter case, as
/// Istio does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), schemars(with = "String", extend("anyOf" = crate::schema::pattern::protocol())), ts(rename_all = "UPPERCASE"))]
pub enum Protocol {
    /// HTTP/1.1
    Http,
    /// HTTP/2 in the clear
    Http2,
    /// TLS that carries HTTP
    Https,
    /// gRPC
    Grpc,
    /// gRPC-Web
    #[cfg_attr(feature = "schema", ts(rename = "GRPC-WEB"))]
    GrpcWeb,
    /// TLS of any kind, routed by SNI
    Tls,
    /// Anything else
    Tcp,
    /// `MongoDB`
    Mongo,
    /// `MySQL`
    #[cfg_attr(feature = "schema", ts(rename = "MySQL"))]
    MySql,
    /// Redis
    Redis,
    /// UDP
    Udp,
}

/// The text is not a protocol that Istio knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a supported protocol; expected one of http, http2, https, grpc, grpc-web, tls, tcp, mongo, mysql, redis, udp"
)]
pub struct UnknownProtocol(String);

impl Protocol {
    /// All protocols. A name that begins with another name comes before it.
    pub(crate) const ALL: [Self; 11] = [
        Self::GrpcWeb,
        Self::Grpc,
        Self::Http2,
        Self::Https,
        Self::Http,
        Self::Tls,
        Self::Tcp,
        Self::Mongo,
        Self::MySql,
        Self::Redis,
        Self::Udp,
    ];

    /// As Istio documents it: `HTTP`, `GRPC-WEB`, `MySQL`, ...
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Http2 => "HTTP2",
            Self::Https => "HTTPS",
            Self::Grpc => "GRPC",
            Self::GrpcWeb => "GRPC-WEB",
            Self::Tls => "TLS",
            Self::Tcp => "TCP",
            Self::Mongo => "MONGO",
            Self::MySql => "MySQL",
            Self::Redis => "REDIS",
            Self::Udp => "UDP",
        }
    }

    /// As the first part of a port's name: `http`, `grpc-web`, `mysql`, ...
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Https => "https",
            Self::Grpc => "grpc",
            Self::GrpcWeb => "grpc-web",
            Self::Tls => "tls",
            Self::Tcp => "tcp",
            Self::Mongo => "mongo",
            Self::MySql => "mysql",
            Self::Redis => "redis",
            Self::Udp => "udp",
        }
    }

    /// The protocol in a port's name, by Istio's convention `PROTOCOL` or `PROTOCOL-ANYTHING`:
    /// `grpc-api` is gRPC.
    #[must_use]
    pub fn of_port_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| {
            let rest = name.strip_prefix(protocol.prefix());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    }

    /// Whether it is routed by the `Host` header or by SNI, so that several services can share a
    /// port without an address.
    #[must_use]
    pub const fn is_routed_by_name(self) -> bool {
        matches!(
            self,
            Self::Http | Self::Http2 | Self::Https | Self::Grpc | Self::GrpcWeb | Self::Tls
        )
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        let found =
            Self::ALL.into_iter().find(|protocol| text.eq_ignore_ascii_case(protocol.prefix()));
        found.ok_or_else(|| UnknownProtocol(text.to_owned()))
    }
}

impl TryFrom<String> for Protocol {
    type Error = UnknownProtocol;

    fn try_from(text: String) -> Result<Self, UnknownProtocol> {
        text.parse()
    }
}

impl From<Protocol> for &'static str {
    fn from(protocol: Protocol) -> Self {
        protocol.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_name_speaks_by_its_first_part() {
        assert_eq!(Protocol::of_port_name("grpc-web-api"), Some(Protocol::GrpcWeb));
        assert_eq!(Protocol::of_port_name("grpc-api"), Some(Protocol::Grpc));
        assert_eq!(Protocol::of_port_name("http2"), Some(Protocol::Http2));
        assert_eq!(Protocol::of_port_name("httpx"), None);
        assert_eq!(Protocol::of_port_name("web"), None);
        assert_eq!(Protocol::of_port_name(""), None);
    }

    #[test]
    fn protocols_are_read_in_any_letter_case() {
        assert_eq!("mysql".parse(), Ok(Protocol::MySql));
        assert_eq!("Grpc-Web".parse(), Ok(Protocol::GrpcWeb));
        assert!("h2".parse::<Protocol>().is_err());
    }
}
