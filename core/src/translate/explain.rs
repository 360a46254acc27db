//! Why an entry is as it is: for each part of it, the rule that made it.
//!
//! A rule explains itself where it decides, by [`Report::because`](super::report::Report). Nothing
//! is written down unless somebody asks, by [`Translator::explain`](super::Translator::explain).

use serde::Serialize;

/// One decision of a translation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub struct Reason {
    /// The rule that decided.
    pub rule: Rule,
    /// The id of the instance that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The address of the endpoint that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The service port that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What was decided, and why.
    pub message: String,
}

/// A rule of the translation, in the order in which they apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(rename = "TranslationRule"))]
pub enum Rule {
    /// Whether the service has an entry.
    Entry,
    /// Its host.
    Host,
    /// The address of an instance.
    Address,
    /// Whether an instance is used, by its health.
    Health,
    /// The service ports.
    Port,
    /// The protocol of a service port.
    Protocol,
    /// The port of an endpoint behind a service port.
    PortMap,
    /// The locality of an endpoint.
    Locality,
    /// How the endpoints are found.
    Resolution,
    /// The virtual addresses of the entry.
    VirtualAddresses,
    /// A label or an annotation of the entry that an option sets.
    Metadata,
}

/// What a reason is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum About<'a> {
    Service,
    Instance(&'a str),
    Port(u16),
    Endpoint(&'a str),
    /// A service port of an endpoint.
    PortOf(&'a str, u16),
}

impl Reason {
    pub(super) fn key(&self) -> impl Ord + use<'_> {
        (self.rule, self.port, &self.endpoint, &self.instance, &self.message)
    }

    pub(super) fn new(rule: Rule, about: About<'_>, message: String) -> Self {
        let mut reason = Self { rule, instance: None, endpoint: None, port: None, message };
        match about {
            About::Service => {}
            About::Instance(id) => reason.instance = Some(id.to_owned()),
            About::Port(number) => reason.port = Some(number),
            About::Endpoint(address) => reason.endpoint = Some(address.to_owned()),
            About::PortOf(address, number) => {
                reason.endpoint = Some(address.to_owned());
                reason.port = Some(number);
            }
        }
        reason
    }
}
