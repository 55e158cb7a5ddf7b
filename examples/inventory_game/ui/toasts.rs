//! Short messages at the right edge: what the player has received, and what the server says.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::protocol::Notice;

use super::{GOLD, broken, floating, letters, plate};

/// How long a toast is shown, in seconds.
const SHOWN: f32 = 2.6;

/// How long what the server says is shown, in seconds.
const NOTICE_SHOWN: f32 = 8.0;

/// Opacity of the background.
const PLATE: f32 = 0.55;

/// Maximum number of toasts on screen.
const TOASTS_MAX: usize = 5;

/// Maximum number of characters in a line: as many as fit beside the panels.
const LINE_CHARS_MAX: usize = 24;

/// A message, with the remaining seconds.
#[derive(Component, Debug)]
pub struct Toast {
    left: f32,
    /// The item that has been received, and how many of it.
    gained: Option<(ItemId, i64)>,
}

#[derive(Component, Debug)]
struct ToastList;

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn).add_systems(Update, (show_gains, show_notices, fade).chain());
}

fn spawn(mut commands: Commands) {
    let list = Node {
        right: px(3),
        top: px(14),
        flex_direction: FlexDirection::Column,
        align_items: AlignItems::End,
        row_gap: px(1),
        ..default()
    };
    commands.spawn((floating(list), ToastList, GlobalZIndex(3)));
}

/// The background of a toast.
fn look() -> impl Bundle {
    (Node { padding: UiRect::axes(px(2), px(1)), ..default() }, plate(PLATE))
}

/// Shows what has been added to the local player's inventory. A stack that only moves within it adds nothing.
fn show_gains(
    mut changes: MessageReader<SlotChanged>,
    mine: Query<(), With<LocalInventory>>,
    catalog: Res<ItemCatalog>,
    list: Single<Entity, With<ToastList>>,
    mut toasts: Query<(&mut Toast, &mut Text)>,
    mut commands: Commands,
) {
    let mut gains: Vec<(ItemId, i64)> = Vec::new();
    for change in changes.read().filter(|change| mine.contains(change.entity)) {
        for (stack, sign) in [(change.old, -1), (change.new, 1)] {
            let Some(stack) = stack else { continue };
            let count = sign * i64::from(stack.count());
            match gains.iter_mut().find(|(item, _)| *item == stack.item) {
                Some((_, total)) => *total += count,
                None => gains.push((stack.item, count)),
            }
        }
    }
    for (item, count) in gains {
        let Some(name) = catalog.get(item).map(|item| &item.name) else { continue };
        let same = toasts.iter_mut().find(|(toast, _)| toast.gained.is_some_and(|it| it.0 == item));
        if let Some((mut toast, mut text)) = same {
            let total = toast.gained.map_or(0, |(_, before)| before) + count;
            // Nothing is left if a pick-up is rolled back.
            let left = if total > 0 { SHOWN } else { 0.0 };
            *toast = Toast { left, gained: Some((item, total)) };
            text.0 = format!("+{total} {}", name.to_lowercase());
        } else if count > 0 {
            let toast = Toast { left: SHOWN, gained: Some((item, count)) };
            let text = letters(format!("+{count} {}", name.to_lowercase()), Color::WHITE);
            commands.spawn((text, look(), toast, ChildOf(*list)));
        }
    }
}

fn show_notices(
    mut notices: MessageReader<Notice>,
    list: Single<Entity, With<ToastList>>,
    mut toasts: Query<(&mut Toast, &Text)>,
    mut commands: Commands,
) {
    for Notice(text) in notices.read() {
        let text = broken(text, LINE_CHARS_MAX);
        let toast = Toast { left: NOTICE_SHOWN, gained: None };
        // A notice that is already shown stays longer.
        match toasts.iter_mut().find(|(_, shown)| shown.0 == text) {
            Some((mut shown, _)) => *shown = toast,
            None => {
                let layout = TextLayout::justify(Justify::Right);
                commands.spawn((letters(text, GOLD), layout, look(), toast, ChildOf(*list)));
            }
        }
    }
}

fn fade(
    time: Res<Time<Real>>,
    list: Single<Option<&Children>, With<ToastList>>,
    mut toasts: Query<(Entity, &mut Toast, &mut TextColor, &mut BackgroundColor)>,
    mut commands: Commands,
) {
    for (entity, mut toast, mut color, mut back) in &mut toasts {
        toast.left -= time.delta_secs();
        let alpha = (toast.left * 3.0).clamp(0.0, 1.0);
        color.0.set_alpha(alpha);
        back.0.set_alpha(alpha * PLATE);
        if toast.left <= 0.0 {
            commands.entity(entity).despawn();
        }
    }
    let excess = list.map_or(0, |list| list.len().saturating_sub(TOASTS_MAX));
    for oldest in list.iter().flat_map(|list| list.iter()).take(excess) {
        commands.entity(oldest).try_despawn();
    }
}
