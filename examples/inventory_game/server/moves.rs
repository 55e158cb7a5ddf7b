//! Stacks that players move between slots.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::protocol::SlotOf;

use super::requests::{Asker, Desk};

impl Desk<'_, '_> {
    pub(super) fn move_slot(
        &mut self,
        asker: Asker,
        from: SlotOf,
        to: SlotOf,
        count: Option<u32>,
    ) -> Result {
        // On a slot that holds something else the two are exchanged, so both rights are needed for both.
        let needed = Rights::PUT | Rights::TAKE;
        let source = self.reach(asker, from.0, needed)?;
        let target = self.reach(asker, to.0, needed)?;
        let (from, to) = ((source, from.1), (target, to.1));
        self.inventories.transact(|tx| tx.move_slot(from, to, count))?;
        Ok(())
    }

    /// Moves a stack to where it is most likely wanted: into the open chest or out of it, otherwise between
    /// hotbar and backpack.
    pub(super) fn quick_move(&mut self, asker: Asker, from: SlotOf) -> Result {
        let source = self.reach(asker, from.0, Rights::TAKE)?;
        let slots = if source != asker.entity {
            slots_of::<Inventory>(asker.entity).chain(slots_of::<Hotbar>(asker.entity)).collect()
        } else if let Some(chest) = self.open_chest_of(asker) {
            slots_of::<Inventory>(chest).collect()
        } else if from.1.index_in::<Hotbar>().is_some() {
            slots_of::<Inventory>(source).collect()
        } else {
            slots_of::<Hotbar>(source).collect::<Vec<_>>()
        };
        self.inventories.transact(|tx| spread(tx, (source, from.1), &slots))?;
        Ok(())
    }
}

/// The slots of a container. All of this game's have their default length.
fn slots_of<C: Container + Default>(entity: Entity) -> impl Iterator<Item = (Entity, Slot)> {
    (0..C::default().slots().len()).map(move |index| (entity, C::slot(index)))
}

/// Moves a stack onto stacks of its kind first, then into empty slots, until nothing is left of it.
fn spread(
    tx: &mut Tx,
    from: (Entity, Slot),
    targets: &[(Entity, Slot)],
) -> Result<(), InventoryError> {
    for onto_stacks in [true, false] {
        for to in targets {
            let Some(stack) = tx.get(from.0, from.1)? else { return Ok(()) };
            let there = tx.get(to.0, to.1)?;
            let fits = match there {
                Some(there) => onto_stacks && there.stacks_with(&stack),
                None => !onto_stacks,
            };
            if fits {
                // A full stack of its kind takes nothing; the next one may.
                let _ = tx.move_slot(from, *to, None);
            }
        }
    }
    Ok(())
}
