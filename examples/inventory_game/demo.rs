//! A local player that acts automatically, through the same requests as a human's input: picks up items,
//! opens a chest, drags items out of it, looks into the backpack, and starts over.

use core::time::Duration;

use bevy::{prelude::*, time::common_conditions::on_timer, window::PrimaryWindow};
use bevy_inventory_sync::prelude::*;

use crate::{
    bots::Eyes,
    hands::Hands,
    protocol::{Chest, Request},
    route,
    ui::{Backpack, Drag, Dragging, SlotView, close_all},
};

const THINK_PAUSE: Duration = Duration::from_millis(100);
const GATHERED: u32 = 2;
const DRAGS: u32 = 4;

/// Duration of a drag and of the pause after it, in seconds.
const DRAG: f32 = 1.4;
const PAUSE: f32 = 0.6;

/// Maximum number of thoughts to wait for anything.
const PATIENCE: u32 = 80;

/// Whether to stop in the middle of the first drag, for a screenshot.
#[derive(Resource, Debug)]
pub struct Pose(pub bool);

#[derive(Resource, Clone, Copy, PartialEq, Debug)]
enum Scene {
    Gather { left: u32, patience: u32 },
    Approach { patience: u32 },
    Open { patience: u32 },
    Move { left: u32, since: f32 },
    Look { since: f32 },
}

const START: Scene = Scene::Gather { left: GATHERED, patience: PATIENCE };

pub fn plugin(app: &mut App) {
    app.insert_resource(START)
        .add_systems(Update, (walk_about.run_if(on_timer(THINK_PAUSE)), drag_things).chain());
}

fn walk_about(
    eyes: Eyes,
    chests: Query<(), (With<InView>, With<Chest>)>,
    mut hands: Hands,
    time: Res<Time>,
    mut scene: ResMut<Scene>,
    mut backpack: ResMut<Backpack>,
    mut requests: MessageWriter<Request>,
) {
    let Some(here) = eyes.position() else { return };
    let now = time.elapsed_secs();
    let mut arrived = |to: Vec2| {
        let heading = route::heading(here, to);
        requests.write(Request::Walk(heading));
        heading == Vec2::ZERO
    };
    *scene = match *scene {
        Scene::Gather { left: 0, .. } => Scene::Approach { patience: PATIENCE },
        Scene::Gather { left, patience } => match eyes.nearest_item() {
            Some(item) if patience > 0 && !arrived(item) => {
                Scene::Gather { left, patience: patience - 1 }
            }
            _ => {
                hands.pick_up();
                hands.select(usize::try_from(left).unwrap_or_default() % 3);
                Scene::Gather { left: left - 1, patience: PATIENCE }
            }
        },
        Scene::Approach { patience } => match eyes.nearest_chest() {
            Some(chest) if patience > 0 && !arrived(chest) => {
                Scene::Approach { patience: patience - 1 }
            }
            _ => {
                hands.open_chest();
                Scene::Open { patience: PATIENCE }
            }
        },
        Scene::Open { patience: 0 } => START,
        Scene::Open { .. } if !chests.is_empty() => Scene::Move { left: DRAGS, since: now + PAUSE },
        Scene::Open { patience } => Scene::Open { patience: patience - 1 },
        Scene::Move { left: 0, .. } => {
            hands.close_chests();
            Scene::Look { since: now }
        }
        Scene::Move { .. } => *scene,
        Scene::Look { since } if now > since + 4.0 => {
            close_all(&mut backpack, &mut hands);
            START
        }
        Scene::Look { since } => {
            backpack.open |= now > since + 1.0;
            *scene
        }
    };
}

type Node<'a> = (&'a SlotView, &'a UiGlobalTransform);

/// Drags a stack from the chest to an empty slot of the backpack, as a pointer would.
fn drag_things(
    time: Res<Time>,
    pose: Res<Pose>,
    mine: Query<(Entity, &Inventory), With<LocalInventory>>,
    chest: Query<(Entity, &Inventory), (With<InView>, With<Chest>)>,
    nodes: Query<Node>,
    window: Single<&Window, With<PrimaryWindow>>,
    mut scene: ResMut<Scene>,
    mut dragging: ResMut<Dragging>,
    mut hands: Hands,
) {
    let Scene::Move { left, since } = *scene else { return };
    let (Ok(mine), Ok(chest)) = (mine.single(), chest.single()) else { return };
    let full = chest.1.iter().map(|(index, _)| index).nth(1);
    let empty = (3..mine.1.len()).step_by(2).find(|index| mine.1.get(*index).is_none());
    let (Some(full), Some(empty)) = (full, empty) else {
        scene.set_if_neq(Scene::Move { left: 0, since });
        return;
    };
    let view = |inventory, index| SlotView { inventory, slot: Inventory::slot(index) };
    let (from, to) = (view(chest.0, full), view(mine.0, empty));
    let place = |view: SlotView| {
        let node = nodes.iter().find(|(there, _)| **there == view);
        node.map(|(_, transform)| transform.translation / window.scale_factor())
    };
    let (Some(start), Some(end)) = (place(from), place(to)) else { return };
    let part = (time.elapsed_secs() - since) / DRAG;
    let part = if pose.0 && left == DRAGS - 1 { part.min(0.6) } else { part };
    if part < 0.0 {
        return;
    }
    if part >= 1.0 {
        hands.move_slot(from.place(), to.place(), None);
        dragging.0 = None;
        *scene = Scene::Move { left: left - 1, since: time.elapsed_secs() + PAUSE };
        return;
    }
    let at = start.lerp(end, part * part * (3.0 - 2.0 * part));
    dragging.0 = Some(Drag { from, half: false, at, by_keys: false });
}
