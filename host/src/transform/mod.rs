//! A user's own WebAssembly module that changes entries, in a sandbox: it has no imports, so much
//! memory and so many instructions, and it remembers nothing from one call to the next.

mod engine;
mod exports;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, anyhow};
use istio_cloud_map_core::translate;
use thiserror::Error;
use wasmtime::{InstancePre, Linker, Module, Store, Trap};

use self::engine::{Room, engine};

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: usize,
    /// Fuel: one for each instruction, and one for each byte that an instruction copies or fills.
    pub fuel: u64,
}

/// A module that is ready to be called.
pub struct Sandbox {
    instances: InstancePre<Room>,
    limits: Limits,
    /// The pool has one instance.
    turn: Mutex<()>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// What a module does that the ABI doesn't allow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
enum SandboxError {
    #[error(
        "exceeds its memory limit: it requests {requested} bytes, but at most {most} are allowed"
    )]
    Memory { requested: usize, most: usize },
    #[error(
        "is broken: alloc({len}) returned the address {address}, which is outside of its memory"
    )]
    Request { address: u32, len: u32 },
    #[error(
        "is broken: the answer is at {address}, {len} bytes long, which is outside of its memory"
    )]
    Answer { address: u64, len: u64 },
    #[error("can't be called: the request has {0} bytes, more than a module can read")]
    TooLong(usize),
}

impl Sandbox {
    /// Compiles the module of a file.
    ///
    /// # Errors
    /// Where it can't be read, is no module, imports anything, or does not export what is called.
    pub fn open(path: &Path, limits: Limits) -> anyhow::Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
        Self::new(&bytes, limits).with_context(|| path.display().to_string())
    }

    fn new(module: &[u8], limits: Limits) -> anyhow::Result<Self> {
        let engine =
            engine(limits).map_err(|error| anyhow!("the sandbox can't be created: {error:#}"))?;
        let module = Module::from_binary(&engine, module)
            .map_err(|error| anyhow!("this is not a valid WebAssembly module: {error:#}"))?;
        exports::check(&module)?;
        let instances =
            Linker::new(&engine).instantiate_pre(&module).map_err(|error| anyhow!("{error:#}"))?;
        Ok(Self { instances, limits, turn: Mutex::new(()) })
    }

    /// One call, in an instance that nothing has run in before.
    fn answer(&self, request: &str) -> wasmtime::Result<Vec<u8>> {
        let len = u32::try_from(request.len())
            .map_err(|_| wasmtime::Error::new(SandboxError::TooLong(request.len())))?;
        let mut store =
            Store::new(self.instances.module().engine(), Room { most: self.limits.memory });
        store.limiter(|room| room);
        store.set_fuel(self.limits.fuel)?;
        let instance = self.instances.instantiate(&mut store)?;
        let alloc = instance.get_typed_func::<u32, u32>(&mut store, exports::ALLOC)?;
        let transform =
            instance.get_typed_func::<(u32, u32), u64>(&mut store, exports::TRANSFORM)?;
        let Some(memory) = instance.get_memory(&mut store, exports::MEMORY) else {
            return Err(wasmtime::Error::msg("it has no memory"));
        };
        let address = alloc.call(&mut store, len)?;
        let written = memory.write(&mut store, address as usize, request.as_bytes());
        written.map_err(|_| wasmtime::Error::new(SandboxError::Request { address, len }))?;
        let packed = transform.call(&mut store, (address, len))?;
        let (address, len) = (packed >> 32, packed & u64::from(u32::MAX));
        let range = usize::try_from(address).ok().zip(usize::try_from(address + len).ok());
        let answer = range.and_then(|(start, end)| memory.data(&store).get(start..end));
        // The instance ends here, and with it what it has in its memory: nothing is given back with
        // `free`.
        answer
            .map(<[u8]>::to_vec)
            .ok_or_else(|| wasmtime::Error::new(SandboxError::Answer { address, len }))
    }

    fn message(&self, error: &wasmtime::Error) -> String {
        if let Some(error) = error.downcast_ref::<SandboxError>() {
            return error.to_string();
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => {
                format!("ran for too long: it has used up its fuel of {}", self.limits.fuel)
            }
            Some(trap) => format!("has trapped: {trap}"),
            None => format!("can't be run: {error:#}"),
        }
    }
}

impl translate::Transform for Sandbox {
    fn call(&self, request: &str) -> Result<Vec<u8>, String> {
        // Nothing can be left half done: each call has a store of its own.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.answer(request).map_err(|error| self.message(&error))
    }
}
