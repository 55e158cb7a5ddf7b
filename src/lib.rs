//! Inventories for multiplayer Bevy games, kept in sync slot by slot between an authoritative server and its
//! clients, over [`bevy_replicon`].
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
//! # Changing things
//!
//! Any way to write to a container is noticed, `Query<&mut Inventory>` included. [`Inventories`] works on all
//! containers of an entity, knows stack limits and what slots accept, moves between any number of
//! inventories all or nothing, and gives [`Commit`]s their [`Cause`].
//!
//! A client's containers are what the server last confirmed. Writing to them changes nothing: it is taken
//! back in the next frame and warned about. Send the server a message of your own instead.
//!
//! # Saving
//!
//! ```
//! # use bevy::prelude::*;
//! # use bevy_inventory_sync::prelude::*;
//! fn save(inventories: Inventories, player: Single<Entity, With<Owner>>) -> Result {
//!     let saved: SavedInventory = inventories.save(*player)?;
//!     info!("{}", ron::to_string(&saved)?);
//!     Ok(())
//! }
//! # bevy::ecs::system::assert_is_system::<(), (), _>(save);
//! ```
//!
//! Items are saved by key. What a later build of the game does not know is kept in [`UnknownItems`] and
//! saved again.
//!
//! # Four modes
//!
//! The same game code runs on a dedicated server, on a listen server, in single player, and its observers
//! on a client. The player who sits at the authority is [`ClientId::Server`]; it hears the same events and
//! costs no bytes.
//!
//! # Testing your game
//!
//! [`Pair`](test_pair::Pair) joins a server and any number of clients in one process, with latency, loss and
//! no clock. Its module shows how.
//!
//! # Troubleshooting
//!
//! - *My client sees nothing.* [`SyncState`] says how far it has come, [`SyncRefused`] what differs. Then: is
//!   there an [`Owner`] or a [`Viewers`] entry with the client's id? Is there an [`InventoryFault`] in the
//!   log? If the entity is replicated, does replicon show it to that client?
//! - *My system panics with conflicting access.* [`Inventories`] reaches every registered container; use its
//!   own methods, or a [`ParamSet`](bevy::ecs::system::ParamSet), beside a query of containers.
//! - *`set` is not the method I expect.* Bevy's prelude brings `Reflect::set` along. On your own containers
//!   that derive `Reflect`, call `set` on the [`Slots`] themselves.
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
pub mod actions;
mod codec;
pub mod hello;
mod protocol;
pub mod wire;
pub mod server;
pub mod client;
pub mod stats;
pub mod test_pair;

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
        client::{InventoryClientPlugin, SyncState},
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
        protocol::InventorySharedPlugin,
        public_view::{HeldItem, PublicView},
        server::{
            InventoryServerPlugin,
            access::{Openable, Owner, Viewers},
            audit::{ActionDecided, Conservation, ItemFlow, ItemsUnaccounted},
            batch::{FullPolicy, SyncSettings},
            crafter::{Crafter, Work},
            faults::{InventoryFault, Unsynced},
            loot::{Dropped, Loot},
            rules::{Ask, Purpose, Verdict},
            sessions::{ClientMisbehaved, Misbehaviour, RequestLimits},
        },
        stats::InventoryStats,
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
