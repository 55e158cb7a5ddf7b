//! What clients ask for, and whether they may.

pub(crate) mod act;
pub(crate) mod open;
pub mod rules;
pub mod sessions;
pub(crate) mod validate;
