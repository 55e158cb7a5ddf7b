//! How soon, and how much: priorities, intervals, budgets and link quality.

pub(crate) mod budget;
pub(crate) mod clock;
pub mod priority;
pub mod quality;
pub mod settings;
