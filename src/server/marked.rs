//! The inventories that were committed in this pass, and the declared causes of their changes.

use crate::shared::events::Cause;
use bevy::platform::collections::HashMap;
use bevy::prelude::*;

/// The inventories that were committed in this pass, and the declared causes of their changes.
#[derive(Resource, Default, Debug)]
pub(crate) struct Marked {
    /// Number of passes of Mark.
    pub(super) pass: u64,
    pub(super) inventories: Vec<Entity>,
    /// Inventories that lost a container between two passes.
    pub(super) restructured: Vec<Entity>,
    /// Inventories whose containers were added, removed or resized in this pass.
    pub(super) resized: Vec<Entity>,
    /// Inventories whose selected slot changed in this pass.
    pub(super) selected: Vec<Entity>,
    /// Inventories that gained a container, with its contents, before this pass.
    pub(super) given_containers: Vec<Entity>,
    /// Declared causes, by entity, container kind and slot index.
    pub(super) causes: HashMap<(Entity, u8, usize), Cause>,
    /// Number of marks that have been assigned to pairs of equal lists.
    comparisons: u32,
    /// Whether a command of an operator is running.
    pub(super) operated: bool,
    /// The highest version of an inventory that no longer exists or has another id now: among sequential ids, and
    /// among named ids.
    pub(super) gone_versions: [u64; 2],
}

impl Marked {
    /// Declares the cause of a slot change before it is committed.
    pub(crate) fn declare(&mut self, entity: Entity, kind: u8, index: usize, cause: Cause) {
        self.causes.insert((entity, kind, index), cause);
    }

    pub(crate) fn cause(&self, entity: Entity, kind: u8, index: usize) -> Option<Cause> {
        // Most changes in most games are plain mutations without a declared cause.
        if self.causes.is_empty() { None } else { self.causes.get(&(entity, kind, index)).copied() }
    }

    /// Returns `declared`, or [`Cause::Operator`] while an operator's command runs.
    pub(crate) fn effective_cause(&self, declared: Cause) -> Cause {
        if self.operated { Cause::Operator } else { declared }
    }

    /// Returns a mark that no other two lists share, or zero (no mark) when none is left.
    pub(crate) fn next_comparison(&mut self) -> u32 {
        let Some(next) = self.comparisons.checked_add(1) else { return 0 };
        self.comparisons = next;
        next
    }

    /// Schedules a full update of an inventory for all viewers.
    pub(crate) fn restructure(&mut self, entity: Entity) {
        self.restructured.push(entity);
    }
}
