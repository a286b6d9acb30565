//! Counts the bytes that a thread allocates, and the most that it holds at one time: the same
//! numbers in each run, whatever else the machine does.
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
    /// Bytes that this thread holds now, and the most that it held. What another thread frees is
    /// not counted, so this is right for work of one thread.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

struct Counting;

// SAFETY: all calls go to the system's allocator; the counter neither allocates nor has a
// destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        hold(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // The old and the new one may exist at the same time.
        hold(size as isize);
        hold(-(layout.size() as isize));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count(size: usize) {
    BYTES.with(|bytes| bytes.set(bytes.get().wrapping_add(size)));
}

fn hold(size: isize) {
    HELD.with(|held| {
        let (now, most) = held.get();
        held.set((now + size, most.max(now + size)));
    });
}

/// Returns the result of `work`, and the most bytes that this thread held meanwhile beyond those
/// that it held before.
pub(crate) fn peak_bytes<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = HELD.get().0;
    HELD.set((before, before));
    let result = work();
    (result, usize::try_from(HELD.get().1 - before).unwrap_or(0))
}

/// Returns the result of `work`, and how many bytes this thread allocated meanwhile.
pub(crate) fn bytes_allocated<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = BYTES.get();
    let result = work();
    (result, BYTES.get().wrapping_sub(before))
}
