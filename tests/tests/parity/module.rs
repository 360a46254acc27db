//! The plain module as `cargo wasm plain` has built it, and with another size of memory.

use std::fs;
use std::path::{Path, PathBuf};

use crate::leb128;

/// In a page of memory.
pub const PAGE: usize = 65_536;
const MEMORY_SECTION: u8 = 5;

/// The plain module's file.
pub fn path() -> PathBuf {
    let path = built("plain.wasm");
    assert!(path.exists(), "{} is missing; `cargo wasm plain policy` builds it", path.display());
    path
}

/// Where the build tool puts what it builds.
pub fn built(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), |folder| workspace.join(folder));
    target.join("wasm").join(name)
}

/// The module with as many pages more to begin with, and then at most so many to grow by.
pub fn with_memory(module: &[u8], more: u64, growth: Option<u64>) -> Vec<u8> {
    let (header, mut rest) = module.split_at(8);
    let mut changed = header.to_vec();
    while let Some((&id, after)) = rest.split_first() {
        let (length, after) = leb128::read(after);
        let (content, after) = after.split_at(usize::try_from(length).unwrap());
        let content =
            if id == MEMORY_SECTION { memory(content, more, growth) } else { content.to_vec() };
        changed.push(id);
        leb128::write(&mut changed, content.len() as u64);
        changed.extend(content);
        rest = after;
    }
    changed
}

/// A section of one memory: the count, a flag (1: there is a maximum), the limits.
fn memory(section: &[u8], more: u64, growth: Option<u64>) -> Vec<u8> {
    assert_eq!(section[..2], [1, 0], "one memory without a maximum");
    let first = leb128::read(&section[2..]).0 + more;
    let mut changed = vec![1, u8::from(growth.is_some())];
    leb128::write(&mut changed, first);
    if let Some(growth) = growth {
        leb128::write(&mut changed, first + growth);
    }
    changed
}

/// Writes a module into a folder.
pub fn write(folder: &Path, module: &[u8]) -> PathBuf {
    let path = folder.join("plain.wasm");
    fs::write(&path, module).unwrap();
    path
}
