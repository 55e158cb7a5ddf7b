//! Inventories for multiplayer Bevy games, kept in sync slot by slot between an authoritative server and its
//! clients, over [`bevy_replicon`].
//!
//! This page is the guide. [Chapters](#chapters) go on from here, with more of what a game writes.
//!
//! # Three nouns
//!
//! A **container** is a component made of slots: [`Inventory`], [`Hotbar`], your own [`Container`]s. All
//! containers of one entity are one **unit**, named by its [`InventoryId`]: opened, sent and saved
//! together. A slot holds a [`Stack`] of one item or nothing; which **items** there are says the
//! catalogue, [`Items`], which both sides load.
//!
//! # One example
//!
//! ```
//! use bevy::prelude::*;
//! use bevy_inventory_sync::prelude::*;
//! use bevy_replicon::prelude::*;
//!
//! const TORCH: ItemId = ItemId::of("torch");
//!
//! // Both sides add the same plugins, containers and items.
//! fn both_sides(app: &mut App) {
//!     let items = r#"(items: [(key: "torch", name: "Torch", max_stack: 64)])"#;
//!     app.add_plugins((RepliconPlugins, InventoryPlugins))
//!         .insert_items(Items::<()>::from_ron(items).unwrap())
//!         .add_observer(paint_grid)
//!         .add_observer(repaint_slot);
//! }
//!
//! // The server says whose an inventory is, and game code writes to it as if there were no network.
//! fn spawn_player(client: ClientId, account: u64, commands: &mut Commands) {
//!     commands.spawn((
//!         InventoryId::named("player", account),
//!         Inventory::new(27),
//!         Hotbar::new(9),
//!         Owner(client),
//!     ));
//! }
//!
//! fn burn(mut inventories: Query<&mut Inventory>) {
//!     for mut inventory in &mut inventories {
//!         inventory.remove(TORCH, 1);
//!     }
//! }
//!
//! // The client hears of an opening once, and then of each slot that changed.
//! fn paint_grid(opened: On<InventoryOpened>, inventories: Query<&Inventory>) {
//!     let Ok(inventory) = inventories.get(opened.entity) else { return };
//!     for (slot, stack) in inventory.iter() {
//!         info!("slot {slot}: {}", stack.count());
//!     }
//! }
//!
//! fn repaint_slot(change: On<SlotChanged>) {
//!     if let Some(slot) = change.slot.index_in::<Inventory>() {
//!         info!("slot {slot}: {:?}", change.new);
//!     }
//! }
//! # use bevy::state::app::StatesPlugin;
//! # let mut app = App::new();
//! # app.add_plugins((MinimalPlugins, StatesPlugin));
//! # both_sides(&mut app);
//! # spawn_player(ClientId::Server, 1, &mut app.world_mut().commands());
//! # app.add_systems(Update, burn);
//! # app.finish();
//! # app.update();
//! # app.update();
//! ```
//!
//! # Who sees what
//!
//! [`Owner`] sees all of an inventory; [`Viewers`] are the others who do, each with [`Rights`]. Whoever is
//! neither gets no byte. Becoming one brings a full copy, ceasing brings [`InventoryClosed`]; a client that
//! disconnects is taken off all of them.
//!
//! Copies that are too much for one message (a late join, a bank) come in chunks that nothing else waits
//! behind, the own inventory before all others; [`SyncSettings::bulk_bytes_per_tick`] says how fast.
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! # use bevy_replicon::prelude::*;
//! # #[derive(Component)] struct Chest;
//! fn open(chest: Entity, player: ClientId, mut chests: Query<&mut Viewers, With<Chest>>) {
//!     if let Ok(mut viewers) = chests.get_mut(chest) {
//!         viewers.add(player, Rights::USE);
//!     }
//! }
//! ```
//!
//! On the side of the player every inventory in view carries [`InView`] with the rights, and one's own
//! [`LocalInventory`] besides, in all modes; filter queries of the interface by them. If the server's entity
//! is replicated by replicon (an avatar), the containers appear on the client's copy of it, whichever
//! arrives first; otherwise on an entity of their own.
//!
//! What everybody may see is a component of its own, derived from a container: a [`PublicView`] such as
//! [`HeldItem`]. Insert it on the server and register it with
//! [`add_public_view`](InventoryAppExt::add_public_view).
//!
//! # How soon
//!
//! At once, unless an inventory or one of its viewers says otherwise: with [`Pace::Normal`] at most every
//! 50 ms, with [`Pace::Low`] every 200 ms. The first change after a pause goes out at once in any case, later
//! ones merge while they wait, and what a player did goes out with the answer.
//!
//! ```
//! use bevy::prelude::*;
//! use bevy_inventory_sync::prelude::*;
//!
//! /// Nobody looks at the numbers of a machine so closely.
//! fn calm_machines(machines: Query<Entity, Added<Crafter>>, mut commands: Commands) {
//!     for machine in &machines {
//!         commands.entity(machine).insert(Pace::Low);
//!     }
//! }
//! # bevy::ecs::system::assert_is_system(calm_machines);
//! ```
//!
//!
//! ## And how much
//!
//! A client is sent [`SyncSettings::bytes_per_second`] in the long run (50 kB by default), all together
//! [`SyncSettings::total_bytes_per_second`]. What is too much waits and goes out together with what comes later:
//! first what is critical, then what has waited longest. Nothing is lost, no queue grows, and a player's answers,
//! openings and closings never wait. Transfers in chunks use what is left.
//!
//! # Changing things
//!
//! Any way to write to a container on the server is noticed, `Query<&mut Inventory>` included.
//! [`Inventories`] works on all containers of an entity, knows stack limits and what slots accept, moves
//! between any number of inventories all or nothing, and gives [`Commit`]s their [`Cause`].
//!
//! A client's containers are what the server last confirmed, with the player's own requests on top. Writing
//! to them changes nothing: it is taken back in the next frame and warned about.
//!
//! # Players act
//!
//! A click is one request. It is shown in the same frame, decided by the server, and taken back with a
//! reason if it is refused; the answer comes with the slots that it changed.
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! # #[derive(Component)] struct Chest;
//! fn click(
//!     mut actions: InventoryActions,
//!     me: Single<Entity, With<LocalInventory>>,
//!     chest: Single<Entity, (With<InView>, With<Chest>)>,
//! ) {
//!     // Shift-click: wherever it fits.
//!     actions.request(Action::QuickMove { from: (*chest, Inventory::slot(0)), to: (*me).into() });
//!     // Drag, and right-drag with a count.
//!     let (from, to) = ((*me, Inventory::slot(0)), (*me, Hotbar::slot(3)));
//!     actions.request(Action::Move { from, to, count: Some(5) });
//! }
//!
//! fn toast(rejected: On<ActionRejected>) {
//!     info!("{}", rejected.reason);
//! }
//!
//! fn grey_slot(slot: On<SlotPending>) {
//!     info!("{:?} waits for the server: {}", slot.slot, slot.pending);
//! }
//! # bevy::ecs::system::assert_is_system(click);
//! ```
//!
//! [`Action`] has the gestures that players know. [`check`](InventoryActions::check) is a dry run, to grey a
//! button. The same code runs on a client, on a host and in single player.
//!
//! ## Who may, and when
//!
//! The server lets a player do with an inventory what its [`Rights`] to it allow, and with a slot what
//! [`Container::accepts`] and [`Container::rights`] say. The game's own conditions are **rules**: systems
//! that are asked before a player opens, uses or goes on seeing an inventory. They refuse with a reason, or
//! allow less.
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! # #[derive(Component)] struct Locked;
//! # #[derive(Component)] struct Strength(u32);
//! const KEY: ItemId = ItemId::of("key");
//!
//! fn unlocked(In(ask): In<Ask>, inventories: Query<&Inventory>) -> Verdict {
//!     let opener = ask.actor.and_then(|actor| inventories.get(actor).ok());
//!     match opener {
//!         Some(inventory) if inventory.count(KEY) > 0 => Verdict::Allow,
//!         _ => Verdict::Refuse(Reason::Locked),
//!     }
//! }
//!
//! /// Nobody carries more than they can.
//! fn not_too_heavy(In(ask): In<Ask>, carriers: Query<(&Inventory, &Strength)>) -> Verdict {
//!     let Ok((inventory, strength)) = carriers.get(ask.inventory) else { return Verdict::Allow };
//!     let carried: u32 = inventory.iter().map(|(_, stack)| stack.count()).sum();
//!     Verdict::AtMost(strength.0.saturating_sub(carried))
//! }
//!
//! # fn rules(app: &mut App) {
//! app.add_rule::<With<Locked>, _>(unlocked).add_rule::<With<Strength>, _>(not_too_heavy);
//! # }
//! # fn spawn(mut commands: Commands) {
//! // A chest that players may ask to open: `actions.open(chest)`.
//! commands.spawn((Inventory::default(), Openable::default(), Locked));
//! # }
//! ```
//!
//! Each request carries a small hash of what the player saw. If another item lies there by then, it is
//! refused as [`Reason::Stale`]: two players who take the same thing get one thing, and the slower one is
//! told. Whoever sends what nobody honest sends is counted and named in [`ClientMisbehaved`]; how much a
//! client may ask for says [`RequestLimits`].
//!
//! ## Actions of your own
//!
//! One type and one registration make an action of the game's own, shown ahead and decided in one order with
//! the built-in ones: see [`GameAction`]. The server's game hears [`Accepted`] with what `apply` gave.
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Component)] struct Health(u32);
//! /// Eats one of what lies in a slot.
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! struct Eat { slot: Slot }
//!
//! impl GameAction for Eat {
//!     const NAME: &str = "eat";
//!     type Output = Stack;
//!
//!     fn apply(&self, tx: &mut Tx) -> Result<Stack, Reason> {
//!         let player = tx.actor()?;
//!         tx.witness(player, self.slot)?;
//!         let food = tx.get(player, self.slot)?.ok_or(Reason::Empty)?;
//!         if !tx.catalogue().get(food.item).is_some_and(|def| def.has_tag("food")) {
//!             return Err(Reason::NotAccepted);
//!         }
//!         Ok(tx.take_from(player, self.slot, Some(1))?)
//!     }
//! }
//!
//! fn heal(eaten: On<Accepted<Eat>>, mut players: Query<&mut Health>) {
//!     if let Some(mut health) = eaten.actor.and_then(|actor| players.get_mut(actor).ok()) {
//!         health.0 += eaten.output.count();
//!     }
//! }
//! # fn build(app: &mut App) {
//! app.add_action::<Eat>().add_observer(heal);
//! # }
//! ```
//!
//! # Crafting
//!
//! Recipes stand beside the items: `recipes: [(key: "torch", takes: [("coal", 1)], gives: [("torch", 4)])]`.
//! A recipe `at: "workbench"` is made where the station's entity has a container of that name. One with
//! `millis` takes time, and is made by a [`Crafter`], which shows how far it is in [`Work`].
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! # fn craft(mut actions: InventoryActions, me: Single<Entity, With<LocalInventory>>) {
//! let torch = Action::craft(RecipeId::of("torch"), *me);
//! if actions.check(&torch).is_ok() {
//!     actions.request(torch);
//! }
//! # }
//! ```
//!
//! # Banks in tabs
//!
//! A bank of thousands of slots is a list of [`Tabs`], registered with
//! [`add_pages`](InventoryAppExt::add_pages). Who sees the bank gets names, icons and sizes; the pages cost
//! it nothing until it opens one, and it has one of them open at a time, with its rights to the bank. A page
//! is an inventory like any other: moved from and to, resized, and saved under [`InventoryId::page`].
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! # use bevy_replicon::prelude::*;
//! const GEM: ItemId = ItemId::of("gem");
//!
//! fn spawn_bank(account: u64, client: ClientId, commands: &mut Commands) {
//!     let mut viewers = Viewers::new();
//!     viewers.add(client, Rights::USE);
//!     let tabs = Tabs::new((1..=50).map(|n| Tab::new(format!("Page {n}"), GEM, 100)));
//!     commands.spawn((InventoryId::named("bank", account), tabs, viewers));
//! }
//!
//! /// Each page is filled when it comes into being, also one that is added later.
//! fn load_page(page: On<Add, PageOf>, ids: Query<&InventoryId>) {
//!     info!("load inventory {:?}", ids.get(page.entity));
//! }
//!
//! fn rename(mut banks: Query<&mut Tabs>) {
//!     for mut tabs in &mut banks {
//!         tabs.rename(0, "Ores");
//!     }
//! }
//!
//! /// On the side of the player.
//! fn draw_tabs(mut actions: InventoryActions, bank: Single<Entity, (With<Tabs>, With<InView>)>) {
//!     for (tab, page) in actions.tabs(*bank) {
//!         info!("{}: {} slots, {}", tab.name(), tab.slots(), page.map_or("closed", |_| "open"));
//!     }
//!     actions.open_page(*bank, 3);
//! }
//! # let mut app = App::new();
//! # app.add_plugins((MinimalPlugins, bevy::state::app::StatesPlugin, RepliconPlugins, InventoryPlugins));
//! # app.add_pages().add_observer(load_page).add_systems(Update, rename);
//! # let items = r#"(items: [(key: "gem")])"#;
//! # app.insert_items(Items::<()>::from_ron(items).unwrap());
//! # spawn_bank(7, ClientId::Server, &mut app.world_mut().commands());
//! # app.update();
//! # app.add_systems(Update, draw_tabs);
//! # app.update();
//! # let world = app.world_mut();
//! # assert_eq!(world.query::<&PageOf>().iter(world).count(), 50);
//! ```
//!
//! A tab that is [removed](Tabs::remove) takes what lies in its page with it: move it elsewhere before.
//!
//! # Instance data
//!
//! [`Stack::wear`] is a small number that changes often. What is rich and rare (an engraving, enchantments)
//! is any serde type of the game's: [`ItemData`], kept once in the [`DataPool`] and named by
//! [`Stack::data`]. A client is sent it once, never later than the stack, and only if it sees one.
//!
//! # The books
//!
//! [`ActionDecided`] tells of every action with its outcome, [`ItemFlow`] of all items that came into being
//! or ceased to be. [`Conservation::Strict`] has every commit compared with what was declared, and names
//! the tick and the inventory at which items appeared from nowhere.
//!
//! # Four modes
//!
//! The same game code runs on a dedicated server, on a listen server, in single player, and its observers
//! on a client. The player who sits at the authority is [`ClientId::Server`]; it hears the same events and
//! costs no bytes.
//!
//! # Chapters
//!
//! What a game writes, each with code that is compiled and run:
//!
//! - [Equipment](guide::equipment): slots with a filter, being dressed, what others see, the stack on the cursor.
//! - [Chests](guide::chests): shared and locked ones, and bags.
//! - [Loot](guide::loot): what is dropped, loot tables, deaths, corpses.
//! - [Items](guide::items): tools that wear out, instance data, tooltips.
//! - [Trading](guide::trading): two offers, and one exchange that both have agreed to.
//! - [Saving](guide::saving): when somebody leaves and joins, and what a later build may change.
//! - [Testing](guide::testing): tests of the game's own rules and actions, with and without a network.
//! - [Connections](guide::connections): the quality of links, renet, what heals by itself, health, the overlay, how
//!   to stop a server.
//! - [Short questions](guide::faq), and [troubleshooting](guide::troubleshooting): what one sees, where to look, what
//!   helps.
//! - Coming from `replicate` or `replicate_diff`: [what changes](migration). What else there is, and when that is
//!   better: [a comparison](comparison).
//!
//! # How it is built
#![doc = include_str!("README.md")]
//!
//! [`ClientId::Server`]: bevy_replicon::shared::client_id::ClientId::Server

pub mod systems;
pub mod model;
mod authority;
pub mod containers;
pub mod ids;
pub mod app;
pub mod events;
pub mod inventories;
pub mod public_view;
pub mod equipment;
pub mod pages;
pub mod actions;
mod codec;
pub mod hello;
mod protocol;
pub mod wire;
pub mod server;
pub mod client;
pub mod stats;
#[cfg(feature = "renet")]
pub mod renet;
#[cfg(feature = "overlay")]
pub mod overlay;
pub mod test_pair;
#[cfg(doc)]
pub mod guide;
/// So that the code of the README is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
#[cfg(doc)]
#[doc = include_str!("migration.md")]
pub mod migration {}
#[cfg(doc)]
#[doc = include_str!("comparison.md")]
pub mod comparison {}

use bevy::app::{PluginGroup, PluginGroupBuilder};
#[cfg(doc)]
use prelude::*;

/// Everything that a game names.
pub mod prelude {
    pub use crate::{
        InventoryPlugins,
        actions::{
            Accepted, ActionConfirmed, ActionRejected, AnyAction, InventoryAction,
            InventoryActions, RequestId, Requested, SlotPending,
        },
        app::InventoryAppExt,
        client::{ActionTimes, InventoryClientPlugin, SyncState, TransferProgress},
        containers::Kinds,
        equipment::{Equipped, Unequipped},
        events::{
            Cause, CloseReason, Commit, InView, InventoryClosed, InventoryOpened, InventoryResized,
            LocalInventory, SelectedChanged, SlotCause, SlotChanged, SyncRefused,
        },
        ids::InventoryIds,
        inventories::{Inventories, Leftover},
        model::{
            action::{Action, GameAction},
            container::{Area, Container, Hotbar, Inventory, Place, Slot},
            data::{DataError, DataPool, ItemData},
            error::{CatalogueError, InventoryError, SlotError},
            id::{ContainerKey, DataId, InventoryId, ItemId},
            items::{Catalogue, ItemDef, Items},
            reason::Reason,
            recipe::{Recipe, RecipeId},
            rights::Rights,
            saved::{SavedInventory, UnknownItems},
            slots::Slots,
            stack::Stack,
            tx::Tx,
        },
        pages::{Tab, Tabs},
        protocol::InventorySharedPlugin,
        public_view::{HeldItem, PublicView},
        server::{
            InventoryServerPlugin,
            access::{Openable, Owner, Viewers},
            audit::{ActionDecided, Conservation, ItemFlow, ItemsUnaccounted},
            batch::{FullPolicy, SyncSettings},
            crafter::{Crafter, Work},
            faults::{InventoryFault, Unsynced},
            flush::{FlushInventories, InventoriesFlushed, Unflushed},
            health::{ClientSync, HealthReason, HealthStatus, Refusals, SyncAlert, SyncHealth},
            loot::{Dropped, Loot},
            pace::Pace,
            pages::{PageOf, Pages},
            quality::{
                ConnectionQuality, Grade, QualityChanged, QualityLimits, QualityPolicy,
                QualitySample,
            },
            rules::{Ask, Purpose, Verdict},
            sessions::{ClientMisbehaved, Misbehaviour, RequestLimits},
        },
        stats::{InventoryDiagnosticsPlugin, InventoryStats},
        systems::InventorySystems,
    };
}

/// Everything. Add it after `RepliconPlugins`.
///
/// | plugin | for |
/// |---|---|
/// | [`InventorySharedPlugin`] | both sides: messages, containers, ids |
/// | [`InventoryServerPlugin`] | whoever may be the authority |
/// | [`InventoryClientPlugin`] | whoever may join a server |
pub struct InventoryPlugins;

impl PluginGroup for InventoryPlugins {
    fn build(self) -> PluginGroupBuilder {
        PluginGroupBuilder::start::<Self>()
            .add(protocol::InventorySharedPlugin)
            .add(server::InventoryServerPlugin)
            .add(client::InventoryClientPlugin)
    }
}
