//! The workspace that the modules are built from, and where things of it are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::module::{MODULES, Module};

/// A checkout and its target folder.
#[derive(Debug)]
pub struct Workspace {
    pub root: PathBuf,
    /// cargo's, with our own folders beside cargo's: [`Workspace::output`] and [`Workspace::work`].
    pub target: PathBuf,
    packages: Vec<String>,
}

impl Workspace {
    /// The workspace around the folder `dir`. Its target folder is `target`, or the one that cargo
    /// would take.
    ///
    /// # Errors
    /// Where cargo finds no workspace there.
    pub fn around(dir: &Path, target: Option<&Path>) -> Result<Self> {
        let mut command = MetadataCommand::new();
        command.current_dir(dir).no_deps();
        if let Some(target) = target {
            command.env("CARGO_TARGET_DIR", target);
        }
        let metadata = command.exec().context("cargo metadata")?;
        let packages =
            metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
        Ok(Self {
            root: metadata.workspace_root.into(),
            target: metadata.target_directory.into(),
            packages,
        })
    }

    /// The folder of the finished modules.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.target.join("wasm")
    }

    /// The folder of what is on the way: a target folder of cargo's, so that its profile `wasm`
    /// doesn't land among the finished modules.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.target.join("wasm-build")
    }

    /// The modules of these names, or all that there are.
    ///
    /// # Errors
    /// A module whose package is not in the workspace.
    pub fn modules(&self, names: &[String]) -> Result<Vec<&'static Module>> {
        let exists =
            |module: &Module| self.packages.iter().any(|package| package == module.package);
        if names.is_empty() {
            return Ok(MODULES.iter().filter(|module| exists(module)).collect());
        }
        let chosen: Vec<_> =
            MODULES.iter().filter(|module| names.iter().any(|name| name == module.name)).collect();
        for module in &chosen {
            if !exists(module) {
                bail!(
                    "module `{}` is built from the package `{}`, which is not in the workspace",
                    module.name,
                    module.package
                );
            }
        }
        Ok(chosen)
    }

    /// The text of `Cargo.lock`.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn lock(&self) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))
    }
}

/// What a program prints, without the line's end.
///
/// # Errors
/// Where it can't be run, or fails.
pub fn printed(command: &mut Command) -> Result<String> {
    let output =
        command.output().with_context(|| format!("{}", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{} {}: {}",
            command.get_program().display(),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn with(packages: &[&str]) -> Workspace {
        let packages = packages.iter().map(|name| (*name).to_owned()).collect();
        Workspace { root: "/checkout".into(), target: "/target".into(), packages }
    }

    fn names(modules: &[&Module]) -> Vec<&'static str> {
        modules.iter().map(|module| module.name).collect()
    }

    #[test]
    fn without_names_the_modules_that_the_workspace_has_are_built() {
        let workspace =
            with(&["istio-cloud-map-core", "istio-cloud-map-js", "istio-cloud-map-plain"]);
        assert_eq!(names(&workspace.modules(&[]).unwrap()), ["plain", "js"]);
    }

    #[test]
    fn a_module_is_built_once_however_often_it_is_named() {
        let workspace = with(&["istio-cloud-map-js", "istio-cloud-map-plain"]);
        assert_eq!(
            names(&workspace.modules(&["plain".to_owned(), "plain".to_owned()]).unwrap()),
            ["plain"]
        );
    }

    #[test]
    fn a_named_module_without_its_package_is_an_error_that_names_both() {
        let error = with(&["istio-cloud-map-plain"]).modules(&["policy".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "module `policy` is built from the package `istio-cloud-map-policy`, which is not in the workspace"
        );
    }
}
