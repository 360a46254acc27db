//! Values on both sides of every line that Istio, the CRD or Kubernetes draws.

use fastrand::Rng;
use serde_json::{Value, json};

pub(super) const HOSTS: &[&str] = &[
    "a.example.com",
    "b.example.com",
    "web.shop",
    "single",
    "123",
    "1a.2b",
    "a--b.c",
    "a.b.",
    "A.Example.com",
    "0.a",
    "xn--bcher-kva.example",
    "*.example.com",
    "*.a",
    "*foo.com",
    "*-foo.com",
    "*",
    "**.a",
    "*.*.a",
    "a.*",
    "a*.b",
    "*-.a",
    "*--a.b",
    "*.",
    "*.1",
    "*1",
    "",
    ".",
    "..",
    ".a",
    "a..b",
    "a.b..",
    "a_b.example.com",
    "_srv.a",
    "-a.b",
    "a-.b",
    "a.-b",
    "a b.c",
    " a.b",
    "a.b ",
    "é.example.com",
    "a.b/c",
    "a:80",
    "a,b",
    "10.0.0.1",
    "10.0.0.1.",
    "5.",
    "1.2.",
    "a.1",
    "a.123456789012345678901",
    "a.9223372036854775807",
    "a.9223372036854775808",
    "a.+1",
    "a.1a",
    "2001:db8::1",
    "~",
    "outbound_.80_._.a.b",
    "a\tb",
    "a\n",
];

pub(super) const ADDRESSES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.2",
    "192.0.2.255",
    "0.0.0.0",
    "255.255.255.255",
    "127.0.0.1",
    "2001:db8::1",
    "2001:db8::2",
    "::",
    "::1",
    "::ffff:1.2.3.4",
    "1:2:3:4:5:6:7::",
    "1:2:3:4:5:6:7:8",
    "2001:DB8::A",
    "2001:0db8:0:0::1",
    "fe80::1%eth0",
    "fe80::1%25",
    "10.0.0.0/8",
    "10.0.0.1/32",
    "0.0.0.0/0",
    "10.1.2.3/16",
    "2001:db8::/32",
    "::/0",
    "2001:db8::1/128",
    "::ffff:1.2.3.4/96",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/+8",
    "10.0.0.0/-1",
    "10.0.0.0/",
    "/8",
    "10.0.0.0/8/8",
    "10.0.0.0/8a",
    "10.0.0/8",
    "2001:db8::/129",
    "::/256",
    "::/00",
    "fe80::1%eth0/64",
    "fe80::1%a/b/c",
    "fe80::1%",
    "10.0.0.1%eth0",
    "%eth0",
    "",
    " ",
    "10.0.0",
    "10.0.0.",
    "10.0.0.256",
    "10.0.0.010",
    "10.0.0.00",
    "10.0.0.1.2",
    "10.0.0.-1",
    " 10.0.0.1",
    "10.0.0.1 ",
    "0x0a000001",
    "167772161",
    "[2001:db8::1]",
    "12345::",
    "1::2::3",
    ":1",
    "1:",
    ":::",
    "1:2:3:4:5:6:7:8::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "::1.2.3.04",
    "::1.2.3",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::g",
    "a.example.com",
    "foo_bar.example.com",
    "*.example.com",
    "*",
    "é",
];

pub(super) const ENDPOINT_ADDRESSES: &[&str] = &[
    "10.1.0.1",
    "10.1.0.2",
    "2001:db8::9",
    "FE80::1",
    "fe80::1%eth0",
    "a.example.com",
    "b.example.com.",
    "single",
    "A.b",
    "123",
    "a.1",
    "unix:///var/run/a.sock",
    "unix://@abstract",
    "unix:///a/../b",
    "unix://",
    "unix:///",
    "unix://a",
    "unix:///a/",
    "unix://@/",
    "unix://@",
    "unix:/a",
    "UNIX:///a",
    "unix://é",
    "",
    "*",
    "*.a",
    "10.0.0.0/8",
    "10.0.0.010",
    "a_b.c",
    "a..b",
    "[::1]",
    "10.0.0.1:80",
    "-a.b",
    "é",
];

pub(super) const PORT_NAMES: &[&str] = &[
    "http", "https", "tcp", "grpc", "http-80", "HTTP", "a", "0", "80", "a--b", "", "-", "-a", "a-",
    "a.b", "a_b", "a b", "http/80", "é", "*", "http\n",
];

pub(super) const PROTOCOLS: &[&str] = &[
    "HTTP",
    "http",
    "Http",
    "HTTP2",
    "http2",
    "HTTPS",
    "https",
    "GRPC",
    "grpc",
    "GRPC-Web",
    "grpc-web",
    "GRPC_WEB",
    "HTTP_PROXY",
    "http_proxy",
    "http-proxy",
    "TLS",
    "tls",
    "TCP",
    "tcp",
    "Tcp",
    "UDP",
    "udp",
    "MONGO",
    "Mongo",
    "REDIS",
    "redis",
    "MySQL",
    "mysql",
    "",
    "h2",
    "h2c",
    "HTTP1",
    "HTTP/2",
    "SCTP",
    "HBONE",
    "DoubleHBONE",
    "UnsupportedProtocol",
    " TCP",
    "TCP ",
    "ws",
    "é",
];

pub(super) const RESOLUTIONS: &[&str] =
    &["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"];
pub(super) const OTHER_RESOLUTIONS: &[&str] =
    &["", "dns", "Static", "DNS-ROUND-ROBIN", "PASSTHROUGH", "0", "UNSPECIFIED"];
pub(super) const LOCATIONS: &[&str] = &[
    "MESH_EXTERNAL",
    "MESH_INTERNAL",
    "MESH_EXTERNAL",
    "MESH_INTERNAL",
    "",
    "mesh_internal",
    "EXTERNAL",
    "1",
];

pub(super) const LABEL_KEYS: &[&str] = &[
    "app",
    "version",
    "a.b/c",
    "a/b",
    "A.B/C_d.e",
    "security.istio.io/tlsMode",
    "0",
    "a_b",
    "a-b",
    "",
    "/",
    "a/",
    "/a",
    "a/b/c",
    "-a",
    "a-",
    ".a",
    "a b",
    "a_b/c",
    "é",
    "*",
    "a..b/c",
    "a.-b/c",
];
pub(super) const LABEL_VALUES: &[&str] = &[
    "", "v1", "a_b.C-1", "0", "a--b", "-", "-a", "a-", "a b", "arn:aws", "a/b", "*", "v*", "é",
    "_", "a.",
];
pub(super) const LOCALITIES: &[&str] =
    &["us-west-2", "us-west-2/us-west-2a", "r/z/s", "", "/", "r//s", "r/z/s/t", "*", "é é"];
pub(super) const NAMESPACES: &[&str] = &[
    ".", "*", "~", "default", "other", "Other", "a-b", "0", "", "a.b", "a_b", "-a", "a-", "**",
    ".*", "é", "a b",
];

/// A text of `length` characters that no rule but the one for lengths objects to.
pub(super) fn of_length(length: usize) -> String {
    "a".repeat(length)
}

/// A host of `length` bytes, of labels of at most 63.
pub(super) fn host_of_length(length: usize) -> String {
    let full =
        [of_length(63), of_length(63), of_length(63), of_length(63), of_length(63)].join(".");
    full.chars().take(length).collect()
}

/// Values that are invalid for most fields.
pub(super) fn of_another_type(rng: &mut Rng) -> Value {
    let all = [
        json!(true),
        json!(0),
        json!(1),
        json!(80),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!("text"),
        json!("80"),
        json!([]),
        json!(["a"]),
        json!([1]),
        json!([null]),
        json!([{}]),
        json!({}),
        json!({"a": "b"}),
        json!({"a": 1}),
        json!(null),
    ];
    one(rng, &all)
}

pub(super) fn port_number(rng: &mut Rng) -> Value {
    let all = [
        json!(0),
        json!(1),
        json!(80),
        json!(443),
        json!(8080),
        json!(65_535),
        json!(65_536),
        json!(-1),
        json!(4_294_967_295_u64),
        json!(4_294_967_296_u64),
        json!("80"),
        json!(80.5),
    ];
    if rng.bool() { json!(rng.u16(1..)) } else { one(rng, &all) }
}

pub(super) fn one<T: Clone>(rng: &mut Rng, all: &[T]) -> T {
    rng.choice(all).cloned().expect("values to choose of")
}

pub(super) fn text(rng: &mut Rng, all: &[&str]) -> Value {
    json!(one(rng, all))
}

/// Mostly one of the first `good` ones.
pub(super) fn mostly(rng: &mut Rng, all: &[&str], good: usize) -> Value {
    let good = all.get(..good).unwrap_or(all);
    if rng.u8(..10) < 8 { text(rng, good) } else { text(rng, all) }
}
