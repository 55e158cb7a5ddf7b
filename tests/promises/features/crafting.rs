//! Crafters run recipes over time.

use crate::common::*;

#[derive(Component)]
struct Smelted(Slots);

#[derive(Component)]
struct Furnace(Slots);

container!(Furnace, "furnace", {
    const AUTO_FILL: bool = false;
});
container!(Smelted, "smelted", {
    const AUTO_FILL: bool = false;
    fn rights(_: usize) -> Rights {
        Rights::SEE | Rights::TAKE
    }
});

const SMELTING: &str = r#"(items: [(key: "ore"), (key: "coal"), (key: "iron", max_stack: 2)], recipes: [
    (key: "iron", takes: [("ore", 2), ("coal", 1)], gives: [("iron", 1)], at: "furnace", millis: 1000),
])"#;

#[test]
fn furnace_runs_and_shows_progress_while_it_has_ingredients_and_room() {
    let mut pair = Simulation::new(1, |app| {
        app.add_container::<Furnace>()
            .add_container::<Smelted>()
            .add_container::<CraftingProgress>()
            .insert_items(Items::<()>::from_ron(SMELTING).unwrap());
    });
    let [ore, coal, iron] = ["ore", "coal", "iron"].map(ItemId::of);
    let viewers = viewer(pair.client_id(0), Rights::USE);
    let input: Slots = [Some(ore.stack(9)), Some(coal.stack(9))].into_iter().collect();
    let parts = (Furnace(input), Smelted(Slots::new(1)), CraftingProgress::default());
    let crafter = Crafter::new::<Furnace, Smelted>();
    let furnace = pair.server.world_mut().spawn((chest(1), parts, crafter, viewers)).id();
    pair.settle(60);
    let there = shown_entity(&pair, 0, chest(1));
    let progress = |pair: &Simulation| {
        pair.clients[0].app.world().get::<CraftingProgress>(there).unwrap().progress()
    };
    let made = |pair: &Simulation| pair.shown::<Smelted>(0, chest(1)).unwrap().count(iron);
    let mut seen = Vec::new();
    let bytes = bytes_down(&pair, 0);
    for _ in 0..55 {
        pair.step();
        seen.push(progress(&pair));
    }
    assert!(seen.is_sorted() && *seen.last().unwrap() > 0.8, "{seen:?}");
    assert!(bytes_down(&pair, 0) - bytes < 150, "{}", bytes_down(&pair, 0) - bytes);
    pair.steps(300);
    assert_eq!(made(&pair), 2, "two fit");
    assert_eq!(pair.shown::<Furnace>(0, chest(1)).unwrap().count(ore), 5);
    // A player cannot set the progress, put into the output, or skip the time.
    let slot = (there, Smelted::slot(0));
    for (action, reason) in [
        (InventoryAction::Select { slot: (there, Furnace::slot(1)) }, Rejection::NoSuchSlot),
        (
            InventoryAction::Move { from: (there, Furnace::slot(0)), to: slot, count: Some(1) },
            Rejection::Occupied,
        ),
        (
            InventoryAction::Craft {
                recipe: RecipeId::of("iron"),
                times: 1,
                from: vec![there.into()],
                to: there.into(),
                at: Some(there),
            },
            Rejection::NoStation,
        ),
    ] {
        let checked = with_actions(&mut pair.clients[0].app, move |actions| actions.check(&action));
        assert_eq!(checked, Err(reason));
    }
    pair.server.world_mut().get_mut::<Smelted>(furnace).unwrap().0.set(0, None).unwrap();
    pair.steps(200);
    assert_eq!(made(&pair), 2, "two more, and one ore is left");
    assert_eq!(progress(&pair), 0.0);
    let idle = bytes_down(&pair, 0);
    pair.steps(60);
    assert_eq!(bytes_down(&pair, 0), idle, "a furnace that is out of ore costs nothing");
}

#[test]
fn crafter_leaves_the_selected_hotbar_slot_alone() {
    let mut app = Simulation::app(setup);
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
fn furnace_continues_after_a_gap_shorter_than_a_tick() {
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
