//! Debian's Rust for browsers (rustc-web), which is new enough in Debian 12's security archive. It
//! has no library for the target, but builds it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Toolchain, active};
use crate::time_limit::run_within;
use crate::workspace::printed;

/// What is installed.
pub const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// A download of 200 MB.
const APT_LIMIT: Duration = Duration::from_mins(5);

/// Debian's toolchain, installed if need be.
///
/// # Errors
/// Where it is not there and can't be installed.
pub fn toolchain(root: &Path) -> Result<Toolchain> {
    let mut missing: Vec<&str> =
        PACKAGES.into_iter().filter(|package| !is_installed(package)).collect();
    let linkers = linkers(root);
    if !linkers.iter().any(|linker| linker.is_file()) {
        missing.push("lld");
    }
    if !missing.is_empty() {
        install(&missing)?;
    }
    let Some(linker) = linkers.into_iter().find(|linker| linker.is_file()) else {
        bail!("no linker: neither rust-lld of the active toolchain nor wasm-ld of Debian's lld");
    };
    let version =
        printed(Command::new("/usr/bin/rustc").env_remove("LD_LIBRARY_PATH").arg("--version"))?;
    Ok(Toolchain {
        said: format!(
            "{version} of Debian, which builds the standard library; linker {}",
            linker.display()
        ),
        name: "debian",
        cargo: "/usr/bin/cargo".into(),
        arguments: vec!["-Zbuild-std=std,panic_abort"],
        set: vec![
            ("RUSTC", "/usr/bin/rustc".into()),
            // Lets a stable compiler build its own standard library.
            ("RUSTC_BOOTSTRAP", "1".into()),
            ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker.into()),
        ],
        // Of the cargo that runs this: the other one shall neither load its libraries nor think
        // that it is it.
        unset: &["CARGO", "LD_LIBRARY_PATH", "RUSTUP_TOOLCHAIN"],
        library: library(Path::new("/usr/lib/rustlib/src/rust"), &version),
    })
}

fn is_installed(package: &str) -> bool {
    printed(Command::new("dpkg-query").args([
        "--show",
        "--showformat=${db:Status-Status}",
        package,
    ]))
    .is_ok_and(|status| status == "installed")
}

/// Where a linker may be, the better first: the active toolchain's is as new as the compiler,
/// roughly.
fn linkers(root: &Path) -> Vec<PathBuf> {
    let of_debian = PathBuf::from("/usr/bin/wasm-ld");
    let Ok(sysroot) = active::sysroot(root) else { return vec![of_debian] };
    let of_host = sysroot
        .join("lib/rustlib")
        .join(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .join("bin/rust-lld");
    vec![of_host, of_debian]
}

fn install(packages: &[&str]) -> Result<()> {
    if printed(Command::new("id").arg("-u"))? != "0" {
        bail!(
            "not installed: {}; and this is not run by root, who could install them",
            packages.join(" ")
        );
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        command
    };
    run_within(APT_LIMIT, apt().arg("update")).context("apt-get update")?;
    run_within(
        APT_LIMIT,
        apt().args(["install", "--yes", "--no-install-recommends"]).args(packages),
    )
    .with_context(|| format!("apt-get install {}", packages.join(" ")))
}

/// The sources as they are named after links are followed, for so the compiler names them.
fn library(link: &Path, version: &str) -> (PathBuf, String) {
    let number = version.split(' ').nth(1).unwrap_or("unknown");
    (link.canonicalize().unwrap_or_else(|_| link.to_owned()), format!("/rustc/{number}"))
}
