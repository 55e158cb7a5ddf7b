//! What crosses the network besides inventories: who stands where, what lies on the ground, and what
//! players ask for.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

/// How far players stretch for things on the ground, in tiles. The server holds them to it.
pub const ITEM_REACH: f32 = 1.2;

/// From how far away a chest can be opened.
pub const CHEST_REACH: f32 = 2.0;

/// How far a tool reaches.
pub const WORK_REACH: f32 = 1.7;

/// Where the feet of something are, in tiles; `y` grows upwards.
#[derive(Component, Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Position(pub Vec2);

impl Position {
    /// How far it is from where a player stands to the middle of a chest.
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

/// What everybody sees of a stack on the ground.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct GroundItem(pub Option<ItemId>);

impl PublicView for GroundItem {
    type Source = Inventory;

    fn view(inventory: &Inventory) -> Self {
        Self(inventory.get(0).map(|stack| stack.item))
    }
}

/// Everybody sees who has it open; what is inside only those see.
#[derive(Component, Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Chest {
    pub kind: ChestKind,
    pub users: Vec<String>,
}

/// Who may do what with a chest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum ChestKind {
    #[default]
    Plain,
    /// It opens for whoever carries a key.
    Locked,
    /// Everything in it is for sale.
    Vendor,
}

impl ChestKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "Chest",
            Self::Locked => "Locked chest",
            Self::Vendor => "For sale, 5 gold each: Shift-click",
        }
    }
}

/// What a player asks for besides inventories, which have [`InventoryActions`]. One type, so that what is
/// asked first is heard first.
#[derive(Message, Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Whoever comes back says the same account, and finds what it had.
    Join {
        name: String,
        account: u64,
    },
    Walk(Vec2),
}

/// Instance data: somebody has written on it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Engraving {
    pub text: String,
}

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

/// Buys one of what a vendor offers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Buy {
    pub vendor: InventoryId,
    pub slot: Slot,
}

/// What a vendor wants for anything.
pub const PRICE: u32 = 5;

const COIN: ItemId = ItemId::of("gold_coin");

impl GameAction for Buy {
    const NAME: &'static str = "buy";
    type Output = Stack;

    fn apply(&self, tx: &mut Tx) -> Result<Stack, Reason> {
        let (player, vendor) = (tx.actor()?, tx.find(self.vendor)?);
        tx.witness(vendor, self.slot)?;
        // Players may only look at what a vendor has; the trade is the game's.
        tx.trust(vendor);
        for coins in tx.take(player, COIN, PRICE)? {
            tx.give(vendor, coins)?;
        }
        let bought = tx.take_from(vendor, self.slot, Some(1))?;
        tx.give(player, bought)?;
        Ok(bought)
    }
}

/// The same on server and clients, in the same order.
pub fn plugin(app: &mut App) {
    app.replicate::<Position>()
        .replicate::<Facing>()
        .replicate::<Avatar>()
        .replicate::<Chest>()
        .add_public_view::<HeldItem>()
        .add_public_view::<GroundItem>()
        .add_action::<Buy>()
        .add_item_data::<Engraving>()
        .add_client_message::<Request>(Channel::Ordered);
}

/// Who the local player is.
#[derive(Resource, Clone, Debug)]
pub struct Me {
    pub name: String,
    pub account: u64,
}

impl Me {
    pub fn new(name: String) -> Self {
        Self { name, account: fastrand::u64(..) }
    }

    pub fn join(&self) -> Request {
        Request::Join { name: self.name.clone(), account: self.account }
    }
}

/// Has the local player join: on the host at once, on a client when it is connected.
pub fn join_as(app: &mut App, name: String) {
    let join = |me: Res<Me>, mut requests: MessageWriter<Request>| {
        requests.write(me.join());
    };
    app.insert_resource(Me::new(name))
        .add_systems(OnEnter(ServerState::Running), join)
        .add_systems(OnEnter(ClientState::Connected), join);
}
