//! Items in an offer, at a workbench or in a parcel belong to a player. They are not lost or doubled when the player
//! leaves at any time, whatever the game forgets.

use crate::common::*;
use std::collections::BTreeMap;

/// What the game has saved, by player.
#[derive(Resource, Default)]
struct Saves(BTreeMap<InventoryId, SavedInventory>);

/// Saves a player that leaves, and removes it from the world.
fn save_and_remove(
    left: On<Remove, Owner>,
    ids: Query<&InventoryId, With<Hotbar>>,
    inventories: Inventories,
    mut saves: ResMut<Saves>,
    mut commands: Commands,
) {
    let Ok(id) = ids.get(left.entity) else { return };
    saves.0.insert(*id, inventories.save(left.entity).unwrap());
    commands.entity(left.entity).try_despawn();
}

fn set_up(app: &mut App) {
    setup(app);
    app.init_resource::<Saves>().add_observer(save_and_remove);
}

/// A player with ten coins in an offer, and a bag with room or without.
fn scene(full: bool) -> (Simulation, Entity, Entity) {
    let Scene { mut pair, player_entity, .. } =
        Scene::with_setup(1, set_up).players(1).carried(0, TORCH.stack(3)).build();
    pair.server.insert_resource(ItemAudit::Strict);
    let viewers = viewer(pair.client_id(0), Rights::USE);
    let offer = (chest(1), Inventory::new(4), viewers, ReturnsTo { to: player_entity });
    let offer = pair.server.world_mut().spawn(offer).id();
    inventory(&mut pair, offer).set(1, COIN.stack(10)).unwrap();
    if full {
        for slot in 1..27 {
            inventory(&mut pair, player_entity).set(slot, AXE.stack(1)).unwrap();
        }
        for slot in 0..9 {
            hotbar(&mut pair, player_entity).set(slot, AXE.stack(1)).unwrap();
        }
    }
    pair.settle(30);
    (pair, player_entity, offer)
}

/// The number of coins in saves, in inventories of the world, and on the ground.
fn coins(pair: &mut Simulation) -> (u32, u64, u64) {
    let saves = &pair.server.world().resource::<Saves>().0;
    let stacks = saves.values().flat_map(|save| {
        save.containers.iter().flat_map(|container| &container.slots).chain(&save.returned)
    });
    let saved = stacks.filter(|stack| stack.item == "coin").map(|stack| stack.count).sum();
    let world = pair.server.world_mut();
    let mut all = world.query::<(&Inventory, Has<bevy_inventory_sync::prelude::Loot>)>();
    let (mut held, mut dropped) = (0, 0);
    for (inventory, is_loot) in all.iter(world) {
        *(if is_loot { &mut dropped } else { &mut held }) += inventory.count(COIN);
    }
    (saved, held, dropped)
}

#[test]
fn player_that_leaves_is_saved_with_what_was_in_its_offer() {
    for full in [false, true] {
        let (mut pair, ..) = scene(full);
        pair.disconnect(0);
        pair.settle(30);
        let expected = if full { (0, 0, 10) } else { (10, 0, 0) };
        assert_eq!(coins(&mut pair), expected, "full: {full}");
    }
}

#[test]
fn offer_that_is_removed_returns_its_items() {
    type Remove = fn(&mut World, Entity);
    let ways: [(&str, Remove); 3] = [
        ("despawned", |world, offer| assert!(world.despawn(offer))),
        ("no longer returns", |world, offer| {
            world.entity_mut(offer).remove::<ReturnsTo>();
        }),
        ("returns to another", |world, offer| {
            let other = world.spawn((chest(2), Inventory::new(3))).id();
            world.entity_mut(offer).insert(ReturnsTo { to: other });
        }),
    ];
    for (name, remove) in ways {
        for full in [false, true] {
            let (mut pair, player, offer) = scene(full);
            remove(pair.server.world_mut(), offer);
            pair.settle(30);
            assert_eq!(
                inventory(&mut pair, player).count(COIN),
                if full { 0 } else { 10 },
                "{name}"
            );
            let expected = if full { (0, 0, 10) } else { (0, 10, 0) };
            assert_eq!(coins(&mut pair), expected, "{name}, full: {full}");
            let wrong = pair.server.world().resource::<Messages<UnaccountedItems>>();
            assert_eq!(wrong.iter_current_update_messages().count(), 0, "{name}");
        }
    }
}

#[test]
fn items_share_the_fate_of_a_body_that_is_despawned() {
    let (mut pair, player, offer) = scene(false);
    // The game does not save this one.
    pair.server.world_mut().entity_mut(player).remove::<Hotbar>();
    pair.settle(30);
    pair.server.world_mut().despawn(player);
    pair.settle(30);
    assert_eq!(coins(&mut pair), (0, 0, 0), "removed with the body, and not left in the offer");
    assert!(pair.server.world().get::<ReturnsTo>(offer).is_none());
}

#[test]
fn save_during_a_trade_includes_the_offer_and_a_load_returns_it() {
    for full in [false, true] {
        let (mut pair, player_entity, _) = scene(full);
        let save = with_inventories(&mut pair.server, move |inv| inv.save(player_entity)).unwrap();
        let text = ron::to_string(&save).unwrap();
        // The server crashes. The offer is gone.
        let mut app = Simulation::app(set_up);
        let body = app.world_mut().spawn((player(0), Inventory::default(), Hotbar::default())).id();
        app.update();
        let save: SavedInventory = ron::from_str(&text).unwrap();
        with_inventories(&mut app, move |inv| inv.load(body, &save)).unwrap();
        app.update();
        let loaded = app.world().get::<Inventory>(body).unwrap().count(COIN);
        assert_eq!(loaded, if full { 0 } else { 10 });
        let mut loot = app
            .world_mut()
            .query_filtered::<&Inventory, With<bevy_inventory_sync::prelude::Loot>>();
        let dropped: u64 = loot.iter(app.world()).map(|loot| loot.count(COIN)).sum();
        assert_eq!(dropped, if full { 10 } else { 0 });
    }
}

#[test]
fn unknown_items_of_an_offer_are_kept_until_they_are_known_again() {
    let mut app = Simulation::app(set_up);
    let body = app.world_mut().spawn((player(0), Inventory::default(), Hotbar::default())).id();
    app.update();
    let mut save = with_inventories(&mut app, move |inv| inv.save(body)).unwrap();
    let mut gem = bevy_inventory_sync::model::saved::SavedStack {
        slot: 0,
        item: "gem_of_a_mod".into(),
        count: 3,
        wear: 0,
        data: None,
    };
    save.returned.push(gem.clone());
    gem.item = "coin".into();
    save.returned.push(gem);
    with_inventories(&mut app, move |inv| inv.load(body, &save)).unwrap();
    app.update();
    assert_eq!(app.world().get::<Inventory>(body).unwrap().count(COIN), 3);
    let again = with_inventories(&mut app, move |inv| inv.save(body)).unwrap();
    let left: Vec<_> = again.returned.iter().map(|stack| stack.item.as_str()).collect();
    assert_eq!(left, ["gem_of_a_mod"]);
}

#[test]
fn second_login_of_an_account_cannot_load_or_save_the_same_inventory() {
    let mut app = Simulation::app(setup);
    let body = (player(0), Inventory::default(), Hotbar::default());
    let first = app.world_mut().spawn(body.clone()).id();
    app.world_mut().get_mut::<Inventory>(first).unwrap().set(0, COIN.stack(100)).unwrap();
    app.update();
    let save = with_inventories(&mut app, move |inv| inv.save(first)).unwrap();
    let second = app.world_mut().spawn(body).id();
    let again = save.clone();
    let loaded = with_inventories(&mut app, move |inv| inv.load(second, &again));
    assert_eq!(loaded, Err(InventoryError::DuplicateId { entity: second, first }));
    assert_eq!(app.world().get::<Inventory>(second).unwrap().count(COIN), 0);
    app.update();
    let saved = with_inventories(&mut app, move |inv| inv.save(second));
    assert_eq!(saved, Err(InventoryError::DuplicateId { entity: second, first }));
    // Once the first one is gone, the second one is the player's.
    app.world_mut().despawn(first);
    app.update();
    with_inventories(&mut app, move |inv| inv.load(second, &save)).unwrap();
    assert_eq!(app.world().get::<Inventory>(second).unwrap().count(COIN), 100);
}

#[test]
fn what_does_not_fit_is_dropped_at_the_player() {
    #[derive(Resource, Default)]
    struct By(Vec<Option<Entity>>);
    for leaves in [false, true] {
        let (mut pair, player, offer) = scene(true);
        pair.server
            .init_resource::<By>()
            .add_observer(|dropped: On<Dropped>, mut by: ResMut<By>| by.0.push(dropped.by));
        if leaves {
            pair.disconnect(0);
        } else {
            pair.server.world_mut().despawn(offer);
        }
        pair.settle(30);
        assert_eq!(pair.server.world().resource::<By>().0, [Some(player)], "leaves: {leaves}");
    }
}
