//! Describes the stack under the pointer, or in the slot that has the focus.

use bevy::{
    input_focus::{InputFocus, InputFocusVisible},
    prelude::*,
};

use crate::{
    model::{container::SlotRef, stack::Stack},
    params::reader::InventoryReader,
    shared::events::SlotChanged,
};

use super::{
    carry::Carried,
    cell::SlotCell,
    paint::Hovered,
    texts::InventoryUiTexts,
    theme::{InventoryUiTheme, set_background},
};

/// Shows the name and count of a stack, and the lines that the game adds in an observer of [`DescribeStack`]. Spawn
/// one, without a parent.
#[derive(Component, Clone, Copy, Default, Debug)]
#[require(
    Node = floating(),
    Visibility::Hidden,
    GlobalZIndex(900),
    Pickable::IGNORE,
    BackgroundColor
)]
pub struct ItemTooltip;

fn floating() -> Node {
    Node {
        position_type: PositionType::Absolute,
        flex_direction: FlexDirection::Column,
        max_width: px(260),
        ..default()
    }
}

/// Triggered before a tooltip is shown. Observers add lines.
///
/// ```
/// use bevy::prelude::*;
/// use bevy_inventory_sync::{prelude::*, ui::DescribeStack};
///
/// fn describe(mut event: On<DescribeStack>) {
///     if event.stack.wear > 0 {
///         let line = format!("{} uses", event.stack.wear);
///         event.lines.push(line);
///     }
/// }
/// # App::new().add_observer(describe);
/// ```
#[derive(Event, Clone, PartialEq, Eq, Debug)]
pub struct DescribeStack {
    /// The slot.
    pub slot: SlotRef,
    /// The stack in it.
    pub stack: Stack,
    /// Lines of the tooltip. The first one is the name.
    pub lines: Vec<String>,
}

/// Whether the tooltip may have to show something else.
#[derive(Resource, Default, Debug)]
pub(super) struct TooltipChanged(pub(super) bool);

/// What the tooltip shows.
#[derive(Resource, Default, Debug)]
pub(super) struct TooltipShown {
    slot: Option<SlotRef>,
    lines: Vec<String>,
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(follow_change);
}

fn follow_change(
    change: On<SlotChanged>,
    shown: Res<TooltipShown>,
    mut changed: ResMut<TooltipChanged>,
) {
    if shown.slot == Some((change.entity, change.slot)) {
        changed.0 = true;
    }
}

pub(super) fn has_changed(
    changed: Res<TooltipChanged>,
    carried: Res<Carried>,
    focus: Res<InputFocus>,
    visible: Res<InputFocusVisible>,
    moved: Query<(), Changed<UiGlobalTransform>>,
) -> bool {
    let focus_moves = || visible.0 && focus.get().is_some_and(|focus| moved.contains(focus));
    changed.0 || carried.is_changed() || focus.is_changed() || visible.is_changed() || focus_moves()
}

/// Determines which slot the tooltip describes, and where on screen it is.
pub(super) fn describe(
    carried: Res<Carried>,
    hovered: Res<Hovered>,
    focus: Res<InputFocus>,
    visible: Res<InputFocusVisible>,
    texts: Res<InventoryUiTexts>,
    cells: Query<&SlotCell>,
    reader: InventoryReader,
    mut changed: ResMut<TooltipChanged>,
    mut commands: Commands,
) {
    changed.0 = false;
    let node = focus.get().filter(|_| visible.0).or(hovered.0);
    let described = node.filter(|_| carried.get().is_none()).and_then(|node| {
        let slot = cells.get(node).ok()?.place();
        Some((node, slot, reader.get(slot)?, reader.catalog()?))
    });
    let Some((node, slot, stack, catalog)) = described else {
        commands.run_system_cached_with(show, None);
        return;
    };
    let mut event = DescribeStack { slot, stack, lines: vec![(texts.stack)(catalog, stack)] };
    commands.queue(move |world: &mut World| {
        world.trigger_ref(&mut event);
        world.run_system_cached_with(show, Some((node, event))).ok();
    });
}

fn show(
    In(described): In<Option<(Entity, DescribeStack)>>,
    theme: Res<InventoryUiTheme>,
    places: Query<(&UiGlobalTransform, &ComputedNode, &ComputedUiRenderTargetInfo)>,
    mut shown: ResMut<TooltipShown>,
    mut tips: Query<(Entity, &mut Node, &mut Visibility), With<ItemTooltip>>,
    mut commands: Commands,
) {
    let Some((cell, event)) = described else {
        shown.slot = None;
        for (.., mut visibility) in &mut tips {
            visibility.set_if_neq(Visibility::Hidden);
        }
        return;
    };
    shown.slot = Some(event.slot);
    let rewrite = shown.lines != event.lines;
    for (entity, mut node, mut visibility) in &mut tips {
        if let Ok(place) = places.get(cell) {
            put_beside(&mut node, place, theme.space());
        }
        node.padding = UiRect::axes(px(theme.padding), px(theme.padding / 2.0));
        visibility.set_if_neq(Visibility::Visible);
        if rewrite {
            commands.entity(entity).despawn_children().with_children(|tip| {
                for (number, line) in event.lines.iter().enumerate() {
                    let first = number == 0;
                    let color = if first { theme.text_color } else { theme.dim_text_color };
                    tip.spawn(theme.text(line, theme.text_size, color));
                }
            });
            let image = theme.tooltip_image.as_ref();
            set_background(&mut commands, entity, None, image, theme.tooltip_color);
        }
    }
    if rewrite {
        shown.lines = event.lines;
    }
}

/// Redraws the tooltip after a change of the theme.
pub(super) fn redraw(mut shown: ResMut<TooltipShown>, mut changed: ResMut<TooltipChanged>) {
    shown.lines.clear();
    changed.0 = true;
}

/// Places the tooltip at the corner of a slot, on the side where there is more room.
fn put_beside(
    tip: &mut Node,
    (at, node, target): (&UiGlobalTransform, &ComputedNode, &ComputedUiRenderTargetInfo),
    gap: f32,
) {
    let scale = node.inverse_scale_factor();
    let (center, half) = (at.translation * scale, node.size() * scale / 2.0 + gap);
    let window = target.physical_size().as_vec2() * scale;
    let place = |low: f32, high: f32, size: f32| {
        if (low + high) / 2.0 < size / 2.0 { (px(high), auto()) } else { (auto(), px(size - low)) }
    };
    let (left, right) = place(center.x - half.x, center.x + half.x, window.x);
    let (top, bottom) = place(center.y - half.y, center.y + half.y, window.y);
    (tip.left, tip.right, tip.top, tip.bottom) = (left, right, top, bottom);
}
