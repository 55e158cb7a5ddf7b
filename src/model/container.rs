//! Containers: components that each hold one [`Slots`], and the addresses of their slots.

use core::fmt;

use bevy::{
    ecs::component::{Component, Mutable},
    ecs::entity::Entity,
    reflect::Reflect,
};
use serde::{Deserialize, Serialize};

use super::{id::ContainerKey, item::ItemDef, rights::Rights, slots::Slots};

/// A component made of slots. All containers of one entity form one inventory: they are opened,
/// sent, versioned and saved together.
///
/// ```
/// use bevy::prelude::*;
/// use bevy_inventory_sync::prelude::*;
///
/// #[derive(Component)]
/// struct Equipment(Slots);
///
/// impl Container for Equipment {
///     const NAME: &str = "equipment";
///     const AUTO_FILL: bool = false; // boots that are picked up are not put on
///
///     fn from_slots(slots: Slots) -> Self { Self(slots) }
///     fn slots(&self) -> &Slots { &self.0 }
///     fn slots_mut(&mut self) -> &mut Slots { &mut self.0 }
///
///     fn accepts(slot: usize, item: &ItemDef) -> bool {
///         item.has_tag(["head", "feet"][slot.min(1)])
///     }
/// }
/// ```
///
/// Register it on both sides with
/// [`add_container`](crate::prelude::InventoryAppExt::add_container).
pub trait Container: Component<Mutability = Mutable> + Sized {
    /// Unique name among the game's containers; part of slot addresses and of saves.
    const NAME: &'static str;

    /// Whether it belongs to the whole inventory when items are inserted, taken by item, collected or used for
    /// crafting. If `false`, items are put in and taken out only if the container or its slot is named: worn
    /// equipment, the stack on the cursor. Operations that take everything
    /// ([`MoveAll`](crate::prelude::InventoryAction::MoveAll), [`DropAll`](crate::prelude::InventoryAction::DropAll),
    /// [`take_if`](crate::prelude::Inventories::take_if)) include it, and so does
    /// [`count`](crate::prelude::Inventories::count). Defaults to `true`.
    const AUTO_FILL: bool = true;

    /// Whether the container has a selected slot. If several containers of an inventory have one,
    /// only that of the first one is synced: built-in containers come first, then others by name. Defaults to
    /// `false`.
    const HAS_SELECTION: bool = false;

    /// Whether the selected number is a value of the container instead of a slot, such as the
    /// progress of a furnace or a charge. It is synced the same way, but players cannot set it.
    /// Requires [`HAS_SELECTION`](Self::HAS_SELECTION). Defaults to `false`.
    const SHOWS_PROGRESS: bool = false;

    /// Items are inserted into containers in ascending order, and taken in descending order. Containers of the
    /// same order are sorted by [`NAME`](Self::NAME). [`Inventory`](crate::prelude::Inventory) has order 0 and
    /// [`Hotbar`](crate::prelude::Hotbar) has order 1. Defaults to 100.
    const ORDER: i32 = 100;

    /// Whether its stacks are items of the game. `false` for stacks that are only displayed, such as the icons
    /// of tabs: the item audit ignores them.
    const HOLDS_ITEMS: bool = true;

    /// Creates the component on a client from the slots that the server sent.
    fn from_slots(slots: Slots) -> Self;

    /// Returns the slots.
    fn slots(&self) -> &Slots;

    /// Returns the slots mutably.
    fn slots_mut(&mut self) -> &mut Slots;

    /// Returns `true` if the slot accepts the item. Must be a pure function that is the same on
    /// server and clients. Direct writes to the slots bypass it.
    #[must_use]
    fn accepts(slot: usize, item: &ItemDef) -> bool {
        let _ = (slot, item);
        true
    }

    /// Returns the maximum rights of players for a slot, whatever their rights to the inventory.
    /// Example: a furnace's output can be taken from but not put into. Must be a pure function that
    /// is the same on both sides. The server's own code bypasses it.
    #[must_use]
    fn rights(slot: usize) -> Rights {
        let _ = slot;
        Rights::USE
    }

    /// Returns the selected slot, for a container that [`HAS_SELECTION`](Self::HAS_SELECTION) one.
    #[must_use]
    fn selected(&self) -> Option<u8> {
        None
    }

    /// Selects a slot, for a container that [`HAS_SELECTION`](Self::HAS_SELECTION) one.
    fn select(&mut self, slot: u8) {
        let _ = slot;
    }

    /// Returns the address of the slot at `index` in this container.
    ///
    /// # Panics
    ///
    /// If `index` is above 65,535.
    #[must_use]
    fn slot(index: usize) -> Slot {
        let index = u16::try_from(index).expect("slot index must not exceed 65535");
        Slot { container: ContainerKey::of(Self::NAME), index }
    }
}

/// Address of one slot of an inventory: `Hotbar::slot(3)`, displayed as `hotbar[3]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Reflect, Serialize, Deserialize)]
pub struct Slot {
    /// The container.
    pub container: ContainerKey,
    /// Index of the slot in the container, starting at zero.
    pub index: u16,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}[{}]", self.container, self.index)
    }
}

impl Slot {
    /// Returns the address of the slot at `index` in the container of a registered type.
    ///
    /// # Panics
    ///
    /// If there is no such container type, or `index` is above 65,535.
    #[must_use]
    pub fn at(registry: &[ContainerInfo], kind: u8, index: usize) -> Self {
        let index = u16::try_from(index).expect("slot index must not exceed 65535");
        Self { container: registry[usize::from(kind)].key, index }
    }

    /// Returns the index, if this slot is in container `C`.
    #[must_use]
    pub fn index_in<C: Container>(self) -> Option<usize> {
        (self.container == ContainerKey::of(C::NAME)).then_some(usize::from(self.index))
    }
}

/// One slot of one entity: `(chest, Inventory::slot(3))`.
pub type SlotRef = (Entity, Slot);

/// All containers of an entity, or one of them: a source or target of items.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Reflect)]
pub struct ContainerRef {
    /// The entity.
    pub entity: Entity,
    /// Which of its containers; all if `None`.
    pub container: Option<ContainerKey>,
}

impl ContainerRef {
    /// Returns the area of all containers of an entity.
    #[must_use]
    pub const fn all(entity: Entity) -> Self {
        Self { entity, container: None }
    }

    /// Returns the area of one container of an entity: `ContainerRef::of::<Hotbar>(player)`.
    #[must_use]
    pub const fn of<C: Container>(entity: Entity) -> Self {
        Self { entity, container: Some(ContainerKey::of(C::NAME)) }
    }
}

impl From<Entity> for ContainerRef {
    fn from(entity: Entity) -> Self {
        Self::all(entity)
    }
}

/// A registered container type, without its Rust type.
#[derive(Clone, Copy, Debug)]
pub struct ContainerInfo {
    /// The container's [`NAME`](Container::NAME).
    pub name: &'static str,
    /// The key derived from the name.
    pub key: ContainerKey,
    /// The container's [`AUTO_FILL`](Container::AUTO_FILL).
    pub auto_fill: bool,
    /// The container's [`HAS_SELECTION`](Container::HAS_SELECTION).
    pub has_selection: bool,
    /// The container's [`SHOWS_PROGRESS`](Container::SHOWS_PROGRESS).
    pub shows_progress: bool,
    /// Its [`ORDER`](Container::ORDER).
    pub order: i32,
    /// Its [`HOLDS_ITEMS`](Container::HOLDS_ITEMS).
    pub holds_items: bool,
    /// The container's [`accepts`](Container::accepts).
    pub accepts: fn(usize, &ItemDef) -> bool,
    /// The container's [`rights`](Container::rights).
    pub rights: fn(usize) -> Rights,
}

impl ContainerInfo {
    /// Returns the description of container `C`.
    #[must_use]
    pub fn of<C: Container>() -> Self {
        Self {
            name: C::NAME,
            key: ContainerKey::of(C::NAME),
            auto_fill: C::AUTO_FILL,
            has_selection: C::HAS_SELECTION,
            shows_progress: C::SHOWS_PROGRESS,
            order: C::ORDER,
            holds_items: C::HOLDS_ITEMS,
            accepts: C::accepts,
            rights: C::rights,
        }
    }
}

/// Returns the maximum of the selected number of a container with this many slots: the last slot, or any number if it
/// is a progress.
pub(crate) fn selected_max(shows_progress: bool, slots: usize) -> u8 {
    let last = u8::try_from(slots.saturating_sub(1)).unwrap_or(u8::MAX);
    if shows_progress { u8::MAX } else { last }
}

/// Returns the selected number of a container. A slot that does not exist counts as the last one, because clients
/// reject it.
pub(crate) fn selected_in<C: Container>(container: &C) -> Option<u8> {
    let max = selected_max(C::SHOWS_PROGRESS, container.slots().len());
    container.selected().map(|selected| selected.min(max))
}
