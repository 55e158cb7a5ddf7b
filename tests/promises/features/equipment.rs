//! Equipping and unequipping emit events wherever the equipment is in view.

use crate::common::*;

#[derive(Resource, Default)]
struct Worn(Vec<(bool, ItemId)>);

/// A server and clients that record what is equipped and unequipped.
fn wardrobe(clients: usize) -> Simulation {
    Simulation::new(clients, |app| {
        app.add_equipment::<Equipment>()
            .insert_items(Items::<()>::from_ron(ITEMS).unwrap())
            .init_resource::<Worn>()
            .init_resource::<EventLog>()
            .add_observer(|on: On<Equipped>, mut w: ResMut<Worn>| w.0.push((true, on.stack.item)))
            .add_observer(|on: On<Unequipped>, mut w: ResMut<Worn>| {
                w.0.push((false, on.stack.item));
            });
    })
}

#[test]
fn equip_and_unequip_are_emitted_on_both_sides() {
    let mut pair = wardrobe(1);
    let player_entity = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(player_entity).insert(Equipment(Slots::new(2)));
    inventory(&mut pair, player_entity).set(0, BOOTS.stack(1)).unwrap();
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    let (from, to) = ((me, Inventory::slot(0)), (me, Equipment::slot(1)));
    ask(&mut pair, 0, InventoryAction::Swap { a: from, b: to });
    assert_eq!(pair.clients[0].app.world().resource::<Worn>().0.len(), 0, "with the next frame");
    pair.settle(60);
    let world = pair.server.world_mut();
    let worn = BOOTS.stack(1).with_wear(3);
    world.get_mut::<Equipment>(player_entity).unwrap().0.set(1, worn).unwrap();
    pair.settle(60);
    pair.server.world_mut().get_mut::<Equipment>(player_entity).unwrap().0.set(1, None).unwrap();
    pair.settle(60);
    let expected = [(true, BOOTS), (false, BOOTS)];
    assert_eq!(pair.clients[0].app.world().resource::<Worn>().0, expected);
    assert_eq!(pair.server.world().resource::<Worn>().0, expected);
}

#[test]
fn equip_events_follow_the_view() {
    let mut pair = wardrobe(2);
    let player_entity = spawn_player(&mut pair, 0);
    let mut worn = Slots::new(2);
    worn.set(0, BOOTS.stack(1)).unwrap();
    pair.server.world_mut().entity_mut(player_entity).insert(Equipment(worn));
    let viewers = viewer(pair.client_id(1), Rights::SEE);
    pair.server.world_mut().entity_mut(player_entity).insert(viewers);
    pair.settle(60);
    let recorded =
        |pair: &Simulation, n: usize| pair.clients[n].app.world().resource::<Worn>().0.clone();
    assert_eq!(
        (recorded(&pair, 0), recorded(&pair, 1)),
        (vec![(true, BOOTS)], vec![(true, BOOTS)])
    );
    pair.server.world_mut().entity_mut(player_entity).insert(Viewers::new());
    pair.settle(60);
    assert_eq!(recorded(&pair, 1), [(true, BOOTS), (false, BOOTS)]);
    let mut boots = pair.server.world_mut().get_mut::<Equipment>(player_entity).unwrap();
    drop(boots.0.resize(0));
    pair.settle(60);
    assert_eq!(recorded(&pair, 0), [(true, BOOTS), (false, BOOTS)], "the slot itself was removed");
}
