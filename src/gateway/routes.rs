//! The endpoints.

pub(super) mod audit;
pub(super) mod commands;
pub(super) mod events;
pub(super) mod health;
pub(super) mod init;
pub(super) mod items;
pub(super) mod page;
pub(super) mod servers;
pub(super) mod world;
