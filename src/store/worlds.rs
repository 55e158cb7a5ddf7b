//! Moves inventories between worlds that share a store.
//!
//! Each world has records of its own, which may be on a node of its own, so nothing is atomic across two of them. An
//! inventory moves in steps. Any server can take the next one after any crash:
//!
//! 1. The destination is told to expect it ([`Worlds::expect`]).
//! 2. One commit at the source stores its last state, with everything that it has exchanged items with, and marks it as
//!    leaving. Nobody can claim it there any more ([`Change::Depart`](super::batch::Change::Depart)).
//! 3. The destination creates it from that state ([`Worlds::settle`]).
//! 4. The source forgets it ([`Worlds::forget`]), and the destination no longer expects it ([`Worlds::arrived`]).
//!
//! The destination does steps 3 and 4 when the inventory is claimed there. The fence grows with the departure. A step
//! that is late names an older fence and has no effect.

use std::sync::Arc;

use crate::model::id::InventoryId;

use super::{
    Claim, Store,
    batch::{Fence, Fenced},
    error::StoreError,
    record::StoredInventory,
    ticket::{Redeemed, Ticket},
};

/// How often other servers may interfere with a claim.
const ATTEMPTS: usize = 8;

/// Where an inventory is or comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Whereabouts {
    /// Name of the world.
    pub world: String,
    /// Its fence when it came there, or left.
    pub fence: Fence,
}

/// What a world has of an inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Presence {
    /// Nothing.
    Absent,
    /// It has left another world for this one, and was not claimed yet.
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

/// An inventory that was claimed, and where it came from if that is not finished.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalClaim {
    /// The claim.
    pub claim: Claim,
    /// The world that may not have forgotten it yet.
    pub arrival: Option<Whereabouts>,
}

/// A store with several worlds, as one of them sees it.
pub trait Worlds {
    /// Returns the name of this world.
    fn world(&self) -> &str;

    /// Claims an inventory as [`Store::claim`] does. Returns `None` if this world has no record of it. `elsewhere` is
    /// where it was last seen, if that is another world.
    ///
    /// # Errors
    ///
    /// [`StoreError::Elsewhere`] if it has left for another world, or if it was seen in another one and the record here
    /// was never committed or has a lower fence, so that this world has lost its departure; or an error of
    /// [`Store::claim`].
    fn claim_existing(
        &mut self,
        id: InventoryId,
        elsewhere: Option<&Whereabouts>,
    ) -> Result<Option<LocalClaim>, StoreError>;

    /// Returns where an inventory was last seen. This is only a hint: the records decide.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn home(&mut self, id: InventoryId) -> Result<Option<Whereabouts>, StoreError>;

    /// Records that an inventory is in this world, unless a higher fence is recorded.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn set_home(&mut self, id: InventoryId, fence: Fence) -> Result<(), StoreError>;

    /// Tells a world to expect inventories. Those that it expects already with the same or a higher fence are left.
    /// Returns `false` if there is no such world.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn expect(
        &mut self,
        world: &str,
        arrivals: &[(InventoryId, Whereabouts)],
    ) -> Result<bool, StoreError>;

    /// Returns from where this world expects an inventory.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn arrival(&mut self, id: InventoryId) -> Result<Option<Whereabouts>, StoreError>;

    /// Returns what a world has of an inventory.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if it is leaving and its record cannot be read, or another error of the store.
    fn presence(&mut self, world: &str, id: InventoryId) -> Result<Presence, StoreError>;

    /// Creates a record of an inventory that this world expects, if it has none yet and still expects it from there.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn settle(
        &mut self,
        id: InventoryId,
        from: &Whereabouts,
        departed: &Departed,
    ) -> Result<(), StoreError>;

    /// Removes the record of an inventory that has left another world with this fence for this one.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn forget(&mut self, id: InventoryId, from: &Whereabouts) -> Result<(), StoreError>;

    /// No longer expects an inventory, if it is still expected from there.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn arrived(&mut self, id: InventoryId, from: &Whereabouts) -> Result<(), StoreError>;

    /// Uses up a ticket. It must have been issued for this world and account.
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
                worlds.arrived(id, &from)?;
            }
            // The process that created it may have ended before it recorded that.
            if claim.version == 0 || elsewhere.is_some() {
                worlds.set_home(id, claim.fence)?;
            }
            return Ok(claim);
        }
        if find(worlds, id, home)? {
            continue;
        }
        let claim = store.claim(id)?;
        if let Some(worlds) = store.worlds() {
            worlds.set_home(id, claim.fence)?;
        }
        return Ok(claim);
    }
    Err(StoreError::Failed(format!("inventory `{id}` is being moved by others")))
}

/// Looks for an inventory of which this world has no record. Returns `true` if it has arrived, and `false` if it is
/// nowhere.
fn find(
    worlds: &mut dyn Worlds,
    id: InventoryId,
    home: Option<Whereabouts>,
) -> Result<bool, StoreError> {
    let here = worlds.world().to_owned();
    let arrival = worlds.arrival(id)?;
    let home = home.map(|home| home.world);
    let sources = [arrival.as_ref().map(|from| from.world.clone()), home.clone()];
    for world in sources.into_iter().flatten().filter(|world| *world != here) {
        match worlds.presence(&world, id)? {
            Presence::Leaving(departed) if departed.to == here => {
                let from = Whereabouts { world, fence: departed.fence };
                if arrival.as_ref() == Some(&from) {
                    worlds.set_home(id, from.fence)?;
                    worlds.settle(id, &from, &departed)?;
                } else {
                    // This world has lost the announcement. What was read before it is out of date.
                    worlds.expect(&here, &[(id, from)])?;
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
    if arrival.is_some() && worlds.presence(&here, id)? == Presence::Present {
        return Ok(true);
    }
    // A world has lost it.
    if arrival.is_some() || home == Some(here) {
        let reason = Fenced::RolledBack { stored: 0 };
        return Err(StoreError::Lost { id, reason });
    }
    Ok(false)
}
