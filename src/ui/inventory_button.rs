//! Buttons that act on a whole inventory.

use bevy::prelude::*;

use crate::model::{
    action::InventoryAction,
    builtin::Inventory,
    container::{Container, ContainerRef},
    id::ContainerKey,
};

use super::{
    button::{ButtonPressed, TextButton},
    request::request,
    source::{Source, Sources},
    texts::InventoryUiTexts,
};

/// A button that sorts, empties or fills an inventory.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[component(immutable)]
#[require(Node)]
pub enum InventoryButton {
    /// Sorts a container.
    Sort(Source, ContainerKey),
    /// Moves everything from the opened inventory to the player.
    TakeAll,
    /// Moves everything from a container of the player to the opened inventory.
    PutAll(ContainerKey),
}

impl InventoryButton {
    /// Creates a button that sorts the local player's [`Inventory`].
    #[must_use]
    pub const fn sort() -> Self {
        Self::Sort(Source::Local, ContainerKey::of(Inventory::NAME))
    }

    /// Creates a button that sorts the [`Inventory`] that the player has opened.
    #[must_use]
    pub const fn sort_opened() -> Self {
        Self::Sort(Source::Opened, ContainerKey::of(Inventory::NAME))
    }

    /// Creates a button that moves everything in the local player's [`Inventory`] to the opened one.
    #[must_use]
    pub const fn put_all() -> Self {
        Self::PutAll(ContainerKey::of(Inventory::NAME))
    }
}

pub(super) fn observe_spawns(app: &mut App) {
    app.add_observer(spawn);
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(press);
}

fn spawn(
    event: On<Insert, InventoryButton>,
    buttons: Query<&InventoryButton>,
    texts: Res<InventoryUiTexts>,
    mut commands: Commands,
) {
    let Ok(button) = buttons.get(event.entity) else { return };
    let label = match button {
        InventoryButton::Sort(..) => &texts.sort,
        InventoryButton::TakeAll => &texts.take_all,
        InventoryButton::PutAll(_) => &texts.put_all,
    };
    commands.entity(event.entity).insert(TextButton(label.clone()));
}

fn press(
    event: On<ButtonPressed>,
    buttons: Query<&InventoryButton>,
    sources: Sources,
    mut commands: Commands,
) {
    let Ok(button) = buttons.get(event.entity) else { return };
    let action = match *button {
        InventoryButton::Sort(of, container) => sources
            .find(of, Some(container))
            .map(|entity| InventoryAction::Sort { entity, container }),
        InventoryButton::TakeAll => {
            let ends = sources.find(Source::Opened, None).zip(sources.reader.own());
            ends.map(|(from, to)| InventoryAction::MoveAll { from: from.into(), to: to.into() })
        }
        InventoryButton::PutAll(container) => {
            let ends = sources.find(Source::Opened, None).zip(sources.reader.own());
            ends.map(|(to, entity)| {
                let from = ContainerRef { entity, container: Some(container) };
                InventoryAction::MoveAll { from, to: to.into() }
            })
        }
    };
    if let Some(action) = action {
        request(&mut commands, action);
    }
}
