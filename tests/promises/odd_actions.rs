//! Moments that unusual games and hostile clients come by: requests made while messages are taken in, views
//! that take over an index, payloads at the limits, rules that move things.

use super::*;
use forge::{forged, send, view};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

fn hide(pair: &mut Pair, chest: Entity, client: usize) {
    let id = pair.client_id(client);
    pair.server.world_mut().get_mut::<Viewers>(chest).unwrap().remove(id);
}

fn reveal(pair: &mut Pair, chest: Entity, client: usize) {
    let id = pair.client_id(client);
    pair.server.world_mut().get_mut::<Viewers>(chest).unwrap().add(id, Rights::USE);
}

#[test]
fn put_all_never_goes_into_another_chest_that_took_over_the_views_index() {
    let mut pair = pair(1);
    let me_server = spawn_player(&mut pair, 0);
    inventory(&mut pair, me_server).set(0, COIN.stack(50)).unwrap();
    let a = spawn_chest(&mut pair, 1, &[0]);
    let b = spawn_chest(&mut pair, 2, &[]);
    pair.settle(60);
    pair.network.latency_ticks = 10;
    let (me, chest_a) = (shown_entity(&pair, 0, player(0)), shown_entity(&pair, 0, chest(1)));
    // The server closes one and opens the other; the player has not heard of it.
    hide(&mut pair, a, 0);
    pair.step();
    reveal(&mut pair, b, 0);
    pair.step();
    ask(&mut pair, 0, Action::MoveAll { from: me.into(), to: chest_a.into() });
    pair.settle(200);
    assert_eq!(inventory(&mut pair, b).count(COIN), 0, "never named by the player");
    assert_eq!(heard(&mut pair, 0).rejected.len(), 1);
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Write {
    text: String,
    marks: Vec<u64>,
}

impl GameAction for Write {
    const NAME: &'static str = "write";
    type Output = ();

    fn apply(&self, tx: &mut Tx) -> Result<(), Reason> {
        let player = tx.actor()?;
        tx.take_from(player, Inventory::slot(0), Some(1))?;
        Ok(())
    }
}

fn writing(action: Write) {
    let mut pair = Pair::new(1, |app| {
        setup(app);
        app.add_action::<Write>();
    });
    let server = spawn_player(&mut pair, 0);
    inventory(&mut pair, server).set(0, TORCH.stack(10)).unwrap();
    pair.settle(60);
    ask(&mut pair, 0, action);
    pair.settle(60);
    pair.steps(1200);
    let answers = heard(&mut pair, 0).confirmed.len() + heard(&mut pair, 0).rejected.len();
    assert_eq!(stats(&pair.server).requests_malformed, 0, "an honest client");
    assert_eq!(answers, 1, "every request is answered");
    assert_same(&pair, 0, player(0));
}

#[test]
fn a_long_payload_is_answered() {
    writing(Write { text: "x".repeat(1500), marks: vec![] });
}

#[test]
fn a_short_payload_of_many_numbers_is_answered() {
    writing(Write { text: String::new(), marks: vec![0; 200] });
}

#[test]
fn a_drag_over_more_slots_than_a_request_may_name_is_answered() {
    let mut pair = pair(1);
    let owner = Owner(pair.client_id(0));
    pair.server.world_mut().spawn((player(0), Inventory::new(400), owner));
    let server = pair.server.world().resource::<InventoryIds>().get(player(0)).unwrap();
    inventory(&mut pair, server).set(399, COIN.stack(900)).unwrap();
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    let onto = (0..300).map(|slot| inv(me, slot)).collect();
    ask(&mut pair, 0, Action::Spread { from: inv(me, 399), onto, each: None });
    pair.settle(60);
    pair.steps(1200);
    let answers = heard(&mut pair, 0).confirmed.len() + heard(&mut pair, 0).rejected.len();
    assert_eq!(answers, 1, "every request is answered");
    assert_same(&pair, 0, player(0));
}

#[test]
fn a_request_from_an_observer_of_in_view_keeps_what_came_with_the_opening() {
    let mut pair = Pair::new(1, setup);
    let server = spawn_player(&mut pair, 0);
    let chest_server = spawn_chest(&mut pair, 1, &[]);
    pair.settle(60);
    pair.clients[0].app.add_observer(|on: On<Add, InView>, mut actions: InventoryActions| {
        let container = ContainerKey::of(Inventory::NAME);
        actions.request(Action::Sort { entity: on.entity, container });
    });
    inventory(&mut pair, server).set(5, TORCH.stack(7)).unwrap();
    reveal(&mut pair, chest_server, 0);
    pair.settle(60);
    pair.steps(600);
    assert_eq!(heard(&mut pair, 0).slots.len(), 1, "the game was told");
    assert_same(&pair, 0, player(0));
}

#[test]
fn a_request_between_apply_and_reconcile_keeps_what_was_applied() {
    #[derive(Resource, Default)]
    struct Clicks(u32);
    fn click(
        mut clicks: ResMut<Clicks>,
        mut actions: InventoryActions,
        me: Option<Single<Entity, With<LocalInventory>>>,
    ) {
        let Some(me) = me.filter(|_| clicks.0 > 0) else { return };
        clicks.0 -= 1;
        actions.request(Action::Use { slot: (*me, Inventory::slot(0)) });
    }
    let mut pair = Pair::new(1, |app| {
        setup(app);
        app.init_resource::<Clicks>().add_systems(
            PreUpdate,
            click.after(InventorySystems::Apply).before(InventorySystems::Reconcile),
        );
    });
    let server = spawn_player(&mut pair, 0);
    inventory(&mut pair, server).set(0, TORCH.stack(7)).unwrap();
    let chest_server = spawn_chest(&mut pair, 1, &[0]);
    pair.settle(60);
    inventory(&mut pair, chest_server).set(3, COIN.stack(7)).unwrap();
    pair.clients[0].app.world_mut().resource_mut::<Clicks>().0 = 1;
    pair.settle(60);
    pair.steps(600);
    assert_eq!(heard(&mut pair, 0).confirmed.len(), 1);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn events_of_a_request_made_by_an_observer_come_before_older_ones() {
    #[derive(Resource, Default)]
    struct Mirror(HashMap<usize, Option<Stack>>);
    let mut pair = Pair::new(1, |app| {
        setup(app);
        app.init_resource::<Mirror>()
            .add_observer(|on: On<SlotChanged>, mut mirror: ResMut<Mirror>| {
                mirror.0.insert(usize::from(on.slot.index), on.new);
            })
            .add_observer(|on: On<SlotChanged>, mut actions: InventoryActions| {
                if on.cause == SlotCause::Server && on.slot == Inventory::slot(0) {
                    let (a, b) = (inv(on.entity, 0), inv(on.entity, 1));
                    actions.request(Action::Swap { a, b });
                }
            });
    });
    let server = spawn_player(&mut pair, 0);
    pair.settle(60);
    inventory(&mut pair, server).set(0, TORCH.stack(1)).unwrap();
    inventory(&mut pair, server).set(1, COIN.stack(1)).unwrap();
    pair.settle(60);
    assert_same(&pair, 0, player(0));
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap().clone();
    let mirror = &pair.clients[0].app.world().resource::<Mirror>().0;
    for slot in 0..2 {
        assert_eq!(mirror[&slot], shown.get(slot), "an interface that follows events, slot {slot}");
    }
}

#[test]
fn what_is_dropped_says_from_where() {
    #[derive(Resource, Default)]
    struct Drops(Vec<Dropped>);
    let mut pair = pair(1);
    let server = spawn_player(&mut pair, 0);
    inventory(&mut pair, server).set(0, TORCH.stack(3)).unwrap();
    pair.server
        .init_resource::<Drops>()
        .add_observer(|on: On<Dropped>, mut drops: ResMut<Drops>| drops.0.push(*on));
    pair.settle(60);
    let bytes = forged(&pair, 1, None, &Action::Drop { from: inv(view(0), 0), count: None });
    send(&mut pair, 0, bytes);
    pair.step();
    let drops = &pair.server.world().resource::<Drops>().0;
    assert_eq!(drops.len(), 1);
    assert_eq!(drops[0].by, Some(server), "the inventory that it was dropped from or for");
}

#[test]
fn what_a_rule_moves_is_not_doubled() {
    #[derive(Resource)]
    struct Till(Entity);
    fn toll(In(ask): In<Ask>, till: Option<Res<Till>>, mut inventories: Inventories) -> Verdict {
        if let (Purpose::Act { .. }, Some(till)) = (ask.purpose, till) {
            let (payer, till) = (ask.inventory, till.0);
            let paid = inventories.transact(|tx| {
                for coins in tx.take(payer, COIN, 1)? {
                    tx.give(till, coins)?;
                }
                Ok(())
            });
            if paid.is_err() {
                return Verdict::Refuse(Reason::NotEnough);
            }
        }
        Verdict::Allow
    }
    let mut pair = Pair::new(1, |app| {
        setup(app);
        app.add_rule::<With<Hotbar>, _>(toll);
    });
    let server = spawn_player(&mut pair, 0);
    inventory(&mut pair, server).set(0, COIN.stack(10)).unwrap();
    let till = spawn_chest(&mut pair, 1, &[]);
    pair.server.insert_resource(Till(till));
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    ask(&mut pair, 0, Action::Move { from: inv(me, 0), to: inv(me, 1), count: Some(5) });
    pair.settle(60);
    let all = inventory(&mut pair, server).count(COIN) + inventory(&mut pair, till).count(COIN);
    assert_eq!(all, 10);
}

#[test]
fn a_request_from_an_observer_of_a_closing_keeps_what_came_with_it() {
    let mut pair = Pair::new(1, setup);
    let server = spawn_player(&mut pair, 0);
    inventory(&mut pair, server).set(0, TORCH.stack(1)).unwrap();
    let first = spawn_chest(&mut pair, 1, &[0]);
    let second = spawn_chest(&mut pair, 2, &[0]);
    pair.settle(60);
    // What was held on the cursor goes back when the chest closes.
    pair.clients[0].app.add_observer(
        |_: On<InventoryClosed>,
         me: Single<Entity, With<LocalInventory>>,
         mut a: InventoryActions| {
            a.request(Action::Move { from: inv(*me, 0), to: inv(*me, 9), count: None });
        },
    );
    hide(&mut pair, first, 0);
    inventory(&mut pair, second).set(4, COIN.stack(5)).unwrap();
    pair.settle(60);
    pair.steps(300);
    assert_eq!(heard(&mut pair, 0).confirmed.len(), 1);
    assert_same(&pair, 0, player(0));
    assert_same(&pair, 0, chest(2));
}

#[test]
fn what_a_transaction_drops_is_not_lost_if_it_touched_nothing() {
    let mut app = Pair::app(setup);
    app.update();
    with_inventories(&mut app, |inventories| {
        inventories
            .transact(|tx| {
                tx.drop(COIN.stack(5));
                Ok(())
            })
            .unwrap();
    });
    app.update();
    let flows = app.world().resource::<Messages<ItemFlow>>();
    let told: i64 = flows.iter_current_update_messages().map(|flow| flow.net).sum();
    let world = app.world_mut();
    let there: u64 =
        world.query_filtered::<&Inventory, With<Loot>>().iter(world).map(|i| i.count(COIN)).sum();
    assert_eq!((told, there), (5, 5), "told, on the ground");
}

#[test]
fn a_host_whose_observer_acts_raises_no_false_alarm() {
    let mut app = Pair::app(setup);
    app.insert_resource(Conservation::Strict);
    let owner = Owner(ClientId::Server);
    let me = app.world_mut().spawn((player(0), Inventory::default(), owner)).id();
    let bank = app.world_mut().spawn((chest(1), Inventory::default(), owner)).id();
    (0..3).for_each(|_| app.update());
    app.add_observer(move |on: On<SlotChanged>, mut actions: InventoryActions| {
        if on.entity == me && on.new.is_some() {
            actions.request(Action::MoveAll { from: me.into(), to: bank.into() });
        }
    });
    with_inventories(&mut app, move |inv| inv.give(me, COIN.stack(10)).discard());
    for _ in 0..5 {
        app.update();
        let wrong = app.world().resource::<Messages<ItemsUnaccounted>>();
        let wrong: Vec<_> = wrong.iter_current_update_messages().copied().collect();
        assert_eq!(wrong, []);
    }
    assert_eq!(app.world().get::<Inventory>(bank).unwrap().count(COIN), 10);
}

#[test]
fn a_container_that_comes_with_items_raises_no_false_alarm() {
    let mut app = Pair::app(setup);
    app.insert_resource(Conservation::Strict);
    let owner = Owner(ClientId::Server);
    let me = app.world_mut().spawn((player(0), Hotbar::default(), owner)).id();
    app.update();
    let mut full = Inventory::default();
    full.set(0, COIN.stack(10)).unwrap();
    full.set(1, COIN.stack(5)).unwrap();
    let alarms = |app: &mut App| {
        let wrong = app.world().resource::<Messages<ItemsUnaccounted>>();
        wrong.iter_current_update_messages().map(|wrong| wrong.net).collect::<Vec<_>>()
    };
    app.world_mut().entity_mut(me).insert(full);
    with_inventories(&mut app, move |inv| {
        inv.transact(|tx| {
            let some = tx.take_from(me, Inventory::slot(0), Some(4))?;
            tx.put_into(me, Hotbar::slot(0), some).map(drop)
        })
    })
    .unwrap();
    app.update();
    assert_eq!(alarms(&mut app), []);
    // And it goes in the tick in which something is taken out of it.
    with_inventories(&mut app, move |inv| inv.take(me, COIN, 1)).unwrap();
    app.world_mut().entity_mut(me).remove::<Inventory>();
    app.update();
    assert_eq!(alarms(&mut app), []);
    app.world_mut().get_mut::<Hotbar>(me).unwrap().set(0, COIN.stack(9)).unwrap();
    app.update();
    assert_eq!(alarms(&mut app), [6], "what nobody declared is still found");
}
