//! One slot on screen: a node with an icon, a count and a wear bar.

use accesskit::{Node as AccessNode, Role};
use bevy::{
    a11y::AccessibilityNode,
    ecs::{entity::EntityHashSet, lifecycle::HookContext, world::DeferredWorld},
    input_focus::tab_navigation::TabIndex,
    platform::collections::HashMap,
    prelude::*,
    ui::auto_directional_navigation::AutoDirectionalNavigation,
};

use crate::model::{
    container::{Slot, SlotRef},
    id::ContainerKey,
    stack::Stack,
};

use super::theme::{InventoryUiTheme, Sliced, hidden};

/// The node of a slot. Query it to find out which slot a node shows.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[component(immutable, on_insert = SlotCell::index, on_discard = SlotCell::forget)]
#[require(SlotLook)]
pub struct SlotCell {
    /// The entity with the container.
    pub inventory: Entity,
    /// The slot.
    pub slot: Slot,
    /// The grid that the node belongs to.
    pub grid: Entity,
    /// Position of the slot in the grid, starting at zero.
    pub position: usize,
}

impl SlotCell {
    /// Returns the address of the slot, for actions.
    #[must_use]
    pub const fn place(self) -> SlotRef {
        (self.inventory, self.slot)
    }

    fn index(mut world: DeferredWorld, HookContext { entity, .. }: HookContext) {
        if let Some(cell) = world.get::<Self>(entity).copied() {
            world.resource_mut::<SlotCells>().cells.entry(cell.place()).or_default().insert(entity);
            world.resource_mut::<DirtyCells>().0.insert(entity);
        }
    }

    fn forget(mut world: DeferredWorld, HookContext { entity, .. }: HookContext) {
        let Some(cell) = world.get::<Self>(entity).copied() else { return };
        let mut index = world.resource_mut::<SlotCells>();
        if let Some(nodes) = index.cells.get_mut(&cell.place()) {
            nodes.remove(&entity);
            if nodes.is_empty() {
                index.cells.remove(&cell.place());
            }
        }
    }
}

/// What the node of a slot shows.
#[derive(Component, Clone, Copy, PartialEq, Default, Debug)]
pub struct SlotLook {
    /// The stack to draw: without the items that are carried, and with those that are being spread.
    pub stack: Option<Stack>,
    /// Whether the slot is waiting for the server's answer.
    pub pending: bool,
    /// Whether the pointer is over the slot, or a stack is being spread over it.
    pub hovered: bool,
    /// Whether the slot has the keyboard focus and the focus is visible.
    pub focused: bool,
    /// Whether it is the selected slot of the hotbar.
    pub selected: bool,
    /// Whether it has been painted.
    pub(super) painted: bool,
}

/// The nodes of all slots on screen.
#[derive(Resource, Default, Debug)]
pub struct SlotCells {
    cells: HashMap<SlotRef, EntityHashSet>,
}

impl SlotCells {
    /// Iterates over the nodes that show a slot.
    pub fn of(&self, slot: SlotRef) -> impl Iterator<Item = Entity> {
        self.cells.get(&slot).into_iter().flatten().copied()
    }

    /// Iterates over the nodes that show a slot of an inventory.
    pub(super) fn of_inventory(&self, inventory: Entity) -> impl Iterator<Item = Entity> {
        let cells = self.cells.iter().filter(move |((of, _), _)| *of == inventory);
        cells.flat_map(|(_, nodes)| nodes.iter().copied())
    }

    /// Returns `true` if a slot of this container is on screen.
    pub(super) fn show(&self, inventory: Entity, container: ContainerKey) -> bool {
        self.cells.keys().any(|(of, slot)| *of == inventory && slot.container == container)
    }
}

/// The nodes to be painted before the next frame is drawn.
#[derive(Resource, Default, Debug)]
pub(super) struct DirtyCells(pub(super) EntityHashSet);

/// The child nodes of a slot's node.
#[derive(Component, Clone, Copy, Debug)]
pub struct SlotParts {
    /// Background.
    pub plate: Entity,
    /// Icon of the item.
    pub icon: Entity,
    /// The beginning of the item's name, shown if the item has no icon.
    pub name: Entity,
    /// Text of the count.
    pub count: Entity,
    /// Wear bar.
    pub wear: Entity,
    /// Remaining part of the wear bar.
    pub wear_left: Entity,
    /// Frame of the selected slot.
    pub frame: Entity,
    /// Overlay that flashes after a change.
    pub flash: Entity,
}

/// Spawns the node of a slot, without [`SlotCell`].
pub(super) fn spawn(commands: &mut Commands, theme: &InventoryUiTheme) -> Entity {
    let node = Node {
        position_type: PositionType::Absolute,
        width: px(theme.slot),
        height: px(theme.slot),
        align_items: AlignItems::Center,
        justify_content: JustifyContent::Center,
        ..default()
    };
    let focus = Outline { width: px(theme.line), offset: px(0), color: Color::NONE };
    let mut access = AccessNode::new(Role::GridCell);
    access.add_action(accesskit::Action::Click);
    let access = AccessibilityNode(access);
    let navigation = (TabIndex(-1), AutoDirectionalNavigation::default());
    let mut cell = commands.spawn((
        node,
        focus,
        access,
        navigation,
        UiTransform::default(),
        Pickable::default(),
    ));
    let over =
        |node: Node| (Node { position_type: PositionType::Absolute, ..node }, Pickable::IGNORE);
    let whole = || over(Node { width: percent(100), height: percent(100), ..default() });
    let mut parts = [Entity::PLACEHOLDER; 8];
    cell.with_children(|cell| {
        // Screen readers ignore the pictures; the cell itself has the label.
        let plate = theme.slot_image.as_ref().map(Sliced::to_node);
        parts[0] = cell.spawn((whole(), BackgroundColor(Color::NONE))).id();
        if let Some(plate) = plate {
            cell.commands().entity(parts[0]).insert((plate, hidden()));
        }
        let flash = (whole(), BackgroundColor(Color::NONE));
        parts[6] = cell.spawn(flash).id();
        let icon = Node { width: px(theme.icon), height: px(theme.icon), ..default() };
        let icon = (icon, ImageNode::default(), hidden(), Visibility::Hidden, Pickable::IGNORE);
        parts[1] = cell.spawn(icon).id();
        // In the middle, like the icon, instead of beside it.
        let name = theme.text("", theme.count_size, theme.text_color);
        parts[7] = cell.spawn(name).insert(over(Node::default()).0).id();
        let corner = Node { right: px(1.5 * theme.line), bottom: px(0), ..default() };
        // Above the frame of the selected slot.
        parts[2] = cell.spawn(theme.count()).insert((over(corner).0, ZIndex(2))).id();
        (parts[3], parts[4]) = spawn_wear(cell, theme);
        let beyond = px(-theme.selected_outset);
        let border = Node {
            border: UiRect::all(px(theme.line)),
            left: beyond,
            right: beyond,
            top: beyond,
            bottom: beyond,
            ..default()
        };
        // Above the slots beside it.
        let mut frame = cell.spawn((over(border), Visibility::Hidden, ZIndex(1)));
        parts[5] = frame.id();
        match &theme.selected_image {
            Some(image) => frame.insert((image.to_node(), hidden())),
            None => frame.insert(BorderColor::all(theme.selected_color)),
        };
    });
    let [plate, icon, count, wear, wear_left, frame, flash, name] = parts;
    cell.insert(SlotParts { plate, icon, name, count, wear, wear_left, frame, flash });
    cell.id()
}

/// Spawns the wear bar of a slot, and its remaining part.
fn spawn_wear(cell: &mut ChildSpawnerCommands, theme: &InventoryUiTheme) -> (Entity, Entity) {
    let bar = Node {
        position_type: PositionType::Absolute,
        left: percent(12),
        right: percent(12),
        bottom: px(theme.line),
        height: px((1.5 * theme.line).round()),
        ..default()
    };
    let dark = BackgroundColor(Color::BLACK.with_alpha(0.7));
    let mut bar = cell.spawn((bar, dark, Visibility::Hidden, Pickable::IGNORE));
    let left = Node { height: percent(100), ..default() };
    let mut part = Entity::PLACEHOLDER;
    bar.with_children(|bar| {
        part = bar.spawn((left, BackgroundColor(Color::WHITE), Pickable::IGNORE)).id();
    });
    (bar.id(), part)
}
