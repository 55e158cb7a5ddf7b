//! Text in the world: names, counts and key hints. It is above everything else in the world, as large as the text of
//! the interface, and never over other text.

use core::cmp::Ordering;

use bevy::{prelude::*, sprite::Text2dShadow, text::TextLayoutInfo};

use super::Zoom;

/// Depth of all text. It is between everything else and the camera.
const DEPTH: f32 = 95.0;

/// What gives way to what: the first keeps its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rank {
    Hint,
    Count,
    Name,
}

/// A text, centered at a point: relative to its parent if it has one. Sizes are in pixel-art pixels.
#[derive(Component, Clone, Copy, Debug)]
#[require(Text2d, Text2dShadow, Transform = Transform::from_scale(Vec3::ZERO))]
pub struct Label {
    pub rank: Rank,
    pub at: Vec2,
    pub size: f32,
}

/// A dark plate behind a label.
#[derive(Component, Debug)]
struct Plate;

/// How far a plate extends beyond the text, in pixels.
const ROOM: Vec2 = Vec2::new(8.0, 1.0);

pub fn plugin(app: &mut App) {
    app.add_systems(Update, scale).add_systems(
        PostUpdate,
        (arrange, fit_plates)
            .after(bevy::sprite::update_text2d_layout)
            .before(TransformSystems::Propagate),
    );
}

/// A label that is readable on any ground.
pub fn with_plate(label: Label) -> impl Bundle {
    let sprite = Sprite::from_color(Color::srgba(0.08, 0.05, 0.1, 0.55), Vec2::ZERO);
    (label, children![(Plate, sprite, Transform::from_xyz(0.0, 0.0, -0.1))])
}

fn fit_plates(
    labels: Query<(&Text2d, &TextLayoutInfo)>,
    mut plates: Query<(&ChildOf, &mut Sprite), With<Plate>>,
) {
    for (parent, mut sprite) in &mut plates {
        let Ok((text, layout)) = labels.get(parent.parent()) else { continue };
        let size = Some(if text.0.is_empty() { Vec2::ZERO } else { size_of(layout) + ROOM });
        if sprite.custom_size != size {
            sprite.custom_size = size;
        }
    }
}

/// Returns the size of a text in logical pixels.
fn size_of(layout: &TextLayoutInfo) -> Vec2 {
    layout.size / layout.scale_factor.max(f32::EPSILON)
}

/// Draws letters at the resolution of the screen.
fn scale(zoom: Res<Zoom>, mut labels: Query<(Ref<Label>, &mut TextFont, &mut Text2dShadow)>) {
    for (label, mut font, mut shadow) in &mut labels {
        if label.is_added() || zoom.is_changed() {
            *font = TextFont::from_font_size((label.size * zoom.0).round());
            shadow.offset = Vec2::new(0.5, -0.5) * zoom.0;
            shadow.color = Color::BLACK.with_alpha(0.85);
        }
    }
}

fn arrange(
    zoom: Res<Zoom>,
    owners: Query<&Transform, Without<Label>>,
    mut labels: Query<(
        &Label,
        &Text2d,
        &TextLayoutInfo,
        &InheritedVisibility,
        Option<&ChildOf>,
        &mut Transform,
    )>,
) {
    let mut shown: Vec<_> = labels
        .iter_mut()
        .filter(|(_, text, _, visible, ..)| !text.0.is_empty() && visible.get())
        .map(|(label, _, layout, _, parent, transform)| {
            let owner = parent.and_then(|parent| owners.get(parent.parent()).ok());
            let owner = owner.map_or(Vec3::ZERO, |owner| owner.translation);
            let rect =
                Rect::from_center_size(owner.truncate() + label.at, size_of(layout) / zoom.0);
            (label.rank, rect, owner, transform)
        })
        .collect();
    shown.sort_by(|a, b| by_rank((a.0, a.1), (b.0, b.1)));
    let mut taken: Vec<Rect> = vec![];
    for (_, wish, owner, transform) in &mut shown {
        let rect = move_up(*wish, &taken);
        taken.push(rect);
        let at = (rect.center() * zoom.0).round() / zoom.0;
        transform.translation = at.extend(DEPTH) - *owner;
        transform.scale = Vec2::splat(zoom.0.recip()).extend(1.0);
    }
}

/// Of labels with the same rank, the lower one keeps its place.
fn by_rank(a: (Rank, Rect), b: (Rank, Rect)) -> Ordering {
    a.0.cmp(&b.0).then(a.1.min.y.total_cmp(&b.1.min.y)).then(a.1.min.x.total_cmp(&b.1.min.x))
}

/// Moves a rectangle up until it overlaps none of the others.
fn move_up(mut rect: Rect, taken: &[Rect]) -> Rect {
    while let Some(other) = taken.iter().find(|other| overlaps(**other, rect)) {
        let up = Vec2::new(0.0, other.max.y - rect.min.y);
        rect = Rect { min: rect.min + up, max: rect.max + up };
    }
    rect
}

/// A small overlap is accepted: lines of text have space above and below. It also makes the search end.
fn overlaps(a: Rect, b: Rect) -> bool {
    let common = a.intersect(b).size();
    common.x > 0.5 && common.y > 0.5
}
