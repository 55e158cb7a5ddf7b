//! Changes of the server reach the clients that see them, in every mode.

mod catalog_loading;
mod change_tracker;
mod change_detection;
mod changes;
mod chunks;
mod deltas_and_full_updates;
mod faults;
mod handshake;
mod inspecting;
mod lifecycle;
mod modes;
mod priorities;
mod public_views;
pub mod replay;
mod server_authority;
