//! Dragging stacks between slots. A drop only makes a request; the slots are painted when it is predicted or confirmed.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_inventory_sync::prelude::*;

use crate::{
    hands::Hands,
    input::{SHIFT, is_held},
    protocol::{Buy, Chest, ChestKind},
    view::Art,
};

use super::{
    floating, letters,
    panels::Backdrop,
    slots::{Contents, SlotParts, SlotView},
    to_ui,
};

/// Maximum time between the clicks of a double click, in seconds.
const DOUBLE_CLICK: f32 = 0.35;

/// A dragged stack.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Drag {
    pub from: SlotView,
    /// Whether only half of the stack is dragged.
    pub half: bool,
    /// Position in the window.
    pub at: Vec2,
    /// Whether it is dragged with the keyboard instead of the mouse.
    pub by_keys: bool,
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
        .add_observer(click);
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
        dragging.0 = Some(Drag { from, half, at: event.pointer_location.position, by_keys: false });
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

/// Returns the number of items that a drag moves; `None` means all.
pub fn count_of(drag: Drag, contents: &Contents) -> Option<u32> {
    contents.get(drag.from).filter(|_| drag.half).map(|stack| stack.count().div_ceil(2))
}

fn drop_on_slot(
    event: On<Pointer<DragDrop>>,
    slots: Query<&SlotView>,
    contents: Contents,
    dragging: Res<Dragging>,
    mut hands: Hands,
) {
    if let (Ok(onto), Some(drag)) = (slots.get(event.entity), dragging.0) {
        hands.move_slot(drag.from.place(), onto.place(), count_of(drag, &contents));
    }
}

/// Drops a stack on the ground if it is released outside all panels.
fn drop_beside(
    event: On<Pointer<DragDrop>>,
    backdrop: Single<Entity, With<Backdrop>>,
    contents: Contents,
    dragging: Res<Dragging>,
    mut hands: Hands,
) {
    // The event bubbles up, so it also arrives from panels.
    let beside = event.entity == *backdrop && event.original_event_target() == *backdrop;
    if let Some(drag) = dragging.0.filter(|_| beside) {
        hands.drop(drag.from.place(), count_of(drag, &contents));
    }
}

/// A Shift-click quick-moves a stack, or buys from a vendor; a double click collects.
fn click(
    event: On<Pointer<Click>>,
    keys: Res<ButtonInput<KeyCode>>,
    slots: Query<&SlotView>,
    time: Res<Time<Real>>,
    mut last: Local<Option<(SlotView, f32)>>,
    mut sending: Sending,
) {
    let Ok(&view) = slots.get(event.entity) else { return };
    let now = time.elapsed_secs();
    let twice = last.is_some_and(|(before, at)| before == view && now - at < DOUBLE_CLICK);
    *last = (!twice).then_some((view, now));
    if is_held(&keys, SHIFT) {
        sending.send(view);
    } else if twice {
        sending.hands.collect(view.place());
    }
}

/// Quick-moves stacks to their most likely destination.
#[derive(SystemParam)]
pub struct Sending<'w, 's> {
    chests: Query<'w, 's, (&'static Chest, &'static InventoryId)>,
    pub hands: Hands<'w, 's>,
}

impl Sending<'_, '_> {
    pub fn send(&mut self, view: SlotView) {
        match self.chests.get(view.inventory) {
            Ok((chest, id)) if chest.kind == ChestKind::Vendor => {
                self.hands.actions.request(Buy { vendor: *id, slot: view.slot });
            }
            _ => self.hands.quick_move(view.place()),
        }
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

/// Dims the slot that a stack is dragged from.
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
