//! Parses catalogs. Input: the text of a catalog in RON.

use super::memory;
use bevy_inventory_sync::{
    model::{item::ItemDef, limits::ITEMS_MAX},
    prelude::{Items, RecipeId},
};
use serde::Deserialize;

/// Properties of a game's items.
#[derive(Deserialize, Default)]
struct Props {
    #[serde(default)]
    burns_for: Option<u32>,
}

/// How much the list of all keys takes, which the crate keeps to display ids. It grows with the inputs before.
const NAMES_BYTES: usize = 1 << 20;

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    // An item takes at least a byte of the text.
    let cap = ITEMS_MAX.min(text.len()) * size_of::<ItemDef>() + NAMES_BYTES;
    let Ok(items) = memory::within(cap, || Items::<Props>::from_ron(text)) else { return };
    let catalog = items.catalog();
    assert!(catalog.len() <= ITEMS_MAX);
    assert!(catalog.defs().is_sorted_by(|a, b| a.key < b.key));
    for (rank, def) in (0..).zip(catalog.defs()) {
        assert_eq!(catalog.rank(def.id()), Some(rank));
        assert_eq!(catalog.at_rank(rank), Some(def.id()));
        assert!(def.max_stack > 0 && !def.key.is_empty());
        assert!(items.props(def.id()).is_some_and(|props| props.burns_for.is_none_or(|_| true)));
    }
    for recipe in catalog.recipes() {
        assert!(
            catalog.recipe(RecipeId::of(&recipe.key)).is_some_and(|there| there.key == recipe.key)
        );
        let named = recipe.takes.iter().chain(&recipe.gives);
        assert!(named.into_iter().all(|(item, count)| *count > 0 && catalog.rank(*item).is_some()));
    }
    let again = Items::<Props>::from_ron(text).expect("it was parsed before");
    assert_eq!(again.catalog().hash(), catalog.hash());
}
