//! What both sides register: items, actions, components. Also how contents are described for the comparison.

use core::{fmt::Write, time::Duration};

use bevy::{
    app::ScheduleRunnerPlugin,
    log::{Level, LogPlugin},
    prelude::*,
    state::app::StatesPlugin,
};
use bevy_inventory_sync::{
    features::tabs::Tabs,
    prelude::*,
    renet::{RenetSettings, connection_config},
};
use bevy_replicon::prelude::*;
use bevy_replicon_renet::{RepliconRenetPlugins, renet::ConnectionConfig};
use serde::{Deserialize, Serialize};

/// Netcode refuses connections between builds with different numbers.
pub const PROTOCOL: u64 = 0x50AC_0001;

/// Time of one frame of the server and of the clients.
pub const TICK: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// About 1.25 round trips through the proxy with its default delays.
const RESEND_TIME: Duration = Duration::from_millis(180);

const ITEMS: &str = r#"(
    items: [
        (key: "coal", max_stack: 64),
        (key: "stick", max_stack: 64),
        (key: "torch", max_stack: 64),
        (key: "gold", max_stack: 250),
        (key: "apple", max_stack: 16, tags: ["food"]),
        (key: "bread", max_stack: 16, tags: ["food"]),
        (key: "ring", max_stack: 1, tags: ["engravable"]),
        (key: "sword", max_stack: 1, tags: ["engravable"]),
    ],
    recipes: [
        (key: "torch", takes: [("coal", 1), ("stick", 1)], gives: [("torch", 4)]),
        (key: "sword", takes: [("gold", 3), ("stick", 2)], gives: [("sword", 1)]),
    ],
)"#;

pub const RECIPES: [RecipeId; 2] = [RecipeId::of("torch"), RecipeId::of("sword")];

/// Marks a chest that is replicated, so that players open it by its entity.
#[derive(Component, Serialize, Deserialize)]
pub struct Chest;

/// Marks a player's body, which all clients receive. Its inventory is sent to the owner only.
#[derive(Component, Serialize, Deserialize)]
pub struct Body;

/// Number of chests that are not replicated, so that players open them by id.
pub const STASHES: u64 = 2;

/// Id of a chest that is not replicated.
pub const fn stash(number: u64) -> InventoryId {
    InventoryId::named("stash", number)
}

/// Id of an inventory that is sent in chunks when it is opened.
pub const WAREHOUSE: InventoryId = InventoryId::named("warehouse", 0);

/// Id of the bank, whose pages all players may open.
pub const BANK: InventoryId = InventoryId::named("bank", 0);

/// Instance data of a ring or of a sword.
#[derive(Serialize, Deserialize)]
pub struct Engraving(pub String);

impl ItemData for Engraving {
    const NAME: &str = "engraving";
}

/// Eats one item of a slot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Eat(pub Slot);

impl GameAction for Eat {
    const NAME: &str = "eat";
    /// The item that was destroyed.
    type Output = Stack;

    fn apply(&self, tx: &mut Transaction) -> Result<Stack, Rejection> {
        let player = tx.actor()?;
        tx.expect_unchanged(player, self.0)?;
        let food = tx.get(player, self.0)?.ok_or(Rejection::Empty)?;
        if !tx.catalog().get(food.item).is_some_and(|item| item.has_tag("food")) {
            return Err(Rejection::NotAccepted);
        }
        Ok(tx.take_from(player, self.0, Some(1))?)
    }
}

/// Engraves a ring or a sword. Only the server can create the data, so this is not predicted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Engrave {
    pub slot: Slot,
    pub text: String,
}

impl GameAction for Engrave {
    const NAME: &str = "engrave";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let player = tx.actor()?;
        tx.expect_unchanged(player, self.slot)?;
        let stack = tx.get(player, self.slot)?.ok_or(Rejection::Empty)?;
        if !tx.catalog().get(stack.item).is_some_and(|item| item.has_tag("engravable")) {
            return Err(Rejection::NotAccepted);
        }
        let data = tx.create_data(&Engraving(self.text.clone()))?;
        tx.take_from(player, self.slot, None)?;
        // The slot is empty, and takes all of it.
        tx.put_into(player, self.slot, stack.with_data(data))?;
        Ok(())
    }
}

/// Random numbers of one process.
#[derive(Resource)]
pub struct Dice(pub fastrand::Rng);

impl Dice {
    /// Returns one of the values; `None` if there are none.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        self.0.choice(of).copied()
    }
}

/// Creates an app with all that both sides must register alike. It logs to the standard error stream.
pub fn app(seed: u64) -> App {
    let mut app = App::new();
    let runner = ScheduleRunnerPlugin::run_loop(TICK);
    app.add_plugins((MinimalPlugins.set(runner), StatesPlugin))
        .add_plugins(LogPlugin { level: Level::WARN, ..default() })
        .add_plugins((RepliconPlugins, RepliconRenetPlugins, InventoryPlugins))
        .insert_items(Items::<()>::from_ron(ITEMS).expect("the embedded catalog is valid"))
        .insert_resource(Dice(fastrand::Rng::with_seed(seed)))
        .replicate::<Chest>()
        .replicate::<Body>()
        .add_pages()
        .add_item_data::<Engraving>()
        .add_action::<Eat>()
        .add_action::<Engrave>();
    app
}

/// Returns the channels for renet. Call it when everything is registered.
pub fn channels(world: &World) -> ConnectionConfig {
    let settings = RenetSettings { resend_time: RESEND_TIME, ..default() };
    connection_config(world.resource::<RepliconChannels>(), settings)
}

/// All containers of an inventory.
pub type Contents = (Option<&'static Inventory>, Option<&'static Hotbar>, Option<&'static Tabs>);

/// Describes an inventory completely: rights, size, every stack with its wear and data, selection, tabs.
pub fn describe(
    rights: Rights,
    (inventory, hotbar, tabs): (Option<&Inventory>, Option<&Hotbar>, Option<&Tabs>),
    pool: &DataPool,
) -> String {
    let mut text = format!("rights {:04b}", rights.bits());
    if let Some(inventory) = inventory {
        write_slots(&mut text, Inventory::NAME, inventory, pool);
    }
    if let Some(hotbar) = hotbar {
        write_slots(&mut text, Hotbar::NAME, hotbar, pool);
        write!(text, " selected {}", hotbar.selected_index()).ok();
    }
    for tab in tabs.into_iter().flat_map(Tabs::iter) {
        let (page, slots) = (tab.page(), tab.slots());
        write!(text, "; tab {page} `{}` {} of {slots}", tab.name(), tab.icon()).ok();
    }
    text
}

fn write_slots(text: &mut String, name: &str, slots: &Slots, pool: &DataPool) {
    write!(text, "; {name} of {}:", slots.len()).ok();
    for (index, stack) in slots.iter() {
        write!(text, " {index}={} x{}", stack.item, stack.count()).ok();
        if stack.wear > 0 {
            write!(text, " wear {}", stack.wear).ok();
        }
        if let Some(data) = stack.data {
            let engraving = pool.get::<Engraving>(data).map(|Engraving(text)| text);
            write!(text, " `{}`", engraving.as_deref().unwrap_or("data is missing")).ok();
        }
    }
}
