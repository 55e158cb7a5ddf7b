//! The inventories that were committed in this pass, and the declared causes of their changes.

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    platform::collections::HashMap,
    prelude::*,
};

use crate::{
    model::id::InventoryId,
    shared::events::{Cause, Commit},
};

use super::baseline::Baseline;

/// The inventories that were committed in this pass, and the declared causes of their changes.
#[derive(Resource, Default, Debug)]
pub(crate) struct Marked {
    /// Number of passes of Mark.
    pub(super) pass: u64,
    pub(super) inventories: Vec<Entity>,
    /// Inventories that lost a container between two passes.
    pub(super) restructured: Vec<Entity>,
    /// The stacks in containers that were removed between two passes.
    pub(super) removed: Vec<Commit>,
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

/// Records the last version of an inventory whose id is free again, because clients may have kept copies under
/// that id.
pub(super) fn record_gone<E: EntityEvent, C: Component>(
    gone: On<E, C>,
    inventories: Query<(&InventoryId, &Baseline), Allow<Disabled>>,
    mut marked: ResMut<Marked>,
) {
    if let Ok((id, baseline)) = inventories.get(gone.event_target()) {
        let highest = &mut marked.gone_versions[usize::from(id.is_named())];
        *highest = baseline.version().max(*highest);
    }
}

/// Restructures an inventory that has a new id, or whose id conflict has ended: to all viewers it is a new
/// inventory.
pub(super) fn record_renamed<E: EntityEvent, C: Component>(
    event: On<E, C>,
    inventories: Query<&Baseline, Allow<Disabled>>,
    mut marked: ResMut<Marked>,
) {
    let inventory = event.event_target();
    if inventories.get(inventory).is_ok_and(|baseline| baseline.version() > 0) {
        marked.restructure(inventory);
    }
}
