//! Draws the carried stack at the pointer.

use accesskit::{Live, Node as AccessNode, Role};
use bevy::{a11y::AccessibilityNode, input_focus::InputFocus, prelude::*};

use crate::model::catalog::ItemCatalog;

use super::{
    carry::Carried,
    icons::ItemIcons,
    press::GestureState,
    texts::InventoryUiTexts,
    theme::{InventoryUiTheme, hidden},
};

/// Shows the stack that the player carries, at the mouse pointer, the finger, or the focused slot. Spawn one, without a
/// parent.
#[derive(Component, Clone, Copy, Default, Debug)]
#[require(
    Node = floating(),
    Visibility::Hidden,
    GlobalZIndex(1000),
    Pickable::IGNORE
)]
pub struct CursorStack;

/// The child nodes.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct CursorParts {
    icon: Entity,
    name: Entity,
    count: Entity,
}

fn floating() -> Node {
    Node {
        position_type: PositionType::Absolute,
        align_items: AlignItems::Center,
        justify_content: JustifyContent::Center,
        ..default()
    }
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(spawn);
}

fn spawn(event: On<Add, CursorStack>, theme: Res<InventoryUiTheme>, mut commands: Commands) {
    let mut parts = [Entity::PLACEHOLDER; 3];
    let mut access = AccessNode::new(Role::Status);
    access.set_live(Live::Polite);
    commands.entity(event.entity).insert(AccessibilityNode(access)).with_children(|cursor| {
        let icon = Node { width: px(theme.icon), height: px(theme.icon), ..default() };
        let icon = (icon, ImageNode::default(), hidden(), Pickable::IGNORE);
        parts[0] = cursor.spawn(icon).id();
        parts[1] = cursor.spawn(theme.text("", theme.count_size, theme.text_color)).id();
        let corner = Node {
            position_type: PositionType::Absolute,
            right: px(-1.5 * theme.line),
            bottom: px(-3.0 * theme.line),
            ..default()
        };
        parts[2] = cursor.spawn(theme.count()).insert(corner).id();
    });
    let [icon, name, count] = parts;
    commands.entity(event.entity).insert(CursorParts { icon, name, count });
}

/// Returns `true` if the carried stack, or the slot that it is shown at, has changed.
pub(super) fn has_moved(
    carried: Res<Carried>,
    focus: Res<InputFocus>,
    gesture: Res<GestureState>,
    moved: Query<(), Changed<UiGlobalTransform>>,
) -> bool {
    let focus_moves = || focus.get().is_some_and(|focus| moved.contains(focus));
    let carries = carried.get().is_some();
    carried.is_changed() || carries && (focus.is_changed() || gesture.is_changed() || focus_moves())
}

pub(super) fn draw(
    carried: Res<Carried>,
    gesture: Res<GestureState>,
    focus: Res<InputFocus>,
    theme: Res<InventoryUiTheme>,
    texts: Res<InventoryUiTexts>,
    scale: Res<UiScale>,
    catalog: Option<Res<ItemCatalog>>,
    mut icons: ItemIcons,
    places: Query<(&UiGlobalTransform, &ComputedNode)>,
    mut cursors: Query<
        (&CursorParts, &mut Node, &mut Visibility, &mut AccessibilityNode),
        With<CursorStack>,
    >,
    mut images: Query<&mut ImageNode>,
    mut labels: Query<&mut Text>,
) {
    for (parts, mut node, mut visibility, mut access) in &mut cursors {
        let carry = carried.get().and_then(|carry| Some((carry, gesture.left(carry)?)));
        let Some(((carry, stack), catalog)) = carry.zip(catalog.as_deref()) else {
            visibility.set_if_neq(Visibility::Hidden);
            access.clear_label();
            continue;
        };
        let at_focus = || {
            let (transform, node) = places.get(focus.get()?).ok()?;
            Some((transform.translation + node.size() / 4.0) * node.inverse_scale_factor())
        };
        let at = carry.at.map(|at| at / scale.0).or_else(at_focus).unwrap_or_default();
        let corner = at - theme.icon / 2.0;
        (node.left, node.top) = (px(corner.x), px(corner.y));
        let (image, letters) = icons.picture(catalog.get(stack.item));
        if let Ok(mut icon) = images.get_mut(parts.icon) {
            icon.color = if letters.is_empty() { Color::WHITE } else { Color::NONE };
            icon.image = image.unwrap_or_default();
        }
        let count = (stack.count() > 1).then(|| (texts.count)(stack.count()));
        for (part, text) in [(parts.name, letters), (parts.count, count.unwrap_or_default())] {
            if let Ok(mut label) = labels.get_mut(part) {
                label.set_if_neq(Text(text));
            }
        }
        access.set_label((texts.stack)(catalog, stack));
        visibility.set_if_neq(Visibility::Visible);
    }
}
