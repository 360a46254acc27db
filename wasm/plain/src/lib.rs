//! The core for any WebAssembly runtime. The module has no imports.
//!
//! `alloc(len) -> ptr` makes room for a request, which the host writes there as UTF-8; `translate`,
//! `plan` and `validate`, each `(ptr, len)`, read it and return the answer's place as `(ptr << 32)
//! | len`; `free(ptr, len)` gives a place back, the request's as well as the answer's. Requests and
//! answers are those of [`istio_cloud_map_core::api`]: `{"input": ..., "options": {...}}` in,
//! `{"ok": ...}` or `{"error": {"kind": ..., "message": ...}}` out.

mod abi;

pub use abi::{alloc, free, plan, translate, validate};
