//! What a configuration says about single services.

use serde::{Deserialize, Serialize};

use super::glob::Glob;
use super::options::{Addresses, EmptyService, ExportTo, HealthMode, IpFamily, Options};
use super::ports::{PortList, PortSpec};
use crate::cloud_map::Record;
use crate::service_entry::{Host, Location, Protocol};

/// What differs for the services that match. A field that is not set leaves things as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
pub struct Override {
    /// The names of sources it is for; all, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Glob>,
    /// The names of Cloud Map namespaces it is for; all, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Glob>,
    /// The names of Cloud Map services it is for; all, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Glob>,
    /// The host, and with it the entry's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// The service ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<PortList>,
    /// The protocol of all ports that are not listed in `ports`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Where the service is, seen from the mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Leave the service out; `false` takes in what is left out by its name, its tags or its
    /// attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthMode>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_family: Option<IpFamily>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_service: Option<EmptyService>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Addresses>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_port: Option<PortSpec>,
    /// As in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_to: Option<ExportTo>,
}

impl Override {
    fn matches(&self, source: &str, namespace: &str, service: &str) -> bool {
        let fits =
            |glob: &Option<Glob>, name: &str| glob.as_ref().is_none_or(|glob| glob.matches(name));
        fits(&self.service, service)
            && fits(&self.namespace, namespace)
            && fits(&self.source, source)
    }
}

/// The overrides that match a service, in their order.
#[derive(Debug, Clone)]
pub(super) struct Matching<'o>(Vec<&'o Override>);

impl<'o> Matching<'o> {
    pub(super) fn new(record: &Record, options: &'o Options) -> Self {
        Self::by_name(&record.source, &record.namespace.name, &record.service.name, options)
    }

    pub(super) fn by_name(
        source: &str,
        namespace: &str,
        service: &str,
        options: &'o Options,
    ) -> Self {
        Self(options.overrides.iter().filter(|o| o.matches(source, namespace, service)).collect())
    }

    /// What the first that sets a field says.
    pub(super) fn first<T>(&self, field: impl Fn(&'o Override) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|o| field(o))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_first_override_that_sets_a_field_decides_it() {
        let options: Options = serde_json::from_str(
            r#"{"overrides": [{"service": "x"}, {"service": "w*", "exclude": false}, {"namespace": "n", "exclude": true, "protocol": "GRPC"}]}"#,
        )
        .unwrap();
        let web = Matching::by_name("default", "n", "web", &options);
        assert_eq!(
            (web.first(|o| o.exclude), web.first(|o| o.protocol)),
            (Some(false), Some(Protocol::Grpc))
        );
        let other = Matching::by_name("default", "m", "other", &options);
        assert_eq!(other.first(|o| o.exclude), None);
    }
}
