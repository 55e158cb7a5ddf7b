//! The changes of one tick.

use bevy::prelude::Entity;
use bevy_replicon::shared::client_id::ClientId;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{
    model::{
        catalog::ItemCatalog,
        codec,
        id::{ContainerKey, DataId, InventoryId, ItemId},
    },
    shared::events::{Cause, Commit},
};

/// The changes of one tick. Read-only, because all readers share it.
///
/// A reader that follows all inventories must identify them by entity, because an inventory can get another id, and
/// another inventory its old one in the same tick. It applies `structures` first, then `slots`, skipping slots that no
/// longer exist, and then `selected`. `public` refers to ids, and is applied in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TickRecord {
    /// Number of the tick, as in [`CommitInspect::tick`](crate::server::inspect::CommitInspect::tick).
    pub tick: u64,
    /// The changed slots, in the order of the commits. A slot occurs twice if its container was replaced.
    pub slots: Vec<Commit>,
    /// The inventories whose selected slot has changed.
    pub selected: Vec<SelectedChange>,
    /// The inventories that have appeared or disappeared, have another id, or whose containers were added, removed or
    /// resized. Those that have disappeared come first.
    pub structures: Vec<StructureChange>,
    /// What has changed for everyone.
    pub public: Vec<PublicChange>,
    /// The instance data in `slots`, in ascending order of ids.
    pub data: Vec<(DataId, DataValue)>,
    /// The inventories from which players have acted, by client.
    pub actors: Vec<(ClientId, InventoryId)>,
    /// The item catalog at the end of the tick.
    pub catalog: ItemCatalog,
}

/// One field of a slot that has changed, with the values before and after. An empty slot has the values `None` and zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldChange {
    /// The item.
    Item(Option<ItemId>, Option<ItemId>),
    /// The number of items.
    Count(u32, u32),
    /// See [`Stack::wear`](crate::prelude::Stack::wear).
    Wear(u16, u16),
    /// See [`Stack::data`](crate::prelude::Stack::data).
    Data(Option<DataId>, Option<DataId>),
}

/// A selected slot that has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelectedChange {
    /// The entity with the hotbar.
    pub entity: Entity,
    /// Id of its inventory.
    pub inventory: InventoryId,
    /// The slot that was selected before.
    pub old: Option<u8>,
    /// The selected slot.
    pub new: Option<u8>,
}

/// An inventory whose containers or id have changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StructureChange {
    /// The entity with the containers.
    pub entity: Entity,
    /// Id of the inventory, which may be a new one.
    pub inventory: InventoryId,
    /// Its containers and their numbers of slots, in the order of registration. Empty if the inventory is gone.
    pub containers: Vec<(ContainerKey, usize)>,
    /// The selected slot.
    pub selected: Option<u8>,
}

/// A [public view](crate::features::public_view) that has changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicChange {
    /// The inventory of the entity that shows it.
    pub inventory: InventoryId,
    /// Name of the view's type, without its path.
    pub view: &'static str,
    /// The value before. `None` if there was none.
    pub old: Option<Bytes>,
    /// The value after. `None` if it was removed.
    pub new: Option<Bytes>,
}

/// The value of instance data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataValue {
    /// The [`NAME`](crate::prelude::ItemData::NAME) of its type.
    pub name: &'static str,
    /// The value, as serialized by the type.
    pub bytes: Bytes,
}

/// Returns the name of a type without its path.
pub(super) fn name_of<V>() -> &'static str {
    let name = core::any::type_name::<V>();
    name.rsplit("::").next().unwrap_or(name)
}

impl TickRecord {
    pub(super) fn new(tick: u64, catalog: ItemCatalog) -> Self {
        Self {
            tick,
            slots: Vec::new(),
            selected: Vec::new(),
            structures: Vec::new(),
            public: Vec::new(),
            data: Vec::new(),
            actors: Vec::new(),
            catalog,
        }
    }

    /// Returns `true` if the tick has changed nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { slots, selected, structures, public, .. } = self;
        slots.is_empty() && selected.is_empty() && structures.is_empty() && public.is_empty()
    }

    /// Returns the size in memory, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let Self { slots, selected, structures, public, data, actors, .. } = self;
        let lists = size_of_val(&**slots)
            + size_of_val(&**selected)
            + size_of_val(&**structures)
            + size_of_val(&**public)
            + size_of_val(&**data)
            + size_of_val(&**actors);
        let containers = structures.iter().map(|change| size_of_val(&*change.containers));
        let views = public.iter().flat_map(|change| [&change.old, &change.new]).flatten();
        let values = data.iter().map(|(_, value)| value.bytes.len());
        size_of::<Self>()
            + lists
            + containers.chain(views.map(Bytes::len)).chain(values).sum::<usize>()
    }

    /// Returns the value of instance data in `slots`.
    #[must_use]
    pub fn data_value(&self, id: DataId) -> Option<&DataValue> {
        let at = self.data.binary_search_by_key(&id, |(of, _)| *of).ok()?;
        Some(&self.data[at].1)
    }

    /// Returns the inventory of the player that caused a change, if a player did.
    #[must_use]
    pub fn actor(&self, cause: Cause) -> Option<InventoryId> {
        let Cause::Acted(client) = cause else { return None };
        self.actors.iter().find(|(of, _)| *of == client).map(|(_, inventory)| *inventory)
    }
}

impl Commit {
    /// Returns the fields that differ.
    pub fn fields(&self) -> impl Iterator<Item = FieldChange> + use<> {
        let (old, new) = (self.old, self.new);
        let item = (old.map(|s| s.item), new.map(|s| s.item));
        let count = (old.map_or(0, |s| s.count()), new.map_or(0, |s| s.count()));
        let wear = (old.map_or(0, |s| s.wear), new.map_or(0, |s| s.wear));
        let data = (old.and_then(|s| s.data), new.and_then(|s| s.data));
        let fields = [
            (item.0 != item.1).then_some(FieldChange::Item(item.0, item.1)),
            (count.0 != count.1).then_some(FieldChange::Count(count.0, count.1)),
            (wear.0 != wear.1).then_some(FieldChange::Wear(wear.0, wear.1)),
            (data.0 != data.1).then_some(FieldChange::Data(data.0, data.1)),
        ];
        fields.into_iter().flatten()
    }
}

impl PublicChange {
    /// Returns the value, if this is the view `V`.
    #[must_use]
    pub fn value<V: DeserializeOwned>(&self) -> Option<V> {
        let bytes = self.new.as_ref().filter(|_| self.view == name_of::<V>())?;
        codec::from_data(bytes).ok()
    }
}
