//! The inventories that were committed in this pass, and what is known about the causes of their changes.

use crate::shared::events::Cause;
use bevy::platform::collections::HashMap;
use bevy::prelude::*;

/// The inventories that were committed in this pass, and what is known about why.
#[derive(Resource, Default, Debug)]
pub(crate) struct Marked {
    pub(crate) pass: u64,
    pub(crate) inventories: Vec<Entity>,
    /// Inventories that lost a container between two passes.
    pub(crate) restructured: Vec<Entity>,
    /// Inventories that gained a container, with its contents, before this pass.
    pub(crate) given_containers: Vec<Entity>,
    /// By entity, kind and index.
    pub(crate) causes: HashMap<(Entity, u8, usize), Cause>,
    /// How many pairs of lists have been compared.
    comparisons: u32,
    /// The highest version of an inventory that is gone, or has another name now: of drawn names and of given ones.
    pub(crate) gone_versions: [u64; 2],
}

impl Marked {
    /// How many ticks have been marked.
    pub(crate) fn pass(&self) -> u64 {
        self.pass
    }

    pub(crate) fn inventories(&self) -> &[Entity] {
        &self.inventories
    }

    pub(crate) fn given_containers(&self) -> &[Entity] {
        &self.given_containers
    }

    /// Says why a slot is about to differ.
    pub(crate) fn declare(&mut self, entity: Entity, kind: u8, index: usize, cause: Cause) {
        self.causes.insert((entity, kind, index), cause);
    }

    pub(crate) fn cause(&self, entity: Entity, kind: u8, index: usize) -> Option<Cause> {
        // Most changes in most games are plain mutations.
        if self.causes.is_empty() { None } else { self.causes.get(&(entity, kind, index)).copied() }
    }

    /// A mark that no other two lists have; zero for none once they have run out.
    pub(crate) fn next_comparison(&mut self) -> u32 {
        let Some(next) = self.comparisons.checked_add(1) else { return 0 };
        self.comparisons = next;
        next
    }

    /// Has every viewer get a full copy.
    pub(crate) fn restructure(&mut self, entity: Entity) {
        self.restructured.push(entity);
    }
}
