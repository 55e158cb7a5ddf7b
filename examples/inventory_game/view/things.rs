//! Items on the ground and chests.

use bevy::{prelude::*, sprite::Anchor};

use crate::protocol::{Chest, Gate, GroundItem, Position};

use super::{Art, Shown, place};

/// Size of an icon: two thirds, which is a whole number of screen pixels at zoom 3.
const ICON_SIZE: f32 = 32.0 / 3.0;

/// An icon that floats over the ground.
#[derive(Component, Debug)]
pub struct Floating;

pub fn show_items(
    items: Query<(Entity, &GroundItem, &Position), Without<Shown>>,
    art: Res<Art>,
    mut commands: Commands,
) {
    for (entity, GroundItem(item), position) in &items {
        let Some(item) = *item else { continue };
        let shadow = Sprite {
            custom_size: Some(Vec2::new(10.0, 3.75)),
            ..Sprite::from_image(art.shadow.clone())
        };
        commands.spawn((shadow, Transform::from_xyz(0.0, 0.0, -0.02), ChildOf(entity)));
        let icon = Sprite {
            custom_size: Some(Vec2::splat(ICON_SIZE)),
            ..Sprite::from_image(art.icon(item))
        };
        commands.spawn((icon, Anchor::BOTTOM_CENTER, Floating, ChildOf(entity)));
        let transform = Transform::from_translation(place(position.0));
        commands.entity(entity).insert((Shown(position.0), transform, Visibility::default()));
    }
}

/// Moves icons up and down, with a phase that depends on the position.
pub fn bob(time: Res<Time>, mut icons: Query<(&mut Transform, &GlobalTransform), With<Floating>>) {
    for (mut transform, global) in &mut icons {
        let phase = global.translation().x * 0.3;
        transform.translation.y = 2.0 + (time.elapsed_secs() * 2.6 + phase).sin();
    }
}

pub fn show_chests(
    chests: Query<(Entity, &Position), (With<Chest>, Without<Shown>)>,
    art: Res<Art>,
    mut commands: Commands,
) {
    for (entity, position) in &chests {
        let shadow = Sprite::from_image(art.shadow.clone());
        commands.spawn((shadow, Transform::from_xyz(0.0, 1.0, -0.02), ChildOf(entity)));
        let transform = Transform::from_translation(place(position.0));
        let lid = (Sprite::from_image(art.chest[0].clone()), Anchor::BOTTOM_CENTER);
        commands.entity(entity).insert((Shown(position.0), transform, lid));
    }
}

pub fn show_gates(
    gates: Query<(Entity, &Position), (With<Gate>, Without<Shown>)>,
    art: Res<Art>,
    mut commands: Commands,
) {
    for (entity, position) in &gates {
        let transform = Transform::from_translation(place(position.0));
        let arch = (Sprite::from_image(art.gate.clone()), Anchor::BOTTOM_CENTER);
        commands.entity(entity).insert((Shown(position.0), transform, arch));
    }
}

/// Draws a chest as open for all players while any player has it open.
pub fn open_lids(art: Res<Art>, mut chests: Query<(&Chest, &mut Sprite), Changed<Chest>>) {
    for (chest, mut sprite) in &mut chests {
        sprite.image = art.chest[usize::from(!chest.users.is_empty())].clone();
    }
}
