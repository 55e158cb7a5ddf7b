//! Slots of local copies that were corrupted on purpose, and the time until each is repaired.

use core::time::Duration;

use bevy::prelude::*;

use crate::{
    client::{debug::CorruptCopy, inspect::ClientInspect, state::CopyRepaired},
    model::{catalog::ItemCatalog, id::InventoryId, stack::Stack},
    shared::{containers::ContainerRegistry, ids::InventoryIds},
};

use super::{
    action_log::{ActionLog, ActionLogEntry},
    describe::Words,
    names::Names,
    style::bytes_short,
};

/// Maximum number of corrupted slots that are followed.
const FAULTS_MAX: usize = 64;

/// A slot with wrong contents.
#[derive(Clone, Debug)]
struct Fault {
    inventory: InventoryId,
    entity: Entity,
    /// Flat index of the slot.
    slot: usize,
    wrong: Option<Stack>,
    at: Duration,
    name: String,
    /// Name of the inventory and the slot.
    place: String,
}

/// The corrupted slots that have not been repaired yet, and the last repair.
#[derive(Resource, Default, Debug)]
pub(super) struct Faults {
    unrepaired: Vec<Fault>,
    pub(super) last_repair: Option<String>,
}

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Faults>()
        .add_message::<CopyRepaired>()
        .add_observer(note_fault)
        .add_systems(Last, note_repairs);
}

/// Returns a stack that differs from a slot's contents.
pub(super) fn wrong_stack(stack: Option<Stack>, items: Option<&ItemCatalog>) -> Option<Stack> {
    match stack {
        Some(stack) => stack.with_count(stack.count() + 1),
        None => items.and_then(|items| items.at_rank(0)).map(|item| item.stack(1)),
    }
}

fn note_fault(
    corrupt: On<CorruptCopy>,
    time: Res<Time<Real>>,
    ids: Res<InventoryIds>,
    registry: Res<ContainerRegistry>,
    catalog: Option<Res<ItemCatalog>>,
    copies: ClientInspect,
    names: Names,
    mut faults: ResMut<Faults>,
    mut action_log: ResMut<ActionLog>,
) {
    let CorruptCopy { inventory, slot, stack } = *corrupt;
    let Some(entity) = ids.get(inventory) else { return };
    let Some(copy) = copies.copy(entity) else { return };
    let kinds = registry.as_slice();
    let Some(address) = copy.confirmed.address(kinds, slot) else { return };
    let name = names.of(entity);
    let words = Words { kinds, catalog: catalog.as_deref(), name: &|entity| names.of(entity) };
    let place = format!("{name} {}", words.slot(address));
    let at = time.elapsed();
    write(&mut action_log, at, &name, format!("corrupt {place}: {}", words.stack(stack)));
    if faults.unrepaired.len() < FAULTS_MAX {
        faults.unrepaired.push(Fault { inventory, entity, slot, wrong: stack, at, name, place });
    }
}

fn note_repairs(
    time: Res<Time<Real>>,
    copies: ClientInspect,
    mut repairs: MessageReader<CopyRepaired>,
    mut faults: ResMut<Faults>,
    mut action_log: ResMut<ActionLog>,
) {
    if faults.unrepaired.is_empty() {
        repairs.clear();
        return;
    }
    let repairs: Vec<CopyRepaired> = repairs.read().copied().collect();
    let now = time.elapsed();
    let mut last = None;
    faults.unrepaired.retain(|fault| {
        let seconds = now.saturating_sub(fault.at).as_secs_f32();
        let repair = repairs.iter().find(|repair| repair.inventory == fault.inventory);
        let outcome = match (repair, copies.copy(fault.entity)) {
            (Some(repair), _) => {
                let bytes = bytes_short(repair.bytes as f64);
                format!("repaired after {seconds:.1} s, {bytes}")
            }
            (None, None) => format!("closed after {seconds:.1} s, before it was repaired"),
            (None, Some(copy)) if copy.confirmed.get(fault.slot) != fault.wrong => {
                format!("overwritten by another update after {seconds:.1} s")
            }
            (None, Some(_)) => return true,
        };
        write(&mut action_log, now, &fault.name, format!("{}: {outcome}", fault.place));
        last = Some(outcome);
        false
    });
    faults.last_repair = last.or(faults.last_repair.take());
}

fn write(action_log: &mut ActionLog, at: Duration, inventory: &str, what: String) {
    let (player, inventories) = ("debug".into(), inventory.into());
    action_log.write(ActionLogEntry { at, player, inventories, what, result: Ok(()) });
}
