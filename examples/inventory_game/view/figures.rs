//! Players: a figure in two layers, a shadow, the held item, and a name tag.

use bevy::{prelude::*, sprite::Anchor, sprite::Text2dShadow};
use bevy_inventory_sync::features::public_view::HeldItem;

use crate::protocol::{Avatar, Facing, Position};

use super::{Art, Shown, Zoom, place};

/// Steps per second of a walking figure.
const PACE: f32 = 7.0;

/// Size of a held item: two thirds of the icon, which is a whole number of screen pixels at zoom 3.
const HELD_SIZE: f32 = 32.0 / 3.0;

/// The parts of a figure.
#[derive(Component, Debug)]
pub struct Parts {
    base: Entity,
    body: Entity,
    held: Entity,
    tag: Entity,
    /// Seconds since it last moved.
    idle: f32,
}

/// The image that is drawn in a figure's hand.
#[derive(Component, PartialEq, Eq, Debug)]
pub struct InHand(pub Handle<Image>);

/// Adds a figure to every new avatar.
pub fn dress_avatars(
    avatars: Query<(Entity, &Avatar, &Position), Without<Shown>>,
    art: Res<Art>,
    mut commands: Commands,
) {
    for (entity, avatar, position) in &avatars {
        let at = |height: f32, depth: f32| Transform::from_xyz(0.0, height, depth);
        let part = |sprite: Sprite, transform| (sprite, Anchor::BOTTOM_CENTER, transform);
        let [red, green, blue] = avatar.color;
        let shadow = Sprite {
            color: Color::WHITE.with_alpha(0.9),
            ..Sprite::from_image(art.shadow.clone())
        };
        commands.spawn((part(shadow, at(-2.0, -0.02)), ChildOf(entity)));
        let base = commands.spawn((part(default(), at(0.0, 0.0)), ChildOf(entity))).id();
        let tint = Sprite { color: Color::srgb_u8(red, green, blue), ..default() };
        let body = commands.spawn((part(tint, at(0.0, 0.001)), ChildOf(entity))).id();
        let held = Sprite { custom_size: Some(Vec2::splat(HELD_SIZE)), ..default() };
        let held = commands.spawn((held, at(0.0, 0.002), Visibility::Hidden, ChildOf(entity))).id();
        let tag = (
            Text2d::new(&avatar.name),
            TextFont::from_font_size(16.0),
            Text2dShadow { offset: Vec2::new(1.5, -1.5), color: Color::BLACK.with_alpha(0.8) },
            at(24.0, 40.0),
            ChildOf(entity),
        );
        let tag = commands.spawn(tag).id();
        let transform = Transform::from_translation(place(position.0));
        let parts = Parts { base, body, held, tag, idle: 1.0 };
        commands.entity(entity).insert((
            Shown(position.0),
            parts,
            InHand(Handle::default()),
            transform,
            Visibility::default(),
        ));
    }
}

pub fn animate(
    time: Res<Time>,
    art: Res<Art>,
    zoom: Res<Zoom>,
    mut figures: Query<(&mut Parts, &Facing, &Position, &Shown)>,
    mut sprites: Query<&mut Sprite>,
    mut tags: Query<&mut Transform, With<Text2d>>,
) {
    for (mut parts, facing, position, shown) in &mut figures {
        let still = position.0.distance(shown.0) < 0.03;
        parts.idle = if still { parts.idle + time.delta_secs() } else { 0.0 };
        let walking = parts.idle < 0.08;
        let beat = (time.elapsed_secs() * PACE).rem_euclid(4.0);
        let step = usize::from(walking && beat.rem_euclid(2.0) >= 1.0);
        let flip = match facing {
            Facing::Left => true,
            Facing::Right => false,
            Facing::Up | Facing::Down => step == 1 && beat >= 2.0,
        };
        let figure = art.figure(*facing, step);
        for (part, image) in [(parts.base, &figure.base), (parts.body, &figure.body)] {
            let Ok(mut sprite) = sprites.get_mut(part) else { continue };
            if sprite.image != *image || sprite.flip_x != flip {
                sprite.image = image.clone();
                sprite.flip_x = flip;
            }
        }
        if let Ok(mut tag) = tags.get_mut(parts.tag) {
            tag.scale = Vec2::splat(zoom.0.recip()).extend(1.0);
        }
    }
}

/// Draws [`HeldItem`], the part of a player's inventory that all players may see.
pub fn show_held(
    mut figures: Query<(&Parts, &HeldItem, &Facing, &mut InHand)>,
    art: Res<Art>,
    mut held: Query<(&mut Sprite, &mut Transform, &mut Visibility), Without<Parts>>,
) {
    for (parts, &HeldItem(item), facing, mut in_hand) in &mut figures {
        let Ok((mut sprite, mut transform, mut visibility)) = held.get_mut(parts.held) else {
            continue;
        };
        visibility.set_if_neq(match item {
            Some(_) => Visibility::Inherited,
            None => Visibility::Hidden,
        });
        let icon = item.map(|item| art.icon(item)).unwrap_or_default();
        let (hand, flip) = match facing {
            Facing::Down => (Vec3::new(-6.0, 7.0, 0.003), true),
            Facing::Up => (Vec3::new(6.0, 8.0, -0.003), false),
            Facing::Left => (Vec3::new(-6.0, 7.0, 0.003), true),
            Facing::Right => (Vec3::new(6.0, 7.0, 0.003), false),
        };
        if sprite.image != icon || sprite.flip_x != flip {
            in_hand.set_if_neq(InHand(icon.clone()));
            sprite.image = icon;
            sprite.flip_x = flip;
        }
        transform.translation = hand;
    }
}
