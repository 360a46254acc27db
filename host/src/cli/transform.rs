//! What several commands share: a module of the user's own.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use istio_cloud_map_core::translate::Transform;

use super::values;

/// Whether this program can run one.
const BUILT_IN: bool = cfg!(feature = "transform");

/// A module of the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Transformation")]
pub struct Transformation {
    /// A WebAssembly module that sees each entry, and may change or drop it: see docs/transform.md
    #[arg(long = "transform", env = "ISTIO_CLOUD_MAP_TRANSFORM", value_name = "MODULE.wasm", hide = !BUILT_IN)]
    module: Option<PathBuf>,
    /// How much memory one call of it may use
    #[arg(long = "transform-max-memory", default_value = "64MiB", env = "ISTIO_CLOUD_MAP_TRANSFORM_MAX_MEMORY", value_name = "SIZE", value_parser = values::size, hide = !BUILT_IN)]
    max_memory: u64,
    /// How many instructions one call of it may take
    #[arg(long = "transform-max-fuel", default_value_t = 200_000_000, env = "ISTIO_CLOUD_MAP_TRANSFORM_MAX_FUEL", value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..), hide = !BUILT_IN)]
    max_fuel: u64,
}

impl Transformation {
    /// The module, ready to be called, if there is one.
    ///
    /// # Errors
    /// Where it can't be used.
    pub fn load(&self) -> anyhow::Result<Option<Arc<dyn Transform>>> {
        let Some(path) = self.module.as_deref().filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(None);
        };
        open(path, self).map(Some)
    }
}

#[cfg(feature = "transform")]
fn open(path: &std::path::Path, flags: &Transformation) -> anyhow::Result<Arc<dyn Transform>> {
    use anyhow::Context as _;

    use crate::transform::{Limits, Sandbox};

    let memory = usize::try_from(flags.max_memory).context("--transform-max-memory")?;
    let sandbox =
        Sandbox::open(path, Limits { memory, fuel: flags.max_fuel }).context("--transform")?;
    Ok(Arc::new(sandbox))
}

#[cfg(not(feature = "transform"))]
fn open(path: &std::path::Path, _: &Transformation) -> anyhow::Result<Arc<dyn Transform>> {
    anyhow::bail!(
        "--transform {}: this program was built without the feature `transform` and can't run modules",
        path.display()
    )
}
