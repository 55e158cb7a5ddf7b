//! Steps of transactions, instance data and furnaces at their edges.

use super::*;
use serde::{Deserialize, Serialize};

/// A server with ten ticks a second and ten times as many frames.
fn ticking_slowly(setup: impl Fn(&mut App)) -> App {
    let mut app = App::new();
    app.add_plugins((
        MinimalPlugins,
        bevy::state::app::StatesPlugin,
        RepliconPlugins.set(ServerPlugin::new(FixedPostUpdate)),
        InventoryPlugins,
    ))
    .insert_resource(bevy::time::TimeUpdateStrategy::ManualDuration(
        core::time::Duration::from_millis(10),
    ))
    .insert_resource(Time::<Fixed>::from_hz(10.0));
    setup(&mut app);
    app.finish();
    app.cleanup();
    app.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Running);
    (0..20).for_each(|_| app.update());
    app
}

#[derive(Component, Clone, Debug)]
struct Gear(Slots);

container!(Gear, "gear", {
    const FILL: bool = false;
    fn accepts(slot: usize, item: &ItemDef) -> bool {
        slot != 0 || item.has_tag("feet")
    }
});

#[test]
fn sorting_puts_nothing_where_the_slot_does_not_take_it() {
    let mut pair = Pair::new(1, |app| {
        setup(app);
        app.add_container::<Gear>();
    });
    let server = spawn_player(&mut pair, 0);
    let gear = Gear([None, Some(AXE.stack(1))].into_iter().collect());
    pair.server.world_mut().entity_mut(server).insert(gear);
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    ask(&mut pair, 0, Action::Sort { entity: me, container: ContainerKey::of(Gear::NAME) });
    pair.settle(60);
    let gear = pair.server.world().get::<Gear>(server).unwrap();
    assert_eq!(gear.0.get(0), None, "slot 0 takes boots only");
}

#[test]
fn move_area_that_fails_halfway_keeps_the_stack_if_the_closure_goes_on() {
    let mut app = Pair::app(setup);
    let from = app.world_mut().spawn((player(0), Inventory::default())).id();
    let to = app.world_mut().spawn((chest(1), Hotbar::default())).id();
    app.world_mut().get_mut::<Inventory>(from).unwrap().set(0, TORCH.stack(9)).unwrap();
    app.update();
    with_inventories(&mut app, move |inventories| {
        inventories
            .transact(|tx| {
                // The chest has a hotbar only; try the one, then the other.
                let first = tx.move_area(from, Area::of::<Inventory>(to));
                assert!(first.is_err());
                Ok(())
            })
            .unwrap();
    });
    assert_eq!(app.world().get::<Inventory>(from).unwrap().count(TORCH), 9);
}

#[test]
fn gains_of_more_than_u32_are_shown_to_rules() {
    const DUST: ItemId = ItemId::of("dust");
    let mut pair = Pair::new(1, |app| {
        app.add_container::<Equipment>()
            .insert_items(
                Items::<()>::from_ron(r#"(items: [(key: "dust", max_stack: 4000000000)])"#)
                    .unwrap(),
            )
            .init_resource::<Heard>()
            .add_rule::<With<Hotbar>, _>(|ask: In<Ask>| match ask.purpose {
                Purpose::Act { .. } => Verdict::AtMost(5),
                _ => Verdict::Allow,
            });
    });
    let server = spawn_player(&mut pair, 0);
    let chest_server = spawn_chest(&mut pair, 1, &[0]);
    for slot in 0..2 {
        inventory(&mut pair, chest_server).set(slot, DUST.stack(3_000_000_000)).unwrap();
    }
    pair.settle(60);
    let (me, there) = (shown_entity(&pair, 0, player(0)), shown_entity(&pair, 0, chest(1)));
    ask(&mut pair, 0, Action::MoveAll { from: there.into(), to: me.into() });
    pair.settle(60);
    let got = inventory(&mut pair, server).count(DUST);
    assert!(got <= 5, "{got} came in where five may");
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Engraving {
    text: String,
}

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

fn engraving(text: &str) -> Engraving {
    Engraving { text: text.into() }
}

#[test]
fn data_of_the_own_world_survives_a_visit_to_a_server_and_names_are_not_used_again() {
    let mut pair = Pair::new(0, |app| {
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
fn data_is_released_where_frames_are_faster_than_ticks() {
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

#[test]
fn a_crafter_leaves_the_selected_hotbar_slot_alone() {
    let mut app = Pair::app(setup);
    let me = app.world_mut().spawn((player(0), Inventory::default(), Hotbar::default())).id();
    app.update();
    app.world_mut().get_mut::<Hotbar>(me).unwrap().select(3);
    app.update();
    app.world_mut().entity_mut(me).insert(Crafter::new::<Inventory, Inventory>());
    app.update();
    app.update();
    assert_eq!(app.world().get::<Hotbar>(me).unwrap().selected_index(), 3);
}

#[test]
fn a_furnace_goes_on_when_its_ore_was_out_for_less_than_a_tick() {
    const SMELTING: &str = r#"(items: [(key: "ore"), (key: "iron", max_stack: 64)], recipes: [
        (key: "iron", takes: [("ore", 1)], gives: [("iron", 1)], millis: 500),
    ])"#;
    let mut app = ticking_slowly(|app| {
        app.add_container::<Gear>().insert_items(Items::<()>::from_ron(SMELTING).unwrap());
    });
    let [ore, iron] = ["ore", "iron"].map(ItemId::of);
    let furnace = app.world_mut().spawn((chest(1), Inventory::new(1), Gear(Slots::new(4)))).id();
    app.world_mut().get_mut::<Inventory>(furnace).unwrap().set(0, ore.stack(9)).unwrap();
    (0..25).for_each(|_| app.update());
    app.world_mut().entity_mut(furnace).insert(Crafter::new::<Inventory, Gear>());
    // Just after a commit: the next tick comes in ten frames.
    let commits = stats(&app).commits;
    app.world_mut().get_mut::<Gear>(furnace).unwrap().0.set(3, ore.stack(1)).unwrap();
    while stats(&app).commits == commits {
        app.update();
    }
    app.update();
    // The ore is taken out, and put back two frames later.
    let out = app.world_mut().get_mut::<Inventory>(furnace).unwrap().set(0, None).unwrap();
    app.update();
    app.update();
    app.world_mut().get_mut::<Inventory>(furnace).unwrap().set(0, out).unwrap();
    (0..1000).for_each(|_| app.update());
    let made = app.world().get::<Gear>(furnace).unwrap().0.count(iron);
    assert!(made >= 8, "{made} in ten seconds at two a second");
}
