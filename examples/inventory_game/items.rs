//! The catalogue: what items there are.

use bevy::{prelude::*, reflect::TypePath};
use bevy_inventory_sync::prelude::*;
use serde::Deserialize;

/// What this game knows of an item beyond what the crate needs.
#[derive(Deserialize, TypePath, Default, Debug)]
#[serde(default)]
pub struct Props {
    pub line: String,
    /// How often it can be used before it breaks; zero if it does not.
    pub uses: u16,
}

/// Server and clients insert the same catalogue. It is part of the program here, because servers and bots
/// have no assets; [`load_items`](InventoryAppExt::load_items) reads it from a file instead.
pub fn plugin(app: &mut App) {
    let items = Items::<Props>::from_ron(include_str!("../../assets/items.ron"));
    app.insert_items(items.expect("the catalogue is part of the program"));
}
