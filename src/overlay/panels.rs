//! The contents of each tab.

pub(super) mod inventories;
pub(super) mod grid;
pub(super) mod loot;
pub(super) mod pipeline;
pub(super) mod traffic;
pub(super) mod clients;
pub(super) mod action_log;
pub(super) mod link;
pub(super) mod settings;
