//! Values only: no `World`, no clock, no log. Everything here can be tested with plain asserts.

pub mod container;
pub mod id;
pub mod items;
pub mod rights;
pub mod saved;
pub mod slots;
pub mod stack;
pub mod tx;
pub mod unit;
