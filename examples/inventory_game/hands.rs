//! Inventory requests of the local player, shared by human input and bots. Whatever is done with slots on screen is
//! requested by the widgets.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_inventory_sync::prelude::*;

use crate::{
    protocol::{
        BankId, CHEST_REACH, Chest, ChestKind, Furnace, GroundItem, ITEM_REACH, Offer, Position,
        Shrine,
    },
    view::{Shown, nearest},
};

/// What stands in the world and can be opened.
pub type Stationary = Or<(With<Chest>, With<Furnace>, With<Shrine>)>;

/// The position of a player who walks ahead of the server is the one that is drawn.
type Me = (Entity, &'static Position, Option<&'static Shown>, &'static Hotbar);

/// What the local player has opened.
type Opened = (With<InView>, Without<LocalInventory>, Without<GroundItem>, Without<Offer>);

/// Makes requests for the local player.
#[derive(SystemParam)]
pub struct Hands<'w, 's> {
    pub actions: InventoryActions<'w, 's>,
    me: Query<'w, 's, Me, With<LocalInventory>>,
    bank: Query<'w, 's, &'static BankId, With<LocalInventory>>,
    stationary: Query<'w, 's, (Entity, &'static Position, Option<&'static Chest>), Stationary>,
    opened: Query<'w, 's, Entity, Opened>,
    items: Query<'w, 's, (Entity, &'static Position), (With<GroundItem>, With<InView>)>,
}

impl Hands<'_, '_> {
    /// Selects a slot of the hotbar.
    pub fn select(&mut self, index: usize) {
        if let Ok((me, ..)) = self.me.single() {
            self.actions.request(InventoryAction::Select { slot: (me, Hotbar::slot(index)) });
        }
    }

    pub fn move_slot(&mut self, from: SlotRef, to: SlotRef) {
        self.actions.request(InventoryAction::Move { from, to, count: None });
    }

    /// Uses the held item. The server decides on the effect.
    pub fn use_held(&mut self) {
        if let Some(slot) = self.held() {
            self.actions.request(InventoryAction::Use { slot });
        }
    }

    /// Drops one item of the held stack.
    pub fn drop_held(&mut self) {
        if let Some(from) = self.held() {
            self.actions.request(InventoryAction::Drop { from, count: Some(1) });
        }
    }

    fn held(&self) -> Option<SlotRef> {
        let (me, .., hotbar) = self.me.single().ok()?;
        Some((me, Hotbar::slot(hotbar.selected_index())))
    }

    fn here(&self) -> Option<(Entity, Position)> {
        let (me, position, shown, _) = self.me.single().ok()?;
        Some((me, shown.map_or(*position, |shown| Position(shown.0))))
    }

    /// Picks up the nearest stack within reach.
    pub fn pick_up(&mut self) {
        let Some((me, here)) = self.here() else { return };
        let far = |there: &Position| there.0.distance(here.0);
        let items = self.items.iter().map(|(item, there)| (far(there), item));
        if let Some(item) = nearest(items, ITEM_REACH) {
            self.actions.request(InventoryAction::pick_up(item, me));
        }
    }

    /// Opens the nearest chest or the like within reach, and closes all others. Returns `false` if there is none.
    pub fn open_nearest(&mut self) -> bool {
        let Some((_, here)) = self.here() else { return false };
        let far = |there: &Position| here.distance_to_chest(*there);
        let things = self.stationary.iter().map(|(thing, there, _)| (far(there), thing));
        let Some(thing) = nearest(things, CHEST_REACH) else { return false };
        self.close_opened();
        let chest = self.stationary.get(thing).ok().and_then(|(.., chest)| chest);
        match self.bank.single() {
            Ok(bank) if chest.is_some_and(|chest| chest.kind == ChestKind::Bank) => {
                self.actions.open_by_id(bank.0)
            }
            _ => self.actions.open(thing),
        };
        true
    }

    pub fn has_opened(&self) -> bool {
        !self.opened.is_empty()
    }

    pub fn close_opened(&mut self) {
        for opened in &self.opened {
            self.actions.close(opened);
        }
    }
}
