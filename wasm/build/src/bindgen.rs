//! The JavaScript side of a module, written by wasm-bindgen.
//!
//! It comes in three flavours around one and the same module: for bundlers (ES modules), for
//! `require` in Node, and for browsers without a bundler. Which a user gets is the npm package's
//! choice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::module::JAVASCRIPT;

/// Files by their path in the folder of the output.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A module's name among its files.
#[must_use]
pub fn module_file() -> PathBuf {
    format!("{JAVASCRIPT}_bg.wasm").into()
}

/// The JavaScript side and the module that fits it, all in one set of files.
///
/// # Errors
/// Where wasm-bindgen does not understand the module, or the flavours need different modules.
pub fn glue(raw: &[u8]) -> Result<Files> {
    let mut files = flavour(raw, |bindgen| bindgen.bundler(true).map(drop))?;
    for (end, choose) in [("cjs", node as fn(&mut Bindgen) -> Result<()>), ("web.js", web)] {
        let other = flavour(raw, choose)?;
        let module = module_file();
        ensure!(
            files.get(&module) == other.get(&module),
            "wasm-bindgen made another module for `{JAVASCRIPT}.{end}` than for bundlers"
        );
        let script = other
            .get(Path::new(&format!("{JAVASCRIPT}.js")))
            .context("wasm-bindgen wrote no script")?;
        files.insert(format!("{JAVASCRIPT}.{end}").into(), script.clone());
        if end == "web.js" {
            // Only here types differ: there is a function that loads the module.
            let types = other
                .get(Path::new(&format!("{JAVASCRIPT}.d.ts")))
                .context("wasm-bindgen wrote no types")?;
            files.insert(format!("{JAVASCRIPT}.web.d.ts").into(), types.clone());
        }
    }
    Ok(files)
}

fn node(bindgen: &mut Bindgen) -> Result<()> {
    bindgen.nodejs(true).map(drop)
}

fn web(bindgen: &mut Bindgen) -> Result<()> {
    bindgen.web(true).map(drop)
}

fn flavour(raw: &[u8], choose: impl Fn(&mut Bindgen) -> Result<()>) -> Result<Files> {
    let folder = tempfile::tempdir()?;
    let mut bindgen = Bindgen::new();
    bindgen.input_bytes(JAVASCRIPT, raw.to_vec()).typescript(true).remove_name_section(true);
    choose(&mut bindgen)?;
    bindgen.generate(folder.path()).context("wasm-bindgen")?;
    read_folder(folder.path(), Path::new(""))
}

/// All files of a folder, under the folder's `name`.
///
/// # Errors
/// Where one can't be read.
pub fn read_folder(folder: &Path, name: &Path) -> Result<Files> {
    let mut files = Files::new();
    for entry in folder.read_dir().with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = name.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            files.extend(read_folder(&entry.path(), &name)?);
        } else {
            files.insert(name, std::fs::read(entry.path())?);
        }
    }
    Ok(files)
}

/// wasm-bindgen's two halves, the crate in the module and the library here, understand each other
/// in the same version alone.
///
/// # Errors
/// Where `Cargo.lock` has other versions than one of each, and both the same.
pub fn same_version(lock: &str) -> Result<()> {
    let [crates, tools] =
        ["wasm-bindgen", "wasm-bindgen-cli-support"].map(|name| locked(lock, name));
    if crates.len() == 1 && crates == tools {
        return Ok(());
    }
    bail!(
        "Cargo.lock has wasm-bindgen {} and wasm-bindgen-cli-support {}, expected one version of both: \
         pin them with `=` to the same in [workspace.dependencies]",
        listed(&crates),
        listed(&tools)
    )
}

fn locked<'a>(lock: &'a str, name: &str) -> Vec<&'a str> {
    let heading = format!("name = \"{name}\"");
    let mut lines = lock.lines();
    let mut versions = Vec::new();
    while lines.any(|line| line == heading) {
        versions.extend(
            lines.next().and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"')),
        );
    }
    versions
}

fn listed(versions: &[&str]) -> String {
    if versions.is_empty() { "in no version".to_owned() } else { versions.join(" and ") }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn lock(packages: &[(&str, &str)]) -> String {
        let package = |(name, version): &(&str, &str)| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n")
        };
        packages.iter().map(package).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn one_version_of_both_halves_is_right() {
        let lock = lock(&[
            ("wasm-bindgen", "0.2.130"),
            ("wasm-bindgen-cli-support", "0.2.130"),
            ("wasm-bindgen-macro", "0.2.131"),
        ]);
        same_version(&lock).unwrap();
    }

    #[test]
    fn halves_of_different_versions_are_an_error_that_names_both() {
        let lock = lock(&[("wasm-bindgen", "0.2.131"), ("wasm-bindgen-cli-support", "0.2.130")]);
        assert_eq!(
            same_version(&lock).unwrap_err().to_string(),
            "Cargo.lock has wasm-bindgen 0.2.131 and wasm-bindgen-cli-support 0.2.130, expected one version of both: \
             pin them with `=` to the same in [workspace.dependencies]"
        );
    }

    #[test]
    fn a_half_that_is_missing_or_there_twice_is_an_error() {
        let missing = lock(&[("wasm-bindgen-cli-support", "0.2.130")]);
        assert!(
            same_version(&missing)
                .unwrap_err()
                .to_string()
                .contains("wasm-bindgen in no version and")
        );
        let twice = lock(&[
            ("wasm-bindgen", "0.2.129"),
            ("wasm-bindgen", "0.2.130"),
            ("wasm-bindgen-cli-support", "0.2.130"),
        ]);
        assert!(
            same_version(&twice)
                .unwrap_err()
                .to_string()
                .contains("wasm-bindgen 0.2.129 and 0.2.130 and")
        );
    }
}
