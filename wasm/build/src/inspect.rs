//! Reads a module's imports, exports, custom sections and features.

use anyhow::{Context, Result, bail};
use wasmparser::{BinaryReader, Parser, Payload};

/// What the check and wasm-opt need of a module.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Module and name, in the order of the file.
    pub imports: Vec<(String, String)>,
    pub exports: Vec<String>,
    /// The names of the custom sections.
    pub sections: Vec<String>,
    /// The features of WebAssembly that the compiler used, from the section `target_features`.
    pub features: Vec<String>,
}

/// Reads a module.
///
/// # Errors
/// If it is not a WebAssembly module.
pub fn inspect(bytes: &[u8]) -> Result<Facts> {
    let mut facts = Facts::default();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.context("not a WebAssembly module")? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    facts.imports.push((import.module.to_owned(), import.name.to_owned()));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    facts.exports.push(export?.name.to_owned());
                }
            }
            Payload::CustomSection(section) => {
                if section.name() == "target_features" {
                    facts.features =
                        features(section.data()).context("section `target_features`")?;
                }
                facts.sections.push(section.name().to_owned());
            }
            _ => {}
        }
    }
    Ok(facts)
}

/// The features that are in use (`+`).
fn features(section: &[u8]) -> Result<Vec<String>> {
    let mut reader = BinaryReader::new(section, 0);
    let mut features = Vec::new();
    for _ in 0..reader.read_var_u32()? {
        let prefix = reader.read_u8()?;
        let name = reader.read_string()?;
        match prefix {
            b'+' => features.push(name.to_owned()),
            b'-' => {}
            other => bail!("feature `{name}` has the prefix {other}, expected `+` or `-`"),
        }
    }
    Ok(features)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn imports_exports_sections_and_features_are_read() {
        let module = wat::parse_str(
            r#"(module
                (import "wapc" "__host_call" (func))
                (import "env" "abort" (func))
                (memory (export "memory") 1)
                (@custom "target_features" "\03+\08sign-ext-\07atomics+\0bbulk-memory"))"#,
        );
        let facts = inspect(&module.unwrap()).unwrap();
        assert_eq!(
            facts.imports,
            [("wapc", "__host_call"), ("env", "abort")]
                .map(|(module, name)| (module.to_owned(), name.to_owned()))
        );
        assert_eq!(facts.exports, ["memory"]);
        assert_eq!(facts.sections, ["target_features"]);
        assert_eq!(facts.features, ["sign-ext", "bulk-memory"]);
    }

    #[test]
    fn other_bytes_than_a_module_are_an_error() {
        let error = inspect(b"#!/bin/sh").unwrap_err();
        assert!(format!("{error:#}").starts_with("not a WebAssembly module"), "{error:#}");
    }

    #[test]
    fn a_truncated_list_of_features_is_an_error() {
        let module =
            wat::parse_str(r#"(module (@custom "target_features" "\02+\08sign-ext"))"#).unwrap();
        assert!(inspect(&module).is_err());
    }
}
