//! What certainly follows from an action that was applied or rejected, whatever inventories contain.

use bevy::{ecs::entity::EntityHashSet, prelude::*};

use crate::{
    model::{action::InventoryAction, rejection::Rejection, rights::Rights},
    shared::actions::AnyAction,
};

use super::{
    game::{Far, Locked, Trade},
    oracle::named,
    places::PlaceKind,
    scene::Scene,
};

/// Returns the rights that an action needs if it was applied, by inventory. There may be more.
pub(super) fn needed(action: &AnyAction) -> Vec<(Entity, Rights)> {
    let (take, put) = (Rights::TAKE, Rights::PUT);
    let Some(action) = action.get::<InventoryAction>() else { return Vec::new() };
    let between = |from: Entity, to: Entity| match from == to {
        // What is moved within an inventory may end up where it was.
        true => Vec::new(),
        false => vec![(from, take), (to, put)],
    };
    match action {
        InventoryAction::Move { from, to, .. } => between(from.0, to.0),
        InventoryAction::QuickMove { from, to } => between(from.0, to.entity),
        InventoryAction::MoveAll { from, to } => between(from.entity, to.entity),
        InventoryAction::Drop { from, .. } => vec![(from.0, take)],
        InventoryAction::DropAll { from } => vec![(from.entity, take)],
        InventoryAction::Spread { from, onto, .. } => {
            let apart = onto.iter().all(|slot| slot.0 != from.0);
            if apart { vec![(from.0, take)] } else { Vec::new() }
        }
        InventoryAction::Craft { from, to, .. } => match from.as_slice() {
            [only] => vec![(only.entity, take), (to.entity, put)],
            _ => vec![(to.entity, put)],
        },
        _ => Vec::new(),
    }
}

/// Returns the inventories that an action accesses.
pub(super) fn accessed(scene: &Scene, action: &AnyAction, actor: Option<Entity>) -> EntityHashSet {
    let mut accessed = named(action, actor, &scene.oracle);
    if let Some(InventoryAction::Craft { at: Some(station), .. }) = action.get() {
        accessed.insert(*station);
    }
    accessed
}

/// Returns `true` if an action names an inventory that does not exist, as one with altered bits may.
pub(super) fn names_unknown(scene: &Scene, action: &AnyAction) -> bool {
    let Some(Trade { mine, theirs }) = action.get() else { return false };
    [mine, theirs].into_iter().any(|id| !scene.oracle.names.contains_key(id))
}

/// Returns `true` if a rule of the game gives this reason for one of the inventories that an action accesses.
pub(super) fn has_rule(
    scene: &Scene,
    action: &AnyAction,
    actor: Option<Entity>,
    reason: Rejection,
) -> bool {
    let world = scene.sim.server.world();
    let mut accessed = accessed(scene, action, actor);
    let is_page = |entity: &Entity| {
        let place = scene.place_of(*entity).map(|place| scene.places[place].kind);
        matches!(place, Some(PlaceKind::Page(_)))
    };
    if accessed.iter().any(is_page) {
        // Players access pages through their bank.
        let bank = scene.places.iter().position(|place| place.kind == PlaceKind::Bank);
        accessed.extend(bank.and_then(|bank| scene.entity(bank)));
    }
    accessed.iter().any(|entity| match reason {
        Rejection::Locked => world.get::<Locked>(*entity).is_some(),
        Rejection::TooFar => world.get::<Far>(*entity).is_some(),
        _ => false,
    })
}
