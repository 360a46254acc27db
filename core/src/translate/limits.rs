//! The limits of the API server: those of the schema of `ServiceEntry` (`maxItems`,
//! `maxProperties`), and the size of an object in etcd.

use crate::service_entry::{Metadata, ServiceEntry};

const PORTS: usize = 256;
const ENDPOINTS: usize = 4096;
const ENDPOINT_PORTS: usize = 128;
const ENDPOINT_LABELS: usize = 256;
const ANNOTATIONS: usize = 256 * 1024;
const BYTES: usize = 1024 * 1024;

/// The limit that an entry exceeds, if it exceeds one.
pub(super) fn exceeded(entry: &ServiceEntry) -> Option<String> {
    let spec = &entry.spec;
    let most = |of: fn(&crate::service_entry::Endpoint) -> usize| {
        spec.endpoints.iter().map(of).max().unwrap_or(0)
    };
    let annotations = entry.metadata.annotations.iter();
    let annotations = annotations.map(|(key, value)| key.len() + value.len()).sum();
    let counts = [
        ("ports", spec.ports.len(), PORTS),
        ("endpoints", spec.endpoints.len(), ENDPOINTS),
        ("ports of one endpoint", most(|endpoint| endpoint.ports.len()), ENDPOINT_PORTS),
        ("labels of one endpoint", most(|endpoint| endpoint.labels.len()), ENDPOINT_LABELS),
        ("bytes of annotations", annotations, ANNOTATIONS),
    ];
    let over = counts.into_iter().find(|(_, count, limit)| count > limit);
    let over = over
        .map(|(what, count, limit)| format!("{count} {what}, but at most {limit} are accepted"));
    over.or_else(|| too_long(entry))
}

fn too_long(entry: &ServiceEntry) -> Option<String> {
    if length_at_most(entry) <= BYTES {
        return None;
    }
    // This is rare, so the whole entry is serialized. A writer that only counts bytes would be
    // compiled again for every type of an entry.
    let length = serde_json::to_vec(entry).ok()?.len();
    (length > BYTES).then(|| format!("{length} bytes, but at most {BYTES} are accepted"))
}

/// An upper bound of the length of an entry in JSON, so that few entries have to be serialized to
/// measure them. In an endpoint, only the locality can need escapes: a transformation may set it.
fn length_at_most(entry: &ServiceEntry) -> usize {
    const FIXED: usize = 16 * 1024;
    let endpoints = entry.spec.endpoints.iter().map(|endpoint| {
        let ports: usize = endpoint.ports.iter().map(|(name, _)| name.len() + 9).sum();
        let labels: usize =
            endpoint.labels.iter().map(|(key, value)| key.len() + value.len() + 6).sum();
        endpoint.address.len()
            + ports
            + labels
            + endpoint.locality.as_ref().map_or(0, |locality| 6 * locality.len())
            + 96
    });
    let ports: usize = entry.spec.ports.iter().map(|port| port.name.len() + 80).sum();
    let Metadata { labels, annotations, .. } = &entry.metadata;
    let metadata = labels.iter().chain(annotations.iter());
    let metadata: usize = metadata.map(|(key, value)| key.len() + 6 * value.len() + 6).sum();
    FIXED
        + endpoints.sum::<usize>()
        + ports
        + metadata
        + entry.spec.addresses.len() * 48
        + entry.spec.export_to.len() * 72
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]

    use crate::cloud_map::{Instance, Namespace, Record, Service};
    use crate::diagnostic::Code;
    use crate::sorted::SortedMap;
    use crate::translate::{Options, Outcome, Translation, Translator};

    fn translate(record: &Record, options: &Options) -> Translation {
        Translator::new(options).translate(&[record], None)
    }

    fn service(count: u32, labels: bool) -> Record {
        let value = if labels { "v".repeat(63) } else { String::new() };
        let instance = |n: u32| Instance {
            attributes: SortedMap::from([
                (
                    "AWS_INSTANCE_IPV4".to_owned(),
                    std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string(),
                ),
                ("AWS_INSTANCE_PORT".to_owned(), "80".to_owned()),
                ("label".to_owned(), value.clone()),
            ]),
            ..Instance::default()
        };
        Record {
            namespace: Namespace { name: "n".to_owned(), ..Namespace::default() },
            service: Service { name: "s".to_owned(), ..Service::default() },
            instances: (0..count).map(instance).collect(),
            ..Record::default()
        }
    }

    fn limit_error(record: &Record, options: &Options) -> String {
        let translation = translate(record, options);
        assert_eq!(translation.outcome, Outcome::Failed);
        let Some(error) =
            translation.diagnostics.into_iter().find(|d| d.code == Code::LimitExceeded)
        else {
            panic!("no error")
        };
        error.message
    }

    #[test]
    fn the_schemas_maximum_of_endpoints_is_accepted_and_one_more_is_an_error() {
        assert!(matches!(
            translate(&service(4096, false), &Options::default()).outcome,
            Outcome::Entry(_)
        ));
        let message = limit_error(&service(4097, false), &Options::default());
        assert_eq!(
            message,
            "the entry would have 4097 endpoints, but at most 4096 are accepted; the last applied entry is kept"
        );
    }

    #[test]
    fn an_object_over_one_mebibyte_is_an_error() {
        let labels =
            (0..4).map(|n| format!(r#""label-{n}": "label""#)).collect::<Vec<_>>().join(",");
        let Ok(options) = serde_json::from_str(&format!(r#"{{"endpointLabels": {{{labels}}}}}"#))
        else {
            panic!("options")
        };
        assert!(limit_error(&service(4000, true), &options).contains("bytes, but at most 1048576"));
    }

    #[test]
    fn an_endpoint_with_too_many_ports_is_an_error() {
        let ports: Vec<String> = (1..=129).map(|n| format!("tcp-{n}:{n}")).collect();
        let Ok(options) =
            serde_json::from_value(serde_json::json!({"overrides": [{"ports": ports}]}))
        else {
            panic!("options")
        };
        assert!(
            limit_error(&service(1, false), &options)
                .contains("129 ports of one endpoint, but at most 128")
        );
        assert!(matches!(translate(&service(0, false), &options).outcome, Outcome::Entry(_)));
    }
}
