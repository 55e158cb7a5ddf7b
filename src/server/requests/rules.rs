//! Rules of the game: systems that decide whether a player may open an inventory, use it or keep it open.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        query::{Allow, QueryFilter},
        system::SystemId,
    },
    prelude::*,
};
use bevy_replicon::prelude::*;

use crate::{
    model::{rejection::Rejection, stack::Stack},
    shared::actions::AnyAction,
};

/// Input of a rule: the access to an inventory that a player requests.
#[derive(Clone, Debug)]
pub struct AccessRequest {
    /// The player.
    pub client: ClientId,
    /// The player's own inventory, if it has one. Rules can measure distances from its entity.
    pub actor: Option<Entity>,
    /// The inventory that is accessed. It passes the filter of the rule.
    pub inventory: Entity,
    /// The kind of access.
    pub kind: AccessKind,
}

/// Kind of access to an inventory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AccessKind {
    /// The player opens it.
    Open,
    /// The player keeps it open. Asked once within 30 frames (about twice a second at 60 frames per second) for
    /// every player that has opened it.
    KeepOpen,
    /// An action of the player reads or changes it.
    Act {
        /// The action.
        action: AnyAction,
        /// What the inventory would gain, over all slots.
        gains: Vec<Stack>,
        /// What the inventory would lose, over all slots.
        losses: Vec<Stack>,
    },
}

/// Result of a rule. If several rules apply, the strictest result counts: the first [`Deny`](Self::Deny),
/// otherwise the lowest [`AtMost`](Self::AtMost).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessDecision {
    /// The rule permits the access.
    Allow,
    /// The inventory may gain at most this many items. The action is applied in part if it can be (a weight limit
    /// admits a part of a stack), otherwise it is rejected as [`Rejection::TooMuch`]. For
    /// [`AccessKind::Open`] and [`AccessKind::KeepOpen`] it is the same as [`Allow`](Self::Allow).
    AtMost(u32),
    /// The access is rejected for this reason.
    Deny(Rejection),
}

impl AccessDecision {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deny(reason), _) | (_, Self::Deny(reason)) => Self::Deny(reason),
            (Self::AtMost(a), Self::AtMost(b)) => Self::AtMost(a.min(b)),
            (Self::AtMost(n), Self::Allow) | (Self::Allow, Self::AtMost(n)) => Self::AtMost(n),
            (Self::Allow, Self::Allow) => Self::Allow,
        }
    }
}

/// Returns `true` if a rule applies to an inventory.
type Applies = Box<dyn FnMut(&mut World, Entity) -> bool + Send + Sync>;

type RuleSystem = SystemId<In<AccessRequest>, AccessDecision>;

/// A rule: the system that decides, and the filter for the inventories that it decides on.
struct Rule {
    applies: Applies,
    system: RuleSystem,
}

/// The game's rules.
#[derive(Resource, Default)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    /// The rules that are running: more than one if a rule makes a player act.
    running: Vec<RuleSystem>,
}

/// Adds a rule for the inventories whose entities pass the filter `F`.
pub(crate) fn add<F: QueryFilter + 'static, M>(
    world: &mut World,
    rule: impl IntoSystem<In<AccessRequest>, AccessDecision, M> + 'static,
) {
    let system = world.register_system(rule);
    let mut filter = world.query_filtered::<(), (F, Allow<Disabled>)>();
    let applies =
        Box::new(move |world: &mut World, inventory| filter.get(world, inventory).is_ok());
    world.get_resource_or_init::<Rules>().rules.push(Rule { applies, system });
}

/// Runs all rules that apply to an inventory, and returns the strictest result.
///
/// A rule may make a player act, directly or through an observer. Rules apply to that action too. A rule that is
/// already running denies it instead of running again, because it could go on without end.
pub(crate) fn ask(world: &mut World, ask: &AccessRequest) -> AccessDecision {
    let mut decision = AccessDecision::Allow;
    for system in applying(world, ask.inventory) {
        decision = decision.and(run(world, system, ask));
    }
    decision
}

fn run(world: &mut World, system: RuleSystem, ask: &AccessRequest) -> AccessDecision {
    let running = &mut world.resource_mut::<Rules>().running;
    if running.contains(&system) {
        return AccessDecision::Deny(Rejection::NotAllowed);
    }
    running.push(system);
    let result = world.run_system_with(system, ask.clone());
    world.resource_mut::<Rules>().running.pop();
    result.unwrap_or_else(|error| {
        // Without its rule the inventory would be unprotected, so access is denied.
        log::error!("a rule for inventory access failed to run: {error}");
        AccessDecision::Deny(Rejection::NotAllowed)
    })
}

/// Returns the rules that apply to an inventory. No code of the game runs while they are out of the world.
fn applying(world: &mut World, inventory: Entity) -> Vec<RuleSystem> {
    if !world.contains_resource::<Rules>() {
        return Vec::new();
    }
    world.resource_scope(|world, mut rules: Mut<Rules>| {
        let rules = rules.bypass_change_detection().rules.iter_mut();
        let applying =
            rules.filter_map(|rule| (rule.applies)(world, inventory).then_some(rule.system));
        applying.collect()
    })
}
