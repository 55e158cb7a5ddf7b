//! Compares inventories with the oracle, and actions with the rights of players.

use bevy::{
    ecs::entity::{EntityHashMap, EntityHashSet},
    platform::collections::HashMap,
    prelude::*,
};
use bevy_replicon::prelude::*;

use crate::{
    model::{
        action::InventoryAction,
        container::Container,
        id::{ContainerKey, ItemId},
        rights::Rights,
    },
    server::{
        inspect::footprints,
        loot::Loot,
        views::access::{Owner, Viewers},
    },
    shared::{actions::AnyAction, markers::Loading},
};

use super::{
    game::{BREAD, Far, Furnace, LIMIT, Locked, Trade, Tray},
    needs::needed,
    oracle::Oracle,
    places::{CHESTS, PlaceKind},
    plain::{Cell, PlainInventory, Totals, add},
    report::Violation,
    scene::Scene,
};

/// Rights of clients to the inventories of the game at one point in time.
#[derive(Default)]
pub(super) struct AllRights {
    rights: HashMap<(Entity, ClientId), Rights>,
    /// Clients that are being sent inventories in full, for example after a resync. These are not in view yet.
    opening: EntityHashSet,
}

/// Returns `true` if players see inventories of this kind only because of owner and viewers, not through others.
fn is_shown_directly(kind: PlaceKind) -> bool {
    match kind {
        PlaceKind::Chest(n) => n < CHESTS - 1,
        PlaceKind::Bank | PlaceKind::Page(_) => false,
        _ => true,
    }
}

impl AllRights {
    pub(super) fn new(scene: &Scene) -> Self {
        let world = scene.sim.server.world();
        let mut rights = HashMap::default();
        for entity in (0..scene.places.len()).filter_map(|place| scene.entity(place)) {
            let viewers = world.get::<Viewers>(entity).into_iter().flat_map(Viewers::iter);
            for (client, of_client) in viewers {
                rights.insert((entity, client), of_client & Rights::USE);
            }
            if let Some(Owner(client)) = world.get::<Owner>(entity) {
                rights.insert((entity, *client), Rights::USE);
            }
        }
        let opening = footprints(world)
            .filter(|(_, kept)| kept.opening + kept.transferred > 0)
            .map(|(client, _)| client);
        Self { rights, opening: opening.collect() }
    }

    /// Checks that no rule denied access to inventories that a player acted on, neither at that moment nor now.
    pub(super) fn check_rules(
        &self,
        scene: &Scene,
        named: &EntityHashSet,
    ) -> Result<(), Violation> {
        let world = scene.sim.server.world();
        let denied = |entity: Entity| {
            world.get::<Locked>(entity).is_some() || world.get::<Far>(entity).is_some()
        };
        match named.iter().find(|entity| denied(**entity)) {
            Some(entity) => Err(format!("a player acted on {entity}, which a rule denies")),
            None => Ok(()),
        }
    }

    /// Returns the rights of a client to an inventory, at that moment or now; `None` if it does not see it.
    pub(super) fn of(&self, scene: &Scene, entity: Entity, client: ClientId) -> Option<Rights> {
        let then = self.rights.get(&(entity, client)).copied();
        let now = rights(scene, entity, client);
        then.map_or(now, |then| Some(then | now.unwrap_or(Rights::empty())))
    }

    /// Returns `true` if a client saw all inventories at that moment and sees them now, and owned its own one.
    pub(super) fn are_in_view(
        &self,
        scene: &Scene,
        accessed: &EntityHashSet,
        actor: Entity,
        client: ClientId,
    ) -> bool {
        let then = |entity: Entity| self.rights.contains_key(&(entity, client));
        let now = |entity: Entity| rights(scene, entity, client).is_some();
        let is_known = |entity: Entity| {
            let place = scene.place_of(entity);
            place.is_some_and(|place| is_shown_directly(scene.places[place].kind))
        };
        let owned = scene.sim.server.world().get::<Owner>(actor) == Some(&Owner(client));
        let opening = client.entity().is_some_and(|client| self.opening.contains(&client));
        owned
            && !opening
            && accessed.iter().all(|entity| is_known(*entity) && then(*entity) && now(*entity))
    }

    /// Checks that a player had the rights that an action certainly needs.
    pub(super) fn check_needed(
        &self,
        scene: &Scene,
        action: &AnyAction,
        client: ClientId,
    ) -> Result<(), Violation> {
        let needed = needed(action).into_iter();
        for (entity, needed) in needed.filter(|(entity, _)| scene.place_of(*entity).is_some()) {
            let rights = self.of(scene, entity, client).unwrap_or(Rights::empty());
            if !rights.contains(needed) {
                return Err(format!("{client:?} needs {needed:?} and has {rights:?}: {action:?}"));
            }
        }
        Ok(())
    }

    /// Checks that a player had the rights to what an action has changed.
    pub(super) fn check(
        &self,
        scene: &Scene,
        before: &EntityHashMap<PlainInventory>,
        action: &AnyAction,
        client: ClientId,
    ) -> Result<(), Violation> {
        for (entity, before) in before {
            let Some(after) = scene.oracle.inventories.get(entity).filter(|after| *after != before)
            else {
                continue;
            };
            let mut needed = Rights::empty();
            for (a, b) in before.containers.iter().zip(&after.containers) {
                let slots = a.cells.iter().zip(&b.cells).enumerate();
                for (slot, (old, new)) in slots.filter(|(_, (old, new))| old != new) {
                    let count = |cell: &Cell, kind| {
                        let of_kind = cell.filter(|stack| Some(stack.kind()) == kind);
                        of_kind.map_or(0, |stack| stack.count)
                    };
                    let [was, is] = [old, new].map(|cell| cell.map(|stack| stack.kind()));
                    let mut used = Rights::empty();
                    used.set(Rights::TAKE, count(old, was) > count(new, was));
                    used.set(Rights::PUT, count(new, is) > count(old, is));
                    if !scene.oracle.rights(a.kind, slot).contains(used) {
                        return Err(format!("no player may {used:?} there: {action:?}"));
                    }
                    needed |= used;
                }
            }
            let trade = action.get::<Trade>().is_some();
            let rights = self.of(scene, *entity, client).unwrap_or(Rights::empty());
            if !trade && !rights.contains(needed) {
                return Err(format!("{client:?} needs {needed:?} and has {rights:?}: {action:?}"));
            }
        }
        Ok(())
    }
}

/// Returns the rights of a client to an inventory of the game; `None` if it does not see it.
fn rights(scene: &Scene, entity: Entity, client: ClientId) -> Option<Rights> {
    let world = scene.sim.server.world();
    scene.place_of(entity)?;
    if world.get::<Owner>(entity) == Some(&Owner(client)) {
        return Some(Rights::USE);
    }
    let rights = world.get::<Viewers>(entity)?.rights_of(client)?;
    Some(rights & Rights::USE)
}

pub(super) fn sees(world: &World, entity: Entity, client: ClientId) -> bool {
    world.get::<Owner>(entity) == Some(&Owner(client))
        || world.get::<Viewers>(entity).is_some_and(|list| list.rights_of(client).is_some())
}

/// Adds what a recipe creates and destroys.
pub(super) fn crafted(scene: &mut Scene, action: Option<&InventoryAction>, adjust: &mut Totals) {
    let Some(InventoryAction::Craft { recipe, times, .. }) = action else { return };
    let Some(recipe) = scene.oracle.recipe(*recipe).cloned() else { return };
    // Only the player's client knows which labels are used up.
    scene.oracle.changes_kinds |= recipe.takes.iter().any(|(item, _)| *item == BREAD);
    for (items, sign) in [(&recipe.takes, -1), (&recipe.gives, 1)] {
        for (item, count) in items {
            *adjust.entry((*item, 0, None)).or_default() +=
                sign * i64::from(*count) * i64::from(*times);
        }
    }
}

/// Compares all inventories with the oracle.
pub(super) fn check_contents(scene: &mut Scene, adjust: &mut Totals) -> Result<(), Violation> {
    let unknown: EntityHashSet = core::mem::take(&mut scene.oracle.unknown);
    let mut actual = Totals::default();
    for place in 0..scene.places.len() {
        let (id, kind) = (scene.places[place].id, scene.places[place].kind);
        let Some(entity) = scene.entity(place).filter(|_| kind != PlaceKind::Bank) else {
            continue;
        };
        if scene.sim.server.world().get::<Loading>(entity).is_some() {
            continue;
        }
        let Some(there) = scene.contents(entity) else { continue };
        let there = there.map_err(|data| format!("inventory `{id}`: no data {data:?}"))?;
        if unknown.contains(&entity) {
            add(&mut actual, there.stacks());
            continue;
        }
        let agrees = |scene: &Scene| scene.oracle.inventories.get(&entity) == Some(&there);
        if agrees(scene) {
            continue;
        }
        if kind == PlaceKind::Furnace && smelt(scene, entity) && agrees(scene) {
            note_smelted(scene)?;
            continue;
        }
        let expected = scene.oracle.inventories.get(&entity);
        let difference = compare(expected, &there);
        scene.conserved = add_up(scene, adjust)?;
        return Err(format!("inventory `{id}`: {difference}"));
    }
    let mut expected = scene.oracle.totals(&unknown);
    for (kind, count) in scene.oracle.ground.iter().chain(&*adjust) {
        *expected.entry(*kind).or_default() += count;
    }
    let ground = on_ground(scene)?;
    for (kind, count) in &ground {
        *actual.entry(*kind).or_default() += count;
    }
    if core::mem::take(&mut scene.oracle.changes_kinds) {
        (expected, actual) = (by_item(&expected), by_item(&actual));
    }
    for totals in [&mut expected, &mut actual] {
        totals.retain(|_, count| *count != 0);
    }
    let smelted = scene.places.iter().position(|place| place.kind == PlaceKind::Furnace);
    let smelted = smelted.and_then(|place| scene.entity(place));
    if expected != actual && smelted.is_some_and(|furnace| unknown.contains(&furnace)) {
        // The furnace may have smelted something in the same tick.
        for (item, net) in [("ore", -1), ("ingot", 1)] {
            let kind = (ItemId::of(item), 0, None);
            *expected.entry(kind).or_default() += net;
        }
        expected.retain(|_, count| *count != 0);
        note_smelted(scene)?;
    }
    if expected != actual {
        scene.conserved = false;
        return Err(format!("items do not add up: {actual:?}, expected {expected:?}"));
    }
    scene.oracle.ground = ground;
    for entity in unknown {
        let before = count(&scene.oracle, entity);
        if let Some(place) = scene.place_of(entity) {
            scene.adopt(place);
        }
        let after = count(&scene.oracle, entity);
        if scene.oracle.limited.contains(&entity) && after > before.max(LIMIT) {
            return Err(format!("{after} items in {entity}, above the limit of a rule"));
        }
    }
    Ok(())
}

/// Returns `true` if the game has as many items of each kind as the oracle, wherever they are.
fn add_up(scene: &mut Scene, adjust: &Totals) -> Result<bool, Violation> {
    let mut difference = on_ground(scene)?;
    for entity in (0..scene.places.len()).filter_map(|n| scene.entity(n)).collect::<Vec<_>>() {
        if let Some(Ok(there)) = scene.contents(entity) {
            add(&mut difference, there.stacks());
        }
    }
    let inventories = scene.oracle.totals(scene.oracle.inventories.keys());
    for (kind, count) in inventories.iter().chain(&scene.oracle.ground).chain(adjust) {
        *difference.entry(*kind).or_default() -= count;
    }
    Ok(by_item(&difference).values().all(|count| *count == 0))
}

/// Returns the number of items in an inventory.
fn count(oracle: &Oracle, entity: Entity) -> u64 {
    let stacks = oracle.inventories.get(&entity).into_iter().flat_map(PlainInventory::stacks);
    stacks.map(|stack| u64::from(stack.count)).sum()
}

/// Lists the slots in which an inventory differs from what is expected.
pub(super) fn compare(expected: Option<&PlainInventory>, there: &PlainInventory) -> String {
    let Some(expected) = expected else { return "it should not exist".into() };
    let mut differences = Vec::new();
    if expected.selected != there.selected {
        differences.push(format!("selected {:?}, not {:?}", there.selected, expected.selected));
    }
    let structure = |inventory: &PlainInventory| {
        inventory.containers.iter().map(|c| (c.kind, c.cells.len())).collect::<Vec<_>>()
    };
    if structure(expected) != structure(there) {
        differences.push(format!(
            "containers {:?}, not {:?}",
            structure(there),
            structure(expected)
        ));
    }
    for (a, b) in expected.containers.iter().zip(&there.containers) {
        for (slot, (expected, there)) in a.cells.iter().zip(&b.cells).enumerate() {
            if expected != there {
                let kind = a.kind;
                differences
                    .push(format!("container {kind}, slot {slot}: {there:?}, not {expected:?}"));
            }
        }
    }
    differences.join("; ")
}

fn smelt(scene: &mut Scene, furnace: Entity) -> bool {
    let (from, to) = (ContainerKey::of(Furnace::NAME), ContainerKey::of(Tray::NAME));
    scene.oracle.smelt(furnace, from, to)
}

/// Records that a furnace has smelted one ore, and checks that it was not too early.
fn note_smelted(scene: &mut Scene) -> Result<(), Violation> {
    match scene.smelting.smelt(scene.sim.tick()) {
        true => Ok(()),
        false => Err("the furnace smelts too fast".into()),
    }
}

/// Adds up numbers of items, whatever their wear and data.
fn by_item(totals: &Totals) -> Totals {
    let mut sums = Totals::default();
    for ((item, ..), count) in totals {
        *sums.entry((*item, 0, None)).or_default() += count;
    }
    sums
}

/// Adds up what lies on the ground.
pub(super) fn on_ground(scene: &mut Scene) -> Result<Totals, Violation> {
    let world = scene.sim.server.world_mut();
    let mut loot = world.query_filtered::<Entity, With<Loot>>();
    let loot: Vec<Entity> = loot.iter(world).collect();
    let mut totals = Totals::default();
    for entity in loot {
        let Some(there) = scene.contents(entity) else { continue };
        let there = there.map_err(|data| format!("loot: no data {data:?}"))?;
        add(&mut totals, there.stacks());
    }
    Ok(totals)
}
