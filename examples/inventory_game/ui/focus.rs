//! Keyboard focus, drawn as a ring: arrow keys move it, Tab moves it to the next panel.

use bevy::prelude::*;

use crate::session::{Paused, Session};

use super::{Backpack, SlotView, floating, panels::GOLD};

/// Marks nodes that can have the focus, by layer. Only the highest layer on screen can have it.
#[derive(Component, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Focusable {
    Panel,
    Menu,
}

/// The focused node, and whether the keyboard (not the mouse) moved the focus last.
#[derive(Resource, Default, Debug)]
pub struct Focus {
    pub on: Option<Entity>,
    pub by_keys: bool,
}

impl Focus {
    /// Returns the node that keys act on.
    pub fn shown(&self) -> Option<Entity> {
        self.on.filter(|_| self.by_keys)
    }

    pub fn take(&mut self, entity: Entity) {
        (self.on, self.by_keys) = (Some(entity), true);
    }
}

/// Enter on the focused node, or a click on a node.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct Pressed {
    pub entity: Entity,
}

#[derive(Component, Debug)]
struct Ring;

/// Weight of the sideways distance relative to the distance in the arrow's direction.
const ASIDE: f32 = 2.5;

const ARROWS: [(KeyCode, Vec2); 4] = [
    (KeyCode::ArrowUp, Vec2::NEG_Y),
    (KeyCode::ArrowDown, Vec2::Y),
    (KeyCode::ArrowLeft, Vec2::NEG_X),
    (KeyCode::ArrowRight, Vec2::X),
];

type Places<'w, 's> = Query<
    'w,
    's,
    (
        Entity,
        &'static Focusable,
        &'static UiGlobalTransform,
        &'static ComputedNode,
        &'static ChildOf,
    ),
>;

pub fn plugin(app: &mut App) {
    app.init_resource::<Focus>()
        .add_systems(Startup, spawn)
        .add_systems(Update, (navigate, press).chain().run_if(keys_are_for_panels).after(let_go))
        .add_systems(Update, let_go)
        .add_systems(PostUpdate, draw.after(bevy::ui::UiSystems::Layout))
        .add_observer(click);
}

fn spawn(mut commands: Commands) {
    let ring = Node { border: px(1).all(), ..default() };
    let frame = (BorderColor::all(GOLD), GlobalZIndex(12), Ring, Visibility::Hidden);
    commands.spawn((floating(ring), frame));
}

/// Returns `true` if arrow keys move the focus instead of the player.
pub fn keys_are_for_panels(
    backpack: Res<Backpack>,
    session: Res<Session>,
    paused: Res<Paused>,
) -> bool {
    backpack.open || paused.0 || *session == Session::None
}

/// Position and panel of a focusable node.
#[derive(Clone, Copy)]
struct Spot {
    entity: Entity,
    group: Entity,
    at: Vec2,
}

/// Returns the focusable nodes of the highest layer on screen, in reading order.
fn spots(places: &Places) -> Vec<Spot> {
    let shown = || places.iter().filter(|(.., node, _)| node.size().min_element() > 0.0);
    let top = shown().map(|(_, layer, ..)| *layer).max();
    let on_top = shown().filter(|(_, layer, ..)| Some(**layer) == top);
    let mut spots: Vec<Spot> = on_top
        .map(|(entity, _, at, _, parent)| Spot { entity, group: parent.0, at: at.translation })
        .collect();
    spots.sort_by(|a, b| a.at.y.total_cmp(&b.at.y).then(a.at.x.total_cmp(&b.at.x)));
    spots
}

/// Moves the focus. In panels it starts at a slot.
fn navigate(
    keys: Res<ButtonInput<KeyCode>>,
    places: Places,
    slots: Query<(), With<SlotView>>,
    mut focus: ResMut<Focus>,
) {
    let arrow = ARROWS.iter().find(|(key, _)| keys.just_pressed(*key)).map(|(_, way)| *way);
    let tab = keys.just_pressed(KeyCode::Tab);
    if arrow.is_none() && !tab {
        return;
    }
    let spots = spots(&places);
    let here = spots.iter().find(|spot| focus.shown() == Some(spot.entity)).copied();
    let next = match (here, arrow) {
        (None, _) => focus.on.filter(|on| spots.iter().any(|spot| spot.entity == *on)),
        (Some(here), Some(way)) => Some(beside(&spots, here, way).unwrap_or(here).entity),
        (Some(here), None) => {
            let back = keys.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight]);
            Some(next_group(&spots, here, back).entity)
        }
    };
    let first = spots.iter().find(|spot| slots.contains(spot.entity)).or(spots.first());
    if let Some(next) = next.or(first.map(|spot| spot.entity)) {
        focus.take(next);
    }
}

fn beside(spots: &[Spot], here: Spot, way: Vec2) -> Option<Spot> {
    let cost = |spot: &Spot| {
        let to = spot.at - here.at;
        let along = to.dot(way);
        (along > 1.0).then(|| along + ASIDE * to.perp_dot(way).abs())
    };
    let ahead = spots.iter().filter_map(|spot| Some((cost(spot)?, *spot)));
    ahead.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, spot)| spot)
}

/// Returns the first node of the next panel, or the next node if there is only one panel.
fn next_group(spots: &[Spot], here: Spot, back: bool) -> Spot {
    let mut firsts: Vec<Spot> = vec![];
    for spot in spots {
        if firsts.iter().all(|first| first.group != spot.group) {
            firsts.push(*spot);
        }
    }
    let single = firsts.len() == 1;
    let ring = if single { spots } else { &firsts };
    let is_here = |spot: &Spot| {
        if single { spot.entity == here.entity } else { spot.group == here.group }
    };
    let at = ring.iter().position(is_here).unwrap_or_default();
    ring[(at + if back { ring.len() - 1 } else { 1 }) % ring.len()]
}

/// Hides the ring when the mouse moves (except in a menu), or when no panel or menu is open.
fn let_go(
    mut moves: MessageReader<CursorMoved>,
    backpack: Res<Backpack>,
    session: Res<Session>,
    paused: Res<Paused>,
    mut focus: ResMut<Focus>,
) {
    let in_menu = paused.0 || *session == Session::None;
    let moved = moves.read().count() > 0 && !in_menu;
    let open = in_menu || backpack.open;
    if focus.by_keys && (moved || !open) {
        focus.by_keys = false;
    }
}

fn press(
    keys: Res<ButtonInput<KeyCode>>,
    focus: Res<Focus>,
    places: Places,
    mut commands: Commands,
) {
    let enter = keys.any_just_pressed([KeyCode::Enter, KeyCode::NumpadEnter]);
    if let Some(entity) = focus.shown().filter(|entity| enter && places.contains(*entity)) {
        commands.trigger(Pressed { entity });
    }
}

fn click(
    event: On<Pointer<Click>>,
    places: Query<&Focusable>,
    mut focus: ResMut<Focus>,
    mut commands: Commands,
) {
    if event.button == PointerButton::Primary && places.contains(event.entity) {
        (focus.on, focus.by_keys) = (Some(event.entity), false);
        commands.trigger(Pressed { entity: event.entity });
    }
}

fn draw(
    focus: Res<Focus>,
    places: Query<(&UiGlobalTransform, &ComputedNode), With<Focusable>>,
    ring: Single<(&mut Node, &mut Visibility), With<Ring>>,
) {
    let (mut node, mut visibility) = ring.into_inner();
    let around = focus.shown().and_then(|on| places.get(on).ok());
    let Some((at, around)) = around.filter(|(_, node)| node.size().min_element() > 0.0) else {
        visibility.set_if_neq(Visibility::Hidden);
        return;
    };
    let scale = around.inverse_scale_factor();
    let size = around.size() * scale + 2.0;
    let corner = at.translation * scale - size / 2.0;
    let (left, top, width, height) = (px(corner.x), px(corner.y), px(size.x), px(size.y));
    if (node.left, node.top, node.width, node.height) != (left, top, width, height) {
        (node.left, node.top, node.width, node.height) = (left, top, width, height);
    }
    visibility.set_if_neq(Visibility::Visible);
}
