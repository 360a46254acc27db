//! `--from`, `--to` and `--listen`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::str::FromStr;

/// Where Cloud Map's content comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceArg {
    /// AWS itself.
    Aws,
    /// A snapshot.
    File(PathBuf),
}

impl FromStr for SourceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("file:")) {
            ("aws", _) => Ok(Self::Aws),
            (_, Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("expected aws or file:PATH".to_owned()),
        }
    }
}

/// Where entries go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkArg {
    /// A cluster.
    Kube,
    /// A directory, one file an entry.
    Dir(PathBuf),
    /// Standard output.
    Stdout,
}

impl FromStr for SinkArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("dir:")) {
            ("kube", _) => Ok(Self::Kube),
            ("-", _) => Ok(Self::Stdout),
            (_, Some(path)) if !path.is_empty() => Ok(Self::Dir(path.into())),
            _ => Err("expected kube, dir:PATH or -".to_owned()),
        }
    }
}

/// An address to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or `:8080` for all
/// addresses.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let expected = || {
        "expected ADDRESS:PORT such as 127.0.0.1:8080 or [::]:8080, or :PORT for all addresses"
            .to_owned()
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    let port = port.parse().map_err(|_| expected())?;
    let address = match host {
        // Takes IPv4 as well, but a machine may have no IPv6.
        "" if TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok() => {
            IpAddr::from(Ipv6Addr::UNSPECIFIED)
        }
        "" => Ipv4Addr::UNSPECIFIED.into(),
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        _ => return Err(expected()),
    };
    Ok(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_sinks_are_read_as_they_are_documented() {
        assert_eq!("aws".parse(), Ok(SourceArg::Aws));
        assert_eq!("file:a.json".parse(), Ok(SourceArg::File("a.json".into())));
        assert_eq!("dir:out".parse(), Ok(SinkArg::Dir("out".into())));
        assert_eq!("-".parse(), Ok(SinkArg::Stdout));
        assert!("file:".parse::<SourceArg>().is_err() && "dirout".parse::<SinkArg>().is_err());
    }

    #[test]
    fn an_address_to_listen_on_is_written_as_elsewhere() {
        for text in ["127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80"] {
            assert_eq!(listen(text).map(|address| address.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(listen("localhost:8080"), Ok(([127, 0, 0, 1], 8080).into()));
        assert!(
            listen(":8080")
                .is_ok_and(|address| address.ip().is_unspecified() && address.port() == 8080)
        );
        for text in ["", ":", "8080", ":http", ":65536", "example.com:80", "::1:8080x"] {
            assert!(listen(text).is_err(), "{text}");
        }
    }
}
