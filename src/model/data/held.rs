//! Stacks outside of inventories, such as those in a mail queue.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bevy::ecs::component::Component;
use bytes::Bytes;
use thiserror::Error;

use super::{DataError, DataPool, ItemData};
use crate::model::{codec, id::DataId, stack::Stack};

/// A stack outside of inventories: in a mail queue, an auction, a quest reward. Its instance data is kept for as long
/// as the value exists.
///
/// [`Inventories::hold`](crate::prelude::Inventories::hold) creates one from a [`Stack`], and
/// [`Inventories::release`](crate::prelude::Inventories::release) converts it back. A plain [`Stack`] only has the id
/// of its data, which the pool [removes](crate::server::data::DataRetention) some time after the stack has left its
/// slot.
///
/// As with a [`Stack`], cloning duplicates the items, and they are lost when the last value is dropped. Values may be
/// cloned and dropped on any thread. A value may also be released in an app or world other than the one in which it was
/// held.
///
/// Taking a stack out of an inventory, and inserting it later, is
/// [reported](crate::server::audit::ItemsCreatedOrDestroyed) as usual. Holding and releasing it is not.
#[derive(Component, Clone)]
#[must_use = "items are lost when it is dropped"]
pub struct HeldStack {
    stack: Stack,
    value: Option<Arc<HeldValue>>,
}

/// The instance data of a held stack.
struct HeldValue {
    id: DataId,
    name: &'static str,
    bytes: Bytes,
    /// The list of the pool that keeps the value. `None` for a value that a client has received, which only the server
    /// can keep.
    dropped: Option<DroppedHolds>,
}

impl Drop for HeldValue {
    fn drop(&mut self) {
        if let Some(dropped) = &self.dropped {
            dropped.lock().push(self.id);
        }
    }
}

/// The values of one pool whose holders were dropped, possibly on other threads.
#[derive(Clone, Default, Debug)]
pub(super) struct DroppedHolds(Arc<Mutex<Vec<DataId>>>);

impl DroppedHolds {
    fn lock(&self) -> impl core::ops::DerefMut<Target = Vec<DataId>> + '_ {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self) -> Vec<DataId> {
        core::mem::take(&mut *self.lock())
    }
}

/// Error returned when a [`HeldStack`] cannot become a stack of this app. Contains the stack, so that it is not lost.
#[derive(Debug, Error)]
#[error("{held:?} cannot be released: {error}")]
pub struct ReleaseError {
    /// The stack.
    pub held: HeldStack,
    /// Why its data cannot be stored here.
    pub error: DataError,
}

impl fmt::Debug for HeldStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HeldStack").field(&self.stack).finish()
    }
}

impl HeldStack {
    pub(crate) const fn without_data(stack: Stack) -> Self {
        Self { stack, value: None }
    }

    /// Returns the stack, for inspection. The id of its data is only valid in the world in which it was held, and while
    /// this value exists. To put the stack into an inventory, release it.
    #[must_use]
    pub const fn stack(&self) -> Stack {
        self.stack
    }

    /// Returns the stack's instance data if it is of this type.
    #[must_use]
    pub fn data<T: ItemData>(&self) -> Option<T> {
        let value = self.value.as_ref().filter(|value| value.name == T::NAME)?;
        codec::from_data(&value.bytes).ok()
    }

    /// Returns the name of the data's type and the serialized value, for saves.
    pub(crate) fn raw(&self) -> Option<(&'static str, &Bytes)> {
        self.value.as_ref().map(|value| (value.name, &value.bytes))
    }
}

impl DataPool {
    /// Keeps the instance data of a stack outside of inventories. The same as
    /// [`Inventories::hold`](crate::prelude::Inventories::hold).
    ///
    /// # Errors
    ///
    /// [`DataError::NotFound`] if the stack's data no longer exists.
    pub fn hold(&mut self, stack: Stack) -> Result<HeldStack, DataError> {
        let Some(id) = stack.data else { return Ok(HeldStack::without_data(stack)) };
        let (name, bytes) = self.raw(id).ok_or(DataError::NotFound { data: id })?;
        let (bytes, own) = (bytes.clone(), self.received.is_none());
        let dropped = own.then(|| self.dropped_holds.clone());
        if own {
            self.add_holder(id);
        }
        Ok(HeldStack { stack, value: Some(Arc::new(HeldValue { id, name, bytes, dropped })) })
    }

    /// Converts a held stack back to a plain stack. The same as
    /// [`Inventories::release`](crate::prelude::Inventories::release).
    ///
    /// # Errors
    ///
    /// [`ReleaseError`] with the held stack if it comes from another app, and its data cannot be stored in this one.
    pub fn release(&mut self, held: HeldStack) -> Result<Stack, ReleaseError> {
        let Some(value) = &held.value else { return Ok(held.stack) };
        let is_own = |dropped: &DroppedHolds| Arc::ptr_eq(&dropped.0, &self.dropped_holds.0);
        if value.dropped.as_ref().is_some_and(is_own) {
            return Ok(held.stack);
        }
        match self.intern_named(value.name, value.bytes.clone()) {
            Ok(id) => Ok(held.stack.with_data(id)),
            Err(error) => Err(ReleaseError { held, error }),
        }
    }
}
