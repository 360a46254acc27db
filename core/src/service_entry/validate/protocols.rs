//! Protocols as Istio's `pkg/config/protocol` reads them: two more than
//! [`Protocol`](crate::service_entry::Protocol), which is what we write.

/// What Istio makes of a port's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP, HTTP2 or GRPC.
    Http,
    /// gRPC-Web or `HTTP_PROXY`: HTTP, too, but not to `DYNAMIC_DNS`.
    OtherHttp,
    /// TLS
    Tls,
    /// HTTPS
    Https,
    /// TCP, or one that runs on it.
    Tcp,
    /// UDP
    Udp,
    /// None is said, so it is sniffed.
    Absent,
    /// Istio doesn't know it.
    Unknown,
}

impl Protocol {
    pub(super) fn of(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "" => Self::Absent,
            "http" | "http2" | "grpc" => Self::Http,
            "grpc-web" | "http_proxy" => Self::OtherHttp,
            "tls" => Self::Tls,
            "https" => Self::Https,
            "tcp" | "mongo" | "redis" | "mysql" => Self::Tcp,
            "udp" => Self::Udp,
            _ => Self::Unknown,
        }
    }

    /// Its host is told by a header or by SNI.
    pub(super) const fn tells_hosts(self) -> bool {
        matches!(self, Self::Http | Self::OtherHttp | Self::Tls | Self::Https)
    }

    /// Istio's `IsTCP`, which counts TLS in.
    pub(super) const fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls | Self::Https)
    }

    pub(super) const fn is_dynamic(self) -> bool {
        matches!(self, Self::Http | Self::Tls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_that_we_write_is_known_to_istio() {
        for protocol in [
            "HTTP", "HTTP2", "HTTPS", "GRPC", "GRPC-WEB", "TLS", "TCP", "MONGO", "MySQL", "REDIS",
            "UDP",
        ] {
            let written: crate::service_entry::Protocol =
                protocol.parse().unwrap_or(crate::service_entry::Protocol::Udp);
            assert_eq!(written.as_str(), protocol);
            assert_ne!(Protocol::of(protocol), Protocol::Unknown, "{protocol}");
            assert_eq!(
                Protocol::of(protocol).tells_hosts(),
                written.is_routed_by_name(),
                "{protocol}"
            );
        }
        for protocol in ["h2", "hbone", "DoubleHBONE", "UnsupportedProtocol", " TCP", "sctp"] {
            assert_eq!(Protocol::of(protocol), Protocol::Unknown, "{protocol}");
        }
    }
}
