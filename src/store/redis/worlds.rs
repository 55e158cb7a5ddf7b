//! Moves inventories between worlds.

use std::{fmt::Write as _, sync::Arc};

use sha2::{Digest, Sha256};

use crate::{
    model::{codec, id::InventoryId},
    store::{
        batch::Fence,
        error::StoreError,
        ticket::{Departure, Redeemed, Ticket, TicketError},
        worlds::{Departed, LocalClaim, Location, Presence, Worlds},
    },
};

use super::{
    ANNOUNCE, CLEAR_ARRIVAL, CREATE_ARRIVED, FORGET, LOAD, REDEEM, RedisStore, SET_HOME,
    keys::{Entry, Keys, State, field},
    record, text,
};

/// How long a world may take to create an inventory. If it crashes, another world can create it afterwards.
const RESERVED_SECONDS: u32 = 60;

/// What is stored with a ticket.
#[derive(serde::Serialize, serde::Deserialize)]
struct Issued {
    account: String,
    to: String,
    inventories: Vec<u64>,
}

/// Returns the key of a ticket, with the SHA-256 of its secret, and what is stored there.
pub(super) fn issued(keys: &Keys, departure: &Departure) -> Result<(String, Vec<u8>), StoreError> {
    let Departure { to, account, inventories, ticket, .. } = departure;
    let inventories = inventories.iter().map(|id| id.to_bits()).collect();
    let issued = Issued { account: account.clone(), to: to.clone(), inventories };
    let value = codec::to_record(&issued).map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok((ticket_key(keys, ticket), value))
}

fn ticket_key(keys: &Keys, ticket: &Ticket) -> String {
    let hash = Sha256::digest(ticket.secret());
    let hash = hash.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    keys.ticket(&hash)
}

fn location(text: &str) -> Option<Location> {
    let (world, fence) = text.split_once(' ')?;
    Some(Location { world: world.to_owned(), fence: Fence(fence.parse().ok()?) })
}

fn format(Location { world, fence }: &Location) -> String {
    format!("{world} {}", fence.0)
}

impl RedisStore {
    fn location(&mut self, command: &::redis::Cmd) -> Result<Option<Location>, StoreError> {
        let text: Option<String> = self.link.command(command)?;
        let Some(text) = text else { return Ok(None) };
        location(&text).map(Some).ok_or_else(|| super::unexpected(&text))
    }
}

impl Worlds for RedisStore {
    fn world(&self) -> &str {
        &self.keys.world
    }

    fn claim_existing(
        &mut self,
        id: InventoryId,
        elsewhere: Option<&Location>,
    ) -> Result<Option<LocalClaim>, StoreError> {
        self.try_claim(id, elsewhere, false)
    }

    fn home(&mut self, id: InventoryId) -> Result<Option<Location>, StoreError> {
        self.location(::redis::cmd("GET").arg(Keys::home(id)))
    }

    fn set_home(&mut self, id: InventoryId, fence: Fence) -> Result<Location, StoreError> {
        let key = Keys::home(id);
        let mut set = SET_HOME.key(&key);
        set.arg(&self.keys.world).arg(fence.0);
        let home: String = self.link.script(&set)?;
        self.link.wait_for_replicas(&key)?;
        location(&home).ok_or_else(|| super::unexpected(&home))
    }

    fn reserve_home(&mut self, id: InventoryId) -> Result<Location, StoreError> {
        let here = Location { world: self.keys.world.clone(), fence: Fence::NEW };
        let key = Keys::home(id);
        let set = ::redis::cmd("SET")
            .arg(&key)
            .arg(format(&here))
            .arg("NX")
            .arg("EX")
            .arg(RESERVED_SECONDS)
            .clone();
        let () = self.link.command(&set)?;
        self.link.wait_for_replicas(&key)?;
        self.home(id)?.ok_or_else(|| {
            StoreError::Failed(format!("the home of inventory `{id}` was removed during its claim"))
        })
    }

    fn announce(
        &mut self,
        world: &str,
        arrivals: &[(InventoryId, Location)],
    ) -> Result<bool, StoreError> {
        let keys = Keys::new(world);
        let mut announce = ANNOUNCE.key(&keys.arriving);
        announce.key(&keys.format);
        for (id, from) in arrivals {
            announce.arg(field(*id)).arg(&from.world).arg(from.fence.0);
        }
        let exists = self.link.script(&announce)?;
        self.link.wait_for_replicas(&keys.arriving)?;
        Ok(exists)
    }

    fn arrival(&mut self, id: InventoryId) -> Result<Option<Location>, StoreError> {
        self.location(::redis::cmd("HGET").arg(&self.keys.arriving).arg(field(id)))
    }

    fn presence(&mut self, world: &str, id: InventoryId) -> Result<Presence, StoreError> {
        let keys = Keys::new(world);
        let mut load = LOAD.key(&keys.owner);
        load.key(&keys.full_state).key(&keys.arriving).arg(field(id));
        let (entry, record, arrival): (String, Vec<u8>, String) = self.link.script(&load)?;
        if entry.is_empty() {
            let expected = !arrival.is_empty();
            return Ok(if expected { Presence::Expected } else { Presence::Absent });
        }
        let Entry { fence, version, state } = Entry::parse(id, &entry)?;
        Ok(match state {
            State::Owned(_) | State::Released => Presence::Present,
            State::Deleted => Presence::Deleted,
            State::Leaving(to) => {
                let stored = Arc::new(record::decode(id, version, &record)?);
                Presence::Leaving(Departed { to, fence, version, stored })
            }
        })
    }

    fn create_arrived(
        &mut self,
        id: InventoryId,
        from: &Location,
        departed: &Departed,
    ) -> Result<(), StoreError> {
        let mut create = CREATE_ARRIVED.key(&self.keys.owner);
        create.key(&self.keys.full_state).key(&self.keys.arriving);
        create.arg(field(id)).arg(format(from));
        create.arg(format!("{} {} r", departed.fence.0, departed.version));
        create.arg(record::encode(id, departed.version, &departed.stored)?);
        self.link.script(&create)
    }

    fn forget(&mut self, id: InventoryId, from: &Location) -> Result<(), StoreError> {
        // The new record must have reached them before the old one is removed.
        self.link.wait_for_replicas(&self.keys.owner)?;
        let keys = Keys::new(&from.world);
        let mut forget = FORGET.key(&keys.owner);
        forget.key(&keys.full_state);
        forget.arg(field(id)).arg(from.fence.0).arg(&self.keys.world);
        self.link.script(&forget)
    }

    fn clear_arrival(&mut self, id: InventoryId, from: &Location) -> Result<(), StoreError> {
        let mut clear = CLEAR_ARRIVAL.key(&self.keys.arriving);
        clear.arg(field(id)).arg(format(from));
        self.link.script(&clear)
    }

    fn redeem(&mut self, ticket: &Ticket, account: &str) -> Result<Redeemed, StoreError> {
        let rejected = |error| Err(StoreError::Ticket(error));
        let key = ticket_key(&Keys::new(ticket.world()), ticket);
        let stored: Option<Vec<u8>> = self.link.command(::redis::cmd("GET").arg(&key))?;
        let Some(stored) = stored else { return rejected(TicketError::Unknown) };
        let issued: Issued = codec::from_record(&stored)
            .map_err(|error| StoreError::Failed(format!("a ticket cannot be read: {error}")))?;
        if issued.account != account {
            return rejected(TicketError::OtherAccount);
        }
        if issued.to != self.keys.world {
            return rejected(TicketError::OtherWorld);
        }
        let mut redeem = REDEEM.key(&key);
        let used: bool = self.link.script(redeem.arg(stored))?;
        if !used {
            return rejected(TicketError::Unknown);
        }
        let inventories = issued.inventories.into_iter().map(InventoryId::from_bits).collect();
        Ok(Redeemed { inventories })
    }
}

/// Reads where an inventory came from, as returned by a script.
pub(super) fn arrival(bytes: &[u8]) -> Result<Option<Location>, StoreError> {
    let text = text(bytes)?;
    if text.is_empty() {
        return Ok(None);
    }
    location(text).map(Some).ok_or_else(|| super::unexpected(text))
}
