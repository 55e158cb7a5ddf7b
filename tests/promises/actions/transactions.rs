//! The `Inventories` parameter works on all containers of an entity, within the limits, all or nothing.

use crate::common::*;

fn app_with(stacks: &[(Slot, Stack)]) -> (App, Entity) {
    let mut app = Simulation::app(setup);
    let bundle = (player(0), Inventory::new(3), Hotbar::new(2), Equipment(Slots::new(1)));
    let entity = app.world_mut().spawn(bundle).id();
    for (slot, stack) in stacks.iter().copied() {
        put(&mut app, entity, slot, stack);
    }
    (app, entity)
}

fn put(app: &mut App, entity: Entity, slot: Slot, stack: Stack) {
    with_inventories(app, move |inv| {
        inv.transact(|tx| tx.put_into(entity, slot, stack)).unwrap();
    });
}

fn get(app: &mut App, entity: Entity, slot: Slot) -> Option<Stack> {
    with_inventories(app, move |inv| inv.get(entity, slot))
}

#[test]
fn give_respects_limits_and_filters_and_returns_the_rest() {
    let (mut app, entity) = app_with(&[(Hotbar::slot(1), TORCH.stack(60))]);
    let (fits, rest) = with_inventories(&mut app, move |inv| {
        (inv.fits(entity, TORCH.stack(1000)), inv.insert_up_to(entity, TORCH.stack(1000)))
    });
    assert_eq!(fits, 4 + 4 * 64);
    assert_eq!(rest.into_stack(), Some(TORCH.stack(1000 - fits)));
    assert_eq!(with_inventories(&mut app, move |inv| inv.count(entity, TORCH)), 5 * 64);
    let boots = with_inventories(&mut app, move |inv| inv.insert_up_to(entity, BOOTS.stack(1)));
    assert_eq!(boots.into_stack(), Some(BOOTS.stack(1)), "equipment is not filled automatically");
    let mystery = ItemId::of("mystery").stack(1);
    let unknown = with_inventories(&mut app, move |inv| inv.insert_up_to(entity, mystery));
    assert_eq!(unknown.into_stack(), Some(mystery));
    let nobody = app.world_mut().spawn_empty().id();
    let lost = with_inventories(&mut app, move |inv| inv.insert_up_to(nobody, TORCH.stack(2)));
    assert_eq!(lost.into_stack(), Some(TORCH.stack(2)));
}

#[test]
fn take_is_exact_or_nothing() {
    let stacks = [(Inventory::slot(0), TORCH.stack(3)), (Hotbar::slot(0), TORCH.stack(4))];
    let (mut app, entity) = app_with(&stacks);
    let error = with_inventories(&mut app, move |inv| inv.take(entity, TORCH, 8)).unwrap_err();
    let expected = InventoryError::NotEnough { entity, item: TORCH, have: 7, wanted: 8 };
    assert_eq!(error, expected);
    assert!(error.to_string().contains("holds 7"), "{error}");
    assert_eq!(get(&mut app, entity, Hotbar::slot(0)), Some(TORCH.stack(4)));
    let taken = with_inventories(&mut app, move |inv| inv.take(entity, TORCH, 5)).unwrap();
    assert_eq!(taken, [TORCH.stack(4), TORCH.stack(1)]);
    assert_eq!(get(&mut app, entity, Inventory::slot(0)), Some(TORCH.stack(2)));
    let all = with_inventories(&mut app, move |inv| inv.take_if(entity, |_| true)).unwrap();
    assert_eq!(all, [TORCH.stack(2)]);
}

#[test]
fn transaction_over_two_inventories_is_all_or_nothing() {
    let (mut app, alice) = app_with(&[(Inventory::slot(0), AXE.stack(1))]);
    let bob = app.world_mut().spawn((player(1), Inventory::new(1))).id();
    put(&mut app, bob, Inventory::slot(0), COIN.stack(10));
    let trade = move |price: u32| {
        move |inv: &mut Inventories| {
            inv.transact(|tx| {
                tx.take(alice, AXE, 1)?;
                tx.take(bob, COIN, price)?;
                tx.insert(alice, COIN.stack(price))?;
                tx.insert(bob, AXE.stack(1))
            })
        }
    };
    assert!(matches!(
        with_inventories(&mut app, trade(11)).unwrap_err(),
        InventoryError::NotEnough { have: 10, wanted: 11, .. }
    ));
    // Nine coins leave one in the only slot, so the axe has no room.
    assert!(matches!(
        with_inventories(&mut app, trade(9)).unwrap_err(),
        InventoryError::Full { left: 1, .. }
    ));
    assert_eq!(get(&mut app, alice, Inventory::slot(0)), Some(AXE.stack(1)));
    assert_eq!(get(&mut app, bob, Inventory::slot(0)), Some(COIN.stack(10)));
    with_inventories(&mut app, trade(10)).unwrap();
    assert_eq!(get(&mut app, alice, Inventory::slot(0)), Some(COIN.stack(10)));
    assert_eq!(get(&mut app, bob, Inventory::slot(0)), Some(AXE.stack(1)));
}

#[test]
fn failed_step_leaves_no_change_when_the_transaction_continues() {
    let stacks = [(Inventory::slot(0), TORCH.stack(5)), (Inventory::slot(1), AXE.stack(1))];
    let (mut app, entity) = app_with(&stacks);
    with_inventories(&mut app, move |inv| {
        inv.transact(|tx| {
            let to_boots = (entity, Equipment::slot(0));
            assert!(tx.move_slot((entity, Inventory::slot(0)), to_boots, None).is_err());
            assert!(
                tx.move_slot((entity, Inventory::slot(0)), (entity, Inventory::slot(1)), Some(2))
                    .is_err()
            );
            Ok(())
        })
        .unwrap();
    });
    assert_eq!(get(&mut app, entity, Inventory::slot(0)), Some(TORCH.stack(5)));
    assert_eq!(get(&mut app, entity, Inventory::slot(1)), Some(AXE.stack(1)));
}

#[test]
fn unknown_item_is_an_error_even_if_nothing_fits() {
    let item = ItemId::of("not in the catalog");
    for slots in [0, 3] {
        let (mut app, _) = app_with(&[]);
        let entity = app.world_mut().spawn((chest(7), Inventory::new(slots))).id();
        let inserted = with_inventories(&mut app, move |all| all.insert(entity, item.stack(1)));
        assert_eq!(inserted, Err(InventoryError::UnknownItem { item }), "{slots} slots");
    }
}

#[test]
fn slot_out_of_range_is_an_error() {
    let (mut app, entity) = app_with(&[]);
    for slot in [Inventory::slot(3), Hotbar::slot(2), Inventory::slot(255), Inventory::slot(65535)]
    {
        let error = with_inventories(&mut app, move |inv| inv.take_from(entity, slot, None));
        assert_eq!(error, Err(InventoryError::NoSuchSlot { entity, slot }));
    }
    assert!(matches!(
        with_inventories(&mut app, move |inv| inv.take_from(entity, Inventory::slot(0), Some(1))),
        Err(InventoryError::Slot { error: SlotError::Empty { slot: 0 }, .. })
    ));
}

#[test]
fn calls_in_one_tick_are_one_commit() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    let before = stats(&pair.server).commits;
    with_inventories(&mut pair.server, move |inv| {
        inv.insert_up_to(entity, TORCH.stack(100)).discard();
        inv.transact(|tx| tx.select(entity, Hotbar::slot(7))).unwrap();
        inv.transact(|tx| {
            tx.move_slot((entity, Inventory::slot(0)), (entity, Hotbar::slot(7)), Some(1))
        })
        .unwrap();
        inv.transact(|tx| tx.sort(entity, ContainerKey::of(Inventory::NAME))).unwrap();
    });
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    assert_eq!(stats(&pair.server).commits - before, 1);
    let world = pair.clients[0].app.world_mut();
    assert_eq!(world.query::<&Hotbar>().single(world).unwrap().held(), Some(TORCH.stack(1)));
}

#[test]
fn worn_items_are_taken_last() {
    let (slot, worn) = (Inventory::slot, AXE.stack(1).with_wear(9));
    let (mut app, entity) =
        app_with(&[(slot(0), AXE.stack(1)), (slot(1), worn), (slot(2), AXE.stack(1))]);
    let take = |app: &mut App| with_inventories(app, move |inv| inv.take(entity, AXE, 1)).unwrap();
    assert_eq!(take(&mut app), [AXE.stack(1)]);
    assert_eq!(get(&mut app, entity, slot(2)), None, "the last plain one");
    assert_eq!(take(&mut app), [AXE.stack(1)]);
    assert_eq!(take(&mut app), [worn]);
}

#[test]
fn failed_move_area_keeps_the_stack() {
    let mut app = Simulation::app(setup);
    let from = app.world_mut().spawn((player(0), Inventory::default())).id();
    let to = app.world_mut().spawn((chest(1), Hotbar::default())).id();
    app.world_mut().get_mut::<Inventory>(from).unwrap().set(0, TORCH.stack(9)).unwrap();
    app.update();
    with_inventories(&mut app, move |inventories| {
        inventories
            .transact(|tx| {
                // The chest has only a hotbar.
                let first = tx.move_area(from, ContainerRef::of::<Inventory>(to));
                assert!(first.is_err());
                Ok(())
            })
            .unwrap();
    });
    assert_eq!(app.world().get::<Inventory>(from).unwrap().count(TORCH), 9);
}
