//! Text buttons, and what all buttons of the widgets have in common.

use accesskit::{Node as AccessNode, Role};
use bevy::{
    a11y::{AccessibilityNode, ActionRequest},
    input_focus::tab_navigation::TabIndex,
    picking::pointer::PointerButton,
    prelude::*,
    ui::auto_directional_navigation::AutoDirectionalNavigation,
};

use super::{
    gesture::{Gestures, Target, is_shift},
    press::Button,
    scroll::FingerScrolls,
    theme::{Backdrop, InventoryUiTheme, set_background},
};

/// A button with text, styled by the theme. It triggers [`ButtonPressed`] when it is clicked or tapped, and when it has
/// the focus and the player presses Enter or the south button of a gamepad.
///
/// To change the text, insert the component again.
///
/// ```
/// # use bevy::prelude::*;
/// use bevy_inventory_sync::ui::{ButtonPressed, TextButton};
///
/// fn spawn_ui(mut commands: Commands) {
///     commands.spawn(TextButton("Close".into())).observe(|_: On<ButtonPressed>| info!("closing"));
/// }
/// # bevy::ecs::system::assert_is_system(spawn_ui);
/// ```
#[derive(Component, Clone, PartialEq, Eq, Debug)]
#[component(immutable)]
#[require(Node)]
pub struct TextButton(pub String);

/// Marks buttons, rows of recipes and tabs: nodes that can be pressed.
#[derive(Component, Default, Debug)]
pub struct UiButton;

/// A button was pressed, with any device.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct ButtonPressed {
    /// The button.
    pub entity: Entity,
    /// Whether Shift was held down.
    pub shift: bool,
}

/// The node of a button's text.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct ButtonLabel(Entity);

/// Returns the components of a button. Its label is a child.
pub(super) fn bundle(theme: &InventoryUiTheme, label: &str, role: Role) -> impl Bundle {
    let mut access = AccessNode::new(role);
    access.set_label(label);
    access.add_action(accesskit::Action::Click);
    (
        UiButton,
        AccessibilityNode(access),
        TabIndex(0),
        AutoDirectionalNavigation::default(),
        Outline { width: px(theme.line), offset: px(0), color: Color::NONE },
        BackgroundColor(theme.button_color),
        Pickable::default(),
    )
}

/// Buttons may be spawned before the app runs.
pub(super) fn observe_spawns(app: &mut App) {
    app.add_observer(spawn);
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(click).add_observer(enter).add_observer(leave);
}

fn spawn(
    event: On<Insert, TextButton>,
    buttons: Query<(&TextButton, Option<&ButtonLabel>, Option<&Backdrop>)>,
    theme: Res<InventoryUiTheme>,
    mut commands: Commands,
) {
    let Ok((TextButton(text), label, backdrop)) = buttons.get(event.entity) else { return };
    if let Some(label) = label {
        commands.entity(label.0).try_despawn();
    }
    let padding = UiRect::axes(px(theme.padding), px(theme.padding / 4.0));
    let label = commands.spawn(theme.text(text, theme.text_size, theme.text_color)).id();
    commands
        .entity(event.entity)
        .insert((bundle(&theme, text, Role::Button), ButtonLabel(label)))
        .add_child(label)
        .entry::<Node>()
        .and_modify(move |mut node| node.padding = padding);
    let image = theme.button_image.as_ref();
    set_background(&mut commands, event.entity, backdrop, image, theme.button_color);
}

/// Redraws all buttons after a change of the theme.
pub(super) fn redraw(buttons: Query<(Entity, &TextButton)>, mut commands: Commands) {
    for (entity, button) in &buttons {
        commands.entity(entity).insert(button.clone());
    }
}

fn click(
    event: On<Pointer<Click>>,
    buttons: Query<(), With<UiButton>>,
    keys: Res<ButtonInput<KeyCode>>,
    finger_scrolls: Res<FingerScrolls>,
    mut commands: Commands,
) {
    let pressed = event.button == PointerButton::Primary && !finger_scrolls.0;
    if pressed && buttons.contains(event.entity) {
        commands.trigger(ButtonPressed { entity: event.entity, shift: is_shift(&keys) });
    }
}

type Looks<'w, 's> =
    Query<'w, 's, (&'static mut BackgroundColor, Option<&'static Backdrop>), With<UiButton>>;

fn enter(
    event: On<Pointer<Over>>,
    theme: Res<InventoryUiTheme>,
    mut buttons: Looks,
    mut images: Query<&mut ImageNode>,
) {
    light(event.entity, true, &theme, &mut buttons, &mut images);
}

fn leave(
    event: On<Pointer<Out>>,
    theme: Res<InventoryUiTheme>,
    mut buttons: Looks,
    mut images: Query<&mut ImageNode>,
) {
    light(event.entity, false, &theme, &mut buttons, &mut images);
}

/// Shows whether the pointer is over a button.
fn light(
    button: Entity,
    hovered: bool,
    theme: &InventoryUiTheme,
    buttons: &mut Looks,
    images: &mut Query<&mut ImageNode>,
) {
    let Ok((mut color, backdrop)) = buttons.get_mut(button) else { return };
    let Some(backdrop) = backdrop else {
        color.set_if_neq(BackgroundColor(if hovered {
            theme.hover_color
        } else {
            theme.button_color
        }));
        return;
    };
    let image = theme.button_hover_image.as_ref().filter(|_| hovered);
    if let (Some(image), Ok(mut node)) =
        (image.or(theme.button_image.as_ref()), images.get_mut(backdrop.0))
    {
        *node = image.to_node();
    }
}

/// Handles requests of assistive technologies for a slot or a button.
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
            commands.trigger(ButtonPressed { entity, shift: false });
        }
    }
}
