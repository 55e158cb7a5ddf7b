//! The system parameters with which a game reads and writes inventories.

pub mod actions;
#[cfg(feature = "server")]
pub mod inventories;
pub(crate) mod query;
pub mod reader;
