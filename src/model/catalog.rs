//! The item catalog: all items of a session, loaded from RON.

pub mod error;
mod recipes;

use error::CatalogError;

use recipes::resolve;

use super::{
    id::ItemId,
    item::ItemDef,
    limits::ITEMS_MAX,
    names,
    recipe::{Recipe, RecipeEntry, RecipeId},
};
use core::any::Any;
use std::sync::Arc;

use bevy::{
    asset::Asset, ecs::resource::Resource, platform::collections::HashMap, reflect::TypePath,
};
use serde::{Deserialize, de::DeserializeOwned};
use xxhash_rust::xxh3::Xxh3;

/// The item properties that the crate itself uses: ids, ranks and limits. Cheap to clone.
///
/// Ids, ranks and bit widths do not change during a session. See [`Items`] for the game's own
/// properties.
#[derive(Resource, Clone, Debug)]
pub struct ItemCatalog(Arc<CatalogInner>);

#[derive(Debug)]
struct CatalogInner {
    defs: Vec<ItemDef>,
    ranks: HashMap<ItemId, u32>,
    /// Sorted by id.
    recipes: Vec<(RecipeId, Recipe)>,
    /// Indices of recipes by their first ingredient; `None` for those without ingredients.
    by_ingredient: HashMap<Option<ItemId>, Vec<usize>>,
    /// A `Vec` of the game's own properties, by rank.
    props: Arc<dyn Any + Send + Sync>,
    hash: u64,
}

impl ItemCatalog {
    fn new(
        defs: Vec<ItemDef>,
        recipes: Vec<RecipeEntry>,
        props: Arc<dyn Any + Send + Sync>,
    ) -> Result<Self, CatalogError> {
        let mut ranks: Vec<(ItemId, u32)> = (0..).zip(&defs).map(|(r, d)| (d.id(), r)).collect();
        ranks.sort_unstable();
        for pair in ranks.windows(2) {
            if pair[0].0 == pair[1].0 {
                let [a, b] = [pair[0].1, pair[1].1].map(|rank| defs[rank as usize].key.clone());
                return Err(CatalogError::Collision { a, b, id: pair[0].0 });
            }
        }
        let mut hasher = Xxh3::new();
        for def in &defs {
            for text in [&def.key].into_iter().chain(&def.tags) {
                hasher.update(text.as_bytes());
                hasher.update(&[0xFF]);
            }
            hasher.update(&def.max_stack.to_le_bytes());
        }
        let recipes = resolve(recipes, &defs)?;
        for (_, recipe) in &recipes {
            recipe.hash_into(&mut hasher);
        }
        let keys = defs.iter().map(|def| (def.id().to_bits(), &def.key));
        let recipe_keys = recipes.iter().map(|(id, recipe)| (id.to_bits(), &recipe.key));
        keys.chain(recipe_keys).for_each(|(hash, key)| names::remember(hash, key));
        let ranks = ranks.into_iter().collect();
        let mut by_ingredient: HashMap<_, Vec<usize>> = HashMap::default();
        for (index, (_, recipe)) in recipes.iter().enumerate() {
            let first = recipe.takes.first().map(|(item, _)| *item);
            by_ingredient.entry(first).or_default().push(index);
        }
        let hash = hasher.digest();
        Ok(Self(Arc::new(CatalogInner { defs, ranks, recipes, by_ingredient, props, hash })))
    }

    /// Returns a catalog without items.
    pub(crate) fn none() -> Self {
        Self(Arc::new(CatalogInner {
            defs: vec![],
            ranks: HashMap::default(),
            recipes: vec![],
            by_ingredient: HashMap::default(),
            props: Arc::new(()),
            hash: 0,
        }))
    }

    /// Returns the number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.defs.len()
    }

    /// Returns `true` if there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.defs.is_empty()
    }

    /// Returns a hash of everything that both sides must agree on: keys, maximum stack sizes, tags
    /// and recipes. Names and icons may differ.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.0.hash
    }

    /// Returns the item with this id.
    #[must_use]
    pub fn get(&self, item: ItemId) -> Option<&ItemDef> {
        self.rank(item).map(|rank| &self.0.defs[rank as usize])
    }

    /// Returns all items by rank (the order of their keys).
    #[must_use]
    pub fn defs(&self) -> &[ItemDef] {
        &self.0.defs
    }

    /// Returns the rank of an item: its position in the order of keys, which identifies it on the
    /// wire.
    #[must_use]
    pub fn rank(&self, item: ItemId) -> Option<u32> {
        self.0.ranks.get(&item).copied()
    }

    /// Returns the id of the item at a rank.
    #[must_use]
    pub fn at_rank(&self, rank: u32) -> Option<ItemId> {
        self.0.defs.get(rank as usize).map(ItemDef::id)
    }

    /// Returns the maximum stack size of an item; 1 for an item that is not in the catalog.
    #[must_use]
    pub fn max_stack(&self, item: ItemId) -> u32 {
        self.get(item).map_or(1, |def| def.max_stack)
    }

    /// Returns the game's own properties of an item, if they are of this type. Actions reach the
    /// catalog through [`Transaction::catalog`](super::transaction::Transaction::catalog).
    ///
    /// Properties are not part of the [hash](Self::hash). If the two sides have different
    /// properties, the server's answer corrects the client's prediction.
    #[must_use]
    pub fn props<P: Send + Sync + 'static>(&self, item: ItemId) -> Option<&P> {
        let props: &Vec<P> = self.0.props.downcast_ref()?;
        props.get(self.rank(item)? as usize)
    }

    /// Iterates over all recipes.
    pub fn recipes(&self) -> impl ExactSizeIterator<Item = &Recipe> {
        self.0.recipes.iter().map(|(_, recipe)| recipe)
    }

    /// Returns the recipes whose first ingredient is among these items, and those without ingredients, in the order
    /// of [`Self::recipes`].
    #[cfg(feature = "server")]
    pub(crate) fn recipes_from(&self, items: impl Iterator<Item = ItemId>) -> Vec<&Recipe> {
        let firsts = items.map(Some).chain([None]);
        let lists = firsts.filter_map(|first| self.0.by_ingredient.get(&first));
        let mut indices: Vec<usize> = lists.flatten().copied().collect();
        indices.sort_unstable();
        indices.dedup();
        indices.into_iter().map(|index| &self.0.recipes[index].1).collect()
    }

    /// Returns the recipe with this id.
    #[must_use]
    pub fn recipe(&self, id: RecipeId) -> Option<&Recipe> {
        let at = self.0.recipes.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&self.0.recipes[at].1)
    }

    /// Returns the number of bits of an item rank on the wire.
    #[must_use]
    pub fn rank_bits(&self) -> u32 {
        usize::BITS - self.len().saturating_sub(1).leading_zeros()
    }
}

/// The catalog with the game's own properties `P` for each item.
///
/// ```
/// use bevy_inventory_sync::prelude::*;
///
/// #[derive(serde::Deserialize, Default)]
/// struct Props { burns_for: u32 }
///
/// let items = Items::<Props>::from_ron(r#"(items: [
///     (key: "torch", name: "Torch", max_stack: 64, tags: ["light"], props: (burns_for: 60)),
///     (key: "axe", name: "Iron axe", max_stack: 1, icon: "icons/axe.png"),
/// ])"#).unwrap();
/// assert_eq!(items.props(ItemId::of("torch")).unwrap().burns_for, 60);
/// assert_eq!(items.catalog().max_stack(ItemId::of("axe")), 1);
/// ```
#[derive(Resource, Asset, Debug)]
pub struct Items<P: Send + Sync + 'static = ()> {
    catalog: ItemCatalog,
    props: Arc<Vec<P>>,
}

/// Implemented by hand so that `P` need not implement [`TypePath`]. The path only names the asset
/// in logs.
impl<P: Send + Sync + 'static> TypePath for Items<P> {
    fn type_path() -> &'static str {
        core::any::type_name::<Self>()
    }

    fn short_type_path() -> &'static str {
        "Items"
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<P> {
    items: Vec<CatalogEntry<P>>,
    #[serde(default)]
    recipes: Vec<RecipeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogEntry<P> {
    key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    icon: String,
    #[serde(default = "default_max_stack")]
    max_stack: u32,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default = "Option::default")]
    props: Option<P>,
}

const fn default_max_stack() -> u32 {
    64
}

impl<P: Send + Sync + 'static> Items<P> {
    /// Returns the catalog without the game's own properties.
    #[must_use]
    pub fn catalog(&self) -> &ItemCatalog {
        &self.catalog
    }

    /// Returns the game's own properties of an item.
    #[must_use]
    pub fn props(&self, item: ItemId) -> Option<&P> {
        self.catalog.rank(item).and_then(|rank| self.props.get(rank as usize))
    }

    /// Creates a catalog from definitions, each with its properties.
    ///
    /// # Errors
    ///
    /// Any [`CatalogError`] except parse errors, read errors and errors in recipes.
    pub fn new(defs: impl IntoIterator<Item = (ItemDef, P)>) -> Result<Self, CatalogError> {
        Self::with_recipes(defs, Vec::new())
    }

    fn with_recipes(
        defs: impl IntoIterator<Item = (ItemDef, P)>,
        recipes: Vec<RecipeEntry>,
    ) -> Result<Self, CatalogError> {
        let mut entries: Vec<(ItemDef, P)> = defs.into_iter().collect();
        if entries.len() > ITEMS_MAX {
            return Err(CatalogError::TooMany { len: entries.len() });
        }
        if let Some(index) = entries.iter().position(|(def, _)| def.key.is_empty()) {
            return Err(CatalogError::EmptyKey { index });
        }
        if let Some((def, _)) = entries.iter().find(|(def, _)| def.max_stack == 0) {
            return Err(CatalogError::ZeroMaxStack { key: def.key.clone() });
        }
        entries.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].0.key == pair[1].0.key) {
            return Err(CatalogError::DuplicateKey { key: pair[0].0.key.clone() });
        }
        let (defs, props): (Vec<ItemDef>, Vec<P>) = entries.into_iter().unzip();
        let props = Arc::new(props);
        Ok(Self { catalog: ItemCatalog::new(defs, recipes, props.clone())?, props })
    }
}

impl<P: Send + Sync + DeserializeOwned + Default + 'static> Items<P> {
    /// Reads a catalog from RON: `(items: [(key: "torch", name: "Torch", icon: "torch.png",
    /// max_stack: 64, tags: ["light"], props: (..)), ..], recipes: [(key: "torch", takes: [("coal",
    /// 1)], gives: [("torch", 4)], at: "workbench", millis: 2000), ..])`. For an item, only the key
    /// is required: the name defaults to the key and the maximum stack size to 64. For a recipe,
    /// `at` and `millis` are optional.
    ///
    /// # Errors
    ///
    /// [`CatalogError`], which names the item or the line.
    pub fn from_ron(text: &str) -> Result<Self, CatalogError> {
        let options = ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        let file: File<P> = options.from_str(text)?;
        let defs = file.items.into_iter().map(|entry| {
            let CatalogEntry { key, name, icon, max_stack, tags, props } = entry;
            let name = if name.is_empty() { key.clone() } else { name };
            (ItemDef { key, name, icon, max_stack, tags }, props.unwrap_or_default())
        });
        Self::with_recipes(defs, file.recipes)
    }
}

#[cfg(test)]
mod tests;
