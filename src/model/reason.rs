//! Why a player's action was not done.

use bevy::reflect::Reflect;
use thiserror::Error;

use super::error::{InventoryError, SlotError};

/// Why a player's action was refused. Nothing has changed when one comes back; what was shown ahead is
/// taken back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error, Reflect)]
pub enum Reason {
    /// Someone was faster, or the server changed it: a named slot holds something else than the player
    /// saw.
    #[error("it has changed in the meantime")]
    Stale,
    /// The player does not see that inventory (any more), or it is not there.
    #[error("that inventory is not in view")]
    NotInView,
    /// The player lacks the [`Rights`](super::rights::Rights) to put, take or select there.
    #[error("not allowed")]
    NotAllowed,
    /// The inventory has no such slot.
    #[error("there is no such slot")]
    NoSuchSlot,
    /// There is nothing in the slot.
    #[error("there is nothing there")]
    Empty,
    /// There is less of it than was asked for.
    #[error("there is not enough of it")]
    NotEnough,
    /// Not all of it fits.
    #[error("there is no room")]
    Full,
    /// The slot is taken by something that does not stack with it.
    #[error("the slot is taken")]
    Occupied,
    /// The slot does not take this item.
    #[error("the slot does not take this")]
    NotAccepted,
    /// A count of zero, too many slots, a list that makes no sense.
    #[error("that makes no sense")]
    Invalid,
    /// The catalogue has no such item.
    #[error("there is no such item")]
    UnknownItem,
    /// The catalogue has no such recipe.
    #[error("there is no such recipe")]
    UnknownRecipe,
    /// The recipe needs a station that was not named, or is not one.
    #[error("that needs a station")]
    NoStation,
    /// A rule of the game: too far away.
    #[error("too far away")]
    TooFar,
    /// A rule of the game: locked.
    #[error("it is locked")]
    Locked,
    /// A rule of the game allows less than was asked for, and the action cannot be done in part.
    #[error("that is more than is allowed")]
    TooMuch,
    /// Only here: not connected, or the server has not answered the hello.
    #[error("not connected")]
    NotConnected,
    /// Only here: so many actions wait for an answer that no more can.
    #[error("too many actions are waiting")]
    TooManyPending,
    /// Only here: more actions per second than the server hears.
    #[error("too fast")]
    TooFast,
    /// Only here: the answer was lost. Whether it was done shows in the slots.
    #[error("the answer was lost")]
    Unanswered,
    /// The outcome is the server's alone. Raised by an action's `apply` on a client, it is sent without
    /// being shown ahead.
    #[error("only the server can tell")]
    Unpredictable,
    /// The game's own, for it to name.
    #[error("refused ({0})")]
    Game(u16),
}

impl Reason {
    /// All that have no number of their own, by their code on the wire.
    pub(crate) const CODES: [Self; 21] = [
        Self::Stale,
        Self::NotInView,
        Self::NotAllowed,
        Self::NoSuchSlot,
        Self::Empty,
        Self::NotEnough,
        Self::Full,
        Self::Occupied,
        Self::NotAccepted,
        Self::Invalid,
        Self::UnknownItem,
        Self::UnknownRecipe,
        Self::NoStation,
        Self::TooFar,
        Self::Locked,
        Self::TooMuch,
        Self::NotConnected,
        Self::TooManyPending,
        Self::TooFast,
        Self::Unanswered,
        Self::Unpredictable,
    ];
}

impl From<InventoryError> for Reason {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::NoInventory { .. } => Self::NotInView,
            InventoryError::NoSuchSlot { .. } => Self::NoSuchSlot,
            InventoryError::NotEnough { .. } => Self::NotEnough,
            InventoryError::Full { .. } => Self::Full,
            InventoryError::NotAccepted { .. } => Self::NotAccepted,
            InventoryError::TooManySlots { .. } => Self::Invalid,
            InventoryError::UnknownItem { .. } => Self::UnknownItem,
            InventoryError::Refused(reason) => reason,
            InventoryError::Slot { error, .. } => match error {
                SlotError::OutOfRange { .. } => Self::NoSuchSlot,
                SlotError::Empty { .. } => Self::Empty,
                SlotError::NotEnough { .. } => Self::NotEnough,
                SlotError::Occupied { .. } => Self::Occupied,
                SlotError::Count { .. } => Self::Invalid,
            },
        }
    }
}
