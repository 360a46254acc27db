//! The module itself: its imports, its exports and its metadata.

use serde_json::{Value, json};
use wasmtime_provider::wasmtime::{Engine, Module};

use crate::guest::{BYTES, Policy};

const METADATA: &str = include_str!("../../../wasm/policy/metadata.json");

#[test]
fn it_imports_from_wapc_alone_and_exports_what_a_wapc_host_calls() {
    let engine = Engine::default();
    let module = Module::new(&engine, &*BYTES).unwrap();
    let imports: Vec<String> = module.imports().map(|import| import.module().to_owned()).collect();
    assert!(!imports.is_empty() && imports.iter().all(|module| module == "wapc"), "{imports:?}");
    for name in ["memory", "wapc_init", "__guest_call"] {
        assert!(module.get_export_index(name).is_some(), "{name}");
    }
}

#[test]
fn its_custom_section_has_the_metadata() {
    let section = custom_section(&BYTES, "io.kubewarden.metadata").unwrap();
    let metadata: Value = serde_json::from_slice(section).unwrap();
    assert_eq!(metadata, serde_json::from_str::<Value>(METADATA).unwrap());
}

#[test]
fn it_uses_the_protocol_of_kubewarden() {
    let policy = Policy::start();
    assert_eq!(policy.call("protocol_version", b""), json!("v1"));
    assert_eq!(
        policy.call("validate_settings", br#"{"protectedHosts": ["*.prod.local"]}"#),
        json!({"valid": true})
    );
    let invalid = policy.call("validate_settings", br#"{"protectedHost": []}"#);
    assert_eq!(invalid["valid"], json!(false));
    assert!(
        invalid["message"].as_str().unwrap().contains("unknown field `protectedHost`"),
        "{invalid}"
    );
}

/// The content of a custom section: after eight bytes of header, a section is its kind, its length,
/// and for a custom one (0) its name.
fn custom_section<'a>(module: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = module.get(8..)?;
    while let Some((kind, after)) = rest.split_first() {
        let (length, after) = number(after)?;
        let (content, next) = after.split_at_checked(length)?;
        if *kind == 0 {
            let (length, after) = number(content)?;
            let (found, content) = after.split_at_checked(length)?;
            if found == name.as_bytes() {
                return Some(content);
            }
        }
        rest = next;
    }
    None
}

/// LEB128: seven bits a byte, the lowest first.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let (number, rest) = bytes.split_at_checked(length)?;
    Some((number.iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f)), rest))
}
