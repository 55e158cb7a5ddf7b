//! What a grid currently shows, and which nodes show it.

use bevy::{a11y::AccessibilityNode, prelude::*};

use crate::model::{
    container::{ContainerRef, Slot, SlotRef},
    id::ContainerKey,
};

use super::cell::SlotCell;

/// What a grid currently shows.
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
    /// Distance of the first slot from the edges of the grid: room for the focus frame.
    pub(super) inset: f32,
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

    /// Returns the first row that is at least partly on screen at a scroll position.
    pub(super) fn row_at(&self, position: f32) -> usize {
        let last = self.rows_in_all().saturating_sub(self.rows);
        (0..=last).rev().find(|row| count(*row) * self.pitch <= position).unwrap_or_default()
    }

    /// Returns the node of a position on screen.
    pub(super) fn node_at(&self, position: usize) -> Entity {
        self.cells[position % self.cells.len()]
    }

    /// Returns the slot at a position.
    pub(super) fn slot_at(&self, position: usize) -> SlotRef {
        let index = self.first + u16::try_from(position).unwrap_or(u16::MAX);
        (self.inventory, Slot { container: self.container, index })
    }
}

/// Assigns slots to the nodes, and moves the nodes to their places. Nodes below the last slot are hidden.
pub(super) fn bind(commands: &mut Commands, grid: Entity, shown: &GridShown) {
    let begin = shown.top * shown.columns;
    for position in begin..begin + shown.cells.len() {
        let mut node = commands.entity(shown.node_at(position));
        if position >= shown.len {
            node.remove::<SlotCell>().insert(Visibility::Hidden);
            continue;
        }
        let (inventory, slot) = shown.slot_at(position);
        let (row, column) = (position / shown.columns, position % shown.columns);
        let at = |index| px(count(index) * shown.pitch + shown.inset);
        let (left, top) = (at(column), at(row));
        let len = shown.len;
        node.insert((SlotCell { inventory, slot, grid, position }, Visibility::Inherited));
        node.entry::<Node>().and_modify(move |mut node| (node.left, node.top) = (left, top));
        node.entry::<AccessibilityNode>().and_modify(move |mut node| {
            node.set_row_index(row);
            node.set_column_index(column);
            node.set_position_in_set(position);
            node.set_size_of_set(len);
        });
    }
}

/// Assigns slots to the nodes for a scroll position. Returns `true` if other rows are on screen than before.
pub(super) fn scroll_to(
    commands: &mut Commands,
    grid: Entity,
    shown: &mut Mut<GridShown>,
    position: f32,
) -> bool {
    let top = shown.row_at(position);
    let scrolls = top != shown.top;
    if scrolls {
        shown.top = top;
        bind(commands, grid, shown);
    }
    scrolls
}

/// Returns `true` if a node is displayed.
pub(super) fn is_on_screen((node, visible): (&ComputedNode, &InheritedVisibility)) -> bool {
    visible.get() && node.size().min_element() > 0.0
}

/// Converts a number of slots, to multiply it by a length. Inventories have at most 8,192 slots.
pub(super) fn count(slots: usize) -> f32 {
    u16::try_from(slots).map_or(f32::from(u16::MAX), f32::from)
}
