//! The clock of the parent, which has no app.

use core::time::Duration;
use std::time::Instant;

#[derive(Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this test is about real time")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the time since the start.
    pub fn now(self) -> Duration {
        self.0.elapsed()
    }
}
