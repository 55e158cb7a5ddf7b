//! Inventories as plain lists, which share no code with the crate's own model.

use std::collections::BTreeMap;

use bevy::{platform::collections::HashMap, prelude::*};

use crate::model::{
    data::DataPool,
    id::{DataId, ItemId},
    stack::Stack,
    state::InventoryState,
};

use super::game::Label;

/// A stack.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PlainStack {
    /// The item.
    pub item: ItemId,
    /// Number of items.
    pub count: u32,
    /// Wear.
    pub wear: u16,
    /// The value of its instance data.
    pub label: Option<Label>,
}

/// What must be equal for stacks to merge: item, wear and instance data.
pub type PlainKind = (ItemId, u16, Option<Label>);

impl PlainStack {
    /// Returns what the stack merges by.
    #[must_use]
    pub fn kind(&self) -> PlainKind {
        (self.item, self.wear, self.label)
    }

    /// Returns a stack of the same kind, or `None` for zero items.
    #[must_use]
    pub fn with(self, count: u32) -> Option<Self> {
        (count > 0).then_some(Self { count, ..self })
    }
}

/// One slot.
pub type Cell = Option<PlainStack>;

/// One container: the index of its type, and its slots.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PlainContainer {
    /// Index of the container type.
    pub kind: u8,
    /// The slots.
    pub cells: Vec<Cell>,
}

/// All containers of one entity, by type.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct PlainInventory {
    /// The containers, in ascending order of their types.
    pub containers: Vec<PlainContainer>,
    /// The selected slot, if one of the containers has a selection.
    pub selected: Option<u8>,
}

impl PlainInventory {
    /// Returns all stacks.
    pub fn stacks(&self) -> impl Iterator<Item = &PlainStack> {
        self.containers.iter().flat_map(|container| container.cells.iter().flatten())
    }

    /// Returns the slots of a container type.
    #[must_use]
    pub fn cells(&self, kind: u8) -> Option<&Vec<Cell>> {
        self.containers.iter().find(|there| there.kind == kind).map(|there| &there.cells)
    }

    /// Returns a slot, if it exists.
    pub fn cell_mut(&mut self, kind: u8, slot: usize) -> Option<&mut Cell> {
        self.containers.iter_mut().find(|there| there.kind == kind)?.cells.get_mut(slot)
    }
}

/// Numbers of items by kind.
pub type Totals = BTreeMap<PlainKind, i64>;

/// Adds stacks to totals.
pub fn add<'a>(totals: &mut Totals, stacks: impl IntoIterator<Item = &'a PlainStack>) {
    for stack in stacks {
        *totals.entry(stack.kind()).or_default() += i64::from(stack.count);
    }
}

/// Reads states of one app as plain lists.
#[derive(Default)]
pub struct Reader {
    labels: HashMap<DataId, Label>,
}

impl Reader {
    /// Reads one stack.
    ///
    /// # Errors
    ///
    /// The id of instance data that the app does not have.
    pub fn stack(&mut self, pool: &DataPool, stack: Stack) -> Result<PlainStack, DataId> {
        let label = match stack.data {
            None => None,
            Some(id) => Some(self.label(pool, id).ok_or(id)?),
        };
        let (item, count) = (stack.item, stack.count());
        Ok(PlainStack { item, count, wear: stack.wear, label })
    }

    /// Forgets the labels, for an app whose instance data was altered and sent again.
    pub fn forget(&mut self) {
        self.labels.clear();
    }

    fn label(&mut self, pool: &DataPool, id: DataId) -> Option<Label> {
        if let Some(label) = self.labels.get(&id) {
            return pool.contains(id).then_some(*label);
        }
        // Data of the crate's own types, such as tabs, is distinguished by its id.
        let other = || pool.contains(id).then(|| Label(u128::from(id.0.get()).to_le_bytes()));
        let label = pool.get::<Label>(id).or_else(other)?;
        self.labels.insert(id, label);
        Some(label)
    }

    /// Reads the state of an inventory.
    ///
    /// # Errors
    ///
    /// The id of instance data that the app does not have.
    pub fn inventory(
        &mut self,
        pool: &DataPool,
        state: &InventoryState,
    ) -> Result<PlainInventory, DataId> {
        let mut containers = Vec::with_capacity(state.containers().len());
        for container in state.containers() {
            let slots = container.slots.as_slice().iter();
            let cells = slots.map(|slot| slot.map(|stack| self.stack(pool, stack)).transpose());
            containers.push(PlainContainer {
                kind: container.kind,
                cells: cells.collect::<Result<_, _>>()?,
            });
        }
        Ok(PlainInventory { containers, selected: state.selected })
    }

    /// Reads an inventory of an app; `None` if the entity has none.
    ///
    /// # Errors
    ///
    /// The id of instance data that the app does not have.
    pub fn entity(
        &mut self,
        world: &World,
        entity: Entity,
    ) -> Option<Result<PlainInventory, DataId>> {
        let registry = world.resource::<crate::shared::containers::ContainerRegistry>();
        let state = registry.read_in(world, entity)?;
        Some(self.inventory(world.resource::<DataPool>(), &state))
    }
}
