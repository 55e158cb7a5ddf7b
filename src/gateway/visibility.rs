//! What one caller sees.

use std::{collections::BTreeSet, sync::Arc};

use bevy::prelude::Entity;

use crate::model::id::InventoryId;

use super::feed::PlayerView;

/// What one caller sees.
#[derive(Clone, Debug)]
pub(super) struct Visibility {
    pub(super) private: Private,
    /// If set, only these inventories.
    pub(super) only: Option<BTreeSet<InventoryId>>,
}

/// What a caller sees in addition to public views.
#[derive(Clone, Debug)]
pub(super) enum Private {
    Nothing,
    /// What the player's client sees.
    Player(Arc<PlayerView>),
    Everything,
}

impl Visibility {
    /// Returns `true` if the caller sees the contents of an inventory.
    pub(super) fn sees(&self, entity: Entity, id: InventoryId) -> bool {
        let may = match &self.private {
            Private::Nothing => false,
            Private::Player(view) => view.sees(entity),
            Private::Everything => true,
        };
        may && self.sees_views(id)
    }

    /// Returns `true` if the caller sees the public views of an inventory.
    pub(super) fn sees_views(&self, id: InventoryId) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&id))
    }

    /// Returns `true` if the caller is an operator and also sees names and owners.
    pub(super) fn sees_labels(&self) -> bool {
        matches!(self.private, Private::Everything)
    }
}
