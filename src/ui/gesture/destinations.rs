//! Moves stacks to where players expect them, without naming a slot.

use bevy::prelude::*;

use crate::{
    model::{
        action::InventoryAction,
        container::{ContainerInfo, ContainerRef, Slot, SlotRef},
        limits::ACTION_PLACES_MAX,
    },
    ui::{carry::Carry, request::request},
};

use super::Gestures;

impl Gestures<'_, '_> {
    /// Moves the carried stack to wherever it fits in an area.
    pub(in crate::ui) fn put_away(&mut self, area: ContainerRef) {
        let Some(carry) = self.carried.get().copied() else { return };
        if area.entity == carry.from.0 && area.container == Some(carry.from.1.container) {
            return self.carry(None);
        }
        let action = if carry.rest().is_none() {
            Some(InventoryAction::QuickMove { from: carry.from, to: area })
        } else {
            self.move_into(&carry, area)
        };
        if let Some(action) = action {
            request(&mut self.commands, action);
        }
        self.carry(None);
    }

    /// Returns the action that moves a part of a stack into an area: onto a matching stack with room, otherwise to an
    /// empty slot. If no slot accepts it, the action is rejected with the reason. `None` if no slot can hold it.
    fn move_into(&self, carry: &Carry, area: ContainerRef) -> Option<InventoryAction> {
        let reader = &self.sources.reader;
        let max = reader.max_stack(carry.source.item);
        let (mut matching, mut empty) = (Vec::new(), Vec::new());
        let of_area = |kind: &&ContainerInfo| area.container.is_none_or(|key| key == kind.key);
        for kind in reader.containers(area.entity).filter(of_area).filter(|kind| kind.holds_items) {
            for index in 0..reader.len(area.entity, kind.key).unwrap_or_default() {
                let Ok(index) = u16::try_from(index) else { break };
                let slot = (area.entity, Slot { container: kind.key, index });
                if slot == carry.from {
                    continue;
                }
                match reader.get(slot) {
                    None => empty.push(slot),
                    Some(stack) if stack.stacks_with(&carry.source) => {
                        if stack.count().saturating_add(carry.count()) <= max {
                            matching.push(slot);
                        }
                    }
                    Some(_) => {}
                }
            }
        }
        let move_to =
            |to| InventoryAction::Move { from: carry.from, to, count: Some(carry.count()) };
        let mut actions =
            matching.into_iter().chain(empty).take(ACTION_PLACES_MAX).map(move_to).peekable();
        let first = actions.peek().cloned();
        actions.find(|action| self.actions.check(action).is_ok()).or(first)
    }

    /// Moves a stack to its most likely destination: into or out of the opened inventory, otherwise to another
    /// container of the player that is on screen.
    pub(in crate::ui) fn quick_move(&mut self, from: SlotRef) {
        if self.stack(from).is_none() {
            return;
        }
        let places = self.destinations(from);
        let action = |to: &ContainerRef| InventoryAction::QuickMove { from, to: *to };
        let fits = places.iter().find(|to| self.actions.check(&action(to)).is_ok());
        if let Some(to) = fits.or(places.first()) {
            let action = action(to);
            request(&mut self.commands, action);
        }
    }

    /// Returns where a stack may be quick-moved to, the best destination first.
    fn destinations(&self, (inventory, slot): SlotRef) -> Vec<ContainerRef> {
        let reader = &self.sources.reader;
        let Some(own) = reader.own() else { return Vec::new() };
        if inventory != own {
            return vec![own.into()];
        }
        let mut opened = self.sources.opened().filter(|opened| *opened != own).peekable();
        if opened.peek().is_some() {
            return opened.map(ContainerRef::all).collect();
        }
        let others = reader.containers(own).filter(|kind| {
            kind.key != slot.container && kind.holds_items && self.cells.show(own, kind.key)
        });
        let mut others: Vec<_> = others.collect();
        // Equipment first: it accepts only what can be worn.
        others.sort_by_key(|kind| kind.auto_fill);
        let area = |key| ContainerRef { entity: own, container: Some(key) };
        others.into_iter().map(|kind| area(kind.key)).collect()
    }
}
