//! Optional features. Equipment, pages and public views are each registered with their own extension trait.

#[cfg(feature = "server")]
pub mod crafter;
pub mod equipment;
#[cfg(feature = "server")]
pub mod pages;
pub mod progress;
pub mod public_view;
#[cfg(feature = "server")]
pub(crate) mod returns;
pub mod tabs;

use crate::shared::sealed::Sealed;
use bevy::prelude::*;

/// Extends [`App`] with the registration of paged inventories.
pub trait PagesAppExt: Sealed {
    /// Registers [`Tabs`](tabs::Tabs): large inventories divided into pages, of which a player opens one at a
    /// time.
    ///
    /// # Panics
    ///
    /// In the same cases as [`add_container`](crate::app::InventoryAppExt::add_container) and
    /// [`add_item_data`](crate::app::InventoryAppExt::add_item_data).
    fn add_pages(&mut self) -> &mut Self;
}

impl PagesAppExt for App {
    fn add_pages(&mut self) -> &mut Self {
        tabs::register(self);
        #[cfg(feature = "server")]
        pages::register(self);
        self
    }
}
