//! The game that messages are decoded for: its items, its containers, and what the client has.

use std::sync::LazyLock;

use bevy_inventory_sync::{
    model::{container::ContainerInfo, state::InventoryState},
    prelude::*,
    wire::{
        Schema,
        decode::{CopyInView, CopySource, Reference},
    },
};

/// The items of the golden files in `tests/golden`.
pub const ITEMS: &str = r#"(items: [
    (key: "torch", max_stack: 64),
    (key: "axe", max_stack: 1),
    (key: "boots", max_stack: 1, tags: ["feet"]),
    (key: "coin", max_stack: 1000000),
])"#;

/// The size of one slot in memory, by which the limits on numbers of slots become limits on bytes.
pub const SLOT_BYTES: usize = size_of::<Option<Stack>>();

static CATALOG: LazyLock<ItemCatalog> =
    LazyLock::new(|| Items::<()>::from_ron(ITEMS).expect("it is valid").catalog().clone());

static REGISTRY: LazyLock<[ContainerInfo; 2]> =
    LazyLock::new(|| [ContainerInfo::of::<Inventory>(), ContainerInfo::of::<Hotbar>()]);

/// Returns the items and containers.
pub fn schema() -> Schema<'static> {
    Schema { catalog: &CATALOG, registry: &*REGISTRY }
}

/// A client that has a few inventories, all of the same version.
pub struct Client {
    version: u64,
    states: [InventoryState; 3],
}

/// Number of views, and of inventories with a handle.
const VIEWS: u32 = 64;

impl Client {
    /// A client whose copies have this version. Updates are made for a version, modulo eight.
    pub fn new(version: u8) -> Self {
        let of = ItemId::of;
        let mut player = InventoryState::default();
        player.insert(0, Slots::new(27));
        player.insert(1, Slots::new(9));
        player.selected = Some(3);
        player.set(0, Some(of("torch").stack(1)));
        player.set(1, Some(of("torch").stack(9)));
        player.set(3, Some(of("torch").stack(3)));
        player.set(5, Some(of("axe").stack(1).with_wear(10)));
        player.set(29, Some(of("torch").stack(40)));
        player.set(30, Some(of("axe").stack(1).with_wear(7)));
        let mut single = InventoryState::default();
        single.insert(0, Slots::new(1));
        Self { version: version.into(), states: [player, single, InventoryState::default()] }
    }

    /// Returns the size of the largest copy, in bytes.
    pub fn copy_bytes(&self) -> usize {
        self.states.iter().map(InventoryState::len).max().unwrap_or(0) * SLOT_BYTES
    }
}

impl CopySource for Client {
    fn in_view(&self, reference: Reference) -> Option<CopyInView<'_>> {
        let (view, handle) = match reference {
            Reference::View(view) => (view, 0),
            Reference::Handle(handle) => (handle, handle),
        };
        // Most messages in the corpus are for the player's inventory.
        let state = match view {
            6 | 7 => &self.states[view as usize - 5],
            _ => &self.states[0],
        };
        let (id, version) = (InventoryId::named("held", view.into()), self.version);
        (view < VIEWS).then_some(CopyInView { view, handle, id, version, state })
    }

    fn latest(&self, id: InventoryId) -> Option<(u64, &InventoryState)> {
        Some((self.version, &self.states[usize::from(id.to_bits() % 8 == 1)]))
    }

    fn slots(&self) -> usize {
        VIEWS as usize * self.states[0].len()
    }
}
