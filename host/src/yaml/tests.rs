//! Nothing is read as something else than was written.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use serde_json::{Value, json};

use super::*;

/// Each is no string to some reader of YAML 1.1 or 1.2 without quotes, or breaks its line.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "80",
    "-1",
    "+1",
    "0x1f",
    "0o17",
    "012",
    "09",
    "1_000",
    "_1",
    "1e3",
    "1E3",
    "1.",
    ".5",
    "1.5",
    "12:30:45",
    "1:2",
    "190:20:30.15",
    "0b1",
    ".inf",
    "-.INF",
    ".nan",
    "NaN",
    "inf",
    "null",
    "Null",
    "NULL",
    "~",
    "true",
    "True",
    "yes",
    "Yes",
    "no",
    "NO",
    "on",
    "off",
    "Off",
    "y",
    "Y",
    "n",
    "N",
    "2001-12-14",
    "2001-12-14t21:59:43.10-05:00",
    "=",
    "<<",
    "-",
    "- a",
    "?",
    "? a",
    ":",
    ": a",
    "a: b",
    "a:",
    "a #b",
    "#a",
    "a#b",
    "&a",
    "*a",
    "!a",
    "!!str a",
    "|",
    ">",
    "'a'",
    "\"a\"",
    "a'b",
    "a\"b",
    "%a",
    "@a",
    "`a",
    "[a",
    "]",
    "{a}",
    "a,b",
    ",",
    "---",
    "--- a",
    "...",
    " a",
    "a ",
    "\ta",
    "a\nb",
    "a\n",
    "\n",
    "a\r\nb",
    "\u{85}",
    "\u{2028}",
    "\u{feff}a",
    "\u{0}",
    "\u{7f}",
    "\u{1b}[31m",
    "é",
    "日本",
    "🦀",
    "a\\b",
    "*.shop",
    "a word that is long enough to be folded by those who fold lines at eighty characters, and then some more of it, without an end in sight",
];

fn hostile() -> Value {
    let values: Vec<_> = HOSTILE.iter().copied().map(Value::from).collect();
    let keys: serde_json::Map<_, _> =
        HOSTILE.iter().map(|key| ((*key).to_owned(), Value::from(*key))).collect();
    json!({"list": values, "map": keys, "empty": {"list": [], "map": {}}, "big": u64::MAX, "small": i64::MIN, "yes": true, "none": null})
}

#[test]
fn a_hostile_string_stays_a_string() {
    let text = document(&hostile()).unwrap();
    assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), hostile(), "{text}");
}

/// The characters that decide what a scalar is, in every combination of three.
#[test]
fn every_short_string_stays_a_string() {
    let alphabet = &[
        "", "0", "9", "x", "e", "y", "n", "o", "_", ".", "-", "+", ":", " ", "#", "~", "=", "<",
        "'", "\"", "\\", "\n",
    ];
    let pairs = alphabet.iter().flat_map(|a| alphabet.iter().map(move |b| format!("{a}{b}")));
    let triples = pairs.flat_map(|pair| alphabet.iter().map(move |c| format!("{pair}{c}")));
    let all: Vec<String> = triples.collect();
    let text = document(&all).unwrap();
    assert_eq!(
        serde_saphyr::from_str::<Vec<Value>>(&text).unwrap(),
        all.iter().map(|s| json!(s)).collect::<Vec<_>>()
    );
}

#[test]
fn a_bare_word_that_yaml_1_1_would_misread_is_quoted() {
    for word in [
        "80",
        "on",
        "no",
        "y",
        "off",
        "012",
        "1_000",
        "12:30:45",
        "1e3",
        "0x1f",
        "null",
        "~",
        "2001-12-14",
        "=",
        "<<",
    ] {
        let text = document(&json!({ "a": word })).unwrap();
        assert!(text == format!("a: \"{word}\"\n") || text == format!("a: '{word}'\n"), "{text}");
    }
}

#[test]
fn an_entry_is_written_as_kubectl_would() {
    let json = r#"{"kind":"ServiceEntry","metadata":{"name":"cloudmap-web.shop","labels":{"istio-cloud-map/owner":"80"}},
        "spec":{"hosts":["web.shop"],"ports":[{"number":80,"name":"http","protocol":"HTTP"}],"endpoints":[{"address":"2001:db8::1","ports":{"http":8080}}]}}"#;
    let expected = "\
kind: ServiceEntry
metadata:
  name: cloudmap-web.shop
  labels:
    istio-cloud-map/owner: \"80\"
spec:
  hosts:
  - web.shop
  ports:
  - number: 80
    name: http
    protocol: HTTP
  endpoints:
  - address: 2001:db8::1
    ports:
      http: 8080
";
    let parsed: Document = serde_json::from_str(json).unwrap();
    assert_eq!(document(&parsed).unwrap(), expected);
}

#[test]
fn documents_are_separated_and_a_list_is_one_document() {
    let items = [json!({"a": 1}), json!({"b": 2})];
    assert_eq!(stream(&items).unwrap(), "a: 1\n---\nb: 2\n");
    assert_eq!(stream::<Value>([]).unwrap(), "");
    let list: Value = serde_json::from_str(&json_list(&items).unwrap()).unwrap();
    assert_eq!(list, json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items}));
}

#[test]
fn a_long_line_stays_one_line() {
    let long = "word ".repeat(100) + "end";
    assert_eq!(document(&json!({ "a": long })).unwrap().lines().count(), 1);
}
