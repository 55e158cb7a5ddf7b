//! Chests, the furnace, the shrine and gates.

use core::time::Duration;

use bevy::{prelude::*, sprite::Anchor, time::common_conditions::on_timer};

use crate::protocol::{Chest, ChestKind, Furnace, Gate, Position, Shrine, Users};

use super::{
    Art, Draw, Shown, TILE, ghosts, place,
    sparks::{self, Kind},
};

/// Interval of the smoke of a furnace and the sparkles of the shrine.
const BREATH: Duration = Duration::from_millis(450);

pub fn plugin(app: &mut App) {
    app.add_systems(Update, build.in_set(Draw::Dress))
        .add_systems(Update, (paint, breathe.run_if(on_timer(BREATH))).in_set(Draw::Animate));
}

fn build(
    new: Query<
        (Entity, &Position, Option<&Chest>, Has<Shrine>, Has<Gate>),
        (Or<(With<Chest>, With<Furnace>, With<Shrine>, With<Gate>)>, Without<Shown>),
    >,
    art: Res<Art>,
    mut commands: Commands,
) {
    for (entity, position, chest, shrine, gate) in &new {
        let size = match chest.map(|chest| chest.kind) {
            Some(ChestKind::Vendor) => Vec2::splat(24.0),
            Some(ChestKind::Bank) => Vec2::splat(20.0),
            Some(ChestKind::Plain | ChestKind::Locked) => Vec2::new(16.0, 13.0),
            None if shrine => Vec2::new(24.0, 32.0),
            None => Vec2::new(16.0, 20.0),
        };
        if !gate {
            let wide = Vec2::new(size.x, 6.0);
            let shadow =
                Sprite { custom_size: Some(wide), ..Sprite::from_image(art.shadow.clone()) };
            commands.spawn((shadow, Transform::from_xyz(0.0, 1.0, -0.02), ChildOf(entity)));
            commands.spawn((ghosts::ghost(size), ChildOf(entity)));
        }
        let transform = Transform::from_translation(place(position.0));
        let sprite = (Sprite::default(), Anchor::BOTTOM_CENTER);
        commands.entity(entity).insert((Shown(position.0), transform, sprite));
    }
}

/// Draws the state of each. A chest is open for all players while any player has it open.
fn paint(
    art: Res<Art>,
    mut all: Query<
        (&mut Sprite, Option<&Users>, Option<&Chest>, Option<&Furnace>, Option<&Shrine>),
        Or<(With<Chest>, With<Furnace>, With<Shrine>, With<Gate>)>,
    >,
) {
    for (mut sprite, users, chest, furnace, shrine) in &mut all {
        let image = match (chest, furnace, shrine) {
            (Some(chest), ..) => {
                art.chest(chest.kind, users.is_some_and(|users| !users.0.is_empty()))
            }
            (_, Some(furnace), _) => art.furnace(furnace.lit),
            (.., Some(shrine)) => art.shrine(shrine.stage),
            _ => &art.gate,
        };
        if sprite.image != *image {
            sprite.image = image.clone();
        }
    }
}

/// A burning furnace smokes, and a complete shrine sparkles.
fn breathe(
    furnaces: Query<(&Furnace, &Shown)>,
    shrines: Query<(&Shrine, &Shown)>,
    mut commands: Commands,
) {
    for (_, at) in furnaces.iter().filter(|(furnace, _)| furnace.lit) {
        let top = at.0 * TILE + Vec2::new(sparks::spread(2.0), 20.0);
        commands.spawn(sparks::spark(Kind::Smoke, top, Vec2::new(2.0, 9.0), 0.0));
    }
    for (_, at) in shrines.iter().filter(|(shrine, _)| shrine.stage >= Shrine::OFFERINGS) {
        let around = Vec2::new(sparks::spread(13.0), 18.0 + sparks::spread(14.0));
        commands.spawn(sparks::spark(Kind::Sparkle, at.0 * TILE + around, Vec2::Y * 4.0, 0.0));
    }
}
