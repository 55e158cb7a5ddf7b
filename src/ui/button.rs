//! What all buttons of the widgets have in common.

use accesskit::{Node as AccessNode, Role};
use bevy::{
    a11y::{AccessibilityNode, ActionRequest},
    input_focus::tab_navigation::TabIndex,
    picking::pointer::PointerButton,
    prelude::*,
    ui::auto_directional_navigation::AutoDirectionalNavigation,
};

use super::{
    cell::FOCUS_WIDTH,
    gesture::{Gestures, Target, is_shift},
    press::Button,
    theme::InventoryUiTheme,
};

/// Marks buttons, rows of recipes and tabs: nodes that can be pressed.
#[derive(Component, Default, Debug)]
pub struct UiButton;

/// A button was pressed, by whatever device.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub(super) struct Pressed {
    pub(super) entity: Entity,
    /// Whether Shift was held down.
    pub(super) shift: bool,
}

/// Returns the components of a button, which its label is a child of.
pub(super) fn bundle(theme: &InventoryUiTheme, label: &str, role: Role) -> impl Bundle {
    let mut access = AccessNode::new(role);
    access.set_label(label);
    access.add_action(accesskit::Action::Click);
    (
        UiButton,
        AccessibilityNode(access),
        TabIndex(0),
        AutoDirectionalNavigation::default(),
        Outline { width: px(FOCUS_WIDTH), offset: px(0), color: Color::NONE },
        BackgroundColor(if theme.button_image.is_some() {
            Color::NONE
        } else {
            theme.button_color
        }),
        Pickable::default(),
    )
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(click).add_observer(enter).add_observer(leave);
}

fn click(
    event: On<Pointer<Click>>,
    buttons: Query<(), With<UiButton>>,
    keys: Res<ButtonInput<KeyCode>>,
    mut commands: Commands,
) {
    if event.button == PointerButton::Primary && buttons.contains(event.entity) {
        commands.trigger(Pressed { entity: event.entity, shift: is_shift(&keys) });
    }
}

fn enter(
    event: On<Pointer<Over>>,
    theme: Res<InventoryUiTheme>,
    mut buttons: Query<&mut BackgroundColor, With<UiButton>>,
) {
    if let Ok(mut color) = buttons.get_mut(event.entity) {
        color.0 = theme.hover_color;
    }
}

fn leave(
    event: On<Pointer<Out>>,
    theme: Res<InventoryUiTheme>,
    mut buttons: Query<&mut BackgroundColor, With<UiButton>>,
) {
    if let Ok(mut color) = buttons.get_mut(event.entity) {
        color.0 = if theme.button_image.is_some() { Color::NONE } else { theme.button_color };
    }
}

/// Handles what assistive technologies request for a slot or a button.
pub(super) fn handle_access(
    mut requests: MessageReader<ActionRequest>,
    buttons: Query<(), With<UiButton>>,
    mut gestures: Gestures,
    mut commands: Commands,
) {
    for request in requests.read().filter(|request| request.action == accesskit::Action::Click) {
        let Some(entity) = Entity::try_from_bits(request.target_node.0) else { continue };
        if let Some(slot) = gestures.slot(entity) {
            gestures.press(slot, Button::All, false);
            gestures.release(Target::Slot(slot), None);
        } else if buttons.contains(entity) {
            commands.trigger(Pressed { entity, shift: false });
        }
    }
}
