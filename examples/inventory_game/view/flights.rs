//! Icons that fly: to the player who picks up a stack, and from the player who drops one.

use bevy::{ecs::system::SystemParam, prelude::*};

use super::{
    Draw, ICON_SIZE, Shown, TILE,
    figures::Parts,
    nearest,
    sparks::{self, Kind},
};

/// Duration of a flight, in seconds.
const SECONDS: f32 = 0.3;

/// Height of a player's hands, in pixels.
const HANDS: Vec2 = Vec2::new(0.0, 9.0);

/// How high an icon flies above the direct line, in pixels.
const ARC: f32 = 10.0;

/// Depth of flying icons: in front of all figures, behind text.
const DEPTH: f32 = 85.0;

/// An icon on its way to the player who has picked it up.
#[derive(Component, Debug)]
#[require(Transform)]
pub struct Flight {
    from: Vec2,
    pub to: Entity,
    age: f32,
}

/// Returns an icon that flies from a position to a player.
pub fn flight(icon: Handle<Image>, from: Vec2, to: Entity) -> impl Bundle {
    let size = Some(Vec2::splat(ICON_SIZE));
    let sprite = Sprite { custom_size: size, ..Sprite::from_image(icon) };
    let from = from * TILE + Vec2::new(0.0, ICON_SIZE / 2.0);
    (sprite, Transform::from_translation(from.extend(DEPTH)), Flight { from, to, age: 0.0 })
}

/// The way of an icon from the player who dropped it.
#[derive(Component, Debug)]
pub struct Pop {
    pub by: Entity,
    pub age: f32,
}

/// The movement of an icon when its stack grows, with its age in seconds.
#[derive(Component, Default, Debug)]
pub struct Bounce(f32);

/// The figures of all players.
#[derive(SystemParam)]
pub struct Avatars<'w, 's> {
    figures: Query<'w, 's, (Entity, &'static Shown), With<Parts>>,
}

impl Avatars<'_, '_> {
    pub fn nearest(&self, to: Vec2, reach: f32) -> Option<Entity> {
        nearest(self.figures.iter().map(|(figure, at)| (at.0.distance(to), figure)), reach)
    }

    /// Returns the position of a player's hands, in pixels.
    fn hands(&self, of: Entity) -> Option<Vec2> {
        self.figures.get(of).ok().map(|(_, at)| at.0 * TILE + HANDS)
    }
}

pub fn plugin(app: &mut App) {
    app.add_systems(Update, (fly, pop, bounce).in_set(Draw::Animate));
}

fn arc(from: Vec2, to: Vec2, part: f32) -> Vec2 {
    let height = 4.0 * part * (1.0 - part) * ARC;
    from.lerp(to, part) + Vec2::new(0.0, height)
}

fn fly(
    time: Res<Time>,
    avatars: Avatars,
    mut flights: Query<(Entity, &mut Flight, &mut Transform, &mut Sprite)>,
    mut commands: Commands,
) {
    for (entity, mut flight, mut transform, mut sprite) in &mut flights {
        flight.age += time.delta_secs();
        let part = flight.age / SECONDS;
        let Some(to) = avatars.hands(flight.to).filter(|_| part < 1.0) else {
            commands.entity(entity).despawn();
            continue;
        };
        let at = arc(flight.from, to, part);
        transform.translation = at.extend(DEPTH);
        // It fades in the second half.
        let rest = (2.0 - 2.0 * part).min(1.0);
        transform.scale = Vec2::splat(0.5 + 0.5 * rest).extend(1.0);
        sprite.color.set_alpha(rest);
    }
}

fn pop(
    time: Res<Time>,
    avatars: Avatars,
    places: Query<&Shown>,
    mut icons: Query<(Entity, &mut Pop, &ChildOf, &mut Transform)>,
    mut commands: Commands,
) {
    for (entity, mut pop, child, mut transform) in &mut icons {
        pop.age += time.delta_secs();
        let part = pop.age / SECONDS;
        let Ok(place) = places.get(child.parent()) else { continue };
        let Some(hands) = avatars.hands(pop.by).filter(|_| part < 1.0) else {
            let ground = place.0 * TILE + Vec2::new(0.0, 3.0);
            commands.spawn(sparks::spark(Kind::Puff, ground, Vec2::ZERO, 0.0));
            commands.entity(entity).remove::<Pop>().insert(Bounce::default());
            continue;
        };
        let at = arc(hands - place.0 * TILE, Vec2::new(0.0, 2.0), part);
        transform.translation = at.extend(transform.translation.z);
    }
}

/// Squashes and stretches an icon.
fn bounce(
    time: Res<Time>,
    mut icons: Query<(Entity, &mut Bounce, &mut Transform)>,
    mut commands: Commands,
) {
    for (entity, mut bounce, mut transform) in &mut icons {
        bounce.0 += time.delta_secs();
        let part = (bounce.0 / SECONDS).min(1.0);
        let swing = (part * core::f32::consts::TAU).sin() * 0.3 * (1.0 - part);
        transform.scale = Vec3::new(1.0 + swing, 1.0 - swing, 1.0);
        if part >= 1.0 {
            transform.scale = Vec3::ONE;
            commands.entity(entity).remove::<Bounce>();
        }
    }
}
