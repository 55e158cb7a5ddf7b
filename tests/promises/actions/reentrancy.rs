//! Requests made by systems and observers while messages are being applied lose no update.

use crate::common::*;
use std::collections::HashMap;

#[test]
fn request_on_opening_keeps_updates_of_the_same_message() {
    let Scene { mut pair, player_entity: server, chest_entity: chest_server, .. } =
        Scene::clients(1).players(1).chest([]).build();
    pair.clients[0].app.add_observer(|on: On<Add, InView>, mut actions: InventoryActions| {
        let container = ContainerKey::of(Inventory::NAME);
        actions.request(InventoryAction::Sort { entity: on.entity, container });
    });
    inventory(&mut pair, server).set(5, TORCH.stack(7)).unwrap();
    show(&mut pair, chest_server, 0);
    pair.settle(60);
    pair.steps(600);
    assert_eq!(events(&mut pair, 0).slots.len(), 1, "the event was emitted");
    assert_same(&pair, 0, player(0));
}

#[test]
fn request_between_apply_and_reconcile_keeps_applied_updates() {
    #[derive(Resource, Default)]
    struct Clicks(u32);
    fn click(
        mut clicks: ResMut<Clicks>,
        mut actions: InventoryActions,
        me: Option<Single<Entity, With<LocalInventory>>>,
    ) {
        let Some(me) = me.filter(|_| clicks.0 > 0) else { return };
        clicks.0 -= 1;
        actions.request(InventoryAction::Use { slot: (*me, Inventory::slot(0)) });
    }
    let scene = Scene::with_setup(1, |app| {
        setup(app);
        app.init_resource::<Clicks>().add_systems(
            PreUpdate,
            click.after(InventoryClientSystems::Apply).before(InventoryClientSystems::Reconcile),
        );
    });
    let Scene { mut pair, chest_entity: chest_server, .. } =
        scene.players(1).carried(0, TORCH.stack(7)).chest([0]).build();
    inventory(&mut pair, chest_server).set(3, COIN.stack(7)).unwrap();
    pair.clients[0].app.world_mut().resource_mut::<Clicks>().0 = 1;
    pair.settle(60);
    pair.steps(600);
    assert_eq!(events(&mut pair, 0).confirmed.len(), 1);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn request_by_a_slot_observer_leaves_events_consistent() {
    #[derive(Resource, Default)]
    struct Mirror(HashMap<usize, Option<Stack>>);
    let scene = Scene::with_setup(1, |app| {
        setup(app);
        app.init_resource::<Mirror>()
            .add_observer(|on: On<SlotChanged>, mut mirror: ResMut<Mirror>| {
                mirror.0.insert(usize::from(on.slot.index), on.new);
            })
            .add_observer(|on: On<SlotChanged>, mut actions: InventoryActions| {
                if on.cause == SlotCause::Server && on.slot == Inventory::slot(0) {
                    let (a, b) = (inv(on.entity, 0), inv(on.entity, 1));
                    actions.request(InventoryAction::Swap { a, b });
                }
            });
    });
    let Scene { mut pair, player_entity: server, .. } = scene.players(1).build();
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
fn request_on_closing_keeps_updates_of_the_same_message() {
    let mut pair = Simulation::new(1, setup);
    let server = spawn_player(&mut pair, 0);
    inventory(&mut pair, server).set(0, TORCH.stack(1)).unwrap();
    let first = spawn_chest(&mut pair, 1, &[0]);
    let second = spawn_chest(&mut pair, 2, &[0]);
    pair.settle(60);
    // An interface that puts the cursor's stack back when the chest closes.
    pair.clients[0].app.add_observer(
        |_: On<InventoryClosed>,
         me: Single<Entity, With<LocalInventory>>,
         mut a: InventoryActions| {
            a.request(InventoryAction::Move { from: inv(*me, 0), to: inv(*me, 9), count: None });
        },
    );
    hide(&mut pair, first, 0);
    inventory(&mut pair, second).set(4, COIN.stack(5)).unwrap();
    pair.settle(60);
    pair.steps(300);
    assert_eq!(events(&mut pair, 0).confirmed.len(), 1);
    assert_same(&pair, 0, player(0));
    assert_same(&pair, 0, chest(2));
}

#[test]
fn answer_follows_its_changes_even_if_an_observer_requests_more() {
    #[derive(Resource, Default)]
    struct Order(Vec<Option<SlotCause>>);
    #[derive(Resource)]
    struct Closed;
    let scene = Scene::with_setup(1, |app| {
        setup(app);
        app.init_resource::<Order>()
            .add_rule::<With<Hotbar>, _>(|_: In<AccessRequest>, closed: Option<Res<Closed>>| {
                match closed {
                    Some(_) => AccessDecision::Deny(Rejection::Game(7)),
                    None => AccessDecision::Allow,
                }
            })
            .add_observer(|on: On<SlotChanged>, mut order: ResMut<Order>| {
                order.0.push(Some(on.cause));
            })
            .add_observer(|_: On<ActionRejected>, mut order: ResMut<Order>| order.0.push(None));
    });
    let Scene { mut pair, chest_entity, me, .. } =
        scene.players(1).carried(0, TORCH.stack(7)).carried(1, COIN.stack(7)).chest([0]).build();
    pair.clients[0].app.add_observer(
        move |_: On<InventoryClosed>, mut actions: InventoryActions| {
            let (from, to) = (inv(me, 1), inv(me, 10));
            actions.request(InventoryAction::Move { from, to, count: None });
        },
    );
    pair.clients[0].app.world_mut().resource_mut::<Order>().0.clear();
    let (from, to) = (inv(me, 0), inv(me, 9));
    ask(&mut pair, 0, InventoryAction::Move { from, to, count: None });
    pair.step();
    // The move is rejected in the message that closes the chest.
    pair.server.insert_resource(Closed);
    hide(&mut pair, chest_entity, 0);
    pair.steps(10);
    let order = &pair.clients[0].app.world().resource::<Order>().0;
    let rejected = order.iter().position(Option::is_none).expect("the move was rejected");
    let shown_before = &order[..rejected];
    assert!(shown_before.contains(&Some(SlotCause::RolledBack)), "{order:?}");
    assert_same(&pair, 0, player(0));
}
