//! A copy of all inventories, updated after each tick without accessing the game's world.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use bevy::prelude::Entity;
use bevy_replicon::shared::client_id::ClientId;
use bytes::Bytes;
use smallvec::SmallVec;

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
    inventory::{ContainerCopy, InventoryCopy, StackCopy},
    labels::Label,
};

/// The contents of all inventories at the end of a tick.
#[derive(Clone, Debug)]
pub(super) struct WorldCopy {
    /// The last applied tick.
    pub(super) tick: u64,
    pub(super) catalog: ItemCatalog,
    inventories: HashMap<Entity, Arc<InventoryCopy>>,
    /// Usually one each. If several have the same id, only the first is shown.
    by_id: BTreeMap<InventoryId, SmallVec<[Entity; 1]>>,
    /// The values of public views.
    pub(super) views: BTreeMap<InventoryId, BTreeMap<&'static str, Bytes>>,
    /// The labels of all entities, including those without containers.
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
        self.get(*self.by_id.get(&id)?.first()?)
    }

    /// Returns `true` if no other inventory with the same id is shown instead.
    fn is_shown(&self, entity: Entity, id: InventoryId) -> bool {
        self.by_id.get(&id).is_some_and(|holders| holders.first() == Some(&entity))
    }

    /// Returns all inventories in ascending order of ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<InventoryCopy>> {
        self.by_id.values().filter_map(|holders| self.inventories.get(holders.first()?))
    }

    /// Applies the changes of a tick and returns them for readers.
    pub(super) fn apply(
        &mut self,
        tick: u64,
        time: u64,
        record: Option<&TickRecord>,
        labels: Vec<(Entity, Label)>,
    ) -> Entry {
        self.tick = tick;
        let mut entry = Entry { tick, time, ..Entry::default() };
        let mut full = BTreeSet::new();
        if let Some(record) = record {
            for change in &record.structures {
                full.extend(self.restructure(change, &mut entry));
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
                let Some(inventory_copy) = self.inventories.get_mut(&change.entity) else {
                    continue;
                };
                let (entity, inventory, selected) = (change.entity, inventory_copy.id, change.new);
                Arc::make_mut(inventory_copy).selected = selected;
                if self.is_shown(entity, inventory) {
                    entry.selected.push(SelectedEntry { entity, inventory, selected });
                }
            }
            self.apply_views(&record.public, &mut entry);
        }
        let full = full.iter().filter_map(|entity| self.get(*entity));
        entry.full = full.filter(|copy| self.is_shown(copy.entity, copy.id)).cloned().collect();
        entry.measure();
        entry
    }

    /// Applies a change of containers or of the id. Returns the entity that is shown instead, if another one has the
    /// previous id.
    fn restructure(&mut self, change: &StructureChange, entry: &mut Entry) -> Option<Entity> {
        let before = self.inventories.remove(&change.entity);
        let mut shown_instead = None;
        if let Some(before) = &before
            && (before.id != change.inventory || change.containers.is_empty())
        {
            if self.is_shown(change.entity, before.id) {
                entry.removed.push((change.entity, before.id));
            }
            if let Some(holders) = self.by_id.get_mut(&before.id) {
                holders.retain(|holder| *holder != change.entity);
                shown_instead = holders.first().copied();
                if holders.is_empty() {
                    self.by_id.remove(&before.id);
                }
            }
        }
        if change.containers.is_empty() {
            return shown_instead;
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
        let holders = self.by_id.entry(copy.id).or_default();
        if !holders.contains(&copy.entity) {
            holders.push(copy.entity);
        }
        self.inventories.insert(copy.entity, Arc::new(copy));
        shown_instead
    }

    fn label(&mut self, entity: Entity, label: Label) {
        let labels = self.labels.entry(entity).or_default();
        match label {
            Label::Name(name) => labels.name = name,
            Label::Owner(owner) => labels.owner = owner,
        }
        if let Some(labeled) = self.inventories.get_mut(&entity) {
            let labeled = Arc::make_mut(labeled);
            (labeled.name, labeled.owner) = (labels.name.clone(), labels.owner);
        }
        if labels.name.is_none() && labels.owner.is_none() {
            self.labels.remove(&entity);
        }
    }

    fn apply_slots(&mut self, record: &TickRecord, entry: &mut Entry) {
        let values: HashMap<DataId, Arc<DataValue>> =
            record.data.iter().map(|(id, value)| (*id, Arc::new(value.clone()))).collect();
        let copy = |stack: Stack| StackCopy {
            item: stack.item,
            count: stack.count(),
            wear: stack.wear,
            data: stack.data.and_then(|id| values.get(&id).cloned()),
        };
        for change in &record.slots {
            let Commit { entity, slot, old, new, cause, .. } = *change;
            let (old, new) = (old.map(copy), new.map(copy));
            let id = self.inventories.get(&entity).map(|inventory| inventory.id);
            let is_shown = id.is_some_and(|id| self.is_shown(entity, id));
            let inventory = id.unwrap_or(change.inventory);
            let inventory_copy = self.inventories.get_mut(&entity).map(Arc::make_mut);
            let place = inventory_copy
                .and_then(|copy| copy.containers.iter_mut().find(|it| it.key == slot.container))
                .and_then(|container| container.slots.get_mut(usize::from(slot.index)));
            let is_shown = is_shown && place.is_some();
            if let Some(place) = place {
                place.clone_from(&new);
            }
            let actor = record.actor(cause);
            entry.slots.push(SlotEntry {
                entity,
                inventory,
                is_shown,
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
