//! Diagnostics: what was skipped, dropped or degraded, and why.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum Severity {
    /// A whole service is not translated or not kept current.
    Error,
    /// Something of a service was dropped or degraded.
    Warning,
    /// Left out on purpose; nothing to act on.
    Info,
}

impl Severity {
    /// As written in the output: `error`, `warning`, `info`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Declares [`Code`] with its names, so that the list, the text and the documentation are one.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// The closed list of what a diagnostic can be about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// As written in the output, `InvalidPort` for example.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// What it means, and what becomes of what it is about.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+),)+ }
            }
        }
    };
}

codes! {
    /// Istio does not accept the service's host; the service is skipped.
    InvalidHost,
    /// The template of the target namespace gives no valid name of a Kubernetes namespace for the
    /// service; the service is skipped.
    InvalidNamespace,
    /// A record or an instance of the input does not have the shape that AWS writes; it is dropped.
    InvalidInstance,
    /// The input ends where AWS truncates a response, so there may be more instances.
    MaybeIncomplete,
    /// An instance has no valid IP address or host name; it is dropped.
    InvalidAddress,
    /// An address that must not receive traffic (loopback, link-local, ...); the instance is
    /// dropped.
    ForbiddenAddress,
    /// A port that is not a number in 1..=65535; the instance is dropped.
    InvalidPort,
    /// A port list, protocol or other hint that can't be read; the hint is ignored.
    InvalidHint,
    /// A label of an endpoint or an entry that Istio or Kubernetes would reject; the label is dropped.
    InvalidLabel,
    /// A weight that is not a number in 1..=4294967295; it is ignored.
    InvalidWeight,
    /// An endpoint has no port with the protocol of a service port; the service port is not mapped
    /// for it.
    PortNotServed,
    /// The instances have too many distinct ports for one service port each; one dynamic port
    /// replaces them.
    TooManyPorts,
    /// Each instance has a different port, as a scheduler assigns them; one dynamic port replaces
    /// them.
    DynamicPorts,
    /// The service's ports are unknown: no instance has one, and no earlier ports are known. The
    /// service ports are 80 and 443.
    PortsUnknown,
    /// A TCP service with more addresses than are listed; it needs DNS capture.
    TcpWithoutAddress,
    /// More addresses than may be listed; none is listed.
    TooManyAddresses,
    /// In an ambient mesh, calls to an address of the entry bypass its waypoint: the address is an
    /// endpoint's own.
    WaypointBypassed,
    /// Endpoints of a service share an IP address; in an ambient mesh, only one of them gets calls.
    SharedAddress,
    /// The entry would exceed a limit of Istio or of the API server; the last applied entry is
    /// kept.
    LimitExceeded,
    /// The user's transformation failed, or returned an entry that can't be applied; what was last
    /// applied stays.
    TransformFailed,
    /// Unhealthy or not ready instances were left out.
    Unhealthy,
    /// No instance is healthy, so all are used.
    NoneHealthy,
    /// The service is excluded by a filter, an override, a hint or the transformation, or is internal to
    /// ECS Service Connect.
    Excluded,
    /// Two services claim one host; the first by (source, namespace id, service id) gets it.
    HostConflict,
    /// An entry of another owner has the same name or an overlapping host.
    Conflict,
    /// Entries have this operator's owner label but come from a source, account or region that it
    /// does not read; they are not changed.
    OtherSource,
    /// Cloud Map could not be read; what was last read is kept.
    ReadFailed,
    /// A write to the API server or the disk failed; it is retried.
    WriteFailed,
    /// The existing entries have not been observed for a while: the API server does not answer, or
    /// a watch fails. Their last observed state is used.
    WatchFailed,
    /// The changed configuration file can't be used; the settings stay as they were.
    ReloadFailed,
    /// The changed configuration file would change too many entries at once; the settings stay as
    /// they were until a person confirms.
    ReloadHeld,
    /// The stored entry repeatedly differs from what was written: a webhook, a controller or a
    /// person changes it. It is repaired at growing intervals.
    WriteNotKept,
    /// Istio has not bound the entry to the waypoint that its labels or its namespace name: its calls
    /// go past it.
    WaypointNotBound,
    /// Istio has allocated no IPv4 address for an entry that has no address of its own, although it
    /// does for others.
    NoAllocatedAddress,
    /// Istio reports another condition of an entry as false, in its status.
    IstioCondition,
    /// Too many entries would be deleted or emptied at once; these removals are withheld.
    DeletesRefused,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One message, about one service or one of its instances.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub code: Code,
    /// The source's name, `default` if there is only one.
    pub source: String,
    /// The Cloud Map namespace's name.
    pub namespace: String,
    /// The Cloud Map service's name; empty if it is about a whole namespace or source.
    pub service: String,
    /// The instance's id, if it is about one instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub instance: Option<String>,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl Diagnostic {
    /// One about the process as a whole.
    #[must_use]
    pub const fn of_process(severity: Severity, code: Code, message: String) -> Self {
        Self {
            severity,
            code,
            source: String::new(),
            namespace: String::new(),
            service: String::new(),
            instance: None,
            message,
        }
    }
}

/// For example `warning[InvalidPort] my-namespace/web i-1: AWS_INSTANCE_PORT `http` is not a number
/// in 1..=65535; the instance is dropped`, on one line whatever the names hold.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.severity.as_str(), self.code)?;
        // It may be about a whole namespace, a whole source or the whole operator.
        let named = if self.namespace.is_empty() && self.service.is_empty() {
            &self.source
        } else {
            &self.namespace
        };
        let separator = if named.is_empty() || self.service.is_empty() { "" } else { "/" };
        if !named.is_empty() || !self.service.is_empty() {
            write!(f, " {}{separator}{}", OneLine(named), OneLine(&self.service))?;
        }
        if let Some(instance) = &self.instance {
            write!(f, " {}", OneLine(instance))?;
        }
        write!(f, ": {}", OneLine(&self.message))
    }
}

/// Whether a character can change what a reader sees of the text around it: control characters,
/// line separators, and those that are invisible or change the writing direction.
#[must_use]
pub fn is_unsafe_to_print(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Text on one line. Characters that are [unsafe to print](is_unsafe_to_print) are escaped, because
/// anyone who can write to Cloud Map or to a cluster chooses the text, and it may go to a terminal.
#[derive(Debug, Clone, Copy)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if is_unsafe_to_print(c) {
                write!(f, "{}", c.escape_default())
            } else {
                f.write_char(c)
            }
        })
    }
}
