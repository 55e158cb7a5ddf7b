//! The inventories from which players act. Rules measure distances from their entities, so a client must not choose
//! freely among all inventories that it owns.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Discard, Insert, Remove},
        query::Allow,
    },
    platform::collections::{HashMap, HashSet},
    prelude::*,
};
use bevy_replicon::prelude::*;
use log::warn;
use smallvec::SmallVec;

use crate::{
    model::rejection::Rejection,
    server::views::{access::Owner, subscriptions::Subscriptions},
    shared::markers::ActingInventory,
};

/// The inventories that each player owns.
#[derive(Resource, Default, Debug)]
pub(crate) struct OwnedInventories {
    by_client: HashMap<ClientId, SmallVec<[Entity; 2]>>,
    /// Players that own several inventories, none of which is marked as acting. Each was logged once.
    ambiguous: HashSet<ClientId>,
    /// Players that own or owned a marked inventory. They act from no other.
    had_body: HashSet<ClientId>,
    /// Whether a player may have lost the body from which it opened an inventory.
    pub(super) changed: bool,
}

impl OwnedInventories {
    /// Removes what is stored about a client that has disconnected.
    pub(crate) fn forget(&mut self, client: ClientId) {
        self.ambiguous.remove(&client);
        self.had_body.remove(&client);
    }

    pub(crate) fn of(&self, client: ClientId) -> &[Entity] {
        self.by_client.get(&client).map_or(&[], SmallVec::as_slice)
    }
}

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<OwnedInventories>()
        .add_observer(add_owned)
        .add_observer(add_body)
        .add_observer(remove_owned)
        .add_observer(recheck::<Insert, Owner>)
        .add_observer(recheck::<Remove, Owner>)
        .add_observer(recheck::<Insert, ActingInventory>)
        .add_observer(recheck::<Remove, ActingInventory>);
}

fn add_owned(
    insert: On<Insert, Owner>,
    owners: Query<(&Owner, Has<ActingInventory>), Allow<Disabled>>,
    mut owned: ResMut<OwnedInventories>,
) {
    let Ok((owner, acts)) = owners.get(insert.entity) else { return };
    owned.by_client.entry(owner.0).or_default().push(insert.entity);
    if acts {
        owned.had_body.insert(owner.0);
    }
}

fn add_body(
    insert: On<Insert, ActingInventory>,
    owners: Query<&Owner, Allow<Disabled>>,
    mut owned: ResMut<OwnedInventories>,
) {
    if let Ok(owner) = owners.get(insert.entity) {
        owned.had_body.insert(owner.0);
    }
}

fn remove_owned(
    discard: On<Discard, Owner>,
    owners: Query<&Owner, Allow<Disabled>>,
    mut owned: ResMut<OwnedInventories>,
) {
    let Ok(owner) = owners.get(discard.entity) else { return };
    if let Some(of_client) = owned.by_client.get_mut(&owner.0) {
        of_client.retain(|inventory| *inventory != discard.entity);
        if of_client.is_empty() {
            owned.by_client.remove(&owner.0);
            owned.ambiguous.remove(&owner.0);
        }
    }
}

/// Players may lose the body from which they opened an inventory.
fn recheck<E: EntityEvent, C: Component>(_: On<E, C>, mut owned: ResMut<OwnedInventories>) {
    owned.changed = true;
}

/// Returns `true` if a player may act from an inventory: it owns it now and in what it was last sent, and the
/// inventory is marked as acting, or is the only one of a player that never had a marked one.
pub(crate) fn is_body(world: &World, client: ClientId, inventory: Entity) -> bool {
    let all = world.resource::<OwnedInventories>();
    let owned = all.of(client);
    let marked = world.get::<ActingInventory>(inventory).is_some();
    let acts = marked || (*owned == [inventory] && !all.had_body.contains(&client));
    let seen = world.resource::<Subscriptions>().access(inventory, client);
    owned.contains(&inventory) && acts && seen.is_some_and(|access| access.owner)
}

/// Returns the inventory from which a player acts if it names none: the first of those from which it may act.
pub(crate) fn default_body(world: &World, client: ClientId) -> Option<Entity> {
    let owned = world.resource::<OwnedInventories>().of(client);
    owned.iter().copied().find(|inventory| is_body(world, client, *inventory))
}

/// Checks the inventory from which a player wants to act.
///
/// # Errors
///
/// [`Rejection::NotInView`] if the player does not own it. [`Rejection::NotAllowed`] if the player must not act
/// from it. If the reason is that none of several is marked, this is logged, once per player.
pub(crate) fn check_body(
    world: &mut World,
    client: ClientId,
    inventory: Entity,
) -> Result<(), Rejection> {
    if is_body(world, client, inventory) {
        return Ok(());
    }
    let owned = world.resource::<OwnedInventories>().of(client);
    if !owned.contains(&inventory) {
        return Err(Rejection::NotInView);
    }
    let seen = world.resource::<Subscriptions>().access(inventory, client);
    if !seen.is_some_and(|access| access.owner) {
        return Err(Rejection::NotInView);
    }
    let none_marked = owned.iter().all(|owned| world.get::<ActingInventory>(*owned).is_none());
    let number = owned.len();
    if none_marked && world.resource_mut::<OwnedInventories>().ambiguous.insert(client) {
        warn!(
            "{client:?} owns {number} inventories, and none has the component `ActingInventory`: \
            its actions are rejected"
        );
    }
    Err(Rejection::NotAllowed)
}
