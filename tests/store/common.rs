//! What the tests of stores use.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bevy_inventory_sync::{
    model::saved::{SavedContainer, SavedData, SavedInventory, SavedStack},
    prelude::InventoryId,
    store::{
        Store,
        batch::{Batch, Change, Fence, Rejected, Union, Write},
        error::StoreError,
        memory::MemoryStore,
        record::StoredInventory,
        sqlite::SqliteStore,
        ticket::{Departure, Ticket},
        worlds::Location,
    },
};
use tempfile::TempDir;

/// A folder with a store, which is deleted in the end.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("world.db")
    }

    pub fn open(&self, server: &str) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(self.file(), server)
    }
}

/// Runs a test with an empty store of each kind. Its argument opens the store for a process of a server.
pub fn for_each_store(test: impl Fn(&dyn Fn() -> Box<dyn Store>)) {
    let memory = MemoryStore::default().of_server("a");
    test(&|| {
        memory.end_claims();
        Box::new(memory.clone())
    });
    let place = Place::new();
    test(&|| Box::new(place.open("a").unwrap()));
    #[cfg(feature = "redis")]
    if let Some(server) = crate::redis::server::RedisServer::start() {
        test(&|| Box::new(server.open("a")));
    }
}

pub const fn player(number: u64) -> InventoryId {
    InventoryId::named("player", number)
}

pub fn stack(slot: u16, item: &str, count: u32) -> SavedStack {
    SavedStack { slot, item: item.into(), count, wear: 0, data: None }
}

pub fn container(name: &str, len: u16, slots: Vec<SavedStack>) -> SavedContainer {
    SavedContainer { name: name.into(), len, slots }
}

/// An inventory of 27 slots with these stacks.
pub fn inventory(slots: Vec<SavedStack>) -> StoredInventory {
    let containers = vec![container("inventory", 27, slots)];
    let inventory = SavedInventory { containers, ..SavedInventory::default() };
    StoredInventory { inventory, ..StoredInventory::default() }
}

/// An inventory with everything that a record can have.
pub fn everything() -> StoredInventory {
    let data = SavedData { name: "engraving".into(), bytes: vec![0, 255, 7] };
    let sword = SavedStack { wear: 300, data: Some(data), ..stack(26, "sword", 1) };
    let mut stored = inventory(vec![stack(0, "torch", 64), stack(3, "coin", u32::MAX), sword]);
    let hotbar = vec![stack(8, "axe", 1), stack(2, "removed_mod:gem", 5), stack(8, "old", 3)];
    stored.inventory.containers.push(container("hotbar", 9, hotbar));
    stored.inventory.containers.push(container("of a removed mod", 4, vec![stack(0, "bag", 1)]));
    stored.inventory.selected = Some(8);
    stored.inventory.returned = vec![stack(0, "ring", 1), stack(0, "coin", 20)];
    stored.components.insert("health".into(), vec![20]);
    stored.components.insert("position".into(), vec![1, 2, 3]);
    stored
}

pub fn write(id: InventoryId, fence: Fence, version: u64, stored: &StoredInventory) -> Write {
    let change = Change::Save { stored: Arc::new(stored.clone()), slots: None };
    Write { id, fence, version, change }
}

pub fn delete(id: InventoryId, fence: Fence, version: u64) -> Write {
    Write { id, fence, version, change: Change::Delete }
}

/// The write with which an inventory leaves for another world, with the ticket that is issued.
pub fn depart(id: InventoryId, (fence, version): (Fence, u64), to: &str) -> (Write, Ticket) {
    static TICKETS: AtomicU64 = AtomicU64::new(1);
    let number = TICKETS.fetch_add(1, Ordering::Relaxed);
    let ticket: Ticket = format!("north:{number:032x}").parse().unwrap();
    let departure = Departure {
        to: to.into(),
        account: "ada".into(),
        inventories: vec![id],
        ticket: ticket.clone(),
        valid_for: Duration::from_secs(60),
    };
    let (stored, departure) = (Arc::new(everything()), Arc::new(departure));
    (Write { id, fence, version, change: Change::Depart { stored, departure } }, ticket)
}

/// Sends an inventory from `north` to `south`, and returns its ticket.
pub fn send(north: &mut dyn Store, id: InventoryId, (fence, version): (Fence, u64)) -> Ticket {
    let from = Location { world: "north".into(), fence: Fence(fence.0 + 1) };
    assert_eq!(north.worlds().unwrap().announce("south", &[(id, from)]), Ok(true));
    let (write, ticket) = depart(id, (fence, version), "south");
    assert_eq!(commit(north, 9, vec![write]), []);
    ticket
}

/// Writes that depend on each other.
pub fn union(writes: Vec<Write>) -> Union {
    Union { writes, ..Union::default() }
}

/// Commits writes that depend on each other.
pub fn commit(store: &mut dyn Store, tick: u64, writes: Vec<Write>) -> Vec<Rejected> {
    store.commit(&Batch { tick, unions: vec![union(writes)], ..Batch::default() }).unwrap()
}

/// Claims a new inventory and commits it.
pub fn create(store: &mut dyn Store, id: InventoryId, stored: &StoredInventory) -> Fence {
    let claim = store.claim(id).unwrap();
    assert_eq!((claim.version, claim.found), (0, None));
    assert_eq!(commit(store, 1, vec![write(id, claim.fence, 1, stored)]), []);
    claim.fence
}
