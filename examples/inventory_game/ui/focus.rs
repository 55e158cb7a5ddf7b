//! A ring around what the keyboard is at: arrows move it, Tab takes it to the next panel.

use bevy::prelude::*;

use crate::session::{Paused, Session};

use super::{Backpack, SlotView, floating, panels::GOLD};

/// What the ring can be around. The highest layer of those on screen has it.
#[derive(Component, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Focusable {
    Panel,
    Menu,
}

/// What the ring is around, and whether the keyboard moved it last and not the mouse.
#[derive(Resource, Default, Debug)]
pub struct Focus {
    pub on: Option<Entity>,
    pub by_keys: bool,
}

impl Focus {
    /// What keys act on.
    pub fn shown(&self) -> Option<Entity> {
        self.on.filter(|_| self.by_keys)
    }

    pub fn take(&mut self, entity: Entity) {
        (self.on, self.by_keys) = (Some(entity), true);
    }
}

/// Enter on what has the ring, or a click.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct Pressed {
    pub entity: Entity,
}

#[derive(Component, Debug)]
struct Ring;

/// Off the way, so far is as bad as this many times as far on the way.
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

/// Whether arrows move the ring and not the player.
pub fn keys_are_for_panels(
    backpack: Res<Backpack>,
    session: Res<Session>,
    paused: Res<Paused>,
) -> bool {
    backpack.open || paused.0 || *session == Session::None
}

/// One thing that the ring can be around, as far as moving it goes.
#[derive(Clone, Copy)]
struct Spot {
    entity: Entity,
    group: Entity,
    at: Vec2,
}

/// Those on the highest layer on screen, in reading order.
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

/// In panels it begins at a slot.
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

/// The first of the next panel; within the only one, the next.
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

/// The ring goes when the mouse is used, except in a menu, and when nothing is open that it could be in.
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
