//! How a host calls the module. This file can be copied as it is.
#![expect(
    unsafe_code,
    reason = "the host hands over addresses; what it promises about them is said at each function"
)]

use crate::team;

/// Room for `len` bytes.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn alloc(len: usize) -> *mut u8 {
    Box::into_raw(vec![0; len].into_boxed_slice()).cast()
}

/// Gives a place back.
///
/// # Safety
/// `ptr` and `len` are those of one [`alloc`] or one answer, which is not used afterwards.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn free(ptr: *mut u8, len: usize) {
    // SAFETY: as the caller promises, this is a box that was let go of.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(ptr, len)) });
}

/// The request is at `ptr`, `len` bytes long; the answer is at the upper half of the result, as
/// long as the lower half says.
///
/// # Safety
/// `ptr` is that of an [`alloc`] of `len` bytes which have been written.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
#[must_use]
pub unsafe extern "C" fn transform(ptr: *const u8, len: usize) -> u64 {
    // SAFETY: as the caller promises.
    let request = unsafe { std::slice::from_raw_parts(ptr, len) };
    let answer = team::answer(request).to_string().into_bytes().into_boxed_slice();
    let len = answer.len() as u64;
    let place = Box::into_raw(answer).cast::<u8>() as usize as u64;
    (place << 32) | len
}
