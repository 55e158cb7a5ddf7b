//! What the benches share: the same operations for everybody, and what else one could do.
#![allow(dead_code, reason = "each bench uses a part of it")]
#![allow(clippy::disallowed_methods, reason = "what is timed here is the real thing")]

pub mod fleet;
pub mod mode;
pub mod ops;
pub mod peers;
#[cfg(feature = "renet")]
pub mod recovery;
#[cfg(feature = "renet")]
pub mod udp;
