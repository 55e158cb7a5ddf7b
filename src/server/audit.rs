//! The audit: which player did what, which items were created or destroyed, and whether the totals match.

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

/// Authority: a player's action was accepted or rejected. Intended for the game's log.
#[derive(Message, Clone, Debug)]
pub struct ActionResolved {
    /// The player's client.
    pub client: ClientId,
    /// The acting inventory that the request named, if any.
    pub actor: Option<Entity>,
    /// The action.
    pub action: AnyAction,
    /// `Ok` if the action was applied, otherwise the reason for rejecting it.
    pub result: Result<(), Rejection>,
}

/// Authority: items were created (`net` above zero) or destroyed (`net` below zero). Moves are not reported.
#[derive(Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct ItemsCreatedOrDestroyed {
    /// The item.
    pub item: ItemId,
    /// Change of the total count.
    pub net: i64,
    /// Cause of the change.
    pub cause: Cause,
    /// The inventory in which it happened. If there are several, the first of them.
    pub inventory: Option<InventoryId>,
}

/// How strictly item counts are checked. Default: [`Actions`](Self::Actions).
#[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Resource)]
#[non_exhaustive]
pub enum ItemAudit {
    /// No checks.
    Off,
    /// Checks that the built-in actions, except crafting, neither create nor destroy items. An action that does is
    /// rejected as [`Rejection::Invalid`].
    #[default]
    Actions,
    /// In addition, compares every commit with the declared changes. Only
    /// [`Inventories`](crate::prelude::Inventories), actions and [`Crafter`](crate::features::crafter::Crafter)s declare
    /// what they create and destroy; plain mutations do not. Containers that are added or removed with their
    /// contents are exempt.
    Strict,
}

/// Authority: items appeared or disappeared without being declared. Also logged as an error.
#[derive(Message, Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("tick {tick}, inventory `{inventory}`: {net} of item {item} unaccounted for")]
pub struct UnaccountedItems {
    /// Number of the tick, counted since the app started.
    pub tick: u64,
    /// The inventory.
    pub inventory: InventoryId,
    /// The item.
    pub item: ItemId,
    /// Difference between the actual and the declared change of the count. Positive if there are too many.
    pub net: i64,
}

/// The changes that were declared since the last tick.
#[derive(Resource, Default, Debug)]
pub(crate) struct ItemLedger {
    /// Whether declared changes are kept for the comparison.
    strict: bool,
    /// Declared change of the count, by entity and item.
    declared: HashMap<(Entity, ItemId), i64>,
    flows: Vec<(Option<Entity>, ItemsCreatedOrDestroyed)>,
}

impl ItemLedger {
    /// Declares what a transaction changed in its inventories and dropped on the ground.
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

    /// Declares the change of a count outside of a transaction.
    pub(crate) fn declare(&mut self, entity: Entity, item: ItemId, net: i64) {
        if self.strict {
            *self.declared.entry((entity, item)).or_default() += net;
        }
    }
}

/// Checks that an action that only moves items neither creates nor destroys any.
///
/// # Errors
///
/// [`Rejection::Invalid`] if the counts before and after differ.
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
        let tick = world.resource::<Marked>().pass;
        let found = UnaccountedItems { tick, inventory, item: *item, net: *net };
        error!("{action:?}: {found}");
        world.write_message(found);
    }
    // Rejecting a valid move is better than duplicating an item.
    if wrong.is_empty() { Ok(()) } else { Err(Rejection::Invalid) }
}

/// Reports created and destroyed items, and compares the commits of this tick with the declared changes.
fn settle_ledger(
    settings: Res<ItemAudit>,
    marked: Res<Marked>,
    mut ledger: ResMut<ItemLedger>,
    ids: Query<&InventoryId, Allow<Disabled>>,
    registry: Res<ContainerRegistry>,
    mut flows: MessageWriter<ItemsCreatedOrDestroyed>,
    mut commits: MessageReader<Commit>,
    mut faults: MessageWriter<UnaccountedItems>,
) {
    for (entity, flow) in ledger.flows.drain(..) {
        let inventory = entity.and_then(|entity| ids.get(entity).ok()).copied();
        flows.write(ItemsCreatedOrDestroyed { inventory, ..flow });
    }
    let strict = *settings == ItemAudit::Strict;
    let declared = core::mem::take(&mut ledger.declared);
    if !core::mem::replace(&mut ledger.strict, strict) || !strict {
        commits.clear();
        return;
    }
    let commits: Vec<&Commit> = commits.read().collect();
    // Containers that are added or removed with their contents need no declaration.
    let gone = commits.iter().filter(|commit| commit.cause == Cause::Removed);
    let exempt: EntityHashSet =
        gone.map(|commit| commit.entity).chain(marked.given_containers.iter().copied()).collect();
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
            let (tick, net) = (marked.pass, sum - declared);
            let found = UnaccountedItems { tick, inventory, item, net };
            error!("{found}");
            faults.write(found);
        }
    }
}
