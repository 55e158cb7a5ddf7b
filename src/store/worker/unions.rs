//! Which inventories have exchanged items since the last commit.

use bevy::platform::collections::HashMap;

use crate::model::id::InventoryId;

/// Disjoint sets of inventories.
#[derive(Clone, Default, Debug)]
pub(super) struct Unions {
    parents: HashMap<InventoryId, InventoryId>,
}

impl Unions {
    /// Returns the representative of the set that contains `id`.
    pub(super) fn root(&mut self, id: InventoryId) -> InventoryId {
        let mut root = id;
        while let Some(parent) = self.parents.get(&root) {
            root = *parent;
        }
        // The next search is short.
        let mut at = id;
        while at != root {
            let Some(parent) = self.parents.insert(at, root) else { break };
            at = parent;
        }
        root
    }

    /// Joins the sets of all these inventories.
    pub(super) fn join(&mut self, ids: &[InventoryId]) {
        for pair in ids.windows(2) {
            let (a, b) = (self.root(pair[0]), self.root(pair[1]));
            if a != b {
                self.parents.insert(a, b);
            }
        }
    }

    /// Returns all inventories that are in a set with others.
    pub(super) fn members(&self) -> Vec<InventoryId> {
        let mut all: Vec<_> = self.parents.iter().flat_map(|(a, b)| [*a, *b]).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Keeps the sets of these inventories only.
    pub(super) fn keep(&mut self, sets: &[Vec<InventoryId>]) {
        self.parents.clear();
        sets.iter().for_each(|set| self.join(set));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_sets_have_one_root() {
        let id = InventoryId::sequential;
        let mut unions = Unions::default();
        unions.join(&[id(1), id(2)]);
        unions.join(&[id(3), id(4), id(5)]);
        assert_ne!(unions.root(id(1)), unions.root(id(5)));
        unions.join(&[id(2), id(4)]);
        assert!((1..=5).all(|n| unions.root(id(n)) == unions.root(id(1))));
        assert_eq!(unions.root(id(6)), id(6));
        unions.keep(&[vec![id(1), id(2)]]);
        assert_eq!(unions.root(id(1)), unions.root(id(2)));
        assert_eq!((unions.root(id(4)), unions.members().len()), (id(4), 2));
    }
}
