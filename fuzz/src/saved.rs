//! Reads and restores saved inventories. Input: the format, then the save.

use std::collections::BTreeMap;

use super::{
    game::{SLOT_BYTES, schema},
    memory,
};
use bevy_inventory_sync::{
    model::{
        limits::INVENTORY_SLOTS_MAX,
        saved::{SavedData, SavedInventory, SavedStack},
    },
    prelude::{DataPool, ItemData},
};
use bincode::{
    config::{self, Config},
    serde::{decode_from_slice, encode_to_vec},
};
use serde::{Deserialize, Serialize};

/// Instance data.
#[derive(Serialize, Deserialize)]
struct Label(String);

impl ItemData for Label {
    const NAME: &'static str = "label";
}

/// How much memory serde reserves for the announced length of a list, for each of the lists around each other.
const RESERVED: usize = 1 << 20;

/// Without this limit, bincode allocates any length that a string announces.
const SAVE_BYTES_MAX: usize = 1 << 16;

fn binary() -> impl Config {
    config::standard().with_limit::<SAVE_BYTES_MAX>()
}

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let Some((format, bytes)) = bytes.split_first() else { return };
    let read = memory::within(RESERVED, || match format % 2 {
        0 => decode_from_slice(bytes, binary()).ok().map(|(saved, _)| saved),
        _ => ron::from_str(str::from_utf8(bytes).ok()?).ok(),
    });
    let Some(saved): Option<SavedInventory> = read else { return };
    let bytes = encode_to_vec(&saved, binary()).expect("it can be encoded");
    let (again, _) = decode_from_slice(&bytes, binary()).expect("it was just encoded");
    assert_eq!(saved, again);
    let text = ron::to_string(&saved).expect("it can be encoded");
    assert_eq!(Ok(&saved), ron::from_str(&text).as_ref());
    restore(saved, bytes.len());
}

/// Restores a save of this length and saves it again: nothing is lost, nothing is added.
fn restore(mut saved: SavedInventory, len: usize) {
    // These are restored with a `World`.
    saved.returned.clear();
    let (catalog, registry) = (schema().catalog, schema().registry);
    let mut pool = DataPool::default();
    pool.add_type::<Label>();
    // What is not restored is kept. A stack takes at least a byte.
    let cap = INVENTORY_SLOTS_MAX * SLOT_BYTES + len * size_of::<SavedStack>();
    let (state, unknown) =
        memory::within(cap, || saved.restore(registry, catalog, Some(&mut pool)));
    assert!(state.len() <= INVENTORY_SLOTS_MAX);
    let again = SavedInventory::new(&state, registry, catalog, Some(&pool), Some(&unknown));
    assert_eq!((again.selected, again.lost_data.len()), (saved.selected, 0));
    assert_eq!(counted(&again), counted(&saved));
}

type Counted<'a> = BTreeMap<(&'a str, u32, u16, Option<(&'a str, &'a [u8])>), u32>;

/// Counts equal stacks.
fn counted(saved: &SavedInventory) -> Counted<'_> {
    let mut counted = Counted::new();
    for SavedStack { item, count, wear, data, .. } in
        saved.containers.iter().flat_map(|container| &container.slots)
    {
        let data = data.as_ref().map(|SavedData { name, bytes }| (name.as_str(), bytes.as_slice()));
        *counted.entry((item.as_str(), *count, *wear, data)).or_default() += 1;
    }
    counted
}
