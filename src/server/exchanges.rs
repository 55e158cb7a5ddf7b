//! Which inventories have exchanged items. A store commits them together, because items would be duplicated or lost
//! if it committed only some of them.

use bevy::prelude::*;
use smallvec::SmallVec;

use crate::model::{id::InventoryId, state::InventoryState, transaction::Staged};

use super::mark::MarkSystems;

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<Exchanges>()
        .add_systems(PostUpdate, begin_tick.in_set(MarkSystems::Begin).run_if(is_recorded));
}

/// Inventories that have exchanged items in one transaction.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Exchange {
    /// The inventories.
    pub members: SmallVec<[ExchangeMember; 2]>,
}

/// An inventory that has exchanged items.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExchangeMember {
    /// The entity. It may no longer exist.
    pub entity: Entity,
    /// Id of the inventory.
    pub inventory: InventoryId,
    /// The inventory before the transaction. `None` if the transaction created it, as loot on the ground.
    pub before: Option<InventoryState>,
}

/// The exchanges of the tick that is being committed, and those since.
#[derive(Resource, Default, Debug)]
pub(crate) struct Exchanges {
    /// Whether something reads them.
    is_recorded: bool,
    committed: Vec<Exchange>,
    pending: Vec<Exchange>,
}

impl Exchanges {
    /// Records exchanges from now on.
    pub(crate) fn enable(&mut self) {
        self.is_recorded = true;
    }

    /// Returns `true` if exchanges are recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    /// Returns the exchanges of the tick that was committed last.
    pub(crate) fn committed(&self) -> &[Exchange] {
        &self.committed
    }

    /// Takes the exchanges since the tick that was committed last.
    pub(crate) fn take_pending(&mut self) -> Vec<Exchange> {
        core::mem::take(&mut self.pending)
    }

    /// Records a transaction. `dropped_by` is the inventory at which it dropped stacks, if it did. `owner_of` is the
    /// inventory to which the items of another one [return](super::returns::ReturnsTo), and with which they are stored.
    pub(crate) fn record(
        &mut self,
        staged: &[Staged],
        dropped_by: Option<Entity>,
        id_of: impl Fn(Entity) -> Option<InventoryId>,
        owner_of: impl Fn(Entity) -> Option<Entity>,
        state_of: impl Fn(Entity) -> Option<InventoryState>,
    ) {
        if !self.is_recorded {
            return;
        }
        let changed = staged.iter().filter(|staged| staged.state != staged.before);
        let changed = changed.map(|staged| (staged.entity, Some(staged.before.clone())));
        let mut members: SmallVec<[ExchangeMember; 2]> = SmallVec::new();
        let by = dropped_by.filter(|by| {
            !staged.iter().any(|staged| staged.entity == *by && staged.state != staged.before)
        });
        for (entity, before) in changed.chain(by.map(|by| (by, state_of(by)))) {
            if let Some(inventory) = id_of(entity) {
                members.push(ExchangeMember { entity, inventory, before });
            }
        }
        // What is dropped is recorded with the loot, when the inventory has changed already.
        if members.len() > 1 || (dropped_by.is_some() && !members.is_empty()) {
            for at in 0..members.len() {
                let owner = owner_of(members[at].entity);
                let owner =
                    owner.filter(|owner| members.iter().all(|member| member.entity != *owner));
                if let Some((entity, inventory)) =
                    owner.and_then(|owner| Some((owner, id_of(owner)?)))
                {
                    members.push(ExchangeMember { entity, inventory, before: state_of(entity) });
                }
            }
            self.pending.push(Exchange { members });
        }
    }

    /// Records that an inventory has another id from now on.
    pub(crate) fn record_new_id(&mut self, old: ExchangeMember, new: InventoryId) {
        if self.is_recorded {
            let new = ExchangeMember { inventory: new, ..old.clone() };
            self.pending.push(Exchange { members: [old, new].into_iter().collect() });
        }
    }

    /// Records that a stack was dropped by some inventories into another, the loot.
    pub(crate) fn record_drop(&mut self, members: impl IntoIterator<Item = ExchangeMember>) {
        if self.is_recorded {
            self.pending.push(Exchange { members: members.into_iter().collect() });
        }
    }
}

fn is_recorded(exchanges: Res<Exchanges>) -> bool {
    exchanges.is_recorded
}

/// What is recorded from now on belongs to the next tick, as do the changes of slots.
fn begin_tick(mut exchanges: ResMut<Exchanges>) {
    let exchanges = &mut *exchanges;
    exchanges.committed.clear();
    exchanges.committed.append(&mut exchanges.pending);
}
