//! Plays ticks of a recording on a server and compares the state of a client with it.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use serde::{Deserialize, Serialize};

use super::trace::{Cell, Held, Session, Tick, Trace};

/// Stands in for recorded metadata.
#[derive(Serialize, Deserialize)]
pub struct Metadata(Vec<u8>);

impl ItemData for Metadata {
    const NAME: &'static str = "metadata";
}

/// A session that is being replayed on a server.
pub struct Replay {
    units: Vec<Entity>,
    model: Vec<Vec<Cell>>,
}

/// Creates the item catalog of a recording: its items by name, without a stack limit.
pub fn items(trace: &Trace) -> Items {
    let defs = trace.items.iter().map(|key| {
        let def = ItemDef {
            key: key.clone(),
            name: key.clone(),
            icon: String::new(),
            max_stack: u32::MAX,
            tags: Vec::new(),
        };
        (def, ())
    });
    Items::new(defs).expect("the item names of a recording are distinct")
}

fn id(inventory: usize) -> InventoryId {
    InventoryId::sequential(inventory as u64 + 1)
}

impl Replay {
    /// Spawns the session's inventories, empty, for their owner.
    pub fn begin(world: &mut World, session: &Session, owner: Owner) -> Self {
        let lens = session.inventories.iter().map(Vec::len);
        let units = lens
            .clone()
            .enumerate()
            .map(|(n, len)| world.spawn((id(n), Inventory::new(len), owner)).id())
            .collect();
        Self { units, model: lens.map(|len| vec![None; len]).collect() }
    }

    /// Applies the recorded changes of a tick on the server.
    pub fn apply(&mut self, world: &mut World, tick: &Tick) {
        for change in &tick.changes {
            self.model[change.inventory][change.slot] = change.new.clone();
            let unit = self.units[change.inventory];
            let stack = stack(world, &change.new);
            let mut inventory = world.get_mut::<Inventory>(unit).expect("spawned for the session");
            inventory.set(change.slot, stack).expect("the inventory has all recorded slots");
        }
    }

    /// Returns `true` if a client shows exactly the recorded state.
    pub fn is_shown(&self, client: &World) -> bool {
        self.model.iter().enumerate().all(|(n, cells)| {
            let entity = client.resource::<InventoryIds>().get(id(n));
            let shown = entity.and_then(|entity| client.get::<Inventory>(entity));
            shown.is_some_and(|shown| {
                let same = |slot: usize| cell(client, shown.get(slot)) == cells[slot];
                shown.len() == cells.len() && (0..cells.len()).all(same)
            })
        })
    }

    /// Removes the session's inventories.
    pub fn end(self, world: &mut World) {
        for unit in self.units {
            world.despawn(unit);
        }
    }
}

fn stack(world: &mut World, cell: &Cell) -> Option<Stack> {
    let Held { item, count, meta } = cell.as_ref()?;
    let stack = Stack::new(ItemId::of(item), *count)?;
    let Some(meta) = meta else { return Some(stack) };
    let mut pool = world.resource_mut::<DataPool>();
    let data = pool.insert(&Metadata(meta.clone())).expect("registered and small enough");
    Some(stack.with_data(data))
}

fn cell(world: &World, stack: Option<Stack>) -> Cell {
    let stack = stack?;
    let item = world.resource::<ItemCatalog>().get(stack.item)?.key.clone();
    let data = stack.data.and_then(|data| world.resource::<DataPool>().get::<Metadata>(data));
    Some(Held { item, count: stack.count(), meta: data.map(|Metadata(bytes)| bytes) })
}
