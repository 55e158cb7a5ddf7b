//! Everything that happens in a simulated game, as plain values: what players and the game do, and what goes wrong.
//!
//! An operation names clients, inventories and slots by small numbers, which are mapped to what exists when it is
//! performed. So any list of operations can be performed, and a shorter list is still valid.

use serde::{Deserialize, Serialize};

use super::{fault::Fault, report::variant};

/// One thing that happens.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Op {
    /// A player does something.
    Player(u8, PlayerOp),
    /// The game does something on the server.
    Game(GameOp),
    /// Something goes wrong.
    Fault(Fault),
    /// All faults stop, and no operation is performed until all copies agree with the server.
    Rest,
}

impl Op {
    /// Returns the name of the operation, such as `Swap`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Player(_, op) => variant(op),
            Self::Game(op) => variant(op),
            Self::Fault(fault) => variant(fault),
            Self::Rest => variant(self),
        }
    }
}

/// A slot of an inventory that a player sees.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Pick {
    /// Which inventory, modulo the number of those in view.
    pub inventory: u8,
    /// Which slot, modulo the number of slots that are considered.
    pub slot: u16,
    /// Whether only slots with a stack are considered.
    pub filled: bool,
}

/// An inventory that a player sees, or one of its containers.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Area {
    /// Which inventory, modulo the number of those in view.
    pub inventory: u8,
    /// Which container, modulo their number; the whole inventory if `None`.
    pub container: Option<u8>,
}

/// A stack to be created.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Goods {
    /// Which item.
    pub item: u8,
    /// Number of items, at least one. May exceed the maximum stack.
    pub count: u16,
    /// Wear, if it is an item that wears out.
    pub wear: u16,
    /// Whether it has instance data, if it is an item that can.
    pub label: bool,
}

/// What a player does.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the actions")]
pub enum PlayerOp {
    /// [`InventoryAction::Move`](crate::prelude::InventoryAction::Move).
    Move { from: Pick, to: Pick, count: Option<u16> },
    /// [`InventoryAction::Swap`](crate::prelude::InventoryAction::Swap).
    Swap { a: Pick, b: Pick },
    /// [`InventoryAction::QuickMove`](crate::prelude::InventoryAction::QuickMove).
    QuickMove { from: Pick, to: Area },
    /// [`InventoryAction::Collect`](crate::prelude::InventoryAction::Collect).
    Collect { onto: Pick, from: Vec<Area> },
    /// [`InventoryAction::Spread`](crate::prelude::InventoryAction::Spread).
    Spread { from: Pick, onto: Vec<Pick>, each: Option<u16> },
    /// [`InventoryAction::MoveAll`](crate::prelude::InventoryAction::MoveAll).
    MoveAll { from: Area, to: Area },
    /// [`InventoryAction::Drop`](crate::prelude::InventoryAction::Drop).
    Drop { from: Pick, count: Option<u16> },
    /// [`InventoryAction::DropAll`](crate::prelude::InventoryAction::DropAll).
    DropAll { from: Area },
    /// Picks up loot.
    PickUp { loot: u8 },
    /// [`InventoryAction::Select`](crate::prelude::InventoryAction::Select).
    Select { slot: u8 },
    /// [`InventoryAction::Use`](crate::prelude::InventoryAction::Use).
    Use { slot: Pick },
    /// [`InventoryAction::Sort`](crate::prelude::InventoryAction::Sort).
    Sort { area: Area },
    /// [`InventoryAction::Craft`](crate::prelude::InventoryAction::Craft).
    Craft { recipe: u8, times: u8, from: Vec<Area>, to: Area, at: Option<u8> },
    /// Requests an action that is counted.
    Tally,
    /// Requests several of them at once.
    Burst { requests: u8 },
    /// Gives a sword a label.
    Engrave { slot: Pick },
    /// Wears out a sword.
    WearOut { slot: Pick },
    /// Agrees to exchange its offer with that of another player.
    Trade { with: u8 },
    /// Tries to insert an item that does not exist.
    Conjure,
    /// Requests an action that is rejected with this number.
    Refuse { number: u16 },
    /// Names a slot that does not exist.
    Beyond { inventory: u8 },
    /// Opens an inventory, whether it is in view or not.
    Open { place: u8 },
    /// Opens an inventory and closes it before the answer arrives.
    Cancel { place: u8 },
    /// Closes an inventory in view.
    Close { inventory: u8 },
    /// Opens a page of the bank.
    TurnPage { page: u8 },
    /// Writes to a shown inventory, which has no effect.
    Scribble { slot: Pick },
}

/// What the game does on the server.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "`place` is an inventory, `slot` one of its slots")]
pub enum GameOp {
    /// Writes one slot.
    Set { place: u8, slot: u16, goods: Option<Goods> },
    /// Writes a slot and restores it in the same tick.
    Flicker { place: u8, slot: u16, goods: Goods },
    /// Writes many slots at once: `share` in 256.
    Rewrite { place: u8, share: u8, goods: Goods },
    /// Inserts a stack wherever it fits and discards the rest.
    Insert { place: u8, goods: Goods },
    /// Takes items.
    Take { place: u8, item: u8, count: u16 },
    /// Takes items from one inventory and inserts them into another, or changes nothing.
    Transact { from: u8, to: u8, item: u8, count: u16 },
    /// Drops a stack on the ground.
    DropAt { place: u8, goods: Goods },
    /// Briefly takes a stack out of its inventory and puts it back.
    Hold { place: u8, slot: u16 },
    /// Selects a slot.
    Select { place: u8, slot: u8 },
    /// Changes the number of slots.
    Resize { place: u8, len: u8 },
    /// Adds or removes a container with its contents.
    ToggleContainer { place: u8, container: u8 },
    /// Lets a client see an inventory, with rights by their bits.
    Show { place: u8, client: u8, rights: u8 },
    /// Hides an inventory from a client.
    Hide { place: u8, client: u8 },
    /// Changes the owner.
    GiveTo { place: u8, client: u8 },
    /// Adds or removes a rule for an inventory.
    ToggleRule { place: u8, rule: u8 },
    /// Replaces the catalog with an equal one.
    Reload,
    /// Despawns an inventory and its entity.
    Despawn { place: u8 },
    /// Spawns an inventory that was despawned, empty and under the same id.
    Respawn { place: u8 },
    /// Sets the priority of an inventory.
    Prioritize { place: u8, priority: u8 },
    /// Sets the byte budget of each client, in kB per second; unlimited if zero.
    Budget { kilobytes: u8 },
    /// Sends full updates only, or deltas again.
    ToggleDeltas,
    /// Sends all inventories again.
    Resend,
    /// Removes everything from the ground.
    Sweep,
    /// Renames, adds or removes a tab of the bank.
    ChangeTabs { page: u8, how: u8 },
    /// Sets the priority of an inventory for one viewer.
    PrioritizeViewer { place: u8, client: u8, priority: u8 },
    /// Sets the byte budget of all clients together, in kB per second; unlimited if zero.
    TotalBudget { kilobytes: u8 },
}
