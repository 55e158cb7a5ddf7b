//! Parts that a game adds: crafting, equipment, instance data, pages, saving, health.

mod bags;
mod crafting;
mod equipment;
mod health;
mod held_stacks;
mod instance_data;
mod item_audit;
mod link_quality;
mod pages;
#[cfg(feature = "renet")]
mod renet;
mod registration;
mod returns;
mod saving;
mod shutdown;
mod trading;
