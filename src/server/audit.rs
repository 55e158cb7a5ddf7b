//! The books: who did what, which items came into being or ceased to be, and whether all of it adds up.

use crate::{
    model::{
        action::InventoryAction,
        id::{InventoryId, ItemId},
        rejection::Rejection,
        stack::Stack,
        transaction::{Done, Staged, net_change},
    },
    shared::{
        actions::AnyAction,
        containers::ContainerRegistry,
        events::{Cause, Commit},
        schedule::InventoryServerSystems,
    },
};

use super::{mark::MarkSystems, marked::Marked};
use bevy::{
    ecs::{
        entity::EntityHashSet, entity_disabling::Disabled, query::Allow, reflect::ReflectResource,
    },
    platform::collections::HashMap,
    prelude::*,
};
use bevy_replicon::prelude::*;
use log::error;
use thiserror::Error;

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<ItemLedger>()
        .init_resource::<ItemAudit>()
        .register_type::<ItemAudit>()
        .add_message::<ActionResolved>()
        .add_message::<ItemsCreatedOrDestroyed>()
        .add_message::<UnaccountedItems>()
        .add_systems(
            PostUpdate,
            settle_ledger.in_set(InventoryServerSystems::Mark).after(MarkSystems::Slots),
        );
}

/// Authority: a player's action was decided on. What a game writes into its log.
#[derive(Message, Clone, Debug)]
pub struct ActionResolved {
    /// Whose.
    pub client: ClientId,
    /// The inventory that acted, if the player has one.
    pub actor: Option<Entity>,
    /// What it was.
    pub action: AnyAction,
    /// Whether it was done, and if not, why.
    pub result: Result<(), Rejection>,
}

/// Authority: items came into being (`net` above zero) or ceased to be. What only moves is not told.
#[derive(Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct ItemsCreatedOrDestroyed {
    /// Which item.
    pub item: ItemId,
    /// How many more there are now.
    pub net: i64,
    /// What did it.
    pub cause: Cause,
    /// The inventory, the first of several.
    pub inventory: Option<InventoryId>,
}

/// How closely items are counted.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Resource)]
#[non_exhaustive]
pub enum ItemAudit {
    /// Not at all.
    Off,
    /// The built-in actions must not make or lose an item.
    #[default]
    Actions,
    /// And nobody may who does not go through [`Inventories`](crate::prelude::Inventories), an action or
    /// a [`Crafter`](crate::prelude::Crafter): every commit is compared with what was declared.
    Strict,
}

/// Authority: items appeared from nowhere, or went there. Also written to the log.
#[derive(Message, Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("tick {tick}, inventory `{inventory}`: {net} of item {item} unaccounted for")]
pub struct UnaccountedItems {
    /// Ticks that have been marked since the start.
    pub tick: u64,
    /// Where.
    pub inventory: InventoryId,
    /// What.
    pub item: ItemId,
    /// How many more there are than were declared.
    pub net: i64,
}

/// What was declared since the last tick.
#[derive(Resource, Default, Debug)]
pub(crate) struct ItemLedger {
    /// Whether what was declared is kept for comparing.
    strict: bool,
    /// By entity and item.
    declared: HashMap<(Entity, ItemId), i64>,
    flows: Vec<(Option<Entity>, ItemsCreatedOrDestroyed)>,
}

impl ItemLedger {
    /// Enters what a transaction did to its inventories, and what it put on the ground.
    pub(crate) fn enter(&mut self, staged: &[Staged], dropped: &[Stack], cause: Cause) {
        for staged in staged.iter().filter(|_| self.strict) {
            for (item, net) in net_change(core::slice::from_ref(staged), &[]) {
                *self.declared.entry((staged.entity, item)).or_default() += net;
            }
        }
        let first = staged.first().map(|first| first.entity);
        for (item, net) in net_change(staged, dropped) {
            self.flows.push((first, ItemsCreatedOrDestroyed { item, net, cause, inventory: None }));
        }
    }
}

/// Checks that an action which only moves has made or lost nothing.
pub(crate) fn check_moves(
    world: &mut World,
    action: &AnyAction,
    Done { staged, dropped, .. }: &Done,
) -> Result<(), Rejection> {
    let moves = action
        .get::<InventoryAction>()
        .is_some_and(|a| !matches!(a, InventoryAction::Craft { .. }));
    if !moves || *world.resource::<ItemAudit>() == ItemAudit::Off {
        return Ok(());
    }
    let wrong = net_change(staged, dropped);
    for (item, net) in &wrong {
        let entity = staged.first().map(|first| first.entity);
        let inventory = entity.and_then(|entity| world.get::<InventoryId>(entity)).copied();
        let inventory = inventory.unwrap_or(InventoryId::sequential(0));
        let tick = world.resource::<Marked>().pass();
        let found = UnaccountedItems { tick, inventory, item: *item, net: *net };
        error!("{action:?}: {found}");
        world.write_message(found);
    }
    // Better to refuse a lawful move than to let an item be copied.
    if wrong.is_empty() { Ok(()) } else { Err(Rejection::Invalid) }
}

/// Tells what items came and went, and compares the commits of this tick with what was declared.
fn settle_ledger(
    settings: Res<ItemAudit>,
    marked: Res<Marked>,
    mut books: ResMut<ItemLedger>,
    ids: Query<&InventoryId, Allow<Disabled>>,
    registry: Res<ContainerRegistry>,
    mut flows: MessageWriter<ItemsCreatedOrDestroyed>,
    mut commits: MessageReader<Commit>,
    mut faults: MessageWriter<UnaccountedItems>,
) {
    for (entity, flow) in books.flows.drain(..) {
        let inventory = entity.and_then(|entity| ids.get(entity).ok()).copied();
        flows.write(ItemsCreatedOrDestroyed { inventory, ..flow });
    }
    let strict = *settings == ItemAudit::Strict;
    let declared = core::mem::take(&mut books.declared);
    if !core::mem::replace(&mut books.strict, strict) || !strict {
        commits.clear();
        return;
    }
    let commits: Vec<&Commit> = commits.read().collect();
    // Containers that come and go with what is in them say so themselves.
    let gone = commits.iter().filter(|commit| commit.cause == Cause::Removed);
    let exempt: EntityHashSet =
        gone.map(|commit| commit.entity).chain(marked.given_containers().iter().copied()).collect();
    let mut net: HashMap<(Entity, ItemId), (i64, InventoryId)> = HashMap::default();
    let counts = |commit: &&&Commit| {
        !exempt.contains(&commit.entity) && registry.holds_items(commit.slot.container)
    };
    for commit in commits.iter().filter(counts) {
        for (stack, sign) in [(commit.old, -1), (commit.new, 1)] {
            let Some(stack) = stack else { continue };
            let entry = net.entry((commit.entity, stack.item)).or_insert((0, commit.inventory));
            entry.0 += sign * i64::from(stack.count());
        }
    }
    for ((entity, item), (sum, inventory)) in net {
        let declared = declared.get(&(entity, item)).copied().unwrap_or(0);
        if sum != declared {
            let (tick, net) = (marked.pass(), sum - declared);
            let found = UnaccountedItems { tick, inventory, item, net };
            error!("{found}");
            faults.write(found);
        }
    }
}
