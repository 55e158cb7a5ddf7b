//! Returns the items of inventories with [`ReturnsTo`].

use crate::model::planted::{Bug, planted};
use bevy::{
    ecs::{entity_disabling::Disabled, lifecycle::Discard, query::Allow},
    prelude::*,
};

use crate::{
    model::stack::Stack,
    params::inventories::Inventories,
    server::{
        returns::{AwaitsReturns, ReturnsTo},
        views::access::Owner,
    },
    shared::{authority::Authority, events::Cause},
};

pub(crate) fn plugin(app: &mut App) {
    app.add_observer(return_items).add_observer(return_to_leaving_player);
}

/// Returns the items of an inventory that is removed, or no longer belongs to the player.
fn return_items(
    gone: On<Discard, ReturnsTo>,
    returning: Query<&ReturnsTo, Allow<Disabled>>,
    authority: Authority,
    mut inventories: Inventories,
) {
    let Ok(returns) = returning.get(gone.entity) else { return };
    if authority.is_here() {
        return_all(&mut inventories, gone.entity, returns.to);
    }
}

/// Returns the items of a player that leaves. Runs before the game's observers of `Remove`, which may save the player.
fn return_to_leaving_player(
    leaving: On<Discard, Owner>,
    awaiting: Query<&AwaitsReturns, Allow<Disabled>>,
    authority: Authority,
    mut inventories: Inventories,
) {
    let Ok(awaits) = awaiting.get(leaving.entity) else { return };
    if authority.is_here() {
        awaits.iter().for_each(|from| return_all(&mut inventories, from, leaving.entity));
    }
}

/// Puts all items of one inventory into another, piece by piece. What does not fit is dropped.
fn return_all(inventories: &mut Inventories, from: Entity, to: Entity) {
    let stacks: Vec<Stack> = inventories
        .state(from)
        .iter()
        .flat_map(|state| state.iter().flatten().collect::<Vec<_>>())
        .collect();
    let Some(first) = stacks.first() else { return };
    let returned = inventories.run(Cause::Transacted, |tx| {
        // Accessed first, so that what does not fit is dropped there.
        tx.count(to, first.item).ok();
        for stack in tx.take_if(from, |_| true)? {
            // The player may be gone too.
            if planted(Bug::ReturnLosesAStack) && stack.item != first.item {
                continue;
            }
            let rest = tx.insert_up_to(to, stack).unwrap_or(Some(stack));
            rest.into_iter().for_each(|rest| tx.drop(rest));
        }
        Ok(())
    });
    if let Err(error) = returned {
        log::error!("items of entity {from} cannot be returned to entity {to}: {error}");
    }
}
