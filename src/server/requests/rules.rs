//! Rules of the game: systems that decide whether a player may open an inventory, use it or keep it open.

use crate::model::planted::{Bug, planted};
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
    model::{
        measure::{Limit, Measure},
        rejection::Rejection,
        stack::Stack,
    },
    shared::actions::AnyAction,
};

/// Input of a rule: the access to an inventory that a player requests.
#[derive(Clone, Debug)]
pub struct AccessRequest {
    /// The player.
    pub client: ClientId,
    /// The [acting inventory](crate::prelude::ActingInventory) of the player, if it has one. Rules can measure
    /// distances from its entity. For [`AccessKind::KeepOpen`], it is the one from which the inventory was opened, if
    /// the player may still act from it.
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
    /// The player keeps it open. Asked about twice a second for every player that has opened it, and before the
    /// player's first action on it in a tick.
    KeepOpen,
    /// An action of the player reads or changes it.
    Act {
        /// The action.
        action: AnyAction,
        /// What the inventory would gain, over all slots. Instance data that the action creates is in the
        /// [`DataPool`](crate::prelude::DataPool) already, and is removed if the action is rejected.
        gains: Vec<Stack>,
        /// What the inventory would lose, over all slots.
        losses: Vec<Stack>,
    },
}

/// Result of a rule. If several rules apply, all must permit the access. If several deny it, the first reason
/// counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccessDecision {
    /// The rule permits the access.
    Allow,
    /// The inventory may hold at most this much, over all its containers, after the action. An inventory that
    /// holds more already may change as long as it does not hold more than before.
    ///
    /// If the action would put in too much, it is applied in part if it can be: as much of each stack as the limit
    /// admits. Otherwise it is rejected as [`Rejection::TooMuch`]. For [`AccessKind::Open`] and
    /// [`AccessKind::KeepOpen`] it is the same as [`Allow`](Self::Allow).
    AtMost {
        /// What is added up. By default, the number of items.
        measure: Measure,
        /// The maximum, in the unit of the measure.
        maximum: u64,
    },
    /// The access is rejected for this reason.
    Deny(Rejection),
}

impl AccessDecision {
    /// Returns a decision that limits the number of items in the inventory.
    #[must_use]
    pub fn at_most(items: u64) -> Self {
        Self::AtMost { measure: Measure::default(), maximum: items }
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

/// Runs all rules that apply to an inventory, and returns the limits that they set.
///
/// A rule may make a player act, directly or through an observer. Rules apply to that action too. A rule that is
/// already running denies it instead of running again, because it could go on without end.
///
/// # Errors
///
/// The reason of the first rule that denies the access.
pub(crate) fn ask(world: &mut World, ask: &AccessRequest) -> Result<Vec<Limit>, Rejection> {
    let (mut limits, mut denied) = (Vec::new(), None);
    if planted(Bug::RulesIgnored) && matches!(ask.kind, AccessKind::Act { .. }) {
        return Ok(limits);
    }
    if planted(Bug::LockedWithoutRule)
        && matches!(&ask.kind, AccessKind::Act { losses, .. } if losses.len() > 1)
    {
        return Err(Rejection::Locked);
    }
    for system in applying(world, ask.inventory) {
        match run(world, system, ask) {
            AccessDecision::Allow => {}
            AccessDecision::AtMost { .. } if planted(Bug::LimitsIgnored) => {}
            AccessDecision::AtMost { measure, maximum } => {
                limits.push(Limit { entity: ask.inventory, measure, maximum });
            }
            AccessDecision::Deny(reason) => denied = denied.or(Some(reason)),
        }
    }
    denied.map_or(Ok(limits), Err)
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
