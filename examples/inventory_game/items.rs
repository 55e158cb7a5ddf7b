//! The item catalog.

use bevy::{prelude::*, reflect::TypePath};
use bevy_inventory_sync::prelude::*;
use serde::Deserialize;

/// Item properties of this game, beyond what the crate needs.
#[derive(Deserialize, TypePath, Default, Debug)]
#[serde(default)]
pub struct Props {
    pub line: String,
    /// Number of uses before the item breaks; zero if it never does.
    pub uses: u16,
    /// In gold coins; zero if vendors neither sell nor buy the item.
    pub price: u32,
    /// Energy that it restores when it is consumed, in half hearts; zero if it restores none.
    pub food: u8,
    /// Seconds for which its consumer walks faster; zero if it has no such effect.
    pub haste: u16,
}

/// What a player pays a vendor for one item, in gold coins; zero if it is not for sale.
pub fn price(props: &Props) -> u32 {
    props.price
}

/// What a vendor pays a player for one item, in gold coins; zero if vendors do not buy it.
pub fn sale_price(props: &Props) -> u32 {
    props.price / 2
}

/// Returns the catalog, which is embedded in the program.
fn catalog() -> Items<Props> {
    let items = Items::<Props>::from_ron(include_str!("../../assets/items.ron"));
    items.expect("the embedded catalog is valid")
}

/// Server and clients insert the same catalog. It is embedded in the program here, because servers and bots
/// have no assets; [`load_items`](InventoryAppExt::load_items) reads it from a file instead.
pub fn plugin(app: &mut App) {
    app.insert_items(catalog());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_pays_half_of_the_price() {
        let sale = |price| sale_price(&Props { price, ..default() });
        assert_eq!([0, 1, 2, 3, 4, 25].map(sale), [0, 0, 1, 1, 2, 12]);
    }

    #[test]
    fn nothing_that_is_made_of_bought_items_sells_at_a_profit() {
        let items = catalog();
        let sum = |stacks: &[(ItemId, u32)], of: fn(&Props) -> u32| {
            let of = |(item, count): &(ItemId, u32)| items.props(*item).map(|it| of(it) * count);
            stacks.iter().map(of).collect::<Option<Vec<u32>>>().unwrap().into_iter().sum::<u32>()
        };
        for recipe in items.catalog().recipes() {
            assert!(sum(&recipe.gives, sale_price) <= sum(&recipe.takes, price), "{}", recipe.key);
        }
    }
}
