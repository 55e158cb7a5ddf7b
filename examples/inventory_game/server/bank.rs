//! The bank: each player has one, and can use it at any chest of the bank.

use bevy::prelude::*;
use bevy_inventory_sync::{
    features::{
        pages::PageOf,
        tabs::{Tab, Tabs},
    },
    prelude::*,
    store::persist::{InventoryLoaded, Persist},
};

use crate::{
    map::{self, Thing},
    protocol::{BankId, Position},
};

use super::reach::reach_for;

/// Names and icons of the tabs.
const TABS: [(&str, &str); 3] =
    [("Vault 1", "gold_coin"), ("Vault 2", "emerald"), ("Vault 3", "book")];

const TAB_SLOTS: u16 = 18;

/// The player whose bank this is.
#[derive(Component, Debug)]
#[relationship(relationship_target = Vaults)]
pub struct VaultOf(pub Entity);

/// The bank of a player. It is despawned with the player, and its pages with it; they stay in the store.
#[derive(Component, Debug)]
#[relationship_target(relationship = VaultOf, linked_spawn)]
pub struct Vaults(Vec<Entity>);

pub fn spawn_bank(
    loaded: On<InventoryLoaded>,
    players: Query<&BankId, Without<Vaults>>,
    mut commands: Commands,
) {
    let Ok(BankId(id)) = players.get(loaded.entity) else { return };
    let tabs = TABS.map(|(name, icon)| Tab::new(name, ItemId::of(icon), TAB_SLOTS));
    let tabs = Tabs::new(tabs);
    commands.spawn((VaultOf(loaded.entity), *id, tabs, Openable(Rights::USE)));
}

pub fn store_page(page: On<Insert, PageOf>, mut commands: Commands) {
    commands.entity(page.entity).insert(Persist);
}

/// Allows players to use their own bank and its pages, near a chest of the bank.
pub fn near_bank(
    In(ask): In<AccessRequest>,
    pages: Query<&PageOf>,
    vaults: Query<&VaultOf>,
    positions: Query<&Position>,
) -> AccessDecision {
    let vault = pages.get(ask.inventory).map_or(ask.inventory, |page| page.bank);
    let owner = vaults.get(vault).ok().map(|vault| vault.0);
    let (Some(actor), Some(owner)) = (ask.actor, owner) else {
        return AccessDecision::Deny(Rejection::NotAllowed);
    };
    if actor != owner {
        return AccessDecision::Deny(Rejection::NotAllowed);
    }
    let reach = reach_for(&ask.kind);
    let is_near = positions.get(actor).is_ok_and(|me| {
        map::tiles_with(Thing::Bank)
            .any(|tile| me.distance_to_chest(Position(map::chest_on(tile))) <= reach)
    });
    if is_near { AccessDecision::Allow } else { AccessDecision::Deny(Rejection::TooFar) }
}
