//! Converts the state of the gateway to response bodies.

use std::sync::Arc;

use bevy::prelude::Entity;
use bevy_replicon::shared::client_id::ClientId;
use bytes::Bytes;
use serde_json::Value;

use crate::{
    changes::record::DataValue,
    model::id::{ContainerKey, InventoryId, ItemId},
};

use super::{
    entry::{Delta, Entry, SlotEntry},
    hub::Known,
    inventory::{InventoryCopy, StackCopy},
    json::{
        ContainerContents, InventoryState, ItemDataValue, SelectedChanged, SlotChanged,
        SlotContents, StackContents, TickEvent, ViewState,
    },
    visibility::Visibility,
};

impl Known {
    fn container_name(&self, key: ContainerKey) -> String {
        self.names.containers.get(&key).map_or_else(|| format!("{key:?}"), |name| (*name).into())
    }

    fn item_key(&self, item: ItemId) -> String {
        self.copy.catalog.get(item).map_or_else(|| item.to_string(), |def| def.key.clone())
    }

    /// Returns instance data as JSON. `null` if its type is not registered, or has no form in JSON.
    pub(super) fn item_data(&self, name: &str, bytes: &[u8]) -> ItemDataValue {
        let json = self.names.data.get(name).and_then(|json| json(bytes));
        ItemDataValue { kind: name.into(), value: json.unwrap_or(Value::Null) }
    }

    fn stack(&self, stack: &StackCopy) -> StackContents {
        let data = stack.data.as_deref();
        let data = data.map(|DataValue { name, bytes }| self.item_data(name, bytes));
        let (item, count, wear) = (self.item_key(stack.item), stack.count, stack.wear);
        StackContents { item, count, wear, data }
    }

    pub(super) fn inventory(
        &self,
        copy: &InventoryCopy,
        visibility: &Visibility,
    ) -> InventoryState {
        let containers = copy.containers.iter().map(|container| {
            let slots = (0..).zip(&container.slots).filter_map(|(slot, stack)| {
                Some(SlotContents { slot, stack: self.stack(stack.as_ref()?) })
            });
            ContainerContents {
                name: self.container_name(container.key),
                size: container.slots.len(),
                slots: slots.collect(),
            }
        });
        let labels = visibility.sees_labels();
        InventoryState {
            id: copy.id.to_string(),
            name: copy.name.as_ref().filter(|_| labels).map(|name| name.as_ref().into()),
            owner: copy.owner.filter(|_| labels).map(owner),
            selected: copy.selected,
            containers: containers.collect(),
        }
    }

    fn view(&self, id: InventoryId, name: &'static str, value: Option<&Bytes>) -> ViewState {
        let json = value.zip(self.names.views.get(name)).and_then(|(value, json)| json(value));
        ViewState {
            inventory: id.to_string(),
            view: name.into(),
            value: json.unwrap_or(Value::Null),
            removed: value.is_none(),
        }
    }

    /// Returns the public views of an inventory.
    pub(super) fn views_of(&self, id: InventoryId) -> Vec<ViewState> {
        let views = self.copy.views.get(&id).into_iter().flatten();
        views.map(|(name, value)| self.view(id, name, Some(value))).collect()
    }

    /// Returns all public views that a caller sees.
    pub(super) fn views(&self, visibility: &Visibility) -> Vec<ViewState> {
        let ids = self.copy.views.keys().filter(|id| visibility.sees_views(**id));
        ids.flat_map(|id| self.views_of(*id)).collect()
    }

    pub(super) fn slot(&self, slot: &SlotEntry) -> SlotChanged {
        SlotChanged {
            inventory: slot.inventory.to_string(),
            container: self.container_name(slot.container),
            slot: slot.slot,
            old: slot.old.as_ref().map(|stack| self.stack(stack)),
            new: slot.new.as_ref().map(|stack| self.stack(stack)),
            cause: slot.cause.name().into(),
            actor: slot.actor.map(|actor| actor.to_string()),
        }
    }

    /// Returns the changes of one or more ticks. Returns `None` if the caller sees none of them.
    pub(super) fn event(&self, delta: &Delta, visibility: &Visibility) -> Option<TickEvent> {
        let (first, tick, time) = delta.ticks.filter(|_| !delta.is_empty())?;
        let views = &delta.views;
        let slots = delta.slots.values().flat_map(|slots| slots.values());
        Some(TickEvent {
            epoch: self.epoch.clone().unwrap_or_default(),
            first,
            tick,
            time,
            replace: delta.replace,
            removed: delta.removed.iter().map(ToString::to_string).collect(),
            inventories: delta.full.values().map(|copy| self.inventory(copy, visibility)).collect(),
            slots: slots.map(|slot| self.visible_slot(slot, visibility)).collect(),
            selected: delta
                .selected
                .iter()
                .map(|(id, selected)| SelectedChanged {
                    inventory: id.to_string(),
                    selected: *selected,
                })
                .collect(),
            views: views
                .iter()
                .map(|((id, name), value)| self.view(*id, name, value.as_ref()))
                .collect(),
        })
    }

    /// Returns a changed slot. Only operators see who caused the change.
    fn visible_slot(&self, slot: &SlotEntry, visibility: &Visibility) -> SlotChanged {
        let changed = self.slot(slot);
        let actor = changed.actor.filter(|_| visibility.sees_labels());
        SlotChanged { actor, ..changed }
    }

    /// Returns the changes of one tick. Returns `None` if the caller sees none of them.
    pub(super) fn event_of(&self, entry: &Entry, visibility: &Visibility) -> Option<TickEvent> {
        let mut delta = Delta::default();
        delta.add(entry, visibility);
        self.event(&delta, visibility)
    }

    /// Returns everything that a caller sees, as the changes of the current tick.
    pub(super) fn everything(&self, visibility: &Visibility) -> Option<TickEvent> {
        let full = self.seen(visibility).into_iter().map(|copy| (copy.id, copy));
        let delta = Delta {
            ticks: Some((self.copy.tick, self.copy.tick, self.time)),
            replace: true,
            full: full.collect(),
            ..Delta::default()
        };
        let event = self.event(&delta, visibility)?;
        Some(TickEvent { views: self.views(visibility), ..event })
    }

    /// Returns the inventories whose contents a caller sees, in ascending order of ids.
    pub(super) fn seen(&self, visibility: &Visibility) -> Vec<Arc<InventoryCopy>> {
        let all = self.copy.iter().filter(|copy| visibility.sees(copy.entity, copy.id));
        all.cloned().collect()
    }

    /// Returns the inventory ids of these entities, in ascending order.
    pub(super) fn ids(&self, entities: &[Entity]) -> Vec<String> {
        let copies = entities.iter().filter_map(|entity| self.copy.get(*entity));
        let mut ids: Vec<_> = copies.map(|copy| copy.id).collect();
        ids.sort_unstable();
        ids.iter().map(ToString::to_string).collect()
    }
}

/// Returns the name of a player's client.
fn owner(client: ClientId) -> String {
    match client {
        ClientId::Server => "local".into(),
        ClientId::Client(entity) => format!("client {entity}"),
    }
}
