//! Short animations that vanish by themselves: puffs, smoke and sparkles.

use bevy::prelude::*;

use super::{Art, Draw};

/// Depth: in front of all figures, behind flying icons and text.
const DEPTH: f32 = 80.0;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Puff,
    /// A slow, faint puff.
    Smoke,
    Sparkle,
}

impl Kind {
    fn seconds(self) -> f32 {
        match self {
            Self::Puff => 0.36,
            Self::Smoke => 1.3,
            Self::Sparkle => 0.6,
        }
    }

    fn frames(self, art: &Art) -> &[Handle<Image>] {
        match self {
            Self::Puff | Self::Smoke => &art.puff,
            Self::Sparkle => &art.sparkle,
        }
    }
}

#[derive(Component, Debug)]
struct Spark {
    kind: Kind,
    /// Pixels per second.
    drift: Vec2,
    /// Seconds since its start. Negative before.
    age: f32,
}

/// Returns an animation at a place, in pixels, that starts after a delay in seconds.
pub fn spark(kind: Kind, at: Vec2, drift: Vec2, delay: f32) -> impl Bundle {
    let alpha = if kind == Kind::Smoke { 0.55 } else { 1.0 };
    (
        Sprite { color: Color::WHITE.with_alpha(alpha), ..default() },
        Transform::from_translation(at.extend(DEPTH)),
        Visibility::Hidden,
        Spark { kind, drift, age: -delay },
    )
}

/// Returns a random number between `-most` and `most`.
pub fn spread(most: f32) -> f32 {
    (fastrand::f32() * 2.0 - 1.0) * most
}

pub fn plugin(app: &mut App) {
    app.add_systems(Update, animate.in_set(Draw::Animate));
}

fn animate(
    time: Res<Time>,
    art: Res<Art>,
    mut sparks: Query<(Entity, &mut Spark, &mut Sprite, &mut Transform, &mut Visibility)>,
    mut commands: Commands,
) {
    for (entity, mut spark, mut sprite, mut transform, mut visibility) in &mut sparks {
        spark.age += time.delta_secs();
        if spark.age < 0.0 {
            continue;
        }
        let frames = spark.kind.frames(&art);
        let seconds = spark.kind.seconds() / frames.len() as f32;
        let Some((frame, _)) =
            frames.iter().zip(1..).find(|(_, number)| spark.age < seconds * *number as f32)
        else {
            commands.entity(entity).despawn();
            continue;
        };
        visibility.set_if_neq(Visibility::Inherited);
        transform.translation += (spark.drift * time.delta_secs()).extend(0.0);
        if sprite.image != *frame {
            sprite.image = frame.clone();
        }
    }
}
