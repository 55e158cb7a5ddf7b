//! A companion app: it starts from `/world/init`, and applies events.

use std::collections::BTreeMap;

use bevy_inventory_sync::gateway::json::{InventoryState, SlotContents, Snapshots, ViewState};
use serde_json::Value;

use crate::common::*;

/// What a companion app knows.
#[derive(Clone, PartialEq, Debug)]
pub struct Copy {
    pub epoch: String,
    pub tick: u64,
    pub inventories: BTreeMap<String, InventoryState>,
    pub views: BTreeMap<(String, String), Value>,
}

impl Copy {
    pub fn of(init: WorldInit) -> Self {
        let inventories = init.inventories.into_iter().map(|it| (it.id.clone(), it)).collect();
        let views = init.views.into_iter().map(|it| ((it.inventory, it.view), it.value)).collect();
        Self { epoch: init.epoch, tick: init.tick, inventories, views }
    }

    pub fn apply(&mut self, event: TickEvent) {
        assert_eq!(event.epoch, self.epoch);
        assert!(event.first <= event.tick);
        if event.tick <= self.tick && !event.replace {
            return;
        }
        self.tick = event.tick;
        if event.replace {
            self.inventories.clear();
            self.views.clear();
        }
        for id in event.removed {
            self.inventories.remove(&id);
        }
        for inventory in event.inventories {
            self.inventories.insert(inventory.id.clone(), inventory);
        }
        for change in event.slots {
            let there = self.inventories.get_mut(&change.inventory).unwrap();
            let container = there.containers.iter_mut().find(|it| it.name == change.container);
            let container = container.unwrap();
            assert!(usize::from(change.slot) < container.size, "{change:?}");
            container.slots.retain(|slot| slot.slot != change.slot);
            let (slot, slots) = (change.slot, &mut container.slots);
            slots.extend(change.new.map(|stack| SlotContents { slot, stack }));
            slots.sort_by_key(|slot| slot.slot);
        }
        for change in event.selected {
            self.inventories.get_mut(&change.inventory).unwrap().selected = change.selected;
        }
        for ViewState { inventory, view, value, removed } in event.views {
            if removed {
                self.views.remove(&(inventory, view));
            } else {
                self.views.insert((inventory, view), value);
            }
        }
    }

    /// Fetches what was missed. Returns `false` if the app must start again.
    pub fn heal(&mut self, mut get: impl FnMut(&str) -> Answer) -> bool {
        let mut from = self.tick + 1;
        loop {
            let path = format!("/world/snapshots?epoch={}&from={from}&limit=3", self.epoch);
            let answer = get(&path);
            if answer.status == 410 {
                assert!(answer.problem().earliest.is_some());
                return false;
            }
            let snapshots: Snapshots = answer.json();
            snapshots.snapshots.into_iter().for_each(|event| self.apply(event));
            match snapshots.next {
                Some(next) => from = next,
                None => {
                    self.tick = self.tick.max(snapshots.tick);
                    return true;
                }
            }
        }
    }

    /// Returns the same without the tick, to compare contents.
    pub fn contents(&self) -> Self {
        Self { tick: 0, ..self.clone() }
    }
}
