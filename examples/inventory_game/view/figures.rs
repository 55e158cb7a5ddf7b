//! Players: a figure in two layers, a shadow, the held item, and a name tag.

use bevy::{prelude::*, sprite::Anchor};
use bevy_inventory_sync::features::public_view::HeldItem;

use crate::protocol::{Avatar, Facing, Position};

use super::{
    Art, Draw, ICON_SIZE, Shown,
    labels::{Label, Rank},
    place,
    predict::Predicted,
};

/// Steps per second of a walking figure.
const PACE: f32 = 7.0;

/// The parts of a figure.
#[derive(Component, Debug)]
pub struct Parts {
    base: Entity,
    body: Entity,
    held: Entity,
}

/// How a figure is drawn at the moment.
#[derive(Component, PartialEq, Debug)]
pub struct Pose {
    pub facing: Facing,
    pub step: usize,
    /// Whether the images are mirrored.
    pub flip: bool,
    /// Seconds since it last moved.
    idle: f32,
}

/// The image that is drawn in a figure's hand.
#[derive(Component, PartialEq, Eq, Debug)]
pub struct InHand(pub Handle<Image>);

pub fn plugin(app: &mut App) {
    app.add_systems(Update, dress.in_set(Draw::Dress))
        .add_systems(Update, (pose, (paint, show_held)).chain().in_set(Draw::Animate));
}

/// Adds a figure to every new avatar.
fn dress(
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
        let held = Sprite { custom_size: Some(Vec2::splat(ICON_SIZE)), ..default() };
        let held = commands.spawn((held, at(0.0, 0.003), Visibility::Hidden, ChildOf(entity))).id();
        let label = Label { rank: Rank::Name, at: Vec2::new(0.0, 24.0), size: 5.4 };
        // Clothes cover the color of the figure.
        let color = TextColor(Color::WHITE.mix(&Color::srgb_u8(red, green, blue), 0.35));
        commands.spawn((Text2d::new(&avatar.name), label, color, ChildOf(entity)));
        commands.entity(entity).insert((
            Shown(position.0),
            Parts { base, body, held },
            Pose { facing: Facing::default(), step: 0, flip: false, idle: 1.0 },
            InHand(Handle::default()),
            Transform::from_translation(place(position.0)),
            Visibility::default(),
        ));
    }
}

fn pose(
    time: Res<Time>,
    mut figures: Query<(&mut Pose, &Facing, &Position, &Shown, Option<&Predicted>)>,
) {
    for (mut pose, facing, position, shown, predicted) in &mut figures {
        let aim = predicted.map_or(position.0, |predicted| predicted.at);
        let moves = aim.distance(shown.0) >= 0.03 && predicted.is_none_or(Predicted::is_walking);
        pose.idle = if moves { 0.0 } else { pose.idle + time.delta_secs() };
        let walking = pose.idle < 0.08;
        let beat = (time.elapsed_secs() * PACE).rem_euclid(4.0);
        pose.step = usize::from(walking && beat.rem_euclid(2.0) >= 1.0);
        let own = predicted.filter(|_| pose.idle < 1.0);
        pose.facing = own.map_or(*facing, |predicted| predicted.facing);
        pose.flip = match pose.facing {
            Facing::Left => true,
            Facing::Right => false,
            Facing::Up | Facing::Down => pose.step == 1 && beat >= 2.0,
        };
    }
}

fn paint(art: Res<Art>, figures: Query<(&Parts, &Pose)>, mut sprites: Query<&mut Sprite>) {
    for (parts, pose) in &figures {
        let figure = art.figure(pose.facing, pose.step);
        for (part, image) in [(parts.base, &figure.base), (parts.body, &figure.body)] {
            let Ok(mut sprite) = sprites.get_mut(part) else { continue };
            if sprite.image != *image || sprite.flip_x != pose.flip {
                sprite.image = image.clone();
                sprite.flip_x = pose.flip;
            }
        }
    }
}

/// Draws [`HeldItem`], the part of a player's inventory that all players may see.
fn show_held(
    mut figures: Query<(&Parts, &HeldItem, &Pose, &mut InHand)>,
    art: Res<Art>,
    mut held: Query<(&mut Sprite, &mut Transform, &mut Visibility), Without<Parts>>,
) {
    for (parts, &HeldItem(item), pose, mut in_hand) in &mut figures {
        let Ok((mut sprite, mut transform, mut visibility)) = held.get_mut(parts.held) else {
            continue;
        };
        visibility.set_if_neq(match item {
            Some(_) => Visibility::Inherited,
            None => Visibility::Hidden,
        });
        let icon = item.map(|item| art.icon(item)).unwrap_or_default();
        let (hand, flip) = match pose.facing {
            Facing::Down => (Vec3::new(-6.0, 7.0, 0.006), true),
            Facing::Up => (Vec3::new(6.0, 8.0, -0.003), false),
            Facing::Left => (Vec3::new(-6.0, 7.0, 0.006), true),
            Facing::Right => (Vec3::new(6.0, 7.0, 0.006), false),
        };
        if sprite.image != icon || sprite.flip_x != flip {
            in_hand.set_if_neq(InHand(icon.clone()));
            sprite.image = icon;
            sprite.flip_x = flip;
        }
        transform.translation = hand;
    }
}
