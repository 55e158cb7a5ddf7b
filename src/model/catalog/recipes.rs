//! Checks the recipes of a catalog.

use crate::model::{
    id::ItemId,
    item::ItemDef,
    recipe::{Recipe, RecipeEntry, RecipeId},
};

use super::error::CatalogError;

/// Validates the recipes and orders them by id. The items are sorted by key.
pub(super) fn resolve(
    entries: Vec<RecipeEntry>,
    defs: &[ItemDef],
) -> Result<Vec<(RecipeId, Recipe)>, CatalogError> {
    if let Some(index) = entries.iter().position(|entry| entry.key.is_empty()) {
        return Err(CatalogError::EmptyRecipeKey { index });
    }
    let mut recipes = Vec::with_capacity(entries.len());
    for RecipeEntry { key, takes, gives, at, millis } in entries {
        let items = |list: &[(String, u32)]| {
            let find = |(item, count): &(String, u32)| {
                let at = defs.binary_search_by(|def| def.key.cmp(item));
                let missing =
                    || CatalogError::RecipeItem { recipe: key.clone(), item: item.clone() };
                Ok((defs[at.map_err(|_| missing())?].id(), *count))
            };
            list.iter().map(find).collect::<Result<Vec<_>, CatalogError>>()
        };
        let (takes, gives) = (items(&takes)?, items(&gives)?);
        let wrong = |what| Err(CatalogError::RecipeCount { recipe: key.clone(), what });
        if gives.is_empty() {
            return wrong("no products");
        }
        if takes.iter().chain(&gives).any(|(_, count)| *count == 0) {
            return wrong("a count of zero");
        }
        let twice = |(n, (item, _)): (usize, &(ItemId, u32))| {
            takes[..n].iter().any(|(before, _)| before == item)
        };
        if takes.iter().enumerate().any(twice) {
            return wrong("duplicate ingredient");
        }
        recipes.push((RecipeId::of(&key), Recipe { key, takes, gives, at, millis }));
    }
    recipes.sort_by_key(|(id, _)| *id);
    match recipes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        None => Ok(recipes),
        Some([(id, a), (_, b)]) if a.key != b.key => {
            let (a, b) = (a.key.clone(), b.key.clone());
            Err(CatalogError::RecipeCollision { a, b, id: *id })
        }
        Some(pair) => Err(CatalogError::DuplicateRecipeKey { key: pair[0].1.key.clone() }),
    }
}
