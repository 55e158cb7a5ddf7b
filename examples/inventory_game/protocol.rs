//! Network protocol besides inventories: positions, items on the ground, chests, and
//! player requests.

use std::net::SocketAddr;

use bevy::prelude::*;
use bevy_inventory_sync::features::public_view::HeldItem;
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

/// Reach for items on the ground, in tiles. The server enforces it.
pub const ITEM_REACH: f32 = 1.2;

/// Reach for chests, in tiles.
pub const CHEST_REACH: f32 = 2.0;

/// Reach of a tool, in tiles.
pub const WORK_REACH: f32 = 1.7;

/// Position of the feet, in tiles; `y` points up.
#[derive(Component, Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Position(pub Vec2);

impl Position {
    /// Returns the distance from a player's position to the middle of a chest.
    pub fn distance_to_chest(self, chest: Self) -> f32 {
        self.0.distance(chest.0 + Vec2::new(0.0, 0.3))
    }
}

#[derive(Component, Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Facing {
    #[default]
    Down,
    Up,
    Left,
    Right,
}

impl Facing {
    pub fn vector(self) -> Vec2 {
        match self {
            Self::Down => Vec2::NEG_Y,
            Self::Up => Vec2::Y,
            Self::Left => Vec2::NEG_X,
            Self::Right => Vec2::X,
        }
    }
}

#[derive(Component, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Avatar {
    pub name: String,
    pub color: [u8; 3],
}

/// What all players see of a stack on the ground.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct GroundItem(pub Option<ItemId>);

impl PublicView for GroundItem {
    type Source = Inventory;

    fn view(inventory: &Inventory) -> Self {
        Self(inventory.get(0).map(|stack| stack.item))
    }
}

/// Public state of a chest. All players see who has it open; only those see its contents.
#[derive(Component, Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Chest {
    pub kind: ChestKind,
    pub users: Vec<String>,
}

/// Access policy of a chest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum ChestKind {
    #[default]
    Plain,
    /// Opens only for players who carry a key.
    Locked,
    /// Everything in it is for sale.
    Vendor,
}

impl ChestKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "Chest",
            Self::Locked => "Locked chest",
            Self::Vendor => "Shop, 5 gold each: Shift-click",
        }
    }
}

/// A gate to another world.
#[derive(Component, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Gate {
    /// Name of the world behind it.
    pub to: String,
}

/// Tells a client to play on another server, which has its character.
#[derive(Message, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Travel {
    pub address: SocketAddr,
    /// Shows the other server that the player was sent. `None` if it has been there before.
    pub ticket: Option<String>,
}

/// Player requests besides inventory actions, which go through [`InventoryActions`]. A single type, so that
/// requests are received in the order in which they were made.
#[derive(Message, Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// A returning player sends the same account, and gets its inventory back.
    Join {
        name: String,
        account: u64,
        ticket: Option<String>,
    },
    Walk(Vec2),
}

/// Instance data: an engraved text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Engraving {
    pub text: String,
}

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

/// Buys one item from a vendor's slot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Buy {
    pub vendor: InventoryId,
    pub slot: Slot,
}

/// Price of every item, in gold coins.
pub const PRICE: u32 = 5;

const COIN: ItemId = ItemId::of("gold_coin");

impl GameAction for Buy {
    const NAME: &'static str = "buy";
    type Output = Stack;

    fn apply(&self, tx: &mut Transaction) -> Result<Stack, Rejection> {
        let (player, vendor) = (tx.actor()?, tx.find(self.vendor)?);
        tx.expect_unchanged(vendor, self.slot)?;
        // Players have no rights to change a vendor's inventory; the game makes the trade.
        tx.bypass_rights(vendor);
        for coins in tx.take(player, COIN, PRICE)? {
            tx.insert(vendor, coins)?;
        }
        let bought = tx.take_from(vendor, self.slot, Some(1))?;
        tx.insert(player, bought)?;
        Ok(bought)
    }
}

/// Registers the protocol. Server and clients must do so in the same order.
pub fn plugin(app: &mut App) {
    app.replicate::<Position>()
        .replicate::<Facing>()
        .replicate::<Avatar>()
        .replicate::<Chest>()
        .replicate::<Gate>()
        .add_public_view::<HeldItem>()
        .add_public_view::<GroundItem>()
        .add_action::<Buy>()
        .add_item_data::<Engraving>()
        .add_client_message::<Request>(Channel::Ordered)
        .add_server_message::<Travel>(Channel::Ordered);
}

/// Name and account of the local player.
#[derive(Resource, Clone, Debug)]
pub struct Me {
    pub name: String,
    pub account: u64,
    /// For the next server.
    pub ticket: Option<String>,
}

impl Me {
    pub fn new(name: String) -> Self {
        Self { name, account: fastrand::u64(..), ticket: None }
    }

    pub fn join(&mut self) -> Request {
        let (name, ticket) = (self.name.clone(), self.ticket.take());
        Request::Join { name, account: self.account, ticket }
    }
}

/// Makes the local player join: on a host when the server is running, on a client when it is connected.
pub fn join_as(app: &mut App, name: String) {
    let join = |mut me: ResMut<Me>, mut requests: MessageWriter<Request>| {
        requests.write(me.join());
    };
    app.insert_resource(Me::new(name))
        .add_systems(OnEnter(ServerState::Running), join)
        .add_systems(OnEnter(ClientState::Connected), join);
}
