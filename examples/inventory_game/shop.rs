//! Actions of players at a vendor, which the client predicts.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    containers::Till,
    items::{self, Props},
};

const COIN: ItemId = ItemId::of("gold_coin");

/// The player has too few gold coins.
pub const NO_GOLD: Rejection = Rejection::Game(1);

/// The vendor has too few gold coins.
pub const EMPTY_TILL: Rejection = Rejection::Game(2);

/// Vendors do not buy this item.
pub const NOT_BOUGHT: Rejection = Rejection::Game(3);

/// Vendors do not sell this item.
pub const NOT_SOLD: Rejection = Rejection::Game(4);

/// Returns the text for a reason of this game; `None` for the crate's reasons, which have texts.
pub fn text_of(reason: Rejection) -> Option<&'static str> {
    match reason {
        NO_GOLD => Some("you do not have enough gold"),
        EMPTY_TILL => Some("the shop does not have enough gold"),
        NOT_BOUGHT => Some("the shop does not buy this"),
        NOT_SOLD => Some("this is not for sale"),
        _ => None,
    }
}

/// Buys items from a vendor's slot, at the price in the catalog.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Buy {
    pub vendor: InventoryId,
    pub slot: Slot,
    pub count: u32,
    /// The player's slot that is filled first.
    pub to: Option<Slot>,
}

impl GameAction for Buy {
    const NAME: &'static str = "buy";
    type Output = Stack;

    fn apply(&self, tx: &mut Transaction) -> Result<Stack, Rejection> {
        let (player, vendor) = (tx.actor()?, tx.find(self.vendor)?);
        tx.expect_unchanged(vendor, self.slot)?;
        if self.slot.index_in::<Inventory>().is_none() {
            return Err(NOT_SOLD);
        }
        let wanted = tx.get(vendor, self.slot)?.ok_or(Rejection::Empty)?;
        let cost = total(tx, wanted.item, self.count, items::price).ok_or(NOT_SOLD)?;
        // Players have no rights to change a vendor's inventory; the game makes the trade.
        tx.bypass_rights(vendor);
        let coins = tx.take(player, COIN, cost).map_err(|_| NO_GOLD)?;
        for coins in coins {
            tx.insert(ContainerRef::of::<Till>(vendor), coins)?;
        }
        let bought = tx.take_from(vendor, self.slot, Some(self.count))?;
        let in_slot = self.to.and_then(|slot| tx.put_into(player, slot, bought).ok());
        if let Some(rest) = in_slot.unwrap_or(Some(bought)) {
            tx.insert(player, rest)?;
        }
        Ok(bought)
    }
}

/// Sells items from a slot of the player to a vendor, which offers them for sale.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sell {
    pub vendor: InventoryId,
    pub slot: Slot,
    pub count: u32,
}

impl GameAction for Sell {
    const NAME: &'static str = "sell";
    type Output = Stack;

    fn apply(&self, tx: &mut Transaction) -> Result<Stack, Rejection> {
        let (player, vendor) = (tx.actor()?, tx.find(self.vendor)?);
        tx.expect_unchanged(player, self.slot)?;
        let offered = tx.get(player, self.slot)?.ok_or(Rejection::Empty)?;
        let paid = total(tx, offered.item, self.count, items::sale_price).ok_or(NOT_BOUGHT)?;
        tx.bypass_rights(vendor);
        let sold = tx.take_from(player, self.slot, Some(self.count))?;
        tx.insert(ContainerRef::of::<Inventory>(vendor), sold)?;
        let till = ContainerRef::of::<Till>(vendor);
        for coins in tx.take(till, COIN, paid).map_err(|_| EMPTY_TILL)? {
            tx.insert(player, coins)?;
        }
        Ok(sold)
    }
}

/// Returns the price of a number of items; `None` if vendors do not trade the item, or if the price is absurd.
fn total(tx: &Transaction, item: ItemId, count: u32, of: fn(&Props) -> u32) -> Option<u32> {
    let each = tx.catalog().props::<Props>(item).map(of).filter(|price| *price > 0)?;
    each.checked_mul(count)
}

pub fn plugin(app: &mut App) {
    app.add_action::<Buy>().add_action::<Sell>();
}

#[cfg(test)]
mod tests {
    use bevy::ecs::system::RunSystemOnce;
    use bevy_inventory_sync::{
        server::health::RejectionCounts, shared::actions::RegisteredAction, sim::Simulation,
    };

    use super::*;

    const BREAD: ItemId = ItemId::of("bread");
    const PLAYER: InventoryId = InventoryId::named("player", 1);
    const VENDOR: InventoryId = InventoryId::named("vendor", 1);

    /// A player with bread, and a vendor with bread and a star fragment.
    fn pair(gold: u32, till: u32) -> Simulation {
        let mut pair = Simulation::new(1, |app| {
            app.add_plugins((items::plugin, plugin)).add_container::<Till>();
        });
        let client = pair.client_id(0);
        let coins = |count| Stack::new(COIN, count);
        let slots: Slots = [coins(gold), Some(BREAD.stack(3)), None].into_iter().collect();
        pair.server.world_mut().spawn((PLAYER, Inventory(slots), Owner(client)));
        let star = ItemId::of("star_fragment").stack(1);
        let goods: Slots = [Some(BREAD.stack(5)), Some(star), None].into_iter().collect();
        let till: Slots = [coins(till), None].into_iter().collect();
        let mut viewers = Viewers::new();
        viewers.add(client, Rights::SEE);
        pair.server.world_mut().spawn((VENDOR, Inventory(goods), Till(till), viewers));
        pair.steps(4);
        pair
    }

    fn request<A: RegisteredAction>(pair: &mut Simulation, action: A) {
        let ask = move |mut actions: InventoryActions| {
            actions.request(action.clone());
        };
        pair.clients[0].app.world_mut().run_system_once(ask).unwrap();
        pair.steps(4);
    }

    /// Gold and bread of the player, bread of the vendor, and gold in the till.
    fn counts(pair: &Simulation) -> [u64; 4] {
        let mine = pair.shown::<Inventory>(0, PLAYER).unwrap();
        let goods = pair.shown::<Inventory>(0, VENDOR).unwrap();
        let till = pair.shown::<Till>(0, VENDOR).unwrap();
        [mine.count(COIN), mine.count(BREAD), goods.count(BREAD), till.count(COIN)]
    }

    fn buy(slot: Slot, count: u32) -> Buy {
        Buy { vendor: VENDOR, slot, count, to: None }
    }

    fn sell(slot: Slot, count: u32) -> Sell {
        Sell { vendor: VENDOR, slot, count }
    }

    #[test]
    fn a_player_buys_at_the_price_and_sells_at_half_of_it() {
        let mut pair = pair(10, 3);
        request(&mut pair, buy(Inventory::slot(0), 2));
        assert_eq!(counts(&pair), [2, 5, 3, 11]);
        request(&mut pair, sell(Inventory::slot(1), 4));
        assert_eq!(counts(&pair), [10, 1, 7, 3]);
    }

    #[test]
    fn bought_items_go_to_the_named_slot_if_there_is_room() {
        let mut pair = pair(40, 3);
        let to = |slot| Buy { to: Some(Inventory::slot(slot)), ..buy(Inventory::slot(0), 1) };
        let bread = |pair: &Simulation, slot| {
            let mine = pair.shown::<Inventory>(0, PLAYER).unwrap();
            mine.get(slot).filter(|stack| stack.item == BREAD).map(|stack| stack.count())
        };
        request(&mut pair, to(2));
        assert_eq!((bread(&pair, 1), bread(&pair, 2)), (Some(3), Some(1)));
        // The first slot holds coins, and there is no slot 9.
        request(&mut pair, to(0));
        request(&mut pair, to(9));
        assert_eq!((bread(&pair, 1), bread(&pair, 2)), (Some(5), Some(1)));
    }

    #[test]
    fn nothing_moves_without_enough_gold() {
        let mut pair = pair(7, 3);
        request(&mut pair, buy(Inventory::slot(0), 2));
        request(&mut pair, sell(Inventory::slot(1), 2));
        assert_eq!(counts(&pair), [7, 3, 5, 3]);
    }

    #[test]
    fn hostile_requests_are_rejected() {
        let mut pair = pair(900, 3);
        request(&mut pair, buy(Inventory::slot(0), 0));
        request(&mut pair, buy(Inventory::slot(0), u32::MAX));
        request(&mut pair, buy(Inventory::slot(0), 6));
        request(&mut pair, buy(Inventory::slot(1), 1));
        request(&mut pair, buy(Till::slot(0), 1));
        request(&mut pair, buy(Inventory::slot(9), 1));
        request(&mut pair, Buy { vendor: PLAYER, ..buy(Inventory::slot(1), 1) });
        request(&mut pair, sell(Inventory::slot(0), 1));
        request(&mut pair, sell(Inventory::slot(1), 0));
        request(&mut pair, sell(Inventory::slot(1), u32::MAX));
        request(&mut pair, Sell { vendor: PLAYER, slot: Inventory::slot(1), count: 1 });
        assert_eq!(counts(&pair), [900, 3, 5, 3]);
        let rejections = pair.server.world().resource::<RejectionCounts>();
        assert_eq!(rejections.of(Rejection::Stale), 0);
    }
}
