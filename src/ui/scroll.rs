//! Scrolling of grids and lists. Only the grid rows that are on screen have nodes; scrolling assigns other slots to
//! them.

use bevy::{
    ecs::system::SystemParam,
    input::mouse::MouseScrollUnit,
    input_focus::{FocusCause, InputFocus},
    prelude::*,
    ui_widgets::{ControlOrientation, Scrollbar, ScrollbarPlugin, ScrollbarThumb},
};

use super::{
    carry::Carried,
    cell::SlotCell,
    press::DRAG_DISTANCE,
    shown::{self, GridShown, count},
    theme::InventoryUiTheme,
};

/// Returns the width of a scroll bar, in logical pixels.
pub(super) fn width(theme: &InventoryUiTheme) -> f32 {
    3.0 * theme.line
}

/// Minimum height of the thumb of a scroll bar, in logical pixels.
const THUMB_MIN: f32 = 12.0;

/// The scroll bar of a list, which is displayed only while the list does not fit in the available height.
#[derive(Component, Clone, Copy, Debug)]
#[require(Scrolls)]
pub(super) struct ListBar(pub(super) Entity);

/// Marks grids and lists that scroll. Every node has a [`ScrollPosition`].
#[derive(Component, Clone, Copy, Default, Debug)]
pub(super) struct Scrolls;

/// Whether a finger is scrolling, in which case lifting it is not a tap.
#[derive(Resource, Default, Debug)]
pub(super) struct FingerScrolls(pub(super) bool);

/// Spawns a scroll bar for `target`, as a child of `parent`.
pub(super) fn spawn_bar(
    commands: &mut Commands,
    parent: Entity,
    target: Entity,
    node: Node,
    theme: &InventoryUiTheme,
) -> Entity {
    let bar = Scrollbar::new(target, ControlOrientation::Vertical, THUMB_MIN);
    let still = IgnoreScroll(BVec2::TRUE);
    let thumb = (ScrollbarThumb::default(), BackgroundColor(theme.dim_text_color));
    let track = (bar, node, still, BackgroundColor(theme.slot_color), ChildOf(parent));
    commands.spawn(track).with_child(thumb).id()
}

/// Spawns, replaces or despawns the scroll bar of a grid.
pub(super) fn arrange(
    commands: &mut Commands,
    grid: Entity,
    shown: &mut GridShown,
    theme: &InventoryUiTheme,
) {
    shown.bar.take().into_iter().for_each(|bar| commands.entity(bar).despawn());
    if shown.rows >= shown.rows_in_all() {
        commands.entity(grid).remove::<Scrolls>().insert(ScrollPosition::DEFAULT);
        return;
    }
    let node = Node {
        position_type: PositionType::Absolute,
        right: px(0),
        top: px(0),
        width: px(width(theme)),
        height: px(count(shown.rows) * shown.pitch - theme.gap),
        ..default()
    };
    shown.bar = Some(spawn_bar(commands, grid, grid, node, theme));
    let offset = count(shown.top) * shown.pitch;
    commands.entity(grid).insert((Scrolls, ScrollPosition(Vec2::new(0.0, offset))));
}

/// Scrolls grids and lists.
#[derive(SystemParam)]
pub(super) struct Scrolling<'w, 's> {
    areas: Query<'w, 's, (&'static ComputedNode, &'static mut ScrollPosition), With<Scrolls>>,
    grids: Query<'w, 's, &'static mut GridShown>,
    nodes: Query<'w, 's, (&'static ComputedNode, &'static UiGlobalTransform)>,
    parents: Query<'w, 's, &'static ChildOf>,
    commands: Commands<'w, 's>,
}

impl Scrolling<'_, '_> {
    fn can_scroll(&self, area: Entity) -> bool {
        self.areas.contains(area)
    }

    /// Scrolls by a distance in logical pixels, down if positive. What a grid shows follows in [`follow`].
    fn scroll_by(&mut self, area: Entity, distance: f32) {
        let Ok((node, mut position)) = self.areas.get_mut(area) else { return };
        let hidden = (node.content_size() - node.size()).y * node.inverse_scale_factor;
        let to = (position.y + distance).clamp(0.0, hidden.max(0.0));
        if position.y.to_bits() != to.to_bits() {
            position.y = to;
        }
    }

    /// Scrolls a grid as far as needed to show a row.
    pub(super) fn show_row(&mut self, grid: Entity, row: usize) {
        let Ok(mut shown) = self.grids.get_mut(grid) else { return };
        let Ok((_, mut position)) = self.areas.get_mut(grid) else { return };
        let (top, bottom) = (count(row) * shown.pitch, count(row + 1) * shown.pitch);
        let to = position.y.max(bottom - count(shown.rows) * shown.pitch).min(top);
        if position.y.to_bits() == to.to_bits() {
            return;
        }
        position.y = to;
        shown::scroll_to(&mut self.commands, grid, &mut shown, to);
    }

    /// Scrolls the list around a node as far as needed to show the node.
    pub(super) fn show_node(&mut self, node: Entity) {
        let mut around = self.parents.iter_ancestors(node);
        let Some(area) = around.find(|around| self.areas.contains(*around)) else { return };
        let edges = |node| {
            let (node, at): (&ComputedNode, &UiGlobalTransform) = self.nodes.get(node).ok()?;
            let (middle, half) = (at.translation.y, node.size().y / 2.0);
            let scale = node.inverse_scale_factor;
            Some(((middle - half) * scale, (middle + half) * scale))
        };
        let (Some(inner), Some(outer)) = (edges(node), edges(area)) else { return };
        let (above, below) = (inner.0 - outer.0, inner.1 - outer.1);
        self.scroll_by(area, if above < 0.0 { above } else { below.max(0.0) });
    }
}

pub(super) fn observe(app: &mut App) {
    // `DefaultPlugins` adds it, if Bevy has the feature.
    if !app.is_plugin_added::<ScrollbarPlugin>() {
        ScrollbarPlugin.build(app);
    }
    app.add_observer(scroll_with_wheel).add_observer(scroll_with_finger).add_observer(lift_finger);
}

fn scroll_with_wheel(
    mut event: On<Pointer<Scroll>>,
    mut scrolling: Scrolling,
    theme: Res<InventoryUiTheme>,
) {
    if scrolling.can_scroll(event.entity) {
        let step = match event.unit {
            MouseScrollUnit::Line => theme.pitch(),
            MouseScrollUnit::Pixel => 1.0,
        };
        scrolling.scroll_by(event.entity, -event.y * step);
        event.propagate(false);
    }
}

fn scroll_with_finger(
    event: On<Pointer<Drag>>,
    carried: Res<Carried>,
    scale: Res<UiScale>,
    mut scrolling: Scrolling,
    mut scrolls: ResMut<FingerScrolls>,
) {
    let finger = event.pointer_id.is_touch() && event.distance.length() >= DRAG_DISTANCE;
    if finger && carried.get().is_none() && scrolling.can_scroll(event.entity) {
        scrolls.0 = true;
        scrolling.scroll_by(event.entity, -event.delta.y / scale.0);
    }
}

/// Bevy sends a click before the end of the drag.
fn lift_finger(_: On<Pointer<DragEnd>>, mut scrolls: ResMut<FingerScrolls>) {
    scrolls.0 = false;
}

pub(super) fn has_scrolled(grids: Query<(), (With<GridShown>, Changed<ScrollPosition>)>) -> bool {
    !grids.is_empty()
}

/// Assigns slots to the nodes of grids that have been scrolled. A focus that would leave the screen moves to the
/// nearest visible row.
pub(super) fn follow(
    mut grids: Query<(Entity, &mut GridShown, &ScrollPosition), Changed<ScrollPosition>>,
    cells: Query<&SlotCell>,
    mut focus: ResMut<InputFocus>,
    mut commands: Commands,
) {
    for (grid, mut shown, position) in &mut grids {
        if !shown::scroll_to(&mut commands, grid, &mut shown, position.y) {
            continue;
        }
        let top = shown.top;
        let Some(focused) = focus.get() else { continue };
        let Some(cell) = cells.get(focused).ok().filter(|cell| cell.grid == grid) else { continue };
        let cut = usize::from(count(top) * shown.pitch < position.y);
        let (row, column) = (cell.position / shown.columns, cell.position % shown.columns);
        let row = row.clamp(top + cut, (top + shown.rows).saturating_sub(1).max(top + cut));
        let position = (row * shown.columns + column).min(shown.len.saturating_sub(1));
        let node = shown.node_at(position);
        if node != focused {
            focus.set(node, FocusCause::Navigated);
        }
    }
}

pub(super) fn lists_changed(lists: Query<(), (With<ListBar>, Changed<ComputedNode>)>) -> bool {
    !lists.is_empty()
}

/// Displays the scroll bars of lists that do not fit in the available height.
pub(super) fn show_bars(
    lists: Query<(&ComputedNode, &ListBar), Changed<ComputedNode>>,
    mut bars: Query<&mut Node>,
) {
    for (list, bar) in &lists {
        let needed = list.content_size().y > list.size().y + 0.5;
        let display = if needed { Display::Flex } else { Display::None };
        if let Ok(mut bar) = bars.get_mut(bar.0)
            && bar.display != display
        {
            bar.display = display;
        }
    }
}
