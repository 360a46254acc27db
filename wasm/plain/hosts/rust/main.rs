//! `plain-host MODULE.wasm translate|plan|validate < requests > answers`: a request a line, an
//! answer a line.

use std::io::{BufRead as _, Write as _};

use wasmtime::{
    Engine, Error, Instance, Memory, Module, Result, Store, TypedFunc, error::Context as _,
};

/// One instance of the module, for one thread.
struct Host {
    store: Store<()>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
    call: TypedFunc<(u32, u32), u64>,
}

impl Host {
    fn new(module: &str, function: &str) -> Result<Self> {
        let engine = Engine::default();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::from_file(&engine, module)?, &[])?;
        Ok(Self {
            memory: instance
                .get_memory(&mut store, "memory")
                .context("the module exports no memory")?,
            alloc: instance.get_typed_func(&mut store, "alloc")?,
            free: instance.get_typed_func(&mut store, "free")?,
            call: instance.get_typed_func(&mut store, function)?,
            store,
        })
    }

    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        let len = u32::try_from(request.len())?;
        let ptr = self.alloc.call(&mut self.store, len)?;
        self.memory.write(&mut self.store, ptr as usize, request)?;
        let place = self.call.call(&mut self.store, (ptr, len))?;
        self.free.call(&mut self.store, (ptr, len))?;
        let (ptr, len) = (u32::try_from(place >> 32)?, u32::try_from(place & 0xffff_ffff)?);
        let mut answer = vec![0; len as usize];
        self.memory.read(&self.store, ptr as usize, &mut answer)?;
        self.free.call(&mut self.store, (ptr, len))?;
        Ok(answer)
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, function] = arguments.as_slice() else {
        return Err(Error::msg("usage: plain-host MODULE.wasm FUNCTION"));
    };
    let mut host = Host::new(module, function)?;
    let mut output = std::io::stdout().lock();
    for request in std::io::stdin().lock().split(b'\n') {
        output.write_all(&host.call(&request?)?)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}
