//! Key hints, shown at the chest, item or thing that the key would act on.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_inventory_sync::prelude::*;

use crate::{
    map::Thing,
    protocol::{
        CHEST_REACH, Chest, ChestKind, Furnace, GroundItem, ITEM_REACH, Position, Shrine,
        WORK_REACH,
    },
    session::IsPlayed,
    ui::{Backpack, GOLD},
};

use super::{
    Shown, TILE,
    labels::{Label, Rank, with_plate},
    nearest,
    terrain::Scenery,
};

/// Distance of a hint below the foot of a thing, in pixels.
const BELOW: f32 = 8.0;

/// The hint for what is picked up, or for what is opened or worked on.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
enum Hint {
    Item,
    Other,
}

/// The text of a hint, the foot of the thing that it is about, and the height of that thing in pixels.
type Words = (String, Vec2, f32);

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn).add_systems(Update, hint);
}

fn spawn(mut commands: Commands) {
    for hint in [Hint::Item, Hint::Other] {
        let label = Label { rank: Rank::Hint, at: Vec2::ZERO, size: 5.6 };
        commands.spawn((with_plate(label), TextColor(GOLD), hint));
    }
}

/// What can be acted on.
#[derive(SystemParam)]
struct Around<'w, 's> {
    items: Query<'w, 's, (&'static Shown, &'static GroundItem, Option<&'static Inventory>)>,
    chests: Query<'w, 's, (&'static Shown, &'static Chest), Without<InView>>,
    stations: Query<
        'w,
        's,
        (&'static Shown, Has<Furnace>),
        (Or<(With<Furnace>, With<Shrine>)>, Without<InView>),
    >,
    scenery: Query<'w, 's, &'static Scenery>,
    catalog: Res<'w, ItemCatalog>,
}

impl Around<'_, '_> {
    fn item(&self, me: Vec2) -> Option<Words> {
        let name = |item: ItemId| self.catalog.get(item).map_or("", |def| &def.name);
        let items = self.items.iter().filter_map(|(at, item, inside)| {
            let stack = inside.map(|inside| inside.get(0));
            // A stack whose pick-up is predicted has gone.
            if stack == Some(None) {
                return None;
            }
            let many = stack.flatten().map_or(1, |stack| stack.count());
            Some((at.0.distance(me), (at.0, name(item.0?), many)))
        });
        nearest(items, ITEM_REACH).map(|(at, name, many)| {
            let many = if many > 1 { format!(" x{many}") } else { String::new() };
            (format!("Space: {name}{many}"), at, 18.0)
        })
    }

    /// Chests, the furnace and the shrine.
    fn opened(&self, me: Vec2) -> Option<Words> {
        let chests = self.chests.iter().map(|(at, chest)| {
            (at.0, if chest.kind == ChestKind::Vendor { ("shop", 27.0) } else { ("open", 20.0) })
        });
        let stations = self.stations.iter().map(|(at, furnace)| {
            (at.0, if furnace { ("furnace", 25.0) } else { ("shrine", 36.0) })
        });
        let far = |at: Vec2| Position(me).distance_to_chest(Position(at));
        let all = chests.chain(stations).map(|(at, words)| (far(at), (at, words)));
        nearest(all, CHEST_REACH).map(|(at, (what, height))| (format!("F: {what}"), at, height))
    }

    /// A thing that the held tool works on.
    fn workable(&self, me: Vec2, hotbar: &Hotbar) -> Option<Words> {
        let tool = self.catalog.get(hotbar.held()?.item)?;
        let tags = [("fells", Thing::Tree), ("mines", Thing::Rock)];
        let (_, thing) = tags.into_iter().find(|(tag, _)| tool.has_tag(tag))?;
        let of_kind = self.scenery.iter().filter(|it| it.thing == thing && !it.felled);
        let tree = nearest(of_kind.map(|it| (it.middle().distance(me), it)), WORK_REACH)?;
        Some(("R: use tool".into(), tree.foot, if thing == Thing::Tree { 27.0 } else { 19.0 }))
    }
}

fn hint(
    me: Query<(&Shown, &Hotbar), With<LocalInventory>>,
    around: Around,
    (played, backpack): (IsPlayed, Res<Backpack>),
    mut hints: Query<(&Hint, &mut Text2d, &mut Label)>,
) {
    // While the backpack is open, hints would show between the panels.
    let me = me.single().ok().filter(|_| played.get() && !backpack.open);
    for (hint, mut text, mut label) in &mut hints {
        let found = me.and_then(|(me, hotbar)| {
            let words = match hint {
                Hint::Item => around.item(me.0),
                Hint::Other => around.opened(me.0).or_else(|| around.workable(me.0, hotbar)),
            };
            Some((me.0, words?))
        });
        let Some((me, (words, at, height))) = found else {
            if !text.0.is_empty() {
                text.0.clear();
            }
            continue;
        };
        // Away from the figure.
        let up = if at.y < me.y { -BELOW } else { height };
        label.at = at * TILE + Vec2::new(0.0, up);
        if text.0 != words {
            text.0 = words;
        }
    }
}
