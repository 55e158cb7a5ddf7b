//! What the game has to say: systems that are asked before a player opens, uses or goes on seeing an
//! inventory.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        query::{Allow, QueryFilter},
    },
    prelude::*,
};
use bevy_replicon::prelude::*;

use crate::{
    model::{rejection::Rejection, stack::Stack},
    shared::actions::AnyAction,
};

/// What a rule is asked: may this player do this with this inventory?
#[derive(Clone, Debug)]
pub struct AccessRequest {
    /// The player.
    pub client: ClientId,
    /// The player's own inventory, which is also the body to measure from.
    pub actor: Option<Entity>,
    /// The inventory in question: one that passes the filter of the rule.
    pub inventory: Entity,
    /// What for.
    pub purpose: AccessKind,
}

/// What a player wants of an inventory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AccessKind {
    /// To open it.
    Open,
    /// To go on seeing it. Asked about twice a second of those who opened it.
    KeepOpen,
    /// To do something that looks at it or changes it.
    Act {
        /// The action.
        action: AnyAction,
        /// What the inventory would gain, all slots together.
        gains: Vec<Stack>,
        /// What it would lose.
        losses: Vec<Stack>,
    },
}

/// What a rule answers. The strictest of all rules holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessDecision {
    /// As far as this rule goes.
    Allow,
    /// The inventory may gain so many items at most. The action is done in part where that makes sense
    /// (a weight limit lets some of a stack in), and refused as [`Rejection::TooMuch`] where not.
    AtMost(u32),
    /// No.
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

/// Gives the verdict of one rule, if it is about that inventory.
type Rule = Box<dyn FnMut(&mut World, &AccessRequest) -> Option<AccessDecision> + Send + Sync>;

/// The game's rules.
#[derive(Resource, Default)]
pub(crate) struct Rules(Vec<Rule>);

/// Adds a rule for the inventories whose entities pass the filter `F`.
pub(crate) fn add<F: QueryFilter + 'static, M>(
    world: &mut World,
    rule: impl IntoSystem<In<AccessRequest>, AccessDecision, M> + 'static,
) {
    let system = world.register_system(rule);
    let mut filter = world.query_filtered::<(), (F, Allow<Disabled>)>();
    world.get_resource_or_init::<Rules>().0.push(Box::new(move |world, ask| {
        filter.get(world, ask.inventory).ok()?;
        match world.run_system_with(system, ask.clone()) {
            Ok(verdict) => Some(verdict),
            Err(error) => {
                // A rule that cannot be asked protects nothing: nobody gets past it.
                log::error!("a rule about inventories could not be asked: {error}");
                Some(AccessDecision::Deny(Rejection::NotAllowed))
            }
        }
    }));
}

/// Asks all rules that are about an inventory.
pub(crate) fn ask(world: &mut World, ask: &AccessRequest) -> AccessDecision {
    let Some(mut rules) = world.get_resource_mut::<Rules>().map(|mut r| core::mem::take(&mut r.0))
    else {
        return AccessDecision::Allow;
    };
    let verdicts = rules.iter_mut().filter_map(|rule| rule(world, ask));
    let verdict = verdicts.fold(AccessDecision::Allow, AccessDecision::and);
    world.resource_mut::<Rules>().0 = rules;
    verdict
}
