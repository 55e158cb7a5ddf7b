//! The chapters of the guide in one game, as somebody would put it together who follows them. Each module is the code of
//! a chapter, word for word: `UPDATE_GUIDE=1 cargo test --test guide` copies it from there.

#![cfg(all(feature = "client", feature = "server"))]
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "the chapters are written for readers, and not all of their functions are called here"
)]

mod chapters {
    #[rustfmt::skip]
    pub mod chests;
    #[rustfmt::skip]
    pub mod cursor;
    #[rustfmt::skip]
    pub mod loot;
    #[rustfmt::skip]
    pub mod saving;
    #[rustfmt::skip]
    pub mod trading;
}

use std::path::Path;

use bevy::prelude::*;
use bevy_inventory_sync::{
    model::saved::SavedInventory,
    prelude::*,
    server::audit::{ItemAudit, UnaccountedItems},
    sim::Simulation,
};
use chapters::{chests, cursor, loot, saving, trading};

/// The chapters with the index of the code block that is used.
const CHAPTERS: [(&str, &str, usize); 5] = [
    ("chests", "chests", 0),
    ("cursor", "equipment", 2),
    ("loot", "loot", 0),
    ("saving", "saving", 0),
    ("trading", "trading", 0),
];

/// Returns the visible lines of a code block.
fn code_block(chapter: &str, index: usize) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("src/guide").join(chapter).with_extension("md");
    let text = std::fs::read_to_string(path).unwrap();
    let block = text.split("```\n").skip(1).step_by(2).nth(index).unwrap();
    let visible = block.lines().filter(|line| *line != "#" && !line.starts_with("# "));
    visible.map(|line| format!("{line}\n")).collect()
}

#[test]
fn modules_are_the_code_of_the_guide() {
    let update = std::env::var_os("UPDATE_GUIDE").is_some();
    for (module, chapter, index) in CHAPTERS {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root.join("tests/guide/chapters").join(module).with_extension("rs");
        let expected = published(&code_block(chapter, index));
        if update {
            std::fs::write(&path, expected).unwrap();
            continue;
        }
        let there = std::fs::read_to_string(&path).unwrap();
        assert_eq!(there, expected, "{module}: run `UPDATE_GUIDE=1 cargo test --test guide`");
    }
}

/// Makes everything in a chapter public.
fn published(code: &str) -> String {
    let mut out = String::from("//! Copied from the guide.\n\n");
    for line in code.lines() {
        let item = ["fn ", "struct ", "const ", "enum "].iter().any(|kind| line.starts_with(kind));
        let fields = item && line.starts_with("struct ") && line.ends_with(");");
        out += if item { "pub " } else { "" };
        out += &if fields { line.replacen('(', "(pub ", 1) } else { line.to_owned() };
        out.push('\n');
    }
    out
}

const ITEMS: &str =
    r#"(items: [(key: "gold", max_stack: 100), (key: "axe", max_stack: 1), (key: "torch")])"#;

const GOLD: ItemId = ItemId::of("gold");
const AXE: ItemId = ItemId::of("axe");

/// Both sides of a game made of the chapters.
fn game(app: &mut App) {
    app.add_container::<cursor::Cursor>()
        .register_required_components_with::<saving::Account, _>(|| cursor::Cursor(Slots::new(1)))
        .add_plugins((chests::plugin, saving::plugin, trading::plugin))
        .add_observer(loot::place)
        .insert_items(Items::<()>::from_ron(ITEMS).unwrap());
}

/// A chest with gold, and two players beside it, each with gold and an axe.
struct Game {
    pair: Simulation,
    connected: [bool; 2],
}

impl Game {
    fn new() -> Self {
        let mut game = Self { pair: Simulation::new(2, game), connected: [true; 2] };
        game.pair.server.insert_resource(ItemAudit::Strict);
        chests::place_chest(1, Vec2::ZERO, &mut game.pair.server.world_mut().commands());
        (0..2).for_each(|n| game.join(n));
        game.pair.steps(20);
        for n in 0..2 {
            let entity = game.on_server(player(n));
            let mut inventory = game.pair.server.world_mut().get_mut::<Inventory>(entity).unwrap();
            inventory.set(0, [GOLD.stack(50), AXE.stack(1)][n]).unwrap();
            inventory.set(1, [AXE.stack(1), GOLD.stack(50)][n]).unwrap();
        }
        let chest = game.on_server(InventoryId::named("chest", 1));
        let mut chest = game.pair.server.world_mut().get_mut::<Inventory>(chest).unwrap();
        chest.set(0, GOLD.stack(20)).unwrap();
        game.pair.steps(10);
        game.pair.network.latency_ticks = 2;
        game
    }

    fn join(&mut self, n: usize) {
        let client = self.pair.client_id(n);
        let world = self.pair.server.world_mut();
        world.run_system_cached_with(saving::join, (n as u64, client)).unwrap();
        let body = self.on_server(player(n));
        self.pair.server.world_mut().entity_mut(body).insert(chests::Position(Vec2::ONE));
    }

    fn leave(&mut self, n: usize) {
        self.pair.disconnect(n);
        self.connected[n] = false;
    }

    fn on_server(&self, id: InventoryId) -> Entity {
        self.pair.server.world().resource::<InventoryIds>().get(id).unwrap()
    }

    /// Runs a system of a client that is connected.
    fn client<M>(&mut self, n: usize, system: impl IntoSystem<(), (), M>) {
        use bevy::ecs::system::RunSystemOnce;
        if self.connected[n] {
            // The system is skipped if what it looks for is not in view.
            self.pair.clients[n].app.world_mut().run_system_once(system).ok();
        }
    }

    /// What the players do in this tick.
    fn play(&mut self, tick: usize) {
        match tick {
            0 => (0..2).for_each(|n| self.client(n, chests::click_chest)),
            8 => self.client(0, take_from_chest),
            10 => self.client(1, take_from_chest),
            14 if self.connected == [true; 2] => {
                let players = [0, 1].map(|n| (self.on_server(player(n)), self.pair.client_id(n)));
                trading::begin(0, players, &mut self.pair.server.world_mut().commands());
            }
            20 => (0..2).for_each(|n| self.client(n, trading::put_in)),
            24 => self.client(0, pick_up_to_cursor),
            27 => self.client(0, agree),
            29 => self.client(1, agree),
            38 => self.client(1, drop_first),
            42 => self.client(0, cursor::put_away),
            _ => {}
        }
        self.pair.step();
    }

    /// The number of an item in the world and in saves.
    fn count(&mut self, item: ItemId) -> u64 {
        #[derive(serde::Deserialize)]
        struct Save {
            inventory: SavedInventory,
        }
        let world = self.pair.server.world_mut();
        let mut total = 0;
        for inventory in world.query::<&Inventory>().iter(world) {
            total += inventory.count(item);
        }
        for hotbar in world.query::<&Hotbar>().iter(world) {
            total += hotbar.slots.count(item);
        }
        for cursor in world.query::<&cursor::Cursor>().iter(world) {
            total += cursor.0.count(item);
        }
        let in_world: Vec<u64> =
            world.query::<&saving::Account>().iter(world).map(|account| account.0).collect();
        for (account, save) in &world.resource::<saving::Store>().0 {
            // The save of a player in the world is older than the player.
            if in_world.contains(account) {
                continue;
            }
            let save: Save = ron::from_str(save).unwrap();
            let stacks = save.inventory.containers.iter().flat_map(|container| &container.slots);
            let of_item = stacks.filter(|stack| ItemId::of(&stack.item) == item);
            total += of_item.map(|stack| u64::from(stack.count)).sum::<u64>();
        }
        total
    }

    fn assert_conserved(&mut self, case: &str) {
        assert_eq!([self.count(GOLD), self.count(AXE)], [120, 2], "{case}");
        let wrong = self.pair.server.world().resource::<Messages<UnaccountedItems>>();
        assert_eq!(wrong.iter_current_update_messages().count(), 0, "{case}");
    }
}

fn player(n: usize) -> InventoryId {
    InventoryId::named("player", n as u64)
}

fn take_from_chest(
    mut actions: InventoryActions,
    me: Single<Entity, With<LocalInventory>>,
    chest: Single<Entity, (With<chests::Chest>, With<InView>)>,
) {
    let (from, to) = ((*chest, Inventory::slot(0)), (*me, Inventory::slot(5)));
    actions.request(InventoryAction::Move { from, to, count: Some(7) });
}

fn pick_up_to_cursor(
    mut actions: InventoryActions,
    me: Single<(Entity, &cursor::Cursor), With<LocalInventory>>,
) {
    let (me, hand) = *me;
    cursor::click((me, Inventory::slot(5)), me, hand, &mut actions);
}

fn agree(mut actions: InventoryActions) {
    actions.request(trading::Agree([0, 1].map(|n| InventoryId::named("offer", n))));
}

fn drop_first(mut actions: InventoryActions, me: Single<Entity, With<LocalInventory>>) {
    actions.request(InventoryAction::Drop { from: (*me, Inventory::slot(1)), count: None });
}

#[test]
fn items_are_conserved_if_a_player_disconnects_at_any_tick() {
    for leaving in [&[0][..], &[1], &[0, 1]] {
        for at in 0..50 {
            let mut game = Game::new();
            let case = format!("{leaving:?} left in tick {at}");
            for tick in 0..50 {
                if tick == at {
                    leaving.iter().for_each(|n| game.leave(*n));
                }
                game.play(tick);
                game.assert_conserved(&case);
            }
            game.pair.steps(30);
            game.assert_conserved(&case);
            let world = game.pair.server.world_mut();
            let offers = world.query::<&ReturnsTo>().iter(world).count();
            assert_eq!(offers, 0, "{case}: no offer is left over");
            // The players return, and have what they had.
            for n in leaving.iter().copied() {
                game.pair.connect(n);
                game.join(n);
            }
            game.pair.steps(60);
            game.assert_conserved(&case);
            let saved = game.pair.server.world().resource::<saving::Store>().0.len();
            assert_eq!(saved, leaving.len(), "{case}");
        }
    }
}

#[test]
fn trade_is_completed_if_nobody_leaves() {
    let mut game = Game::new();
    (0..60).for_each(|tick| game.play(tick));
    game.pair.steps(30);
    game.assert_conserved("nobody left");
    let first = game.on_server(player(0));
    let inventory = game.pair.server.world().get::<Inventory>(first).unwrap();
    assert_eq!(inventory.count(AXE), 2, "an axe for fifty gold");
}
