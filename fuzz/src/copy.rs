//! Runs an input in a copy of the process, which starts with the apps that were built before. To build them takes longer
//! than to run a script.

use std::sync::LazyLock;

use super::memory;

unsafe extern "C" {
    // The linker defines these: all counters of the fuzzer are between them.
    #[link_name = "__start___sancov_cntrs"]
    static mut COUNTERS_START: u8;
    #[link_name = "__stop___sancov_cntrs"]
    static mut COUNTERS_END: u8;
}

/// What the copy reports: its counters, and before them the number of bytes on its heap.
struct Shared(*mut u8);

// SAFETY: it is never unmapped, and the process and its copy take turns.
unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

const HEAD: usize = size_of::<usize>();

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let (access, kind) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: new memory, which nothing else uses.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), HEAD + counters().1, access, kind, -1, 0) };
    assert_ne!(at, libc::MAP_FAILED, "no memory");
    Shared(at.cast())
});

/// Returns the start of the counters and their number.
fn counters() -> (*mut u8, usize) {
    let (start, end) = (&raw mut COUNTERS_START, &raw mut COUNTERS_END);
    (start, end as usize - start as usize)
}

/// What the fuzzer exits with when it has reported a failure.
const REPORTED: i32 = 77;

/// Runs something in a copy of the process. Ends the process if the copy fails.
pub fn run(work: impl FnOnce()) {
    let shared = SHARED.0;
    let (start, len) = counters();
    // SAFETY: the process has no other thread that holds a lock which the copy needs, and both have the same counters.
    unsafe {
        let copy = libc::fork();
        assert!(copy >= 0, "the process cannot be copied");
        if copy == 0 {
            work();
            shared.cast::<usize>().write(memory::worst());
            shared.add(HEAD).copy_from_nonoverlapping(start, len);
            libc::_exit(0);
        }
        let mut status = 0;
        // A signal of the fuzzer's timer interrupts the wait.
        while libc::waitpid(copy, &raw mut status, 0) != copy {}
        if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == REPORTED {
            libc::_exit(REPORTED);
        }
        assert_eq!(status, 0, "the copy of the process failed");
        memory::note(shared.cast::<usize>().read());
        start.copy_from_nonoverlapping(shared.add(HEAD), len);
    }
}
