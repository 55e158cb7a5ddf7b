//! Network protocol besides inventories: positions, items on the ground, chests, and
//! player requests.

use std::net::SocketAddr;

use bevy::prelude::*;
use bevy_inventory_sync::features::{PagesAppExt, public_view::HeldItem};
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    account::AccountKey,
    containers::{self, Offerings},
    shop, trade,
};

/// Reach for items on the ground, in tiles. The server enforces it.
pub const ITEM_REACH: f32 = 1.2;

/// Reach for chests and everything else that opens, in tiles.
pub const CHEST_REACH: f32 = 2.0;

/// Reach of a tool, in tiles.
pub const WORK_REACH: f32 = 1.7;

/// Distance at which players can start to trade, in tiles.
pub const TRADE_REACH: f32 = 3.0;

/// Entities that a client or a server despawns when it leaves a world.
pub type OfWorld = Or<(With<Position>, With<Offer>)>;

/// Position of the feet, in tiles; `y` points up.
#[derive(Component, Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Position(pub Vec2);

impl Position {
    /// Returns the distance from a player's position to the middle of a chest, a furnace or the shrine.
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

/// Public state of a chest. Only those who have it open see its contents.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Chest {
    pub kind: ChestKind,
}

/// Names of the players who have a chest, the furnace or the shrine open.
#[derive(Component, Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Users(pub Vec<String>);

/// Access policy of a chest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum ChestKind {
    #[default]
    Plain,
    /// Opens only for players who carry a key.
    Locked,
    /// Everything in it is for sale.
    Vendor,
    /// Opens the bank of whoever opens it.
    Bank,
}

impl ChestKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "Chest",
            Self::Locked => "Locked chest",
            Self::Vendor => "Shop",
            Self::Bank => "Bank",
        }
    }
}

/// What is left of a player's strength, in half hearts. Work costs some, food restores it.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Energy(pub u8);

impl Energy {
    pub const MAX: u8 = 10;
}

/// Walking speed of a player, relative to [`map::SPEED`](crate::map::SPEED).
#[derive(Component, Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Pace(pub f32);

impl Pace {
    pub const FAST: Self = Self(1.6);
}

impl Default for Pace {
    fn default() -> Self {
        Self(1.0)
    }
}

/// Id of a player's bank. Its player opens it by this id, near a chest of the kind [`ChestKind::Bank`].
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BankId(pub InventoryId);

/// A furnace. All players see whether it burns.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Furnace {
    pub lit: bool,
}

/// What is left of a felled tree, until it grows again. Its position is the middle of the tree's tile.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Stump;

/// The shrine, whose offerings are the goal of the game.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Shrine {
    /// Number of offerings that are complete, up to [`Self::OFFERINGS`].
    pub stage: u8,
}

impl Shrine {
    pub const OFFERINGS: u8 = 3;
}

const _: () = assert!(Shrine::OFFERINGS as usize == Offerings::NEEDS.len());

/// Something that all players see and hear.
#[derive(Message, Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Effect {
    pub kind: EffectKind,
    /// The player who causes it, in tiles.
    pub at: Vec2,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum EffectKind {
    /// An axe hits a tree, or a pickaxe a rock.
    Work,
    /// A tool breaks.
    Break,
    /// Food is eaten, or a potion is drunk.
    Eat,
    /// Something is bought or sold.
    Coins,
    /// The shrine has received an offering.
    Offering,
    /// The shrine has received all offerings.
    Goal,
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
        account: AccountKey,
        ticket: Option<String>,
    },
    Walk(Vec2),
    /// Asks the nearest player for a trade, or agrees to one if that player has asked.
    Trade,
    /// Takes back an [`AcceptTrade`](crate::trade::AcceptTrade).
    WithdrawAcceptance,
    EndTrade,
}

/// A short message of the server to one player.
#[derive(Message, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notice(pub String);

/// Tells a client why it may not play. The server disconnects it afterwards.
#[derive(Message, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JoinRejected(pub String);

/// One side of a trade: an inventory that only its player may use, and the other player sees.
#[derive(Component, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Offer {
    /// Name of the player who offers.
    pub by: String,
    /// Whether that player accepts the trade as it is now.
    pub accepted: bool,
}

/// Instance data: an engraved text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Engraving {
    pub text: String,
}

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

/// Registers the protocol. Server and clients must do so in the same order.
pub fn plugin(app: &mut App) {
    app.replicate::<Position>()
        .replicate::<Facing>()
        .replicate::<Avatar>()
        .replicate::<Chest>()
        .replicate::<Users>()
        .replicate::<Gate>()
        .replicate::<Energy>()
        .replicate::<Pace>()
        .replicate::<BankId>()
        .replicate::<Furnace>()
        .replicate::<Stump>()
        .replicate::<Shrine>()
        .replicate::<Offer>()
        .add_public_view::<HeldItem>()
        .add_public_view::<GroundItem>()
        .add_pages()
        .add_plugins((containers::plugin, shop::plugin, trade::plugin))
        .add_item_data::<Engraving>()
        .add_client_message::<Request>(Channel::Ordered)
        .add_server_message::<Travel>(Channel::Ordered)
        .add_server_message::<Effect>(Channel::Unordered)
        .add_server_message::<Notice>(Channel::Ordered)
        .add_server_message::<JoinRejected>(Channel::Ordered);
}

/// Name and account of the local player.
#[derive(Resource, Clone, Debug)]
pub struct Me {
    pub name: String,
    pub account: AccountKey,
    /// For the next server.
    pub ticket: Option<String>,
}

impl Me {
    pub fn new(name: String) -> Self {
        Self { name, account: AccountKey::random(), ticket: None }
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
