//! The texts of the widgets, for translation.

use std::borrow::Cow;

use bevy::prelude::*;

use crate::model::{
    catalog::ItemCatalog, container::ContainerInfo, rejection::Rejection, stack::Stack,
};

/// All texts of the widgets, in English by default. Replace them to translate a game. Item names come from the
/// catalog.
#[derive(Resource, Clone, Debug)]
pub struct InventoryUiTexts {
    /// Label of [`InventoryButton::Sort`](super::inventory_button::InventoryButton::Sort).
    pub sort: String,
    /// Label of [`InventoryButton::TakeAll`](super::inventory_button::InventoryButton::TakeAll).
    pub take_all: String,
    /// Label of [`InventoryButton::PutAll`](super::inventory_button::InventoryButton::PutAll).
    pub put_all: String,
    /// Title of a [`CraftingPanel`](super::crafting::CraftingPanel).
    pub crafting: String,
    /// Shown until the contents of an inventory arrive.
    pub opening: String,
    /// What screen readers say for an empty slot.
    pub empty: String,
    /// What screen readers say for a slot that is waiting for the server.
    pub pending: String,
    /// What screen readers call a grid of this container.
    pub container: fn(&ContainerInfo) -> Cow<'static, str>,
    /// Why a request was rejected.
    pub rejection: fn(Rejection) -> Cow<'static, str>,
    /// Text of a count. Called for counts above one.
    pub count: fn(u32) -> String,
    /// Name and count of a stack, for screen readers and the tooltip.
    pub stack: fn(&ItemCatalog, Stack) -> String,
}

impl Default for InventoryUiTexts {
    fn default() -> Self {
        Self {
            sort: "Sort".into(),
            take_all: "Take all".into(),
            put_all: "Put all".into(),
            crafting: "Craft".into(),
            opening: "Opening…".into(),
            empty: "Empty".into(),
            pending: "waiting".into(),
            container: |container| {
                let mut name = container.name.replace('_', " ");
                if let Some(first) = name.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                name.into()
            },
            rejection: |reason| reason.to_string().into(),
            count: |count| match count {
                0..10_000 => count.to_string(),
                10_000..10_000_000 => format!("{}k", count / 1000),
                _ => format!("{}M", count / 1_000_000),
            },
            stack: |catalog, stack| {
                let name = catalog.get(stack.item).map_or("?", |item| &item.name);
                match stack.count() {
                    1 => name.to_owned(),
                    count => format!("{name} x{count}"),
                }
            },
        }
    }
}
