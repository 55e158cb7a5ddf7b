//! An item may name an inventory of its own.

use crate::common::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Bag(InventoryId);

impl ItemData for Bag {
    const NAME: &'static str = "bag";
}

#[test]
fn bag_opens_by_id_and_does_not_go_into_itself() {
    let bag_rule = |In(ask): In<AccessRequest>, ids: Query<&InventoryId>, pool: Res<DataPool>| {
        let AccessKind::Act { gains, .. } = &ask.kind else { return AccessDecision::Allow };
        let itself = gains.iter().any(|stack| {
            let bag = stack.data.and_then(|data| pool.get::<Bag>(data));
            bag.is_some_and(|bag| ids.get(ask.inventory) == Ok(&bag.0))
        });
        if itself { AccessDecision::Deny(Rejection::Game(3)) } else { AccessDecision::Allow }
    };
    let mut pair = Simulation::new(1, move |app| {
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
    with_actions(&mut pair.clients[0].app, move |actions| actions.open_by_id(id));
    pair.settle(60);
    let (me, bag) = (shown_entity(&pair, 0, player(0)), shown_entity(&pair, 0, inside));
    for slot in [1, 0] {
        let from = (me, Inventory::slot(slot));
        ask(&mut pair, 0, InventoryAction::QuickMove { from, to: bag.into() });
    }
    pair.settle(60);
    assert_eq!(pair.shown::<Inventory>(0, inside).unwrap().count(TORCH), 3);
    assert_eq!(events(&mut pair, 0).rejected.pop().unwrap().1, Rejection::Game(3));
    assert_same(&pair, 0, player(0));
}
