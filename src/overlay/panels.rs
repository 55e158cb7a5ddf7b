//! The contents of each tab.

pub(super) mod inventories;
pub(super) mod grid;
pub(super) mod walk;
pub(super) mod traffic;
pub(super) mod clients;
pub(super) mod journal;
pub(super) mod levers;
