//! Every built-in action does what players expect, predicted and applied alike.

use crate::common::*;

/// A player with equipment and an open chest; tests add the contents.
fn scene() -> SceneBuilder {
    Scene::clients(1).players(1).equipment(2).chest([0]).latency(4).without_events()
}

/// Requests an action, and checks that the prediction was right and the server accepted it.
fn assert_accepted(pair: &mut Simulation, action: impl RegisteredAction) {
    ask(pair, 0, action.clone());
    let before: Vec<_> = [player(0), chest(1)]
        .map(|id| (pair.shown::<Inventory>(0, id).cloned(), pair.shown::<Hotbar>(0, id).cloned()))
        .to_vec();
    pair.settle(60);
    let after: Vec<_> = [player(0), chest(1)]
        .map(|id| (pair.shown::<Inventory>(0, id).cloned(), pair.shown::<Hotbar>(0, id).cloned()))
        .to_vec();
    assert_eq!(before, after, "{action:?} was predicted exactly");
    assert_eq!(events(pair, 0).rejected, []);
    assert_eq!(events(pair, 0).confirmed.len(), 1);
    events(pair, 0).clear();
    assert_same(pair, 0, player(0));
    assert_same(pair, 0, chest(1));
}

/// Requests an action, and checks that the client itself rejects it for this reason.
fn assert_rejected(pair: &mut Simulation, action: impl RegisteredAction, reason: Rejection) {
    let sent = bytes_up(pair, 0);
    ask(pair, 0, action.clone());
    pair.settle(60);
    assert_eq!(events(pair, 0).rejected.len(), 1, "{action:?}");
    assert_eq!(events(pair, 0).rejected[0].1, reason, "{action:?}");
    assert_eq!(bytes_up(pair, 0), sent, "invalid actions are not sent");
    assert_eq!(events(pair, 0).slots, []);
    events(pair, 0).clear();
}

fn stacks(
    pair: &Simulation,
    id: InventoryId,
    slots: core::ops::Range<usize>,
) -> Vec<Option<(ItemId, u32)>> {
    let inventory = pair.shown::<Inventory>(0, id).unwrap();
    slots.map(|slot| inventory.get(slot).map(|stack| (stack.item, stack.count()))).collect()
}

#[test]
fn move_splits_merges_and_exchanges() {
    let Scene { mut pair, me, open, .. } = scene()
        .carried(0, TORCH.stack(40))
        .carried(1, TORCH.stack(50))
        .stored(0, AXE.stack(1))
        .build();
    let moving = |from, to, count| InventoryAction::Move { from, to, count };
    assert_accepted(&mut pair, moving(inv(me, 0), inv(me, 5), Some(15)));
    assert_eq!(stacks(&pair, player(0), 0..1), [Some((TORCH, 25))]);
    assert_accepted(&mut pair, moving(inv(me, 5), inv(me, 1), None));
    assert_eq!(stacks(&pair, player(0), 1..2), [Some((TORCH, 64))]);
    assert_eq!(stacks(&pair, player(0), 5..6), [Some((TORCH, 1))], "the rest stays");
    assert_accepted(&mut pair, moving(inv(me, 1), inv(open, 0), None));
    assert_eq!(stacks(&pair, chest(1), 0..1), [Some((TORCH, 64))]);
    assert_eq!(stacks(&pair, player(0), 1..2), [Some((AXE, 1))], "exchanged with the chest");
    assert_accepted(&mut pair, moving(inv(me, 1), inv(me, 1), None));
    assert_rejected(&mut pair, moving(inv(me, 9), inv(me, 1), None), Rejection::Empty);
    assert_rejected(&mut pair, moving(inv(me, 0), inv(me, 1), Some(3)), Rejection::Occupied);
    assert_rejected(&mut pair, moving(inv(me, 0), inv(me, 8), Some(26)), Rejection::NotEnough);
    assert_rejected(&mut pair, moving(inv(me, 0), inv(me, 8), Some(0)), Rejection::Invalid);
    assert_rejected(&mut pair, moving(inv(me, 0), inv(me, 27), None), Rejection::NoSuchSlot);
    let feet = (me, Equipment::slot(0));
    assert_rejected(&mut pair, moving(inv(me, 0), feet, None), Rejection::NotAccepted);
    assert_rejected(
        &mut pair,
        moving((me, Hotbar::slot(9)), inv(me, 0), None),
        Rejection::NoSuchSlot,
    );
    assert_rejected(
        &mut pair,
        moving((open, Hotbar::slot(0)), inv(me, 0), None),
        Rejection::NoSuchSlot,
    );
}

#[test]
fn swap_exchanges_any_contents() {
    let Scene { mut pair, me, .. } = scene()
        .carried(0, TORCH.stack(10))
        .carried(1, TORCH.stack(20))
        .carried(2, BOOTS.stack(1))
        .build();
    assert_accepted(&mut pair, InventoryAction::Swap { a: inv(me, 0), b: inv(me, 1) });
    assert_eq!(stacks(&pair, player(0), 0..2), [Some((TORCH, 20)), Some((TORCH, 10))]);
    assert_accepted(&mut pair, InventoryAction::Swap { a: inv(me, 0), b: (me, Hotbar::slot(4)) });
    assert_accepted(
        &mut pair,
        InventoryAction::Swap { a: inv(me, 2), b: (me, Equipment::slot(0)) },
    );
    assert_rejected(
        &mut pair,
        InventoryAction::Swap { a: inv(me, 5), b: inv(me, 6) },
        Rejection::Empty,
    );
    let a = (me, Equipment::slot(0));
    assert_rejected(&mut pair, InventoryAction::Swap { a, b: inv(me, 1) }, Rejection::NotAccepted);
}

#[test]
fn quick_move_fills_stacks_then_gaps() {
    let Scene { mut pair, me, open, .. } = scene()
        .carried(3, TORCH.stack(30))
        .carried(4, BOOTS.stack(1))
        .stored(7, TORCH.stack(50))
        .in_hotbar(0, COIN.stack(5))
        .build();
    assert_accepted(&mut pair, InventoryAction::QuickMove { from: inv(me, 3), to: open.into() });
    assert_eq!(stacks(&pair, chest(1), 0..1), [Some((TORCH, 16))]);
    assert_eq!(stacks(&pair, chest(1), 7..8), [Some((TORCH, 64))]);
    let to = ContainerRef::of::<Inventory>(me);
    assert_accepted(&mut pair, InventoryAction::QuickMove { from: (me, Hotbar::slot(0)), to });
    assert_eq!(stacks(&pair, player(0), 0..1), [Some((COIN, 5))]);
    assert_accepted(
        &mut pair,
        InventoryAction::QuickMove { from: inv(me, 4), to: ContainerRef::of::<Equipment>(me) },
    );
    assert_eq!(pair.shown::<Equipment>(0, player(0)).unwrap().get(0), Some(BOOTS.stack(1)));
    let to = ContainerRef::of::<Equipment>(me);
    assert_rejected(
        &mut pair,
        InventoryAction::QuickMove { from: inv(me, 0), to },
        Rejection::NotAccepted,
    );
    assert_rejected(
        &mut pair,
        InventoryAction::QuickMove { from: inv(me, 9), to: open.into() },
        Rejection::Empty,
    );
}

#[test]
fn collect_takes_the_smallest_stacks_first() {
    let Scene { mut pair, me, open, .. } = scene()
        .carried(0, TORCH.stack(20))
        .carried(1, TORCH.stack(30))
        .carried(2, TORCH.stack(5))
        .carried(3, TORCH.stack(1).with_wear(3))
        .stored(0, TORCH.stack(10))
        .build();
    let from = vec![me.into(), open.into()];
    assert_accepted(&mut pair, InventoryAction::Collect { onto: inv(me, 0), from });
    let left = [Some((TORCH, 64)), Some((TORCH, 1)), None, Some((TORCH, 1))];
    assert_eq!(stacks(&pair, player(0), 0..4), left, "all but the worn one");
    assert_eq!(stacks(&pair, chest(1), 0..1), [None]);
    let from = vec![me.into()];
    assert_rejected(
        &mut pair,
        InventoryAction::Collect { onto: inv(me, 9), from },
        Rejection::Empty,
    );
    let from = vec![me.into(); 9];
    assert_rejected(
        &mut pair,
        InventoryAction::Collect { onto: inv(me, 0), from },
        Rejection::Invalid,
    );
}

#[test]
fn spread_gives_even_shares_or_one_each() {
    let Scene { mut pair, me, open, .. } = scene()
        .carried(0, TORCH.stack(10))
        .carried(1, AXE.stack(1))
        .stored(0, TORCH.stack(63))
        .build();
    let onto = vec![inv(me, 5), inv(open, 0), inv(me, 6)];
    assert_accepted(&mut pair, InventoryAction::Spread { from: inv(me, 0), onto, each: None });
    assert_eq!(stacks(&pair, player(0), 5..7), [Some((TORCH, 3)), Some((TORCH, 3))]);
    assert_eq!(stacks(&pair, chest(1), 0..1), [Some((TORCH, 64))]);
    assert_eq!(stacks(&pair, player(0), 0..1), [Some((TORCH, 3))], "one over, two did not fit");
    let onto = vec![inv(me, 7), inv(me, 1)];
    assert_accepted(&mut pair, InventoryAction::Spread { from: inv(me, 0), onto, each: Some(1) });
    assert_eq!(stacks(&pair, player(0), 7..8), [Some((TORCH, 1))]);
    let spread = |onto, each| InventoryAction::Spread { from: inv(me, 0), onto, each };
    assert_rejected(&mut pair, spread(vec![inv(me, 9); 257], Some(1)), Rejection::Invalid);
    assert_rejected(&mut pair, spread(vec![], None), Rejection::Invalid);
    assert_rejected(&mut pair, spread(vec![inv(me, 0)], None), Rejection::Invalid);
    assert_rejected(&mut pair, spread(vec![inv(me, 9), inv(me, 9)], None), Rejection::Invalid);
    assert_rejected(&mut pair, spread(vec![inv(me, 9)], Some(0)), Rejection::Invalid);
    assert_rejected(&mut pair, spread(vec![inv(me, 9)], Some(u32::MAX)), Rejection::NotEnough);
    assert_rejected(&mut pair, spread(vec![inv(me, 1)], None), Rejection::Full);
}

#[test]
fn move_all_moves_what_fits() {
    let boots = |slot| BOOTS.stack(1).with_wear(slot as u16);
    let full = (0..27).fold(scene(), |scene, slot| scene.stored(slot, boots(slot)));
    let Scene { mut pair, me, open, .. } = full.carried(0, AXE.stack(1)).build();
    assert_accepted(&mut pair, InventoryAction::pick_up(open, me));
    assert_eq!(pair.shown::<Inventory>(0, chest(1)).unwrap().count(BOOTS), 0);
    assert_accepted(
        &mut pair,
        InventoryAction::MoveAll { from: ContainerRef::of::<Inventory>(me), to: open.into() },
    );
    assert_eq!(stacks(&pair, chest(1), 0..1), [Some((AXE, 1))]);
    assert_rejected(
        &mut pair,
        InventoryAction::MoveAll { from: me.into(), to: me.into() },
        Rejection::Invalid,
    );
    let from = ContainerRef::of::<Inventory>(me);
    assert_rejected(
        &mut pair,
        InventoryAction::MoveAll { from, to: open.into() },
        Rejection::Empty,
    );
    let to = ContainerRef::of::<Equipment>(me);
    assert_accepted(&mut pair, InventoryAction::MoveAll { from: open.into(), to });
    assert_rejected(&mut pair, InventoryAction::MoveAll { from: open.into(), to }, Rejection::Full);
}

#[test]
fn select_sort_and_use() {
    let Scene { mut pair, me, open, .. } = scene()
        .carried(4, TORCH.stack(10))
        .carried(9, TORCH.stack(20))
        .carried(2, COIN.stack(7))
        .build();
    assert_accepted(&mut pair, InventoryAction::Select { slot: (me, Hotbar::slot(6)) });
    let e = shown_entity(&pair, 0, player(0));
    let selected = pair.clients[0].app.world().get::<Hotbar>(e).unwrap().selected_index();
    assert_eq!(selected, 6);
    assert_rejected(&mut pair, InventoryAction::Select { slot: inv(me, 0) }, Rejection::NoSuchSlot);
    assert_rejected(
        &mut pair,
        InventoryAction::Select { slot: (me, Hotbar::slot(9)) },
        Rejection::NoSuchSlot,
    );
    let container = ContainerKey::of(Inventory::NAME);
    assert_accepted(&mut pair, InventoryAction::Sort { entity: me, container });
    assert_eq!(stacks(&pair, player(0), 0..3), [Some((COIN, 7)), Some((TORCH, 30)), None]);
    assert_accepted(&mut pair, InventoryAction::Sort { entity: open, container });
    assert_accepted(&mut pair, InventoryAction::Use { slot: inv(me, 0) });
    let used = pair.server.world_mut().resource_mut::<Messages<ActionApplied<InventoryAction>>>();
    assert!(used.len() <= 2, "messages are kept for two ticks");
    assert_rejected(&mut pair, InventoryAction::Use { slot: inv(me, 5) }, Rejection::Empty);
}

#[test]
fn craft_consumes_and_produces_at_once() {
    let Scene { mut pair, me, open, .. } =
        scene().carried(0, COIN.stack(3)).stored(0, COIN.stack(20)).build();
    let torches = RecipeId::of("torches");
    assert_accepted(&mut pair, InventoryAction::craft(torches, me));
    assert_eq!(stacks(&pair, player(0), 0..2), [Some((COIN, 1)), Some((TORCH, 4))]);
    assert_rejected(&mut pair, InventoryAction::craft(torches, me), Rejection::NotEnough);
    let from = vec![me.into(), open.into()];
    let craft = |recipe, times, at| InventoryAction::Craft {
        recipe,
        times,
        from: from.clone(),
        to: me.into(),
        at,
    };
    assert_accepted(&mut pair, craft(torches, 3, None));
    assert_eq!(stacks(&pair, player(0), 0..2), [None, Some((TORCH, 16))], "the player's own first");
    assert_eq!(stacks(&pair, chest(1), 0..1), [Some((COIN, 15))]);
    let boots = RecipeId::of("boots");
    assert_rejected(&mut pair, craft(boots, 1, None), Rejection::NoStation);
    assert_rejected(&mut pair, craft(boots, 1, Some(open)), Rejection::NoStation);
    assert_accepted(&mut pair, craft(boots, 1, Some(me)));
    assert_rejected(&mut pair, craft(boots, 0, Some(me)), Rejection::Invalid);
    assert_rejected(&mut pair, craft(torches, u32::MAX, None), Rejection::NotEnough);
    assert_rejected(&mut pair, craft(RecipeId::of("gold"), 1, None), Rejection::UnknownRecipe);
}

#[test]
fn drop_spawns_loot_until_it_is_picked_up() {
    let Scene { mut pair, me, .. } =
        scene().carried(0, TORCH.stack(10)).in_hotbar(1, AXE.stack(1)).build();
    let client = pair.client_id(0);
    let settings = LootSettings { merge_within: core::time::Duration::ZERO, ..default() };
    pair.server.insert_resource(settings);
    pair.server.add_observer(move |dropped: On<Dropped>, mut commands: Commands| {
        assert_eq!(dropped.client, client);
        let viewers = viewer(client, Rights::USE);
        commands.entity(dropped.entity).insert(viewers);
    });
    assert_accepted(&mut pair, InventoryAction::Drop { from: inv(me, 0), count: Some(1) });
    assert_accepted(&mut pair, InventoryAction::Drop { from: inv(me, 0), count: None });
    assert_accepted(&mut pair, InventoryAction::DropAll { from: me.into() });
    let world = pair.server.world_mut();
    let mut loot: Vec<_> =
        world.query_filtered::<&Inventory, With<Loot>>().iter(world).map(|i| i.get(0)).collect();
    loot.sort_by_key(|stack| stack.map(|stack| stack.count()));
    let [one, nine] = [1, 9].map(|n| Some(TORCH.stack(n)));
    assert_eq!(loot.len(), 3);
    assert!(loot.contains(&one) && loot.contains(&nine) && loot.contains(&Some(AXE.stack(1))));
    let world = pair.clients[0].app.world_mut();
    let seen: Vec<Entity> = world
        .query_filtered::<(Entity, &Inventory), Without<LocalInventory>>()
        .iter(world)
        .filter(|(_, inventory)| inventory.len() == 1)
        .map(|(entity, _)| entity)
        .collect();
    assert_eq!(seen.len(), 3);
    for loot in seen {
        assert_accepted(&mut pair, InventoryAction::pick_up(loot, me));
    }
    let world = pair.server.world_mut();
    assert_eq!(world.query_filtered::<(), With<Loot>>().iter(world).count(), 0);
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().count(TORCH), 10);
    assert_rejected(
        &mut pair,
        InventoryAction::DropAll { from: ContainerRef::of::<Hotbar>(me) },
        Rejection::Empty,
    );
}

#[test]
fn cursor_is_a_container() {
    #[derive(Component)]
    struct Cursor(Slots);
    container!(Cursor, "cursor", {
        const AUTO_FILL: bool = false;
    });
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.add_container::<Cursor>();
    });
    let player_entity = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(player_entity).insert(Cursor(Slots::new(1)));
    inventory(&mut pair, player_entity).set(0, TORCH.stack(11)).unwrap();
    inventory(&mut pair, player_entity).set(8, TORCH.stack(5)).unwrap();
    pair.settle(60);
    pair.network.latency_ticks = 5;
    let me = shown_entity(&pair, 0, player(0));
    let cursor = (me, Cursor::slot(0));
    let slot = |n| (me, Inventory::slot(n));
    // Half is picked up, one is put down, the rest is collected, and all of it is put away.
    for action in [
        InventoryAction::Move { from: slot(0), to: cursor, count: Some(6) },
        InventoryAction::Move { from: cursor, to: slot(1), count: Some(1) },
        InventoryAction::Collect { onto: cursor, from: vec![ContainerRef::of::<Inventory>(me)] },
        InventoryAction::QuickMove { from: cursor, to: ContainerRef::of::<Inventory>(me) },
    ] {
        ask(&mut pair, 0, action);
    }
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().get(0), Some(TORCH.stack(16)));
    pair.settle(60);
    assert_eq!(events(&mut pair, 0).rejected, []);
    assert_same(&pair, 0, player(0));
    assert_eq!(inventory(&mut pair, player_entity).get(0), Some(TORCH.stack(16)));
}

#[test]
fn counts_at_integer_limits() {
    let most = u32::MAX;
    let mut pair = Simulation::new(1, move |app| {
        setup(app);
        let items = format!("(items: [(key: \"coin\", max_stack: {most}), (key: \"axe\")])");
        app.insert_items(Items::<()>::from_ron(&items).unwrap());
    });
    let player_entity = spawn_player(&mut pair, 0);
    for slot in 0..27 {
        inventory(&mut pair, player_entity).set(slot, COIN.stack(most)).unwrap();
    }
    inventory(&mut pair, player_entity).set(1, COIN.stack(most - 1)).unwrap();
    pair.settle(50);
    let me = shown_entity(&pair, 0, player(0));
    let area = || vec![ContainerRef::of::<Inventory>(me)];
    for action in [
        InventoryAction::Move { from: inv(me, 0), to: inv(me, 1), count: None },
        InventoryAction::Move { from: inv(me, 0), to: inv(me, 1), count: Some(most) },
        InventoryAction::Collect { onto: inv(me, 0), from: area() },
        InventoryAction::Spread {
            from: inv(me, 2),
            onto: vec![inv(me, 0), inv(me, 1)],
            each: None,
        },
        InventoryAction::Spread { from: inv(me, 2), onto: vec![inv(me, 0)], each: Some(most) },
        InventoryAction::QuickMove { from: inv(me, 3), to: me.into() },
        InventoryAction::Sort { entity: me, container: ContainerKey::of(Inventory::NAME) },
        InventoryAction::MoveAll { from: area()[0], to: ContainerRef::of::<Hotbar>(me) },
    ] {
        ask(&mut pair, 0, action);
        pair.settle(50);
        assert_same(&pair, 0, player(0));
        let world = pair.server.world();
        let all = world.get::<Inventory>(player_entity).unwrap().count(COIN)
            + world.get::<Hotbar>(player_entity).unwrap().count(COIN);
        assert_eq!(all, 27 * u64::from(most) - 1);
    }
}

#[test]
fn drag_over_more_slots_than_a_request_may_name_is_answered() {
    let mut pair = pair(1);
    let owner = Owner(pair.client_id(0));
    pair.server.world_mut().spawn((player(0), Inventory::new(400), owner));
    let server = pair.server.world().resource::<InventoryIds>().get(player(0)).unwrap();
    inventory(&mut pair, server).set(399, COIN.stack(900)).unwrap();
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    let onto = (0..300).map(|slot| inv(me, slot)).collect();
    ask(&mut pair, 0, InventoryAction::Spread { from: inv(me, 399), onto, each: None });
    pair.settle(60);
    pair.steps(1200);
    let answers = events(&mut pair, 0).confirmed.len() + events(&mut pair, 0).rejected.len();
    assert_eq!(answers, 1, "every request is answered");
    assert_same(&pair, 0, player(0));
}

#[test]
fn sort_respects_slot_filters() {
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.add_container::<Gear>();
    });
    let server = spawn_player(&mut pair, 0);
    let gear = Gear([None, Some(AXE.stack(1))].into_iter().collect());
    pair.server.world_mut().entity_mut(server).insert(gear);
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    ask(
        &mut pair,
        0,
        InventoryAction::Sort { entity: me, container: ContainerKey::of(Gear::NAME) },
    );
    pair.settle(60);
    let gear = pair.server.world().get::<Gear>(server).unwrap();
    assert_eq!(gear.0.get(0), None, "slot 0 takes boots only");
}

/// Looks at an item in a shop window.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Inspect(InventoryId);

impl GameAction for Inspect {
    const NAME: &'static str = "inspect";
    type Output = Stack;

    fn apply(&self, tx: &mut Transaction) -> Result<Stack, Rejection> {
        let shop = tx.find(self.0)?;
        tx.require_rights(shop, Inventory::slot(0), Rights::SEE)?;
        tx.get(shop, Inventory::slot(0))?.ok_or(Rejection::Empty)
    }
}

#[test]
fn item_that_may_not_be_taken_may_not_be_used() {
    let set_up = |app: &mut App| {
        setup(app);
        app.add_action::<Inspect>();
    };
    for (rights, may_use) in [
        (Rights::SEE, false),
        (Rights::SEE | Rights::PUT, false),
        (Rights::SEE | Rights::TAKE, true),
        (Rights::USE, true),
    ] {
        for host in [false, true] {
            let Scene { mut pair, chest_entity, .. } = Scene::with_setup(1, set_up)
                .players(1)
                .chest([])
                .stored(0, AXE.stack(1))
                .latency(2)
                .build();
            let client = if host { ClientId::Server } else { pair.client_id(0) };
            pair.server.world_mut().entity_mut(chest_entity).insert(viewer(client, rights));
            pair.settle(30);
            let app = if host { &mut pair.server } else { &mut pair.clients[0].app };
            let shop = app.world().resource::<InventoryIds>().get(chest(1)).unwrap();
            with_actions(app, move |actions| {
                actions.request(InventoryAction::Use { slot: inv(shop, 0) });
                actions.request(Inspect(chest(1)));
            });
            pair.settle(30);
            let app = if host { &mut pair.server } else { &mut pair.clients[0].app };
            let rejected: Vec<_> =
                app.world().resource::<EventLog>().rejected.iter().map(|r| r.1).collect();
            let expected = if may_use { vec![] } else { vec![Rejection::NotAllowed] };
            assert_eq!(rejected, expected, "{rights:?}, host: {host}");
        }
    }
}

#[test]
fn collect_takes_the_same_stacks_on_client_and_server_whatever_their_entities() {
    // Two equal stacks, of which only one fits. On the client the entities may be in another order.
    for chest_first in [false, true] {
        let mut pair = pair(1);
        let spawn = |pair: &mut Simulation, first: bool| match first == chest_first {
            true => spawn_chest(pair, 1, &[0]),
            false => spawn_player(pair, 0),
        };
        let [a, b] = [true, false].map(|first| spawn(&mut pair, first));
        for entity in [a, b] {
            inventory(&mut pair, entity).set(5, TORCH.stack(30)).unwrap();
        }
        let player_entity = on_server(&pair, player(0));
        inventory(&mut pair, player_entity).set(0, TORCH.stack(34)).unwrap();
        pair.settle(60);
        pair.network.latency_ticks = 4;
        let (me, there) = (shown_entity(&pair, 0, player(0)), shown_entity(&pair, 0, chest(1)));
        for from in [[me, there], [there, me]] {
            let from = from.map(ContainerRef::from).to_vec();
            ask(&mut pair, 0, InventoryAction::Collect { onto: inv(me, 0), from });
            let predicted = pair.shown::<Inventory>(0, player(0)).unwrap().clone();
            pair.settle(60);
            assert_eq!(pair.shown::<Inventory>(0, player(0)), Some(&predicted));
            inventory(&mut pair, player_entity).set(0, TORCH.stack(34)).unwrap();
            inventory(&mut pair, player_entity).set(5, TORCH.stack(30)).unwrap();
            let chest_entity = on_server(&pair, chest(1));
            inventory(&mut pair, chest_entity).set(5, TORCH.stack(30)).unwrap();
            pair.settle(60);
        }
    }
}
