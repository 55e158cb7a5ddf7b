//! What the benches share: the same operations for everybody, and what else one could do.
#![allow(dead_code, reason = "each bench uses a part of it")]

pub mod fleet;
pub mod ops;
pub mod peers;
pub mod udp;
