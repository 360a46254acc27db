//! The modules, what each must be, and whether it is.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::build::{Checkout, Files, Product, build};
use crate::inspect::Facts;
use crate::tools::output;

/// One module.
pub struct Module {
    /// On the command line, and of the file.
    pub name: &'static str,
    /// The workspace's package with the cdylib.
    pub package: &'static str,
    /// wasm-bindgen writes its JavaScript side. The module may export more than is listed, for that
    /// side, and its limit is of the gzipped size.
    pub javascript: bool,
    /// The modules that it may import from.
    pub imports: &'static [&'static str],
    /// What it exports, beside [`LINKER`].
    pub exports: &'static [&'static str],
    /// The custom sections that it must have.
    pub sections: &'static [&'static str],
    /// The maximum size in bytes.
    pub limit: usize,
}

/// The stem of the JavaScript files' names.
pub const JAVASCRIPT: &str = "istio_cloud_map";

/// Exported from every module by the linker.
const LINKER: [&str; 2] = ["__data_end", "__heap_base"];

pub const MODULES: [Module; 4] = [
    Module {
        name: "plain",
        package: "istio-cloud-map-plain",
        javascript: false,
        imports: &[],
        exports: &["memory", "alloc", "free", "translate", "plan", "validate"],
        sections: &[],
        limit: 602_000,
    },
    Module {
        name: "policy",
        package: "istio-cloud-map-policy",
        javascript: false,
        imports: &["wapc"],
        exports: &["memory", "wapc_init", "__guest_call"],
        sections: &["io.kubewarden.metadata"],
        limit: 640_000,
    },
    Module {
        name: "js",
        package: "istio-cloud-map-js",
        javascript: true,
        imports: &["./istio_cloud_map_bg.js"],
        exports: &["memory"],
        sections: &[],
        limit: 250_000,
    },
    Module {
        name: "transform-team",
        package: "istio-cloud-map-transform-team",
        javascript: false,
        imports: &[],
        exports: &["memory", "alloc", "free", "transform"],
        sections: &[],
        limit: 100_000,
    },
];

/// The size of a module, in bytes.
#[derive(Clone, Copy)]
pub struct Size {
    pub plain: usize,
    pub gzipped: usize,
}

impl Size {
    /// The size of a module with these bytes.
    ///
    /// # Errors
    /// If they can't be compressed.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes)?;
        Ok(Self { plain: bytes.len(), gzipped: encoder.finish()?.len() })
    }
}

/// All that is wrong with a module, each beginning with a verb.
#[must_use]
pub fn problems(module: &Module, facts: &Facts, size: Size) -> Vec<String> {
    let mut problems = Vec::new();
    let expected = match module.imports {
        [] => "no import".to_owned(),
        modules => format!("imports from `{}` only", modules.join("`, `")),
    };
    for (from, name) in &facts.imports {
        if !module.imports.contains(&from.as_str()) {
            problems.push(format!("imports `{name}` from `{from}`, expected {expected}"));
        }
    }
    for name in module.exports.iter().filter(|name| !facts.exports.iter().any(|e| e == *name)) {
        problems.push(format!("does not export `{name}`"));
    }
    for name in &facts.exports {
        let listed = module.exports.contains(&name.as_str()) || LINKER.contains(&name.as_str());
        if !listed && !module.javascript {
            problems.push(format!("exports `{name}`, which wasm/build/src/check.rs does not list"));
        }
    }
    for name in module.sections.iter().filter(|name| !facts.sections.iter().any(|s| s == *name)) {
        problems.push(format!("has no custom section `{name}`"));
    }
    let (bytes, gzipped) =
        if module.javascript { (size.gzipped, " gzipped") } else { (size.plain, "") };
    if bytes > module.limit {
        problems.push(format!("has {bytes} bytes{gzipped}, expected at most {}", module.limit));
    }
    problems
}

/// Builds the modules again from a copy of the sources in another folder, and compares.
///
/// # Errors
/// If a file differs, or the copy can't be made or built.
pub fn reproducible(products: &[Product], checkout: &Checkout) -> Result<()> {
    let folder = tempfile::tempdir()?;
    // Paths of another length, and the target folder is not in the checkout.
    let path = folder.path().canonicalize()?;
    let copy = Checkout { root: path.join("another/checkout"), target: path.join("t") };
    copy_sources(&checkout.root, &copy.root)?;
    fs::create_dir_all(copy.work())?;
    let mut different = Vec::new();
    for product in products {
        different.extend(differences(&product.files, &build(product.module, &copy)?.files));
    }
    ensure!(different.is_empty(), "another checkout gives other bytes: {}", different.join(", "));
    Ok(())
}

fn differences(one: &Files, other: &Files) -> Vec<String> {
    let paths = one.keys().chain(other.keys().filter(|path| !one.contains_key(*path)));
    let different = paths.filter(|path| one.get(*path) != other.get(*path));
    different.map(|path| path.display().to_string()).collect()
}

/// Copies what git has and what it would add: the sources without what was built.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let names = output(Command::new("git").current_dir(from).args(list))?;
    for name in names.split('\0') {
        let (source, copy) = (from.join(name), to.join(name));
        // git still lists a file that was deleted.
        if source.is_file() {
            fs::create_dir_all(copy.parent().unwrap_or(to))?;
            fs::copy(&source, &copy).with_context(|| source.display().to_string())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::inspect::inspect;

    const SMALL: Size = Size { plain: 100, gzipped: 50 };
    const MODULE: Module = Module {
        name: "policy",
        package: "a-policy",
        javascript: false,
        imports: &["wapc"],
        exports: &["memory", "wapc_init"],
        sections: &["io.kubewarden.metadata"],
        limit: 100,
    };
    const GOOD: &str = r#"
        (import "wapc" "__host_call" (func))
        (memory (export "memory") 1)
        (global (export "__heap_base") i32 (i32.const 0))
        (func (export "wapc_init"))
        (@custom "io.kubewarden.metadata" "{}")"#;

    fn found(module: &Module, text: &str, size: Size) -> Vec<String> {
        let facts = inspect(&wat::parse_str(format!("(module {text})")).unwrap()).unwrap();
        problems(module, &facts, size)
    }

    #[test]
    fn a_module_that_is_as_expected_has_no_problem() {
        assert_eq!(found(&MODULE, GOOD, SMALL), Vec::<String>::new());
    }

    #[test]
    fn an_import_that_no_host_has_is_a_problem() {
        let other = GOOD.replace(r#""wapc""#, r#""env""#);
        assert_eq!(
            found(&MODULE, &other, SMALL),
            ["imports `__host_call` from `env`, expected imports from `wapc` only"]
        );
        assert_eq!(
            found(&Module { imports: &[], ..MODULE }, GOOD, SMALL),
            ["imports `__host_call` from `wapc`, expected no import"]
        );
    }

    #[test]
    fn a_missing_export_and_an_unlisted_one_are_problems() {
        let text = GOOD.replace("wapc_init", "wapc_start");
        let missing = "does not export `wapc_init`";
        let unlisted = "exports `wapc_start`, which wasm/build/src/check.rs does not list";
        assert_eq!(found(&MODULE, &text, SMALL), [missing, unlisted]);
        let javascript = Module { javascript: true, ..MODULE };
        assert_eq!(found(&javascript, &text, SMALL), [missing]);
    }

    #[test]
    fn a_missing_section_is_a_problem() {
        let text = GOOD.replace("io.kubewarden.metadata", "io.kubewarden.other");
        assert_eq!(
            found(&MODULE, &text, SMALL),
            ["has no custom section `io.kubewarden.metadata`"]
        );
    }

    #[test]
    fn the_limit_is_of_the_plain_size_and_for_javascript_of_the_gzipped_size() {
        let large = Size { plain: 101, gzipped: 99 };
        assert_eq!(found(&MODULE, GOOD, large), ["has 101 bytes, expected at most 100"]);
        let javascript = Module { javascript: true, limit: 98, ..MODULE };
        assert_eq!(found(&javascript, GOOD, large), ["has 99 bytes gzipped, expected at most 98"]);
    }

    #[test]
    fn a_file_that_differs_or_that_only_one_checkout_gives_is_named() {
        let files = |files: &[(&str, &str)]| -> Files {
            files.iter().map(|(path, text)| (path.into(), text.as_bytes().to_vec())).collect()
        };
        let one = files(&[("same", "1"), ("other", "1"), ("one", "1")]);
        let two = files(&[("same", "1"), ("other", "2"), ("two", "1")]);
        assert_eq!(differences(&one, &two), ["one", "other", "two"]);
    }

    #[test]
    fn the_javascript_module_imports_from_its_generated_side() {
        let [_, _, javascript, _] = &MODULES;
        assert_eq!(javascript.imports, [format!("./{JAVASCRIPT}_bg.js")]);
    }
}
