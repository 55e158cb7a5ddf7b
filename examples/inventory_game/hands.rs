//! Inventory requests of the local player, shared by human input, bots and the demo.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_inventory_sync::prelude::*;

use crate::protocol::{CHEST_REACH, Chest, GroundItem, ITEM_REACH, Position};

/// Returns the nearest entity within reach.
fn nearest(things: impl Iterator<Item = (Entity, f32)>, reach: f32) -> Option<Entity> {
    let in_reach = things.filter(|(_, far)| *far < reach);
    in_reach.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(thing, _)| thing)
}

/// Makes requests for the local player.
#[derive(SystemParam)]
pub struct Hands<'w, 's> {
    pub actions: InventoryActions<'w, 's>,
    me: Query<'w, 's, (Entity, &'static Position, &'static Hotbar), With<LocalInventory>>,
    chests: Query<'w, 's, (Entity, &'static Position, Has<InView>), With<Chest>>,
    items: Query<'w, 's, (Entity, &'static Position), (With<GroundItem>, With<InView>)>,
}

impl Hands<'_, '_> {
    pub fn me(&self) -> Option<Entity> {
        self.me.single().ok().map(|(me, ..)| me)
    }

    /// Selects a slot of the hotbar.
    pub fn select(&mut self, index: usize) {
        if let Some(me) = self.me() {
            self.actions.request(InventoryAction::Select { slot: (me, Hotbar::slot(index)) });
        }
    }

    pub fn move_slot(&mut self, from: SlotRef, to: SlotRef, count: Option<u32>) {
        self.actions.request(InventoryAction::Move { from, to, count });
    }

    /// Swaps a slot with a slot of the hotbar.
    pub fn swap_with_hotbar(&mut self, a: SlotRef, index: usize) {
        if let Some(me) = self.me() {
            self.actions.request(InventoryAction::Swap { a, b: (me, Hotbar::slot(index)) });
        }
    }

    /// Uses the held item. The server decides on the effect.
    pub fn use_held(&mut self) {
        let Ok((me, _, hotbar)) = self.me.single() else { return };
        let slot = (me, Hotbar::slot(hotbar.selected_index()));
        self.actions.request(InventoryAction::Use { slot });
    }

    /// Drops `count` items of a stack, or the whole stack.
    pub fn drop(&mut self, from: SlotRef, count: Option<u32>) {
        self.actions.request(InventoryAction::Drop { from, count });
    }

    pub fn drop_held(&mut self, count: Option<u32>) {
        let Ok((me, _, hotbar)) = self.me.single() else { return };
        self.drop((me, Hotbar::slot(hotbar.selected_index())), count);
    }

    /// Moves a stack to its most likely destination: into or out of the open chest, otherwise between
    /// hotbar and backpack.
    pub fn quick_move(&mut self, from: SlotRef) {
        let Some(me) = self.me() else { return };
        let chest = self.chests.iter().find(|(_, _, open)| *open).map(|(chest, ..)| chest);
        let to = match chest {
            _ if from.0 != me => me.into(),
            Some(chest) => chest.into(),
            None if from.1.index_in::<Hotbar>().is_some() => ContainerRef::of::<Inventory>(me),
            None => ContainerRef::of::<Hotbar>(me),
        };
        self.actions.request(InventoryAction::QuickMove { from, to });
    }

    /// Collects matching items from all open inventories onto a stack.
    pub fn collect(&mut self, onto: SlotRef) {
        let open = self.chests.iter().filter(|(_, _, open)| *open).map(|(chest, ..)| chest);
        let from = self.me().into_iter().chain(open).map(ContainerRef::all).collect();
        self.actions.request(InventoryAction::Collect { onto, from });
    }

    /// Picks up the nearest stack within reach.
    pub fn pick_up(&mut self) {
        let Ok((me, here, _)) = self.me.single() else { return };
        let far = |there: &Position| there.0.distance(here.0);
        let items = self.items.iter().map(|(item, there)| (item, far(there)));
        if let Some(item) = nearest(items, ITEM_REACH) {
            self.actions.request(InventoryAction::pick_up(item, me));
        }
    }

    /// Opens the nearest chest within reach, and closes all others.
    pub fn open_chest(&mut self) {
        let Ok((_, here, _)) = self.me.single() else { return };
        let far = |chest: &Position| here.distance_to_chest(*chest);
        let chests = self.chests.iter().map(|(chest, there, _)| (chest, far(there)));
        if let Some(chest) = nearest(chests, CHEST_REACH) {
            self.close_chests();
            self.actions.open(chest);
        }
    }

    pub fn close_chests(&mut self) {
        for (chest, ..) in self.chests.iter().filter(|(_, _, open)| *open) {
            self.actions.close(chest);
        }
    }
}
