//! A stack that the game keeps outside of inventories keeps its data, and is saved with it.

use crate::{
    actions::custom::{Engraving, setup_all},
    common::{data::*, *},
};
use bevy_inventory_sync::{
    model::{
        data::held::ReleaseError,
        saved::{SavedHeldStack, SavedStackError},
    },
    server::data::DataRetention,
};
use core::time::Duration;

fn engraving(text: &str) -> Engraving {
    Engraving { text: text.into() }
}

/// A single-player game that keeps unused data for ten seconds.
fn app() -> App {
    let mut app = Simulation::app(setup_all);
    record_removed_data(&mut app);
    app.insert_resource(DataRetention { time: Duration::from_secs(10), ..default() });
    app.update();
    app
}

fn hold(app: &mut App, stack: Stack) -> HeldStack {
    with_inventories(app, move |inv| inv.hold(stack).unwrap())
}

fn release(app: &mut App, held: HeldStack) -> Result<Stack, ReleaseError> {
    with_inventories(app, move |inv| inv.release(held))
}

/// An engraved axe that the game holds, and the id of its data.
fn held_axe(app: &mut App, text: &str) -> (HeldStack, DataId) {
    let data = insert_data(app, &engraving(text));
    (hold(app, AXE.stack(1).with_wear(3).with_data(data)), data)
}

fn text_of(app: &App, stack: Stack) -> String {
    app.world().resource::<DataPool>().get::<Engraving>(stack.data.unwrap()).unwrap().text
}

#[test]
fn held_stack_keeps_its_data_until_it_is_dropped() {
    let mut app = app();
    let (held, data) = held_axe(&mut app, "ann's");
    let copy = held.clone();
    pass_seconds(&mut app, 30);
    drop(held);
    pass_seconds(&mut app, 30);
    assert!(has_data(&app, data), "the clone holds it");
    assert_eq!(copy.stack(), AXE.stack(1).with_wear(3).with_data(data));
    assert_eq!(copy.data::<Engraving>(), Some(engraving("ann's")));
    std::thread::spawn(move || drop(copy)).join().unwrap();
    pass_seconds(&mut app, 9);
    assert!(has_data(&app, data), "for the usual time");
    pass_seconds(&mut app, 2);
    assert_eq!(removed_ids(&app), [data]);
}

#[test]
fn held_stack_is_released_with_the_same_data() {
    let mut app = app();
    let (held, data) = held_axe(&mut app, "ann's");
    pass_seconds(&mut app, 30);
    let stack = release(&mut app, held).unwrap();
    assert_eq!(stack, AXE.stack(1).with_wear(3).with_data(data));
    pass_seconds(&mut app, 9);
    let entity = app.world_mut().spawn(Inventory::new(1)).id();
    with_inventories(&mut app, move |inv| inv.insert(entity, stack).unwrap());
    pass_seconds(&mut app, 30);
    assert_eq!(text_of(&app, stack), "ann's");
    assert_eq!(app.world().get::<Inventory>(entity).unwrap().get(0), Some(stack));
    // Without data there is nothing to keep.
    let plain = hold(&mut app, TORCH.stack(5));
    assert_eq!(release(&mut app, plain).unwrap(), TORCH.stack(5));
}

#[test]
fn component_with_held_stacks_keeps_their_data() {
    #[derive(Component)]
    struct Mailbox(Vec<HeldStack>);
    let mut app = app();
    let (first, a) = held_axe(&mut app, "a");
    let (second, b) = held_axe(&mut app, "b");
    let mailbox = app.world_mut().spawn(Mailbox(vec![first, second])).id();
    pass_seconds(&mut app, 20);
    assert_eq!(
        app.world_mut().get_mut::<Mailbox>(mailbox).unwrap().0.pop().unwrap().stack().data,
        Some(b)
    );
    pass_seconds(&mut app, 11);
    assert_eq!(removed_ids(&app), [b]);
    app.world_mut().despawn(mailbox);
    pass_seconds(&mut app, 11);
    assert_eq!(removed_ids(&app), [a, b]);
}

#[test]
fn holding_data_that_is_gone_is_an_error() {
    let mut app = app();
    let data = insert_data(&mut app, &engraving("ann's"));
    pass_seconds(&mut app, 11);
    let stack = AXE.stack(1).with_data(data);
    let held = with_inventories(&mut app, move |inv| inv.hold(stack).map(drop));
    assert_eq!(held, Err(DataError::NotFound { data }));
}

#[test]
fn stack_that_is_released_in_another_world_takes_its_data_along() {
    let (mut one, mut other) = (app(), app());
    let (held, data) = held_axe(&mut one, "ann's");
    let (copy, last) = (held.clone(), held.clone());
    // The same id is another value there.
    assert_eq!(insert_data(&mut other, &engraving("other")), data);
    let stack = release(&mut other, held).unwrap();
    assert_eq!((text_of(&other, stack), stack.wear), ("ann's".into(), 3));
    assert_ne!(stack.data, Some(data));
    pass_seconds(&mut other, 11);
    assert_eq!(removed_ids(&other).len(), 2, "only its own world keeps the data");
    pass_seconds(&mut one, 11);
    assert!(has_data(&one, data));
    // A world without the type gives the stack back.
    let mut poorer = Simulation::app(setup);
    let ReleaseError { held, error } = release(&mut poorer, copy).unwrap_err();
    assert_eq!(error, DataError::NotRegistered { name: "engraving" });
    let stack = release(&mut one, held).unwrap();
    assert_eq!((stack.data, text_of(&one, stack)), (Some(data), "ann's".into()));
    // The world in which it was held no longer exists.
    drop(one);
    let stack = release(&mut other, last).unwrap();
    assert_eq!(text_of(&other, stack), "ann's");
}

#[test]
fn held_stack_outlives_a_session_as_a_client() {
    let mut pair = Simulation::new(0, setup_all);
    let client = pair.add_client(setup_all);
    let (held, data) = held_axe(&mut pair.clients[client].app, "mine");
    // The server has another value of this id, which the client sees.
    let theirs = insert_data(&mut pair.server, &engraving("theirs"));
    assert_eq!(theirs, data);
    pair.connect(client);
    let player = spawn_player(&mut pair, client);
    inventory(&mut pair, player).set(0, AXE.stack(1).with_data(theirs)).unwrap();
    pair.settle(60);
    let seen = hold(&mut pair.clients[client].app, AXE.stack(1).with_data(theirs));
    pair.disconnect(client);
    let app = &mut pair.clients[client].app;
    app.insert_resource(DataRetention { time: Duration::from_secs(10), ..default() });
    pass_seconds(app, 20);
    for (held, text) in [(held, "mine"), (seen, "theirs")] {
        let stack = release(app, held).unwrap();
        assert_eq!(text_of(app, stack), text);
    }
}

#[test]
fn held_stack_is_saved_by_key_with_its_data() {
    let mut app = app();
    let (held, _) = held_axe(&mut app, "ann's");
    pass_seconds(&mut app, 30);
    let saved = with_inventories(&mut app, move |inv| inv.save_held(&held).unwrap());
    let text = ron::to_string(&saved).unwrap();
    assert!(text.contains("\"axe\"") && text.contains("engraving"), "{text}");
    let saved: SavedHeldStack = ron::from_str(&text).unwrap();
    let mut fresh = self::app();
    insert_data(&mut fresh, &engraving("other"));
    let copy = saved.clone();
    let held = with_inventories(&mut fresh, move |inv| inv.load_held(&copy).unwrap());
    pass_seconds(&mut fresh, 30);
    let stack = release(&mut fresh, held).unwrap();
    assert_eq!((stack.item, stack.count(), stack.wear), (AXE, 1, 3));
    assert_eq!(text_of(&fresh, stack), "ann's");
    // Without data.
    let plain = hold(&mut fresh, TORCH.stack(5));
    let back = with_inventories(&mut fresh, move |inv| {
        let saved = inv.save_held(&plain).unwrap();
        inv.load_held(&saved).unwrap()
    });
    assert_eq!(back.stack(), TORCH.stack(5));
}

#[test]
fn held_stack_that_cannot_be_saved_or_loaded_is_an_error() {
    let mut app = app();
    let (held, _) = held_axe(&mut app, "ann's");
    let saved = with_inventories(&mut app, move |inv| inv.save_held(&held).unwrap());
    let load = |app: &mut App, saved: &SavedHeldStack| {
        let saved = saved.clone();
        with_inventories(app, move |inv| inv.load_held(&saved).map(drop)).unwrap_err()
    };
    let item = "axe".to_owned();
    let name = "engraving".to_owned();
    let mut poorer = Simulation::app(setup);
    let error = SavedStackError::UnknownData { item: item.clone(), name };
    assert_eq!(load(&mut poorer, &saved), error);
    let none = SavedHeldStack { count: 0, ..saved.clone() };
    assert_eq!(load(&mut app, &none), SavedStackError::Empty { item });
    let gem = "gem_of_a_mod".to_owned();
    let modded = SavedHeldStack { item: gem.clone(), ..saved.clone() };
    assert_eq!(load(&mut app, &modded), SavedStackError::UnknownItem { item: gem });
    let gem = ItemId::of("another gem").stack(1);
    let held = hold(&mut app, gem);
    let unsaved = with_inventories(&mut app, move |inv| inv.save_held(&held)).unwrap_err();
    assert_eq!(unsaved, SavedStackError::UnknownItem { item: gem.item.to_string() });
    let mut empty = Simulation::app(|_| ());
    assert_eq!(load(&mut empty, &saved), SavedStackError::NoCatalog);
}

#[derive(Resource, Default)]
struct Unaccounted(usize);

#[test]
fn held_stack_is_delivered_to_a_client_and_raises_no_false_alarm() {
    let Scene { mut pair, player_entity, .. } =
        Scene::with_setup(1, setup_all).players(1).latency(4).build();
    let count = |mut found: MessageReader<UnaccountedItems>, mut sum: ResMut<Unaccounted>| {
        sum.0 += found.read().count();
    };
    pair.server
        .init_resource::<Unaccounted>()
        .add_systems(Last, count)
        .insert_resource(ItemAudit::Strict)
        .insert_resource(DataRetention { time: Duration::from_secs(10), ..default() });
    let data = insert_data(&mut pair.server, &engraving("ann's"));
    inventory(&mut pair, player_entity).set(3, AXE.stack(1).with_data(data)).unwrap();
    pair.settle(60);
    let held = with_inventories(&mut pair.server, move |inv| {
        let stack = inv.take_from(player_entity, Inventory::slot(3), None).unwrap();
        inv.hold(stack).unwrap()
    });
    pair.settle(60);
    pass_seconds(&mut pair.server, 30);
    with_inventories(&mut pair.server, move |inv| {
        let stack = inv.release(held).unwrap();
        inv.insert(player_entity, stack).unwrap();
    });
    pair.settle(60);
    assert_same(&pair, 0, player(0));
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap().get(0).unwrap();
    assert_eq!(text_of(&pair.clients[0].app, shown), "ann's");
    assert_eq!(pair.server.world().resource::<Unaccounted>().0, 0);
}
