//! Reasons for rejecting a player's action.

use bevy::reflect::Reflect;
use thiserror::Error;

/// Why a player's action was rejected. A rejected action changes nothing, and its prediction is
/// reverted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error, Reflect)]
#[non_exhaustive]
pub enum Rejection {
    /// A named slot no longer holds what the player saw: another player was faster, or the server
    /// changed it.
    #[error("the slot has changed in the meantime")]
    Stale,
    /// The player does not see that inventory (any more), or it does not exist.
    #[error("the inventory is not in view")]
    NotInView,
    /// The player lacks the [`Rights`](super::rights::Rights) to put, take or select there.
    #[error("not allowed")]
    NotAllowed,
    /// The inventory has no such slot.
    #[error("no such slot")]
    NoSuchSlot,
    /// The slot is empty.
    #[error("the slot is empty")]
    Empty,
    /// There are fewer items than requested.
    #[error("not enough items")]
    NotEnough,
    /// Not all items fit.
    #[error("not enough room")]
    Full,
    /// The slot holds a stack that does not match.
    #[error("the slot is occupied")]
    Occupied,
    /// The slot does not accept this item.
    #[error("the slot does not accept this item")]
    NotAccepted,
    /// Invalid arguments, such as a count of zero, too many slots or an inconsistent list.
    #[error("invalid request")]
    Invalid,
    /// The catalog has no such item.
    #[error("no such item")]
    UnknownItem,
    /// The catalog has no such recipe.
    #[error("no such recipe")]
    UnknownRecipe,
    /// The recipe needs a station, and none was named or the named entity is not one.
    #[error("a station is required")]
    NoStation,
    /// For rules of the game: too far away.
    #[error("too far away")]
    TooFar,
    /// For rules of the game: locked.
    #[error("locked")]
    Locked,
    /// A rule of the game allows fewer items than requested, and the action cannot be applied in
    /// part.
    #[error("more than allowed")]
    TooMuch,
    /// Client only: not connected, or the server has not answered the handshake.
    #[error("not connected")]
    NotConnected,
    /// The maximum number of actions is waiting for an answer.
    #[error("too many pending actions")]
    TooManyPending,
    /// Client only: more actions per second than the server accepts.
    #[error("too many actions per second")]
    TooFast,
    /// Client only: the answer was lost. The slots show whether the action was applied.
    #[error("the answer was lost")]
    Unanswered,
    /// Client only: an earlier action on the same inventory has not been answered, and this action requires
    /// confirmed contents; see [`Transaction::expect_version`](super::transaction::Transaction::expect_version).
    #[error("an earlier action has not been answered")]
    Unconfirmed,
    /// The inventory is being loaded from a store.
    #[error("the inventory is being loaded")]
    Loading,
    /// Only the server can determine the outcome. When an action's `apply` returns this on a
    /// client, the action is sent without a prediction.
    #[error("only the server can determine the outcome")]
    ServerOnly,
    /// A reason of the game, with a number that the game defines.
    #[error("rejected ({0})")]
    Game(u16),
}

impl Rejection {
    /// All reasons without a number, indexed by their wire code.
    pub(crate) const CODES: [Self; 23] = [
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
        Self::ServerOnly,
        Self::Unconfirmed,
        Self::Loading,
    ];
}
