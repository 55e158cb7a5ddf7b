//! Dragging stacks between slots. Nothing moves here: the drop asks the server, and the slots are painted
//! when the change arrives.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::{
    protocol::{Request, SlotOf},
    view::Art,
};

use super::{
    floating, letters,
    panels::Backdrop,
    slots::{Contents, SlotParts, SlotView},
    to_ui,
};

/// A stack that follows the pointer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Drag {
    pub from: SlotView,
    /// Only half of it.
    pub half: bool,
    /// Where the pointer is in the window.
    pub at: Vec2,
}

#[derive(Resource, Default, Debug)]
pub struct Dragging(pub Option<Drag>);

#[derive(Component, Debug)]
struct Ghost;

#[derive(Component, Debug)]
struct GhostCount;

pub fn plugin(app: &mut App) {
    app.init_resource::<Dragging>()
        .add_systems(Startup, spawn_ghost)
        .add_systems(Update, (move_ghost, dim_source).run_if(resource_changed::<Dragging>))
        .add_observer(start)
        .add_observer(follow)
        .add_observer(drop_on_slot)
        .add_observer(drop_beside)
        .add_observer(end)
        .add_observer(quick_move);
}

fn spawn_ghost(mut commands: Commands) {
    let node = Node { width: px(16), height: px(16), ..default() };
    let ghost = (floating(node), ImageNode::default(), Ghost, Visibility::Hidden);
    commands.spawn((ghost, GlobalZIndex(10))).with_children(|ghost| {
        let corner = Node {
            position_type: PositionType::Absolute,
            right: px(0),
            bottom: px(-1.5),
            ..default()
        };
        ghost.spawn((letters("", Color::WHITE), corner, GhostCount));
    });
}

fn start(
    event: On<Pointer<DragStart>>,
    slots: Query<&SlotView>,
    contents: Contents,
    mut dragging: ResMut<Dragging>,
) {
    let Ok(&from) = slots.get(event.entity) else { return };
    let half = event.button == PointerButton::Secondary;
    if contents.get(from).is_some() && event.button != PointerButton::Middle {
        dragging.0 = Some(Drag { from, half, at: event.pointer_location.position });
    }
}

fn follow(event: On<Pointer<bevy::picking::events::Drag>>, mut dragging: ResMut<Dragging>) {
    if let Some(drag) = &mut dragging.0 {
        drag.at = event.pointer_location.position;
    }
}

fn end(_: On<Pointer<DragEnd>>, mut dragging: ResMut<Dragging>) {
    dragging.0 = None;
}

/// How many a drag moves; none means all.
fn count_of(drag: Drag, contents: &Contents) -> Option<u32> {
    contents.get(drag.from).filter(|_| drag.half).map(|stack| stack.count().div_ceil(2))
}

fn address(view: SlotView, ids: &Query<&InventoryId>) -> Option<SlotOf> {
    ids.get(view.inventory).ok().map(|id| (*id, view.slot))
}

fn drop_on_slot(
    event: On<Pointer<DragDrop>>,
    slots: Query<&SlotView>,
    ids: Query<&InventoryId>,
    contents: Contents,
    dragging: Res<Dragging>,
    mut requests: MessageWriter<Request>,
) {
    let (Ok(&onto), Some(drag)) = (slots.get(event.entity), dragging.0) else { return };
    if let (Some(from), Some(to)) = (address(drag.from, &ids), address(onto, &ids)) {
        requests.write(Request::MoveSlot { from, to, count: count_of(drag, &contents) });
    }
}

/// Beside all panels a stack is thrown on the ground.
fn drop_beside(
    event: On<Pointer<DragDrop>>,
    backdrop: Single<Entity, With<Backdrop>>,
    ids: Query<&InventoryId>,
    contents: Contents,
    dragging: Res<Dragging>,
    mut requests: MessageWriter<Request>,
) {
    let Some(drag) = dragging.0.filter(|_| event.original_event_target() == *backdrop) else {
        return;
    };
    if let Some(from) = address(drag.from, &ids) {
        requests.write(Request::Drop { from, count: count_of(drag, &contents) });
    }
}

fn quick_move(
    event: On<Pointer<Click>>,
    keys: Res<ButtonInput<KeyCode>>,
    slots: Query<&SlotView>,
    ids: Query<&InventoryId>,
    mut requests: MessageWriter<Request>,
) {
    let shift = keys.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight]);
    let Ok(&view) = slots.get(event.entity) else { return };
    if let Some(from) = address(view, &ids).filter(|_| shift) {
        requests.write(Request::QuickMove { from });
    }
}

fn move_ghost(
    dragging: Res<Dragging>,
    contents: Contents,
    art: Res<Art>,
    scale: Res<UiScale>,
    ghost: Single<(&mut Node, &mut ImageNode, &mut Visibility), With<Ghost>>,
    mut count: Single<&mut Text, With<GhostCount>>,
) {
    let (mut node, mut image, mut visibility) = ghost.into_inner();
    let dragged = dragging.0.and_then(|drag| Some((drag, contents.get(drag.from)?)));
    let Some((drag, stack)) = dragged else {
        visibility.set_if_neq(Visibility::Hidden);
        return;
    };
    visibility.set_if_neq(Visibility::Visible);
    image.image = art.icon(stack.item);
    let many = count_of(drag, &contents).unwrap_or(stack.count());
    count.0 = if many > 1 { many.to_string() } else { String::new() };
    let corner = to_ui(drag.at, &scale) - 8.0;
    (node.left, node.top) = (px(corner.x), px(corner.y));
}

/// What is being dragged is not quite in its slot any more.
fn dim_source(
    dragging: Res<Dragging>,
    slots: Query<(&SlotView, &SlotParts)>,
    mut icons: Query<&mut ImageNode>,
) {
    for (view, parts) in &slots {
        let source = dragging.0.is_some_and(|drag| drag.from == *view);
        if let Ok(mut icon) = icons.get_mut(parts.icon) {
            icon.color.set_alpha(if source { 0.35 } else { 1.0 });
        }
    }
}
