//! A copy of one inventory.

use std::sync::Arc;

use bevy::prelude::Entity;
use bevy_replicon::shared::client_id::ClientId;

use crate::{
    changes::record::DataValue,
    model::id::{ContainerKey, InventoryId, ItemId},
};

/// The contents of an inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct InventoryCopy {
    pub(super) entity: Entity,
    pub(super) id: InventoryId,
    pub(super) name: Option<Arc<str>>,
    pub(super) owner: Option<ClientId>,
    pub(super) selected: Option<u8>,
    /// In the order of registration.
    pub(super) containers: Vec<ContainerCopy>,
}

/// The contents of a container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ContainerCopy {
    pub(super) key: ContainerKey,
    pub(super) slots: Vec<Option<StackCopy>>,
}

/// A stack with its instance data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct StackCopy {
    pub(super) item: ItemId,
    pub(super) count: u32,
    pub(super) wear: u16,
    pub(super) data: Option<Arc<DataValue>>,
}

impl InventoryCopy {
    /// Returns the approximate size in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        let slots = self.containers.iter().flat_map(|container| &container.slots);
        let data = slots.clone().flatten().filter_map(|stack| stack.data.as_ref());
        size_of::<Self>()
            + slots.count() * size_of::<Option<StackCopy>>()
            + data.map(|data| data.bytes.len()).sum::<usize>()
    }
}
