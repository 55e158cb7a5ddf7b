//! The fuzz targets, and what they share. See `README.md`. `tests/promises/wire/corpora.rs` includes the files of the
//! targets, so they name their siblings by `super`.

pub mod copy;
pub mod game;
pub mod loose;
pub mod memory;
pub mod ops;

pub mod apps;
pub mod catalog;
pub mod chunk;
pub mod handshake;
pub mod message;
pub mod recording;
pub mod request;
pub mod saved;

#[path = "../../examples/replay/trace.rs"]
#[expect(dead_code, reason = "the example reports more")]
mod trace;

#[doc(hidden)]
pub use libfuzzer_sys;

/// Makes a program of a target.
#[macro_export]
macro_rules! target {
    ($target:ident) => {
        use $crate::libfuzzer_sys;

        libfuzzer_sys::fuzz_target!(init: $crate::memory::report_at_exit(), |bytes: &[u8]| {
            $crate::$target::run(bytes)
        });
    };
}
