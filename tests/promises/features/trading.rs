//! Games build trades from owned offers and one transaction.

use crate::common::*;
use serde::{Deserialize, Serialize};

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

/// A player agrees to both offers as it sees them.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Agree;

impl GameAction for Agree {
    const NAME: &'static str = "agree";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        for n in 1..=2 {
            let offer = tx.find(chest(n))?;
            tx.expect_version(ContainerRef::of::<Inventory>(offer))?;
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Engraving(u32);

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

/// Two players, each with an offer that the other one sees.
fn offers(latency: u64) -> (Simulation, [Entity; 2]) {
    let set_up = |app: &mut App| {
        setup(app);
        app.add_action::<Agree>().add_item_data::<Engraving>();
    };
    let Scene { mut pair, .. } = Scene::with_setup(2, set_up).players(2).build();
    let offers = [0, 1].map(|side| {
        let mut viewers = viewer(pair.client_id(side), Rights::USE);
        viewers.add(pair.client_id(1 - side), Rights::SEE);
        let offer = (chest(side as u64 + 1), Inventory::new(4), Hotbar::new(2), viewers);
        pair.server.world_mut().spawn(offer).id()
    });
    inventory(&mut pair, offers[1]).set(0, AXE.stack(1)).unwrap();
    inventory(&mut pair, offers[1]).set(1, COIN.stack(500)).unwrap();
    pair.settle(60);
    pair.network.latency_ticks = latency;
    (pair, offers)
}

#[test]
fn agreement_is_rejected_if_anything_in_an_offer_has_changed_since() {
    type Change = fn(&mut Simulation, Entity);
    let changes: [(&str, Change); 7] = [
        ("item", |pair, offer| drop(inventory(pair, offer).set(0, BOOTS.stack(1)).unwrap())),
        ("wear", |pair, offer| {
            drop(inventory(pair, offer).set(0, AXE.stack(1).with_wear(99)).unwrap())
        }),
        ("count", |pair, offer| drop(inventory(pair, offer).set(1, COIN.stack(499)).unwrap())),
        ("data", |pair, offer| {
            let data =
                pair.server.world_mut().resource_mut::<DataPool>().insert(&Engraving(1)).unwrap();
            inventory(pair, offer).set(0, AXE.stack(1).with_data(data)).unwrap();
        }),
        ("slot", |pair, offer| inventory(pair, offer).swap(0, 3).unwrap()),
        ("one more", |pair, offer| drop(inventory(pair, offer).set(2, TORCH.stack(1)).unwrap())),
        ("size", |pair, offer| drop(inventory(pair, offer).resize(5))),
    ];
    for (name, change) in changes {
        for latency in [0, 1, 6] {
            for wait in 0..=latency as usize {
                let (mut pair, offers) = offers(latency);
                let id = ask(&mut pair, 0, Agree);
                pair.steps(wait);
                change(&mut pair, offers[1]);
                pair.settle(60);
                let case = format!("{name}, {latency} ticks of latency, changed after {wait}");
                assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::Stale)], "{case}");
            }
        }
    }
}

#[test]
fn change_that_was_reverted_or_is_elsewhere_is_told_apart() {
    // There and back: the buyer cannot have seen it, but it is not the version that was shown.
    let (mut pair, offers_) = offers(6);
    let id = ask(&mut pair, 0, Agree);
    pair.step();
    inventory(&mut pair, offers_[1]).set(0, None).unwrap();
    pair.step();
    inventory(&mut pair, offers_[1]).set(0, AXE.stack(1)).unwrap();
    pair.settle(60);
    assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::Stale)]);
    // Another container of the same inventory is not part of the agreement.
    let (mut pair, offers_) = offers(6);
    let id = ask(&mut pair, 0, Agree);
    for n in 1..7 {
        hotbar(&mut pair, offers_[1]).set(0, COIN.stack(n)).unwrap();
        pair.step();
    }
    pair.settle(60);
    assert_eq!(events(&mut pair, 0).confirmed, [id]);
}

#[test]
fn player_cannot_agree_while_an_action_on_an_offer_is_pending() {
    let (mut pair, offers) = offers(6);
    let me = shown_entity(&pair, 0, player(0));
    let mine = shown_entity(&pair, 0, chest(1));
    let entity = on_server(&pair, player(0));
    inventory(&mut pair, entity).set(0, TORCH.stack(5)).unwrap();
    pair.settle(60);
    let (from, to) = (inv(me, 0), inv(mine, 0));
    ask(&mut pair, 0, InventoryAction::Move { from, to, count: None });
    let early = ask(&mut pair, 0, Agree);
    assert_eq!(events(&mut pair, 0).rejected, [(early, Rejection::Unconfirmed)]);
    pair.settle(60);
    let agreed = ask(&mut pair, 0, Agree);
    pair.settle(60);
    assert!(events(&mut pair, 0).confirmed.contains(&agreed));
    assert_eq!(inventory(&mut pair, offers[0]).count(TORCH), 5);
}

#[test]
fn agreement_costs_four_bytes_per_offer() {
    let (mut pair, _) = offers(0);
    let before = bytes_up(&pair, 0);
    ask(&mut pair, 0, Agree);
    pair.settle(60);
    assert_eq!(bytes_up(&pair, 0) - before, 16);
}

#[test]
fn host_agrees_only_to_what_was_committed() {
    let set_up = |app: &mut App| {
        setup(app);
        app.add_action::<Agree>();
    };
    let mut app = Simulation::app(set_up);
    let owner = Owner(ClientId::Server);
    app.world_mut().spawn((player(0), Inventory::new(3), owner));
    let offers = [1, 2].map(|n| {
        let viewers = viewer(ClientId::Server, Rights::SEE);
        app.world_mut().spawn((chest(n), Inventory::new(3), viewers)).id()
    });
    (0..3).for_each(|_| app.update());
    for changed in [true, false] {
        if changed {
            app.world_mut().get_mut::<Inventory>(offers[1]).unwrap().set(0, AXE.stack(1)).unwrap();
        }
        app.world_mut().resource_mut::<EventLog>().clear();
        with_actions(&mut app, |actions| actions.request(Agree));
        let log = app.world().resource::<EventLog>();
        assert_eq!(log.rejected.len(), usize::from(changed), "changed in this frame: {changed}");
        app.update();
    }
}
