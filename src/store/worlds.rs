//! Moves inventories between worlds that share a store.
//!
//! Each world has its own records, possibly on its own node, so nothing is atomic across two worlds. An
//! inventory moves in four steps, each of which can be repeated. The owner does steps 1 and 2. If it crashes before step
//! 2, the inventory stays. Any server of the destination can do steps 3 and 4, when the inventory is claimed there:
//!
//! 1. The source announces it to the destination ([`Worlds::announce`]).
//! 2. One commit at the source stores its last state, and all inventories that it has exchanged items with, and marks it
//!    as leaving. No server can claim it there from then on ([`Change::Depart`](super::batch::Change::Depart)).
//! 3. The destination creates it from that state ([`Worlds::create_arrived`]).
//! 4. The record at the source is removed ([`Worlds::forget`]), and then the announcement ([`Worlds::clear_arrival`]).
//!
//! The departure raises the fence by one. A step that arrives late has an older fence and does nothing.

use std::sync::Arc;

use crate::model::id::InventoryId;

use super::{
    Claim, Store,
    batch::{Fence, Fenced},
    error::StoreError,
    record::StoredInventory,
    ticket::{Redeemed, Ticket},
};

/// Number of attempts to claim an inventory while other servers move it.
const ATTEMPTS: usize = 8;

/// A world that has or had an inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// Name of the world.
    pub world: String,
    /// Fence of the inventory when this was recorded. For a world that it has left: the fence after the departure.
    pub fence: Fence,
}

/// The state of an inventory in a world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Presence {
    /// Nothing.
    Absent,
    /// It has no record there, but another world has announced its departure for there. It may not have left yet.
    Expected,
    /// It is there.
    Present,
    /// It was deleted there.
    Deleted,
    /// It has left.
    Leaving(Departed),
}

/// An inventory that has left a world, and is not in another one yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Departed {
    /// The world it left for.
    pub to: String,
    /// Its fence.
    pub fence: Fence,
    /// Its version.
    pub version: u64,
    /// Its last state.
    pub stored: Arc<StoredInventory>,
}

/// A claim in this world, and the move that may have to be finished.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalClaim {
    /// The claim.
    pub claim: Claim,
    /// The world that it came from, if that world may still have its record. `None` if the move is finished.
    pub arrival: Option<Location>,
}

/// A store with several worlds, accessed from one of them.
pub trait Worlds {
    /// Returns the name of this world.
    fn world(&self) -> &str;

    /// Claims an inventory as [`Store::claim`] does. Returns `None` if this world has no record of it. `elsewhere` is
    /// where it was last seen, if that is another world. A record is outdated and ignored if it was never committed, or
    /// if its fence is lower than that of `elsewhere` or of an arrival.
    ///
    /// # Errors
    ///
    /// [`StoreError::Elsewhere`] if it has left for another world, or an error of [`Store::claim`].
    fn claim_existing(
        &mut self,
        id: InventoryId,
        elsewhere: Option<&Location>,
    ) -> Result<Option<LocalClaim>, StoreError>;

    /// Returns where an inventory was last seen. This is only a hint: the records are authoritative.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn home(&mut self, id: InventoryId) -> Result<Option<Location>, StoreError>;

    /// Records that an inventory is in this world, unless a higher fence is recorded. Returns its home.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn set_home(&mut self, id: InventoryId, fence: Fence) -> Result<Location, StoreError>;

    /// Reserves the home of an inventory that is about to be created in this world, with the fence [`Fence::NEW`],
    /// unless it already has a home. The reservation may expire. Returns its home.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn reserve_home(&mut self, id: InventoryId) -> Result<Location, StoreError>;

    /// Announces inventories to a world. An announcement with the same or a higher fence is not replaced. Returns `false`
    /// if there is no such world.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn announce(
        &mut self,
        world: &str,
        arrivals: &[(InventoryId, Location)],
    ) -> Result<bool, StoreError>;

    /// Returns the world that has announced an inventory to this one, and the fence.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn arrival(&mut self, id: InventoryId) -> Result<Option<Location>, StoreError>;

    /// Returns the state of an inventory in a world.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if it is leaving and its record cannot be read, or another error of the store.
    fn presence(&mut self, world: &str, id: InventoryId) -> Result<Presence, StoreError>;

    /// Creates the record of an inventory that was announced from there, if this world has none yet. Replaces one that was
    /// never committed, or that has a lower fence because this world has lost its departure.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn create_arrived(
        &mut self,
        id: InventoryId,
        from: &Location,
        departed: &Departed,
    ) -> Result<(), StoreError>;

    /// Removes the record at `from.world`, if the inventory has left that world for this one with the fence `from.fence`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn forget(&mut self, id: InventoryId, from: &Location) -> Result<(), StoreError>;

    /// Removes the announcement of an inventory, if it is still the one from `from`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn clear_arrival(&mut self, id: InventoryId, from: &Location) -> Result<(), StoreError>;

    /// Redeems a ticket. It must have been issued for this world and account.
    ///
    /// # Errors
    ///
    /// [`StoreError::Ticket`], or another error of the store.
    fn redeem(&mut self, ticket: &Ticket, account: &str) -> Result<Redeemed, StoreError>;
}

/// Claims an inventory, and first finishes its move to this world.
///
/// # Errors
///
/// [`StoreError::Elsewhere`] if it is in another world, [`StoreError::Lost`] if a world that had it has lost it, or an
/// error of [`Store::claim`].
pub fn claim(store: &mut dyn Store, id: InventoryId) -> Result<Claim, StoreError> {
    for _ in 0..ATTEMPTS {
        let Some(worlds) = store.worlds() else { return store.claim(id) };
        let home = worlds.home(id)?;
        let elsewhere = home.as_ref().filter(|home| home.world != worlds.world());
        if let Some(LocalClaim { claim, arrival }) = worlds.claim_existing(id, elsewhere)? {
            if let Some(from) = arrival {
                worlds.forget(id, &from)?;
                worlds.clear_arrival(id, &from)?;
            }
            // The process that created it may have ended before it recorded that, or the record was lost.
            if claim.version == 0 || home.is_none() || elsewhere.is_some() {
                worlds.set_home(id, claim.fence)?;
            }
            return Ok(claim);
        }
        if find(worlds, id, home)? {
            continue;
        }
        // If several worlds claim it at once, only one of them creates it.
        let (home, here) = (worlds.reserve_home(id)?, worlds.world().to_owned());
        if home.world != here {
            return Err(StoreError::Elsewhere { id, world: home.world });
        }
        let claim = store.claim(id)?;
        let home = store.worlds().map(|worlds| worlds.set_home(id, claim.fence)).transpose()?;
        if let Some(Location { world, .. }) = home.filter(|home| home.world != here) {
            // The reservation has expired.
            store.release(&[(id, claim.fence)])?;
            return Err(StoreError::Elsewhere { id, world });
        }
        return Ok(claim);
    }
    Err(StoreError::Failed(format!(
        "other servers kept moving inventory `{id}` while it was being claimed"
    )))
}

/// Looks in other worlds for an inventory that has no record in this one. Returns `true` if the claim must be tried again,
/// because the inventory has arrived or was announced again. Returns `false` if no world has it.
fn find(
    worlds: &mut dyn Worlds,
    id: InventoryId,
    home: Option<Location>,
) -> Result<bool, StoreError> {
    let here = worlds.world().to_owned();
    let arrival = worlds.arrival(id)?;
    let last_seen = home.as_ref().map(|home| home.world.clone());
    let sources = [arrival.as_ref().map(|from| from.world.clone()), last_seen];
    for world in sources.into_iter().flatten().filter(|world| *world != here) {
        match worlds.presence(&world, id)? {
            Presence::Leaving(departed) if departed.to == here => {
                let from = Location { world, fence: departed.fence };
                if arrival.as_ref() == Some(&from) {
                    worlds.set_home(id, from.fence)?;
                    worlds.create_arrived(id, &from, &departed)?;
                } else {
                    if let Some(old) = &arrival {
                        worlds.clear_arrival(id, old)?;
                    }
                    // This world has lost the announcement. Announce it again, then read everything again.
                    worlds.announce(&here, &[(id, from)])?;
                }
                return Ok(true);
            }
            Presence::Leaving(departed) => {
                return Err(StoreError::Elsewhere { id, world: departed.to });
            }
            Presence::Present | Presence::Expected => {
                return Err(StoreError::Elsewhere { id, world });
            }
            Presence::Deleted => return Err(StoreError::Deleted { id }),
            Presence::Absent => {}
        }
    }
    // Another server may have finished the move.
    let is_home = home.as_ref().is_some_and(|home| home.world == here);
    if arrival.is_some() && is_home && worlds.presence(&here, id)? == Presence::Present {
        return Ok(true);
    }
    // It may have moved on since that was read.
    if worlds.home(id)? != home {
        return Ok(true);
    }
    // Some world has lost it, unless its home is only a reservation.
    if arrival.is_some() || home.is_some_and(|home| home.fence != Fence::NEW) {
        let reason = Fenced::RolledBack { stored: 0 };
        return Err(StoreError::Lost { id, reason });
    }
    Ok(false)
}
