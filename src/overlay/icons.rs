//! Icons of items as textures of egui, each loaded when it is first shown.

use bevy::{platform::collections::HashMap, prelude::*};
use bevy_egui::{EguiTextureHandle, EguiUserTextures, egui::TextureId};

use crate::model::{catalog::ItemCatalog, item::ItemDef};

use super::cards::Cards;

#[derive(Debug)]
enum Icon {
    Loading(Handle<Image>),
    Loaded(TextureId),
}

/// Icons by their paths.
#[derive(Resource, Default, Debug)]
pub(super) struct Icons(HashMap<String, Icon>);

impl Icons {
    /// Returns the icon of an item, if it has one that is loaded.
    pub(super) fn get(&self, item: &ItemDef) -> Option<TextureId> {
        match self.0.get(&item.icon)? {
            Icon::Loaded(texture) => Some(*texture),
            Icon::Loading(_) => None,
        }
    }
}

/// Loads the icons of all items on the cards that have not been loaded before.
pub(super) fn load_icons(
    cards: Res<Cards>,
    catalog: Res<ItemCatalog>,
    assets: Res<AssetServer>,
    mut textures: ResMut<EguiUserTextures>,
    mut icons: ResMut<Icons>,
) {
    for stack in cards.cards.iter().flat_map(|card| card.state.iter().flatten()) {
        let Some(item) = catalog.get(stack.item).filter(|item| !item.icon.is_empty()) else {
            continue;
        };
        match icons.0.get_mut(&item.icon) {
            None => {
                let image = assets.load(item.icon.clone());
                icons.0.insert(item.icon.clone(), Icon::Loading(image));
            }
            Some(icon) => {
                if let Icon::Loading(image) = icon
                    && assets.is_loaded(image.id())
                {
                    let texture = EguiTextureHandle::Strong(image.clone());
                    *icon = Icon::Loaded(textures.add_image(texture));
                }
            }
        }
    }
}
