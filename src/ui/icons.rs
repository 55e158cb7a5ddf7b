//! Images of items.

use bevy::{
    asset::AssetLoadFailedEvent, ecs::system::SystemParam, platform::collections::HashMap,
    prelude::*,
};

use crate::model::{id::ItemId, item::ItemDef};

use super::cell::{DirtyCells, SlotLook};

/// Icons that have been loaded, or that the game has set. `None` for an icon that cannot be loaded.
#[derive(Resource, Default, Debug)]
pub struct LoadedIcons(HashMap<ItemId, Option<Handle<Image>>>);

impl LoadedIcons {
    /// Sets the icon of an item, instead of the one at the path in the catalog.
    pub fn set(&mut self, item: ItemId, image: Handle<Image>) {
        self.0.insert(item, Some(image));
    }
}

/// Loads the icons of items from the paths in the catalog, each when it is first shown.
#[derive(SystemParam)]
pub struct ItemIcons<'w> {
    loaded: ResMut<'w, LoadedIcons>,
    assets: Option<Res<'w, AssetServer>>,
}

impl ItemIcons<'_> {
    /// Returns the icon of an item. `None` if the catalog has no path for it, or if it cannot be loaded.
    pub fn get(&mut self, item: &ItemDef) -> Option<Handle<Image>> {
        if let Some(image) = self.loaded.0.get(&item.id()) {
            return image.clone();
        }
        let assets = self.assets.as_ref().filter(|_| !item.icon.is_empty())?;
        let image = assets.load(item.icon.clone());
        self.loaded.0.insert(item.id(), Some(image.clone()));
        Some(image)
    }

    /// Returns the icon of an item, or the letters that are shown instead.
    pub(super) fn picture(&mut self, item: Option<&ItemDef>) -> (Option<Handle<Image>>, String) {
        let image = item.and_then(|item| self.get(item));
        let unnamed = item.filter(|_| image.is_none());
        let letters = unnamed.map_or(String::new(), |item| item.name.chars().take(4).collect());
        (image, letters)
    }
}

/// Draws letters instead of the icons that cannot be loaded.
pub(super) fn follow_failures(
    mut failures: MessageReader<AssetLoadFailedEvent<Image>>,
    mut loaded: ResMut<LoadedIcons>,
    mut cells: Query<(Entity, &mut SlotLook)>,
    mut dirty: ResMut<DirtyCells>,
) {
    for failure in failures.read() {
        for (item, image) in &mut loaded.0 {
            if image.as_ref().is_none_or(|image| image.id() != failure.id) {
                continue;
            }
            *image = None;
            let has_item = |look: &SlotLook| look.stack.is_some_and(|stack| stack.item == *item);
            for (cell, mut look) in cells.iter_mut().filter(|(_, look)| has_item(look)) {
                look.painted = false;
                dirty.0.insert(cell);
            }
        }
    }
}
