//! Bots: players that see only what a client sees, and request only what a client may request.

use core::time::Duration;

use bevy::{ecs::system::SystemParam, prelude::*, time::common_conditions::on_timer};
use bevy_inventory_sync::prelude::*;

use crate::{
    hands::Hands,
    map,
    protocol::{Chest, Gate, GroundItem, Position, Request},
    route,
};

const THINK_PAUSE: Duration = Duration::from_millis(100);

/// Number of thoughts after which a bot that has not arrived gives up its plan.
const PATIENCE: u32 = 120;

const NAMES: [&str; 12] = [
    "Ada", "Bruno", "Cleo", "Dario", "Edda", "Fynn", "Greta", "Hugo", "Ilka", "Jonas", "Kira",
    "Lars",
];

pub fn name(number: usize) -> String {
    let name = NAMES[number % NAMES.len()];
    if number < NAMES.len() { name.into() } else { format!("{name} {}", number / NAMES.len() + 1) }
}

/// What a bot is doing.
#[derive(Resource, Default, Debug)]
enum Plan {
    #[default]
    Think,
    Walk {
        to: Vec2,
        then: Deed,
        patience: u32,
    },
    /// Moves stacks between chest and backpack for this many thoughts.
    Rummage(u32),
    /// Stands still while its inventory is compared with the server's.
    Rest,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    Nothing,
    PickUp,
    OpenChest,
}

/// The bot's own backpack, and an open chest.
type Open = (With<InView>, Or<(With<LocalInventory>, With<Chest>)>);

/// What a bot sees.
#[derive(SystemParam)]
pub struct Eyes<'w, 's> {
    me: Query<'w, 's, (Entity, &'static Position), With<LocalInventory>>,
    items: Query<'w, 's, &'static Position, With<GroundItem>>,
    chests: Query<'w, 's, &'static Position, With<Chest>>,
    in_view: Query<'w, 's, (Entity, &'static Inventory, Has<LocalInventory>), Open>,
    gates: Query<'w, 's, &'static Position, With<Gate>>,
}

impl Eyes<'_, '_> {
    pub fn position(&self) -> Option<Vec2> {
        self.me.single().ok().map(|(_, position)| position.0)
    }

    /// Returns the position of the nearest item on the ground.
    pub fn nearest_item(&self) -> Option<Vec2> {
        nearest(self.position()?, self.items.iter())
    }

    /// Returns a free position next to the nearest chest.
    pub fn nearest_chest(&self) -> Option<Vec2> {
        nearest(self.position()?, self.chests.iter()).map(beside)
    }

    /// Picks a random stack of the chest or the backpack, and a random target slot in the other one.
    fn something_to_move(&self) -> Option<(SlotRef, SlotRef)> {
        let from_chest = fastrand::bool();
        let side = |mine: bool| self.in_view.iter().find(move |(_, _, local)| *local == mine);
        let (source, target) = (side(!from_chest)?, side(from_chest)?);
        let filled: Vec<_> = source.1.iter().map(|(index, _)| index).collect();
        let from = *filled.get(fastrand::usize(..filled.len().max(1)))?;
        let to = fastrand::usize(..target.1.len());
        Some(((source.0, Inventory::slot(from)), (target.0, Inventory::slot(to))))
    }
}

fn nearest<'a>(from: Vec2, places: impl Iterator<Item = &'a Position>) -> Option<Vec2> {
    let far = |place: &Vec2| place.distance_squared(from);
    places.map(|place| place.0).min_by(|a, b| far(a).total_cmp(&far(b)))
}

/// Returns a free position next to a chest.
fn beside(chest: Vec2) -> Vec2 {
    let tile = map::tile_at(chest);
    let sides = [IVec2::NEG_Y, IVec2::NEG_X, IVec2::X, IVec2::Y].map(|side| tile + side);
    map::middle_of(sides.into_iter().find(|side| map::is_free(*side)).unwrap_or(tile))
}

pub fn plugin(app: &mut App) {
    app.init_resource::<Plan>().add_systems(Update, think.run_if(on_timer(THINK_PAUSE)));
}

/// Stops a bot.
pub fn rest(app: &mut App) {
    app.insert_resource(Plan::Rest);
    app.world_mut().write_message(Request::Walk(Vec2::ZERO));
}

fn think(
    eyes: Eyes,
    mut plan: ResMut<Plan>,
    mut hands: Hands,
    mut requests: MessageWriter<Request>,
) {
    let Some(here) = eyes.position() else { return };
    match &mut *plan {
        Plan::Rest => {}
        Plan::Think => *plan = idea(&eyes, &mut hands),
        Plan::Walk { to, then, patience } => {
            let heading = route::heading(here, *to);
            *patience = patience.saturating_sub(1);
            requests.write(Request::Walk(heading));
            if heading != Vec2::ZERO && *patience > 0 {
                return;
            }
            *plan = match *then {
                Deed::Nothing => Plan::Think,
                Deed::PickUp => {
                    hands.pick_up();
                    Plan::Think
                }
                Deed::OpenChest => {
                    hands.open_chest();
                    Plan::Rummage(fastrand::u32(8..25))
                }
            };
        }
        Plan::Rummage(left) => {
            *left = left.saturating_sub(1);
            if *left == 0 {
                hands.close_chests();
                *plan = Plan::Think;
            } else if let Some((from, to)) = eyes.something_to_move().filter(|_| *left % 3 == 0) {
                hands.move_slot(from, to, None);
            }
        }
    }
}

fn idea(eyes: &Eyes, hands: &mut Hands) -> Plan {
    let walk = |to, then| Plan::Walk { to, then, patience: PATIENCE };
    let gate = eyes.gates.iter().next().filter(|_| fastrand::u8(..4) == 0);
    if let Some(gate) = gate {
        return walk(gate.0, Deed::Nothing);
    }
    match fastrand::u8(..10) {
        0..=4 => eyes.nearest_item().map_or(Plan::Think, |to| walk(to, Deed::PickUp)),
        5 | 6 => eyes.nearest_chest().map_or(Plan::Think, |to| walk(to, Deed::OpenChest)),
        7 => {
            hands.select(fastrand::usize(..9));
            Plan::Think
        }
        8 => {
            hands.drop_held(Some(1));
            Plan::Think
        }
        _ => {
            let to = IVec2::new(fastrand::i32(0..map::WIDTH), fastrand::i32(0..map::HEIGHT));
            if map::is_free(to) { walk(map::middle_of(to), Deed::Nothing) } else { Plan::Think }
        }
    }
}
