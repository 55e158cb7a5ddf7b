//! Moves the keyboard focus between slots and buttons, and shows it.

use bevy::{
    ecs::system::SystemParam,
    input_focus::{
        FocusCause, InputFocus, InputFocusVisible,
        directional_navigation::AutoNavigationConfig,
        tab_navigation::{NavAction, TabGroup, TabIndex, TabNavigation},
    },
    math::CompassOctant,
    prelude::*,
    ui::auto_directional_navigation::AutoDirectionalNavigator,
};

use crate::model::container::SlotRef;

use super::{
    button::UiButton,
    cell::{DirtyCells, SlotCell},
    scroll::Scrolling,
    shown::{GridShown, is_on_screen},
    theme::InventoryUiTheme,
};

/// An arrow key moves the focus only to a widget in line with the focused one: the slot below, not a button beside it.
pub(super) const NAVIGATION: AutoNavigationConfig = AutoNavigationConfig {
    min_alignment_factor: 0.1,
    max_search_distance: None,
    prefer_aligned: true,
};

/// Gives a grid the keyboard focus, for example when its panel opens. Keys and gamepads act on the focused slot, until
/// the focus is cleared in [`InputFocus`] or moved elsewhere.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct FocusGrid {
    /// The entity with the [`InventoryGrid`](super::grid::InventoryGrid).
    pub entity: Entity,
}

/// Returns `true` if a slot or button of an inventory has the focus, so that arrow keys and gamepads act on it instead
/// of on the game.
pub fn inventory_has_focus(
    focus: Res<InputFocus>,
    visible: Res<InputFocusVisible>,
    widgets: Query<(), Or<(With<SlotCell>, With<UiButton>)>>,
) -> bool {
    visible.0 && focus.get().is_some_and(|entity| widgets.contains(entity))
}

/// Moves the focus.
#[derive(SystemParam)]
pub(super) struct FocusMover<'w, 's> {
    navigator: AutoDirectionalNavigator<'w, 's>,
    tabs: TabNavigation<'w, 's>,
    visible: ResMut<'w, InputFocusVisible>,
    cells: Query<'w, 's, &'static SlotCell>,
    buttons: Query<'w, 's, (), With<UiButton>>,
    windows: Query<'w, 's, (), With<Window>>,
    indices: Query<'w, 's, &'static TabIndex>,
    nodes: Query<'w, 's, (&'static ComputedNode, &'static InheritedVisibility)>,
    scrolling: ParamSet<'w, 's, (Query<'w, 's, &'static GridShown>, Scrolling<'w, 's>)>,
}

impl FocusMover<'_, '_> {
    /// Returns the widget that has the focus and shows it.
    pub(super) fn widget(&mut self) -> Option<Entity> {
        let focus = self.navigator.input_focus().filter(|_| self.visible.0)?;
        (self.cells.contains(focus) || self.buttons.contains(focus)).then_some(focus)
    }

    /// Returns `true` if something else has the focus, such as a text field.
    pub(super) fn is_elsewhere(&mut self) -> bool {
        self.navigator.input_focus().is_some_and(|focus| {
            !self.cells.contains(focus)
                && !self.buttons.contains(focus)
                && !self.windows.contains(focus)
        })
    }

    /// Moves the focus to the next widget in a direction. Returns the slot that has it now.
    pub(super) fn go(&mut self, direction: CompassOctant) -> Option<SlotRef> {
        let from = self.widget()?;
        if let Some((node, slot)) = self.beside(from, direction) {
            self.navigator.manual_directional_navigation.focus.set(node, FocusCause::Navigated);
            return Some(slot);
        }
        let next = self.navigator.navigate(direction).ok()?;
        self.show(next);
        self.cells.get(next).ok().map(|cell| cell.place())
    }

    /// Returns the neighboring slot in the same grid and its node, and scrolls to it. The node may still show a
    /// different slot in this frame.
    fn beside(&mut self, from: Entity, direction: CompassOctant) -> Option<(Entity, SlotRef)> {
        let cell = *self.cells.get(from).ok()?;
        let grids = self.scrolling.p0();
        let shown = grids.get(cell.grid).ok()?;
        let (row, column) = (cell.position / shown.columns, cell.position % shown.columns);
        let (row, column) = match direction {
            CompassOctant::North => (row.checked_sub(1)?, column),
            CompassOctant::South => (row + 1, column),
            CompassOctant::West => (row, column.checked_sub(1)?),
            _ => (row, column + 1),
        };
        let position = row * shown.columns + column;
        if column >= shown.columns || position >= shown.len {
            return None;
        }
        let node = shown.node_at(position);
        let slot = shown.slot_at(position);
        self.scrolling.p1().show_row(cell.grid, row);
        Some((node, slot))
    }

    /// Moves the focus to the next or previous grid or button on screen.
    pub(super) fn tab(&mut self, action: NavAction) {
        let mut from = self.widget();
        for _ in 0..self.indices.iter().count() {
            let focus = from.map_or(InputFocus::default(), InputFocus::from_entity);
            let Ok(next) = self.tabs.navigate(&focus, action) else { return };
            if self.nodes.get(next).is_ok_and(is_on_screen) {
                return self.set(next);
            }
            from = Some(next);
        }
    }

    /// Moves the focus to a grid.
    pub(super) fn enter(&mut self, grid: Entity) {
        let shown = self.scrolling.p0();
        let cells = shown.get(grid).map(|shown| shown.cells.as_slice()).unwrap_or_default();
        let reached = |cell: &Entity| self.indices.get(*cell).is_ok_and(|index| index.0 >= 0);
        if let Some(cell) = cells.iter().copied().find(reached) {
            self.set(cell);
        }
    }

    fn set(&mut self, entity: Entity) {
        self.navigator.manual_directional_navigation.focus.set(entity, FocusCause::Navigated);
        self.show(entity);
    }

    /// Shows the focus, and scrolls to it.
    fn show(&mut self, entity: Entity) {
        if !self.visible.0 {
            self.visible.0 = true;
        }
        let Ok(cell) = self.cells.get(entity) else { return self.scrolling.p1().show_node(entity) };
        let columns = self.scrolling.p0().get(cell.grid).map_or(1, |shown| shown.columns);
        self.scrolling.p1().show_row(cell.grid, cell.position / columns);
    }

    /// Gives the focus to what was pressed with a pointer, without showing it.
    pub(super) fn press(&mut self, entity: Entity) {
        if self.visible.0 {
            self.visible.0 = false;
        }
        let focus = &mut self.navigator.manual_directional_navigation.focus;
        if focus.get() != Some(entity) {
            focus.set(entity, FocusCause::Pressed);
        }
    }
}

/// Finds widgets that are not in a tab group.
#[derive(SystemParam)]
pub(super) struct TabGroups<'w, 's> {
    parents: Query<'w, 's, &'static ChildOf>,
    groups: Query<'w, 's, (), With<TabGroup>>,
}

impl TabGroups<'_, '_> {
    /// Makes a widget a tab group, unless it is already in one. In nested groups, the Tab key would cycle within the
    /// inner one.
    pub(super) fn add(&self, widget: Entity, commands: &mut Commands) {
        let mut chain = core::iter::once(widget).chain(self.parents.iter_ancestors(widget));
        if !chain.any(|entity| self.groups.contains(entity)) {
            commands.entity(widget).insert(TabGroup::new(0));
        }
    }
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(|event: On<FocusGrid>, mut mover: FocusMover| mover.enter(event.entity));
}

pub(super) fn focus_changed(focus: Res<InputFocus>, visible: Res<InputFocusVisible>) -> bool {
    focus.is_changed() || visible.is_changed()
}

/// Redraws what has lost or gained the focus. In each grid, the Tab key reaches the slot that was focused last.
pub(super) fn follow(
    focus: Res<InputFocus>,
    visible: Res<InputFocusVisible>,
    theme: Res<InventoryUiTheme>,
    cells: Query<&SlotCell>,
    grids: Query<&GridShown>,
    mut buttons: Query<&mut Outline, With<UiButton>>,
    mut indices: Query<&mut TabIndex>,
    mut last: Local<Option<Entity>>,
    mut dirty: ResMut<DirtyCells>,
) {
    let now = focus.get();
    dirty.0.extend([*last, now].into_iter().flatten());
    for entity in [*last, now].into_iter().flatten() {
        if let Ok(mut outline) = buttons.get_mut(entity) {
            let shown = visible.0 && now == Some(entity);
            outline.color = if shown { theme.focus_color } else { Color::NONE };
        }
    }
    *last = now;
    let grid = now.and_then(|now| cells.get(now).ok()).map(|cell| cell.grid);
    let Some(shown) = grid.and_then(|grid| grids.get(grid).ok()) else { return };
    for cell in &shown.cells {
        if let Ok(mut index) = indices.get_mut(*cell) {
            index.set_if_neq(TabIndex(if now == Some(*cell) { 0 } else { -1 }));
        }
    }
}
