//! Numbers to memory and back: the one place where `unsafe` is needed.
//!
//! The names are exported from WebAssembly alone: in a native program `free` is the C library's.
#![expect(
    unsafe_code,
    reason = "a host speaks in addresses; what may be done with them is said at each function"
)]

use istio_cloud_map_core::api;

/// Room for `len` bytes, to be given back with [`free`]. For no bytes it is a place that may not be
/// read.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn alloc(len: usize) -> *mut u8 {
    let place: Box<[u8]> = vec![0; len].into_boxed_slice();
    Box::into_raw(place).cast()
}

/// Gives a place back.
///
/// # Safety
/// `ptr` and `len` are those of one [`alloc`] or one answer, which is not used afterwards.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn free(ptr: *mut u8, len: usize) {
    // SAFETY: as the caller promises, this is the box that `alloc` or `answer` let go of.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(ptr, len)) });
}

/// See [`api::translate`].
///
/// # Safety
/// `ptr` is that of an [`alloc`] of `len` bytes which have been written.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
#[must_use]
pub unsafe extern "C" fn translate(ptr: *const u8, len: usize) -> u64 {
    // SAFETY: as the caller promises.
    answer(api::translate(unsafe { request(ptr, len) }))
}

/// See [`api::plan`].
///
/// # Safety
/// `ptr` is that of an [`alloc`] of `len` bytes which have been written.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
#[must_use]
pub unsafe extern "C" fn plan(ptr: *const u8, len: usize) -> u64 {
    // SAFETY: as the caller promises.
    answer(api::plan(unsafe { request(ptr, len) }))
}

/// See [`api::validate`].
///
/// # Safety
/// `ptr` is that of an [`alloc`] of `len` bytes which have been written.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
#[must_use]
pub unsafe extern "C" fn validate(ptr: *const u8, len: usize) -> u64 {
    // SAFETY: as the caller promises.
    answer(api::validate(unsafe { request(ptr, len) }))
}

/// What was written into a place.
///
/// # Safety
/// `ptr` is that of an [`alloc`] of `len` bytes which have been written, and which stay while the
/// request is looked at.
unsafe fn request<'a>(ptr: *const u8, len: usize) -> &'a [u8] {
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(ptr, len) }
}

/// Lets go of an answer, and says where it is.
fn answer(text: String) -> u64 {
    let place = text.into_bytes().into_boxed_slice();
    let len = place.len() as u64;
    let address = Box::into_raw(place).cast::<u8>() as usize as u64;
    (address << 32) | len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_can_be_written_to_and_given_back() {
        for len in [0, 1, 4096] {
            let place = alloc(len);
            // SAFETY: the place has `len` bytes, and is given back once.
            unsafe {
                place.write_bytes(7, len);
                free(place, len);
            }
        }
    }
}
