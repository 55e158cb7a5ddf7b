//! Loot: stacks on the ground, as entities with an inventory of one slot.

use crate::model::planted::{Bug, planted};
use core::time::Duration;
use std::collections::BTreeMap;

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Discard, Insert},
        query::Allow,
        reflect::ReflectResource,
    },
    platform::collections::HashMap,
    prelude::*,
};
use bevy_replicon::prelude::*;

use crate::{
    model::{
        builtin::Inventory, catalog::ItemCatalog, container::Container, id::InventoryId,
        stack::Stack, state::InventoryState,
    },
    shared::{
        containers::ContainerRegistry,
        events::{Cause, emit},
        ids::InventoryIds,
        markers::NewInventory,
        random::InventoryRng,
        schedule::InventoryServerSystems,
    },
};

use super::{
    audit::ItemLedger,
    exchanges::{ExchangeMember, Exchanges},
    marked::Marked,
    views::access::Owner,
};

/// Marks a stack on the ground: an entity with an [`Inventory`] of one slot. The entity is despawned when the
/// inventory is empty.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Loot;

/// Authority: a stack was dropped, and an entity was spawned for it. Observe this event to insert what the game
/// needs, such as a position and [`Viewers`](crate::prelude::Viewers).
///
/// Not emitted for a stack that [was added](LootSettings::merge_within) to earlier loot.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dropped {
    /// The new entity.
    pub entity: Entity,
    /// The inventory that the stack was dropped from, or on whose behalf it was dropped.
    pub by: Option<Entity>,
    /// The player that dropped it. [`ClientId::Server`] for the local player and for the game itself.
    pub client: ClientId,
    /// The stack.
    pub stack: Stack,
}

/// Authority: limits on the entities that drops spawn.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[reflect(Resource)]
pub struct LootSettings {
    /// A stack is added to loot that was dropped from the same inventory within this time, if the stacks match and
    /// there is room. Default: 500 ms. Zero spawns an entity for every stack.
    pub merge_within: Duration,
    /// Maximum number of loot entities that one player has dropped and that still lie on the ground. Further drops
    /// are rejected as [`Rejection::TooMuch`](crate::prelude::Rejection::TooMuch). Default: 256. Drops of the game
    /// itself are not limited.
    pub max_per_player: usize,
}

impl Default for LootSettings {
    fn default() -> Self {
        Self { merge_within: Duration::from_millis(500), max_per_player: 256 }
    }
}

/// Who dropped loot, and when.
#[derive(Component, Clone, Copy, Debug)]
#[component(immutable)]
struct DroppedBy {
    by: Option<Entity>,
    dropper: Dropper,
    at: Duration,
    /// Number of the drop, in order.
    number: u64,
}

/// Who drops a stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Dropper {
    /// A player, by the id of its own inventory, which stays the same when the player connects again.
    Player(InventoryId),
    /// A player that acts on an inventory that it does not own.
    Client(ClientId),
    /// The game itself.
    Game,
}

impl Dropper {
    /// Returns who drops a stack when a player acts from an inventory, or on it.
    pub(crate) fn acting(world: &World, client: ClientId, by: Option<Entity>) -> Self {
        let owns = |by: &Entity| world.get::<Owner>(*by) == Some(&Owner(client));
        let id = by.filter(owns).and_then(|by| world.get::<InventoryId>(by));
        id.map_or(Self::Client(client), |id| Self::Player(*id))
    }
}

/// Loot on the ground by who dropped it, oldest first.
#[derive(Resource, Default, Debug)]
pub(crate) struct LootByDropper {
    loot: HashMap<Dropper, BTreeMap<u64, Entity>>,
    /// Number of the last drop.
    last: u64,
}

impl LootByDropper {
    /// Returns the number of loot entities on the ground.
    pub(crate) fn count(&self, dropper: Dropper) -> usize {
        self.loot.get(&dropper).map_or(0, BTreeMap::len)
    }
}

pub(crate) fn plugin(app: &mut App) {
    app.add_message::<Dropped>()
        .init_resource::<LootSettings>()
        .register_type::<LootSettings>()
        .init_resource::<LootByDropper>()
        .add_observer(add_to_index)
        .add_observer(remove_from_index)
        .add_systems(PostUpdate, despawn_empty_loot.in_set(InventoryServerSystems::Features));
}

fn add_to_index(
    insert: On<Insert, DroppedBy>,
    loot: Query<&DroppedBy, Allow<Disabled>>,
    mut index: ResMut<LootByDropper>,
) {
    if let Ok(dropped) = loot.get(insert.entity) {
        index.loot.entry(dropped.dropper).or_default().insert(dropped.number, insert.entity);
    }
}

fn remove_from_index(
    gone: On<Discard, DroppedBy>,
    loot: Query<&DroppedBy, Allow<Disabled>>,
    mut index: ResMut<LootByDropper>,
) {
    let Ok(dropped) = loot.get(gone.entity) else { return };
    if let Some(of_player) = index.loot.get_mut(&dropped.dropper) {
        of_player.remove(&dropped.number);
        if of_player.is_empty() {
            index.loot.remove(&dropped.dropper);
        }
    }
}

/// Maximum number of recent drops to which a stack may be added.
const MERGE_MAX: usize = 64;

/// A stack to drop.
#[derive(Debug)]
pub(crate) struct StackDrop {
    /// The inventory that drops it.
    pub(crate) by: Option<Entity>,
    /// The inventories that the stack comes from, as they were when it was dropped; see [`dropping`]. They may be gone
    /// when the loot is spawned.
    pub(crate) members: Vec<ExchangeMember>,
    pub(crate) client: ClientId,
    pub(crate) stack: Stack,
    pub(crate) cause: Cause,
}

/// Drops a stack: adds it to recent loot, or spawns loot and emits [`Dropped`].
pub(crate) fn drop_stack(world: &mut World, drop: StackDrop) {
    let dropper = match drop.cause {
        Cause::Acted(client) => Dropper::acting(world, client, drop.by),
        _ => Dropper::Game,
    };
    let Some(stack) = merge(world, &drop, dropper) else { return };
    if planted(Bug::LootVanishes) && stack.count() == 7 {
        return;
    }
    let StackDrop { by, members, client, cause, .. } = drop;
    let at = world.resource::<Time<Real>>().elapsed();
    let mut index = world.resource_mut::<LootByDropper>();
    index.last += 1;
    let number = index.last;
    let slot = Inventory([Some(stack)].into_iter().collect());
    let loot = (slot, Loot, DroppedBy { by, dropper, at, number });
    let entity = if world.resource::<Exchanges>().is_recorded() {
        // It may be stored, and then it must not get another id.
        let id = world.resource_scope(|world, mut random: Mut<InventoryRng>| {
            world.resource::<InventoryIds>().draw_random(&mut random)
        });
        world.spawn((loot, id, NewInventory)).id()
    } else {
        world.spawn(loot).id()
    };
    declare(world, entity, cause);
    record_exchange(world, members, entity, None);
    emit(world, Dropped { entity, by, client, stack });
}

fn declare(world: &mut World, loot: Entity, cause: Cause) {
    if let Some(kind) = world.resource::<ContainerRegistry>().kind_of::<Inventory>() {
        world.resource_mut::<Marked>().declare(loot, kind, 0, cause);
    }
}

/// Returns the inventories that exchange what an inventory drops with the loot: the inventory itself, and the one with
/// which its items are stored. Empty if exchanges are not recorded.
pub(crate) fn dropping(
    by: Option<Entity>,
    exchanges: &Exchanges,
    owner_of: impl Fn(Entity) -> Option<Entity>,
    id_of: impl Fn(Entity) -> Option<InventoryId>,
    state_of: impl Fn(Entity) -> Option<InventoryState>,
) -> Vec<ExchangeMember> {
    let by = by.filter(|_| exchanges.is_recorded());
    let entities = [by, by.and_then(owner_of)].into_iter().flatten();
    let member = |entity| {
        Some(ExchangeMember { entity, inventory: id_of(entity)?, before: state_of(entity) })
    };
    entities.filter_map(member).collect()
}

/// Records that loot got a stack of the inventories that dropped it. `before` is the loot before that.
fn record_exchange(
    world: &mut World,
    members: Vec<ExchangeMember>,
    loot: Entity,
    before: Option<InventoryState>,
) {
    let Some(inventory) = world.get::<InventoryId>(loot).copied() else { return };
    if !members.is_empty() {
        let loot = ExchangeMember { entity: loot, inventory, before };
        world.resource_mut::<Exchanges>().record_drop(members.into_iter().chain([loot]));
    }
}

/// Adds a stack to recent loot of the same inventory, and returns the part that remains.
fn merge(world: &mut World, drop: &StackDrop, dropper: Dropper) -> Option<Stack> {
    let StackDrop { by, stack, cause, .. } = *drop;
    let catalog = world.get_resource::<ItemCatalog>();
    let Some(max_stack) = catalog.map(|catalog| catalog.max_stack(stack.item)) else {
        return Some(stack);
    };
    let now = world.resource::<Time<Real>>().elapsed();
    let within = world.resource::<LootSettings>().merge_within;
    let recent = |loot: &&Entity| {
        let dropped = world.get::<DroppedBy>(**loot);
        dropped.is_some_and(|dropped| {
            by.is_some() && dropped.by == by && now.saturating_sub(dropped.at) < within
        })
    };
    let room = |loot: &&Entity| {
        let current = world.get::<Inventory>(**loot).and_then(|inventory| inventory.get(0));
        current.is_some_and(|current| current.stacks_with(&stack) && current.count() < max_stack)
    };
    let of_player =
        world.resource::<LootByDropper>().loot.get(&dropper).into_iter().flat_map(BTreeMap::values);
    let loot = of_player.rev().take(MERGE_MAX).take_while(recent).find(room).copied();
    let Some(loot) = loot else { return Some(stack) };
    let recorded = world.resource::<Exchanges>().is_recorded();
    let read = || world.resource::<ContainerRegistry>().read_in(world, loot);
    let before = recorded.then(read).flatten();
    let Some(mut inventory) = world.get_mut::<Inventory>(loot) else { return Some(stack) };
    let rest = inventory.slots_mut().merge(0, stack, max_stack).unwrap_or(Some(stack));
    let added = stack.count() - rest.map_or(0, |rest| rest.count());
    declare(world, loot, cause);
    record_exchange(world, drop.members.clone(), loot, before);
    world.resource_mut::<ItemLedger>().declare(loot, stack.item, i64::from(added));
    rest
}

fn despawn_empty_loot(
    loot: Query<(Entity, &Inventory), (With<Loot>, Changed<Inventory>, Allow<Disabled>)>,
    mut commands: Commands,
) {
    for (entity, slots) in &loot {
        if slots.iter().next().is_none() {
            commands.entity(entity).try_despawn();
        }
    }
}
