//! Mistakes of a game are reported as faults, and everything else stays in sync.

use crate::common::*;

#[derive(Resource, Default)]
struct Faults(Vec<InventoryFault>);

fn pair_with_faults(clients: usize) -> Simulation {
    Simulation::new(clients, |app| {
        setup(app);
        app.init_resource::<Faults>().add_systems(
            Last,
            |mut reader: MessageReader<InventoryFault>, mut faults: ResMut<Faults>| {
                faults.0.extend(reader.read().copied());
            },
        );
    })
}

fn faults(pair: &Simulation) -> &[InventoryFault] {
    &pair.server.world().resource::<Faults>().0
}

#[test]
fn unknown_item_is_a_fault_and_viewers_keep_the_old_contents() {
    let mut pair = pair_with_faults(1);
    let entity = spawn_player(&mut pair, 0);
    inventory(&mut pair, entity).set(3, TORCH.stack(2)).unwrap();
    pair.steps(3);
    let mystery = ItemId::of("mystery");
    inventory(&mut pair, entity).set(3, mystery.stack(1)).unwrap();
    inventory(&mut pair, entity).set(4, AXE.stack(1)).unwrap();
    pair.steps(3);
    let expected = InventoryFault::UnknownItem {
        inventory: player(0),
        slot: Inventory::slot(3),
        item: mystery,
    };
    assert_eq!(faults(&pair), [expected]);
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap();
    assert_eq!((shown.get(3), shown.get(4)), (Some(TORCH.stack(2)), Some(AXE.stack(1))));
    inventory(&mut pair, entity).set(3, AXE.stack(1)).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
}

#[test]
fn count_above_the_stack_limit_is_a_fault_and_is_synced() {
    let mut pair = pair_with_faults(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    inventory(&mut pair, entity).set(0, TORCH.stack(65)).unwrap();
    inventory(&mut pair, entity).set(1, TORCH.stack(u32::MAX)).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    assert_eq!(faults(&pair).len(), 2);
    let text = faults(&pair)[0].to_string();
    assert!(text.ends_with("inventory[0] contains 65 of torch, the maximum is 64"), "{text}");
    inventory(&mut pair, entity).split(1, u32::MAX - 1).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
}

#[test]
fn duplicate_id_is_a_fault_until_the_first_is_gone() {
    let mut pair = pair_with_faults(1);
    let first = spawn_chest(&mut pair, 1, &[0]);
    pair.steps(3);
    let second = spawn_chest(&mut pair, 1, &[0]);
    inventory(&mut pair, second).set(0, AXE.stack(1)).unwrap();
    inventory(&mut pair, first).set(1, TORCH.stack(1)).unwrap();
    pair.steps(3);
    assert_eq!(faults(&pair), [InventoryFault::DuplicateId { inventory: chest(1), first, second }]);
    assert!(pair.server.world().get::<Unsynced>(second).is_some());
    assert_same(&pair, 0, chest(1));
    pair.server.world_mut().despawn(first);
    pair.steps(3);
    assert!(pair.server.world().get::<Unsynced>(second).is_none());
    assert_eq!(pair.shown::<Inventory>(0, chest(1)).unwrap().get(0), Some(AXE.stack(1)));
    assert_same(&pair, 0, chest(1));
}

#[test]
fn duplicate_with_a_new_id_is_synced() {
    let mut pair = pair_with_faults(1);
    spawn_chest(&mut pair, 1, &[0]);
    let second = spawn_chest(&mut pair, 1, &[0]);
    pair.steps(3);
    pair.server.world_mut().entity_mut(second).insert(chest(2));
    pair.steps(3);
    assert_same(&pair, 0, chest(1));
    assert_same(&pair, 0, chest(2));
}

#[test]
fn too_many_slots_are_a_fault_until_there_are_fewer() {
    let mut pair = pair_with_faults(1);
    let entity = spawn_chest(&mut pair, 1, &[0]);
    pair.steps(3);
    let nothing = inventory(&mut pair, entity).resize(9000);
    assert!(nothing.is_empty());
    pair.steps(3);
    let fault = InventoryFault::TooManySlots { inventory: chest(1), len: 9000 };
    assert_eq!(faults(&pair), [fault]);
    assert!(pair.shown::<Inventory>(0, chest(1)).is_none());
    let nothing = inventory(&mut pair, entity).resize(8192);
    assert!(nothing.is_empty());
    pair.steps(3);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn inventory_without_an_id_gets_one() {
    let mut pair = pair_with_faults(1);
    let owner = Owner(pair.client_id(0));
    let entity = pair.server.world_mut().spawn((Inventory::new(3), owner)).id();
    pair.steps(3);
    let id = *pair.server.world().get::<InventoryId>(entity).unwrap();
    assert_same(&pair, 0, id);
}

#[test]
#[should_panic(expected = "container `inventory` is registered twice")]
fn container_name_registered_twice_panics() {
    let _ = Simulation::app(|app| {
        app.add_container::<Inventory>();
    });
}

#[test]
fn fault_outlasts_a_change_of_another_container() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    drop(inventory(&mut pair, entity).resize(9000));
    pair.steps(3);
    assert!(pair.server.world().get::<Unsynced>(entity).is_some());
    hotbar(&mut pair, entity).set(0, TORCH.stack(1)).unwrap();
    pair.steps(3);
    assert!(
        pair.server.world().get::<Unsynced>(entity).is_some(),
        "a change of the hotbar cleared the fault"
    );
}

#[test]
fn fault_ends_when_another_container_shrinks() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    drop(inventory(&mut pair, entity).resize(8183)); // 8183 + 9 = 8192 fits
    pair.steps(3);
    drop(hotbar(&mut pair, entity).slots.resize(20)); // does not
    hotbar(&mut pair, entity).set(15, AXE.stack(1)).unwrap();
    pair.steps(3);
    assert!(pair.server.world().get::<Unsynced>(entity).is_some());
    drop(inventory(&mut pair, entity).resize(27));
    pair.steps(5);
    assert_same(&pair, 0, player(0));
}

#[test]
fn generated_id_avoids_ids_in_use() {
    let mut app = Simulation::app(setup);
    let a = app.world_mut().spawn((InventoryId::sequential(1), Inventory::new(3))).id();
    let b = app.world_mut().spawn(Inventory::new(3)).id();
    app.update();
    assert_ne!(app.world().get::<InventoryId>(a), app.world().get::<InventoryId>(b));
}

#[test]
fn unknown_item_is_not_reported_every_tick() {
    let mut app = Simulation::app(setup);
    #[derive(Resource, Default)]
    struct N(usize);
    app.init_resource::<N>()
        .add_systems(Last, |mut r: MessageReader<InventoryFault>, mut n: ResMut<N>| {
            n.0 += r.read().count()
        });
    let entity = app.world_mut().spawn((chest(1), Inventory::default())).id();
    app.world_mut()
        .get_mut::<Inventory>(entity)
        .unwrap()
        .set(3, ItemId::of("mystery").stack(1))
        .unwrap();
    for n in 0..100 {
        app.world_mut().get_mut::<Inventory>(entity).unwrap().set(0, COIN.stack(n + 1)).unwrap();
        app.update();
    }
    assert!(app.world().resource::<N>().0 < 3, "{} faults", app.world().resource::<N>().0);
}
