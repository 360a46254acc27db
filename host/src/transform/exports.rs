//! Is a module one that can be called?

use anyhow::bail;
use wasmtime::{ExternType, FuncType, Module, ValType};

pub(super) const MEMORY: &str = "memory";
pub(super) const ALLOC: &str = "alloc";
const FREE: &str = "free";
pub(super) const TRANSFORM: &str = "transform";

/// What is exported, and how it is written.
const EXPORTS: [(&str, &str); 4] = [
    (MEMORY, "a memory of 32 bits"),
    (ALLOC, "a function (len: i32) -> i32"),
    (FREE, "a function (ptr: i32, len: i32)"),
    (TRANSFORM, "a function (ptr: i32, len: i32) -> i64"),
];

/// # Errors
/// The first import, else all exports that are missing or of another type.
pub(super) fn check(module: &Module) -> anyhow::Result<()> {
    if let Some(import) = module.imports().next() {
        let (from, name) = (import.module(), import.name());
        bail!(
            "it imports `{name}` from `{from}`, but a transformation must not have imports: build it for a target without a system, such as wasm32-unknown-unknown"
        );
    }
    let wrong = EXPORTS.into_iter().filter_map(|(name, expected)| match module.get_export(name) {
        None => Some(format!("`{name}` is missing, expected {expected}")),
        Some(found) if !is_as_expected(name, &found) => {
            Some(format!("`{name}` has the wrong type, expected {expected}"))
        }
        Some(_) => None,
    });
    let wrong: Vec<String> = wrong.collect();
    if !wrong.is_empty() {
        bail!("its exports: {}", wrong.join("; "));
    }
    Ok(())
}

fn is_as_expected(name: &str, found: &ExternType) -> bool {
    let is = |function: &FuncType, takes: &[ValType], gives: &[ValType]| {
        same(function.params(), takes) && same(function.results(), gives)
    };
    match (name, found) {
        (MEMORY, ExternType::Memory(memory)) => !memory.is_64() && !memory.is_shared(),
        (ALLOC, ExternType::Func(function)) => is(function, &[ValType::I32], &[ValType::I32]),
        (FREE, ExternType::Func(function)) => is(function, &[ValType::I32, ValType::I32], &[]),
        (TRANSFORM, ExternType::Func(function)) => {
            is(function, &[ValType::I32, ValType::I32], &[ValType::I64])
        }
        _ => false,
    }
}

fn same(found: impl ExactSizeIterator<Item = ValType>, expected: &[ValType]) -> bool {
    found.len() == expected.len()
        && found.zip(expected).all(|(found, expected)| ValType::eq(&found, expected))
}
