//! The item catalog.

use bevy::{prelude::*, reflect::TypePath};
use bevy_inventory_sync::prelude::*;
use serde::Deserialize;

/// Item properties of this game, beyond what the crate needs.
#[derive(Deserialize, TypePath, Default, Debug)]
#[serde(default)]
pub struct Props {
    pub line: String,
    /// Number of uses before the item breaks; zero if it never does.
    pub uses: u16,
}

/// Server and clients insert the same catalog. It is embedded in the program here, because servers and bots
/// have no assets; [`load_items`](InventoryAppExt::load_items) reads it from a file instead.
pub fn plugin(app: &mut App) {
    let items = Items::<Props>::from_ron(include_str!("../../assets/items.ron"));
    app.insert_items(items.expect("the embedded catalog is valid"));
}
