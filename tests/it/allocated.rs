//! Counts the bytes that a thread allocates: the same number in each run, whatever else the machine
//! does.
#![allow(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; this one only counts"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all calls go to the system's allocator; the counter neither allocates nor has a
// destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count(size: usize) {
    BYTES.with(|bytes| bytes.set(bytes.get().wrapping_add(size)));
}

/// Returns the result of `work`, and how many bytes this thread allocated meanwhile.
pub(crate) fn bytes_allocated<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = BYTES.get();
    let result = work();
    (result, BYTES.get().wrapping_sub(before))
}
