//! What players do, as values: the same `apply` shows it ahead on the client and decides on the server.

use core::fmt::Debug;

use bevy::ecs::entity::Entity;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    container::{Area, Place},
    id::ContainerKey,
    reason::Reason,
    recipe::RecipeId,
    stack::Stack,
    tx::Tx,
};

/// Most slots that one action may name.
pub const ACTION_PLACES_MAX: usize = 256;

/// Most areas that one action may name.
pub const ACTION_AREAS_MAX: usize = 8;

/// One gesture of a player on inventories: one request, done wholly or not at all.
///
/// The server checks that the player sees each inventory named and has the
/// [`Rights`](super::rights::Rights) that the outcome takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Moves up to `count` (all, if `None`) from one slot to another, of one inventory or two: onto an
    /// empty slot or one that stacks with it as much as fits, a whole stack onto any other slot as an
    /// exchange. Move, split, merge and transfer are this.
    Move {
        /// Where it lies.
        from: Place,
        /// Where it shall lie.
        to: Place,
        /// How many; all, if `None`.
        count: Option<u32>,
    },
    /// Exchanges two slots, whatever lies there: a number key over a slot.
    Swap {
        /// One slot.
        a: Place,
        /// The other.
        b: Place,
    },
    /// Moves a stack to wherever it fits in an area: shift-click.
    QuickMove {
        /// Where it lies.
        from: Place,
        /// Where it shall go.
        to: Area,
    },
    /// Gathers onto one stack what stacks with it, the smallest stacks first: double-click.
    Collect {
        /// The stack that grows.
        onto: Place,
        /// Where to look, at most [`ACTION_AREAS_MAX`].
        from: Vec<Area>,
    },
    /// Spreads a stack over slots: a drag.
    Spread {
        /// The stack.
        from: Place,
        /// The slots dragged over, at most [`ACTION_PLACES_MAX`].
        onto: Vec<Place>,
        /// How many into each; an even share, if `None`.
        each: Option<u32>,
    },
    /// Moves everything that fits from one area to another: take all, put all, pick up.
    MoveAll {
        /// Where it lies.
        from: Area,
        /// Where it shall go.
        to: Area,
    },
    /// Drops `count` (all, if `None`) of a slot.
    Drop {
        /// Where it lies.
        from: Place,
        /// How many; all, if `None`.
        count: Option<u32>,
    },
    /// Drops everything in an area.
    DropAll {
        /// Where it lies.
        from: Area,
    },
    /// Selects a slot of the hotbar.
    Select {
        /// The slot.
        slot: Place,
    },
    /// Uses what lies in a slot. Nothing changes by itself: the server's game hears
    /// [`Accepted`](crate::prelude::Accepted) with the stack. An action of the game's own does more.
    Use {
        /// The slot.
        slot: Place,
    },
    /// Merges what stacks, orders it and closes the gaps.
    Sort {
        /// The entity.
        entity: Entity,
        /// Which of its containers.
        container: ContainerKey,
    },
    /// Makes something by a recipe.
    Craft {
        /// The recipe.
        recipe: RecipeId,
        /// How many times.
        times: u32,
        /// Where the ingredients lie, the first first, at most [`ACTION_AREAS_MAX`].
        from: Vec<Area>,
        /// Where the product shall go.
        to: Area,
        /// The station, for a recipe that needs one.
        at: Option<Entity>,
    },
}

impl Action {
    /// Takes all that lies on the ground there.
    #[must_use]
    pub fn pick_up(loot: Entity, player: Entity) -> Self {
        Self::MoveAll { from: loot.into(), to: player.into() }
    }

    /// Makes something once, of what the player has.
    #[must_use]
    pub fn craft(recipe: RecipeId, player: Entity) -> Self {
        let (from, to) = (vec![player.into()], player.into());
        Self::Craft { recipe, times: 1, from, to, at: None }
    }

    /// Does it. Returns the stacks that it was about: what moved at once, was dropped, used or made.
    pub(crate) fn apply(&self, tx: &mut Tx) -> Result<Vec<Stack>, Reason> {
        let (places, areas) = match self {
            Self::Spread { onto, .. } => (onto.len(), 0),
            Self::Collect { from, .. } | Self::Craft { from, .. } => (0, from.len()),
            _ => (0, 0),
        };
        if places > ACTION_PLACES_MAX || areas > ACTION_AREAS_MAX {
            return Err(Reason::Invalid);
        }
        match self {
            Self::Move { from, to, count } => {
                tx.witness(from.0, from.1)?;
                tx.witness(to.0, to.1)?;
                tx.move_slot(*from, *to, *count)?;
            }
            Self::Swap { a, b } => {
                tx.witness(a.0, a.1)?;
                tx.witness(b.0, b.1)?;
                tx.swap(*a, *b)?;
            }
            Self::QuickMove { from, to } => {
                tx.witness(from.0, from.1)?;
                return Ok(vec![tx.quick_move(*from, *to)?]);
            }
            Self::Collect { onto, from } => {
                tx.witness(onto.0, onto.1)?;
                tx.collect(*onto, from)?;
            }
            Self::Spread { from, onto, each } => {
                tx.witness(from.0, from.1)?;
                onto.iter().try_for_each(|(entity, slot)| tx.witness(*entity, *slot))?;
                tx.spread(*from, onto, *each)?;
            }
            Self::MoveAll { from, to } => return Ok(tx.move_area(*from, *to)?),
            Self::Drop { from, count } => {
                // Nobody drops what came onto the stack a moment ago.
                tx.witness_slot(from.0, from.1, count.is_none())?;
                let stack = tx.take_from(from.0, from.1, *count)?;
                tx.drop(stack);
                return Ok(vec![stack]);
            }
            Self::DropAll { from } => {
                tx.witness_exactly(*from)?;
                let stacks = tx.take_where(*from, |_| true)?;
                stacks.iter().for_each(|stack| tx.drop(*stack));
                return if stacks.is_empty() { Err(Reason::Empty) } else { Ok(stacks) };
            }
            Self::Select { slot } => tx.select(slot.0, slot.1)?,
            Self::Use { slot } => {
                tx.witness(slot.0, slot.1)?;
                return Ok(vec![tx.get(slot.0, slot.1)?.ok_or(Reason::Empty)?]);
            }
            Self::Sort { entity, container } => tx.sort(*entity, *container)?,
            Self::Craft { recipe, times, from, to, at } => {
                let timed = tx.catalogue().recipe(*recipe).is_some_and(|r| r.millis > 0);
                let refused = if timed { Err(Reason::NoStation) } else { Ok(()) };
                refused?;
                return Ok(tx.craft(*recipe, *times, from, *to, *at)?);
            }
        }
        Ok(Vec::new())
    }
}

/// An action of the game's own: shown ahead, checked, decided and answered like the built-in ones, and
/// in one order with them.
///
/// ```
/// use bevy_inventory_sync::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// /// Puts the block in hand into the world.
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct PlaceBlock { slot: Slot, at: [i32; 3] }
///
/// impl GameAction for PlaceBlock {
///     const NAME: &str = "place block";
///     type Output = Stack;
///
///     fn apply(&self, tx: &mut Tx) -> Result<Stack, Reason> {
///         let player = tx.actor()?;
///         tx.witness(player, self.slot)?;
///         Ok(tx.take_from(player, self.slot, Some(1))?)
///     }
/// }
/// ```
///
/// Register it on both sides, in the same order, with
/// [`add_action`](crate::prelude::InventoryAppExt::add_action). Inventories other than the player's own
/// are named by [`InventoryId`](super::id::InventoryId) and found with [`Tx::find`], the game's own properties of
/// an item with [`Catalogue::props`](super::items::Catalogue::props).
pub trait GameAction: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Unique among the game's actions. Names are what the two sides compare when a client comes: an action with
    /// other fields than in an earlier build gets another one.
    const NAME: &'static str;

    /// What the server's game hears of it ([`Accepted`](crate::prelude::Accepted)).
    type Output: Send + Sync + 'static;

    /// Does it. A pure function of the slots: it runs on the client to show the outcome ahead, more than
    /// once, and on the server to decide.
    ///
    /// # Errors
    ///
    /// Why it is refused; [`Reason::Unpredictable`] on a client for what only the server can tell.
    fn apply(&self, tx: &mut Tx) -> Result<Self::Output, Reason>;
}
