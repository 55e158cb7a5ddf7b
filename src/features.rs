//! Optional features: each is registered by its own extension trait.

#[cfg(feature = "server")]
pub mod crafter;
pub mod equipment;
#[cfg(feature = "server")]
pub mod pages;
pub mod progress;
pub mod public_view;
pub mod tabs;
