//! The texts that are stricter than any text, as regular expressions. They are of the kind that
//! every engine knows: without looking ahead, and with both letter cases spelled out.

use std::fmt::Write as _;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::service_entry::{ApiVersion, Protocol};
use crate::translate::PortSpec;

/// 1..=65535
const PORT: &str =
    "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
/// A DNS label.
const LABEL: &str = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
/// The longest name of a port.
const LONGEST_PORT_NAME: usize = 62;

/// A protocol: as Istio documents it, for editors to offer, or in any letter case.
pub(crate) fn protocol() -> Value {
    let names = Protocol::ALL.map(Protocol::as_str);
    let any_case = Protocol::ALL.map(|protocol| in_any_case(protocol.prefix())).join("|");
    json!([{"enum": names}, {"pattern": format!("^({any_case})$")}])
}

fn in_any_case(text: &str) -> String {
    text.chars().fold(String::new(), |mut pattern, c| {
        // Writing to a String can't fail.
        let _ = if c.is_ascii_alphabetic() {
            write!(pattern, "[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
        } else {
            write!(pattern, "{c}")
        };
        pattern
    })
}

/// `name:number[:targetPort]` without a space around it.
fn bare_port() -> String {
    let names = Protocol::ALL.map(|protocol| {
        let prefix = protocol.prefix();
        let inner = LONGEST_PORT_NAME.saturating_sub(prefix.len()).saturating_sub(2);
        format!("{}(-[A-Za-z0-9-]{{0,{inner}}}[A-Za-z0-9])?", in_any_case(prefix))
    });
    let names = names.join("|");
    format!(r"({names})\s*:\s*0*{PORT}(\s*:\s*0*{PORT})?")
}

/// One port.
pub(crate) fn port() -> String {
    format!(r"^\s*{}\s*$", bare_port())
}

/// Ports in one text with commas, or in a list.
pub(crate) fn port_list(generator: &mut SchemaGenerator) -> Schema {
    let port = bare_port();
    json_schema!({
        "anyOf": [
            {"type": "string", "pattern": format!(r"^[\s,]*{port}(\s*,[\s,]*{port})*[\s,]*$")},
            {"type": "array", "items": generator.subschema_for::<PortSpec>(), "minItems": 1, "uniqueItems": true},
        ],
    })
}

/// The keys of a map by port numbers. 0 is one: nothing has that port.
pub(crate) fn port_names() -> Value {
    json!({"pattern": format!("^{PORT}$")})
}

/// A label's key, but for the length of its prefix.
pub(crate) fn label_key() -> String {
    format!(r"^({LABEL}(\.{LABEL})*/)?[A-Za-z0-9]([A-Za-z0-9._-]{{0,61}}[A-Za-z0-9])?$")
}

/// What [`label_key`] leaves open.
pub(crate) fn label_key_names() -> Value {
    json!({"not": {"pattern": "^[^/]{254,}/"}})
}

/// Labels of an entry, by their keys.
pub(crate) fn entry_labels(_: &mut SchemaGenerator) -> Schema {
    let value = "^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$";
    entry_values(&json!({"type": "string", "pattern": value}))
}

/// Annotations of an entry, by their keys.
pub(crate) fn entry_annotations(_: &mut SchemaGenerator) -> Schema {
    entry_values(&json!({"type": "string"}))
}

fn entry_values(text: &Value) -> Schema {
    let named = |by: &str| {
        let properties = json!({by: {"type": "string"}});
        json!({"type": "object", "properties": properties, "required": [by], "additionalProperties": false})
    };
    // Those of ours, and what `label_key` leaves open.
    let refused = r"^(istio-cloud-map/|app\.kubernetes\.io/managed-by$|[^/]{254,}/)";
    json_schema!({
        "type": "object",
        "propertyNames": {"pattern": label_key(), "not": {"pattern": refused}},
        "additionalProperties": {"anyOf": [text, named("attribute"), named("tag")]},
    })
}

/// A host in any letter case, with or without a trailing dot, which does not count. The last of
/// several labels is not all digits.
pub(crate) fn host() -> Value {
    let label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    json!([
        {"pattern": format!(r"^{label}(\.{label})*\.?$")},
        {"not": {"pattern": r"\.[0-9]+\.?$"}},
        {"anyOf": [{"maxLength": 255}, {"maxLength": 256, "pattern": r"\.$"}]},
    ])
}

/// Names of namespaces and `.`, or `*` or `~` alone.
pub(crate) fn export_to() -> Value {
    json!([
        {"items": {"pattern": format!(r"^(\.|{LABEL})$")}, "uniqueItems": true},
        {"items": {"enum": ["*", "~"]}, "minItems": 1, "maxItems": 1},
    ])
}

/// An IP address, or a range of them.
pub(crate) fn cidr() -> String {
    let octet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    let v4 = format!(r"{octet}(\.{octet}){{3}}");
    let v6 = ipv6(&v4);
    format!("^({v4}(/(3[0-2]|[12]?[0-9]))?|({v6})(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$")
}

/// As RFC 3986 has it: eight groups, of which one row is left out for `::`, and the last two may be
/// an IPv4 address.
fn ipv6(v4: &str) -> String {
    let group = "[0-9A-Fa-f]{1,4}";
    let last_two = format!("({group}:{group}|{v4})");
    let before = |most: usize| format!("(({group}:){{0,{most}}}{group})?");
    let mut forms =
        vec![format!("({group}:){{6}}{last_two}"), format!("::({group}:){{5}}{last_two}")];
    forms.extend(
        (0..5_usize).map(|most| format!("{}::({group}:){{{}}}{last_two}", before(most), 4 - most)),
    );
    forms.extend([format!("{}::{group}", before(5)), format!("{}::", before(6))]);
    forms.join("|")
}

/// Adds what serde reads beside the full names.
pub(crate) fn with_short_versions(schema: &mut Schema) {
    let versions =
        [ApiVersion::V1Beta1, ApiVersion::V1, ApiVersion::V1Alpha3].map(ApiVersion::version);
    if let Some(Value::Array(forms)) = schema.get_mut("oneOf") {
        forms.push(json!({"enum": versions, "description": "The version alone."}));
    }
}
