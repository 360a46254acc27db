//! Does another checkout, with another target folder, give the same bytes?

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::optimise::Optimiser;
use crate::product::{Product, make};
use crate::toolchain::Toolchain;
use crate::workspace::{Workspace, printed};

/// Builds the modules again from a copy of the sources elsewhere, and compares.
///
/// # Errors
/// Where a file has other bytes, or the copy can't be made or built.
pub fn verify(
    products: &[Product],
    workspace: &Workspace,
    toolchain: &Toolchain,
    optimiser: &Optimiser,
) -> Result<()> {
    let elsewhere = tempfile::tempdir()?;
    // Real names, as cargo has them; of another length, and the target folder is not in the
    // checkout.
    let folder = elsewhere.path().canonicalize()?;
    let (checkout, target) = (folder.join("another/checkout"), folder.join("t"));
    copy_sources(&workspace.root, &checkout)?;
    let other = Workspace::around(&checkout, Some(&target))?;
    fs::create_dir_all(other.work())?;
    let mut different = Vec::new();
    for product in products {
        let again = make(product.module, &other, toolchain, optimiser)?;
        different.extend(differences(product, &again));
    }
    if !different.is_empty() {
        bail!("another checkout gives other bytes: {}", different.join(", "));
    }
    Ok(())
}

fn differences(one: &Product, other: &Product) -> Vec<String> {
    let paths =
        one.files.keys().chain(other.files.keys().filter(|path| !one.files.contains_key(*path)));
    paths
        .filter(|path| one.files.get(*path) != other.files.get(*path))
        .map(|path| path.display().to_string())
        .collect()
}

/// What git has, and what it would take: the sources without what was built.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    let listed = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let names = printed(Command::new("git").current_dir(from).args(listed))
        .context("the list of the sources")?;
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let (source, copy) = (from.join(name), to.join(name));
        // A file that was deleted and is still in git's list.
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
    use crate::check::Size;
    use crate::inspect::Facts;
    use crate::module::MODULES;

    fn product(files: &[(&str, &[u8])]) -> Product {
        let files = files.iter().map(|(path, content)| (path.into(), content.to_vec())).collect();
        Product {
            module: MODULES.first().unwrap(),
            files,
            facts: Facts::default(),
            size: Size { plain: 1, gzipped: 1 },
        }
    }

    #[test]
    fn a_file_that_differs_or_that_only_one_has_is_named() {
        let one = product(&[("same", b"1"), ("other", b"1"), ("one", b"1")]);
        let two = product(&[("same", b"1"), ("other", b"2"), ("two", b"1")]);
        assert_eq!(differences(&one, &two), ["one", "other", "two"]);
        assert_eq!(differences(&one, &one), Vec::<String>::new());
    }
}
