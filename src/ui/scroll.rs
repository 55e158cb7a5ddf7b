//! Scrolling of grids. Only the rows on screen have nodes; scrolling assigns other slots to them.

use bevy::{ecs::system::SystemParam, input::mouse::MouseScrollUnit, prelude::*};

use super::{
    shown::{self, GridShown, count},
    theme::InventoryUiTheme,
};

/// Returns the width of a scroll bar, in logical pixels.
pub(super) fn width(theme: &InventoryUiTheme) -> f32 {
    3.0 * theme.line
}

/// Minimum height of the part of a scroll bar that moves, in logical pixels.
const THUMB_MIN: f32 = 12.0;

/// The part of a scroll bar that moves.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct ScrollThumb {
    grid: Entity,
    /// Height of the bar without this part.
    track: f32,
}

/// Spawns, updates or despawns the scroll bar of a grid.
pub(super) fn arrange(
    commands: &mut Commands,
    grid: Entity,
    shown: &mut GridShown,
    theme: &InventoryUiTheme,
) {
    shown.bar.take().into_iter().for_each(|bar| commands.entity(bar).despawn());
    let in_all = shown.rows_in_all();
    if shown.rows >= in_all {
        commands.entity(grid).remove::<ScrollPosition>();
        return;
    }
    let height = count(shown.rows) * shown.pitch - theme.gap;
    let thumb = (height * count(shown.rows) / count(in_all)).max(THUMB_MIN);
    let offset = count(shown.top) * shown.pitch;
    let bar = Node {
        position_type: PositionType::Absolute,
        right: px(0),
        top: px(0),
        width: px(width(theme)),
        height: px(height),
        ..default()
    };
    let still = IgnoreScroll(BVec2::TRUE);
    let bar = commands.spawn((ChildOf(grid), bar, still, BackgroundColor(theme.slot_color))).id();
    let part = Node {
        position_type: PositionType::Absolute,
        top: px(0),
        width: percent(100),
        height: px(thumb),
        ..default()
    };
    let moves = ScrollThumb { grid, track: height - thumb };
    commands.spawn((ChildOf(bar), part, moves, BackgroundColor(theme.dim_text_color)));
    commands.entity(grid).insert(ScrollPosition(Vec2::new(0.0, offset)));
    shown.bar = Some(bar);
}

/// Scrolls grids.
#[derive(SystemParam)]
pub(super) struct Scrolling<'w, 's> {
    grids: Query<'w, 's, (&'static mut GridShown, &'static mut ScrollPosition)>,
    thumbs: Query<'w, 's, (&'static ScrollThumb, &'static mut Node)>,
    commands: Commands<'w, 's>,
}

impl Scrolling<'_, '_> {
    pub(super) fn can_scroll(&self, grid: Entity) -> bool {
        self.grids.contains(grid)
    }

    /// Scrolls a grid by a distance in logical pixels, downwards if positive.
    pub(super) fn scroll_by(&mut self, grid: Entity, distance: f32) {
        if let Ok((_, position)) = self.grids.get(grid) {
            let to = position.y + distance;
            self.scroll_to(grid, to);
        }
    }

    /// Scrolls a grid as far as needed to show a row.
    pub(super) fn show_row(&mut self, grid: Entity, row: usize) {
        let Ok((shown, position)) = self.grids.get(grid) else { return };
        let (top, bottom) = (count(row) * shown.pitch, count(row + 1) * shown.pitch);
        let height = count(shown.rows) * shown.pitch;
        let to = position.y.max(bottom - height).min(top);
        self.scroll_to(grid, to);
    }

    /// Moves a part of a scroll bar by a distance in logical pixels.
    fn drag_thumb(&mut self, thumb: Entity, distance: f32) {
        let Ok((&ScrollThumb { grid, track }, _)) = self.thumbs.get(thumb) else { return };
        let Ok((shown, _)) = self.grids.get(grid) else { return };
        let max = count(shown.rows_in_all().saturating_sub(shown.rows)) * shown.pitch;
        self.scroll_by(grid, distance * max / track.max(1.0));
    }

    fn scroll_to(&mut self, grid: Entity, to: f32) {
        let Ok((mut shown, mut position)) = self.grids.get_mut(grid) else { return };
        let max = count(shown.rows_in_all().saturating_sub(shown.rows)) * shown.pitch;
        let to = to.clamp(0.0, max);
        if position.y.to_bits() == to.to_bits() {
            return;
        }
        position.y = to;
        for (thumb, mut node) in self.thumbs.iter_mut().filter(|(thumb, _)| thumb.grid == grid) {
            node.top = px(thumb.track * to / max.max(1.0));
        }
        let last = shown.rows_in_all() - shown.rows;
        // Rows are at most a few thousand pixels each, and there are at most 65,536.
        let top = (0..=last).rev().find(|row| count(*row) * shown.pitch <= to).unwrap_or_default();
        if shown.top != top {
            shown.top = top;
            shown::bind(&mut self.commands, grid, &shown);
        }
    }
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(scroll_with_wheel).add_observer(drag_thumb);
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

fn drag_thumb(event: On<Pointer<Drag>>, scale: Res<UiScale>, mut scrolling: Scrolling) {
    scrolling.drag_thumb(event.entity, event.delta.y / scale.0);
}
