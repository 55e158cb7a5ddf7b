//! Notes of the game, which are stored with the changes of a tick.

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};
use log::warn;

use crate::model::{id::InventoryId, limits::DATA_BYTES_MAX};

use super::{changes::TickBuffer, history::StoredNote, tracked::Tracked};

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<NoteLog>().add_observer(add);
}

/// Authority: trigger it to store a note with the changes of this tick, for game state that is not in a component, such
/// as a block whose placement consumed an item.
///
/// It is committed together with the inventory of this entity, or not at all: if the commit is rejected, the note is in
/// [`InventoriesReverted::notes`](super::persist::InventoriesReverted::notes), and the game must undo what it
/// describes. [`ReadHistory`](super::persist::ReadHistory) returns the notes after a crash.
///
/// Ignored with a warning if the entity has no loaded inventory with [`Persist`](super::persist::Persist), or if the
/// note is longer than 65,536 bytes.
#[derive(EntityEvent, Clone, PartialEq, Eq, Debug)]
pub struct AddNote {
    /// The entity of an inventory that took part in what the note describes.
    pub entity: Entity,
    /// The text.
    pub note: String,
}

/// The notes that are not stored yet, by tick.
#[derive(Resource, Default, Debug)]
pub(super) struct NoteLog(Vec<(u64, StoredNote)>);

impl NoteLog {
    /// Adds the notes of a tick.
    pub(super) fn add(&mut self, tick: u64, notes: &[StoredNote]) {
        self.0.extend(notes.iter().map(|note| (tick, note.clone())));
    }

    /// Forgets the notes up to a tick, which are stored, except those of these inventories.
    pub(super) fn forget_stored(&mut self, tick: u64, except: impl Fn(InventoryId) -> bool) {
        self.0.retain(|(at, note)| *at > tick || except(note.inventory));
    }

    /// Takes the notes of these inventories.
    pub(super) fn take(&mut self, ids: &[InventoryId]) -> Vec<StoredNote> {
        let taken = self.0.extract_if(.., |(_, note)| ids.contains(&note.inventory));
        taken.map(|(_, note)| note).collect()
    }
}

fn add(
    add: On<AddNote>,
    tracked: Query<&Tracked, Allow<Disabled>>,
    mut buffer: ResMut<TickBuffer>,
) {
    let AddNote { entity, note } = add.event();
    let Ok(Tracked { id }) = tracked.get(*entity) else {
        warn!("entity {entity} has no stored inventory, so its note is ignored");
        return;
    };
    if note.len() > DATA_BYTES_MAX {
        let len = note.len();
        warn!("entity {entity}: ignoring a note of {len} bytes, more than {DATA_BYTES_MAX}");
        return;
    }
    buffer.notes.push(StoredNote { inventory: *id, note: note.clone() });
}
