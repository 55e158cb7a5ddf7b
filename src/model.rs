//! Plain values: no `World`, no clock, no logging. Everything here can be tested with plain
//! asserts.

pub mod limits;
pub(crate) mod codec;
pub mod id;
pub(crate) mod names;
pub mod data;
pub mod stack;
pub mod slots;
pub mod container;
pub mod builtin;
pub mod state;
pub mod rights;
#[doc(hidden)]
pub mod planted;
pub mod recipe;
pub mod item;
pub mod catalog;
pub mod error;
pub mod rejection;
pub mod measure;
pub mod transaction;
pub mod action;
pub mod saved;
