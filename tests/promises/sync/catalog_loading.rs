//! The item catalog can be loaded as an asset; sync starts when it has arrived.

use crate::common::*;
use bevy::asset::{
    AssetPlugin,
    io::{
        AssetSourceBuilder,
        memory::{Dir, MemoryAssetReader},
    },
};
use std::path::Path;

fn app(dir: &Dir) -> App {
    let dir = dir.clone();
    Simulation::app(move |app| {
        let root = dir.clone();
        app.register_asset_source(
            bevy::asset::io::AssetSourceId::Default,
            AssetSourceBuilder::new(move || Box::new(MemoryAssetReader { root: root.clone() })),
        )
        .add_plugins(AssetPlugin::default())
        .load_items::<()>("game.items.ron")
        .init_resource::<EventLog>()
        .add_observer(|on: On<SlotChanged>, mut events: ResMut<EventLog>| events.slots.push(*on));
    })
}

/// Updates until the catalog is loaded, which happens on another thread. Returns `false` if it never is.
fn load(app: &mut App) -> bool {
    (0..2000).any(|_| {
        std::thread::yield_now();
        app.update();
        app.world().contains_resource::<ItemCatalog>()
    })
}

#[test]
fn sync_starts_when_the_catalog_is_loaded() {
    let dir = Dir::default();
    dir.insert_asset_text(Path::new("game.items.ron"), ITEMS);
    let mut app = app(&dir);
    let owner = Owner(ClientId::Server);
    let entity = app.world_mut().spawn((player(0), Inventory::default(), owner)).id();
    assert!(!app.world().contains_resource::<ItemCatalog>());
    assert!(load(&mut app));
    app.update();
    assert!(app.world().get::<InView>(entity).is_some());
    app.world_mut().get_mut::<Inventory>(entity).unwrap().set(0, TORCH.stack(1)).unwrap();
    app.update();
    assert_eq!(app.world().resource::<EventLog>().slots.len(), 1);
    assert_eq!(app.world().resource::<Items>().catalog().len(), 4);
}

#[test]
fn invalid_catalog_leaves_the_game_running() {
    let dir = Dir::default();
    dir.insert_asset_text(Path::new("game.items.ron"), "(items: [(key: )])");
    let mut app = app(&dir);
    let entity = app.world_mut().spawn((player(0), Inventory::default())).id();
    for _ in 0..200 {
        std::thread::yield_now();
        app.update();
    }
    assert!(!app.world().contains_resource::<ItemCatalog>());
    let left = with_inventories(&mut app, move |inv| inv.insert_up_to(entity, TORCH.stack(3)));
    assert_eq!(
        left.into_stack(),
        Some(TORCH.stack(3)),
        "nothing fits before the catalog is loaded"
    );
}

#[test]
fn reload_updates_names_but_not_what_both_sides_agreed_on() {
    let dir = Dir::default();
    let path = Path::new("game.items.ron");
    dir.insert_asset_text(path, r#"(items: [(key: "torch", name: "Torch")])"#);
    let mut app = app(&dir);
    assert!(load(&mut app));
    let mut reload = |text: &str, done: fn(&ItemCatalog) -> bool| {
        dir.insert_asset_text(path, text);
        app.world().resource::<AssetServer>().reload("game.items.ron");
        (0..2000).any(|_| {
            std::thread::yield_now();
            app.update();
            done(app.world().resource::<ItemCatalog>())
        })
    };
    let named = |catalog: &ItemCatalog| catalog.get(TORCH).unwrap().name == "Fackel";
    assert!(reload(r#"(items: [(key: "torch", name: "Fackel")])"#, named));
    let larger = |catalog: &ItemCatalog| catalog.max_stack(TORCH) == 7;
    assert!(!reload(r#"(items: [(key: "torch", max_stack: 7)])"#, larger));
}
