//! From a package to its finished, checked module: compile, write the glue, optimise, check.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::bindgen::{self, Files};
use crate::check::{Size, breaches, paths};
use crate::compile::{compile, renamed_folders};
use crate::inspect::{Facts, inspect};
use crate::module::{Kind, Module};
use crate::optimise::Optimiser;
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

/// A finished module.
#[derive(Debug)]
pub struct Product {
    pub module: &'static Module,
    /// By their path in the folder of the output.
    pub files: Files,
    pub facts: Facts,
    pub size: Size,
}

/// Makes a module of the workspace.
///
/// # Errors
/// Where a step fails, or the module is not what it must be.
pub fn make(
    module: &'static Module,
    workspace: &Workspace,
    toolchain: &Toolchain,
    optimiser: &Optimiser,
) -> Result<Product> {
    if module.kind == Kind::JavaScript {
        bindgen::same_version(&workspace.lock()?)?;
    }
    let raw = compile(module, workspace, toolchain)?;
    finish(module, &raw, workspace, toolchain, optimiser)
        .with_context(|| format!("module `{}`", module.name))
}

fn finish(
    module: &'static Module,
    raw: &[u8],
    workspace: &Workspace,
    toolchain: &Toolchain,
    optimiser: &Optimiser,
) -> Result<Product> {
    let kept = workspace.work().join(module.name);
    let mut files = Files::new();
    let bytes = match module.kind {
        Kind::Bare => {
            let bytes = optimiser.optimise(raw, &kept)?;
            files.insert(format!("{}.wasm", module.name).into(), bytes.clone());
            bytes
        }
        Kind::JavaScript => {
            let mut glue = bindgen::glue(raw)?;
            let bound =
                glue.get(&bindgen::module_file()).context("wasm-bindgen wrote no module")?;
            let bytes = optimiser.optimise(bound, &kept)?;
            glue.insert(bindgen::module_file(), bytes.clone());
            files.extend(
                glue.into_iter()
                    .map(|(path, content)| (Path::new(module.name).join(path), content)),
            );
            bytes
        }
    };
    let facts = inspect(&bytes)?;
    let size = Size { plain: bytes.len(), gzipped: gzipped(&bytes)? };
    let folders: Vec<PathBuf> =
        renamed_folders(workspace, toolchain).into_iter().map(|(folder, _)| folder).collect();
    let mut wrong = breaches(module, &facts, size);
    wrong.extend(paths(&bytes, &folders));
    if !wrong.is_empty() {
        bail!("{}", wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    }
    Ok(Product { module, files, facts, size })
}

fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

/// Writes the files that are not there yet with the same content. Each appears whole: it is written
/// beside its place and renamed. In a folder of the module's own, what was written there before and
/// isn't among its files now is removed.
///
/// # Errors
/// Where a file can't be written.
pub fn write(product: &Product, output: &Path) -> Result<()> {
    for (path, content) in &product.files {
        let place = output.join(path);
        if fs::read(&place).is_ok_and(|there| there == *content) {
            continue;
        }
        let folder = place.parent().unwrap_or(output);
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let mut beside = tempfile::NamedTempFile::new_in(folder)?;
        beside.write_all(content)?;
        readable(beside.as_file())?;
        beside.persist(&place).with_context(|| place.display().to_string())?;
    }
    if product.module.kind == Kind::JavaScript {
        let there = bindgen::read_folder(
            &output.join(product.module.name),
            Path::new(product.module.name),
        )?;
        for path in there.keys().filter(|path| !product.files.contains_key(*path)) {
            fs::remove_file(output.join(path)).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// As any file that a build makes; a temporary one is its owner's alone.
fn readable(file: &fs::File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.set_permissions(fs::Permissions::from_mode(0o644))?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::module::MODULES;

    fn product(name: &str, files: &[(&str, &str)]) -> Product {
        let module = MODULES.iter().find(|module| module.name == name).unwrap();
        let files = files
            .iter()
            .map(|(path, content)| (PathBuf::from(path), content.as_bytes().to_vec()))
            .collect();
        Product { module, files, facts: Facts::default(), size: Size { plain: 1, gzipped: 1 } }
    }

    #[test]
    fn a_file_that_is_there_already_stays_untouched_and_another_is_replaced() {
        let output = tempfile::tempdir().unwrap();
        write(&product("js", &[("js/a.wasm", "1"), ("js/a.js", "1")]), output.path()).unwrap();
        let written = || fs::metadata(output.path().join("js/a.wasm")).unwrap().modified().unwrap();
        let first = written();
        write(&product("js", &[("js/a.wasm", "1"), ("js/a.js", "2")]), output.path()).unwrap();
        assert_eq!(written(), first);
        assert_eq!(fs::read(output.path().join("js/a.js")).unwrap(), b"2");
    }

    #[test]
    fn what_a_module_had_before_is_removed_from_its_folder_and_other_modules_stay() {
        let output = tempfile::tempdir().unwrap();
        write(&product("plain", &[("plain.wasm", "1")]), output.path()).unwrap();
        write(&product("js", &[("js/snippets/old.js", "1")]), output.path()).unwrap();
        write(&product("js", &[("js/a.js", "1")]), output.path()).unwrap();
        let there = bindgen::read_folder(output.path(), Path::new("")).unwrap();
        assert_eq!(
            there.into_keys().collect::<Vec<_>>(),
            [PathBuf::from("js/a.js"), "plain.wasm".into()]
        );
    }
}
