//! What a module may do, and how much of it.

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter,
};

use super::{Limits, SandboxError};

/// How deep calls may go.
const STACK: usize = 512 * 1024;
/// How many tables a module may have, and how many entries each: programs of some languages have
/// one entry a function.
const TABLES: u32 = 4;
const TABLE_ENTRIES: usize = 100_000;
/// So much of the memory is zeroed after a call and kept; what is beyond it is given back.
const KEPT: usize = 1024 * 1024;

/// The same module, the same request, the same answer, on every machine: no threads, no
/// instructions that differ between processors, and NaNs of one kind. A limit ends a call by its
/// fuel, not by a clock.
pub(super) fn engine(limits: Limits) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(1)
        .total_memories(1)
        .total_tables(TABLES)
        .max_tables_per_module(TABLES)
        .table_elements(TABLE_ENTRIES)
        .max_memory_size(limits.memory)
        .linear_memory_keep_resident(KEPT.min(limits.memory));
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .consume_fuel(true)
        .cranelift_nan_canonicalization(true)
        .max_wasm_stack(STACK)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false);
    Engine::new(&config)
}

/// The memory that one instance may have.
pub(super) struct Room {
    pub most: usize,
}

impl ResourceLimiter for Room {
    /// A module that gets no memory would end in a trap that says nothing; this one says what is
    /// short.
    fn memory_growing(
        &mut self,
        _: usize,
        requested: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if requested > self.most {
            Err(wasmtime::Error::new(SandboxError::Memory { requested, most: self.most }))
        } else {
            Ok(true)
        }
    }

    fn table_growing(
        &mut self,
        _: usize,
        requested: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(requested <= TABLE_ENTRIES)
    }
}
