//! Adds the changes of ticks to those that wait to be committed.

use std::collections::BTreeMap;

use bevy::{platform::collections::HashMap, prelude::Entity};

use crate::{
    changes::record::{SelectedChange, TickRecord},
    model::{
        id::{ContainerKey, InventoryId},
        saved::{SavedData, SavedStack},
        stack::Stack,
    },
    shared::events::Cause,
    store::{
        batch::Fence,
        changes::{Exit, Leaving, TickChanges},
        history::StoredChange,
    },
};

use super::{
    Worker,
    history::{Causes, Changed},
    messages::Order,
    mirror::{Dirty, Mirror},
};

impl Worker {
    /// Adds the changes of a tick to those that wait to be committed.
    pub(super) fn merge(&mut self, changes: TickChanges) {
        let TickChanges { tick, committed, record, fully_changed, components, .. } = changes;
        self.merged_tick = tick;
        let causes = record.as_deref().map(Causes::of).unwrap_or_default();
        for exchange in &changes.exchanges {
            self.unions.join(exchange);
        }
        for id in changes.created {
            self.mirrors.insert(id, Mirror::new(Fence::NEW, 0, None));
        }
        for (id, state) in fully_changed {
            let changed = self.change(id).map(|mirror| mirror.replace(state));
            self.record(id, &causes, changed.unwrap_or_default());
        }
        if let Some(record) = record {
            self.merge_record(&committed.into_iter().collect(), &record, &causes);
        }
        for (id, name, value) in components {
            if let Some(mirror) = self.change(id) {
                mirror.set_component(name, value);
            }
        }
        for note in changes.notes {
            if let Some(mirror) = self.change(note.inventory) {
                mirror.mark_for_commit();
                self.history.add_note(tick, note);
            }
        }
        changes.leaving.into_iter().for_each(|leaving| self.leave(leaving, &causes));
    }

    /// Adds what a tick has changed in committed inventories.
    fn merge_record(
        &mut self,
        ids: &HashMap<Entity, InventoryId>,
        record: &TickRecord,
        causes: &Causes,
    ) {
        for SelectedChange { entity, new, .. } in &record.selected {
            if let Some(mirror) = ids.get(entity).and_then(|id| self.change(*id)) {
                mirror.set_selected(*new);
            }
        }
        // Only the last change to each slot matters. If a container is removed, the inventory follows as a whole.
        let slots: BTreeMap<(InventoryId, ContainerKey, u16), Option<Stack>> = record
            .slots
            .iter()
            .filter(|change| change.cause != Cause::Removed)
            .filter_map(|change| {
                let id = ids.get(&change.entity)?;
                Some(((*id, change.slot.container, change.slot.index), change.new))
            })
            .collect();
        for ((id, container, slot), stack) in slots {
            let stack = stack.map(|stack| saved(slot, stack, record));
            let changed =
                self.change(id).and_then(|mirror| mirror.set_slot(container, slot, stack));
            self.record(id, causes, changed);
        }
    }

    /// Records changes of an inventory for the history.
    fn record(
        &mut self,
        id: InventoryId,
        causes: &Causes,
        changed: impl IntoIterator<Item = Changed>,
    ) {
        for changed in changed {
            self.history.add_change(self.merged_tick, causes.explain(id, changed));
        }
    }

    /// Returns a claimed inventory to be changed. `None` if it is not claimed, or has been reverted and not loaded again.
    fn change(&mut self, id: InventoryId) -> Option<&mut Mirror> {
        let mirror = self.mirrors.get_mut(&id).filter(|mirror| !mirror.reverted)?;
        self.changed.insert(id);
        Some(mirror)
    }

    /// Records the last changes of an inventory, to be released once they are stored.
    fn leave(&mut self, Leaving { id, last, exit, .. }: Leaving, causes: &Causes) {
        self.leaving.insert(id);
        // What still waits was requested for the entity that has left.
        let (requested, waiting): (Vec<_>, _) = core::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|order| order.requested() == Some(id));
        self.waiting = waiting;
        if requested.iter().any(|order| matches!(order, Order::Claim { .. })) {
            self.waiting.push(Order::Abandon(id));
        }
        if let Some((state, components)) = last
            && let Some(mirror) = self.change(id)
        {
            let changed = mirror.replace(state);
            for (name, value) in components {
                mirror.set_component(name, value);
            }
            self.record(id, causes, changed);
        }
        let dirty = match exit {
            Exit::Release => return,
            Exit::Delete => Dirty::Deleted,
            Exit::Depart(departure) => {
                // All of them leave in one commit, or none.
                self.unions.join(&departure.inventories);
                Dirty::Departing(departure)
            }
        };
        if let Some(mirror) = self.mirrors.get_mut(&id) {
            // After a revert, the mirror has what was undone.
            let deleted = dirty == Dirty::Deleted && !mirror.reverted;
            let removed = if deleted { mirror.removals() } else { Vec::new() };
            mirror.dirty = dirty;
            self.changed.insert(id);
            for removed in removed {
                let change = causes.explain(id, removed);
                let cause = Cause::Deleted.name().into();
                self.history.add_change(self.merged_tick, StoredChange { cause, ..change });
            }
        }
    }
}

/// Returns the stored form of a stack.
fn saved(slot: u16, stack: Stack, record: &TickRecord) -> SavedStack {
    let data = stack.data.and_then(|id| record.data_value(id));
    let data = data.map(|data| SavedData { name: data.name.into(), bytes: data.bytes.to_vec() });
    SavedStack::new(slot, stack, &record.catalog, data)
}
