//! Messages about what was skipped, dropped or degraded.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
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
        #[cfg_attr(feature = "schema", derive(ts_rs::TS))]
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
    /// The service's host is none that Istio accepts; the service is skipped.
    InvalidHost,
    /// A record or an instance of the input has not the shape that AWS writes; it is dropped.
    InvalidInstance,
    /// The input ends where AWS cuts an answer off, so there may be more instances.
    MaybeIncomplete,
    /// An instance has no address, or one that is no IP address or host name; it is dropped.
    InvalidAddress,
    /// An address that callers must not be pointed at (loopback, link-local, ...); the instance is
    /// dropped.
    ForbiddenAddress,
    /// A port that is no number in 1..=65535; the instance is dropped.
    InvalidPort,
    /// A port list, protocol or other hint that can't be read; the hint is ignored.
    InvalidHint,
    /// A label that Istio would reject; the label is dropped.
    InvalidLabel,
    /// A weight that is no number in 1..=4294967295; it is ignored.
    InvalidWeight,
    /// An endpoint has no port of the protocol of a service port, so nothing is mapped for it.
    PortNotServed,
    /// More distinct ports than service ports make sense; one dynamic port stands for all.
    TooManyPorts,
    /// Each instance has a port that no other has, as a scheduler gives them; one dynamic port
    /// stands for all.
    DynamicPorts,
    /// The service has no instance that says its ports, and none was seen before; 80 and 443 stand
    /// in.
    PortsUnknown,
    /// A TCP service with more addresses than are listed; it needs DNS capture.
    TcpWithoutAddress,
    /// More addresses than may be listed; none is.
    TooManyAddresses,
    /// A limit of Istio or of the API server would be passed; what was last applied stays.
    LimitExceeded,
    /// A user's own transformation failed, or answered with an entry that can't be applied; what
    /// was last applied stays.
    TransformFailed,
    /// Unhealthy or not ready instances were left out.
    Unhealthy,
    /// No instance is healthy, so all are used.
    NoneHealthy,
    /// The service is none that anyone calls, or asked to be left out.
    Excluded,
    /// Two services claim one host; the first by (source, namespace id, service id) has it.
    HostConflict,
    /// An entry that is not ours has the name or an overlapping host.
    Conflict,
    /// Entries have our owner label but come from a source, account or region that is not read
    /// here; they are left alone.
    OtherSource,
    /// Cloud Map could not be read; what was last read stays.
    ReadFailed,
    /// The API server or the disk did not take a write; it is tried again.
    WriteFailed,
    /// The entries that exist have not been observed for a while: the API server does not answer,
    /// or a watch fails. What was last seen of them counts.
    WatchFailed,
    /// What is stored is not what was written, again and again: a webhook, a controller or a person
    /// changes it. It is repaired ever more rarely.
    WriteNotKept,
    /// Too many deletes or emptyings at once; they are withheld.
    DeletesRefused,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing to say, about one service or one instance of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub code: Code,
    /// The source's name, `default` if there is only one.
    pub source: String,
    /// The Cloud Map namespace's name.
    pub namespace: String,
    /// The Cloud Map service's name; empty where a whole namespace or source is meant.
    pub service: String,
    /// The instance's id, where one instance is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub instance: Option<String>,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// `warning[InvalidPort] my-namespace/web i-1: port "http" is no number in 1..=65535`, on one line
/// whatever the names hold.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.severity.as_str(), self.code)?;
        // A whole namespace, a whole source or the whole operator may be meant.
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
/// line separators, and those that are invisible or turn the direction of writing round.
#[must_use]
pub fn is_unsafe_to_print(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Text on one line, with every character escaped that [`is_unsafe_to_print`]: it comes from
/// whoever may write to Cloud Map or to a cluster, and may go to a terminal.
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
