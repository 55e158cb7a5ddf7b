//! The game that is simulated: items, containers, actions and rules that together use everything the crate offers.

use bevy::prelude::*;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    app::InventoryAppExt,
    features::PagesAppExt,
    model::{
        action::GameAction,
        builtin::Inventory,
        catalog::Items,
        container::{Container, Slot},
        data::ItemData,
        id::{InventoryId, ItemId},
        item::ItemDef,
        rejection::Rejection,
        rights::Rights,
        slots::Slots,
        stack::Stack,
        transaction::Transaction,
    },
    server::{
        loot::Dropped,
        requests::rules::{AccessDecision, AccessRequest},
        views::access::Viewers,
    },
};

/// The catalog.
pub const ITEMS: &str = r#"(items: [
    (key: "stone", max_stack: 64),
    (key: "ore", max_stack: 64),
    (key: "ingot", max_stack: 64),
    (key: "coin", max_stack: 1000),
    (key: "bread", max_stack: 16),
    (key: "sword", max_stack: 1),
    (key: "boots", max_stack: 1, tags: ["feet"]),
], recipes: [
    (key: "sword", takes: [("ingot", 2), ("stone", 1)], gives: [("sword", 1)]),
    (key: "coins", takes: [("ingot", 1)], gives: [("coin", 20)]),
    (key: "boots", takes: [("coin", 10)], gives: [("boots", 1)], at: "worn"),
    (key: "toast", takes: [("bread", 2)], gives: [("coin", 3)]),
    (key: "smelt", takes: [("ore", 1)], gives: [("ingot", 1)], at: "furnace", millis: 1000),
])"#;

/// Keys of the items.
pub const ITEM_KEYS: [&str; 7] = ["stone", "ore", "ingot", "coin", "bread", "sword", "boots"];

/// Keys of the recipes, and one that does not exist.
pub const RECIPE_KEYS: [&str; 6] = ["sword", "coins", "boots", "toast", "smelt", "nothing"];

/// The item that wears out and carries labels.
pub const SWORD: ItemId = ItemId::of("sword");

/// Another item that carries labels, of which several make a stack.
pub const BREAD: ItemId = ItemId::of("bread");

/// Maximum number of items in an inventory that is [`Limited`].
pub const LIMIT: u64 = 200;

/// Instance data: sixteen bytes that occur nowhere by chance. Some values are so large that they are sent in chunks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(from = "([u8; 16], Vec<u8>)", into = "([u8; 16], Vec<u8>)")]
pub struct Label(pub [u8; 16]);

impl From<([u8; 16], Vec<u8>)> for Label {
    fn from((bytes, _): ([u8; 16], Vec<u8>)) -> Self {
        Self(bytes)
    }
}

impl From<Label> for ([u8; 16], Vec<u8>) {
    fn from(label: Label) -> Self {
        let padding = match label.0[0] {
            0..4 => 20_000,
            4..32 => 1_000,
            _ => 0,
        };
        // Not the bytes of another label.
        let mut random = fastrand::Rng::with_seed(u64::MAX - u64::from(label.0[1]));
        (label.0, (0..padding).map(|_| random.u8(..)).collect())
    }
}

impl Label {
    /// Returns the label with this number.
    #[must_use]
    pub fn numbered(number: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(number);
        Self(core::array::from_fn(|_| random.u8(..)))
    }
}

impl ItemData for Label {
    const NAME: &'static str = "label";
}

/// Implements [`Container`] for a list of slots.
macro_rules! container {
    ($type:ident, $name:literal, { $($items:tt)* }) => {
        impl Container for $type {
            const NAME: &'static str = $name;
            $($items)*

            fn from_slots(slots: Slots) -> Self {
                Self(slots)
            }

            fn slots(&self) -> &Slots {
                &self.0
            }

            fn slots_mut(&mut self) -> &mut Slots {
                &mut self.0
            }
        }
    };
}

/// What a player wears.
#[derive(Component, Clone, PartialEq, Debug)]
pub struct Worn(pub Slots);

container!(Worn, "worn", {
    const AUTO_FILL: bool = false;
    fn accepts(_: usize, item: &ItemDef) -> bool {
        item.has_tag("feet")
    }
});

/// What a furnace smelts.
#[derive(Component, Clone, PartialEq, Debug)]
pub struct Furnace(pub Slots);

container!(Furnace, "furnace", {
    fn accepts(_: usize, item: &ItemDef) -> bool {
        item.key == "ore"
    }
});

/// The output of a furnace. Players can take items out, but cannot put any in.
#[derive(Component, Clone, PartialEq, Debug)]
pub struct Tray(pub Slots);

container!(Tray, "tray", {
    fn rights(_: usize) -> Rights {
        Rights::SEE | Rights::TAKE
    }
});

/// An action that changes nothing and is never requested twice with the same number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally(pub u32);

impl GameAction for Tally {
    const NAME: &'static str = "tally";
    type Output = ();

    fn apply(&self, _: &mut Transaction) -> Result<(), Rejection> {
        Ok(())
    }
}

/// Puts a label on the sword in a slot of the player's inventory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Engrave {
    /// The slot.
    pub slot: Slot,
    /// Number of the label.
    pub label: u64,
}

impl GameAction for Engrave {
    const NAME: &'static str = "engrave";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let player = tx.actor()?;
        tx.expect_unchanged(player, self.slot)?;
        let sword = tx.take_from(player, self.slot, None)?;
        if sword.item != SWORD || sword.count() != 1 {
            return Err(Rejection::Invalid);
        }
        let data = tx.create_data(&Label::numbered(self.label))?;
        tx.put_into(player, self.slot, sword.with_data(data))?;
        Ok(())
    }
}

/// Wears out the sword in a slot of the player's inventory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WearOut {
    /// The slot.
    pub slot: Slot,
}

impl GameAction for WearOut {
    const NAME: &'static str = "wear out";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let player = tx.actor()?;
        tx.expect_unchanged(player, self.slot)?;
        let sword = tx.take_from(player, self.slot, None)?;
        if sword.item != SWORD || sword.count() != 1 {
            return Err(Rejection::Invalid);
        }
        tx.put_into(player, self.slot, sword.with_wear(sword.wear.saturating_add(1)))?;
        Ok(())
    }
}

/// Number of slots of an offer.
pub const OFFER_SLOTS: usize = 4;

/// Exchanges the player's offer with that of another player, on the terms that the player was shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trade {
    /// The player's offer.
    pub mine: InventoryId,
    /// The other offer.
    pub theirs: InventoryId,
}

impl GameAction for Trade {
    const NAME: &'static str = "trade";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let (mine, theirs) = (tx.find(self.mine)?, tx.find(self.theirs)?);
        tx.expect_version(mine)?;
        tx.expect_version(theirs)?;
        tx.bypass_rights(theirs);
        for slot in (0..OFFER_SLOTS).map(Inventory::slot) {
            if tx.get(mine, slot)?.is_some() || tx.get(theirs, slot)?.is_some() {
                tx.swap((mine, slot), (theirs, slot))?;
            }
        }
        Ok(())
    }
}

/// An action that no server accepts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Misuse {
    /// Puts in an item that no catalog has.
    UnknownItem,
    /// Is rejected for a reason of the game.
    Refused(u16),
}

impl GameAction for Misuse {
    const NAME: &'static str = "misuse";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        match self {
            Self::UnknownItem => {
                let player = tx.actor()?;
                Ok(tx.insert(player, ItemId::of("unobtainium").stack(1))?)
            }
            Self::Refused(number) => Err(Rejection::Game(*number)),
        }
    }
}

/// A rule denies all access.
#[derive(Component)]
pub struct Locked;

/// A rule denies all access, as if the players were far away.
#[derive(Component)]
pub struct Far;

/// A rule limits the number of items to [`LIMIT`].
#[derive(Component)]
pub struct Limited;

/// Registers the game on an app.
///
/// # Panics
///
/// If [`ITEMS`] is invalid.
pub fn setup(app: &mut App) {
    app.add_container::<Worn>()
        .add_container::<Furnace>()
        .add_container::<Tray>()
        .add_pages()
        .add_item_data::<Label>()
        .add_action::<Tally>()
        .add_action::<Engrave>()
        .add_action::<WearOut>()
        .add_action::<Trade>()
        .add_action::<Misuse>()
        .add_rule::<With<Locked>, _>(|_: In<AccessRequest>| AccessDecision::Deny(Rejection::Locked))
        .add_rule::<With<Far>, _>(|_: In<AccessRequest>| AccessDecision::Deny(Rejection::TooFar))
        .add_rule::<With<Limited>, _>(|_: In<AccessRequest>| AccessDecision::at_most(LIMIT))
        .insert_items(Items::<()>::from_ron(ITEMS).expect("the catalog is valid"))
        .add_observer(show_dropped);
}

/// Lets all players see and take loot on the ground.
fn show_dropped(
    dropped: On<Dropped>,
    clients: Query<Entity, With<ConnectedClient>>,
    mut commands: Commands,
) {
    let mut viewers = Viewers::new();
    clients.iter().for_each(|client| viewers.add(ClientId::Client(client), Rights::USE));
    commands.entity(dropped.entity).insert(viewers);
}

/// Returns a stack without data.
#[must_use]
pub fn stack(item: usize, count: u32, wear: u16) -> Stack {
    let item = ItemId::of(ITEM_KEYS[item % ITEM_KEYS.len()]);
    item.stack(count.max(1)).with_wear(if item == SWORD { wear } else { 0 })
}
