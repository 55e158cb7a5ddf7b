//! Instance data reaches every viewer, is saved by value, and is removed some time after nothing refers to it.

use crate::{
    actions::custom::{Engraving, setup_all},
    common::{data::*, *},
};
use bevy::time::TimeUpdateStrategy;
use bevy_inventory_sync::{
    model::data::DataRemoval,
    server::data::{DataRemoved, DataRetention},
};
use core::time::Duration;

fn engraving(text: &str) -> Engraving {
    Engraving { text: text.into() }
}

#[test]
fn local_data_survives_a_session_and_its_ids_are_not_reused() {
    let mut pair = Simulation::new(0, |app| {
        setup(app);
        app.add_item_data::<Engraving>();
    });
    let c = pair.add_client(|app| {
        setup(app);
        app.add_item_data::<Engraving>();
    });
    let world = pair.clients[c].app.world_mut();
    let data = world.resource_mut::<DataPool>().insert(&engraving("mine")).unwrap();
    let own = world.spawn((chest(9), Inventory::default(), Owner(ClientId::Server))).id();
    let stack = AXE.stack(1).with_data(data);
    world.get_mut::<Inventory>(own).unwrap().set(0, stack).unwrap();
    pair.clients[c].app.update();
    pair.connect(c);
    pair.settle(60);
    pair.disconnect(c);
    pair.clients[c].app.update();
    let world = pair.clients[c].app.world_mut();
    assert_eq!(world.get::<Inventory>(own).unwrap().get(0), Some(stack));
    let other = world.resource_mut::<DataPool>().insert(&engraving("something else")).unwrap();
    let pool = world.resource::<DataPool>();
    let text = pool.get::<Engraving>(data).map(|e| e.text);
    assert_ne!(other, data, "the axe says {text:?} now");
    assert_eq!(text.as_deref(), Some("mine"));
}

#[test]
fn data_is_released_when_frames_are_faster_than_ticks() {
    let mut app = ticking_slowly(|app| {
        setup(app);
        app.add_item_data::<Engraving>();
    });
    let world = app.world_mut();
    let data = world.resource_mut::<DataPool>().insert(&engraving("a")).unwrap();
    let chest = world.spawn((chest(1), Inventory::default())).id();
    let stack = AXE.stack(1).with_data(data);
    world.get_mut::<Inventory>(chest).unwrap().set(0, stack).unwrap();
    (0..33).for_each(|_| app.update());
    let held = |app: &App| format!("{:?}", app.world().resource::<DataPool>());
    assert!(held(&app).contains("held: 1"), "{}", held(&app));
    // Just after a tick: the next comes in ten frames.
    let commits = stats(&app).commits;
    app.world_mut().get_mut::<Inventory>(chest).unwrap().set(5, TORCH.stack(1)).unwrap();
    while stats(&app).commits == commits {
        app.update();
    }
    app.world_mut().despawn(chest);
    (0..50).for_each(|_| app.update());
    assert!(held(&app).contains("held: 0"), "nothing holds it: {}", held(&app));
}

fn engraved(pair: &mut Simulation, len: usize) -> Result<DataId, DataError> {
    let text = "x".repeat(len);
    pair.server.world_mut().resource_mut::<DataPool>().insert(&Engraving { text })
}

#[test]
fn any_size_up_to_the_cap_arrives_and_above_is_a_typed_error() {
    let mut pair = Simulation::new(1, setup_all);
    let player_entity = spawn_player(&mut pair, 0);
    const CAP: usize = 1 << 16;
    // Above 250 characters the length takes three bytes.
    let sizes = [0, 24, 1400, CAP - 4, CAP - 3, CAP - 2];
    for (slot, len) in sizes.into_iter().enumerate() {
        match engraved(&mut pair, len) {
            Ok(data) => {
                inventory(&mut pair, player_entity)
                    .set(slot, AXE.stack(1).with_data(data))
                    .unwrap();
            }
            Err(error) => {
                assert_eq!((len, error), (CAP - 2, DataError::TooLarge { name: "engraving" }));
            }
        }
    }
    pair.settle(200);
    // The same for a client that joins later.
    pair.disconnect(0);
    pair.step();
    pair.connect(0);
    let owner = Owner(pair.client_id(0));
    pair.server.world_mut().entity_mut(player_entity).insert(owner);
    pair.settle(200);
    assert_same(&pair, 0, player(0));
    let pool = pair.clients[0].app.world().resource::<DataPool>();
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap();
    for (slot, len) in sizes.into_iter().enumerate().take(5) {
        let engraving = pool.get::<Engraving>(shown.get(slot).unwrap().data.unwrap()).unwrap();
        assert_eq!(engraving.text.len(), len);
    }
    assert_eq!(stats(&pair.clients[0].app).decode_errors, 0);
}

#[test]
fn change_of_instance_data_alone_is_sent() {
    let mut pair = Simulation::new(1, setup_all);
    let player_entity = spawn_player(&mut pair, 0);
    let [a, b] = [3, 4].map(|len| engraved(&mut pair, len).unwrap());
    assert_eq!(engraved(&mut pair, 3), Ok(a), "equal values have one id");
    inventory(&mut pair, player_entity).set(0, AXE.stack(1).with_data(a)).unwrap();
    pair.settle(50);
    events(&mut pair, 0).clear();
    inventory(&mut pair, player_entity).set(0, AXE.stack(1).with_data(b)).unwrap();
    pair.settle(50);
    assert_eq!(events(&mut pair, 0).slots.len(), 1);
    assert_same(&pair, 0, player(0));
    let before = bytes_down(&pair, 0);
    inventory(&mut pair, player_entity).set(1, AXE.stack(1).with_data(b)).unwrap();
    pair.settle(50);
    assert!(bytes_down(&pair, 0) - before <= 6, "the value itself is sent once");
}

#[test]
fn unused_data_is_removed_on_both_sides_and_reported() {
    let mut pair = Simulation::new(1, setup_all);
    record_removed_data(&mut pair.server);
    let player_entity = spawn_player(&mut pair, 0);
    let data = engraved(&mut pair, 100).unwrap();
    let never_held = engraved(&mut pair, 101).unwrap();
    inventory(&mut pair, player_entity).set(0, AXE.stack(1).with_data(data)).unwrap();
    pair.settle(50);
    assert!(has_data(&pair.clients[0].app, data));
    pass_seconds(&mut pair.server, 590);
    inventory(&mut pair, player_entity).set(0, None).unwrap();
    pass_seconds(&mut pair.server, 15);
    let removed = |pair: &Simulation| pair.server.world().resource::<RemovedData>().0.clone();
    let (name, reason) = ("engraving", DataRemoval::Expired);
    let of = |data, bytes| DataRemoved { data, name, bytes, reason };
    assert_eq!(removed(&pair), [of(never_held, 102)]);
    assert!(!has_data(&pair.server, never_held) && has_data(&pair.server, data));
    pass_seconds(&mut pair.server, 590);
    assert_eq!(removed(&pair), [of(never_held, 102), of(data, 101)]);
    assert!(!has_data(&pair.server, data));
    // The client is told with the next message that can carry it.
    spawn_chest(&mut pair, 1, &[0]);
    pair.steps(5);
    assert!(!has_data(&pair.clients[0].app, data));
    // A stack that was kept elsewhere for that long is a fault.
    inventory(&mut pair, player_entity).set(0, AXE.stack(1).with_data(data)).unwrap();
    pair.step();
    let mut faults = pair.server.world_mut().resource_mut::<Messages<InventoryFault>>();
    let unknown = |fault| matches!(fault, InventoryFault::UnknownData { .. });
    assert!(faults.drain().any(unknown));
}

/// A single-player game.
fn single_player() -> App {
    let mut app = Simulation::app(setup_all);
    record_removed_data(&mut app);
    app.update();
    app
}

#[test]
fn unused_data_is_kept_for_a_time_and_not_for_a_number_of_frames() {
    let mut app = single_player();
    let data = insert_data(&mut app, &engraving("in the mail"));
    // 155 seconds.
    app.insert_resource(TimeUpdateStrategy::ManualDuration(Duration::from_secs(1) / 240));
    (0..37_200).for_each(|_| app.update());
    assert!(has_data(&app, data));
    pass_seconds(&mut app, 440);
    assert!(has_data(&app, data), "595 seconds");
    pass_seconds(&mut app, 10);
    assert_eq!(removed_ids(&app), [data]);
}

#[test]
fn unused_data_is_kept_while_the_game_is_paused() {
    let mut app = single_player();
    let data = insert_data(&mut app, &engraving("in the mail"));
    pass_seconds(&mut app, 300);
    app.world_mut().resource_mut::<Time<Virtual>>().pause();
    pass_seconds(&mut app, 700);
    app.world_mut().resource_mut::<Time<Virtual>>().unpause();
    pass_seconds(&mut app, 295);
    assert!(has_data(&app, data));
    pass_seconds(&mut app, 10);
    assert_eq!(removed_ids(&app), [data]);
}

#[test]
fn unused_data_is_kept_while_the_app_is_a_client() {
    let mut pair = Simulation::new(0, setup_all);
    let c = pair.add_client(setup_all);
    let app = &mut pair.clients[c].app;
    record_removed_data(app);
    app.insert_resource(DataRetention { time: Duration::from_secs(10), ..default() });
    let data = insert_data(app, &engraving("in the mail"));
    pass_seconds(app, 5);
    pair.connect(c);
    pair.settle(60);
    pass_seconds(&mut pair.clients[c].app, 20);
    pair.disconnect(c);
    let app = &mut pair.clients[c].app;
    pass_seconds(app, 4);
    assert!(has_data(app, data));
    pass_seconds(app, 2);
    assert_eq!(removed_ids(app), [data]);
}

#[test]
fn inserting_a_value_again_keeps_it_for_longer() {
    let mut app = single_player();
    app.insert_resource(DataRetention { time: Duration::from_secs(10), ..default() });
    let data = insert_data(&mut app, &engraving("in the mail"));
    pass_seconds(&mut app, 8);
    assert_eq!(insert_data(&mut app, &engraving("in the mail")), data);
    pass_seconds(&mut app, 8);
    assert!(has_data(&app, data));
    pass_seconds(&mut app, 3);
    assert_eq!(removed_ids(&app), [data]);
}

#[test]
fn saving_reports_stacks_without_their_data() {
    let mut app = single_player();
    let entity = app.world_mut().spawn(Inventory::new(9)).id();
    let data = insert_data(&mut app, &engraving("in the mail"));
    let kept = insert_data(&mut app, &engraving("in the inventory"));
    let mut inventory = app.world_mut().get_mut::<Inventory>(entity).unwrap();
    inventory.set(1, AXE.stack(1).with_data(kept)).unwrap();
    pass_seconds(&mut app, 605);
    let mut inventory = app.world_mut().get_mut::<Inventory>(entity).unwrap();
    inventory.set(4, AXE.stack(1).with_data(data)).unwrap();
    let saved = with_inventories(&mut app, move |inv| inv.save(entity).unwrap());
    let lost = saved.lost_data.iter().map(|lost| {
        assert_eq!((lost.container.as_str(), lost.item.as_str()), ("inventory", "axe"));
        (lost.slot, lost.data)
    });
    assert_eq!(lost.collect::<Vec<_>>(), [(4, data)]);
    let slots = &saved.containers[0].slots;
    assert!(slots[0].data.is_some() && slots[1].data.is_none());
    let text = ron::to_string(&saved).unwrap();
    assert!(!text.contains("lost"), "{text}");
}

#[test]
fn data_is_saved_by_value_and_shared_by_viewers() {
    let mut pair = Simulation::new(2, setup_all);
    let chest_entity = spawn_chest(&mut pair, 1, &[0, 1]);
    let data = engraved(&mut pair, 30).unwrap();
    inventory(&mut pair, chest_entity).set(4, AXE.stack(1).with_data(data)).unwrap();
    pair.settle(50);
    for client in 0..2 {
        assert_same(&pair, client, chest(1));
        let pool = pair.clients[client].app.world().resource::<DataPool>();
        assert!(pool.contains(data) && pool.len() == 1 && !pool.is_empty());
    }
    let saved = with_inventories(&mut pair.server, move |inv| inv.save(chest_entity).unwrap());
    let text = ron::to_string(&saved).unwrap();
    let mut fresh = Simulation::app(setup_all);
    let there = fresh.world_mut().spawn(Inventory::default()).id();
    fresh.update();
    let saved: SavedInventory = ron::from_str(&text).unwrap();
    with_inventories(&mut fresh, move |inv| inv.load(there, &saved).unwrap());
    let stack = fresh.world().get::<Inventory>(there).unwrap().get(4).unwrap();
    let pool = fresh.world().resource::<DataPool>();
    assert_eq!(pool.get::<Engraving>(stack.data.unwrap()).unwrap().text.len(), 30);
    // A build that does not know the type keeps it for one that does.
    let mut poorer = Simulation::app(setup);
    let there = poorer.world_mut().spawn(Inventory::default()).id();
    poorer.update();
    with_inventories(&mut poorer, move |inv| {
        inv.load(there, &ron::from_str(&text).unwrap()).unwrap();
        assert_eq!(inv.count(there, AXE), 0);
    });
    poorer.update();
    let saved = with_inventories(&mut poorer, move |inv| inv.save(there).unwrap());
    assert_eq!(saved.containers[0].slots[0].data.as_ref().unwrap().name, "engraving");
}

#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
struct Novel(String);

impl ItemData for Novel {
    const NAME: &'static str = "novel";
}

#[test]
fn repetitive_data_is_compressed() {
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.add_item_data::<Novel>();
    });
    let library = spawn_chest(&mut pair, 1, &[]);
    for n in 0..10usize {
        let novel = Novel(format!("All work and no play, {n}. ").repeat(200));
        let data = pair.server.world_mut().resource_mut::<DataPool>().insert(&novel).unwrap();
        inventory(&mut pair, library).set(n, AXE.stack(1).with_data(data)).unwrap();
    }
    pair.settle(50);
    show(&mut pair, library, 0);
    pair.settle(200);
    assert_same(&pair, 0, chest(1));
    let chunks = stats(&pair.server).bytes_chunks;
    assert!((1..5000).contains(&chunks), "{chunks} bytes for more than 40,000");
    let pool = pair.clients[0].app.world().resource::<DataPool>();
    let shown = pair.shown::<Inventory>(0, chest(1)).unwrap().get(7).unwrap();
    assert!(pool.get::<Novel>(shown.data.unwrap()).unwrap().0.contains("play, 7."));
}
