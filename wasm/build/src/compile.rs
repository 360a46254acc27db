//! From a package to its module as the compiler leaves it.

use std::env::{var, var_os};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::module::Module;
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

/// Flags for the modules alone; cargo's own name for them.
const FLAGS: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

/// Flags that are meant for programs of this machine.
const HOST_FLAGS: [&str; 3] = ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS"];

/// Folders of this machine and the names that they have in a module, so that it has the same bytes
/// wherever it is built.
#[must_use]
pub fn renamed_folders(workspace: &Workspace, toolchain: &Toolchain) -> Vec<(PathBuf, String)> {
    let mut folders = vec![
        (workspace.root.clone(), "/istio-cloud-map".to_owned()),
        (workspace.target.clone(), "/target".to_owned()),
    ];
    let home = || var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    folders.extend(
        var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(home)
            .map(|cargo| (cargo, "/cargo".to_owned())),
    );
    folders.push(toolchain.library.clone());
    folders
}

/// Builds a module and reads it. Modules are built one by one: built together they would share the
/// features of their dependencies, and so the bytes of one would depend on the choice of the
/// others.
///
/// # Errors
/// Where cargo fails; it has said why.
pub fn compile(module: &Module, workspace: &Workspace, toolchain: &Toolchain) -> Result<Vec<u8>> {
    let target = workspace.work().join(toolchain.name);
    let mut command = toolchain.cargo_build(&workspace.root);
    command
        .args(["--locked", "--profile", "wasm", "--package", module.package])
        .arg("--target-dir")
        .arg(&target);
    command.env(
        "CARGO_ENCODED_RUSTFLAGS",
        flags(&renamed_folders(workspace, toolchain), var(FLAGS).ok().as_deref()),
    );
    // Incremental code differs from that of a first build.
    command.env("CARGO_INCREMENTAL", "0");
    run(&mut command)
        .with_context(|| format!("building the module `{}` of {}", module.name, module.package))?;
    let path = target.join(crate::toolchain::TARGET).join("wasm").join(module.artifact());
    std::fs::read(&path)
        .with_context(|| format!("{}, of a package that is no cdylib?", path.display()))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| command.get_program().display().to_string())?;
    if !status.success() {
        bail!("cargo build: {status}");
    }
    Ok(())
}

/// The flags of a module's compiler in the form in which cargo takes any text: the later name of
/// two that fit is used.
fn flags(folders: &[(PathBuf, String)], own: Option<&str>) -> String {
    let renamed =
        folders.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    let own = own.unwrap_or_default().split_whitespace().map(str::to_owned);
    renamed.chain(own).collect::<Vec<_>>().join("\x1f")
}

/// A line on flags that the modules don't get, if there are any.
#[must_use]
pub fn unused_flags(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let name = HOST_FLAGS
        .into_iter()
        .find(|name| variable(name).is_some_and(|value| !value.trim().is_empty()))?;
    Some(format!("{name} is for programs of this machine and not used for the modules; {FLAGS} is"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_renamed_and_own_flags_follow() {
        let folders = [
            ("/home/me/a checkout".into(), "/istio-cloud-map".to_owned()),
            ("/t".into(), "/target".to_owned()),
        ];
        assert_eq!(
            flags(&folders, Some(" -C  target-feature=+simd128 ")),
            "--remap-path-prefix=/home/me/a checkout=/istio-cloud-map\x1f--remap-path-prefix=/t=/target\x1f-C\x1ftarget-feature=+simd128"
        );
    }

    #[test]
    fn flags_for_the_host_are_reported_and_empty_ones_are_not() {
        let with = |set: &'static str, value: &'static str| {
            unused_flags(move |name| (name == set).then(|| value.to_owned()))
        };
        assert_eq!(
            with("RUSTFLAGS", "-Dwarnings").as_deref(),
            Some(
                "RUSTFLAGS is for programs of this machine and not used for the modules; \
                 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS is"
            )
        );
        assert_eq!(with("RUSTFLAGS", " "), None);
        assert_eq!(with("RUSTDOCFLAGS", "-Dwarnings"), None);
    }
}
