//! Inventories for multiplayer Bevy games. An authoritative server syncs them to its clients slot by slot, over
//! [`bevy_replicon`].
//!
//! This page is the guide. The [chapters](#chapters) cover single topics in more depth.
//!
//! - [Concepts](#concepts) and an [example](#example)
//! - [Visibility](#visibility)
//! - [Update rate](#update-rate) and [bandwidth limits](#bandwidth-limits)
//! - [Writing to inventories](#writing-to-inventories)
//! - [Player actions](#player-actions), [permissions and rules](#permissions-and-rules),
//!   [custom actions](#custom-actions)
//! - [Crafting](#crafting)
//! - [Paged inventories](#paged-inventories)
//! - [Instance data](#instance-data)
//! - [Item accounting](#item-accounting)
//! - [Network modes](#network-modes)
//! - [Chapters](#chapters)
//! - [Architecture](#architecture)
//!
//! # Concepts
//!
//! A **container** is a component made of slots: [`Inventory`], [`Hotbar`], or a [`Container`] of your own. All
//! containers of one entity form one **inventory**, identified by its [`InventoryId`]. They are opened, sent and saved
//! together. A slot holds at most one [`Stack`]. The **item catalog**, [`Items`], defines which items exist; both sides
//! load it. The app that decides on all changes is the **authority**: the server, or a single-player game.
//!
//! The [`prelude`] has the names that most games use. Everything else is imported by its path, which the links on this
//! page lead to.
//!
//! # Example
//!
//! ```
//! use bevy::prelude::*;
//! use bevy_inventory_sync::prelude::*;
//! use bevy_replicon::prelude::*;
//!
//! const TORCH: ItemId = ItemId::of("torch");
//!
//! // Both sides add the same plugins, containers and items. Containers may be registered in any order.
//! fn both_sides(app: &mut App) {
//!     let items = r#"(items: [(key: "torch", name: "Torch", max_stack: 64)])"#;
//!     app.add_plugins((RepliconPlugins, InventoryPlugins))
//!         .insert_items(Items::<()>::from_ron(items).unwrap())
//!         .add_observer(paint_grid)
//!         .add_observer(repaint_slot);
//! }
//!
//! // The server sets the owner. Game code writes to the inventory as if there were no network.
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
//! // The client receives one event when an inventory opens, and then one for each slot that changes.
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
//! # Visibility
//!
//! The [`Owner`] of an inventory sees all of it. [`Viewers`] lists the other clients that see it, each with its
//! [`Rights`]. No other client receives a byte of it. A client that becomes owner or viewer receives a full update. A
//! client that stops being one receives [`InventoryClosed`]. A client that disconnects is removed from all inventories.
//!
//! A player acts from an inventory that it owns: its body. If it owns several, insert [`ActingInventory`] on the body.
//! Otherwise the server rejects its actions, because a client must not choose where rules measure distances from.
//!
//! Full updates that are too large for one message (a late join, a bank) are sent in chunks on a separate channel, so
//! that nothing else waits behind them. The player's own inventory is sent first.
//! [`SyncSettings::chunk_bytes_per_tick`] sets the rate.
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
//! On the player's side, every inventory in view has the component [`InView`] with the player's rights, and the
//! player's own inventories also have [`LocalInventory`]. This holds in all network modes. Filter UI queries by these
//! components. If replicon replicates the inventory's entity (an avatar), the containers appear on the client's copy of
//! that entity, even if they arrive before it. Otherwise they appear on a separate entity.
//!
//! To show part of an inventory to every player, such as the item in hand, use a [`PublicView`]: a separate component
//! that is derived from a container and replicated by replicon, such as [`HeldItem`]. Insert it on the server, and
//! register it on both sides with [`add_public_view`](PublicViewAppExt::add_public_view).
//!
//! # Update rate
//!
//! By default, a change is sent in the tick in which it is made. The component [`SyncPriority`] on an inventory lowers
//! the rate: with [`SyncPriority::Normal`] a viewer receives an update at most every 50 ms, with [`SyncPriority::Low`]
//! at most every 200 ms. [`Viewers::set_priority`] does the same for one viewer. The first change after a pause is sent
//! immediately at every priority. Later changes wait for the interval, and are sent as one update. The result of a
//! player's own action does not wait: it is sent with the answer to the action.
//!
//! ```
//! use bevy::prelude::*;
//! use bevy_inventory_sync::prelude::*;
//! use bevy_inventory_sync::features::crafter::Crafter;
//!
//! /// Players do not need the contents of a machine in every tick.
//! fn calm_machines(machines: Query<Entity, Added<Crafter>>, mut commands: Commands) {
//!     for machine in &machines {
//!         commands.entity(machine).insert(SyncPriority::Low);
//!     }
//! }
//! # bevy::ecs::system::assert_is_system(calm_machines);
//! ```
//!
//! ## Bandwidth limits
//!
//! Over time, one client is sent at most [`SyncSettings::bytes_per_second`] (50 kB by default), and all clients together
//! at most [`SyncSettings::total_bytes_per_second`] (unlimited by default). Updates above the limit wait, and later
//! changes merge with them, so that nothing is lost and no queue grows. Of the waiting updates, the player's own
//! inventories are sent first, then the others in order of priority; within a priority, the one that has waited longest
//! is sent first. Waiting clients share the total equally. Answers to a player's requests do not wait, unless the
//! results of its actions exceed the limit by more than half a second's worth of bytes. Openings and closings of
//! inventories never wait. Chunked transfers use the bytes that are left.
//!
//! # Writing to inventories
//!
//! The server detects every write to a container, including writes through `Query<&mut Inventory>`. The system
//! parameter [`Inventories`] works on all containers of an entity. It respects stack limits and slot filters, and moves
//! items between any number of inventories, all or nothing. For each changed slot the server writes the message
//! [`Commit`], with the [`Cause`] of the change.
//!
//! A client's containers show what the server last confirmed, with the player's own pending requests applied on top. A
//! client cannot change them by writing to them: the write is reverted in the next frame and logged as a warning.
//!
//! # Player actions
//!
//! A click is one request. Its predicted result is shown in the same frame. The server decides; if it rejects the
//! request, the prediction is reverted and the client receives the reason. The answer arrives together with the slots
//! that the action changed.
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
//!     // Shift-click: moves the stack to wherever it fits.
//!     actions.request(InventoryAction::QuickMove { from: (*chest, Inventory::slot(0)), to: (*me).into() });
//!     // Drag, and right-drag with a count.
//!     let (from, to) = ((*me, Inventory::slot(0)), (*me, Hotbar::slot(3)));
//!     actions.request(InventoryAction::Move { from, to, count: Some(5) });
//! }
//!
//! fn toast(rejected: On<ActionRejected>) {
//!     info!("{}", rejected.reason);
//! }
//!
//! fn gray_slot(slot: On<SlotPendingChanged>) {
//!     info!("{:?} waits for the server: {}", slot.slot, slot.pending);
//! }
//! # bevy::ecs::system::assert_is_system(click);
//! ```
//!
//! [`InventoryAction`] has the usual gestures: move, swap, sort, drop and more. [`check`](InventoryActions::check) is a
//! dry run, for example to gray out a button. The same code runs on a client, on a host and in single player.
//!
//! ## Permissions and rules
//!
//! The player's [`Rights`] limit what it may do with an inventory. [`Container::accepts`] and [`Container::rights`]
//! limit it for single slots. The game's own conditions are **rules**: systems that the authority runs before a player
//! opens or uses an inventory, and about twice a second while a player has it open. A rule allows the request, rejects
//! it with a reason, or limits what the inventory may hold: the number of items, or their weight.
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! # #[derive(Component)] struct Locked;
//! # #[derive(Component)] struct Strength(u64);
//! # struct Props { grams: u64 }
//! const KEY: ItemId = ItemId::of("key");
//!
//! fn unlocked(In(ask): In<AccessRequest>, inventories: Query<&Inventory>) -> AccessDecision {
//!     let opener = ask.actor.and_then(|actor| inventories.get(actor).ok());
//!     match opener {
//!         Some(inventory) if inventory.count(KEY) > 0 => AccessDecision::Allow,
//!         _ => AccessDecision::Deny(Rejection::Locked),
//!     }
//! }
//!
//! /// Limits the weight that a player can carry.
//! fn not_too_heavy(In(ask): In<AccessRequest>, carriers: Query<&Strength>) -> AccessDecision {
//!     let Ok(strength) = carriers.get(ask.inventory) else { return AccessDecision::Allow };
//!     let measure = Measure::new(|items, stack| items.props(stack.item).map_or(0, |item: &Props| item.grams));
//!     AccessDecision::AtMost { measure, maximum: strength.0 }
//! }
//!
//! # fn rules(app: &mut App) {
//! app.add_rule::<With<Locked>, _>(unlocked).add_rule::<With<Strength>, _>(not_too_heavy);
//! # }
//! # fn spawn(mut commands: Commands) {
//! // A chest that players may request to open: `actions.open(chest)`.
//! commands.spawn((Inventory::default(), Openable::default(), Locked));
//! # }
//! ```
//!
//! Each request carries a 16-bit hash of what the player saw. If a slot contains another item when the server handles
//! the request, the request is rejected as [`Rejection::Stale`]. Stacks taken by item, as in crafting, must match the
//! predicted ones: an engraved sword does not replace a missing plain one. When two players take the same item, one of
//! them gets it and the other's request is rejected. Requests that no legitimate client sends are counted, and
//! [`ClientViolation`] reports a client that sends too many of them. [`RequestLimits`] caps the rate of requests, and
//! the work that they cause.
//!
//! ## Custom actions
//!
//! To add an action, define a type that implements [`GameAction`], and register it. Custom actions are predicted like
//! built-in ones, and the server handles both in the order in which it receives them. On the server, [`ActionApplied`]
//! reports an action that was applied, with the value that `apply` returned.
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Component)] struct Health(u32);
//! /// Eats one item from a slot.
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! struct Eat { slot: Slot }
//!
//! impl GameAction for Eat {
//!     const NAME: &str = "eat";
//!     type Output = Stack;
//!
//!     fn apply(&self, tx: &mut Transaction) -> Result<Stack, Rejection> {
//!         let player = tx.actor()?;
//!         tx.expect_unchanged(player, self.slot)?;
//!         let food = tx.get(player, self.slot)?.ok_or(Rejection::Empty)?;
//!         if !tx.catalog().get(food.item).is_some_and(|def| def.has_tag("food")) {
//!             return Err(Rejection::NotAccepted);
//!         }
//!         Ok(tx.take_from(player, self.slot, Some(1))?)
//!     }
//! }
//!
//! fn heal(eaten: On<ActionApplied<Eat>>, mut players: Query<&mut Health>) {
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
//! Recipes are defined next to the items: `recipes: [(key: "torch", takes: [("coal", 1)], gives: [("torch", 4)])]`.
//! A recipe with `at: "workbench"` needs a station, an entity that has a container of that name. A recipe with `millis`
//! takes time and is made by a [`Crafter`]; [`CraftingProgress`] shows its progress.
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! # fn craft(mut actions: InventoryActions, me: Single<Entity, With<LocalInventory>>) {
//! let torch = InventoryAction::craft(RecipeId::of("torch"), *me);
//! if actions.check(&torch).is_ok() {
//!     actions.request(torch);
//! }
//! # }
//! ```
//!
//! # Paged inventories
//!
//! A bank of thousands of slots is divided into pages, so that a client only receives the page that it opens. The
//! bank's entity has the container [`Tabs`], registered with [`add_pages`](PagesAppExt::add_pages), with one tab for
//! each page. A client that sees the bank receives the name, icon and size of each tab, and opens a page with
//! [`PageActions`]. It has at most one page of a bank open at a time, with its rights to the bank. A page is an
//! inventory like any other: items can be moved to and from it, it can be resized, and it is saved under
//! [`InventoryId::page`].
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! # use bevy_inventory_sync::features::{pages::PageOf, tabs::{PageActions, Tab, Tabs}};
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
//! /// Runs for each page when it is created, including pages that are added later.
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
//! /// The player's side.
//! fn draw_tabs(mut pages: PageActions, bank: Single<Entity, (With<Tabs>, With<InView>)>) {
//!     for (tab, page) in pages.tabs(*bank) {
//!         info!("{}: {} slots, {}", tab.name(), tab.slots(), page.map_or("closed", |_| "open"));
//!     }
//!     pages.open(*bank, 3);
//! }
//! # let mut app = App::new();
//! # app.add_plugins((MinimalPlugins, bevy::state::app::StatesPlugin, RepliconPlugins, InventoryPlugins));
//! # app.add_pages().add_observer(load_page).add_systems(Update, rename);
//! # let items = r#"(items: [(key: "gem")])"#;
//! # app.insert_items(Items::<()>::from_ron(items).unwrap());
//! # spawn_bank(7, ClientId::Server, &mut app.world_mut().commands());
//! # app.finish();
//! # app.update();
//! # app.add_systems(Update, draw_tabs);
//! # app.update();
//! # let world = app.world_mut();
//! # assert_eq!(world.query::<&PageOf>().iter(world).count(), 50);
//! ```
//!
//! [Removing](features::tabs::Tabs::remove) a tab destroys the contents of its page. Move them elsewhere first.
//!
//! # Instance data
//!
//! Instance data belongs to a stack, not to all items of a type: an engraving or enchantments. Implement [`ItemData`]
//! for any serde type of the game. The [`DataPool`] stores each value once, and [`Stack::data`] refers to it. A client
//! receives a value once, no later than the first stack that refers to it, and only if it sees such a stack. For a small
//! number that changes often, such as durability, use [`Stack::wear`]. A stack that the game keeps outside of inventories
//! keeps its data as a [`HeldStack`]. The data of other stacks that are in no slot is removed after some time
//! ([`DataRetention`]).
//!
//! # Item accounting
//!
//! [`ActionResolved`] reports each action with its outcome. [`ItemsCreatedOrDestroyed`] reports all items that were
//! created or destroyed. [`Inventories`], actions and crafters declare what they create and destroy; plain writes do
//! not. With [`ItemAudit::Strict`], the server compares every commit with these declarations, and reports the tick and
//! the inventory in which items appeared or vanished without one.
//!
//! # Network modes
//!
//! The same game code runs on a dedicated server, on a client, on a listen server (a server whose host also plays) and
//! in single player. The player at the authority (the host, or the player of a single-player game) is
//! [`ClientId::Server`]. It receives the same events as a client, and nothing is sent over the network for it.
//!
//! The Cargo features `client` and `server` are on by default. A build that only ever needs one half can turn the other
//! one off; single player needs `server`.
//!
//! # Chapters
//!
//! Each chapter shows the code that a game writes. The code is compiled and run with the tests.
//!
//! - `guide::ui`, with the feature `ui`: widgets for inventories.
//! - [Multiplayer](guide::multiplayer): from single player to hosting and dedicated servers: ports, authentication,
//!   versions, tick rate, logs, shutdown.
//! - [Administration](guide::administration): administrator commands, who did what, inspecting inventories.
//! - [Mods](guide::mods): items and recipes of mods, and items that no longer exist.
//! - [Limits](guide::limits): what this crate is not for, and all numeric limits.
//! - [Coming from other inventories](guide::coming_from): Minecraft, Lyra and GLoot.
//! - [Glossary](guide::glossary): the terms used in the guide and the code.
//! - [Equipment](guide::equipment): slots with a filter, equipping, what other players see, the stack on the cursor.
//! - [Chests](guide::chests): shared chests, locked chests, bags.
//! - [Loot](guide::loot): dropped items, loot tables, deaths, corpses.
//! - [Items](guide::items): durability, instance data, stacks outside of inventories, tooltips.
//! - [Trading](guide::trading): two offers, and one exchange that both players have agreed to.
//! - [Storing](guide::storing): a store that keeps inventories through crashes and restarts.
//! - [Servers](guide::servers): several game servers with one store, and players who move between worlds.
//! - [Gateway](guide::gateway): HTTP, live events, and a page for operators.
//! - [Saving](guide::saving): saving and loading players, and what a later build may change.
//! - [Testing](guide::testing): tests of the game's own rules and actions, with and without a network.
//! - [Connections](guide::connections): connection quality, renet, recovery from errors, monitoring, the debug overlay,
//!   shutting down a server.
//! - [Frequently asked questions](guide::faq), and [troubleshooting](guide::troubleshooting) by symptom.
//! - [Migration](migration) from `replicate` or `replicate_diff`.
//! - [Comparison](comparison) with the alternatives, and when they are the better choice.
#![doc = include_str!("README.md")]
//!
//! [`ClientId::Server`]: bevy_replicon::shared::client_id::ClientId::Server
//! [`ActionResolved`]: crate::server::audit::ActionResolved
//! [`ClientViolation`]: crate::server::requests::sessions::ClientViolation
//! [`Crafter`]: crate::features::crafter::Crafter
//! [`DataRetention`]: crate::server::data::DataRetention
//! [`CraftingProgress`]: crate::features::progress::CraftingProgress
//! [`HeldItem`]: crate::features::public_view::HeldItem
//! [`ItemAudit::Strict`]: crate::server::audit::ItemAudit::Strict
//! [`ItemsCreatedOrDestroyed`]: crate::server::audit::ItemsCreatedOrDestroyed
//! [`PageActions`]: crate::features::tabs::PageActions
//! [`RequestLimits`]: crate::shared::rate::RequestLimits
//! [`Tabs`]: crate::features::tabs::Tabs

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(feature = "client", feature = "server")),
    allow(dead_code, reason = "some of the shared code serves only one half"),
    allow(rustdoc::broken_intra_doc_links, reason = "the guide describes both halves")
)]

pub mod model;
pub mod wire;
pub mod shared;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "client")]
pub mod client;
pub mod app;
pub mod params;
#[cfg(feature = "server")]
pub mod changes;
pub mod features;
pub mod plugins;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "gateway")]
pub mod gateway;
#[cfg(feature = "renet")]
pub mod renet;
#[cfg(feature = "overlay")]
pub mod overlay;
#[cfg(feature = "ui")]
pub mod ui;
#[cfg(all(feature = "client", feature = "server"))]
pub mod sim;
#[cfg(doc)]
pub mod guide;
/// Compiles the code of the README with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
#[cfg(doc)]
#[doc = include_str!("migration.md")]
pub mod migration {}
#[cfg(doc)]
#[doc = include_str!("comparison.md")]
pub mod comparison {}

#[cfg(doc)]
use prelude::*;

/// The names that most games use. Import everything else by its path.
pub mod prelude {
    #[cfg(feature = "client")]
    pub use crate::client::state::SyncState;
    pub use crate::{
        app::InventoryAppExt,
        features::{
            PagesAppExt,
            equipment::EquipmentAppExt,
            public_view::{PublicView, PublicViewAppExt},
        },
        model::{
            action::{GameAction, InventoryAction},
            builtin::{Hotbar, Inventory},
            catalog::{ItemCatalog, Items},
            container::{Container, ContainerRef, Slot, SlotRef},
            data::{DataPool, ItemData, held::HeldStack},
            error::InventoryError,
            id::{InventoryId, ItemId},
            item::ItemDef,
            measure::Measure,
            recipe::RecipeId,
            rejection::Rejection,
            rights::Rights,
            slots::Slots,
            stack::Stack,
            transaction::Transaction,
        },
        params::actions::InventoryActions,
        plugins::InventoryPlugins,
        shared::{
            actions::{ActionApplied, ActionConfirmed, ActionRejected, SlotPendingChanged},
            events::{
                Cause, Commit, InventoryClosed, InventoryOpened, InventoryResized, SelectedChanged,
                SlotChanged,
            },
            ids::InventoryIds,
            markers::{ActingInventory, InView, Loading, LocalInventory},
            schedule::{InventoryClientSystems, InventoryServerSystems},
        },
    };
    #[cfg(feature = "server")]
    pub use crate::{
        params::inventories::Inventories,
        server::{
            loot::{Dropped, Loot, LootSettings},
            pacing::{priority::SyncPriority, settings::SyncSettings},
            requests::rules::{AccessDecision, AccessKind, AccessRequest},
            returns::ReturnsTo,
            views::access::{Openable, Owner, Viewers},
        },
    };
}
