//! Limits on the contents of an inventory, such as the weight that a player can carry.

use core::fmt;
use std::sync::Arc;

use bevy::ecs::entity::Entity;

use super::{catalog::ItemCatalog, stack::Stack, state::InventoryState};

/// What a limit on an inventory adds up. By default, the number of items.
///
/// ```
/// use bevy_inventory_sync::prelude::*;
///
/// struct Props { grams: u64 }
///
/// let weight = Measure::new(|catalog, stack| {
///     catalog.props::<Props>(stack.item).map_or(0, |props| props.grams)
/// });
/// ```
#[derive(Clone, Default)]
pub struct Measure(Option<Arc<MeasureFn>>);

type MeasureFn = dyn Fn(&ItemCatalog, &Stack) -> u64 + Send + Sync;

impl Measure {
    /// Creates a measure from a function that returns the measure of a single item of a stack. The measure of a
    /// stack is that number times its count.
    #[must_use]
    pub fn new(of_one: impl Fn(&ItemCatalog, &Stack) -> u64 + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(of_one)))
    }

    /// Returns the measure of a single item of a stack.
    fn of_one(&self, catalog: &ItemCatalog, stack: &Stack) -> u64 {
        self.0.as_ref().map_or(1, |of_one| of_one(catalog, stack))
    }

    /// Returns the measure of everything in an inventory.
    pub(crate) fn of(&self, catalog: &ItemCatalog, state: &InventoryState) -> u64 {
        let of_stack =
            |stack: Stack| self.of_one(catalog, &stack).saturating_mul(u64::from(stack.count()));
        state.iter().flatten().map(of_stack).fold(0, u64::saturating_add)
    }
}

impl fmt::Debug for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Measure(custom)" } else { "Measure(count)" })
    }
}

impl PartialEq for Measure {
    /// Returns `true` if both count items, or both are clones of one measure.
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Measure {}

/// A limit that rules set on one inventory for one action.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) entity: Entity,
    pub(crate) measure: Measure,
    pub(crate) maximum: u64,
}

impl Limit {
    /// Returns the maximum measure after the action. An inventory that already exceeds the limit keeps its contents.
    fn cap(&self, catalog: &ItemCatalog, before: &InventoryState) -> u64 {
        self.maximum.max(self.measure.of(catalog, before))
    }

    /// Returns `true` if an inventory may change from `before` to `after`.
    pub(crate) fn permits(
        &self,
        catalog: &ItemCatalog,
        before: &InventoryState,
        after: &InventoryState,
    ) -> bool {
        self.measure.of(catalog, after) <= self.cap(catalog, before)
    }
}

/// A limit during a transaction, with the current measure of the inventory.
#[derive(Debug)]
pub(crate) struct Allowance {
    limit: Limit,
    cap: u64,
    now: u64,
}

impl Allowance {
    pub(crate) fn new(limit: &Limit, catalog: &ItemCatalog, before: &InventoryState) -> Self {
        let now = limit.measure.of(catalog, before);
        Self { limit: limit.clone(), cap: limit.cap(catalog, before), now }
    }

    /// Records that a slot has changed.
    pub(crate) fn record(&mut self, catalog: &ItemCatalog, old: Option<Stack>, new: Option<Stack>) {
        let of = |stack: Option<Stack>| {
            let stack = stack.map(|stack| (self.limit.measure.of_one(catalog, &stack), stack));
            stack.map_or(0, |(one, stack)| one.saturating_mul(u64::from(stack.count())))
        };
        self.now = self.now.saturating_add(of(new)).saturating_sub(of(old));
    }

    /// Returns the number of items of a stack that may be added.
    pub(crate) fn room(&self, catalog: &ItemCatalog, stack: &Stack) -> u32 {
        let left = self.cap.saturating_sub(self.now);
        let room = left.checked_div(self.limit.measure.of_one(catalog, stack));
        room.map_or(u32::MAX, |room| u32::try_from(room).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measure_equals_its_clones_only() {
        let [a, b] = [(); 2].map(|()| Measure::new(|_, _| 1));
        assert_eq!(a, a.clone());
        assert_ne!(a, b);
        assert_ne!(a, Measure::default());
        assert_eq!(Measure::default(), Measure::default());
    }
}
