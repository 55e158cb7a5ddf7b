//! Times a frame in which one slot changes, with and without the overlay:
//! `cargo bench --bench overlay --features game`.
//! bevy_egui has a cost of its own, so it is also measured alone. Nothing is drawn here, because there is no window;
//! the overlay shows its drawing time in its upper right corner.

use bevy::{
    asset::AssetPlugin,
    image::Image,
    input::InputPlugin,
    prelude::*,
    shader::Shader,
    window::{ExitCondition, WindowPlugin},
};
use bevy_egui::EguiPlugin;
use bevy_inventory_sync::shared::stats::InventoryStats;
use bevy_inventory_sync::{
    overlay::{InventoryOverlay, InventoryOverlayPlugin},
    prelude::*,
    sim::Simulation,
};
use criterion::{Criterion, criterion_group, criterion_main};

#[path = "common/mode.rs"]
mod mode;

const TORCH: ItemId = ItemId::of("torch");

/// Inventories that the local player sees.
const INVENTORIES: u64 = 100;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Overlay {
    None,
    EguiAlone,
    Hidden,
    Shown,
}

fn app(overlay: Overlay) -> App {
    let mut app = Simulation::app(|app| {
        let items = Items::<()>::from_ron(r#"(items: [(key: "torch", max_stack: 64)])"#);
        app.insert_items(items.expect("the item list is valid"));
        let no_window = WindowPlugin {
            primary_window: None,
            exit_condition: ExitCondition::DontExit,
            ..default()
        };
        app.add_plugins((AssetPlugin::default(), InputPlugin, no_window))
            .init_asset::<Image>()
            .init_asset::<Shader>();
        if overlay != Overlay::None {
            app.add_plugins(EguiPlugin::default());
        }
        if matches!(overlay, Overlay::Hidden | Overlay::Shown) {
            let shown = overlay == Overlay::Shown;
            app.add_plugins(InventoryOverlayPlugin::default())
                .insert_resource(InventoryOverlay { shown, ..default() });
        }
    });
    let owner = Owner(bevy_replicon::prelude::ClientId::Server);
    for n in 0..INVENTORIES {
        let id = InventoryId::named("chest", n);
        app.world_mut().spawn((id, Inventory::new(27), Hotbar::new(9), owner));
    }
    app.update();
    app
}

fn frame(c: &mut Criterion) {
    let mut group = c.benchmark_group("overlay/frame");
    for overlay in [Overlay::None, Overlay::EguiAlone, Overlay::Hidden, Overlay::Shown] {
        let mut app = app(overlay);
        let id = app.world().resource::<InventoryIds>().get(InventoryId::named("chest", 7));
        let chest = id.expect("it was spawned");
        let mut count = 1;
        group.bench_function(format!("{overlay:?}"), |bencher| {
            bencher.iter(|| {
                count = count % 60 + 1;
                let mut chest = app.world_mut().get_mut::<Inventory>(chest).expect("it has one");
                chest.set(3, TORCH.stack(count)).expect("there are 27 slots");
                app.update();
            });
            assert!(app.world().resource::<InventoryStats>().slots_notified > 0);
        });
    }
}

fn announce() {
    mode::Mode::from_env().announce("40 seconds", "5 seconds");
}

criterion_group!(overlay, frame);
criterion_main!(announce, overlay);
