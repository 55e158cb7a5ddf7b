//! Moves inventories between worlds.

use crate::{
    model::id::InventoryId,
    store::{
        Store,
        batch::Fence,
        error::StoreError,
        ticket::{Redeemed, Ticket, TicketError},
        worlds::{Departed, LocalClaim, Location, Presence, Worlds},
    },
};

use super::{MemoryStore, Record};

impl Worlds for MemoryStore {
    fn world(&self) -> &str {
        &self.world
    }

    fn claim_existing(
        &mut self,
        id: InventoryId,
        elsewhere: Option<&Location>,
    ) -> Result<Option<LocalClaim>, StoreError> {
        let arrival = {
            let mut shared = self.lock();
            let world = shared.world(&self.world);
            let Some(record) = world.records.get(&id) else { return Ok(None) };
            // A record that was never committed contains nothing. One with a lower fence has left, or is about to be
            // replaced.
            let is_stale = |home: &Location| record.version == 0 || record.fence < home.fence.0;
            let arrival = world.arriving.get(&id);
            if elsewhere.is_some_and(is_stale) || arrival.is_some_and(is_stale) {
                return Ok(None);
            }
            arrival.cloned()
        };
        Ok(Some(LocalClaim { claim: self.claim(id)?, arrival }))
    }

    fn home(&mut self, id: InventoryId) -> Result<Option<Location>, StoreError> {
        self.operate_on_all(|shared| Ok(shared.homes.get(&id).cloned()))
    }

    fn set_home(&mut self, id: InventoryId, fence: Fence) -> Result<Location, StoreError> {
        self.operate_on_all(|shared| {
            let here = Location { world: self.world.clone(), fence };
            let home = shared.homes.entry(id).or_insert_with(|| here.clone());
            if home.fence <= fence {
                *home = here;
            }
            Ok(home.clone())
        })
    }

    fn reserve_home(&mut self, id: InventoryId) -> Result<Location, StoreError> {
        self.operate_on_all(|shared| {
            let here = || Location { world: self.world.clone(), fence: Fence::NEW };
            Ok(shared.homes.entry(id).or_insert_with(here).clone())
        })
    }

    fn announce(
        &mut self,
        world: &str,
        arrivals: &[(InventoryId, Location)],
    ) -> Result<bool, StoreError> {
        self.operate_on_all(|shared| {
            let Some(world) = shared.worlds.get_mut(world) else { return Ok(false) };
            for (id, from) in arrivals {
                let origin = world.arriving.entry(*id).or_insert_with(|| from.clone());
                if origin.fence < from.fence {
                    origin.clone_from(from);
                }
            }
            Ok(true)
        })
    }

    fn arrival(&mut self, id: InventoryId) -> Result<Option<Location>, StoreError> {
        self.operate(|world| Ok(world.arriving.get(&id).cloned()))
    }

    fn presence(&mut self, world: &str, id: InventoryId) -> Result<Presence, StoreError> {
        self.operate_on_all(|shared| {
            let world = shared.world(world);
            Ok(match world.records.get(&id) {
                None if world.arriving.contains_key(&id) => Presence::Expected,
                None => Presence::Absent,
                Some(record) if record.deleted => Presence::Deleted,
                Some(Record { left_for: Some(to), stored, fence, version, .. }) => {
                    let damaged = StoreError::Damaged { id, what: "it has no record".into() };
                    let stored = stored.clone().ok_or(damaged)?;
                    let (to, fence) = (to.clone(), Fence(*fence));
                    Presence::Leaving(Departed { to, fence, version: *version, stored })
                }
                Some(_) => Presence::Present,
            })
        })
    }

    fn create_arrived(
        &mut self,
        id: InventoryId,
        from: &Location,
        departed: &Departed,
    ) -> Result<(), StoreError> {
        self.operate(|world| {
            let is_older = |record: &Record| {
                let is_here = !record.deleted && record.left_for.is_none();
                is_here && (record.version == 0 || record.fence < departed.fence.0)
            };
            let is_free = world.records.get(&id).is_none_or(is_older);
            if world.arriving.get(&id) == Some(from) && is_free {
                let Departed { fence, version, stored, .. } = departed;
                let (fence, stored) = (fence.0, Some(stored.clone()));
                let record = Record { fence, version: *version, stored, ..Record::default() };
                world.records.insert(id, record);
            }
            Ok(())
        })
    }

    fn forget(&mut self, id: InventoryId, from: &Location) -> Result<(), StoreError> {
        self.operate_on_all(|shared| {
            let world = shared.world(&from.world);
            let has_left = world.records.get(&id).is_some_and(|record| {
                record.left_for.as_ref() == Some(&self.world) && record.fence == from.fence.0
            });
            if has_left {
                world.records.remove(&id);
            }
            Ok(())
        })
    }

    fn clear_arrival(&mut self, id: InventoryId, from: &Location) -> Result<(), StoreError> {
        self.operate(|world| {
            if world.arriving.get(&id) == Some(from) {
                world.arriving.remove(&id);
            }
            Ok(())
        })
    }

    fn redeem(&mut self, ticket: &Ticket, account: &str) -> Result<Redeemed, StoreError> {
        self.operate_on_all(|shared| {
            let secret = ticket.secret();
            let tickets = &mut shared.world(ticket.world()).tickets;
            let error = match tickets.get(&secret) {
                None => TicketError::Unknown,
                Some(issued) if issued.account != account => TicketError::OtherAccount,
                Some(issued) if issued.to != self.world => TicketError::OtherWorld,
                Some(issued) => {
                    let inventories = issued.inventories.clone();
                    tickets.remove(&secret);
                    return Ok(Redeemed { inventories });
                }
            };
            Err(StoreError::Ticket(error))
        })
    }
}
