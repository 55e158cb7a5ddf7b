//! A change on the server becomes the same change on the client, and costs few bytes.

use crate::common::{
    random::{each_seed, size},
    *,
};

#[test]
fn one_change_is_one_event_and_few_bytes() {
    let Scene { mut pair, player_entity: entity, .. } =
        Scene::clients(1).players(1).in_hotbar(2, TORCH.stack(40)).build();
    assert_same(&pair, 0, player(0));
    assert_eq!(events(&mut pair, 0).opened.len(), 1);
    assert!(events(&mut pair, 0).slots.is_empty(), "an opening is one event");

    let before = bytes_down(&pair, 0);
    hotbar(&mut pair, entity).split(2, 1).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    assert_eq!(bytes_down(&pair, 0) - before, 2, "a single drop");
    let shown = pair.clients[0].app.world().resource::<InventoryIds>().get(player(0)).unwrap();
    let expected = SlotChanged {
        entity: shown,
        slot: Hotbar::slot(2),
        old: Some(TORCH.stack(40)),
        new: Some(TORCH.stack(39)),
        cause: SlotCause::Server,
    };
    assert_eq!(events(&mut pair, 0).slots, [expected]);
}

#[test]
fn single_slot_change_costs_at_most_six_bytes() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    let contents = [
        Some(TORCH.stack(64)),
        Some(TORCH.stack(1)),
        None,
        Some(AXE.stack(1)),
        Some(AXE.stack(1).with_wear(3)),
        Some(AXE.stack(1).with_wear(900)),
        Some(COIN.stack(700)),
        None,
    ];
    for slot in [0, 13, 26] {
        for content in contents {
            let before = bytes_down(&pair, 0);
            inventory(&mut pair, entity).set(slot, content).unwrap();
            pair.steps(2);
            let cost = bytes_down(&pair, 0) - before;
            assert!((1..=6).contains(&cost), "{content:?} in slot {slot} cost {cost} bytes");
            assert_same(&pair, 0, player(0));
        }
    }
}

#[test]
fn idle_inventories_send_nothing() {
    let Scene { mut pair, .. } = Scene::clients(2).players(2).build();
    let before = [pair.clients[0].traffic, pair.clients[1].traffic];
    pair.steps(120);
    assert_eq!(before, [pair.clients[0].traffic, pair.clients[1].traffic]);
}

#[test]
fn ten_sets_of_one_slot_send_one_entry() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    let entries = stats(&pair.server).entries_encoded;
    for n in 1..=10 {
        inventory(&mut pair, entity).set(7, TORCH.stack(n)).unwrap();
    }
    pair.steps(3);
    assert_eq!(stats(&pair.server).entries_encoded - entries, 1);
    assert_eq!(events(&mut pair, 0).slots.len(), 1);
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().get(7), Some(TORCH.stack(10)));
}

#[test]
fn change_and_change_back_sends_nothing() {
    let Scene { mut pair, player_entity: entity, .. } =
        Scene::clients(1).players(1).carried(0, TORCH.stack(5)).build();
    let (traffic, commits) = (pair.clients[0].traffic, stats(&pair.server).commits);
    inventory(&mut pair, entity).set(0, None).unwrap();
    inventory(&mut pair, entity).set(0, TORCH.stack(5)).unwrap();
    pair.steps(3);
    assert_eq!(pair.clients[0].traffic, traffic);
    assert_eq!(stats(&pair.server).commits, commits);
    assert!(events(&mut pair, 0).slots.is_empty());
}

#[test]
fn versions_wrap_on_the_wire() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    for n in 0..200 {
        inventory(&mut pair, entity).set(0, TORCH.stack(1 + n % 64)).unwrap();
        pair.step();
        assert_same(&pair, 0, player(0));
    }
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.gaps, client.decode_errors, client.resyncs_requested), (0, 0, 0));
}

#[test]
fn messages_and_observers_receive_the_same_events() {
    #[derive(Resource, Default)]
    struct Read(Vec<SlotChanged>);
    let scene = Scene::with_setup(1, |app| {
        setup(app);
        app.init_resource::<Read>().add_systems(
            Update,
            |mut reader: MessageReader<SlotChanged>, mut read: ResMut<Read>| {
                read.0.extend(reader.read().copied());
            },
        );
    });
    let Scene { mut pair, player_entity: entity, .. } = scene.players(1).build();
    for slot in 0..5 {
        inventory(&mut pair, entity).set(slot, TORCH.stack(1)).unwrap();
        pair.step();
    }
    pair.steps(2);
    let observed = events(&mut pair, 0).slots.clone();
    assert_eq!(observed.len(), 5);
    assert_eq!(pair.clients[0].app.world().resource::<Read>().0, observed);
}

#[test]
fn chests_with_the_same_viewers_share_one_message() {
    let mut pair = pair(3);
    let own = spawn_player(&mut pair, 0);
    let chests: Vec<_> = (0..4).map(|n| spawn_chest(&mut pair, n, &[0, 1, 2])).collect();
    let other = spawn_chest(&mut pair, 9, &[0, 1]);
    pair.settle(50);
    let sent = stats(&pair.server).messages_sent;
    for (n, chest) in chests.iter().enumerate() {
        inventory(&mut pair, *chest).set(n, TORCH.stack(1)).unwrap();
    }
    pair.step();
    assert_eq!(stats(&pair.server).messages_sent - sent, 3, "one for each client");
    for chest in chests.iter().chain([&other, &own]) {
        inventory(&mut pair, *chest).set(9, AXE.stack(1)).unwrap();
    }
    pair.step();
    for (client, chests) in [(0, 5), (1, 5), (2, 4)] {
        for n in (0..4).chain([9]).take(chests) {
            assert_same(&pair, client, chest(n));
        }
    }
    assert_same(&pair, 0, player(0));
    assert_eq!(stats(&pair.clients[0].app).resyncs_requested, 0);
}

#[test]
fn hundred_changes_per_second_for_minutes() {
    each_seed(1..2, |seed| {
        let minutes = size(1, 10);
        let mut pair = pair(4);
        let shared = spawn_chest(&mut pair, 1, &[0, 1, 2, 3]);
        let players: Vec<Entity> = (0..4).map(|client| spawn_player(&mut pair, client)).collect();
        pair.settle(50);
        let before: Vec<u64> = (0..4).map(|client| bytes_down(&pair, client)).collect();
        let mut dice = fastrand::Rng::with_seed(seed);
        let (mut changes, mut sizes) = (0, Vec::new());
        for tick in 0..minutes * 3600 {
            // Five changes in three ticks, half of them in the shared chest.
            for _ in 0..if tick % 3 == 0 { 1 } else { 2 } {
                let there = if dice.bool() { shared } else { players[dice.usize(0..4)] };
                let (slot, n) = (dice.usize(0..27), 1 + changes % 64);
                let stack = [TORCH.stack(n), COIN.stack(n), AXE.stack(1).with_wear(n as u16)];
                let stack = (dice.u8(0..4) > 0).then(|| stack[dice.usize(0..3)]);
                inventory(&mut pair, there).set(slot, stack).unwrap();
                changes += 1;
            }
            pair.step();
            if tick % 1200 == 599 {
                sizes.push(pair.server_views().len());
            }
        }
        pair.steps(400);
        pair.settle(100);
        assert_eq!(changes, minutes * 6000);
        for (client, before) in before.into_iter().enumerate() {
            assert_same(&pair, client, chest(1));
            assert_same(&pair, client, player(client as u64));
            let bytes = (bytes_down(&pair, client) - before) / u64::from(minutes * 60);
            assert!((100..=1000).contains(&bytes), "client {client}: {bytes} bytes a second");
            let there = stats(&pair.clients[client].app);
            assert_eq!((there.resyncs_requested, there.checksum_mismatches, there.gaps), (0, 0, 0));
        }
        let (least, most) = (*sizes.iter().min().unwrap(), *sizes.iter().max().unwrap());
        assert!(most < least + least / 10, "nothing grows: {sizes:?}");
    });
}
