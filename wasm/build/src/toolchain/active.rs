//! The toolchain that runs now, with the target or helped to it by rustup.

use std::env::{var, var_os};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{TARGET, Toolchain};
use crate::time_limit::run_within;
use crate::workspace::printed;

/// A download of 20 MB; a network that hangs shall not take long.
const RUSTUP_LIMIT: Duration = Duration::from_mins(1);

/// The active toolchain, if it has the target.
///
/// # Errors
/// Where it has not, or can't be asked.
pub fn installed(root: &Path) -> Result<Toolchain> {
    let libraries = PathBuf::from(rustc(root, &["--print", "target-libdir", "--target", TARGET])?);
    if !has_core(&libraries) {
        bail!("the active toolchain has no {TARGET}");
    }
    let version = rustc(root, &["--version", "--verbose"])?;
    let name = version.lines().next().unwrap_or_default();
    Ok(Toolchain {
        said: format!("{TARGET} of {name}"),
        name: "active",
        // The one that runs this, not a proxy that may choose anew.
        cargo: var_os("CARGO").unwrap_or_else(|| "cargo".into()).into(),
        arguments: Vec::new(),
        set: Vec::new(),
        unset: &[],
        library: library(&sysroot(root)?, &version),
    })
}

/// The active toolchain, after rustup has added the target.
///
/// # Errors
/// Where rustup is missing, fails, or hangs.
pub fn by_rustup(root: &Path) -> Result<Toolchain> {
    let mut command = Command::new("rustup");
    command.current_dir(root).args(["target", "add", TARGET]);
    if let Ok(toolchain) = var("RUSTUP_TOOLCHAIN") {
        command.args(["--toolchain", &toolchain]);
    }
    run_within(RUSTUP_LIMIT, &mut command)
        .with_context(|| format!("rustup target add {TARGET}"))?;
    let toolchain = installed(root)?;
    Ok(Toolchain { said: format!("{}, added by rustup", toolchain.said), ..toolchain })
}

/// The folder of the active toolchain.
///
/// # Errors
/// Where rustc can't be asked.
pub fn sysroot(root: &Path) -> Result<PathBuf> {
    Ok(rustc(root, &["--print", "sysroot"])?.into())
}

fn rustc(root: &Path, arguments: &[&str]) -> Result<String> {
    let rustc: OsString = var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    printed(Command::new(rustc).current_dir(root).args(arguments))
}

fn has_core(libraries: &Path) -> bool {
    let Ok(files) = libraries.read_dir() else { return false };
    files.flatten().any(|file| {
        let name = file.file_name();
        name.to_string_lossy().starts_with("libcore-")
            && Path::new(&name).extension().is_some_and(|end| end == "rlib")
    })
}

/// Where the component rust-src is installed, rustc names its files instead of the virtual ones of
/// a release.
fn library(sysroot: &Path, version: &str) -> (PathBuf, String) {
    let commit =
        version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
    (sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{commit}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_folder_without_the_core_library_is_no_target() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_core(&folder.path().join("missing")));
        std::fs::write(folder.path().join("libcore-123.rmeta"), "").unwrap();
        std::fs::write(folder.path().join("libstd-123.rlib"), "").unwrap();
        assert!(!has_core(folder.path()));
        std::fs::write(folder.path().join("libcore-123.rlib"), "").unwrap();
        assert!(has_core(folder.path()));
    }

    #[test]
    fn local_sources_of_the_library_get_the_name_that_a_release_gives_them() {
        let (from, to) = library(
            Path::new("/toolchain"),
            "rustc 1.95.0 (5980 2026)\nbinary: rustc\ncommit-hash: 5980761\nhost: x",
        );
        assert_eq!(from, Path::new("/toolchain/lib/rustlib/src/rust"));
        assert_eq!(to, "/rustc/5980761");
    }
}
