//! A copy of all inventories, which follows the ticks of the game without touching its world.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use bevy::prelude::Entity;
use bevy_replicon::shared::client_id::ClientId;
use bytes::Bytes;

use crate::{
    changes::{
        TickRecord,
        record::{DataValue, PublicChange, StructureChange},
    },
    model::{
        catalog::ItemCatalog,
        id::{DataId, InventoryId},
        stack::Stack,
    },
    shared::events::Commit,
};

use super::{
    entry::{Entry, SelectedEntry, SlotEntry},
    feed::Label,
    inventory::{ContainerCopy, InventoryCopy, StackCopy},
};

/// The contents of all inventories at the end of a tick.
#[derive(Clone, Debug)]
pub(super) struct WorldCopy {
    /// The last tick that was applied.
    pub(super) tick: u64,
    pub(super) catalog: ItemCatalog,
    inventories: HashMap<Entity, Arc<InventoryCopy>>,
    by_id: BTreeMap<InventoryId, Entity>,
    /// The values of public views.
    pub(super) views: BTreeMap<InventoryId, BTreeMap<&'static str, Bytes>>,
    /// The labels of all entities, some of which may have no containers.
    labels: HashMap<Entity, EntityLabels>,
}

#[derive(Clone, Default, Debug)]
struct EntityLabels {
    name: Option<Arc<str>>,
    owner: Option<ClientId>,
}

impl WorldCopy {
    pub(super) fn new(catalog: ItemCatalog) -> Self {
        Self {
            tick: 0,
            catalog,
            inventories: HashMap::new(),
            by_id: BTreeMap::new(),
            views: BTreeMap::new(),
            labels: HashMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.inventories.len()
    }

    pub(super) fn get(&self, entity: Entity) -> Option<&Arc<InventoryCopy>> {
        self.inventories.get(&entity)
    }

    pub(super) fn by_id(&self, id: InventoryId) -> Option<&Arc<InventoryCopy>> {
        self.get(*self.by_id.get(&id)?)
    }

    /// Returns all inventories in ascending order of ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<InventoryCopy>> {
        self.by_id.values().filter_map(|entity| self.inventories.get(entity))
    }

    /// Applies the changes of a tick, and returns them for readers.
    pub(super) fn apply(
        &mut self,
        (tick, time): (u64, u64),
        record: Option<&TickRecord>,
        labels: Vec<(Entity, Label)>,
    ) -> Entry {
        self.tick = tick;
        let mut entry = Entry { first: tick, tick, time, ..Entry::default() };
        let mut full = BTreeSet::new();
        if let Some(record) = record {
            self.catalog.clone_from(&record.catalog);
            for change in &record.structures {
                self.restructure(change, &mut entry);
                full.insert(change.entity);
            }
        }
        for (entity, label) in labels {
            self.label(entity, label);
            full.insert(entity);
        }
        if let Some(record) = record {
            self.apply_slots(record, &mut entry);
            for change in &record.selected {
                if let Some(there) = self.inventories.get_mut(&change.entity) {
                    let (entity, inventory, selected) = (change.entity, there.id, change.new);
                    Arc::make_mut(there).selected = selected;
                    entry.selected.push(SelectedEntry { entity, inventory, selected });
                }
            }
            self.apply_views(&record.public, &mut entry);
        }
        entry.full = full.iter().filter_map(|entity| self.get(*entity).cloned()).collect();
        entry.measure();
        entry
    }

    fn restructure(&mut self, change: &StructureChange, entry: &mut Entry) {
        let before = self.inventories.remove(&change.entity);
        if let Some(before) = &before
            && (before.id != change.inventory || change.containers.is_empty())
            && self.by_id.get(&before.id) == Some(&change.entity)
        {
            self.by_id.remove(&before.id);
            entry.removed.push((change.entity, before.id));
        }
        if change.containers.is_empty() {
            return;
        }
        let mut slots_before: BTreeMap<_, _> = before
            .map(Arc::unwrap_or_clone)
            .into_iter()
            .flat_map(|before| before.containers)
            .map(|container| (container.key, container.slots))
            .collect();
        let containers = change.containers.iter().map(|(key, len)| {
            let mut slots = slots_before.remove(key).unwrap_or_default();
            slots.resize(*len, None);
            ContainerCopy { key: *key, slots }
        });
        let EntityLabels { name, owner } =
            self.labels.get(&change.entity).cloned().unwrap_or_default();
        let copy = InventoryCopy {
            entity: change.entity,
            id: change.inventory,
            name,
            owner,
            selected: change.selected,
            containers: containers.collect(),
        };
        self.by_id.insert(copy.id, copy.entity);
        self.inventories.insert(copy.entity, Arc::new(copy));
    }

    fn label(&mut self, entity: Entity, label: Label) {
        let labels = self.labels.entry(entity).or_default();
        match label {
            Label::Name(name) => labels.name = name,
            Label::Owner(owner) => labels.owner = owner,
        }
        if let Some(there) = self.inventories.get_mut(&entity) {
            let there = Arc::make_mut(there);
            (there.name, there.owner) = (labels.name.clone(), labels.owner);
        }
        if labels.name.is_none() && labels.owner.is_none() {
            self.labels.remove(&entity);
        }
    }

    fn apply_slots(&mut self, record: &TickRecord, entry: &mut Entry) {
        let mut values: HashMap<DataId, Arc<DataValue>> = HashMap::new();
        let mut copy = |stack: Stack| StackCopy {
            item: stack.item,
            count: stack.count(),
            wear: stack.wear,
            data: stack.data.and_then(|id| {
                let value = || record.data_value(id).cloned().map(Arc::new);
                let entry = values.entry(id);
                match entry {
                    std::collections::hash_map::Entry::Occupied(there) => Some(there.get().clone()),
                    std::collections::hash_map::Entry::Vacant(free) => {
                        value().map(|value| free.insert(value).clone())
                    }
                }
            }),
        };
        for change in &record.slots {
            let Commit { entity, slot, old, new, cause, .. } = *change;
            let (old, new) = (old.map(&mut copy), new.map(&mut copy));
            let there = self.inventories.get_mut(&entity).map(Arc::make_mut);
            let inventory = there.as_ref().map_or(change.inventory, |there| there.id);
            let place = there
                .and_then(|there| there.containers.iter_mut().find(|it| it.key == slot.container))
                .and_then(|container| container.slots.get_mut(usize::from(slot.index)));
            let exists = place.is_some();
            if let Some(place) = place {
                place.clone_from(&new);
            }
            let actor = record.actor(cause);
            entry.slots.push(SlotEntry {
                entity,
                inventory,
                exists,
                container: slot.container,
                slot: slot.index,
                old,
                new,
                cause,
                actor,
            });
        }
    }

    fn apply_views(&mut self, changes: &[PublicChange], entry: &mut Entry) {
        for change in changes {
            let (inventory, view) = (change.inventory, change.view);
            match &change.new {
                Some(value) => {
                    self.views.entry(inventory).or_default().insert(view, value.clone());
                }
                None => {
                    if let Some(views) = self.views.get_mut(&inventory) {
                        views.remove(view);
                        if views.is_empty() {
                            self.views.remove(&inventory);
                        }
                    }
                }
            }
            entry.views.push((inventory, view, change.new.clone()));
        }
    }
}
