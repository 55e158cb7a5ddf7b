//! Plain values: no `World`, no clock, no logging. Everything here can be tested with plain
//! asserts.

pub mod id;
pub(crate) mod names;
pub mod data;
pub mod stack;
pub mod slots;
pub mod container;
pub mod unit;
pub mod rights;
pub mod recipe;
pub mod items;
pub mod error;
pub mod reason;
pub mod tx;
pub mod action;
pub mod saved;
