//! Shared code of the benches: workloads, this crate and alternatives to it, and simulated networks.
#![allow(dead_code, reason = "each bench uses a part of it")]
#![allow(clippy::disallowed_methods, reason = "measures real time")]

pub mod fleet;
pub mod mode;
pub mod ops;
pub mod peers;
#[cfg(feature = "renet")]
pub mod recovery;
#[cfg(feature = "renet")]
pub mod udp;
