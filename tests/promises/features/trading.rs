//! Games build trades from owned offers and one transaction.

use crate::common::*;

#[test]
fn trade_exchanges_both_offers_or_nothing() {
    let mut pair = pair(2);
    let players = [0, 1].map(|client| spawn_player(&mut pair, client));
    for player in players {
        pair.server.world_mut().entity_mut(player).insert(ActingInventory);
    }
    inventory(&mut pair, players[0]).set(0, AXE.stack(1)).unwrap();
    inventory(&mut pair, players[1]).set(0, COIN.stack(50)).unwrap();
    // Each offer is an inventory: its owner fills it, the other player sees it.
    let offers = [0, 1].map(|client| {
        let other = viewer(pair.client_id(1 - client), Rights::SEE);
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
            actions.request_as(me, InventoryAction::QuickMove { from, to: offer.into() })
        });
    }
    pair.settle(60);
    for client in [0, 1] {
        let theirs = InventoryId::named("offer", 1 - client as u64);
        assert_same(&pair, client, theirs);
        assert_eq!(pair.shown::<Inventory>(client, theirs).unwrap().iter().count(), 1);
    }
    // First without room for the coins, then with room.
    for full in [true, false] {
        for slot in 1..27 {
            let stack = full.then(|| BOOTS.stack(1).with_wear(slot as u16));
            inventory(&mut pair, players[0]).set(slot, stack).unwrap();
            hotbar(&mut pair, players[0]).set(slot % 9, stack).unwrap();
        }
        inventory(&mut pair, players[0])
            .set(0, full.then(|| BOOTS.stack(1).with_wear(99)))
            .unwrap();
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
