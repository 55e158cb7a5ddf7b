//! What players wear: one layer over the figure for each slot of [`Equipment`](crate::containers::Equipment).

use bevy::{prelude::*, sprite::Anchor};

use crate::containers::Worn;

use super::{
    Art, Draw,
    figures::{Parts, Pose},
};

/// Depth of a layer in front of the one below it.
const ABOVE: f32 = 0.001;

/// The layers of a figure: feet, body, head, from back to front.
#[derive(Component, Debug)]
struct Layers([Entity; 3]);

pub fn plugin(app: &mut App) {
    app.add_systems(Update, (dress, paint).chain().in_set(Draw::Animate));
}

fn dress(figures: Query<Entity, (With<Parts>, Without<Layers>)>, mut commands: Commands) {
    for figure in &figures {
        let layers = [2.0, 3.0, 4.0].map(|number| {
            let depth = Transform::from_xyz(0.0, 0.0, number * ABOVE);
            let hidden = Visibility::Hidden;
            let layer = (Sprite::default(), Anchor::BOTTOM_CENTER, depth, hidden, ChildOf(figure));
            commands.spawn(layer).id()
        });
        commands.entity(figure).insert(Layers(layers));
    }
}

fn paint(
    art: Res<Art>,
    figures: Query<(&Layers, &Worn, &Pose)>,
    mut sprites: Query<(&mut Sprite, &mut Visibility)>,
) {
    for (layers, worn, pose) in &figures {
        for (layer, item) in layers.0.into_iter().zip([worn.feet, worn.body, worn.head]) {
            let Ok((mut sprite, mut visibility)) = sprites.get_mut(layer) else { continue };
            let image = item.and_then(|item| art.worn(item, pose.facing, pose.step));
            let Some(image) = image else {
                visibility.set_if_neq(Visibility::Hidden);
                continue;
            };
            visibility.set_if_neq(Visibility::Inherited);
            if sprite.image != *image || sprite.flip_x != pose.flip {
                sprite.image = image.clone();
                sprite.flip_x = pose.flip;
            }
        }
    }
}
