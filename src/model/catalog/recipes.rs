//! Checks the recipes of a catalog.

use crate::model::{
    id::ItemId,
    item::ItemDef,
    recipe::{Recipe, RecipeEntry, RecipeId},
};

use super::error::CatalogError;

/// Validates the recipes and orders them by id.
pub(super) fn resolve(
    entries: Vec<RecipeEntry>,
    defs: &[ItemDef],
) -> Result<Vec<(RecipeId, Recipe)>, CatalogError> {
    let mut recipes = Vec::with_capacity(entries.len());
    for RecipeEntry { key, takes, gives, at, millis } in entries {
        let items = |list: &[(String, u32)]| {
            let find = |(item, count): &(String, u32)| {
                let def = defs.iter().find(|def| def.key == *item);
                let missing =
                    || CatalogError::RecipeItem { recipe: key.clone(), item: item.clone() };
                Ok((def.ok_or_else(missing)?.id(), *count))
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
    let taken = recipes.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| &pair[1].1);
    if let Some(recipe) = taken.or(recipes.iter().map(|(_, r)| r).find(|r| r.key.is_empty())) {
        return Err(CatalogError::RecipeKey { key: recipe.key.clone() });
    }
    Ok(recipes)
}
