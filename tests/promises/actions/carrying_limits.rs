//! A limit of a rule is a measure and a maximum over the inventory as it would be. What makes a load lighter, or keeps
//! it as it is, is permitted. An action that would put in too much is applied in part.

use crate::common::{
    random::{each_seed, size},
    *,
};
use serde::{Deserialize, Serialize};

const FEATHER: ItemId = ItemId::of("feather");
const ANVIL: ItemId = ItemId::of("anvil");
const INGOT: ItemId = ItemId::of("ingot");
const BLOCK: ItemId = ItemId::of("block");

#[derive(Deserialize, Default)]
struct Props {
    grams: u64,
}

const GOODS: &str = r#"(items: [
    (key: "feather", max_stack: 64, props: (grams: 1)),
    (key: "anvil", max_stack: 64, props: (grams: 100)),
    (key: "ingot", max_stack: 64, props: (grams: 10)),
    (key: "block", max_stack: 64, props: (grams: 90)),
], recipes: [(key: "block", takes: [("ingot", 9)], gives: [("block", 1)])])"#;

/// The maximum weight of an inventory.
#[derive(Component)]
struct Strength(u64);

fn not_too_heavy(In(ask): In<AccessRequest>, strengths: Query<&Strength>) -> AccessDecision {
    let Ok(strength) = strengths.get(ask.inventory) else { return AccessDecision::Allow };
    AccessDecision::AtMost { measure: weight(), maximum: strength.0 }
}

fn weight() -> Measure {
    Measure::new(|items, stack| items.props::<Props>(stack.item).map_or(0, |props| props.grams))
}

/// Wears out a tool.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct WearOut(Slot);

impl GameAction for WearOut {
    const NAME: &'static str = "wear out";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let player = tx.actor()?;
        let tool = tx.take_from(player, self.0, None)?;
        tx.put_into(player, self.0, tool.with_wear(tool.wear + 1))?;
        Ok(())
    }
}

fn set_up(app: &mut App) {
    app.add_action::<WearOut>()
        .insert_items(Items::<Props>::from_ron(GOODS).unwrap())
        .init_resource::<EventLog>()
        .add_rule::<(), _>(not_too_heavy)
        .add_observer(|on: On<ActionConfirmed>, mut log: ResMut<EventLog>| {
            log.confirmed.push(on.id)
        })
        .add_observer(|on: On<ActionRejected>, mut log: ResMut<EventLog>| {
            log.rejected.push((on.id, on.reason));
        });
}

/// The modes in which a player acts.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Mode {
    Client { latency: u64 },
    Host,
}

const MODES: [Mode; 3] = [Mode::Client { latency: 0 }, Mode::Client { latency: 6 }, Mode::Host];

/// A player that can carry this much, and an unlimited chest.
struct Load {
    pair: Simulation,
    mode: Mode,
    bag: Entity,
    chest: Entity,
}

impl Load {
    fn new(mode: Mode, strength: u64, bag: &[Stack], stored: &[Stack]) -> Self {
        let mut pair = Simulation::new(1, set_up);
        let client = if mode == Mode::Host { ClientId::Server } else { pair.client_id(0) };
        let fill = |stacks: &[Stack]| {
            let mut inventory = Inventory::new(8);
            for (slot, stack) in stacks.iter().enumerate() {
                inventory.set(slot, *stack).unwrap();
            }
            inventory
        };
        let world = pair.server.world_mut();
        let bag = (player(0), fill(bag), Owner(client), Strength(strength));
        let bag = world.spawn(bag).id();
        let stored = (chest(1), fill(stored), viewer(client, Rights::USE));
        let chest = world.spawn(stored).id();
        pair.settle(60);
        if let Mode::Client { latency } = mode {
            pair.network.latency_ticks = latency;
        }
        Self { pair, mode, bag, chest }
    }

    /// The player's entities for the bag and the chest.
    fn seen(&self) -> (Entity, Entity) {
        match self.mode {
            Mode::Host => (self.bag, self.chest),
            _ => (shown_entity(&self.pair, 0, player(0)), shown_entity(&self.pair, 0, chest(1))),
        }
    }

    /// Requests an action and returns why it was rejected, if it was.
    fn act<A: RegisteredAction>(&mut self, action: A) -> Option<Rejection> {
        let app = match self.mode {
            Mode::Host => &mut self.pair.server,
            _ => &mut self.pair.clients[0].app,
        };
        app.world_mut().resource_mut::<EventLog>().clear();
        with_actions(app, move |actions| actions.request(action));
        self.pair.settle(60);
        if self.mode != Mode::Host {
            assert_same(&self.pair, 0, player(0));
            assert_same(&self.pair, 0, chest(1));
        }
        let app = match self.mode {
            Mode::Host => &self.pair.server,
            _ => &self.pair.clients[0].app,
        };
        app.world().resource::<EventLog>().rejected.first().map(|(_, reason)| *reason)
    }

    fn grams(&self) -> u64 {
        let of = |item: ItemId| match item {
            FEATHER => 1,
            ANVIL => 100,
            INGOT => 10,
            _ => 90,
        };
        let bag = self.pair.server.world().get::<Inventory>(self.bag).unwrap();
        bag.iter().map(|(_, stack)| of(stack.item) * u64::from(stack.count())).sum()
    }
}

#[test]
fn player_at_the_limit_may_do_what_does_not_make_the_load_heavier() {
    // A bag that is exactly full: 64 + 100 + 9 * 10 + 100 grams.
    let bag = [FEATHER.stack(64), ANVIL.stack(1), INGOT.stack(9), ANVIL.stack(1).with_wear(5)];
    let stored = [ANVIL.stack(1), FEATHER.stack(3), ANVIL.stack(64)];
    for mode in MODES {
        let load = || Load::new(mode, 354, &bag, &stored);
        let (me, there) = load().seen();
        let whole = |from, to| InventoryAction::Move { from, to, count: None };
        let recipe = InventoryAction::craft(RecipeId::of("block"), me);
        for (name, action, permitted) in [
            ("swap 1:1", InventoryAction::Swap { a: inv(me, 1), b: inv(there, 0) }, true),
            ("swap for less", InventoryAction::Swap { a: inv(me, 1), b: inv(there, 1) }, true),
            ("move onto another", whole(inv(me, 1), inv(there, 1)), true),
            (
                "swap feathers for anvils",
                InventoryAction::Swap { a: inv(me, 0), b: inv(there, 2) },
                false,
            ),
            ("nine ingots into a block", recipe, true),
            ("take out", whole(inv(me, 0), inv(there, 5)), true),
            ("move within the bag", whole(inv(me, 0), inv(me, 6)), true),
            ("take in", whole(inv(there, 1), inv(me, 6)), false),
        ] {
            let mut load = load();
            let rejected = load.act(action);
            let expected = (!permitted).then_some(Rejection::TooMuch);
            assert_eq!(rejected, expected, "{name}, {mode:?}");
            assert!(load.grams() <= 354, "{name}, {mode:?}");
        }
        let mut load = load();
        assert_eq!(load.act(WearOut(Inventory::slot(3))), None, "{mode:?}");
    }
}

#[test]
fn player_above_the_limit_may_only_become_lighter() {
    for mode in MODES {
        let mut load =
            Load::new(mode, 50, &[ANVIL.stack(2), FEATHER.stack(5)], &[FEATHER.stack(5)]);
        let (me, there) = load.seen();
        let take = InventoryAction::Move { from: inv(there, 0), to: inv(me, 4), count: Some(1) };
        assert_eq!(load.act(take), Some(Rejection::TooMuch), "{mode:?}");
        let put = InventoryAction::Move { from: inv(me, 0), to: inv(there, 4), count: Some(1) };
        assert_eq!(load.act(put), None, "{mode:?}");
        let swap = InventoryAction::Swap { a: inv(me, 0), b: inv(there, 0) };
        assert_eq!(load.act(swap), None, "{mode:?}");
        assert_eq!(load.grams(), 10, "{mode:?}");
    }
}

#[test]
fn too_heavy_stacks_are_taken_in_part() {
    for mode in MODES {
        for (name, moved) in [("quick move", 7), ("move", 7), ("move all", 7), ("spread", 6)] {
            let mut load = Load::new(mode, 75, &[FEATHER.stack(5)], &[INGOT.stack(20)]);
            let (me, there) = load.seen();
            let from = inv(there, 0);
            let rejected = load.act(match name {
                "quick move" => InventoryAction::QuickMove { from, to: me.into() },
                "move" => InventoryAction::Move { from, to: inv(me, 3), count: None },
                "move all" => InventoryAction::MoveAll { from: there.into(), to: me.into() },
                _ => {
                    let onto = vec![inv(me, 3), inv(there, 3), inv(me, 4)];
                    InventoryAction::Spread { from, onto, each: Some(3) }
                }
            });
            assert_eq!(rejected, None, "{name}, {mode:?}");
            let got = inventory(&mut load.pair, load.bag).count(INGOT);
            assert_eq!(got, moved, "{name}, {mode:?}");
        }
    }
}

#[test]
fn of_several_limits_all_hold() {
    let mut load =
        Load::new(Mode::Client { latency: 2 }, 75, &[], &[INGOT.stack(20), FEATHER.stack(20)]);
    load.pair
        .server
        .add_rule::<With<Strength>, _>(|_: In<AccessRequest>| AccessDecision::at_most(9));
    let (me, there) = load.seen();
    assert_eq!(load.act(InventoryAction::QuickMove { from: inv(there, 0), to: me.into() }), None);
    assert_eq!(inventory(&mut load.pair, load.bag).count(INGOT), 7, "by weight");
    assert_eq!(load.act(InventoryAction::QuickMove { from: inv(there, 1), to: me.into() }), None);
    assert_eq!(inventory(&mut load.pair, load.bag).count(FEATHER), 2, "by number");
}

#[test]
fn partial_moves_are_the_largest_that_the_limit_permits() {
    let (mut parts, mut refusals) = (0, 0);
    each_seed(1..size(60, 600), |seed| {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut stack = || {
            let item = [FEATHER, INGOT, ANVIL, BLOCK][dice.usize(..4)];
            item.stack(dice.u32(1..=30))
        };
        let (bag, stored) = ([stack(), stack()], [stack()]);
        let strength = u64::from(dice.u32(..6000));
        let mode = MODES[dice.usize(..3)];
        let mut load = Load::new(mode, strength, &bag, &stored);
        let (before, one) = (load.grams(), of_one(stored[0].item));
        let (me, there) = load.seen();
        // The stack goes into an empty slot, so that the limit alone decides.
        let action = match dice.bool() {
            true => InventoryAction::Move { from: inv(there, 0), to: inv(me, 5), count: None },
            false => InventoryAction::MoveAll { from: there.into(), to: me.into() },
        };
        let rejected = load.act(action);
        let fits = |count: &u32| before + one * u64::from(*count) <= strength.max(before);
        let largest = (1..=stored[0].count()).rfind(fits).unwrap_or(0);
        let moved = u32::try_from((load.grams() - before) / one).unwrap();
        assert_eq!(moved, largest, "of {stored:?} into {bag:?} with {strength} grams");
        assert_eq!(rejected, (largest == 0).then_some(Rejection::TooMuch));
        parts += u32::from(largest > 0 && largest < stored[0].count());
        refusals += u32::from(largest == 0);
    });
    assert!(parts > 5 && refusals > 5, "{parts} in part, {refusals} rejected");
}

fn of_one(item: ItemId) -> u64 {
    match item {
        FEATHER => 1,
        ANVIL => 100,
        INGOT => 10,
        _ => 90,
    }
}
