//! What the crate promises: a folder per subject, a file per promise. See `tests/README.md`.

#![cfg(all(feature = "client", feature = "server"))]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    let_underscore_drop,
    dropping_copy_types,
    reason = "tests may panic, and ignore what a mutation returns"
)]

/// Implements [`Container`] for a newtype of [`Slots`]. Overridden items follow the name.
macro_rules! container {
    ($type:ident, $name:literal $(, { $($item:tt)* })?) => {
        impl Container for $type {
            const NAME: &'static str = $name;

            fn from_slots(slots: Slots) -> Self {
                Self(slots)
            }

            fn slots(&self) -> &Slots {
                &self.0
            }

            fn slots_mut(&mut self) -> &mut Slots {
                &mut self.0
            }

            $($($item)*)?
        }
    };
}

mod actions;
mod common;
mod features;
mod limits;
mod random;
mod recovery;
mod storing;
mod sync;
mod views;
mod wire;
