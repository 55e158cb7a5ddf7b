//! Stacks outside of inventories.

use crate::model::{
    data::{
        DataError, DataPool,
        held::{HeldStack, ReleaseError},
    },
    saved::{SavedHeldStack, SavedStackError},
    stack::Stack,
};

use super::Inventories;

impl Inventories<'_, '_> {
    /// Keeps the instance data of a stack outside of inventories, for as long as the returned value or a clone of it
    /// exists. Take the stack out of its inventory as well, or the items exist twice. The guide has an
    /// [example](crate::guide::items#stacks-outside-of-inventories).
    ///
    /// # Errors
    ///
    /// [`DataError::NotFound`] if the stack's data no longer exists.
    pub fn hold(&mut self, stack: Stack) -> Result<HeldStack, DataError> {
        let mut empty = DataPool::default();
        self.pool.as_deref_mut().unwrap_or(&mut empty).hold(stack)
    }

    /// Converts a held stack back to a plain stack, which can be put into an inventory.
    ///
    /// # Errors
    ///
    /// [`ReleaseError`] with the held stack if it comes from another app, and its data cannot be stored in this one.
    pub fn release(&mut self, held: HeldStack) -> Result<Stack, ReleaseError> {
        let mut empty = DataPool::default();
        self.pool.as_deref_mut().unwrap_or(&mut empty).release(held)
    }

    /// Saves a held stack with its item by key and its instance data by value, for any serde format.
    ///
    /// # Errors
    ///
    /// [`SavedStackError::NoCatalog`] or [`SavedStackError::UnknownItem`].
    pub fn save_held(&self, held: &HeldStack) -> Result<SavedHeldStack, SavedStackError> {
        let catalog = self.catalog.as_deref().ok_or(SavedStackError::NoCatalog)?;
        SavedHeldStack::new(held, catalog)
    }

    /// Restores a held stack. If that fails, keep the saved stack, so that it can be saved again.
    ///
    /// # Errors
    ///
    /// [`SavedStackError`] if this build of the game lacks the item or the type of its data.
    pub fn load_held(&mut self, saved: &SavedHeldStack) -> Result<HeldStack, SavedStackError> {
        let catalog = self.catalog.as_deref().ok_or(SavedStackError::NoCatalog)?;
        let mut empty = DataPool::default();
        saved.restore(catalog, self.pool.as_deref_mut().unwrap_or(&mut empty))
    }
}
