//! Bots: players that see only what a client sees, and request only what a client may request.

use core::time::Duration;

use bevy::{ecs::system::SystemParam, prelude::*, time::common_conditions::on_timer};
use bevy_inventory_sync::prelude::*;

use crate::{
    hands::Hands,
    items::Props,
    map::{self, Thing},
    net,
    protocol::{
        Chest, ChestKind, Energy, Gate, GroundItem, JoinRejected, Me, Notice, Offer, Position,
        Request, WORK_REACH,
    },
    route,
    trade::LocalTrade,
    travel::{self, Destination},
};

/// Number of uses of its axe that a bot does not use up.
const USES_LEFT_MIN: u16 = 10;

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
    /// Uses the selected item this many times.
    Use(u32),
    /// Stands still while its inventory is compared with the server's.
    Rest,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    Nothing,
    PickUp,
    OpenChest,
    Fell,
}

/// The bot's own backpack, and an open chest.
type Open = (With<InView>, Or<(With<LocalInventory>, With<Chest>)>);

/// What a bot sees.
#[derive(SystemParam)]
pub struct Eyes<'w, 's> {
    me: Query<'w, 's, (Entity, &'static Position), With<LocalInventory>>,
    items: Query<'w, 's, &'static Position, With<GroundItem>>,
    chests: Query<'w, 's, (&'static Position, &'static Chest)>,
    strength: Query<'w, 's, (&'static Energy, &'static Hotbar), With<LocalInventory>>,
    catalog: Res<'w, Items<Props>>,
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
        let chests = self.chests.iter().filter(|(_, chest)| chest.kind != ChestKind::Bank);
        nearest(self.position()?, chests.map(|(position, _)| position)).map(beside)
    }

    /// Returns a free position from which the nearest tree can be felled.
    fn nearest_tree(&self) -> Option<Vec2> {
        let tile = map::nearest(self.position()?, Thing::Tree, WORK_REACH * 4.0)?;
        let place = beside(tile.as_vec2());
        map::is_standable(place).then_some(place)
    }

    /// Returns the slot of the hotbar with an item that passes the filter.
    fn slot_of(&self, wanted: impl Fn(Stack, &Props) -> bool) -> Option<usize> {
        let (_, hotbar) = self.strength.single().ok()?;
        let props =
            |stack: Stack| self.catalog.props(stack.item).is_some_and(|it| wanted(stack, it));
        hotbar.iter().find(|(_, stack)| props(*stack)).map(|(slot, _)| slot)
    }

    /// Returns the slot of an axe that does not break soon: bots keep their axes.
    fn axe(&self) -> Option<usize> {
        let is_axe = |stack: Stack| stack.item == ItemId::of("iron_axe");
        self.slot_of(|stack, props| is_axe(stack) && stack.wear + USES_LEFT_MIN < props.uses)
    }

    /// Returns the slot of food, if the bot is hungry.
    fn food(&self) -> Option<usize> {
        let is_hungry = self.strength.single().is_ok_and(|(energy, _)| energy.0 < Energy::MAX);
        self.slot_of(|_, props| props.food > 0).filter(|_| is_hungry)
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
    app.init_resource::<Plan>().add_systems(
        Update,
        (
            (think.run_if(not(is_trading)), stop.run_if(is_trading), trade)
                .chain()
                .run_if(on_timer(THINK_PAUSE)),
            change_name.after(net::note_rejection),
        ),
    );
}

fn is_trading(offers: Query<(), (With<Offer>, With<InView>)>) -> bool {
    !offers.is_empty()
}

fn stop(mut requests: MessageWriter<Request>) {
    requests.write(Request::Walk(Vec2::ZERO));
}

/// Agrees to trade with every player, and accepts whatever the player accepts. Bots offer nothing.
fn trade(
    mut notices: MessageReader<Notice>,
    mut trade: LocalTrade,
    mut actions: InventoryActions,
    mut thoughts: Local<u32>,
) {
    if notices.read().any(|notice| notice.0.ends_with("wants to trade. Press T.")) {
        trade.ask();
    }
    let (mine, theirs) = (trade.mine(), trade.theirs());
    let (Some((_, mine)), Some((_, theirs))) = (mine, theirs) else {
        *thoughts = 0;
        return;
    };
    let accepts = theirs.accepted && !mine.accepted;
    *thoughts += 1;
    if *thoughts > PATIENCE * 3 {
        trade.end();
    } else if accepts {
        trade.accept(true, &mut actions);
    }
}

/// Chooses another name if the bot's name belongs to another player, and joins again.
fn change_name(
    mut rejections: MessageReader<JoinRejected>,
    server: Res<Destination>,
    mut me: ResMut<Me>,
    mut commands: Commands,
) {
    if rejections.read().count() > 0 {
        let first = me.name.split(' ').next().unwrap_or_default();
        me.name = format!("{first} {}", fastrand::u32(100..10_000));
        let Destination(server) = *server;
        commands.queue(move |world: &mut World| travel::switch_server(world, server));
    }
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
                    hands.open_nearest();
                    Plan::Rummage(fastrand::u32(8..25))
                }
                Deed::Fell => eyes.axe().map_or(Plan::Think, |axe| {
                    hands.select(axe);
                    Plan::Use(fastrand::u32(1..4))
                }),
            };
        }
        Plan::Use(0) => *plan = Plan::Think,
        Plan::Use(left) => {
            *left -= 1;
            hands.use_held();
        }
        Plan::Rummage(left) => {
            *left = left.saturating_sub(1);
            if *left == 0 {
                hands.close_opened();
                *plan = Plan::Think;
            } else if let Some((from, to)) = eyes.something_to_move().filter(|_| *left % 3 == 0) {
                hands.move_slot(from, to);
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
    match fastrand::u8(..12) {
        0..=4 => eyes.nearest_item().map_or(Plan::Think, |to| walk(to, Deed::PickUp)),
        5 | 6 => eyes.nearest_chest().map_or(Plan::Think, |to| walk(to, Deed::OpenChest)),
        7 => {
            hands.select(fastrand::usize(..9));
            Plan::Think
        }
        8 => {
            hands.drop_held();
            Plan::Think
        }
        9 => eyes.nearest_tree().map_or(Plan::Think, |to| walk(to, Deed::Fell)),
        10 => eyes.food().map_or(Plan::Think, |food| {
            hands.select(food);
            Plan::Use(1)
        }),
        _ => {
            let to = IVec2::new(fastrand::i32(0..map::WIDTH), fastrand::i32(0..map::HEIGHT));
            if map::is_free(to) { walk(map::middle_of(to), Deed::Nothing) } else { Plan::Think }
        }
    }
}
