//! Images of items.

use bevy::{ecs::system::SystemParam, platform::collections::HashMap, prelude::*};

use crate::model::{id::ItemId, item::ItemDef};

/// Icons that have been loaded, or that the game has set.
#[derive(Resource, Default, Debug)]
pub struct LoadedIcons(HashMap<ItemId, Handle<Image>>);

impl LoadedIcons {
    /// Sets the icon of an item, instead of the one at the path in the catalog.
    pub fn set(&mut self, item: ItemId, image: Handle<Image>) {
        self.0.insert(item, image);
    }
}

/// Loads the icons of items from the paths in the catalog, each when it is first shown.
#[derive(SystemParam)]
pub struct ItemIcons<'w> {
    loaded: ResMut<'w, LoadedIcons>,
    assets: Option<Res<'w, AssetServer>>,
}

impl ItemIcons<'_> {
    /// Returns the icon of an item. `None` if the catalog has no path for it.
    pub fn get(&mut self, item: &ItemDef) -> Option<Handle<Image>> {
        if let Some(image) = self.loaded.0.get(&item.id()) {
            return Some(image.clone());
        }
        let assets = self.assets.as_ref().filter(|_| !item.icon.is_empty())?;
        let image = assets.load(item.icon.clone());
        self.loaded.0.insert(item.id(), image.clone());
        Some(image)
    }

    /// Returns the icon of an item, or else the letters that are shown instead.
    pub(super) fn picture(&mut self, item: Option<&ItemDef>) -> (Option<Handle<Image>>, String) {
        let image = item.and_then(|item| self.get(item));
        let unnamed = item.filter(|_| image.is_none());
        let letters = unnamed.map_or(String::new(), |item| item.name.chars().take(4).collect());
        (image, letters)
    }
}
