//! The rules of each field.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use serde_json::{Value, json};

use super::{assert_findings, findings, with, with_endpoint};

#[test]
fn misleading_hosts_are_warnings() {
    assert_findings(&[
        (
            "upper case",
            with(json!({"hosts": ["Web.example.com"]})),
            &["UpperCaseHost spec.hosts[0]"],
        ),
        (
            "twice",
            with(json!({"hosts": ["a.b", "c.d", "A.b"]})),
            &["UpperCaseHost spec.hosts[2]", "DuplicateHost spec.hosts[2]"],
        ),
        ("a part of a label", with(json!({"hosts": ["*a.b"]})), &["PartialWildcard spec.hosts[0]"]),
        ("none", with(json!({"hosts": []})), &["NoHosts spec.hosts"]),
        ("no list", with(json!({"hosts": null})), &["MissingField spec.hosts"]),
        ("an address", with(json!({"hosts": ["10.0.0.1"]})), &["InvalidHost spec.hosts[0]"]),
    ]);
}

#[test]
fn addresses_are_ip_addresses_or_cidr_blocks() {
    let dns = |addresses: Value| with(json!({"addresses": addresses, "resolution": "DNS"}));
    assert_findings(&[
        (
            "not an address",
            with(json!({"addresses": ["10.0.0.010", "a.b"]})),
            &["InvalidAddress spec.addresses[0]", "InvalidAddress spec.addresses[1]"],
        ),
        ("a block under DNS", dns(json!(["10.0.0.0/8"])), &["CidrNotAllowed spec.addresses[0]"]),
        (
            "a form that is not canonical",
            with(json!({"addresses": ["2001:DB8:0::1/64"]})),
            &["Ipv6NotCanonical spec.addresses[0]"],
        ),
        (
            "too many",
            with(json!({"addresses": vec!["10.0.0.1"; 257]})),
            &["TooMany spec.addresses"],
        ),
    ]);
}

#[test]
fn ports_have_a_number_a_name_and_a_protocol() {
    let port = |port: Value| with(json!({"ports": [port]}));
    let tcp = json!([{"number": 5432, "name": "db", "protocol": "tcp"}]);
    assert_findings(&[
        ("none", with(json!({"ports": null})), &["NoPorts spec.ports"]),
        ("no list", with(json!({"ports": {}})), &["WrongType spec.ports"]),
        (
            "an empty port",
            port(json!({})),
            &[
                "MissingField spec.ports[0].number",
                "MissingField spec.ports[0].name",
                "NoProtocol spec.ports[0].protocol",
            ],
        ),
        (
            "out of range",
            port(json!({"number": 65536, "name": "a", "protocol": "TLS", "targetPort": 0})),
            &["InvalidPort spec.ports[0].number", "InvalidPort spec.ports[0].targetPort"],
        ),
        (
            "a fraction",
            port(json!({"number": 80.0, "name": "a", "protocol": "TLS"})),
            &["WrongType spec.ports[0].number"],
        ),
        (
            "a protocol",
            port(json!({"number": 80, "name": "a", "protocol": "h2"})),
            &["UnknownProtocol spec.ports[0].protocol"],
        ),
        (
            "twice",
            with(
                json!({"ports": [{"number": 80, "name": "a", "protocol": "HTTP"}, {"number": 80, "name": "a", "protocol": "HTTP"}]}),
            ),
            &["DuplicatePortName spec.ports[1].name", "DuplicatePort spec.ports[1].number"],
        ),
        (
            "TCP without an address",
            with(json!({"ports": tcp, "addresses": null})),
            &["TcpWithoutAddress spec.ports[0]"],
        ),
        (
            "TCP with two hosts",
            with(json!({"ports": tcp, "hosts": ["a.b", "c.d"]})),
            &["HostsNotTold spec.ports[0].protocol"],
        ),
    ]);
}

#[test]
fn the_resolution_decides_which_addresses_endpoints_may_have() {
    let unix =
        |endpoint: Value, ports: Value| with(json!({"endpoints": [endpoint], "ports": ports}));
    let one = json!([{"number": 80, "name": "http", "protocol": "HTTP"}]);
    assert_findings(&[
        (
            "none",
            with_endpoint(&json!({"weight": 1})),
            &["EndpointAddressMissing spec.endpoints[0].address"],
        ),
        (
            "a network",
            with_endpoint(&json!({"network": "n"})),
            &["EndpointOfNetwork spec.endpoints[0].address"],
        ),
        (
            "not a string",
            with_endpoint(&json!({"address": 1})),
            &["WrongType spec.endpoints[0].address"],
        ),
        (
            "a name with DNS",
            with(json!({"resolution": "DNS", "endpoints": [{"address": "a.b"}]})),
            &[],
        ),
        (
            "not a name, with DNS",
            with(json!({"resolution": "DNS", "endpoints": [{"address": "a_b"}]})),
            &["InvalidEndpointAddress spec.endpoints[0].address"],
        ),
        ("a socket", unix(json!({"address": "unix://@a"}), one.clone()), &[]),
        (
            "not a socket",
            unix(json!({"address": "unix://a/", "ports": {}}), one),
            &["InvalidUnixAddress spec.endpoints[0].address", "UnixPorts spec.endpoints[0].ports"],
        ),
        (
            "a socket without a port",
            unix(json!({"address": "unix:///a"}), json!([])),
            &["NoPorts spec.ports", "UnixNeedsOnePort spec.endpoints[0].address"],
        ),
        (
            "IPv6",
            with_endpoint(&json!({"address": "FE80::1"})),
            &["Ipv6NotCanonical spec.endpoints[0].address"],
        ),
        (
            "twice",
            with(
                json!({"endpoints": [{"address": "10.1.0.1"}, {"address": "10.1.0.1", "ports": {"http": 1}}, {"address": "10.1.0.1", "weight": 2}]}),
            ),
            &["DuplicateEndpoint spec.endpoints[2]"],
        ),
    ]);
}

#[test]
fn an_endpoints_other_fields_are_checked_too() {
    let endpoint = |mut fields: Value| {
        fields.as_object_mut().unwrap().insert("address".to_owned(), json!("10.1.0.1"));
        with_endpoint(&fields)
    };
    assert_findings(&[
        (
            "a port that no service port names",
            endpoint(json!({"ports": {"https": 1}})),
            &["UnknownEndpointPort spec.endpoints[0].ports.https"],
        ),
        (
            "not a port",
            endpoint(json!({"ports": {"http": 65536}})),
            &["InvalidPort spec.endpoints[0].ports.http"],
        ),
        (
            "a label",
            endpoint(json!({"labels": {"a/b/c": "-"}})),
            &[r#"InvalidEndpointLabel spec.endpoints[0].labels["a/b/c"]"#; 2],
        ),
        (
            "a locality",
            endpoint(json!({"locality": "a/b/c/d"})),
            &["InvalidLocality spec.endpoints[0].locality"],
        ),
        (
            "an empty zone",
            endpoint(json!({"locality": "a//c"})),
            &["InvalidLocality spec.endpoints[0].locality"],
        ),
        (
            "a weight",
            endpoint(json!({"weight": 4_294_967_296_u64})),
            &["OutOfRange spec.endpoints[0].weight"],
        ),
        ("no weight", endpoint(json!({"weight": 0})), &["ZeroWeight spec.endpoints[0].weight"]),
        (
            "a long name",
            endpoint(json!({"serviceAccount": "a".repeat(254)})),
            &["TooLong spec.endpoints[0].serviceAccount"],
        ),
        (
            "an unknown field",
            endpoint(json!({"port": {}})),
            &["UnknownField spec.endpoints[0].port"],
        ),
    ]);
    let (allowed, too_long) = ("a".repeat(62), "a".repeat(63));
    let named = |name: &str| {
        let endpoints = json!([{"address": "10.1.0.1", "ports": {name: 1}}]);
        findings(&with(
            json!({"ports": [{"number": 80, "name": name, "protocol": "HTTP"}], "endpoints": endpoints}),
        ))
    };
    assert!(named(&allowed).is_empty());
    assert_eq!(
        named(&too_long),
        [format!("InvalidEndpointPortName spec.endpoints[0].ports.{too_long}")]
    );
}

#[test]
fn the_resolution_decides_which_other_fields_are_allowed() {
    let dynamic = |change: Value| {
        let mut base = json!({"resolution": "DYNAMIC_DNS", "hosts": ["*.b"], "addresses": null, "endpoints": null});
        base.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        with(base)
    };
    let none =
        json!({"resolution": null, "endpoints": [], "workloadSelector": {"labels": {"a": "b"}}});
    assert_findings(&[
        ("another", with(json!({"resolution": "dns"})), &["UnknownValue spec.resolution"]),
        (
            "NONE, and both",
            with(none),
            &[
                "SelectorNotUsed spec.workloadSelector",
                "SelectorAndEndpoints spec.workloadSelector",
                "EndpointsNotAllowed spec.endpoints",
            ],
        ),
        (
            "DNS of a wildcard",
            with(json!({"resolution": "DNS", "endpoints": [], "hosts": ["*.b"]})),
            &["UnresolvableHost spec.hosts[0]"],
        ),
        (
            "round robin",
            with(
                json!({"resolution": "DNS_ROUND_ROBIN", "endpoints": [{"address": "a.b"}, {"address": "c.d"}]}),
            ),
            &["RoundRobinEndpoints spec.endpoints"],
        ),
        (
            "hosts that share an address",
            with(
                json!({"resolution": "DNS", "hosts": ["a.b", "c.d"], "ports": [{"number": 1, "name": "a", "protocol": "TLS"}]}),
            ),
            &["HostsShareAddress spec.addresses"],
        ),
        ("dynamic", dynamic(json!({"hosts": ["*a.b"]})), &[]),
        (
            "dynamic, with every error",
            dynamic(
                json!({"hosts": ["a.b"], "addresses": ["10.0.0.1"], "endpoints": [{"address": "10.0.0.1"}], "ports": [{"number": 1, "name": "a", "protocol": "HTTPS"}]}),
            ),
            &[
                "DynamicDnsHost spec.hosts[0]",
                "DynamicDnsAddresses spec.addresses",
                "EndpointsNotAllowed spec.endpoints",
                "DynamicDnsProtocol spec.ports[0].protocol",
            ],
        ),
    ]);
    let mut waypoint = dynamic(json!({"location": "MESH_INTERNAL"}));
    *waypoint.get_mut("metadata").unwrap() =
        json!({"name": "a", "labels": {"istio.io/use-waypoint": "w"}});
    assert_eq!(findings(&waypoint), ["DynamicDnsWaypoint spec.location"]);
}

#[test]
fn selectors_and_export_to_are_checked() {
    let selector = |selector: Value| with(json!({"endpoints": null, "workloadSelector": selector}));
    let export = |names: Value| with(json!({"exportTo": names}));
    assert_findings(&[
        ("no labels", selector(json!({})), &["EmptySelector spec.workloadSelector.labels"]),
        (
            "a wildcard and no key",
            selector(json!({"labels": {"": "a", "b": "*"}})),
            &[
                r#"InvalidSelector spec.workloadSelector.labels[""]"#,
                "InvalidSelector spec.workloadSelector.labels.b",
            ],
        ),
        (
            "a long value",
            selector(json!({"labels": {"a": "b".repeat(64)}})),
            &["TooLong spec.workloadSelector.labels.a"],
        ),
        ("namespaces", export(json!(["a", "B", "."])), &[]),
        ("itself twice", export(json!([".", "shop"])), &["DuplicateExportTo spec.exportTo[1]"]),
        ("all and one", export(json!(["*", "a"])), &["ExportToNotAlone spec.exportTo[0]"]),
        (
            "not a namespace",
            export(json!(["a.b", ""])),
            &["InvalidExportTo spec.exportTo[0]", "InvalidExportTo spec.exportTo[1]"],
        ),
    ]);
}
