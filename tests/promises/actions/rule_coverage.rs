//! No inventory changes without the rules that apply to it.

use crate::common::*;
use serde::{Deserialize, Serialize};

#[derive(Component)]
struct Locked;

fn locked(_: In<AccessRequest>) -> AccessDecision {
    AccessDecision::Deny(Rejection::Locked)
}

/// Stores torches in a chest, and what does not fit in another one.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoreWithOverflow {
    count: u32,
    first: InventoryId,
    then: InventoryId,
}

impl GameAction for StoreWithOverflow {
    const NAME: &'static str = "store with overflow";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let (player, first, then) = (tx.actor()?, tx.find(self.first)?, tx.find(self.then)?);
        for stack in tx.take(player, TORCH, self.count)? {
            if let Some(rest) = tx.insert_up_to(first, stack)? {
                tx.insert(then, rest)?;
            }
        }
        Ok(())
    }
}

/// A host with its own inventory.
fn host(setup: impl Fn(&mut App), carried: Stack) -> (Simulation, Entity) {
    let mut pair = Simulation::new(0, setup);
    let mut inventory = Inventory::new(27);
    inventory.set(0, carried).unwrap();
    let owner = Owner(ClientId::Server);
    let player = (player(0), inventory, Hotbar::new(9), owner);
    let player = pair.server.world_mut().spawn(player).id();
    (pair, player)
}

/// A chest that the host may use.
fn hosts_chest(pair: &mut Simulation, n: u64, inside: impl Bundle) -> Entity {
    let viewers = viewer(ClientId::Server, Rights::USE);
    pair.server.world_mut().spawn((chest(n), Inventory::new(27), viewers, inside)).id()
}

#[test]
fn partial_attempt_is_decided_by_the_rules_of_all_inventories_it_reaches() {
    #[derive(Component)]
    struct Limited;
    for sealed in [false, true] {
        let setup = |app: &mut App| {
            setup(app);
            app.add_action::<StoreWithOverflow>()
                .add_rule::<With<Limited>, _>(|_: In<AccessRequest>| AccessDecision::at_most(1))
                .add_rule::<With<Locked>, _>(locked);
        };
        let (mut pair, player) = host(setup, TORCH.stack(60));
        let first = hosts_chest(&mut pair, 1, Limited);
        let then = hosts_chest(&mut pair, 2, ());
        if sealed {
            pair.server.world_mut().entity_mut(then).insert(Locked);
        }
        pair.settle(20);
        let id = with_actions(&mut pair.server, |actions| {
            actions.request(StoreWithOverflow { count: 60, first: chest(1), then: chest(2) })
        });
        pair.settle(20);
        let counts = [player, first, then].map(|at| inventory(&mut pair, at).count(TORCH));
        let rejected = &pair.server.world().resource::<EventLog>().rejected;
        if sealed {
            assert_eq!((counts, rejected.as_slice()), ([60, 0, 0], &[(id, Rejection::Locked)][..]));
        } else {
            assert_eq!((counts, rejected.as_slice()), ([0, 1, 59], &[][..]));
        }
    }
}

type Nested = Box<dyn FnOnce(&mut InventoryActions) + Send + Sync>;

/// What the first rule that runs makes the host do.
#[derive(Resource, Default)]
struct Trap(Option<Nested>);

fn trap(
    In(_): In<AccessRequest>,
    mut actions: InventoryActions,
    mut trap: ResMut<Trap>,
) -> AccessDecision {
    if let Some(nested) = trap.0.take() {
        nested(&mut actions);
    }
    AccessDecision::Allow
}

/// A host whose inventory has the rule `trap`, with torches in the first slot, and a locked chest with coins.
fn trapped() -> (Simulation, Entity, Entity) {
    let setup = |app: &mut App| {
        setup(app);
        app.init_resource::<Trap>()
            .add_rule::<With<Hotbar>, _>(trap)
            .add_rule::<With<Locked>, _>(locked);
    };
    let (mut pair, player) = host(setup, TORCH.stack(3));
    let chest = hosts_chest(&mut pair, 1, Locked);
    inventory(&mut pair, chest).set(0, COIN.stack(10)).unwrap();
    pair.settle(20);
    (pair, player, chest)
}

/// Makes the host move its torches, and do something else from within the rule that allows it. Returns the
/// reasons for rejections.
fn spring(
    pair: &mut Simulation,
    player: Entity,
    nested: impl FnOnce(&mut InventoryActions) + Send + Sync + 'static,
) -> Vec<Rejection> {
    pair.server.insert_resource(Trap(Some(Box::new(nested))));
    with_actions(&mut pair.server, move |actions| {
        let (from, to) = (inv(player, 0), inv(player, 2));
        actions.request(InventoryAction::Move { from, to, count: None })
    });
    pair.settle(20);
    let world = pair.server.world();
    assert!(world.resource::<Trap>().0.is_none(), "the rule has run");
    world.resource::<EventLog>().rejected.iter().map(|(_, reason)| *reason).collect()
}

#[test]
fn rules_apply_to_an_action_that_a_rule_causes() {
    for to_player in [false, true] {
        let (mut pair, player, chest) = trapped();
        let other = hosts_chest(&mut pair, 2, ());
        pair.settle(20);
        let (from, to) = (inv(chest, 0), inv(if to_player { player } else { other }, 5));
        let rejected = spring(&mut pair, player, move |actions| {
            actions.request(InventoryAction::Move { from, to, count: None });
        });
        assert_eq!(rejected, [Rejection::Locked]);
        assert_eq!(inventory(&mut pair, player).get(2), Some(TORCH.stack(3)));
        let coins = [player, other, chest].map(|at| inventory(&mut pair, at).count(COIN));
        assert_eq!(coins, [0, 0, 10]);
    }
}

#[test]
fn rules_apply_to_an_opening_that_a_rule_causes() {
    let (mut pair, player, _) = trapped();
    let vault = (chest(2), Inventory::new(27), Openable::default(), Locked);
    let vault = pair.server.world_mut().spawn(vault).id();
    let rejected = spring(&mut pair, player, |actions| {
        actions.open_by_id(chest(2));
    });
    assert_eq!(rejected, [Rejection::Locked]);
    assert!(pair.server.world().get::<InView>(vault).is_none());
}

#[test]
fn rule_that_is_running_denies_what_it_causes() {
    let (mut pair, player, _) = trapped();
    let rejected = spring(&mut pair, player, move |actions| {
        let (from, to) = (inv(player, 0), inv(player, 1));
        actions.request(InventoryAction::Move { from, to, count: None });
    });
    assert_eq!(rejected, [Rejection::NotAllowed]);
    assert_eq!(inventory(&mut pair, player).get(2), Some(TORCH.stack(3)));
}
