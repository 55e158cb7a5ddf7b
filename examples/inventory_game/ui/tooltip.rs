//! What the slot under the pointer holds, in words.

use bevy::{prelude::*, window::PrimaryWindow};
use bevy_inventory_sync::prelude::*;

use crate::{items::Props, view::Art};

use super::{
    Dragging, floating, letters, panels,
    slots::{Contents, SlotView},
    to_ui,
};

/// The slot under the pointer.
#[derive(Resource, Default, Debug)]
struct Hovered(Option<Entity>);

#[derive(Component, Debug)]
struct Tip;

#[derive(Component, Debug)]
struct Title;

#[derive(Component, Debug)]
struct Line;

pub fn plugin(app: &mut App) {
    app.init_resource::<Hovered>()
        .add_systems(Startup, spawn)
        .add_systems(Update, write)
        .add_observer(enter)
        .add_observer(leave);
}

fn spawn(mut commands: Commands) {
    let node = Node {
        padding: UiRect::axes(px(4), px(2.5)),
        border: px(1).all(),
        flex_direction: FlexDirection::Column,
        row_gap: px(1),
        ..default()
    };
    let box_ = (
        floating(node),
        BackgroundColor(Color::srgba(0.11, 0.07, 0.12, 0.96)),
        BorderColor::all(Color::srgb_u8(0x95, 0x5c, 0x36)),
        GlobalZIndex(9),
        Visibility::Hidden,
        Tip,
    );
    commands.spawn(box_).with_children(|tip| {
        tip.spawn((letters("", panels::GOLD), Title));
        tip.spawn((letters("", Color::srgb_u8(0xc9, 0xd1, 0xd8)), Line));
    });
}

fn enter(
    event: On<Pointer<Over>>,
    mut slots: Query<&mut ImageNode, With<SlotView>>,
    art: Res<Art>,
    mut hovered: ResMut<Hovered>,
) {
    if let Ok(mut slot) = slots.get_mut(event.entity) {
        slot.image = art.slot_hover.clone();
        hovered.0 = Some(event.entity);
    }
}

fn leave(
    event: On<Pointer<Out>>,
    mut slots: Query<&mut ImageNode, With<SlotView>>,
    art: Res<Art>,
    mut hovered: ResMut<Hovered>,
) {
    if let Ok(mut slot) = slots.get_mut(event.entity) {
        slot.image = art.slot.clone();
        hovered.0 = hovered.0.filter(|slot| *slot != event.entity);
    }
}

type Written<'w, 's, Which, Other> =
    Single<'w, 's, &'static mut Text, (With<Which>, Without<Other>)>;

fn write(
    hovered: Res<Hovered>,
    dragging: Res<Dragging>,
    slots: Query<&SlotView>,
    contents: Contents,
    items: Res<Items<Props>>,
    window: Single<&Window, With<PrimaryWindow>>,
    scale: Res<UiScale>,
    tip: Single<(&mut Node, &mut Visibility, &ComputedNode), With<Tip>>,
    mut title: Written<Title, Line>,
    mut line: Written<Line, Title>,
) {
    let (mut node, mut visibility, computed) = tip.into_inner();
    let view = hovered.0.and_then(|slot| slots.get(slot).ok());
    let stack = view.and_then(|view| contents.get(*view)).filter(|_| dragging.0.is_none());
    let (Some(stack), Some(cursor)) = (stack, window.cursor_position()) else {
        visibility.set_if_neq(Visibility::Hidden);
        return;
    };
    let Some(item) = items.catalogue().get(stack.item) else { return };
    let many = if stack.count() > 1 { format!("  x{}", stack.count()) } else { String::new() };
    title.set_if_neq(Text(format!("{}{many}", item.name)));
    line.set_if_neq(Text(items.props(stack.item).map(|p| p.line.clone()).unwrap_or_default()));
    let room = to_ui(window.size(), &scale) - computed.size() * computed.inverse_scale_factor();
    let corner = (to_ui(cursor, &scale) + Vec2::new(6.0, 6.0)).min(room - 2.0);
    (node.left, node.top) = (px(corner.x), px(corner.y));
    visibility.set_if_neq(Visibility::Visible);
}
