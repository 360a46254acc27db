//! One at a time: two runs of this tool don't write the same files at once.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result};

/// Holds the file's lock until it is dropped; waits for another who holds it.
///
/// # Errors
/// Where the file can't be made or locked.
pub fn locked(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        eprintln!("waiting for another run, which holds {} ...", path.display());
    }
    // Locking again what is held is no error.
    file.lock().with_context(|| format!("locking {}", path.display()))?;
    Ok(file)
}
