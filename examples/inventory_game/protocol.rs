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

/// A stack that anybody may pick up.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GroundItem(pub Stack);

/// Everybody sees who has it open; what is inside only those see.
#[derive(Component, Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Chest {
    pub users: Vec<String>,
}

/// A slot of any inventory.
pub type SlotOf = (InventoryId, Slot);

/// What a player asks for. One type, so that what is asked first is heard first.
#[derive(Message, Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Request {
    Join { name: String },
    Walk(Vec2),
    PickUp,
    Drop { from: SlotOf, count: Option<u32> },
    Select(u8),
    MoveSlot { from: SlotOf, to: SlotOf, count: Option<u32> },
    QuickMove { from: SlotOf },
    OpenChest,
    CloseChests,
}

/// The same on server and clients, in the same order.
pub fn plugin(app: &mut App) {
    app.replicate::<Position>()
        .replicate::<Facing>()
        .replicate::<Avatar>()
        .replicate::<GroundItem>()
        .replicate::<Chest>()
        .add_public_view::<HeldItem>()
        .add_client_message::<Request>(Channel::Ordered);
}

/// Has the local player join under a name: on the host at once, on a client when it is connected.
pub fn join_as(app: &mut App, name: String) {
    let join = move |mut requests: MessageWriter<Request>| {
        requests.write(Request::Join { name: name.clone() });
    };
    app.add_systems(OnEnter(ServerState::Running), join.clone())
        .add_systems(OnEnter(ClientState::Connected), join);
}
