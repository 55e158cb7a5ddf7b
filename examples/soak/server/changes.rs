//! Random changes by the server: what the code of a game, other players and machines do to inventories.

use bevy::prelude::*;
use bevy_inventory_sync::{
    features::{pages::PageOf, tabs::Tabs},
    prelude::*,
};

use crate::game::{Dice, Engraving};

use super::{
    ledger::ItemsMade,
    players::Player,
    world::{Locked, Shared},
};

/// Items that the server creates, with the number at which it destroys some instead.
const STOCK: [(&str, i64); 8] = [
    ("coal", 700),
    ("stick", 700),
    ("torch", 700),
    ("gold", 2500),
    ("apple", 200),
    ("bread", 200),
    ("ring", 850),
    ("sword", 40),
];

/// Inventories above this size are not resized.
const RESIZED_MAX: usize = 36;

type Place = Or<(With<Player>, With<Shared>, With<PageOf>)>;

/// Makes one change.
pub fn change(world: &mut World) -> Result {
    let number = world.resource_mut::<Dice>().0.u8(..100);
    match number {
        0..30 => create_or_destroy(world),
        30..55 => transfer(world),
        55..65 => wear_or_engrave(world),
        65..75 => swap(world),
        75..85 => world.run_system_cached(change_viewers).map_err(Into::into),
        85..90 => world.run_system_cached(lock_or_unlock).map_err(Into::into),
        90..94 => drop_stack(world),
        94..97 => world.run_system_cached(resize).map_err(Into::into),
        _ => world.run_system_cached(rename_tab).map_err(Into::into),
    }
}

fn random_place(world: &mut World) -> Option<Entity> {
    let places: Vec<Entity> = world.query_filtered::<Entity, Place>().iter(world).collect();
    world.resource_mut::<Dice>().pick(&places)
}

type Filled = (Entity, Slot, Stack);

/// Returns a random filled slot; with an item, one that contains it.
fn random_stack(world: &mut World, item: Option<ItemId>) -> Option<Filled> {
    let mut places = world.query_filtered::<(Entity, Option<&Inventory>, Option<&Hotbar>), Place>();
    let mut by_place: Vec<Vec<Filled>> = Vec::new();
    for (entity, inventory, hotbar) in places.iter(world) {
        let inventory = inventory.into_iter().flat_map(|slots| slots.iter());
        let inventory = inventory.map(|(index, stack)| (entity, Inventory::slot(index), stack));
        let hotbar = hotbar.into_iter().flat_map(|slots| slots.iter());
        let hotbar = hotbar.map(|(index, stack)| (entity, Hotbar::slot(index), stack));
        let wanted = |(_, _, stack): &Filled| item.is_none_or(|item| item == stack.item);
        by_place.push(inventory.chain(hotbar).filter(wanted).collect());
    }
    by_place.retain(|stacks| !stacks.is_empty());
    let dice = &mut world.resource_mut::<Dice>().0;
    // First the place: otherwise nearly all stacks would be from the warehouse.
    let stacks = dice.choice(&by_place)?;
    dice.choice(stacks).copied()
}

fn create_or_destroy(world: &mut World) -> Result {
    let (key, stock) = world.resource_mut::<Dice>().pick(&STOCK).unwrap_or(STOCK[0]);
    let item = ItemId::of(key);
    let count = world.resource_mut::<Dice>().0.u32(1..=12);
    if world.resource::<ItemsMade>().of(item) < stock {
        if let Some(place) = random_place(world) {
            world.run_system_cached_with(create, (place, item.stack(count)))?;
        }
    } else if let Some((place, slot, stack)) = random_stack(world, Some(item)) {
        let () = world.run_system_cached_with(destroy, (place, slot, count.min(stack.count())))?;
    }
    Ok(())
}

fn create(
    In((place, stack)): In<(Entity, Stack)>,
    mut inventories: Inventories,
    mut made: ResMut<ItemsMade>,
) {
    let left = inventories.insert_up_to(place, stack).into_stack();
    let left = left.map_or(0, |left| left.count());
    made.add(stack.item, i64::from(stack.count() - left));
}

fn destroy(
    In((place, slot, count)): In<(Entity, Slot, u32)>,
    mut inventories: Inventories,
    mut made: ResMut<ItemsMade>,
) -> Result {
    made.remove(inventories.take_from(place, slot, Some(count))?);
    Ok(())
}

/// Moves a stack, with its instance data.
fn transfer(world: &mut World) -> Result {
    if let Some((from, slot, _)) = random_stack(world, None)
        && let Some(to) = random_place(world)
    {
        world.run_system_cached_with(move_stack, (from, slot, to))?;
    }
    Ok(())
}

fn move_stack(In((from, slot, to)): In<(Entity, Slot, Entity)>, mut inventories: Inventories) {
    let moved = inventories.transact(|tx| {
        let stack = tx.take_from(from, slot, None)?;
        tx.insert(to, stack)
    });
    // Without room, nothing has changed.
    moved.ok();
}

fn drop_stack(world: &mut World) -> Result {
    if let Some((from, slot, _)) = random_stack(world, None) {
        let () = world.run_system_cached_with(drop_from, (from, slot))?;
    }
    Ok(())
}

fn drop_from(In((from, slot)): In<(Entity, Slot)>, mut inventories: Inventories) -> Result {
    inventories.transact(|tx| {
        let stack = tx.take_from(from, slot, None)?;
        tx.drop(stack);
        Ok(())
    })?;
    Ok(())
}

/// Writes to a slot without the help of the crate.
fn wear_or_engrave(world: &mut World) -> Result {
    let item = world.resource_mut::<Dice>().pick(&["ring", "sword"]).map(ItemId::of);
    let Some((place, slot, stack)) = random_stack(world, item) else { return Ok(()) };
    let number = world.resource_mut::<Dice>().0.u16(..500);
    let stack = if number.is_multiple_of(2) {
        stack.with_wear(number)
    } else {
        let text = Engraving(format!("by the server, number {number}"));
        stack.with_data(world.resource_mut::<DataPool>().insert(&text)?)
    };
    if let Some(index) = slot.index_in::<Inventory>()
        && let Some(mut inventory) = world.get_mut::<Inventory>(place)
    {
        inventory.set(index, stack)?;
    }
    Ok(())
}

fn swap(world: &mut World) -> Result {
    let Some(place) = random_place(world) else { return Ok(()) };
    world.resource_scope(|world, mut dice: Mut<Dice>| {
        if let Some(mut inventory) = world.get_mut::<Inventory>(place) {
            let len = inventory.len();
            inventory.swap(dice.0.usize(..len), dice.0.usize(..len))?;
        }
        Ok(())
    })
}

/// Shows an inventory to a player, hides it, or changes the player's rights.
fn change_viewers(
    players: Query<&Owner, With<Player>>,
    mut shared: Query<&mut Viewers, With<Shared>>,
    mut dice: ResMut<Dice>,
) {
    let players: Vec<Owner> = players.iter().copied().collect();
    let Some(player) = dice.pick(&players) else { return };
    let at = dice.0.usize(..shared.iter().count().max(1));
    let Some(mut viewers) = shared.iter_mut().nth(at) else { return };
    if viewers.rights_of(player.0).is_some() && dice.0.bool() {
        viewers.remove(player.0);
    } else {
        let rights = [Rights::USE, Rights::SEE, Rights::PUT, Rights::TAKE];
        viewers.add(player.0, dice.pick(&rights).unwrap_or_default());
    }
}

fn lock_or_unlock(
    shared: Query<(Entity, Has<Locked>), With<Shared>>,
    mut dice: ResMut<Dice>,
    mut commands: Commands,
) {
    let shared: Vec<_> = shared.iter().collect();
    match dice.pick(&shared) {
        Some((chest, true)) => drop(commands.entity(chest).remove::<Locked>()),
        // Only few at a time.
        Some((chest, false)) if shared.iter().filter(|(_, locked)| *locked).count() < 2 => {
            commands.entity(chest).insert(Locked);
        }
        _ => {}
    }
}

fn resize(mut shared: Query<&mut Inventory, With<Shared>>, mut dice: ResMut<Dice>) {
    let at = dice.0.usize(..shared.iter().count().max(1));
    let Some(mut inventory) = shared.iter_mut().nth(at) else { return };
    let len = inventory.len();
    let last_is_free = inventory.get(len - 1).is_none();
    if len < RESIZED_MAX && dice.0.bool() {
        inventory.resize(len + 1).clear();
    } else if (9..=RESIZED_MAX).contains(&len) && last_is_free {
        inventory.resize(len - 1).clear();
    }
}

fn rename_tab(mut banks: Query<&mut Tabs>, mut dice: ResMut<Dice>) {
    for mut tabs in &mut banks {
        tabs.rename(dice.0.u32(..4), format!("Page with number {}", dice.0.u16(..)));
    }
}
