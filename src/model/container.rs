//! Containers: components that each hold one [`Slots`], and the addresses of their slots.

use core::{
    fmt,
    ops::{Deref, DerefMut},
};

use bevy::{
    ecs::component::{Component, Mutable},
    ecs::entity::Entity,
    ecs::reflect::ReflectComponent,
    reflect::Reflect,
};
use serde::{Deserialize, Serialize};

use super::{
    error::SlotError, id::ContainerKey, items::ItemDef, rights::Rights, slots::Slots, stack::Stack,
    unit::Kind,
};

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
///     const FILL: bool = false; // boots that are picked up are not put on
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
/// Register it on both sides, in the same order, with
/// [`add_container`](crate::prelude::InventoryAppExt::add_container).
pub trait Container: Component<Mutability = Mutable> + Sized {
    /// Unique name among the game's containers; part of slot addresses and of saves.
    const NAME: &'static str;

    /// Whether [`give`](crate::prelude::Inventories::give) may put items here automatically.
    /// Defaults to `true`.
    const FILL: bool = true;

    /// Whether the container has a selected slot. If several containers of an inventory have one,
    /// only that of the container registered first is synced. Defaults to `false`.
    const SELECTS: bool = false;

    /// Whether the selected number is a value of the container instead of a slot, such as the
    /// progress of a furnace or a charge. It is synced the same way, but players cannot set it.
    /// Requires [`SELECTS`](Self::SELECTS). Defaults to `false`.
    const PROGRESS: bool = false;

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

    /// Returns the selected slot, for a container that [`SELECTS`](Self::SELECTS) one.
    #[must_use]
    fn selected(&self) -> Option<u8> {
        None
    }

    /// Selects a slot, for a container that [`SELECTS`](Self::SELECTS) one.
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
    pub fn at(kinds: &[Kind], kind: u8, index: usize) -> Self {
        let index = u16::try_from(index).expect("slot index must not exceed 65535");
        Self { container: kinds[usize::from(kind)].key, index }
    }

    /// Returns the index, if this slot is in container `C`.
    #[must_use]
    pub fn index_in<C: Container>(self) -> Option<usize> {
        (self.container == ContainerKey::of(C::NAME)).then_some(usize::from(self.index))
    }
}

/// One slot of one entity: `(chest, Inventory::slot(3))`.
pub type Place = (Entity, Slot);

/// All containers of an entity, or one of them: a source or target of items.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Reflect)]
pub struct Area {
    /// The entity.
    pub entity: Entity,
    /// Which of its containers; all if `None`.
    pub container: Option<ContainerKey>,
}

impl Area {
    /// Returns the area of all containers of an entity.
    #[must_use]
    pub const fn all(entity: Entity) -> Self {
        Self { entity, container: None }
    }

    /// Returns the area of one container of an entity: `Area::of::<Hotbar>(player)`.
    #[must_use]
    pub const fn of<C: Container>(entity: Entity) -> Self {
        Self { entity, container: Some(ContainerKey::of(C::NAME)) }
    }
}

impl From<Entity> for Area {
    fn from(entity: Entity) -> Self {
        Self::all(entity)
    }
}

/// The main container: a backpack, a chest. 27 slots by default.
#[derive(Component, Clone, PartialEq, Eq, Debug, Reflect)]
#[reflect(Component)]
pub struct Inventory(pub Slots);

impl Inventory {
    /// Number of slots of [`Inventory::default`].
    pub const DEFAULT_LEN: usize = 27;

    /// Creates `len` empty slots.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self(Slots::new(len))
    }

    /// Like [`Slots::set`]. Also defined here because [`Reflect::set`] would otherwise take
    /// precedence.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`] if there is no such slot.
    pub fn set(
        &mut self,
        slot: usize,
        stack: impl Into<Option<Stack>>,
    ) -> Result<Option<Stack>, SlotError> {
        self.0.set(slot, stack)
    }
}

impl Default for Inventory {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LEN)
    }
}

impl Container for Inventory {
    const NAME: &'static str = "inventory";

    fn from_slots(slots: Slots) -> Self {
        Self(slots)
    }

    fn slots(&self) -> &Slots {
        &self.0
    }

    fn slots_mut(&mut self) -> &mut Slots {
        &mut self.0
    }
}

impl Deref for Inventory {
    type Target = Slots;

    fn deref(&self) -> &Slots {
        &self.0
    }
}

impl DerefMut for Inventory {
    fn deref_mut(&mut self) -> &mut Slots {
        &mut self.0
    }
}

/// The hotbar, with one slot selected: the item in the player's hand. 9 slots by default.
#[derive(Component, Clone, PartialEq, Eq, Debug, Reflect)]
#[reflect(Component)]
pub struct Hotbar {
    /// The slots.
    pub slots: Slots,
    selected: u8,
}

impl Hotbar {
    /// Number of slots of [`Hotbar::default`].
    pub const DEFAULT_LEN: usize = 9;

    /// Creates `len` empty slots, with the first one selected.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { slots: Slots::new(len), selected: 0 }
    }

    /// Returns the index of the selected slot; the last slot if the hotbar has become shorter.
    #[must_use]
    pub fn selected_index(&self) -> usize {
        usize::from(self.selected).min(self.slots.len().saturating_sub(1))
    }

    /// Returns the contents of the selected slot.
    #[must_use]
    pub fn held(&self) -> Option<Stack> {
        self.slots.get(self.selected_index())
    }

    /// Like [`Slots::set`]. Also defined here because [`Reflect::set`] would otherwise take
    /// precedence.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`] if there is no such slot.
    pub fn set(
        &mut self,
        slot: usize,
        stack: impl Into<Option<Stack>>,
    ) -> Result<Option<Stack>, SlotError> {
        self.slots.set(slot, stack)
    }
}

impl Default for Hotbar {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LEN)
    }
}

impl Container for Hotbar {
    const NAME: &'static str = "hotbar";
    const SELECTS: bool = true;

    fn from_slots(slots: Slots) -> Self {
        Self { slots, selected: 0 }
    }

    fn slots(&self) -> &Slots {
        &self.slots
    }

    fn slots_mut(&mut self) -> &mut Slots {
        &mut self.slots
    }

    fn selected(&self) -> Option<u8> {
        u8::try_from(self.selected_index()).ok()
    }

    /// Selects a slot. Does nothing if it is out of range.
    fn select(&mut self, slot: u8) {
        if usize::from(slot) < self.slots.len() {
            self.selected = slot;
        }
    }
}

impl Deref for Hotbar {
    type Target = Slots;

    fn deref(&self) -> &Slots {
        &self.slots
    }
}

impl DerefMut for Hotbar {
    fn deref_mut(&mut self) -> &mut Slots {
        &mut self.slots
    }
}
