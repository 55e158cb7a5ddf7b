//! What a grid shows at present, and which nodes show it.

use bevy::{a11y::AccessibilityNode, prelude::*};

use crate::model::{
    container::{ContainerRef, Slot, SlotRef},
    id::ContainerKey,
};

use super::cell::{FOCUS_WIDTH, SlotCell};

/// What a grid shows at present.
#[derive(Component, Clone, PartialEq, Debug)]
pub(super) struct GridShown {
    pub(super) inventory: Entity,
    pub(super) container: ContainerKey,
    /// Index of the first slot.
    pub(super) first: u16,
    /// Number of slots.
    pub(super) len: usize,
    pub(super) columns: usize,
    /// Number of rows on screen.
    pub(super) rows: usize,
    /// Distance between rows.
    pub(super) pitch: f32,
    /// First row that has nodes.
    pub(super) top: usize,
    /// The node that scrolls, with the slots as its children.
    pub(super) content: Entity,
    /// Nodes of the slots. The slot at position `n` is at index `n % cells.len()`.
    pub(super) cells: Vec<Entity>,
    /// The scroll bar, if not all rows are on screen.
    pub(super) bar: Option<Entity>,
}

impl GridShown {
    pub(super) fn area(&self) -> ContainerRef {
        ContainerRef { entity: self.inventory, container: Some(self.container) }
    }

    pub(super) fn rows_in_all(&self) -> usize {
        self.len.div_ceil(self.columns)
    }

    /// Returns the node of the slot at a position, if it has one.
    pub(super) fn cell_at(&self, position: usize) -> Option<Entity> {
        let begin = self.top * self.columns;
        let there = (begin..self.len.min(begin + self.cells.len())).contains(&position);
        there.then(|| self.cells[position % self.cells.len()])
    }

    /// Returns the slot at a position.
    pub(super) fn slot_at(&self, position: usize) -> SlotRef {
        let index = self.first + u16::try_from(position).unwrap_or(u16::MAX);
        (self.inventory, Slot { container: self.container, index })
    }

    /// Returns what each node shows, with its place in the grid.
    fn bindings(&self, grid: Entity) -> impl Iterator<Item = (Entity, SlotCell)> {
        let begin = self.top * self.columns;
        let positions = begin..self.len.min(begin + self.cells.len());
        positions.map(move |position| {
            let (inventory, slot) = self.slot_at(position);
            let cell = SlotCell { inventory, slot, grid, position };
            (self.cells[position % self.cells.len()], cell)
        })
    }
}

/// Assigns slots to the nodes, and moves the nodes to their places.
pub(super) fn bind(commands: &mut Commands, grid: Entity, shown: &GridShown) {
    let bound = shown.bindings(grid).map(|(node, _)| node).collect::<Vec<_>>();
    for (node, cell) in shown.bindings(grid) {
        let (row, column) = (cell.position / shown.columns, cell.position % shown.columns);
        let at = |index| px(count(index) * shown.pitch + FOCUS_WIDTH);
        let (left, top) = (at(column), at(row));
        let (len, position) = (shown.len, cell.position);
        commands
            .entity(node)
            .insert((cell, Visibility::Inherited))
            .entry::<Node>()
            .and_modify(move |mut node| (node.left, node.top) = (left, top));
        commands.entity(node).entry::<AccessibilityNode>().and_modify(move |mut node| {
            node.set_row_index(row);
            node.set_column_index(column);
            node.set_position_in_set(position);
            node.set_size_of_set(len);
        });
    }
    for node in shown.cells.iter().filter(|node| !bound.contains(node)) {
        commands.entity(*node).remove::<SlotCell>().insert(Visibility::Hidden);
    }
}

/// Converts a number of slots to a number of pixels' factor. Containers have at most 65,536 slots.
pub(super) fn count(slots: usize) -> f32 {
    u16::try_from(slots).map_or(f32::from(u16::MAX), f32::from)
}
