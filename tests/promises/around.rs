//! What games need around actions: the host plays too, furnaces, equipment, deaths, trades, bags, and books
//! that add up.

use super::*;

#[derive(Component)]
struct Smelted(Slots);

#[derive(Component)]
struct Furnace(Slots);

container!(Furnace, "furnace", {
    const FILL: bool = false;
});
container!(Smelted, "smelted", {
    const FILL: bool = false;
    fn rights(_: usize) -> Rights {
        Rights::SEE | Rights::TAKE
    }
});

const SMELTING: &str = r#"(items: [(key: "ore"), (key: "coal"), (key: "iron", max_stack: 2)], recipes: [
    (key: "iron", takes: [("ore", 2), ("coal", 1)], gives: [("iron", 1)], at: "furnace", millis: 1000),
])"#;

#[test]
fn a_furnace_works_while_there_are_ingredients_and_room_and_shows_how_far_it_is() {
    let mut pair = Pair::new(1, |app| {
        app.add_container::<Furnace>()
            .add_container::<Smelted>()
            .add_container::<Work>()
            .insert_items(Items::<()>::from_ron(SMELTING).unwrap());
    });
    let [ore, coal, iron] = ["ore", "coal", "iron"].map(ItemId::of);
    let mut viewers = Viewers::new();
    viewers.add(pair.client_id(0), Rights::USE);
    let input: Slots = [Some(ore.stack(9)), Some(coal.stack(9))].into_iter().collect();
    let parts = (Furnace(input), Smelted(Slots::new(1)), Work::default());
    let crafter = Crafter::new::<Furnace, Smelted>();
    let furnace = pair.server.world_mut().spawn((chest(1), parts, crafter, viewers)).id();
    pair.settle(60);
    let there = shown_entity(&pair, 0, chest(1));
    let progress = |pair: &Pair| pair.clients[0].app.world().get::<Work>(there).unwrap().progress();
    let made = |pair: &Pair| pair.shown::<Smelted>(0, chest(1)).unwrap().count(iron);
    let mut seen = Vec::new();
    let bytes = bytes_down(&pair, 0);
    for _ in 0..55 {
        pair.step();
        seen.push(progress(&pair));
    }
    assert!(seen.is_sorted() && *seen.last().unwrap() > 0.8, "{seen:?}");
    assert!(bytes_down(&pair, 0) - bytes < 150, "{}", bytes_down(&pair, 0) - bytes);
    pair.steps(300);
    assert_eq!(made(&pair), 2, "two fit");
    assert_eq!(pair.shown::<Furnace>(0, chest(1)).unwrap().count(ore), 5);
    // A player cannot set the progress, put into the output, or do what takes time at once.
    let slot = (there, Smelted::slot(0));
    for (action, reason) in [
        (Action::Select { slot: (there, Furnace::slot(1)) }, Reason::NoSuchSlot),
        (
            Action::Move { from: (there, Furnace::slot(0)), to: slot, count: Some(1) },
            Reason::Occupied,
        ),
        (
            Action::Craft {
                recipe: RecipeId::of("iron"),
                times: 1,
                from: vec![there.into()],
                to: there.into(),
                at: Some(there),
            },
            Reason::NoStation,
        ),
    ] {
        let checked = with_actions(&mut pair.clients[0].app, move |actions| actions.check(&action));
        assert_eq!(checked, Err(reason));
    }
    pair.server.world_mut().get_mut::<Smelted>(furnace).unwrap().0.set(0, None).unwrap();
    pair.steps(200);
    assert_eq!(made(&pair), 2, "two more, and one ore is left");
    assert_eq!(progress(&pair), 0.0);
    let idle = bytes_down(&pair, 0);
    pair.steps(60);
    assert_eq!(bytes_down(&pair, 0), idle, "a furnace that is out of ore costs nothing");
}

#[derive(Resource, Default)]
struct Worn(Vec<(bool, ItemId)>);

/// So many clients, who write down what is put on and taken off.
fn wardrobe(clients: usize) -> Pair {
    Pair::new(clients, |app| {
        app.add_equipment::<Equipment>()
            .insert_items(Items::<()>::from_ron(ITEMS).unwrap())
            .init_resource::<Worn>()
            .init_resource::<Heard>()
            .add_observer(|on: On<Equipped>, mut w: ResMut<Worn>| w.0.push((true, on.stack.item)))
            .add_observer(|on: On<Unequipped>, mut w: ResMut<Worn>| {
                w.0.push((false, on.stack.item));
            });
    })
}

#[test]
fn putting_on_and_taking_off_is_told_on_both_sides_and_wear_is_not() {
    let mut pair = wardrobe(1);
    let player_entity = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(player_entity).insert(Equipment(Slots::new(2)));
    inventory(&mut pair, player_entity).set(0, BOOTS.stack(1)).unwrap();
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    let (from, to) = ((me, Inventory::slot(0)), (me, Equipment::slot(1)));
    ask(&mut pair, 0, Action::Swap { a: from, b: to });
    assert_eq!(pair.clients[0].app.world().resource::<Worn>().0.len(), 0, "with the next frame");
    pair.settle(60);
    let world = pair.server.world_mut();
    let worn = BOOTS.stack(1).worn(3);
    world.get_mut::<Equipment>(player_entity).unwrap().0.set(1, worn).unwrap();
    pair.settle(60);
    pair.server.world_mut().get_mut::<Equipment>(player_entity).unwrap().0.set(1, None).unwrap();
    pair.settle(60);
    let expected = [(true, BOOTS), (false, BOOTS)];
    assert_eq!(pair.clients[0].app.world().resource::<Worn>().0, expected);
    assert_eq!(pair.server.world().resource::<Worn>().0, expected);
}

#[test]
fn what_is_worn_is_told_when_it_comes_into_view_and_when_it_goes() {
    let mut pair = wardrobe(2);
    let player_entity = spawn_player(&mut pair, 0);
    let mut worn = Slots::new(2);
    worn.set(0, BOOTS.stack(1)).unwrap();
    pair.server.world_mut().entity_mut(player_entity).insert(Equipment(worn));
    let mut viewers = Viewers::new();
    viewers.add(pair.client_id(1), Rights::SEE);
    pair.server.world_mut().entity_mut(player_entity).insert(viewers);
    pair.settle(60);
    let told = |pair: &Pair, n: usize| pair.clients[n].app.world().resource::<Worn>().0.clone();
    assert_eq!((told(&pair, 0), told(&pair, 1)), (vec![(true, BOOTS)], vec![(true, BOOTS)]));
    pair.server.world_mut().entity_mut(player_entity).insert(Viewers::new());
    pair.settle(60);
    assert_eq!(told(&pair, 1), [(true, BOOTS), (false, BOOTS)]);
    let mut boots = pair.server.world_mut().get_mut::<Equipment>(player_entity).unwrap();
    drop(boots.0.resize(0));
    pair.settle(60);
    assert_eq!(told(&pair, 0), [(true, BOOTS), (false, BOOTS)], "the slot itself went");
}

#[test]
fn the_host_acts_through_the_same_rules_at_once() {
    let mut app = Pair::app(|app| {
        setup(app);
        app.add_rule::<With<Openable>, _>(|ask: In<Ask>| match ask.purpose {
            Purpose::Act { ref losses, .. } if losses.iter().any(|s| s.item == AXE) => {
                Verdict::Refuse(Reason::Locked)
            }
            _ => Verdict::Allow,
        });
    });
    let world = app.world_mut();
    let me = world
        .spawn((player(0), Inventory::default(), Hotbar::default(), Owner(ClientId::Server)))
        .id();
    let there = world.spawn((chest(1), Inventory::default(), Openable::default())).id();
    let mut inventory = world.get_mut::<Inventory>(there).unwrap();
    inventory.set(0, TORCH.stack(10)).unwrap();
    inventory.set(1, AXE.stack(1)).unwrap();
    app.update();
    let from = |slot| (there, Inventory::slot(slot));
    let act = |app: &mut App, action: Action| {
        with_actions(app, move |actions| actions.request(action));
        let heard = app.world().resource::<Heard>();
        heard.rejected.last().map(|rejected| rejected.1)
    };
    let take = Action::QuickMove { from: from(0), to: me.into() };
    assert_eq!(act(&mut app, take.clone()), Some(Reason::NotInView), "not open yet");
    with_actions(&mut app, move |actions| actions.open(there));
    app.update();
    assert!(app.world().get::<InView>(there).is_some());
    app.world_mut().resource_mut::<Heard>().clear();
    assert_eq!(act(&mut app, take), None);
    assert_eq!(app.world().get::<Inventory>(me).unwrap().count(TORCH), 10, "at once");
    let take = Action::QuickMove { from: from(1), to: me.into() };
    assert_eq!(act(&mut app, take), Some(Reason::Locked));
    app.update();
    let heard = app.world().resource::<Heard>();
    assert_eq!((heard.confirmed.len(), heard.slots.len()), (1, 2));
    with_actions(&mut app, move |actions| actions.close(there));
    app.update();
    assert!(app.world().get::<InView>(there).is_none());
}

#[test]
fn a_trade_swaps_both_offers_or_nothing() {
    let mut pair = pair(2);
    let players = [0, 1].map(|client| spawn_player(&mut pair, client));
    inventory(&mut pair, players[0]).set(0, AXE.stack(1)).unwrap();
    inventory(&mut pair, players[1]).set(0, COIN.stack(50)).unwrap();
    // Each offer is an inventory of its own: its owner fills it, the other sees it.
    let offers = [0, 1].map(|client| {
        let mut other = Viewers::new();
        other.add(pair.client_id(1 - client), Rights::SEE);
        let owner = Owner(pair.client_id(client));
        pair.server
            .world_mut()
            .spawn((InventoryId::named("offer", client as u64), Inventory::new(4), owner, other))
            .id()
    });
    pair.settle(60);
    for client in [0, 1] {
        let me = shown_entity(&pair, client, player(client as u64));
        let offer = shown_entity(&pair, client, InventoryId::named("offer", client as u64));
        let from = (me, Inventory::slot(0));
        with_actions(&mut pair.clients[client].app, move |actions| {
            actions.request_as(me, Action::QuickMove { from, to: offer.into() })
        });
    }
    pair.settle(60);
    for client in [0, 1] {
        let theirs = InventoryId::named("offer", 1 - client as u64);
        assert_same(&pair, client, theirs);
        assert_eq!(pair.shown::<Inventory>(client, theirs).unwrap().iter().count(), 1);
    }
    // The first has no room: nothing happens. Then it has.
    for full in [true, false] {
        for slot in 1..27 {
            let stack = full.then(|| BOOTS.stack(1).worn(slot as u16));
            inventory(&mut pair, players[0]).set(slot, stack).unwrap();
            hotbar(&mut pair, players[0]).set(slot % 9, stack).unwrap();
        }
        inventory(&mut pair, players[0]).set(0, full.then(|| BOOTS.stack(1).worn(99))).unwrap();
        let traded = with_inventories(&mut pair.server, move |inv| {
            inv.transact(|tx| {
                tx.move_all(offers[0], players[1])?;
                tx.move_all(offers[1], players[0])
            })
        });
        assert_eq!(traded.is_ok(), !full);
        assert_eq!(inventory(&mut pair, offers[0]).count(AXE), u64::from(full));
    }
    assert_eq!(inventory(&mut pair, players[0]).count(COIN), 50);
    assert_eq!(inventory(&mut pair, players[1]).count(AXE), 1);
    pair.settle(60);
    (0..2).for_each(|client| assert_same(&pair, client, player(client as u64)));
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Bag(InventoryId);

impl ItemData for Bag {
    const NAME: &'static str = "bag";
}

#[test]
fn a_bag_is_an_item_that_names_an_inventory_and_does_not_go_into_itself() {
    let bag_rule = |In(ask): In<Ask>, ids: Query<&InventoryId>, pool: Res<DataPool>| {
        let Purpose::Act { gains, .. } = &ask.purpose else { return Verdict::Allow };
        let itself = gains.iter().any(|stack| {
            let bag = stack.data.and_then(|data| pool.get::<Bag>(data));
            bag.is_some_and(|bag| ids.get(ask.inventory) == Ok(&bag.0))
        });
        if itself { Verdict::Refuse(Reason::Game(3)) } else { Verdict::Allow }
    };
    let mut pair = Pair::new(1, move |app| {
        setup(app);
        app.add_item_data::<Bag>().add_rule::<With<Inventory>, _>(bag_rule);
    });
    let player_entity = spawn_player(&mut pair, 0);
    let inside = InventoryId::named("bag", 1);
    let world = pair.server.world_mut();
    world.spawn((inside, Inventory::new(5), Openable::default()));
    let data = world.resource_mut::<DataPool>().insert(&Bag(inside)).unwrap();
    inventory(&mut pair, player_entity).set(0, AXE.stack(1).with_data(data)).unwrap();
    inventory(&mut pair, player_entity).set(1, TORCH.stack(3)).unwrap();
    pair.settle(60);
    // The player opens what the item names.
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap().get(0).unwrap();
    let pool = pair.clients[0].app.world().resource::<DataPool>();
    let id = pool.get::<Bag>(shown.data.unwrap()).unwrap().0;
    with_actions(&mut pair.clients[0].app, move |actions| actions.open_id(id));
    pair.settle(60);
    let (me, bag) = (shown_entity(&pair, 0, player(0)), shown_entity(&pair, 0, inside));
    for slot in [1, 0] {
        let from = (me, Inventory::slot(slot));
        ask(&mut pair, 0, Action::QuickMove { from, to: bag.into() });
    }
    pair.settle(60);
    assert_eq!(pair.shown::<Inventory>(0, inside).unwrap().count(TORCH), 3);
    assert_eq!(heard(&mut pair, 0).rejected.pop().unwrap().1, Reason::Game(3));
    assert_same(&pair, 0, player(0));
}

#[derive(Resource, Default)]
struct Books {
    flows: Vec<(ItemId, i64, Cause)>,
    wrong: Vec<(InventoryId, ItemId, i64)>,
    decided: Vec<bool>,
}

fn keep_books(
    mut flows: MessageReader<ItemFlow>,
    mut wrong: MessageReader<ItemsUnaccounted>,
    mut decided: MessageReader<ActionDecided>,
    mut books: ResMut<Books>,
) {
    books.flows.extend(flows.read().map(|flow| (flow.item, flow.net, flow.cause)));
    books.wrong.extend(wrong.read().map(|wrong| (wrong.inventory, wrong.item, wrong.net)));
    books.decided.extend(decided.read().map(|decided| decided.result.is_ok()));
}

#[test]
fn the_books_name_every_source_and_sink_and_what_came_from_nowhere() {
    let mut pair = pair(1);
    pair.server
        .init_resource::<Books>()
        .add_systems(Last, keep_books)
        .insert_resource(Conservation::Strict);
    let player_entity = spawn_player(&mut pair, 0);
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    with_inventories(&mut pair.server, move |inv| {
        inv.give(player_entity, COIN.stack(10)).discard();
        inv.take(player_entity, COIN, 3).unwrap();
    });
    pair.settle(60);
    let client = pair.client_id(0);
    ask(&mut pair, 0, Action::craft(RecipeId::of("torches"), me));
    let (from, to) = ((me, Inventory::slot(0)), (me, Hotbar::slot(0)));
    ask(&mut pair, 0, Action::Move { from, to, count: Some(1) });
    ask(&mut pair, 0, Action::Drop { from: to, count: None });
    pair.settle(60);
    with_inventories(&mut pair.server, move |inv| {
        assert_eq!(inv.drop_where(player_entity, |stack| stack.item == TORCH).unwrap(), 1);
        inv.drop_at(player_entity, TORCH.stack(6));
        inv.transact(|tx| {
            let coins = tx.take(player_entity, COIN, 1)?;
            coins.into_iter().for_each(|stack| tx.drop(stack));
            Ok(())
        })
        .unwrap();
    });
    pair.settle(60);
    let acted = Cause::Acted(client);
    let books = pair.server.world().resource::<Books>();
    let mut flows = books.flows.clone();
    flows.sort_by_key(|(item, net, _)| (*item != COIN, *net));
    assert_eq!(
        flows,
        [
            (COIN, -3, Cause::Taken),
            (COIN, -2, acted),
            (COIN, 10, Cause::Given),
            (TORCH, 4, acted),
            (TORCH, 6, Cause::Dropped),
        ],
        "what only moves is not told"
    );
    assert_eq!((books.wrong.as_slice(), books.decided.as_slice()), (&[][..], &[true; 3][..]));
    let world = pair.server.world_mut();
    let loot: u64 =
        world.query_filtered::<&Inventory, With<Loot>>().iter(world).map(|i| i.count(TORCH)).sum();
    assert_eq!(loot, 10);
    assert_eq!(world.query_filtered::<(), With<Loot>>().iter(world).count(), 4);
    // A save and a daily reward in one tick.
    let saved = with_inventories(&mut pair.server, move |inv| inv.save(player_entity).unwrap());
    with_inventories(&mut pair.server, move |inv| {
        inv.take(player_entity, COIN, 2).unwrap();
        inv.load(player_entity, &saved).unwrap();
        inv.give(player_entity, COIN.stack(4)).discard();
    });
    pair.steps(3);
    assert!(pair.server.world().resource::<Books>().wrong.is_empty());
    // And now by the back door.
    inventory(&mut pair, player_entity).set(7, AXE.stack(1)).unwrap();
    pair.steps(3);
    let books = pair.server.world().resource::<Books>();
    assert_eq!(books.wrong, [(player(0), AXE, 1)]);
}

#[test]
fn what_is_held_on_the_cursor_is_a_container_of_its_own() {
    #[derive(Component)]
    struct Cursor(Slots);
    container!(Cursor, "cursor", {
        const FILL: bool = false;
    });
    let mut pair = Pair::new(1, |app| {
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
    // Half is picked up, one is put down, the rest gathered, and all of it put away.
    for action in [
        Action::Move { from: slot(0), to: cursor, count: Some(6) },
        Action::Move { from: cursor, to: slot(1), count: Some(1) },
        Action::Collect { onto: cursor, from: vec![Area::of::<Inventory>(me)] },
        Action::QuickMove { from: cursor, to: Area::of::<Inventory>(me) },
    ] {
        ask(&mut pair, 0, action);
    }
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().get(0), Some(TORCH.stack(16)));
    pair.settle(60);
    assert_eq!(heard(&mut pair, 0).rejected, []);
    assert_same(&pair, 0, player(0));
    assert_eq!(inventory(&mut pair, player_entity).get(0), Some(TORCH.stack(16)));
}
