//! A viewer sees all of an inventory from the tick it is added, and nothing after it is removed.

use crate::common::*;

fn viewers(pair: &mut Simulation, entity: Entity) -> Mut<'_, Viewers> {
    pair.server.world_mut().get_mut::<Viewers>(entity).unwrap()
}

#[test]
fn viewer_added_in_the_tick_of_a_change_applies_it_once() {
    let Scene { mut pair, chest_entity: entity, .. } =
        Scene::clients(2).chest([0]).stored(0, TORCH.stack(10)).build();
    // In both orders within the tick.
    for change_first in [true, false] {
        let client = pair.client_id(1);
        let count = inventory(&mut pair, entity).get(0).unwrap().count();
        if change_first {
            inventory(&mut pair, entity).split(0, 1).unwrap();
            viewers(&mut pair, entity).add(client, Rights::SEE);
        } else {
            viewers(&mut pair, entity).add(client, Rights::SEE);
            inventory(&mut pair, entity).split(0, 1).unwrap();
        }
        pair.steps(3);
        assert_same(&pair, 0, chest(1));
        assert_same(&pair, 1, chest(1));
        let shown = pair.shown::<Inventory>(1, chest(1)).unwrap().get(0);
        assert_eq!(shown, Some(TORCH.stack(count - 1)));
        assert_eq!(events(&mut pair, 1).opened.len(), 1);
        assert!(events(&mut pair, 1).slots.is_empty());
        viewers(&mut pair, entity).remove(client);
        pair.steps(3);
        events(&mut pair, 1).clear();
    }
    let clients = [0, 1].map(|client| stats(&pair.clients[client].app));
    assert!(
        clients.iter().all(|stats| stats.gaps + stats.decode_errors + stats.unknown_views == 0)
    );
}

#[test]
fn client_connecting_in_the_tick_of_a_change_misses_nothing() {
    let mut pair = pair(1);
    let late = pair.add_client(setup);
    let entity = spawn_chest(&mut pair, 1, &[0]);
    pair.steps(3);
    pair.connect(late);
    let client = pair.client_id(late);
    viewers(&mut pair, entity).add(client, Rights::USE);
    for n in 1..20 {
        inventory(&mut pair, entity).set(0, TORCH.stack(n)).unwrap();
        pair.step();
    }
    pair.steps(3);
    assert_same(&pair, late, chest(1));
    assert_same(&pair, 0, chest(1));
    assert_eq!(events(&mut pair, late).opened.len(), 1, "a late join costs one full update");
}

#[test]
fn hidden_changed_and_shown_again() {
    let Scene { mut pair, chest_entity: entity, .. } =
        Scene::clients(1).chest([0]).stored(0, TORCH.stack(1)).build();
    let client = pair.client_id(0);
    viewers(&mut pair, entity).remove(client);
    pair.steps(3);
    assert!(pair.shown::<Inventory>(0, chest(1)).is_none(), "its entity is despawned");
    let closed = events(&mut pair, 0).closed.clone();
    assert_eq!(closed.iter().map(|c| c.reason).collect::<Vec<_>>(), [CloseReason::Hidden]);

    let quiet = bytes_down(&pair, 0);
    inventory(&mut pair, entity).set(0, AXE.stack(1)).unwrap();
    pair.steps(3);
    assert_eq!(bytes_down(&pair, 0), quiet, "nothing is sent while hidden");

    viewers(&mut pair, entity).add(client, Rights::SEE);
    pair.steps(3);
    assert_same(&pair, 0, chest(1));
    assert_eq!(events(&mut pair, 0).opened.len(), 2);
}

#[test]
fn all_viewers_of_a_chest_receive_every_change() {
    let mut pair = pair(3);
    let entity = spawn_chest(&mut pair, 1, &[0, 1, 2]);
    for client in 0..3 {
        spawn_player(&mut pair, client);
    }
    pair.steps(4);
    let encoded = stats(&pair.server).entries_encoded;
    for n in 1..=60 {
        inventory(&mut pair, entity).set(n as usize % 27, TORCH.stack(n)).unwrap();
        pair.step();
        for client in 0..3 {
            assert_same(&pair, client, chest(1));
        }
    }
    assert_eq!(stats(&pair.server).entries_encoded - encoded, 60, "encoded once for all three");
    for client in 0..3 {
        assert_eq!(events(&mut pair, client).slots.len(), 60);
    }
}

#[test]
fn own_slots_change_while_a_chest_is_open() {
    let Scene { mut pair, chests, player_entity: own, .. } =
        Scene::clients(2).chest([0, 1]).chest([0, 1]).players(2).build();
    for n in 1..=40 {
        // A private and two shared parts in the same tick, and sometimes an opening.
        inventory(&mut pair, own).set(1, TORCH.stack(n)).unwrap();
        inventory(&mut pair, chests[0]).set(2, TORCH.stack(n)).unwrap();
        inventory(&mut pair, chests[1]).set(3, TORCH.stack(n)).unwrap();
        if n % 10 == 0 {
            spawn_chest(&mut pair, 100 + u64::from(n), &[0]);
        }
        pair.step();
        for client in 0..2 {
            assert_same(&pair, client, chest(1));
            assert_same(&pair, client, chest(2));
            assert_same(&pair, client, player(client as u64));
        }
    }
    assert_same(&pair, 0, chest(110));
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.gaps, client.decode_errors, client.unknown_views), (0, 0, 0));
}

#[test]
fn all_parts_of_a_tick_apply_together_or_not_at_all() {
    let Scene { mut pair, chest_entity: shared, player_entity: own, .. } =
        Scene::clients(2).chest([0, 1]).players(1).carried(0, TORCH.stack(5)).build();
    // Every shared part to client 0 is delayed by one step: held back here, delivered with the next.
    let mut held: Vec<bevy_replicon::bytes::Bytes> = Vec::new();
    pair.tamper(move |client, _, bytes| {
        if client != 0 {
            return vec![bytes];
        }
        let mut now = core::mem::take(&mut held);
        if bytes.first().is_some_and(|byte| byte & 0b111 == 0b101) {
            held.push(bytes);
            return now;
        }
        now.push(bytes);
        now
    });
    let torches = |pair: &Simulation| {
        let count = |id| pair.shown::<Inventory>(0, id).unwrap().count(TORCH);
        (count(player(0)), count(chest(1)))
    };
    inventory(&mut pair, own).split(0, 2).unwrap();
    inventory(&mut pair, shared).set(0, TORCH.stack(2)).unwrap();
    pair.step();
    assert_eq!(torches(&pair), (5, 0), "the private part waits for the shared one");
    inventory(&mut pair, own).set(9, AXE.stack(1)).unwrap();
    pair.step();
    assert_eq!(torches(&pair), (3, 2));
    assert_same(&pair, 0, player(0));
}

#[test]
fn despawn_closes_and_frees_the_view() {
    let Scene { mut pair, chest_entity: entity, .. } = Scene::clients(2).chest([0, 1]).build();
    pair.server.world_mut().despawn(entity);
    pair.steps(3);
    for client in 0..2 {
        assert!(pair.shown::<Inventory>(client, chest(1)).is_none());
        let reasons: Vec<_> = events(&mut pair, client).closed.iter().map(|c| c.reason).collect();
        assert_eq!(reasons, [CloseReason::Despawned]);
    }
}

#[test]
fn despawn_and_respawn_of_an_id_in_one_tick() {
    let Scene { mut pair, chest_entity: entity, .. } =
        Scene::clients(1).chest([0]).stored(0, TORCH.stack(1)).build();
    pair.server.world_mut().despawn(entity);
    let entity = spawn_chest(&mut pair, 1, &[0]);
    inventory(&mut pair, entity).set(5, AXE.stack(1)).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, chest(1));
    let events = events(&mut pair, 0);
    assert_eq!((events.opened.len(), events.closed.len()), (2, 1));
}

#[test]
fn changed_rights_reach_the_client() {
    let Scene { mut pair, chest_entity: entity, .. } = Scene::clients(1).chest([0]).build();
    let client = pair.client_id(0);
    viewers(&mut pair, entity).add(client, Rights::SEE | Rights::MANAGE);
    pair.steps(3);
    let world = pair.clients[0].app.world_mut();
    let in_view = world.query::<&InView>().single(world).unwrap();
    assert_eq!(in_view.rights, Rights::SEE | Rights::MANAGE);
    assert_eq!(events(&mut pair, 0).opened.len(), 1, "it was open all the time");
}

#[test]
fn ownership_is_transferred() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(2).players(1).build();
    let heir = Owner(pair.client_id(1));
    pair.server.world_mut().entity_mut(entity).insert(heir);
    pair.steps(3);
    assert!(pair.shown::<Inventory>(0, player(0)).is_none());
    assert_same(&pair, 1, player(0));
    let world = pair.clients[1].app.world_mut();
    assert_eq!(world.query::<(&LocalInventory, &InView)>().iter(world).count(), 1);
    pair.server.world_mut().entity_mut(entity).remove::<Owner>();
    pair.steps(3);
    assert!(pair.shown::<Inventory>(1, player(0)).is_none());
}

#[test]
fn containers_are_added_resized_and_removed_while_open() {
    let Scene { mut pair, player_entity: entity, .. } =
        Scene::clients(1).players(1).carried(26, TORCH.stack(1)).build();
    pair.server.world_mut().entity_mut(entity).insert(Equipment(Slots::new(4)));
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    let lost = inventory(&mut pair, entity).resize(12);
    assert_eq!(lost, [TORCH.stack(1)]);
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    let grown = inventory(&mut pair, entity).resize(54);
    assert!(grown.is_empty());
    inventory(&mut pair, entity).set(53, AXE.stack(1)).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    pair.server.world_mut().entity_mut(entity).remove::<Hotbar>();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    assert!(pair.shown::<Hotbar>(0, player(0)).is_none());
    let received = events(&mut pair, 0);
    assert_eq!((received.opened.len(), received.resized.len(), received.closed.len()), (1, 4, 0));
    pair.server.world_mut().entity_mut(entity).remove::<(Inventory, Equipment)>();
    pair.steps(3);
    assert_eq!(events(&mut pair, 0).closed.len(), 1, "no container, no inventory");
}

#[test]
fn disconnect_leaves_no_entry_on_the_server() {
    let Scene { mut pair, player_entity: own, chest_entity: shared, .. } =
        Scene::clients(2).players(1).chest([0, 1]).build();
    let gone = pair.client_id(0);
    pair.disconnect(0);
    pair.steps(3);
    let world = pair.server.world();
    assert!(world.get::<Owner>(own).is_none());
    assert_eq!(world.get::<Viewers>(shared).unwrap().rights_of(gone), None);
    let left = pair.server_views();
    assert!(!left.contains(&format!("{}", gone.entity().unwrap())), "{gone} in {left}");
    assert!(left.contains(&format!("{}", pair.client_id(1).entity().unwrap())), "{left}");
    // The other client continues undisturbed.
    inventory(&mut pair, shared).set(0, TORCH.stack(1)).unwrap();
    pair.steps(3);
    assert_same(&pair, 1, chest(1));
}

#[test]
fn lost_connection_closes_every_view_and_cleans_up() {
    let mut pair = pair(1);
    let own = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(own).insert(Replicated);
    spawn_chest(&mut pair, 1, &[0]);
    pair.steps(4);
    pair.disconnect(0);
    let reasons: Vec<_> = events(&mut pair, 0).closed.iter().map(|c| c.reason).collect();
    assert_eq!(reasons, [CloseReason::Disconnected; 2]);
    let world = pair.clients[0].app.world_mut();
    assert_eq!(world.query::<&Inventory>().iter(world).count(), 0);
    assert_eq!(world.query::<&Hotbar>().iter(world).count(), 0);
    assert_eq!(world.query::<&InView>().iter(world).count(), 0);
    assert_eq!(world.query::<&InventoryId>().iter(world).count(), 0);
    assert_eq!(world.query::<&Remote>().iter(world).count(), 1, "the avatar itself is replicon's");

    pair.connect(0);
    let owner = Owner(pair.client_id(0));
    pair.server.world_mut().entity_mut(own).insert(owner);
    pair.steps(5);
    assert_same(&pair, 0, player(0));
}

#[test]
fn thousand_views_of_one_client() {
    let mut pair = pair(1);
    let chests: Vec<_> = (0..1000).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    pair.settle(100);
    inventory(&mut pair, chests[999]).set(0, TORCH.stack(1)).unwrap();
    pair.steps(2);
    for n in 0..1000 {
        assert_same(&pair, 0, chest(n));
    }
}

#[derive(Component, serde::Serialize, serde::Deserialize)]
struct Avatar;

#[test]
fn hidden_and_shown_within_one_client_frame() {
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.replicate::<Avatar>();
    });
    let client = pair.client_id(0);
    let viewers = viewer(client, Rights::USE);
    let entity = pair
        .server
        .world_mut()
        .spawn((chest(1), Inventory::default(), viewers, Avatar, Replicated))
        .id();
    pair.steps(4);
    assert_eq!(events(&mut pair, 0).opened.len(), 1);
    events(&mut pair, 0).clear();
    // Two ticks arrive in one frame of the client.
    let channel = pair.sync_channel();
    let mut held = None;
    pair.tamper(move |_, on, bytes| {
        if on != channel {
            return vec![bytes];
        }
        match held.take() {
            None => {
                held = Some(bytes);
                vec![]
            }
            Some(first) => vec![first, bytes],
        }
    });
    hide(&mut pair, entity, 0);
    pair.step();
    show(&mut pair, entity, 0);
    pair.step();
    let there = pair.shown::<Inventory>(0, chest(1)).is_some();
    pair.steps(3);
    let events = events(&mut pair, 0);
    assert!(there, "the containers are gone for a frame");
    assert_eq!((events.closed.len(), events.opened.len()), (1, 1));
}

#[test]
fn client_that_disconnects_is_removed_from_all_lists_whenever_it_was_added() {
    let mut pair = pair(2);
    let early = spawn_chest(&mut pair, 1, &[0, 1]);
    let hidden = spawn_chest(&mut pair, 2, &[0, 1]);
    pair.settle(60);
    // Without a change for long, in the same tick, renamed, and not synced because of its id.
    let late = spawn_chest(&mut pair, 3, &[]);
    let same_id = spawn_chest(&mut pair, 1, &[0, 1]);
    pair.server.world_mut().entity_mut(hidden).insert(chest(9));
    pair.settle(60);
    show(&mut pair, late, 0);
    pair.disconnect(0);
    pair.steps(2);
    let lists = |pair: &Simulation, entity: Entity| {
        pair.server.world().get::<Viewers>(entity).unwrap().len()
    };
    assert_eq!([early, hidden, late].map(|entity| lists(&pair, entity)), [1, 1, 0]);
    pair.server.world_mut().despawn(early);
    pair.steps(2);
    assert_eq!(lists(&pair, same_id), 1, "once it is synced");
    assert_same(&pair, 1, chest(1));
}

#[test]
fn client_that_was_added_before_it_connects_sees_the_inventory() {
    let mut pair = pair(1);
    let there = spawn_chest(&mut pair, 1, &[]);
    inventory(&mut pair, there).set(3, TORCH.stack(5)).unwrap();
    pair.steps(10);
    // The game knows the entity of the client before the backend has reported the connection.
    let entity = pair.server.world_mut().spawn_empty().id();
    pair.server.world_mut().get_mut::<Viewers>(there).unwrap().add(entity.into(), Rights::USE);
    let owned = (player(5), Inventory::new(3), Owner(entity.into()));
    pair.server.world_mut().spawn(owned);
    pair.steps(10);
    pair.server.world_mut().entity_mut(entity).insert(ConnectedClient { max_size: 1200 });
    pair.server.world_mut().entity_mut(entity).insert(AuthorizedClient);
    pair.steps(60);
    assert_eq!(pair.server.world().get::<ClientSyncStats>(entity).unwrap().views, 2);
}

#[test]
fn owner_that_has_disconnected_already_is_removed() {
    let Scene { mut pair, chest_entity: chest, .. } = Scene::clients(1).chest([]).build();
    let gone = pair.client_id(0);
    pair.disconnect(0);
    pair.steps(3);
    pair.server.world_mut().entity_mut(chest).insert(Owner(gone));
    pair.steps(2);
    assert!(pair.server.world().get::<Owner>(chest).is_none());
}

#[test]
fn slot_that_is_removed_after_it_has_changed_emits_no_event() {
    let Scene { mut pair, chest_entity: chest, .. } =
        Scene::clients(1).chest([0]).stored(26, TORCH.stack(3)).build();
    pair.settle(60);
    events(&mut pair, 0).clear();
    // Both messages arrive in the same update of the client.
    pair.freeze(0, 4);
    pair.step();
    inventory(&mut pair, chest).set(26, None).unwrap();
    pair.step();
    drop(inventory(&mut pair, chest).resize(21));
    pair.settle(60);
    let events = events(&mut pair, 0);
    assert_eq!((events.resized.len(), events.slots.len()), (1, 0), "{:?}", events.slots);
}
