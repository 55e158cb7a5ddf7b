//! The catalogue: every item of a session, loaded from RON.

use core::any::Any;
use std::sync::Arc;

use bevy::{
    asset::Asset, ecs::resource::Resource, platform::collections::HashMap, reflect::TypePath,
};
use serde::{Deserialize, de::DeserializeOwned};
use xxhash_rust::xxh3::Xxh3;

use super::{
    error::CatalogueError,
    id::ItemId,
    names,
    recipe::{self, Recipe, RecipeEntry, RecipeId},
};

/// Most items a catalogue may have.
pub const ITEMS_MAX: usize = 1 << 16;

/// One item of the catalogue.
#[derive(Clone, Debug)]
pub struct ItemDef {
    /// What game code and saves call it.
    pub key: String,
    /// What players call it.
    pub name: String,
    /// Path of its picture, for the game to load.
    pub icon: String,
    /// The most that one slot may hold.
    pub max_stack: u32,
    /// The game's own words for it, which slot filters ask for.
    pub tags: Vec<String>,
}

impl ItemDef {
    /// The id made of the key.
    #[must_use]
    pub fn id(&self) -> ItemId {
        ItemId::of(&self.key)
    }

    /// Whether it has this tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|t| t == tag)
    }
}

/// What the crate itself needs of the items: ids, ranks, limits. Cheap to clone.
///
/// Ids, ranks and widths are frozen for a session; see [`Items`] for the game's own properties.
#[derive(Resource, Clone, Debug)]
pub struct Catalogue(Arc<CatalogueInner>);

#[derive(Debug)]
struct CatalogueInner {
    defs: Vec<ItemDef>,
    ranks: HashMap<ItemId, u32>,
    /// By id.
    recipes: Vec<(RecipeId, Recipe)>,
    /// A `Vec` of the game's own properties, by rank.
    props: Arc<dyn Any + Send + Sync>,
    hash: u64,
}

impl Catalogue {
    fn new(
        defs: Vec<ItemDef>,
        recipes: Vec<RecipeEntry>,
        props: Arc<dyn Any + Send + Sync>,
    ) -> Result<Self, CatalogueError> {
        let mut ranks: Vec<(ItemId, u32)> = (0..).zip(&defs).map(|(r, d)| (d.id(), r)).collect();
        ranks.sort_unstable();
        for pair in ranks.windows(2) {
            if pair[0].0 == pair[1].0 {
                let [a, b] = [pair[0].1, pair[1].1].map(|rank| defs[rank as usize].key.clone());
                return Err(CatalogueError::Collision { a, b, id: pair[0].0 });
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
        let recipes = recipe::resolve(recipes, &defs)?;
        for (_, recipe) in &recipes {
            recipe.hash_into(&mut hasher);
        }
        let keys = defs.iter().map(|def| (def.id().to_bits(), &def.key));
        let recipe_keys = recipes.iter().map(|(id, recipe)| (id.to_bits(), &recipe.key));
        keys.chain(recipe_keys).for_each(|(hash, key)| names::remember(hash, key));
        let ranks = ranks.into_iter().collect();
        Ok(Self(Arc::new(CatalogueInner { defs, ranks, recipes, props, hash: hasher.digest() })))
    }

    /// A catalogue without items.
    pub(crate) fn none() -> Self {
        Self(Arc::new(CatalogueInner {
            defs: vec![],
            ranks: HashMap::default(),
            recipes: vec![],
            props: Arc::new(()),
            hash: 0,
        }))
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.defs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.defs.is_empty()
    }

    /// A hash of all that both sides must agree on: keys, maximum stacks, tags, recipes. Names and icons
    /// may differ.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.0.hash
    }

    /// The item with this id.
    #[must_use]
    pub fn get(&self, item: ItemId) -> Option<&ItemDef> {
        self.rank(item).map(|rank| &self.0.defs[rank as usize])
    }

    /// All items, by rank (the order of their keys).
    #[must_use]
    pub fn defs(&self) -> &[ItemDef] {
        &self.0.defs
    }

    /// The position of an item in the order of keys, which names it on the wire.
    #[must_use]
    pub fn rank(&self, item: ItemId) -> Option<u32> {
        self.0.ranks.get(&item).copied()
    }

    /// The item at a rank.
    #[must_use]
    pub fn at_rank(&self, rank: u32) -> Option<ItemId> {
        self.0.defs.get(rank as usize).map(ItemDef::id)
    }

    /// The most that one slot may hold; 1 for an item that is not in the catalogue.
    #[must_use]
    pub fn max_stack(&self, item: ItemId) -> u32 {
        self.get(item).map_or(1, |def| def.max_stack)
    }

    /// The game's own properties of an item, if they are of this type: for actions, which see no other resource
    /// ([`Tx::catalogue`](super::tx::Tx::catalogue)).
    ///
    /// They are not part of the [hash](Self::hash): where two sides differ in them, what a client shows ahead is
    /// put right by the answer.
    #[must_use]
    pub fn props<P: Send + Sync + 'static>(&self, item: ItemId) -> Option<&P> {
        let props: &Vec<P> = self.0.props.downcast_ref()?;
        props.get(self.rank(item)? as usize)
    }

    /// All recipes.
    pub fn recipes(&self) -> impl ExactSizeIterator<Item = &Recipe> {
        self.0.recipes.iter().map(|(_, recipe)| recipe)
    }

    /// The recipe with this id.
    #[must_use]
    pub fn recipe(&self, id: RecipeId) -> Option<&Recipe> {
        let at = self.0.recipes.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&self.0.recipes[at].1)
    }

    /// How many bits name an item on the wire.
    #[must_use]
    pub fn rank_bits(&self) -> u32 {
        usize::BITS - self.len().saturating_sub(1).leading_zeros()
    }
}

/// The catalogue with the game's own properties `P` per item.
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
/// assert_eq!(items.catalogue().max_stack(ItemId::of("axe")), 1);
/// ```
#[derive(Resource, Asset, Debug)]
pub struct Items<P: Send + Sync + 'static = ()> {
    catalogue: Catalogue,
    props: Arc<Vec<P>>,
}

/// By hand, so that the game's properties need not implement it: it only names the asset in logs.
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
    items: Vec<Entry<P>>,
    #[serde(default)]
    recipes: Vec<RecipeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<P> {
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
    /// The catalogue alone.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The game's own properties of an item.
    #[must_use]
    pub fn props(&self, item: ItemId) -> Option<&P> {
        self.catalogue.rank(item).and_then(|rank| self.props.get(rank as usize))
    }

    /// Makes a catalogue of definitions, each with its properties.
    ///
    /// # Errors
    ///
    /// Everything in [`CatalogueError`] but the parse and read errors.
    pub fn new(defs: impl IntoIterator<Item = (ItemDef, P)>) -> Result<Self, CatalogueError> {
        Self::with_recipes(defs, Vec::new())
    }

    fn with_recipes(
        defs: impl IntoIterator<Item = (ItemDef, P)>,
        recipes: Vec<RecipeEntry>,
    ) -> Result<Self, CatalogueError> {
        let mut entries: Vec<(ItemDef, P)> = defs.into_iter().collect();
        if entries.len() > ITEMS_MAX {
            return Err(CatalogueError::TooMany { len: entries.len() });
        }
        if let Some(index) = entries.iter().position(|(def, _)| def.key.is_empty()) {
            return Err(CatalogueError::EmptyKey { index });
        }
        if let Some((def, _)) = entries.iter().find(|(def, _)| def.max_stack == 0) {
            return Err(CatalogueError::ZeroMaxStack { key: def.key.clone() });
        }
        entries.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].0.key == pair[1].0.key) {
            return Err(CatalogueError::DuplicateKey { key: pair[0].0.key.clone() });
        }
        let (defs, props): (Vec<ItemDef>, Vec<P>) = entries.into_iter().unzip();
        let props = Arc::new(props);
        Ok(Self { catalogue: Catalogue::new(defs, recipes, props.clone())?, props })
    }
}

impl<P: Send + Sync + DeserializeOwned + Default + 'static> Items<P> {
    /// Reads a catalogue from RON: `(items: [(key: "torch", name: "Torch", icon: "torch.png",
    /// max_stack: 64, tags: ["light"], props: (..)), ..], recipes: [(key: "torch", takes: [("coal", 1)],
    /// gives: [("torch", 4)], at: "workbench", millis: 2000), ..])`. Of an item all but the key may be
    /// left out, of a recipe `at` and `millis`.
    ///
    /// # Errors
    ///
    /// [`CatalogueError`], naming the item or the line.
    pub fn from_ron(text: &str) -> Result<Self, CatalogueError> {
        let options = ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        let file: File<P> = options.from_str(text)?;
        let defs = file.items.into_iter().map(|entry| {
            let Entry { key, name, icon, max_stack, tags, props } = entry;
            let name = if name.is_empty() { key.clone() } else { name };
            (ItemDef { key, name, icon, max_stack, tags }, props.unwrap_or_default())
        });
        Self::with_recipes(defs, file.recipes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Items::<()>::from_ron(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(error("(items: [(key: \"a\"").starts_with("the catalogue does not parse: 1:"));
        assert!(error("(items: [(key: \"a\", max_stak: 3)])").contains("max_stak"));
        assert_eq!(error("(items: [(key: \"a\"), (key: \"a\")])"), "item `a` is there twice");
        assert_eq!(error("(items: [(key: \"\")])"), "item 0 has an empty key");
        assert_eq!(
            error("(items: [(key: \"a\", max_stack: 0)])"),
            "item `a` has a maximum stack of zero"
        );
    }

    #[test]
    fn what_is_wrong_with_a_recipe_is_named() {
        let with = |recipe: &str| error(&format!("(items: [(key: \"a\")], recipes: [{recipe}])"));
        assert_eq!(
            with("(key: \"r\", takes: [(\"b\", 1)], gives: [(\"a\", 1)])"),
            "recipe `r` names item `b`, which is not in the catalogue"
        );
        assert_eq!(with("(key: \"r\", takes: [], gives: [])"), "recipe `r`: it gives nothing");
        assert_eq!(
            with("(key: \"r\", takes: [(\"a\", 0)], gives: [(\"a\", 1)])"),
            "recipe `r`: a count of zero"
        );
        let fine = "(key: \"r\", takes: [], gives: [(\"a\", 1)])";
        assert_eq!(with(&format!("{fine}, {fine}")), "recipe `r` has no key of its own");
    }

    #[test]
    fn colliding_keys_are_refused() {
        let mut seen = std::collections::HashMap::new();
        let (a, b) = (0u32..)
            .find_map(|n| {
                let key = format!("item_{n}");
                seen.insert(ItemId::of(&key), key.clone()).map(|other| (other, key))
            })
            .unwrap();
        let text = format!("(items: [(key: \"{a}\"), (key: \"{b}\")])");
        assert!(error(&text).contains("have the same id"), "{}", error(&text));
    }

    #[test]
    fn ids_are_written_as_their_keys_once_a_catalogue_has_them() {
        let stack = ItemId::of("names_lamp").stack(5);
        assert_eq!(format!("{:?}", stack.item), format!("{:08x}", stack.item.to_bits()));
        let items = r#"(items: [(key: "names_lamp")], recipes: [
            (key: "names_light", takes: [("names_lamp", 1)], gives: [("names_lamp", 1)]),
        ])"#;
        Items::<()>::from_ron(items).unwrap();
        assert_eq!(format!("{stack:?}"), "names_lamp x5");
        assert_eq!(format!("{:?}", stack.worn(7)), "names_lamp x5, wear 7");
        assert_eq!(format!("{:?}", RecipeId::of("names_light")), "names_light");
    }

    #[test]
    fn hash_covers_what_both_sides_must_agree_on() {
        let hash = |text: &str| Items::<()>::from_ron(text).unwrap().catalogue.hash();
        let base = hash("(items: [(key: \"a\"), (key: \"b\")])");
        assert_eq!(base, hash("(items: [(key: \"b\", icon: \"x.png\"), (key: \"a\")])"));
        assert_ne!(base, hash("(items: [(key: \"a\"), (key: \"b\", max_stack: 1)])"));
        assert_ne!(base, hash("(items: [(key: \"a\"), (key: \"c\")])"));
        assert_ne!(base, hash("(items: [(key: \"a\"), (key: \"b\", tags: [\"x\"])])"));
    }

    #[test]
    fn widths() {
        for (len, bits) in [(1, 0), (2, 1), (3, 2), (256, 8), (257, 9), (512, 9)] {
            let defs = (0..len).map(|n| {
                let def = ItemDef {
                    key: format!("k{n}"),
                    name: String::new(),
                    icon: String::new(),
                    max_stack: 1,
                    tags: vec![],
                };
                (def, ())
            });
            assert_eq!(Items::new(defs).unwrap().catalogue.rank_bits(), bits, "{len}");
        }
    }
}
