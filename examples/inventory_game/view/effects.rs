//! What all players see when somebody works, breaks a tool, or brings an offering.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_inventory_sync::prelude::*;

use crate::{
    map::Thing,
    protocol::{Effect, EffectKind, Facing, Shrine, WORK_REACH},
};

use super::{
    Art, Draw, Shown, TILE,
    figures::{Parts, Pose},
    nearest, place,
    sparks::{self, Kind},
    terrain::Scenery,
};

/// Distance at which a figure counts as the one that causes an effect, in tiles: drawn positions are late.
const NEAR: f32 = 2.0;

const SWING_SECONDS: f32 = 0.2;

const SHAKE_SECONDS: f32 = 0.35;

/// An arc in front of a figure that works, with its age in seconds.
#[derive(Component, Default, Debug)]
struct Swing(f32);

/// The movement of a tree or a rock that is hit, with its age in seconds.
#[derive(Component, Default, Debug)]
struct Shake(f32);

/// Everything that effects change.
#[derive(SystemParam)]
struct Stage<'w, 's> {
    figures: Query<'w, 's, (Entity, &'static Shown, &'static Pose), With<Parts>>,
    scenery: Query<'w, 's, (Entity, &'static Scenery)>,
    shrines: Query<'w, 's, &'static Shown, With<Shrine>>,
    art: Res<'w, Art>,
    commands: Commands<'w, 's>,
}

impl Stage<'_, '_> {
    fn swing(&mut self, at: Vec2) {
        let figures = self.figures.iter().map(|it| (it.1.0.distance(at), it));
        let Some((figure, _, pose)) = nearest(figures, NEAR) else { return };
        let turn = match pose.facing {
            Facing::Right => 0.0,
            Facing::Up => 0.25,
            Facing::Left => 0.5,
            Facing::Down => 0.75,
        };
        let side = pose.facing.vector() * 5.0 + Vec2::new(0.0, 8.0);
        // In front of the figure; behind it if the figure shows its back.
        let depth = if pose.facing == Facing::Up { -0.01 } else { 0.01 };
        let transform = Transform::from_translation(side.extend(depth))
            .with_rotation(Quat::from_rotation_z(turn * core::f32::consts::TAU));
        let sprite = Sprite::from_image(self.art.swing.clone());
        self.commands.spawn((sprite, transform, Swing::default(), ChildOf(figure)));
    }

    fn hit(&mut self, at: Vec2) {
        let solid = |it: &Scenery| matches!(it.thing, Thing::Tree | Thing::Rock) && !it.felled;
        let near = self.scenery.iter().filter(|(_, it)| solid(it));
        let near = near.map(|(entity, it)| (it.middle().distance(at), (entity, it)));
        let Some((entity, hit)) = nearest(near, WORK_REACH + 0.5) else { return };
        let foot = hit.foot * TILE;
        self.commands.entity(entity).insert(Shake::default());
        for _ in 0..2 {
            let there = foot + Vec2::new(sparks::spread(6.0), 7.0 + sparks::spread(3.0));
            let drift = Vec2::new(sparks::spread(14.0), 8.0);
            self.commands.spawn(sparks::spark(Kind::Puff, there, drift, 0.05));
        }
    }

    /// Spreads animations around a place, in pixels, over a time.
    fn burst(&mut self, kind: Kind, count: u8, at: Vec2, size: Vec2, seconds: f32) {
        for _ in 0..count {
            let aside = Vec2::new(sparks::spread(size.x), sparks::spread(size.y));
            let drift = Vec2::new(aside.x, 12.0);
            let delay = fastrand::f32() * seconds;
            self.commands.spawn(sparks::spark(kind, at + aside, drift, delay));
        }
    }

    fn sparkle_at_shrine(&mut self, at: Vec2, count: u8, seconds: f32) {
        let shrines = self.shrines.iter().map(|shrine| (shrine.0.distance(at), shrine.0));
        let shrine = nearest(shrines, f32::MAX).unwrap_or(at);
        let middle = shrine * TILE + Vec2::new(0.0, 18.0);
        self.burst(Kind::Sparkle, count, middle, Vec2::new(15.0, 16.0), seconds);
    }
}

pub fn plugin(app: &mut App) {
    app.add_systems(Update, (play, (swing, shake)).chain().in_set(Draw::Animate))
        .add_observer(sparkle_when_crafted);
}

fn play(mut effects: MessageReader<Effect>, mut stage: Stage) {
    for Effect { kind, at } in effects.read() {
        let chest_high = *at * TILE + Vec2::new(0.0, 10.0);
        match kind {
            EffectKind::Work => {
                stage.swing(*at);
                stage.hit(*at);
            }
            EffectKind::Break => {
                stage.burst(Kind::Puff, 5, chest_high, Vec2::new(8.0, 6.0), 0.1);
            }
            EffectKind::Eat => {
                stage.burst(Kind::Sparkle, 2, chest_high, Vec2::new(6.0, 6.0), 0.3);
            }
            EffectKind::Coins => {
                stage.burst(Kind::Sparkle, 3, chest_high, Vec2::new(7.0, 7.0), 0.3);
            }
            EffectKind::Offering => stage.sparkle_at_shrine(*at, 10, 0.8),
            EffectKind::Goal => stage.sparkle_at_shrine(*at, 48, 4.0),
        }
    }
}

/// Shows the local player that something was made.
fn sparkle_when_crafted(
    confirmed: On<ActionConfirmed>,
    me: Query<&Shown, With<LocalInventory>>,
    mut stage: Stage,
) {
    let crafted = matches!(
        confirmed.request.action::<InventoryAction>(),
        Some(InventoryAction::Craft { .. })
    );
    if let Some(me) = me.single().ok().filter(|_| crafted) {
        let middle = me.0 * TILE + Vec2::new(0.0, 10.0);
        stage.burst(Kind::Sparkle, 5, middle, Vec2::new(10.0, 9.0), 0.3);
    }
}

fn swing(
    time: Res<Time>,
    mut swings: Query<(Entity, &mut Swing, &mut Sprite)>,
    mut commands: Commands,
) {
    for (entity, mut swing, mut sprite) in &mut swings {
        swing.0 += time.delta_secs();
        sprite.color.set_alpha((1.0 - swing.0 / SWING_SECONDS).max(0.0));
        if swing.0 >= SWING_SECONDS {
            commands.entity(entity).despawn();
        }
    }
}

fn shake(
    time: Res<Time>,
    mut hit: Query<(Entity, &mut Shake, &Scenery, &mut Transform)>,
    mut commands: Commands,
) {
    for (entity, mut shake, scenery, mut transform) in &mut hit {
        shake.0 += time.delta_secs();
        let part = (shake.0 / SHAKE_SECONDS).min(1.0);
        let aside = (part * 3.0 * core::f32::consts::TAU).sin() * 1.5 * (1.0 - part);
        transform.translation = place(scenery.foot) + Vec3::new(aside, 0.0, 0.0);
        if part >= 1.0 {
            commands.entity(entity).remove::<Shake>();
        }
    }
}
