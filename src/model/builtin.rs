//! The built-in containers: [`Inventory`] and [`Hotbar`].

use super::{
    container::Container,
    slots::{SlotError, Slots},
    stack::Stack,
};
use bevy::ecs::component::Component;
use bevy::ecs::reflect::ReflectComponent;
use bevy::reflect::Reflect;
use core::ops::Deref;
use core::ops::DerefMut;

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
    const ORDER: i32 = 0;

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
    const ORDER: i32 = 1;
    const HAS_SELECTION: bool = true;

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
