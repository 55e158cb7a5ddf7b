//! From marked inventories to bytes.

pub(crate) mod batch;
pub(crate) mod chunks;
pub(crate) mod copies;
pub mod encode;
pub mod flush;
pub(crate) mod job;
pub(crate) mod openings;
pub(crate) mod send;
pub(crate) mod transfers;
