//! Chests: any nearby player may open them, several players at once.

use bevy::prelude::*;
use bevy_inventory_sync::{prelude::*, shared::actions::RegisteredAction, store::persist::Persist};
use bevy_replicon::prelude::*;

use crate::{
    containers::Till,
    map::{self, Thing},
    protocol::{Avatar, Chest, ChestKind, EffectKind, Engraving, Position, Users},
    shop::{Buy, Sell},
    storage::WorldSuffix,
};

use super::{bank::VaultOf, news::News, players::Player};

/// What a vendor can pay at first, in gold coins.
const TILL: u32 = 60;

const KEY: ItemId = ItemId::of("key");

/// The chests from south to north, with their initial contents.
const CHESTS: [(ChestKind, &[(&str, u32)]); 4] = [
    (ChestKind::Plain, &[("rope", 3), ("book", 1), ("mushroom", 7), ("healing_potion", 2)]),
    (
        ChestKind::Vendor,
        &[
            ("iron_pickaxe", 1),
            ("bread", 16),
            ("healing_potion", 9),
            ("key", 2),
            ("iron_axe", 1),
            ("speed_potion", 4),
        ],
    ),
    (
        ChestKind::Plain,
        &[
            ("gold_coin", 120),
            ("iron_ingot", 2),
            ("bread", 6),
            ("iron_sword", 1),
            ("iron_helmet", 1),
            ("healing_potion", 3),
            ("torch", 16),
            ("plank", 40),
            ("coal", 25),
            ("key", 1),
        ],
    ),
    (
        ChestKind::Locked,
        &[
            ("leather_boots", 1),
            ("iron_pickaxe", 1),
            ("fish", 4),
            ("iron_ore", 18),
            ("star_fragment", 1),
        ],
    ),
];

/// Slots of a chest that are filled initially.
const SPREAD: [usize; 10] = [0, 1, 4, 9, 10, 13, 16, 19, 21, 26];

/// Texts engraved on items in chests.
const ENGRAVED: [(&str, &str); 2] =
    [("iron_sword", "For Edda, who came back"), ("book", "Property of the miller")];

pub fn place_chests(world: Res<WorldSuffix>, mut pool: ResMut<DataPool>, mut commands: Commands) {
    for ((number, tile), (kind, stacks)) in (1..).zip(map::tiles_with(Thing::Chest)).zip(CHESTS) {
        let mut inventory = Inventory::default();
        for ((key, count), slot) in stacks.iter().zip(SPREAD) {
            let engraved = ENGRAVED.iter().find(|(item, _)| item == key);
            let data = engraved
                .and_then(|(_, text)| pool.insert(&Engraving { text: (*text).into() }).ok());
            let stack = Stack { data, ..ItemId::of(key).stack(*count) };
            let filled = inventory.set(slot, stack);
            filled.expect("a chest has 27 slots");
        }
        // Players can move to other worlds, so an id is that of one inventory in all of them.
        let id = InventoryId::named(&format!("chest{}", world.0), number);
        let position = Position(map::chest_on(tile));
        let is_vendor = kind == ChestKind::Vendor;
        let rights = if is_vendor { Rights::SEE } else { Rights::USE };
        let chest = (Chest { kind }, Users::default());
        let chest = (chest, position, id, inventory, Openable(rights), Persist);
        let mut chest = commands.spawn(chest);
        if is_vendor {
            let mut till = Slots::new(27);
            till.set(0, ItemId::of("gold_coin").stack(TILL)).expect("a till has 27 slots");
            chest.insert(Till(till));
        }
    }
    for tile in map::tiles_with(Thing::Bank) {
        let chest = (Chest { kind: ChestKind::Bank }, Users::default());
        // Its contents are those of the player's bank.
        commands.spawn((chest, Position(map::chest_on(tile)), Replicated));
    }
}

pub fn unlocked(
    In(ask): In<AccessRequest>,
    chests: Query<&Chest>,
    players: Query<(&Inventory, &Hotbar)>,
) -> AccessDecision {
    let locked = chests.get(ask.inventory).is_ok_and(|chest| chest.kind == ChestKind::Locked);
    if !locked || !matches!(ask.kind, AccessKind::Open) {
        return AccessDecision::Allow;
    }
    let carried = ask.actor.and_then(|actor| players.get(actor).ok());
    let keys = carried.map_or(0, |(inventory, hotbar)| inventory.count(KEY) + hotbar.count(KEY));
    if keys > 0 { AccessDecision::Allow } else { AccessDecision::Deny(Rejection::Locked) }
}

/// Rejects trade with chests that are not vendors.
pub fn for_sale(In(ask): In<AccessRequest>, chests: Query<&Chest>) -> AccessDecision {
    let AccessKind::Act { action, .. } = ask.kind else { return AccessDecision::Allow };
    let vendor = chests.get(ask.inventory).is_ok_and(|chest| chest.kind == ChestKind::Vendor);
    if (action.get::<Buy>().is_some() || action.get::<Sell>().is_some()) && !vendor {
        return AccessDecision::Deny(Rejection::NotAllowed);
    }
    AccessDecision::Allow
}

/// Shows all players that coins change hands.
pub fn show_coins<A: RegisteredAction>(
    applied: On<ActionApplied<A>>,
    positions: Query<&Position>,
    mut news: News,
) {
    if let Some(at) = applied.actor.and_then(|actor| positions.get(actor).ok()) {
        news.effect(EffectKind::Coins, at.0);
    }
}

/// Updates [`Users`]. Each bank chest lists all players who are using their bank.
pub fn show_users(
    players: Query<(&Player, &Avatar)>,
    mut opened: Query<(&mut Users, Option<&Chest>, Option<Ref<Viewers>>)>,
    vaults: Query<Ref<Viewers>, With<VaultOf>>,
    mut closed: RemovedComponents<VaultOf>,
) {
    let users = |viewers: &Viewers| {
        let named = players.iter().filter(|(player, _)| viewers.rights_of(player.0).is_some());
        named.map(|(_, avatar)| avatar.name.clone()).collect::<Vec<_>>()
    };
    let is_closed = closed.read().count() > 0;
    let is_bank_changed = is_closed || vaults.iter().any(|viewers| viewers.is_changed());
    for (mut shown, chest, viewers) in &mut opened {
        if let Some(viewers) = viewers.filter(Ref::is_changed) {
            shown.set_if_neq(Users(users(&viewers)));
        } else if is_bank_changed && chest.is_some_and(|chest| chest.kind == ChestKind::Bank) {
            shown.set_if_neq(Users(vaults.iter().flat_map(|viewers| users(&viewers)).collect()));
        }
    }
}
