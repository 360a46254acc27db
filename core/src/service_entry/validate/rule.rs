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
    /// No rejection: the entry is accepted, and does not do what it seems to.
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
    /// The document or a field is not of the type that the schema says.
    Error Crd WrongType,
    /// A field that must be there is not: `spec`, `hosts`, a port's `number` or `name`.
    Error Crd MissingField,
    /// A field that the schema does not know. The API server drops it, `kubectl` refuses it.
    Warning Crd UnknownField,
    /// A value that is not in the field's list: `resolution`, `location`, `kind`, `apiVersion`.
    Error Crd UnknownValue,
    /// A number outside of the field's range.
    Error Crd OutOfRange,
    /// A text with more characters than the schema allows.
    Error Crd TooLong,
    /// A list or a map with more entries than the schema allows.
    Error Crd TooMany,
    /// `metadata.name` or `generateName` is missing or no DNS subdomain.
    Error Kubernetes InvalidName,
    /// `metadata.namespace` is no DNS label.
    Error Kubernetes InvalidNamespace,
    /// A label of the entry that is none to Kubernetes.
    Error Kubernetes InvalidLabel,
    /// An annotation with a key that is none to Kubernetes, or more than 256 KiB of annotations.
    Error Kubernetes InvalidAnnotation,
    /// An annotation that Istio keeps for itself or does not support here.
    Error Istio ReservedAnnotation,
    /// There is no host.
    Error Istio NoHosts,
    /// A host that is no name and no name with a wildcard as its first label.
    Error Istio InvalidHost,
    /// The host `*`.
    Error Istio WildcardHost,
    /// A wildcard that is only a part of its label, `*foo.com`, matches nothing in most places.
    Warning Istio PartialWildcard,
    /// An upper-case host passes, but its routes point at a cluster that does not exist.
    Warning Advice UpperCaseHost,
    /// A host that is listed twice.
    Warning Advice DuplicateHost,
    /// An address that is neither an IP address nor a CIDR block.
    Error Istio InvalidAddress,
    /// A CIDR block with a resolution other than NONE and STATIC.
    Error Istio CidrNotAllowed,
    /// An IPv6 address not in its canonical form; Istio copies the text as it stands.
    Warning Advice Ipv6NotCanonical,
    /// Without ports an entry is accepted, and produces nothing.
    Warning Advice NoPorts,
    /// A port number outside of 1..=65535: of a service port, its target, or an endpoint.
    Error Istio InvalidPort,
    /// A number in YAML with a leading zero, which is read as octal.
    Warning Advice OctalNumber,
    /// A service port's name that is no DNS label.
    Error Istio InvalidPortName,
    /// A protocol that Istio does not know.
    Error Istio UnknownProtocol,
    /// Without a protocol Istio sniffs, and its listener takes all TCP of the port.
    Warning Advice NoProtocol,
    /// Two service ports of one name.
    Error Istio DuplicatePortName,
    /// Two service ports of one number.
    Error Istio DuplicatePort,
    /// Plain TCP without an address: nothing but an allocated address tells this service's
    /// connections from others'.
    Warning Istio TcpWithoutAddress,
    /// Several hosts and a port that is neither HTTP nor TLS, so that nothing tells the hosts
    /// apart.
    Error Istio HostsNotTold,
    /// Several hosts, an address and a port on TCP under DNS: the first host takes all.
    Warning Istio HostsShareAddress,
    /// `endpoints` with resolution NONE or `DYNAMIC_DNS`.
    Error Istio EndpointsNotAllowed,
    /// More than one endpoint with `DNS_ROUND_ROBIN`.
    Error Istio RoundRobinEndpoints,
    /// Without endpoints, DNS needs hosts that can be resolved.
    Error Istio UnresolvableHost,
    /// `DYNAMIC_DNS` with a host that is no wildcard.
    Error Istio DynamicDnsHost,
    /// `DYNAMIC_DNS` with `addresses`.
    Error Istio DynamicDnsAddresses,
    /// `DYNAMIC_DNS` with a protocol other than HTTP, HTTP2, GRPC and TLS.
    Error Istio DynamicDnsProtocol,
    /// `DYNAMIC_DNS` with `MESH_INTERNAL` behind a waypoint.
    Error Istio DynamicDnsWaypoint,
    /// An endpoint without an address.
    Error Istio EndpointAddressMissing,
    /// An endpoint that has a network only, and so is reached through that network's gateway.
    Warning Istio EndpointOfNetwork,
    /// An endpoint's address that is none under this resolution.
    Error Istio InvalidEndpointAddress,
    /// A `unix://` address that is neither an absolute path to a file nor an abstract socket.
    Error Istio InvalidUnixAddress,
    /// A `unix://` endpoint with ports of its own.
    Error Istio UnixPorts,
    /// A `unix://` endpoint in an entry that has not exactly one service port.
    Error Istio UnixNeedsOnePort,
    /// A key of an endpoint's ports that is no DNS label of at most 62 characters.
    Error Crd InvalidEndpointPortName,
    /// A key of an endpoint's ports that no service port has as its name.
    Error Istio UnknownEndpointPort,
    /// An endpoint's label that is none to Istio.
    Error Istio InvalidEndpointLabel,
    /// An endpoint that is listed twice gets twice the traffic.
    Warning Advice DuplicateEndpoint,
    /// A weight of 0 counts as 1; an endpoint is drained by leaving it out.
    Warning Advice ZeroWeight,
    /// A locality that is not `region[/zone[/subzone]]`.
    Warning Advice InvalidLocality,
    /// Both `workloadSelector` and `endpoints`, be they empty.
    Error Istio SelectorAndEndpoints,
    /// A selector's label with an empty key or a wildcard.
    Error Istio InvalidSelector,
    /// A selector without labels selects every workload of the namespace.
    Warning Istio EmptySelector,
    /// `workloadSelector` with resolution NONE is ignored.
    Warning Istio SelectorNotUsed,
    /// An `exportTo` that is neither `.`, `*`, `~` nor a namespace's name.
    Error Istio InvalidExportTo,
    /// A namespace that is listed twice, or both as itself and as `.`.
    Error Istio DuplicateExportTo,
    /// `*` or `~` beside others.
    Error Istio ExportToNotAlone,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
