//! What a game gets wrong is named, and the rest of the game goes on.

use super::*;

#[derive(Resource, Default)]
struct Faults(Vec<InventoryFault>);

fn pair_with_faults(clients: usize) -> Pair {
    Pair::new(clients, |app| {
        setup(app);
        app.init_resource::<Faults>().add_systems(
            Last,
            |mut reader: MessageReader<InventoryFault>, mut faults: ResMut<Faults>| {
                faults.0.extend(reader.read().copied());
            },
        );
    })
}

fn faults(pair: &Pair) -> &[InventoryFault] {
    &pair.server.world().resource::<Faults>().0
}

#[test]
fn an_unknown_item_is_a_fault_and_viewers_go_on_seeing_what_was_there() {
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
fn a_count_above_the_stack_limit_is_a_fault_and_is_synced_as_it_is() {
    let mut pair = pair_with_faults(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    inventory(&mut pair, entity).set(0, TORCH.stack(65)).unwrap();
    inventory(&mut pair, entity).set(1, TORCH.stack(u32::MAX)).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    assert_eq!(faults(&pair).len(), 2);
    let text = faults(&pair)[0].to_string();
    assert!(text.ends_with("inventory[0] holds 65 of torch, of which 64 stack"), "{text}");
    inventory(&mut pair, entity).split(1, u32::MAX - 1).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
}

#[test]
fn a_duplicate_id_is_a_fault_and_the_second_waits_until_the_first_is_gone() {
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
fn a_duplicate_that_takes_another_id_is_synced() {
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
fn an_inventory_without_an_id_gets_one() {
    let mut pair = pair_with_faults(1);
    let owner = Owner(pair.client_id(0));
    let entity = pair.server.world_mut().spawn((Inventory::new(3), owner)).id();
    pair.steps(3);
    let id = *pair.server.world().get::<InventoryId>(entity).unwrap();
    assert_same(&pair, 0, id);
}

#[test]
fn a_catalogue_that_differs_is_explained_on_both_sides() {
    let mut pair = pair(1);
    let stranger = pair.add_client(|app| {
        setup(app);
        app.insert_items(Items::<()>::from_ron(r#"(items: [(key: "torch")])"#).unwrap());
    });
    pair.connect(stranger);
    spawn_player(&mut pair, stranger);
    pair.steps(10);
    let SyncState::Refused(mismatch) = *pair.clients[stranger].app.world().resource::<SyncState>()
    else {
        panic!("the client was not refused");
    };
    let text = mismatch.to_string();
    assert!(text.contains("the server has 4 items") && text.contains("the client 1"), "{text}");
    let id = pair.client_id(stranger);
    let refused = pair.server.world().resource::<Messages<SyncRefused>>();
    let refused: Vec<_> = refused.iter_current_update_messages().collect();
    assert!(refused.iter().all(|refusal| refusal.peer == id && refusal.mismatch == mismatch));
    assert!(pair.shown::<Inventory>(stranger, player(1)).is_none());
    let up = bytes_up(&pair, stranger);
    pair.steps(600);
    assert_eq!(bytes_up(&pair, stranger), up, "it does not ask again");
}

#[test]
fn containers_that_differ_are_explained() {
    let mut pair = pair(0);
    let stranger = pair.add_client(|app| {
        app.insert_items(Items::<()>::from_ron(ITEMS).unwrap()).add_public_view::<HeldItem>();
    });
    pair.connect(stranger);
    pair.steps(10);
    let state = *pair.clients[stranger].app.world().resource::<SyncState>();
    let SyncState::Refused(mismatch) = state else { panic!("{state:?}") };
    assert!(mismatch.to_string().contains("the server has 3 "), "{mismatch}");
}

#[test]
#[should_panic(expected = "container `inventory` is registered twice")]
fn a_container_name_that_is_taken_is_refused_at_start() {
    let _ = Pair::app(|app| {
        app.add_container::<Inventory>();
    });
}
