//! Rules of the game, rights and slot filters are enforced for every request.

use crate::common::*;
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, Serialize, Deserialize)]
struct At(i32);

#[derive(Component)]
struct Locked;

fn near(In(ask): In<AccessRequest>, positions: Query<&At>) -> AccessDecision {
    let at = |entity: Option<Entity>| positions.get(entity?).ok().map(|at| at.0);
    match (at(ask.actor), at(Some(ask.inventory))) {
        (Some(a), Some(b)) if (a - b).abs() <= 2 => AccessDecision::Allow,
        _ => AccessDecision::Deny(Rejection::TooFar),
    }
}

/// No coins leave the player; it can carry at most five torches.
fn careful(In(ask): In<AccessRequest>) -> AccessDecision {
    let AccessKind::Act { losses, .. } = ask.kind else { return AccessDecision::Allow };
    if losses.iter().any(|stack| stack.item == COIN) {
        return AccessDecision::Deny(Rejection::Game(7));
    }
    let measure = Measure::new(|_, stack| u64::from(stack.item == TORCH));
    AccessDecision::AtMost { measure, maximum: 5 }
}

/// A player at 0, with the rule `careful` if requested, and a chest at 1 that it may open.
fn scene(careful_player: bool) -> Scene {
    let mut scene = Scene::with_setup(2, move |app| {
        setup(app);
        app.replicate::<At>()
            .add_rule::<(With<Openable>, With<At>), _>(near)
            .add_rule::<With<Locked>, _>(|_: In<AccessRequest>| {
                AccessDecision::Deny(Rejection::Locked)
            });
        if careful_player {
            app.add_rule::<With<Hotbar>, _>(careful);
        }
    })
    .players(1)
    .carried(0, COIN.stack(10))
    .chest([])
    .stored(0, TORCH.stack(30))
    .build();
    let world = scene.pair.server.world_mut();
    world.entity_mut(scene.player_entity).insert((At(0), Replicated));
    world.entity_mut(scene.chest_entity).insert((Openable::default(), At(1), Replicated));
    scene.pair.settle(50);
    scene
}

/// The replicated chest on the client, whether its inventory is in view or not.
fn replicated_chest(pair: &mut Simulation, client: usize) -> Entity {
    let world = pair.clients[client].app.world_mut();
    let mut found = world.query_filtered::<(Entity, &At), Without<LocalInventory>>();
    found.iter(world).find(|(_, at)| at.0 == 1).unwrap().0
}

fn open(pair: &mut Simulation, client: usize) -> RequestId {
    let there = replicated_chest(pair, client);
    let id = with_actions(&mut pair.clients[client].app, move |actions| actions.open(there));
    pair.settle(60);
    id
}

#[test]
fn players_open_and_close_what_rules_allow() {
    let Scene { mut pair, player_entity, chest_entity, .. } = scene(false);
    let id = open(&mut pair, 0);
    assert_eq!(events(&mut pair, 0).confirmed, [id]);
    assert_same(&pair, 0, chest(1));
    let there = replicated_chest(&mut pair, 0);
    with_actions(&mut pair.clients[0].app, move |actions| actions.close(there));
    pair.settle(60);
    assert!(pair.shown::<Inventory>(0, chest(1)).is_none());
    assert_eq!(events(&mut pair, 0).rejected, []);
    // Too far away, then locked: each has its own reason.
    pair.server.world_mut().entity_mut(player_entity).insert(At(9));
    let far = open(&mut pair, 0);
    pair.server.world_mut().entity_mut(player_entity).insert(At(0));
    pair.server.world_mut().entity_mut(chest_entity).insert(Locked);
    let locked = open(&mut pair, 0);
    assert_eq!(
        events(&mut pair, 0).rejected,
        [(far, Rejection::TooFar), (locked, Rejection::Locked)]
    );
    pair.server.world_mut().entity_mut(chest_entity).remove::<(Locked, Openable)>();
    let closed = open(&mut pair, 0);
    assert_eq!(events(&mut pair, 0).rejected.last(), Some(&(closed, Rejection::NotInView)));
    assert!(pair.shown::<Inventory>(0, chest(1)).is_none());
}

#[test]
fn walking_away_closes_the_view_and_rejects_actions() {
    let Scene { mut pair, player_entity, chest_entity, .. } = scene(false);
    open(&mut pair, 0);
    let there = replicated_chest(&mut pair, 0);
    pair.server.world_mut().entity_mut(player_entity).insert(At(9));
    let me = shown_entity(&pair, 0, player(0));
    let from = (there, Inventory::slot(0));
    let id = ask(&mut pair, 0, InventoryAction::QuickMove { from, to: me.into() });
    pair.steps(5);
    assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::TooFar)]);
    assert_eq!(inventory(&mut pair, chest_entity).count(TORCH), 30);
    // Rules are checked again periodically.
    within(&mut pair, 60, |pair| pair.shown::<Inventory>(0, chest(1)).is_none());
    let events = events(&mut pair, 0);
    let of_chest = events.closed.iter().filter(|closed| closed.inventory == chest(1));
    assert_eq!(of_chest.count(), 1);
}

#[test]
fn rules_allow_a_part_or_reject_with_a_custom_reason() {
    let Scene { mut pair, player_entity, chest_entity, .. } = scene(true);
    open(&mut pair, 0);
    let there = replicated_chest(&mut pair, 0);
    let me = shown_entity(&pair, 0, player(0));
    let from = (there, Inventory::slot(0));
    ask(&mut pair, 0, InventoryAction::QuickMove { from, to: me.into() });
    pair.settle(60);
    assert_eq!(inventory(&mut pair, player_entity).count(TORCH), 5, "the permitted number");
    assert_same(&pair, 0, player(0));
    assert_same(&pair, 0, chest(1));
    let to = (me, Inventory::slot(9));
    let part = ask(&mut pair, 0, InventoryAction::Swap { a: from, b: to });
    let from = (me, Inventory::slot(0));
    let quest = ask(&mut pair, 0, InventoryAction::Drop { from, count: None });
    pair.settle(60);
    let rejected = events(&mut pair, 0).rejected.clone();
    assert_eq!(rejected, [(part, Rejection::TooMuch), (quest, Rejection::Game(7))]);
    assert_eq!(inventory(&mut pair, chest_entity).count(TORCH), 25);
    // A move within one inventory gains nothing.
    ask(&mut pair, 0, InventoryAction::Move { from, to: (me, Hotbar::slot(2)), count: None });
    pair.settle(60);
    assert_eq!(events(&mut pair, 0).rejected.len(), 2);
    assert_eq!(hotbar(&mut pair, player_entity).get(2), Some(COIN.stack(10)));
}

/// A furnace: input in the first slot, output in the second.
#[derive(Component)]
struct Furnace(Slots);

container!(Furnace, "furnace", {
    fn rights(slot: usize) -> Rights {
        if slot == 1 { Rights::SEE | Rights::TAKE } else { Rights::USE }
    }
});

#[test]
fn inventory_and_slot_rights_are_enforced() {
    for rights in [Rights::SEE, Rights::SEE | Rights::PUT, Rights::SEE | Rights::TAKE, Rights::USE]
    {
        let mut pair = Simulation::new(1, |app| {
            setup(app);
            app.add_container::<Furnace>();
        });
        let player_entity = spawn_player(&mut pair, 0);
        inventory(&mut pair, player_entity).set(0, COIN.stack(10)).unwrap();
        let viewers = viewer(pair.client_id(0), rights);
        let furnace = Furnace([Some(TORCH.stack(3)), Some(AXE.stack(1))].into_iter().collect());
        pair.server.world_mut().spawn((chest(1), furnace, viewers));
        pair.settle(50);
        let (me, there) = (shown_entity(&pair, 0, player(0)), shown_entity(&pair, 0, chest(1)));
        let slot = |n| (there, Furnace::slot(n));
        let mut allowed = |action: InventoryAction| {
            let checked = with_actions(&mut pair.clients[0].app, {
                let action = action.clone();
                move |actions| actions.check(&action)
            });
            let before = events(&mut pair, 0).rejected.len();
            // Without the client's own check, as a modified client would.
            ask(&mut pair, 0, action);
            pair.settle(50);
            assert_eq!(events(&mut pair, 0).rejected.len() == before, checked.is_ok());
            assert!(
                matches!(checked, Ok(()) | Err(Rejection::NotAllowed | Rejection::Occupied)),
                "{rights:?}: {checked:?}"
            );
            checked.is_ok()
        };
        let put = allowed(InventoryAction::Move {
            from: (me, Inventory::slot(0)),
            to: (me, Inventory::slot(1)),
            count: Some(1),
        });
        assert!(put, "the player's own inventory is unrestricted");
        let take = allowed(InventoryAction::QuickMove { from: slot(1), to: me.into() });
        assert_eq!(take, rights.contains(Rights::TAKE), "{rights:?}");
        let swap = allowed(InventoryAction::Swap { a: slot(0), b: (me, Inventory::slot(1)) });
        assert_eq!(swap, rights.contains(Rights::USE), "{rights:?}");
        let into_output = allowed(InventoryAction::Move {
            from: (me, Inventory::slot(0)),
            to: slot(1),
            count: Some(1),
        });
        assert!(!into_output, "the output accepts nothing");
    }
}

#[test]
fn hidden_inventory_is_rejected_like_a_missing_one() {
    let mut pair = pair(2);
    let other = spawn_player(&mut pair, 1);
    spawn_player(&mut pair, 0);
    inventory(&mut pair, other).set(0, COIN.stack(10)).unwrap();
    pair.settle(50);
    let ask_id = |pair: &mut Simulation, id| {
        with_actions(&mut pair.clients[0].app, move |actions| actions.open_by_id(id));
        pair.settle(50);
        events(pair, 0).rejected.pop().unwrap().1
    };
    assert_eq!(ask_id(&mut pair, player(1)), Rejection::NotInView);
    assert_eq!(ask_id(&mut pair, player(77)), Rejection::NotInView);
    let id = InventoryId::named("bank", 1);
    pair.server.world_mut().spawn((id, Inventory::default(), Openable::default()));
    with_actions(&mut pair.clients[0].app, move |actions| actions.open_by_id(id));
    pair.settle(50);
    assert_same(&pair, 0, id);
}

#[test]
fn view_granted_by_the_game_is_only_closed_by_the_game() {
    let Scene { mut pair, chest_entity, .. } = scene(false);
    open(&mut pair, 0);
    pair.settle(100);
    // A cut scene: the game shows the chest from a distance, whatever the rules say.
    let client = pair.client_id(0);
    let mut viewers = pair.server.world_mut().get_mut::<Viewers>(chest_entity).unwrap();
    assert!(viewers.remove(client));
    viewers.add(client, Rights::SEE);
    pair.server.world_mut().entity_mut(chest_entity).insert(At(100));
    pair.settle(200);
    assert_same(&pair, 0, chest(1));
    let shown = shown_entity(&pair, 0, chest(1));
    let id = with_actions(&mut pair.clients[0].app, move |actions| actions.close(shown));
    pair.settle(100);
    assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::NotInView)]);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn items_moved_by_a_rule_are_not_doubled() {
    #[derive(Resource)]
    struct Till(Entity);
    fn toll(
        In(ask): In<AccessRequest>,
        till: Option<Res<Till>>,
        mut inventories: Inventories,
    ) -> AccessDecision {
        if let (AccessKind::Act { .. }, Some(till)) = (ask.kind, till) {
            let (payer, till) = (ask.inventory, till.0);
            let paid = inventories.transact(|tx| {
                for coins in tx.take(payer, COIN, 1)? {
                    tx.insert(till, coins)?;
                }
                Ok(())
            });
            if paid.is_err() {
                return AccessDecision::Deny(Rejection::NotEnough);
            }
        }
        AccessDecision::Allow
    }
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.add_rule::<With<Hotbar>, _>(toll);
    });
    let server = spawn_player(&mut pair, 0);
    inventory(&mut pair, server).set(0, COIN.stack(10)).unwrap();
    let till = spawn_chest(&mut pair, 1, &[]);
    pair.server.insert_resource(Till(till));
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    ask(&mut pair, 0, InventoryAction::Move { from: inv(me, 0), to: inv(me, 1), count: Some(5) });
    pair.settle(60);
    let all = inventory(&mut pair, server).count(COIN) + inventory(&mut pair, till).count(COIN);
    assert_eq!(all, 10);
}

#[test]
fn gains_above_u32_are_passed_to_rules() {
    const DUST: ItemId = ItemId::of("dust");
    let mut pair = Simulation::new(1, |app| {
        app.add_container::<Equipment>()
            .insert_items(
                Items::<()>::from_ron(r#"(items: [(key: "dust", max_stack: 4000000000)])"#)
                    .unwrap(),
            )
            .init_resource::<EventLog>()
            .add_rule::<With<Hotbar>, _>(|ask: In<AccessRequest>| match ask.kind {
                AccessKind::Act { .. } => AccessDecision::at_most(5),
                _ => AccessDecision::Allow,
            });
    });
    let server = spawn_player(&mut pair, 0);
    let chest_server = spawn_chest(&mut pair, 1, &[0]);
    for slot in 0..2 {
        inventory(&mut pair, chest_server).set(slot, DUST.stack(3_000_000_000)).unwrap();
    }
    pair.settle(60);
    let (me, there) = (shown_entity(&pair, 0, player(0)), shown_entity(&pair, 0, chest(1)));
    ask(&mut pair, 0, InventoryAction::MoveAll { from: there.into(), to: me.into() });
    pair.settle(60);
    let got = inventory(&mut pair, server).count(DUST);
    assert!(got <= 5, "{got} were gained, five are allowed");
}
