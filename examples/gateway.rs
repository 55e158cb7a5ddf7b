//! Serves the operator page for a world without connected clients:
//! `cargo run --example gateway --features gateway`. The tests of the page use this example.

use core::net::SocketAddr;
use std::{thread, time::Duration};

use bevy::{log::LogPlugin, prelude::*, state::app::StatesPlugin};
use bevy_inventory_sync::{
    features::public_view::HeldItem,
    gateway::{
        GatewayAppExt, GatewayLimits, GatewayStatus, GatewayToken, GatewayTokens,
        InventoryGatewayPlugin, Scope,
    },
    plugins::InventoryPlugins,
    prelude::*,
};
use bevy_replicon::prelude::*;
use clap::Parser;
use serde::{Deserialize, Serialize};

const FRAME: Duration = Duration::from_millis(33);

const ITEMS: &str = r#"(items: [
    (key: "apple", name: "Apple", icon: "icons/apple.png", max_stack: 32),
    (key: "bread", name: "Bread", icon: "icons/bread.png", max_stack: 16),
    (key: "coal", name: "Coal", icon: "icons/coal.png", max_stack: 64),
    (key: "iron_ore", name: "Iron ore", icon: "icons/iron_ore.png", max_stack: 64),
    (key: "iron_sword", name: "Iron sword", icon: "icons/iron_sword.png", max_stack: 1),
    (key: "map", name: "Treasure map", max_stack: 4),
    (key: "plank", name: "Plank", icon: "icons/plank.png", max_stack: 64),
    (key: "stone", name: "Stone", icon: "icons/stone.png", max_stack: 64),
    (key: "torch", name: "Torch", icon: "icons/torch.png", max_stack: 64),
    (key: "wood", name: "Wood", icon: "icons/wood.png", max_stack: 64),
])"#;

const NAMES: [&str; 12] = [
    "Ada", "Björn", "Chloé", "Dmitri", "Esra", "Femi", "Grace", "Hugo", "Inés", "Jun", "Kofi",
    "Lena",
];

#[derive(Parser)]
struct Cli {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8070")]
    gateway: SocketAddr,
    /// Disables random changes. Only commands change inventories.
    #[arg(long)]
    still: bool,
    /// Number of slots in the bank.
    #[arg(long, default_value_t = 5000)]
    bank: u16,
    /// Exits after this many seconds.
    #[arg(long)]
    seconds: Option<u64>,
}

/// Instance data: the maker of an item, and a text.
#[derive(Serialize, Deserialize)]
struct Engraving {
    maker: InventoryId,
    text: String,
}

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

/// Sets the contents of a slot.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    inventory: InventoryId,
    slot: usize,
    item: String,
    /// Zero empties the slot.
    count: u32,
}

/// Selects a slot of a hotbar.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    inventory: InventoryId,
    slot: u8,
}

/// Makes random changes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shuffle {
    changes: usize,
}

fn main() {
    let cli = Cli::parse();
    let token = match std::env::var("GATEWAY_TOKEN") {
        Ok(token) => GatewayToken::parse(&token).expect("GATEWAY_TOKEN must be a valid token"),
        Err(_) => GatewayToken::random(),
    };
    let tokens = GatewayTokens::default();
    tokens.add(&token, Scope::Operator, None);
    // The tests send many requests from one address.
    let limits = GatewayLimits { requests_per_second: 1000, request_burst: 10_000, ..default() };
    let gateway = InventoryGatewayPlugin::new(cli.gateway).tokens(tokens).icons("assets");
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, StatesPlugin, LogPlugin::default()))
        .add_plugins((RepliconPlugins, InventoryPlugins, gateway.limits(limits)))
        .add_public_view::<HeldItem>()
        .add_item_data::<Engraving>()
        .insert_items(Items::<()>::from_ron(ITEMS).expect("the items are valid"))
        .add_systems(Startup, spawn)
        .add_gateway_command("set", set)
        .add_gateway_command("shuffle", shuffle)
        .add_gateway_command("hold", hold)
        .insert_resource(BankSlots(cli.bank));
    if !cli.still {
        app.add_systems(Update, live);
    }
    app.finish();
    app.cleanup();
    match app.world().resource::<GatewayStatus>() {
        GatewayStatus::Starting(at) | GatewayStatus::Listening(at) => {
            println!("http://{at}/#token={}", token.secret())
        }
        GatewayStatus::Failed(error) => panic!("{error}"),
    }
    let frames = cli.seconds.map(|seconds| seconds * 30);
    for _ in 0..frames.unwrap_or(u64::MAX) {
        app.update();
        thread::sleep(FRAME);
    }
}

#[derive(Resource)]
struct BankSlots(u16);

fn spawn(bank: Res<BankSlots>, mut pool: ResMut<DataPool>, mut commands: Commands) {
    let mut random = fastrand::Rng::with_seed(7);
    for (number, name) in (0..).zip(NAMES) {
        let id = InventoryId::named("player", number);
        let text = format!("{name} was here");
        let engraving = pool.insert(&Engraving { maker: id, text }).expect("it is registered");
        let sword = ItemId::of("iron_sword").stack(1).with_wear(random.u16(0..60));
        let mut hotbar = Hotbar::default();
        hotbar.set(0, sword.with_data(engraving)).expect("there are nine slots");
        hotbar.select(random.u8(0..3));
        let pack = Inventory((0..27).map(|_| some_stack(&mut random)).collect());
        commands.spawn((id, Name::new(name), pack, hotbar, HeldItem::default()));
    }
    for number in 0..6 {
        let chest = Inventory((0..18).map(|_| some_stack(&mut random)).collect());
        let name = Name::new(format!("Chest {number}"));
        commands.spawn((InventoryId::named("chest", number), name, chest));
    }
    let bank = Inventory((0..bank.0).map(|_| some_stack(&mut random)).collect());
    commands.spawn((InventoryId::named("bank", 0), Name::new("Town bank"), bank));
}

/// Returns a random stack, or `None`.
fn some_stack(random: &mut fastrand::Rng) -> Option<Stack> {
    let kinds = ["wood", "stone", "coal", "bread", "apple", "torch", "iron_ore", "plank", "map"];
    let kind = kinds[random.usize(0..kinds.len())];
    let most = if kind == "map" { 4 } else { 16 };
    random.bool().then(|| ItemId::of(kind).stack(random.u32(1..=most)))
}

fn live(mut inventories: Query<&mut Inventory>, mut hotbars: Query<&mut Hotbar>) {
    let mut random = fastrand::Rng::new();
    if random.u8(0..6) == 0 {
        change(&mut inventories, &mut random);
    }
    if random.u8(0..30) == 0 {
        let number = random.usize(0..hotbars.iter().len());
        if let Some(mut hotbar) = hotbars.iter_mut().nth(number) {
            hotbar.select(random.u8(0..9));
        }
    }
}

/// Changes one random slot of a random inventory.
fn change(inventories: &mut Query<&mut Inventory>, random: &mut fastrand::Rng) {
    let number = random.usize(0..inventories.iter().len());
    if let Some(mut inventory) = inventories.iter_mut().nth(number) {
        let slot = random.usize(0..inventory.len());
        inventory.set(slot, some_stack(random)).expect("the slot exists");
    }
}

fn set(
    In(Set { inventory, slot, item, count }): In<Set>,
    (ids, catalog): (Res<InventoryIds>, Res<ItemCatalog>),
    mut inventories: Inventories,
) -> Result<(), String> {
    let entity = ids.get(inventory).ok_or("there is no such inventory")?;
    let stack = Stack::new(ItemId::of(&item), count);
    if stack.is_some_and(|stack| catalog.get(stack.item).is_none()) {
        return Err("there is no such item".into());
    }
    let slot = Inventory::slot(slot);
    let changed = inventories.transact(|tx| {
        if tx.get(entity, slot)?.is_some() {
            tx.take_from(entity, slot, None)?;
        }
        if let Some(stack) = stack
            && tx.put_into(entity, slot, stack)?.is_some()
        {
            return Err(InventoryError::Full { entity, item: stack.item, left: count });
        }
        Ok(())
    });
    changed.map_err(|error| error.to_string())
}

fn shuffle(
    In(Shuffle { changes }): In<Shuffle>,
    mut inventories: Query<&mut Inventory>,
) -> Result<usize, String> {
    let mut random = fastrand::Rng::new();
    let changes = changes.min(10_000);
    (0..changes).for_each(|_| change(&mut inventories, &mut random));
    Ok(changes)
}

fn hold(
    In(Hold { inventory, slot }): In<Hold>,
    ids: Res<InventoryIds>,
    mut hotbars: Query<&mut Hotbar>,
) -> Result<(), String> {
    let hotbar = ids.get(inventory).and_then(|entity| hotbars.get_mut(entity).ok());
    hotbar.ok_or("there is no such hotbar")?.select(slot);
    Ok(())
}
