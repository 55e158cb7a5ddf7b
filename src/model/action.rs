//! Player actions as values. The same `apply` predicts the outcome on the client and decides it on
//! the server.

use super::{
    container::{ContainerRef, SlotRef},
    id::ContainerKey,
    limits::{ACTION_AREAS_MAX, ACTION_PLACES_MAX},
    recipe::RecipeId,
    rejection::Rejection,
    rights::Rights,
    stack::Stack,
    transaction::Transaction,
};
use crate::model::planted::{Bug, planted};
use core::fmt::Debug;

use bevy::ecs::entity::Entity;
use serde::{Serialize, de::DeserializeOwned};

/// One action of a player on inventories: one request, applied completely or not at all.
///
/// The server checks that the player sees each inventory named and has the
/// [`Rights`] that the outcome requires.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum InventoryAction {
    /// Moves up to `count` items (all if `None`) from one slot to another, within one inventory or
    /// between two. An empty target slot, or one with a matching stack, takes as many as fit. If
    /// the target holds any other stack, the two are exchanged, which requires moving a whole
    /// stack. Covers move, split, merge and transfer.
    Move {
        /// Source slot.
        from: SlotRef,
        /// Target slot.
        to: SlotRef,
        /// Number of items; all if `None`.
        count: Option<u32>,
    },
    /// Exchanges the contents of two slots, whatever they are. Example: a number key pressed over a
    /// slot.
    Swap {
        /// One slot.
        a: SlotRef,
        /// The other slot.
        b: SlotRef,
    },
    /// Moves a stack to wherever it fits in an area. Example: shift-click.
    QuickMove {
        /// Source slot.
        from: SlotRef,
        /// Target area.
        to: ContainerRef,
    },
    /// Gathers matching stacks onto one stack, the smallest stacks first. Example: double-click.
    Collect {
        /// The stack that grows.
        onto: SlotRef,
        /// Areas to search, at most [`ACTION_AREAS_MAX`].
        from: Vec<ContainerRef>,
    },
    /// Spreads a stack over several slots. Example: a drag.
    Spread {
        /// Source slot.
        from: SlotRef,
        /// The slots dragged over, at most [`ACTION_PLACES_MAX`].
        onto: Vec<SlotRef>,
        /// Number of items for each slot; an even share if `None`.
        each: Option<u32>,
    },
    /// Moves everything that fits from one area to another. Examples: take all, put all, pick up.
    MoveAll {
        /// Source area.
        from: ContainerRef,
        /// Target area.
        to: ContainerRef,
    },
    /// Drops `count` items (all if `None`) from a slot.
    Drop {
        /// Source slot.
        from: SlotRef,
        /// Number of items; all if `None`.
        count: Option<u32>,
    },
    /// Drops everything in an area.
    DropAll {
        /// Source area.
        from: ContainerRef,
    },
    /// Selects a slot of the hotbar.
    Select {
        /// The slot.
        slot: SlotRef,
    },
    /// Uses the contents of a slot. Changes nothing by itself: the game on the server receives
    /// [`ActionApplied`](crate::prelude::ActionApplied) with the stack. Requires [`Rights::TAKE`], so that an
    /// item in a shop window cannot be used. Use a custom action for more, or to require less.
    Use {
        /// The slot.
        slot: SlotRef,
    },
    /// Merges matching stacks, orders them and closes the gaps.
    Sort {
        /// The entity.
        entity: Entity,
        /// Which of its containers.
        container: ContainerKey,
    },
    /// Crafts a recipe.
    Craft {
        /// The recipe.
        recipe: RecipeId,
        /// Number of times.
        times: u32,
        /// Areas with the ingredients, in order of preference, at most [`ACTION_AREAS_MAX`].
        from: Vec<ContainerRef>,
        /// Target area of the product.
        to: ContainerRef,
        /// The station, for a recipe that needs one.
        at: Option<Entity>,
    },
}

impl InventoryAction {
    /// Returns an action that picks up everything from a loot entity.
    #[must_use]
    pub fn pick_up(loot: Entity, player: Entity) -> Self {
        Self::MoveAll { from: loot.into(), to: player.into() }
    }

    /// Returns an action that crafts a recipe once from the player's items.
    #[must_use]
    pub fn craft(recipe: RecipeId, player: Entity) -> Self {
        let (from, to) = (vec![player.into()], player.into());
        Self::Craft { recipe, times: 1, from, to, at: None }
    }

    /// Applies the action. Returns the affected stacks: those moved as a whole area or quick-moved,
    /// dropped, used or crafted.
    pub(crate) fn apply(&self, tx: &mut Transaction) -> Result<Vec<Stack>, Rejection> {
        let (places, areas) = match self {
            Self::Spread { onto, .. } => (onto.len(), 0),
            Self::Collect { from, .. } | Self::Craft { from, .. } => (0, from.len()),
            _ => (0, 0),
        };
        if places > ACTION_PLACES_MAX || areas > ACTION_AREAS_MAX {
            return Err(Rejection::Invalid);
        }
        match self {
            Self::Move { from, to, count } => {
                tx.expect_unchanged(from.0, from.1)?;
                tx.expect_unchanged(to.0, to.1)?;
                tx.move_slot(*from, *to, *count)?;
            }
            Self::Swap { a, b } => {
                tx.expect_unchanged(a.0, a.1)?;
                tx.expect_unchanged(b.0, b.1)?;
                tx.swap(*a, *b)?;
            }
            Self::QuickMove { from, to } => {
                tx.expect_unchanged(from.0, from.1)?;
                return Ok(vec![tx.quick_move(*from, *to)?]);
            }
            Self::Collect { onto, from } => {
                tx.expect_unchanged(onto.0, onto.1)?;
                tx.collect(*onto, from)?;
            }
            Self::Spread { from, onto, each } => {
                tx.expect_unchanged(from.0, from.1)?;
                onto.iter().try_for_each(|(entity, slot)| tx.expect_unchanged(*entity, *slot))?;
                tx.spread(*from, onto, *each)?;
            }
            Self::MoveAll { from, to } => return Ok(tx.move_area(*from, *to)?),
            Self::Drop { from, count } => {
                // A player who drops a whole stack must not drop items that were added to it a
                // moment ago.
                tx.witness_slot(from.0, from.1, count.is_none())?;
                let stack = tx.take_from(from.0, from.1, *count)?;
                if planted(Bug::DropCopies) {
                    tx.put_into(from.0, from.1, stack)?;
                }
                tx.drop(stack);
                return Ok(vec![stack]);
            }
            Self::DropAll { from } => {
                tx.expect_unchanged_with_counts(*from)?;
                let stacks = tx.take_unrecorded(*from, |_| true)?;
                stacks.iter().for_each(|stack| tx.drop(*stack));
                return if stacks.is_empty() { Err(Rejection::Empty) } else { Ok(stacks) };
            }
            Self::Select { slot } => tx.select(slot.0, slot.1)?,
            Self::Use { slot } => {
                tx.expect_unchanged(slot.0, slot.1)?;
                tx.require_rights(slot.0, slot.1, Rights::TAKE)?;
                return Ok(vec![tx.get(slot.0, slot.1)?.ok_or(Rejection::Empty)?]);
            }
            Self::Sort { entity, container } => tx.sort(*entity, *container)?,
            Self::Craft { recipe, times, from, to, at } => {
                let timed = tx.catalog().recipe(*recipe).is_some_and(|r| r.millis > 0);
                if timed {
                    return Err(Rejection::NoStation);
                }
                return Ok(tx.craft(*recipe, *times, from, *to, *at)?);
            }
        }
        Ok(Vec::new())
    }
}

/// A custom action of the game. It is predicted, checked, decided and answered like the built-in
/// actions, in one sequence with them.
///
/// ```
/// use bevy_inventory_sync::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// /// Places the block in hand in the world.
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct PlaceBlock { slot: Slot, at: [i32; 3] }
///
/// impl GameAction for PlaceBlock {
///     const NAME: &str = "place block";
///     type Output = Stack;
///
///     fn apply(&self, tx: &mut Transaction) -> Result<Stack, Rejection> {
///         let player = tx.actor()?;
///         tx.expect_unchanged(player, self.slot)?;
///         Ok(tx.take_from(player, self.slot, Some(1))?)
///     }
/// }
/// ```
///
/// Register it on both sides with
/// [`add_action`](crate::prelude::InventoryAppExt::add_action). Name inventories other than the
/// player's own by [`InventoryId`](super::id::InventoryId) and look them up with [`Transaction::find`]. Read
/// an item with [`ItemCatalog::props`](super::catalog::ItemCatalog::props).
pub trait GameAction: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Unique name among the game's actions. The two sides compare names in the handshake, so give
    /// an action a new name when its fields change.
    const NAME: &'static str;

    /// Result that the game on the server receives in [`ActionApplied`](crate::prelude::ActionApplied).
    type Output: Send + Sync + 'static;

    /// Applies the action. Must be a pure function of the slots: it runs on the client, possibly
    /// more than once, to predict the outcome, and on the server to decide it.
    ///
    /// # Errors
    ///
    /// The reason for rejecting the action; on a client, [`Rejection::ServerOnly`] if only the server
    /// can determine the outcome.
    fn apply(&self, tx: &mut Transaction) -> Result<Self::Output, Rejection>;
}
