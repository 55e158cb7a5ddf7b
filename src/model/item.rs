//! One item of the catalog.

use super::id::ItemId;

/// One item of the catalog.
#[derive(Clone, Debug)]
pub struct ItemDef {
    /// The key by which game code and saves refer to the item.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Path of the icon, for the game to load.
    pub icon: String,
    /// Maximum stack size: the most items that one slot may hold.
    pub max_stack: u32,
    /// Tags defined by the game, which slot filters check.
    pub tags: Vec<String>,
}

impl ItemDef {
    /// Returns the id derived from the key.
    #[must_use]
    pub fn id(&self) -> ItemId {
        ItemId::of(&self.key)
    }

    /// Returns `true` if the item has this tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|t| t == tag)
    }
}
