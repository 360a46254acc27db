//! The rules: the closed list of what a finding can be about.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Severity;

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Source {
    /// The API server's rules for the metadata of any object.
    Kubernetes,
    /// The schema of Istio's CRD, or a CEL rule in it.
    Crd,
    /// `ValidateServiceEntry`, in Istio's webhook.
    Istio,
    /// The entry is accepted, but probably does not work as intended.
    Advice,
}

/// Declares [`Rule`] with its names, its sources and its severities, so that the list, the text and
/// the documentation are one.
macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $severity:ident $source:ident $name:ident,)+) => {
        /// The closed list of what a finding can be about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(ts_rs::TS))]
        pub enum Rule { $($(#[doc = $doc])+ #[doc = concat!("\n\n", stringify!($severity), ", from `", stringify!($source), "`.")] $name,)+ }

        impl Rule {
            /// Every rule, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// As written in the output, `InvalidPort` for example.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Where the rule comes from.
            #[must_use]
            pub const fn source(self) -> Source {
                match self { $(Self::$name => Source::$source,)+ }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }
        }
    };
}

rules! {
    /// The document or a field does not have the type in the schema.
    Error Crd WrongType,
    /// A required field is missing: `spec`, `hosts`, a port's `number` or `name`.
    Error Crd MissingField,
    /// A field that is not in the schema. The API server drops it; `kubectl` refuses it.
    Warning Crd UnknownField,
    /// A value that the field does not allow: `resolution`, `location`, `kind`, `apiVersion`.
    Error Crd UnknownValue,
    /// A number outside of the field's range.
    Error Crd OutOfRange,
    /// A text with more characters than the schema allows.
    Error Crd TooLong,
    /// A list or a map with more entries than the schema allows.
    Error Crd TooMany,
    /// `metadata.name` or `generateName` is missing or not a DNS subdomain.
    Error Kubernetes InvalidName,
    /// `metadata.namespace` is not a DNS label.
    Error Kubernetes InvalidNamespace,
    /// A label of the entry that Kubernetes rejects.
    Error Kubernetes InvalidLabel,
    /// An annotation with a key that Kubernetes rejects, or more than 256 KiB of annotations.
    Error Kubernetes InvalidAnnotation,
    /// An annotation that Istio reserves or does not support here.
    Error Istio ReservedAnnotation,
    /// There is no host.
    Error Istio NoHosts,
    /// A host that is neither a name nor a name with a wildcard as its first label.
    Error Istio InvalidHost,
    /// The host `*`.
    Error Istio WildcardHost,
    /// A wildcard that is only part of a label, such as `*foo.com`; most of Istio does not match
    /// it.
    Warning Istio PartialWildcard,
    /// An upper-case host is accepted, but its routes refer to a cluster that does not exist.
    Warning Advice UpperCaseHost,
    /// A host that is listed twice.
    Warning Advice DuplicateHost,
    /// An address that is neither an IP address nor a CIDR block.
    Error Istio InvalidAddress,
    /// A CIDR block with a resolution other than NONE and STATIC.
    Error Istio CidrNotAllowed,
    /// An IPv6 address not in its canonical form; Istio compares it as text.
    Warning Advice Ipv6NotCanonical,
    /// An entry without ports is accepted, but configures nothing.
    Warning Advice NoPorts,
    /// A port number outside of 1..=65535: of a service port, its target, or an endpoint.
    Error Istio InvalidPort,
    /// A number in YAML with a leading zero, which is parsed as octal.
    Warning Advice OctalNumber,
    /// A service port's name that is not a DNS label.
    Error Istio InvalidPortName,
    /// A protocol that Istio does not know.
    Error Istio UnknownProtocol,
    /// Without a protocol, Istio detects it, and its listener captures all TCP connections to the
    /// port.
    Warning Advice NoProtocol,
    /// Two service ports with the same name.
    Error Istio DuplicatePortName,
    /// Two service ports with the same number.
    Error Istio DuplicatePort,
    /// Plain TCP without an address: without an address that Istio allocates, the port captures the
    /// connections of other services.
    Warning Istio TcpWithoutAddress,
    /// Several hosts and a port that is neither HTTP nor TLS, so that connections do not name their
    /// host.
    Error Istio HostsNotTold,
    /// Several hosts, an address and a TCP port with resolution DNS: the first host gets all
    /// traffic.
    Warning Istio HostsShareAddress,
    /// `endpoints` with resolution NONE or `DYNAMIC_DNS`.
    Error Istio EndpointsNotAllowed,
    /// More than one endpoint with `DNS_ROUND_ROBIN`.
    Error Istio RoundRobinEndpoints,
    /// Resolution DNS without endpoints needs hosts that can be resolved.
    Error Istio UnresolvableHost,
    /// `DYNAMIC_DNS` with a host that is not a wildcard.
    Error Istio DynamicDnsHost,
    /// `DYNAMIC_DNS` with `addresses`.
    Error Istio DynamicDnsAddresses,
    /// `DYNAMIC_DNS` with a protocol other than HTTP, HTTP2, GRPC and TLS.
    Error Istio DynamicDnsProtocol,
    /// `DYNAMIC_DNS` with `MESH_INTERNAL` behind a waypoint.
    Error Istio DynamicDnsWaypoint,
    /// An endpoint without an address.
    Error Istio EndpointAddressMissing,
    /// An endpoint with only a network, which is reached through that network's gateway.
    Warning Istio EndpointOfNetwork,
    /// An endpoint's address that the resolution does not accept.
    Error Istio InvalidEndpointAddress,
    /// A `unix://` address that is neither an absolute path to a file nor an abstract socket.
    Error Istio InvalidUnixAddress,
    /// A `unix://` endpoint with ports of its own.
    Error Istio UnixPorts,
    /// A `unix://` endpoint in an entry that does not have exactly one service port.
    Error Istio UnixNeedsOnePort,
    /// A key of an endpoint's ports that is not a DNS label of at most 62 characters.
    Error Crd InvalidEndpointPortName,
    /// A key of an endpoint's ports that is not the name of a service port.
    Error Istio UnknownEndpointPort,
    /// An endpoint's label that Istio rejects.
    Error Istio InvalidEndpointLabel,
    /// An endpoint that is listed twice receives twice the traffic.
    Warning Advice DuplicateEndpoint,
    /// A weight of 0, which Istio treats as 1; to drain an endpoint, remove it.
    Warning Advice ZeroWeight,
    /// A locality that is not `region[/zone[/subzone]]`.
    Warning Advice InvalidLocality,
    /// Both `workloadSelector` and `endpoints`, even if empty.
    Error Istio SelectorAndEndpoints,
    /// A selector's label with an empty key or a wildcard.
    Error Istio InvalidSelector,
    /// A selector without labels selects every workload of the namespace.
    Warning Istio EmptySelector,
    /// `workloadSelector` with resolution NONE, which is ignored.
    Warning Istio SelectorNotUsed,
    /// An `exportTo` that is neither `.`, `*`, `~` nor a namespace's name.
    Error Istio InvalidExportTo,
    /// A namespace that is listed twice, or by its name and as `.`.
    Error Istio DuplicateExportTo,
    /// `*` or `~` together with other items.
    Error Istio ExportToNotAlone,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
