//! Tooltip with the contents of the hovered or focused slot.

use bevy::{ecs::system::SystemParam, prelude::*, window::PrimaryWindow};
use bevy_inventory_sync::prelude::*;

use crate::{items::Props, protocol::Engraving, view::Art};

use super::{
    Dragging, Focus, floating, letters, panels,
    slots::{Contents, SlotView},
    to_ui,
};

/// The slot under the pointer.
#[derive(Resource, Default, Debug)]
pub struct Hovered(pub Option<Entity>);

#[derive(Component, Debug)]
struct Tip;

#[derive(Component, Debug)]
struct Title;

/// A line below the title: index into [`LINES`].
#[derive(Component, Clone, Copy, Debug)]
struct Line(usize);

/// Colors of the lines: description, engraving, remaining uses.
const LINES: [Color; 3] = [GREY, Color::srgb(0.72, 0.86, 1.0), Color::srgb(0.72, 0.9, 0.6)];

const GREY: Color = Color::srgb(0.79, 0.82, 0.85);

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
        for (line, color) in LINES.into_iter().enumerate() {
            tip.spawn((letters("", color), Line(line)));
        }
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

/// The slot that the tooltip describes, and its position.
#[derive(SystemParam)]
struct Told<'w, 's> {
    hovered: Res<'w, Hovered>,
    focus: Res<'w, Focus>,
    dragging: Res<'w, Dragging>,
    slots: Query<'w, 's, (&'static SlotView, &'static UiGlobalTransform, &'static ComputedNode)>,
    contents: Contents<'w, 's>,
}

impl Told<'_, '_> {
    /// Returns the stack and the slot's rectangle.
    fn get(&self) -> Option<(Stack, Rect)> {
        let on = if self.focus.by_keys { self.focus.on } else { self.hovered.0 };
        let (view, at, node) = self.slots.get(on?).ok()?;
        let stack = self.contents.get(*view).filter(|_| self.dragging.0.is_none())?;
        let scale = node.inverse_scale_factor();
        let place = Rect::from_center_size(at.translation * scale, node.size() * scale);
        (node.size().x > 0.0).then_some((stack, place))
    }
}

/// Returns the lines below a stack's name.
fn lines(stack: Stack, items: &Items<Props>, pool: &DataPool) -> [String; 3] {
    let props = items.props(stack.item);
    let written = stack.data.and_then(|data| pool.get::<Engraving>(data));
    let worn = props.filter(|props| props.uses > 0).map(|props| {
        format!("{} of {} uses left", props.uses.saturating_sub(stack.wear), props.uses)
    });
    [
        props.map(|props| props.line.clone()).unwrap_or_default(),
        written.map(|written| format!("Engraved: {}", written.text)).unwrap_or_default(),
        worn.unwrap_or_default(),
    ]
}

fn write(
    told: Told,
    items: Res<Items<Props>>,
    pool: Res<DataPool>,
    window: Single<&Window, With<PrimaryWindow>>,
    scale: Res<UiScale>,
    tip: Single<(&mut Node, &mut Visibility, &ComputedNode), (With<Tip>, Without<Line>)>,
    mut title: Single<&mut Text, (With<Title>, Without<Line>)>,
    mut under: Query<(&Line, &mut Text, &mut Node)>,
) {
    let (mut node, mut visibility, computed) = tip.into_inner();
    let Some((stack, slot)) = told.get() else {
        visibility.set_if_neq(Visibility::Hidden);
        return;
    };
    let Some(item) = items.catalog().get(stack.item) else { return };
    let many = if stack.count() > 1 { format!("  x{}", stack.count()) } else { String::new() };
    title.set_if_neq(Text(format!("{}{many}", item.name)));
    let words = lines(stack, &items, &pool);
    for (Line(line), mut text, mut node) in &mut under {
        let display = if words[*line].is_empty() { Display::None } else { Display::Flex };
        if text.0 != words[*line] || node.display != display {
            text.0.clone_from(&words[*line]);
            node.display = display;
        }
    }
    let size = computed.size() * computed.inverse_scale_factor();
    let room = to_ui(window.size(), &scale) - size - 2.0;
    // Below the slot, or above it if there is no room.
    let below = slot.max.y + 1.0;
    let top = if below > room.y { slot.min.y - size.y - 1.0 } else { below };
    let corner = Vec2::new((slot.max.x + 1.0).min(room.x), top);
    if (node.left, node.top) != (px(corner.x), px(corner.y)) {
        (node.left, node.top) = (px(corner.x), px(corner.y));
    }
    visibility.set_if_neq(Visibility::Visible);
}
