//! Counts the bytes on the heap, so that a target can check that few bytes of input never take much memory.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes on the heap at the moment.
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// The most bytes since the current input began.
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// The most bytes that any input took.
static WORST: AtomicUsize = AtomicUsize::new(0);

fn add(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: everything is passed on to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, there: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(there, layout) }
    }

    // Both blocks may exist for a moment.
    unsafe fn realloc(&self, there: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(there, layout, size) }
    }
}

/// How much memory decoding may take, as a multiple of the size of the largest value that the decoder may return.
const FACTOR: usize = 4;

/// Decodes something that takes at most `cap` bytes.
///
/// # Panics
///
/// If more than [`FACTOR`] times as many bytes were on the heap at once.
pub fn within<T>(cap: usize, decode: impl FnOnce() -> T) -> T {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let decoded = decode();
    let used = PEAK.load(Relaxed) - before;
    WORST.fetch_max(used, Relaxed);
    assert!(used <= FACTOR * cap, "{used} bytes on the heap, more than {FACTOR} times {cap}");
    decoded
}

/// Returns the most bytes that any input took.
pub fn worst() -> usize {
    WORST.load(Relaxed)
}

/// Takes over the most bytes that any input took in a copy of the process.
pub fn note(worst: usize) {
    WORST.fetch_max(worst, Relaxed);
}

/// Makes the process print the most bytes that any input took when it exits.
pub fn report_at_exit() {
    unsafe extern "C" {
        fn atexit(call: extern "C" fn()) -> i32;
    }
    extern "C" fn report() {
        eprintln!("peak memory: {} bytes", worst());
    }
    // SAFETY: the function exists in every C library, and what it calls does not unwind.
    unsafe { atexit(report) };
}
