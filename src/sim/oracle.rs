//! Computes what every inventory must contain. Uses plain lists. Takes the catalog and the rules of slots from the
//! app, and computes everything else itself.

mod actions;

pub(super) use actions::named;

use bevy::{
    ecs::entity::{EntityHashMap, EntityHashSet},
    platform::collections::HashMap,
    prelude::*,
};

use crate::{
    model::{
        catalog::ItemCatalog,
        container::{ContainerInfo, ContainerRef, SlotRef},
        id::{ContainerKey, InventoryId, ItemId},
        recipe::{Recipe, RecipeId},
        rights::Rights,
    },
    shared::containers::ContainerRegistry,
};

use super::plain::{Cell, PlainContainer, PlainInventory, PlainStack, Totals, add};

/// Why the oracle does not carry out an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The action is not possible.
    Impossible,
    /// The outcome depends on something that the oracle does not know. The items involved must still add up.
    Unknown,
}

/// One slot: entity, container type, index.
pub(super) type At = (Entity, u8, usize);

/// What every inventory must contain.
#[derive(Clone)]
pub struct Oracle {
    kinds: Vec<ContainerInfo>,
    catalog: ItemCatalog,
    /// The inventories, without loot on the ground.
    pub inventories: EntityHashMap<PlainInventory>,
    /// Inventories by id.
    pub names: HashMap<InventoryId, Entity>,
    /// Items on the ground.
    pub ground: Totals,
    /// Inventories that an action touched whose outcome the oracle does not know, since the last comparison.
    pub unknown: EntityHashSet,
    /// Whether such an action may have changed wear or data.
    pub changes_kinds: bool,
    /// Inventories in which a rule limits the number of items.
    pub limited: EntityHashSet,
    /// The earlier contents of slots written by an attempt, in the order in which they were written.
    written: Vec<(At, Cell)>,
}

impl Oracle {
    /// Creates an oracle without inventories, with the containers and items of an app.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self {
            kinds: world.resource::<ContainerRegistry>().as_slice().to_vec(),
            catalog: world.resource::<ItemCatalog>().clone(),
            inventories: EntityHashMap::default(),
            names: HashMap::default(),
            ground: Totals::default(),
            unknown: EntityHashSet::default(),
            changes_kinds: false,
            limited: EntityHashSet::default(),
            written: Vec::new(),
        }
    }

    /// Returns a recipe.
    #[must_use]
    pub fn recipe(&self, id: RecipeId) -> Option<&Recipe> {
        self.catalog.recipe(id)
    }

    /// Returns the index of a container type.
    pub(super) fn kind_of(&self, key: ContainerKey) -> Option<u8> {
        let index = self.kinds.iter().position(|kind| kind.key == key)?;
        u8::try_from(index).ok()
    }

    /// Returns the rights of any player to a slot of a container type.
    pub(super) fn rights(&self, kind: u8, index: usize) -> Rights {
        (self.kinds[usize::from(kind)].rights)(index)
    }

    fn accepts(&self, kind: u8, index: usize, item: ItemId) -> bool {
        let def = self.catalog.get(item);
        def.is_some_and(|def| (self.kinds[usize::from(kind)].accepts)(index, def))
    }

    /// Returns the maximum stack of an item.
    pub(super) fn max_stack(&self, item: ItemId) -> u32 {
        self.catalog.get(item).map_or(1, |def| def.max_stack)
    }

    fn rank(&self, item: ItemId) -> usize {
        self.catalog.defs().iter().position(|def| def.id() == item).unwrap_or(usize::MAX)
    }

    /// Returns the slots of a container or of a whole inventory, in the order in which they are stored.
    fn slots(&self, area: ContainerRef) -> Result<Vec<At>, Refusal> {
        let there = self.inventories.get(&area.entity).ok_or(Refusal::Impossible)?;
        let only = match area.container {
            Some(key) => Some(self.kind_of(key).ok_or(Refusal::Impossible)?),
            None => None,
        };
        if only.is_some_and(|kind| there.cells(kind).is_none()) {
            return Err(Refusal::Impossible);
        }
        let chosen = there.containers.iter().filter(|c| only.is_none_or(|kind| kind == c.kind));
        let slots = |c: &PlainContainer| {
            let kind = c.kind;
            (0..c.cells.len()).map(move |index| (area.entity, kind, index))
        };
        Ok(chosen.flat_map(slots).collect())
    }

    /// Returns the slots of an area in the order in which they are filled. A whole inventory is filled container by
    /// container, without those that must be named.
    fn filled_slots(&self, area: ContainerRef) -> Result<Vec<At>, Refusal> {
        let mut slots = self.slots(area)?;
        if area.container.is_none() {
            slots.retain(|(_, kind, _)| self.kinds[usize::from(*kind)].auto_fill);
            slots.sort_by_key(|(_, kind, _)| self.kinds[usize::from(*kind)].order);
        }
        Ok(slots)
    }

    /// Returns the slot that an action names.
    fn at(&self, (entity, slot): SlotRef) -> Result<At, Refusal> {
        let kind = self.kind_of(slot.container).ok_or(Refusal::Impossible)?;
        let at = (entity, kind, usize::from(slot.index));
        self.cell(at).map(|_| at)
    }

    fn cell(&self, (entity, kind, index): At) -> Result<Cell, Refusal> {
        let cells = self.inventories.get(&entity).and_then(|there| there.cells(kind));
        cells.and_then(|cells| cells.get(index)).copied().ok_or(Refusal::Impossible)
    }

    /// Writes one slot.
    pub fn set(&mut self, at: At, cell: Cell) {
        let (entity, kind, index) = at;
        let there = self.inventories.get_mut(&entity);
        if let Some(there) = there.and_then(|there| there.cell_mut(kind, index)) {
            self.written.push((at, core::mem::replace(there, cell)));
        }
    }

    /// Puts as much of a stack into an area as fits, and returns the rest.
    fn insert(
        &mut self,
        area: ContainerRef,
        mut stack: PlainStack,
        left_out: Option<At>,
        by_player: bool,
    ) -> Result<Cell, Refusal> {
        let mut slots = self.filled_slots(area)?;
        slots.retain(|at| {
            let (_, kind, index) = *at;
            Some(*at) != left_out
                && self.accepts(kind, index, stack.item)
                && (!by_player || self.rights(kind, index).contains(Rights::PUT))
        });
        for onto_stacks in [true, false] {
            for at in &slots {
                let there = self.cell(*at)?;
                if there.is_some() != onto_stacks
                    || there.is_some_and(|there| there.kind() != stack.kind())
                {
                    continue;
                }
                let have = there.map_or(0, |there| there.count);
                let part = stack.count.min(self.max_stack(stack.item).saturating_sub(have));
                if part == 0 {
                    continue;
                }
                self.set(*at, stack.with(have + part));
                match stack.with(stack.count - part) {
                    Some(rest) => stack = rest,
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(stack))
    }

    /// Takes exactly `count` of an item out of areas, from their last slots backwards.
    fn take(
        &mut self,
        areas: &[ContainerRef],
        item: ItemId,
        count: u32,
        by_player: bool,
    ) -> Result<(), Refusal> {
        let mut found = Vec::new();
        for area in areas {
            for at in self.filled_slots(*area)?.into_iter().rev() {
                let stack = self.cell(at)?.filter(|stack| stack.item == item);
                let may = !by_player || self.rights(at.1, at.2).contains(Rights::TAKE);
                if let Some(stack) = stack.filter(|_| may && !found.iter().any(|(b, _)| *b == at)) {
                    found.push((at, stack));
                }
            }
        }
        let special = |stack: &PlainStack| stack.wear > 0 || stack.label.is_some();
        if by_player && found.iter().any(|(_, stack)| special(stack)) {
            // The player's client decides which of them are taken.
            return Err(Refusal::Unknown);
        }
        found.sort_by_key(|(_, stack)| special(stack));
        let mut left = count;
        for (at, stack) in found {
            let part = left.min(stack.count);
            self.set(at, stack.with(stack.count - part));
            left -= part;
        }
        if left > 0 { Err(Refusal::Impossible) } else { Ok(()) }
    }

    /// Carries out steps that write slots and drop items, completely or not at all. Attempts do not nest.
    ///
    /// # Errors
    ///
    /// The error of the steps; nothing has changed then.
    pub fn attempt<T>(
        &mut self,
        steps: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.written.clear();
        let ground = self.ground.clone();
        let result = steps(self);
        if result.is_err() {
            self.ground = ground;
            for (at, before) in core::mem::take(&mut self.written).into_iter().rev() {
                self.set(at, before);
            }
        }
        self.written.clear();
        result
    }

    /// Inserts a stack for the game wherever it fits, and returns the rest.
    pub fn game_inserts(&mut self, entity: Entity, stack: PlainStack) -> Cell {
        self.insert(entity.into(), stack, None, false).unwrap_or(Some(stack))
    }

    /// Takes items for the game, or nothing if there are not enough. Returns `true` if there were.
    pub fn game_takes(&mut self, entity: Entity, item: ItemId, count: u32) -> bool {
        self.attempt(|oracle| oracle.take(&[entity.into()], item, count, false)).is_ok()
    }

    /// Moves items for the game from one inventory to another. Returns `true` if all fit; moves nothing otherwise.
    pub fn game_transfers(&mut self, from: Entity, to: Entity, item: ItemId, count: u32) -> bool {
        let plain = PlainStack { item, count, wear: 0, label: None };
        let moved = self.attempt(|oracle| {
            oracle.take(&[from.into()], item, count, false)?;
            let rest = oracle.insert(to.into(), plain, None, false)?;
            if rest.is_some() { Err(Refusal::Impossible) } else { Ok(()) }
        });
        moved.is_ok()
    }

    /// Puts everything in one inventory into another, and drops what does not fit.
    pub fn returns(&mut self, from: Entity, to: Entity) {
        let Ok(slots) = self.slots(from.into()) else { return };
        for at in slots {
            let Ok(Some(stack)) = self.cell(at) else { continue };
            self.set(at, None);
            let rest = self.game_inserts(to, stack);
            add(&mut self.ground, &rest);
        }
    }

    /// Smelts one ore in a furnace. Returns `false` if that is not possible.
    pub fn smelt(&mut self, furnace: Entity, from: ContainerKey, to: ContainerKey) -> bool {
        let area = |container| ContainerRef { entity: furnace, container: Some(container) };
        let ingot = PlainStack { item: ItemId::of("ingot"), count: 1, wear: 0, label: None };
        let smelted = self.attempt(|oracle| {
            oracle.take(&[area(from)], ItemId::of("ore"), 1, false)?;
            let rest = oracle.insert(area(to), ingot, None, false)?;
            if rest.is_some() { Err(Refusal::Impossible) } else { Ok(()) }
        });
        smelted.is_ok()
    }

    /// Returns the items in inventories.
    pub fn totals<'a>(&self, of: impl IntoIterator<Item = &'a Entity>) -> Totals {
        let mut totals = Totals::default();
        for there in of.into_iter().filter_map(|entity| self.inventories.get(entity)) {
            add(&mut totals, there.stacks());
        }
        totals
    }
}
