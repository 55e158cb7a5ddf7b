//! Shows that an action was rejected, and why.

use accesskit::{Live, Node as AccessNode, Role};
use bevy::{a11y::AccessibilityNode, prelude::*};

use crate::{
    model::{action::InventoryAction, container::SlotRef},
    params::reader::InventoryReader,
    shared::actions::ActionRejected,
};

use super::{
    cell::SlotCells,
    effects::Shake,
    texts::InventoryUiTexts,
    theme::{InventoryUiTheme, set_background},
};

/// Shows why the last request was rejected, for [a few seconds](InventoryUiTheme::message_seconds).
#[derive(Component, Clone, Copy, Default, Debug)]
#[require(Node, Visibility::Hidden, GlobalZIndex(950), Pickable::IGNORE, BackgroundColor)]
pub struct RejectionMessage;

/// Remaining seconds of a message.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct MessageShown(f32);

/// Triggered when a request was rejected, before the message is shown. Observers may change the text, which names the
/// item and the reason. The game may know more, such as who was faster or which key is needed.
#[derive(Event, Clone, Debug)]
pub struct DescribeRejection {
    /// What was rejected.
    pub rejected: ActionRejected,
    /// The message. Nothing is shown if it is empty.
    pub text: String,
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(follow_rejection);
}

fn follow_rejection(
    event: On<ActionRejected>,
    reader: InventoryReader,
    texts: Res<InventoryUiTexts>,
    theme: Res<InventoryUiTheme>,
    cells: Res<SlotCells>,
    mut commands: Commands,
) {
    let slots = event.request.action().map(slots_of).unwrap_or_default();
    for node in slots.iter().flat_map(|slot| cells.of(*slot)) {
        if theme.shake_seconds > 0.0 {
            commands.entity(node).insert(Shake(theme.shake_seconds));
        }
    }
    let stack = slots.iter().find_map(|slot| reader.get(*slot));
    let item = stack.and_then(|stack| reader.catalog()?.get(stack.item));
    let reason = (texts.rejection)(event.reason);
    let text = match item {
        Some(item) => format!("{}: {reason}", item.name),
        None => sentence(&reason),
    };
    let mut described = DescribeRejection { rejected: event.event().clone(), text };
    commands.queue(move |world: &mut World| {
        world.trigger_ref(&mut described);
        world.run_system_cached_with(show, described.text).ok();
    });
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// Returns the slots that an action names, the source first.
fn slots_of(action: &InventoryAction) -> Vec<SlotRef> {
    match action {
        InventoryAction::Move { from, to, .. } => vec![*from, *to],
        InventoryAction::Swap { a, b } => vec![*a, *b],
        InventoryAction::QuickMove { from, .. } | InventoryAction::Drop { from, .. } => {
            vec![*from]
        }
        InventoryAction::Collect { onto, .. } => vec![*onto],
        InventoryAction::Spread { from, onto, .. } => {
            core::iter::once(*from).chain(onto.iter().copied()).collect()
        }
        InventoryAction::Select { slot } | InventoryAction::Use { slot } => vec![*slot],
        _ => Vec::new(),
    }
}

fn show(
    In(text): In<String>,
    theme: Res<InventoryUiTheme>,
    mut messages: Query<(Entity, &mut Node, &mut Visibility), With<RejectionMessage>>,
    mut commands: Commands,
) {
    if text.is_empty() {
        return;
    }
    for (entity, mut node, mut visibility) in &mut messages {
        node.padding = UiRect::axes(px(theme.padding), px(theme.padding / 2.0));
        visibility.set_if_neq(Visibility::Visible);
        let mut access = AccessNode::new(Role::Alert);
        access.set_live(Live::Assertive);
        access.set_label(text.as_str());
        commands
            .entity(entity)
            .insert((MessageShown(theme.message_seconds), AccessibilityNode(access)))
            .despawn_children()
            .with_child(theme.text(&text, theme.text_size, theme.error_color));
        let image = theme.tooltip_image.as_ref();
        set_background(&mut commands, entity, None, image, theme.tooltip_color);
    }
}

/// Hides messages when their time has expired.
pub(super) fn expire(
    time: Res<Time<Real>>,
    mut messages: Query<(Entity, &mut MessageShown, &mut Visibility)>,
    mut commands: Commands,
) {
    for (entity, mut shown, mut visibility) in &mut messages {
        shown.0 -= time.delta_secs();
        if shown.0 <= 0.0 {
            visibility.set_if_neq(Visibility::Hidden);
            commands.entity(entity).remove::<MessageShown>();
        }
    }
}
