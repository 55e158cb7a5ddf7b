//! Lines on the standard output, which may be a pipe that its reader closes.

use core::fmt::Display;
use std::{
    io::{Write, stdout},
    sync::atomic::{AtomicBool, Ordering},
};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Prints a line. After an error, [`is_closed`] returns `true`.
pub fn line(text: impl Display) {
    if writeln!(stdout(), "{text}").is_err() {
        CLOSED.store(true, Ordering::Relaxed);
    }
}

/// Returns `true` if nobody reads the output any more.
pub fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}
