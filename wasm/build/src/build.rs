//! From a package to its finished module: compile, wasm-bindgen, wasm-opt, check, write.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::check::{JAVASCRIPT, Module, Size, problems};
use crate::inspect::{Facts, inspect};
use crate::tools::{TARGET, library_sources, wasm_opt};

/// The sources and their target folder.
pub struct Checkout {
    pub root: PathBuf,
    pub target: PathBuf,
}

impl Checkout {
    /// The one that `cargo run` was called in, else the one that this program was built from:
    /// checkouts may share a target folder, and so this program.
    ///
    /// # Errors
    /// If its folders can't be found.
    pub fn current() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR");
        let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&package).join("../..").canonicalize()?;
        let target = env::var_os("CARGO_TARGET_DIR").filter(|target| !target.is_empty());
        let target = target.map_or_else(|| Ok(root.join("target")), std::path::absolute)?;
        Ok(Self { root, target })
    }

    /// The folder of the finished modules.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.target.join("wasm")
    }

    /// The folder of unfinished modules. cargo has its own there, so that its profile `wasm` is not
    /// written among the finished modules.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.target.join("wasm-build")
    }

    /// Folders of this machine and their names in a module, which make its bytes independent of
    /// them. The last one that fits is used.
    fn renamed_folders(&self) -> Result<Vec<(PathBuf, String)>> {
        let mut folders = vec![
            (self.root.clone(), "/istio-cloud-map".to_owned()),
            (self.target.clone(), "/target".to_owned()),
        ];
        let home = || env::home_dir().map(|home| home.join(".cargo"));
        if let Some(cargo) = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home) {
            folders.push((cargo, "/cargo".to_owned()));
        }
        folders.push(library_sources()?);
        Ok(folders)
    }
}

/// Files by their path in the output folder.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A finished module.
pub struct Product {
    pub module: &'static Module,
    pub files: Files,
    pub facts: Facts,
    pub size: Size,
}

/// Builds a module and checks it. Modules are built one by one: built together they would share the
/// features of their dependencies, and the bytes of one would depend on the choice of the others.
///
/// # Errors
/// If a step fails, or the module is not what its hosts expect.
pub fn build(module: &'static Module, checkout: &Checkout) -> Result<Product> {
    let folders = checkout.renamed_folders()?;
    let named = || format!("module `{}`", module.name);
    let files = files(module, checkout, &folders).with_context(named)?;
    let bytes = files.get(&file(module)).with_context(named)?;
    let facts = inspect(bytes)?;
    let size = Size::new(bytes)?;
    let mut problems = problems(module, &facts, size);
    for (folder, _) in &folders {
        let path = folder.as_os_str().as_encoded_bytes();
        if bytes.windows(path.len()).any(|window| window == path) {
            problems.push(format!("contains the path `{}` of this machine", folder.display()));
        }
    }
    if !problems.is_empty() {
        bail!("{}: {}", named(), problems.join("; "));
    }
    Ok(Product { module, files, facts, size })
}

/// The files of a module, optimized.
fn files(module: &Module, checkout: &Checkout, folders: &[(PathBuf, String)]) -> Result<Files> {
    let compiled = compile(module, checkout, folders)?;
    let mut files = if module.javascript {
        bindgen(module, compiled)?
    } else {
        Files::from([(file(module), compiled)])
    };
    let bytes = files.get_mut(&file(module)).context("wasm-bindgen wrote no module")?;
    *bytes = wasm_opt(bytes, &checkout.work().join(module.name))?;
    Ok(files)
}

/// The module's own path among its files.
fn file(module: &Module) -> PathBuf {
    if module.javascript {
        return Path::new(module.name).join(format!("{JAVASCRIPT}_bg.wasm"));
    }
    format!("{}.wasm", module.name).into()
}

fn compile(module: &Module, checkout: &Checkout, folders: &[(PathBuf, String)]) -> Result<Vec<u8>> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(&checkout.root)
        .args(["build", "--locked", "--profile", "wasm", "--target", TARGET])
        .args(["--package", module.package, "--target-dir"])
        .arg(checkout.work())
        // Replaces RUSTFLAGS, which are for programs of this machine.
        .env("CARGO_ENCODED_RUSTFLAGS", flags(folders))
        // Incremental code differs from that of a first build.
        .env("CARGO_INCREMENTAL", "0");
    let status = command.status().context("cargo")?;
    if !status.success() {
        bail!("cargo build: {status}");
    }
    let artifact = format!("{}.wasm", module.package.replace('-', "_"));
    let path = checkout.work().join(TARGET).join("wasm").join(artifact);
    fs::read(&path).with_context(|| path.display().to_string())
}

fn flags(folders: &[(PathBuf, String)]) -> String {
    let flags =
        folders.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    // Between flags that may contain spaces.
    flags.collect::<Vec<_>>().join("\x1f")
}

/// The module with its JavaScript side, as an ES module.
fn bindgen(module: &Module, compiled: Vec<u8>) -> Result<Files> {
    let folder = tempfile::tempdir()?;
    let mut bindgen = Bindgen::new();
    bindgen.input_bytes(JAVASCRIPT, compiled).typescript(false).remove_name_section(true);
    bindgen.bundler(true)?.generate(folder.path()).context("wasm-bindgen")?;
    let mut files = Files::new();
    for entry in folder.path().read_dir()? {
        let entry = entry?;
        files.insert(Path::new(module.name).join(entry.file_name()), fs::read(entry.path())?);
    }
    Ok(files)
}

/// Writes the files, each as a whole: it is written beside its place and renamed. A file that has
/// the same content already is left alone.
///
/// # Errors
/// If a file can't be written.
pub fn write(product: &Product, output: &Path) -> Result<()> {
    for (path, content) in &product.files {
        let path = output.join(path);
        if fs::read(&path).is_ok_and(|old| old == *content) {
            continue;
        }
        fs::create_dir_all(path.parent().unwrap_or(output))?;
        let beside = path.with_extension("new");
        fs::write(&beside, content).with_context(|| beside.display().to_string())?;
        fs::rename(&beside, &path).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_machine_are_renamed() {
        let folders = [
            ("/home/me/a checkout".into(), "/istio-cloud-map".to_owned()),
            ("/t".into(), "/target".to_owned()),
        ];
        assert_eq!(
            flags(&folders),
            "--remap-path-prefix=/home/me/a checkout=/istio-cloud-map\x1f--remap-path-prefix=/t=/target"
        );
    }
}
