//! Items on the ground.

use bevy::{prelude::*, sprite::Anchor};
use bevy_inventory_sync::prelude::*;

use crate::protocol::{GroundItem, Position};

use super::{
    Art, Draw, ICON_SIZE, Shown,
    flights::{self, Bounce, Pop},
    ghosts,
    labels::{Label, Rank},
    place,
};

/// Distance at which a player may have dropped a new stack, or picked up one that is gone, in tiles.
const BY_PLAYER: f32 = 2.0;

/// A stack that lies on the ground, as it is drawn.
#[derive(Component, Debug)]
struct Lying {
    item: ItemId,
    /// Zero if the local player does not see it.
    count: u32,
    icon: Entity,
    number: Entity,
    /// Whether it has been picked up.
    taken: bool,
}

/// An icon that floats over the ground.
#[derive(Component, Debug)]
struct Floating;

pub fn plugin(app: &mut App) {
    app.add_systems(Update, lay_down.in_set(Draw::Dress))
        .add_systems(Update, (tell_counts, bob).in_set(Draw::Animate))
        .add_observer(fly_off);
}

fn lay_down(
    items: Query<(Entity, &GroundItem, &Position), Without<Shown>>,
    avatars: flights::Avatars,
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
        let sprite = Sprite {
            custom_size: Some(Vec2::splat(ICON_SIZE)),
            ..Sprite::from_image(art.icon(item))
        };
        let icon = commands.spawn((sprite, Anchor::BOTTOM_CENTER, Floating, ChildOf(entity))).id();
        commands.spawn((ghosts::ghost(Vec2::splat(ICON_SIZE)), ChildOf(icon)));
        if let Some(by) = avatars.nearest(position.0, BY_PLAYER) {
            commands.entity(icon).insert(Pop { by, age: 0.0 });
        }
        let label = Label { rank: Rank::Count, at: Vec2::new(6.0, 2.0), size: 4.6 };
        let number = commands.spawn((label, ChildOf(entity))).id();
        commands.entity(entity).insert((
            Lying { item, count: 0, icon, number, taken: false },
            Shown(position.0),
            Transform::from_translation(place(position.0)),
            Visibility::default(),
        ));
    }
}

/// Shows the counts of stacks in view. A stack whose pick-up is predicted is hidden until it is gone.
fn tell_counts(
    mut items: Query<(&mut Lying, &Shown, Option<&Inventory>, Has<InView>, &mut Visibility)>,
    avatars: flights::Avatars,
    art: Res<Art>,
    mut texts: Query<&mut Text2d>,
    mut commands: Commands,
) {
    for (mut lying, shown, inventory, in_view, mut visibility) in &mut items {
        let stack = inventory.filter(|_| in_view).map(|inventory| inventory.get(0));
        let count = stack.flatten().map_or(0, |stack| stack.count());
        let taken = stack == Some(None);
        if taken
            && !lying.taken
            && let Some(to) = avatars.nearest(shown.0, BY_PLAYER)
        {
            commands.spawn(flights::flight(art.icon(lying.item), shown.0, to));
        }
        visibility.set_if_neq(if taken { Visibility::Hidden } else { Visibility::Inherited });
        if lying.taken != taken {
            lying.taken = taken;
        }
        if lying.count == count {
            continue;
        }
        if lying.count > 0 && count > lying.count {
            commands.entity(lying.icon).try_insert(Bounce::default());
        }
        lying.count = count;
        if let Ok(mut text) = texts.get_mut(lying.number) {
            text.0 = if count > 1 { format!("x{count}") } else { String::new() };
        }
    }
}

/// Shows that a player has picked up a stack.
fn fly_off(
    gone: On<Remove, Lying>,
    items: Query<(&Lying, &Shown)>,
    avatars: flights::Avatars,
    art: Res<Art>,
    mut commands: Commands,
) {
    let Ok((lying, shown)) = items.get(gone.entity) else { return };
    if !lying.taken
        && let Some(to) = avatars.nearest(shown.0, BY_PLAYER)
    {
        commands.spawn(flights::flight(art.icon(lying.item), shown.0, to));
    }
}

/// Moves icons up and down, with a phase that depends on the position.
fn bob(
    time: Res<Time>,
    mut icons: Query<(&mut Transform, &GlobalTransform), (With<Floating>, Without<Pop>)>,
) {
    for (mut transform, global) in &mut icons {
        let phase = global.translation().x * 0.3;
        transform.translation.x = 0.0;
        transform.translation.y = 2.0 + (time.elapsed_secs() * 2.6 + phase).sin();
    }
}
