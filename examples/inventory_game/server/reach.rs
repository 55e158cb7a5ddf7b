//! The rule for everything in the world that opens: only players who are near may use it.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::protocol::{CHEST_REACH, Position};

/// Distance at which what is open closes, in tiles.
const REACH_OPEN: f32 = 2.6;

/// Tolerance in tiles, because players see their own position with a delay.
const GRACE: f32 = 0.4;

/// Returns the distance up to which an access is allowed: opening something nearby, and using it up to a slightly
/// greater distance.
pub fn reach_for(kind: &AccessKind) -> f32 {
    GRACE + if matches!(kind, AccessKind::Open) { CHEST_REACH } else { REACH_OPEN }
}

pub fn near(In(ask): In<AccessRequest>, positions: Query<&Position>) -> AccessDecision {
    let at = |entity: Option<Entity>| positions.get(entity?).ok().copied();
    match (at(ask.actor), at(Some(ask.inventory))) {
        (Some(me), Some(there)) if me.distance_to_chest(there) <= reach_for(&ask.kind) => {
            AccessDecision::Allow
        }
        _ => AccessDecision::Deny(Rejection::TooFar),
    }
}
