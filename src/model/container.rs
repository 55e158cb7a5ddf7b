//! Containers: components over one [`Slots`] each, and how their slots are addressed.

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

/// A component made of slots. All containers of one entity are one unit: opened, sent, versioned and
/// saved together.
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
///     const FILL: bool = false; // nobody is dressed by picking up boots
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
    /// Unique among the game's containers; part of slot addresses and of saves.
    const NAME: &'static str;

    /// Whether [`give`](crate::prelude::Inventories::give) may put things here by itself.
    const FILL: bool = true;

    /// Whether it has a selected slot. Of several such containers in a unit the one registered first is
    /// synced.
    const SELECTS: bool = false;

    /// Whether that number is not a selected slot but the container's own: the progress of a furnace, a
    /// charge. It is synced the same way; players cannot set it. Needs [`SELECTS`](Self::SELECTS).
    const PROGRESS: bool = false;

    /// Makes the component on a client, where the slots come from the server.
    fn from_slots(slots: Slots) -> Self;

    /// The slots.
    fn slots(&self) -> &Slots;

    /// The slots, to change.
    fn slots_mut(&mut self) -> &mut Slots;

    /// What a slot takes. A pure function that server and clients both know; plain mutation is not
    /// held to it.
    #[must_use]
    fn accepts(slot: usize, item: &ItemDef) -> bool {
        let _ = (slot, item);
        true
    }

    /// What players may do with a slot at most, whatever their rights to the inventory: a furnace's output
    /// can be taken from and not put into. A pure function that both sides know; the server's own code is
    /// not held to it.
    #[must_use]
    fn rights(slot: usize) -> Rights {
        let _ = slot;
        Rights::USE
    }

    /// The selected slot, for a container that [`SELECTS`](Self::SELECTS) one.
    #[must_use]
    fn selected(&self) -> Option<u8> {
        None
    }

    /// Selects a slot, for a container that [`SELECTS`](Self::SELECTS) one.
    fn select(&mut self, slot: u8) {
        let _ = slot;
    }

    /// The address of the slot at `index` in this container.
    ///
    /// # Panics
    ///
    /// If `index` is above 65,535.
    #[must_use]
    fn slot(index: usize) -> Slot {
        let index = u16::try_from(index).expect("a unit never has so many slots");
        Slot { container: ContainerKey::of(Self::NAME), index }
    }
}

/// Addresses one slot of a unit: `Hotbar::slot(3)`, written `hotbar[3]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Reflect, Serialize, Deserialize)]
pub struct Slot {
    /// In which container.
    pub container: ContainerKey,
    /// Which of its slots, from zero.
    pub index: u16,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}[{}]", self.container, self.index)
    }
}

impl Slot {
    /// The address of the slot at `index` of the container of a registered kind.
    ///
    /// # Panics
    ///
    /// If there is no such kind, or `index` is above 65,535.
    #[must_use]
    pub fn at(kinds: &[Kind], kind: u8, index: usize) -> Self {
        let index = u16::try_from(index).expect("a unit never has so many slots");
        Self { container: kinds[usize::from(kind)].key, index }
    }

    /// The index, if this slot is in container `C`.
    #[must_use]
    pub fn index_in<C: Container>(self) -> Option<usize> {
        (self.container == ContainerKey::of(C::NAME)).then_some(usize::from(self.index))
    }
}

/// One slot of one entity: `(chest, Inventory::slot(3))`.
pub type Place = (Entity, Slot);

/// All containers of an entity, or one of them: where to put things, or to take them from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Reflect)]
pub struct Area {
    /// The entity.
    pub entity: Entity,
    /// Which of its containers; all, if `None`.
    pub container: Option<ContainerKey>,
}

impl Area {
    /// All containers of an entity.
    #[must_use]
    pub const fn all(entity: Entity) -> Self {
        Self { entity, container: None }
    }

    /// One container of an entity: `Area::of::<Hotbar>(player)`.
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

/// The main container: a backpack, a chest. 27 slots unless told otherwise.
#[derive(Component, Clone, PartialEq, Eq, Debug, Reflect)]
#[reflect(Component)]
pub struct Inventory(pub Slots);

impl Inventory {
    /// How many slots [`Inventory::default`] has.
    pub const DEFAULT_LEN: usize = 27;

    /// So many empty slots.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self(Slots::new(len))
    }

    /// As [`Slots::set`]. Here too because [`Reflect::set`] would be found before it.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`].
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

/// The quick row, with one slot selected: what the player has in hand. 9 slots unless told otherwise.
#[derive(Component, Clone, PartialEq, Eq, Debug, Reflect)]
#[reflect(Component)]
pub struct Hotbar {
    /// The slots.
    pub slots: Slots,
    selected: u8,
}

impl Hotbar {
    /// How many slots [`Hotbar::default`] has.
    pub const DEFAULT_LEN: usize = 9;

    /// So many empty slots, the first one selected.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { slots: Slots::new(len), selected: 0 }
    }

    /// The index of the selected slot; the last one if the hotbar has become shorter.
    #[must_use]
    pub fn selected_index(&self) -> usize {
        usize::from(self.selected).min(self.slots.len().saturating_sub(1))
    }

    /// What lies in the selected slot.
    #[must_use]
    pub fn held(&self) -> Option<Stack> {
        self.slots.get(self.selected_index())
    }

    /// As [`Slots::set`]. Here too because [`Reflect::set`] would be found before it.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`].
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

    /// Selects a slot; past the end nothing happens.
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
