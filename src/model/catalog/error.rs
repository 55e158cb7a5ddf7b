//! What can be wrong with an item catalog.

use crate::model::{id::ItemId, limits::ITEMS_MAX, recipe::RecipeId};
use thiserror::Error;

/// Error in an item catalog. The whole catalog is rejected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The text is not valid RON of the expected shape. Includes the position.
    #[error("cannot parse the item catalog: {0}")]
    Parse(#[from] ron::error::SpannedError),
    /// The file could not be read.
    #[error("cannot read the item catalog: {0}")]
    Read(#[from] std::io::Error),
    /// An item has an empty key.
    #[error("item {index} has an empty key")]
    EmptyKey {
        /// Position in the file, starting at zero.
        index: usize,
    },
    /// Two items have the same key.
    #[error("duplicate item key `{key}`")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// Two keys hash to the same [`ItemId`].
    #[error("items `{a}` and `{b}` have the same id {id}: rename one of them")]
    Collision {
        /// One key.
        a: String,
        /// The other key.
        b: String,
        /// The id of both keys.
        id: ItemId,
    },
    /// An item has a maximum stack size of zero.
    #[error("item `{key}` has a maximum stack size of zero")]
    ZeroMaxStack {
        /// The key.
        key: String,
    },
    /// A recipe has an empty key.
    #[error("recipe {index} has an empty key")]
    EmptyRecipeKey {
        /// Position in the file, starting at zero.
        index: usize,
    },
    /// Two recipes have the same key.
    #[error("duplicate recipe key `{key}`")]
    DuplicateRecipeKey {
        /// The key.
        key: String,
    },
    /// Two recipe keys hash to the same [`RecipeId`].
    #[error("recipes `{a}` and `{b}` have the same id: rename one of them")]
    RecipeCollision {
        /// One key.
        a: String,
        /// The other key.
        b: String,
        /// The id of both keys.
        id: RecipeId,
    },
    /// A recipe names an item that is not in the catalog.
    #[error("recipe `{recipe}` names item `{item}`, which is not in the catalog")]
    RecipeItem {
        /// The recipe.
        recipe: String,
        /// The item.
        item: String,
    },
    /// A recipe has an item with a count of zero, a repeated ingredient, or no product.
    #[error("recipe `{recipe}`: {what}")]
    RecipeCount {
        /// The recipe.
        recipe: String,
        /// Description of the error.
        what: &'static str,
    },
    /// The catalog has more than [`ITEMS_MAX`] items.
    #[error("the catalog has {len} items, more than {ITEMS_MAX}")]
    TooMany {
        /// Number of items.
        len: usize,
    },
}
