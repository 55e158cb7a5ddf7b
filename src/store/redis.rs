//! A store in Redis or Valkey, which several game servers share.
//!
//! All keys of a world have its name as their hash tag, so that they are on the same node of a cluster, and one script
//! commits a batch:
//!
//! | key | contents |
//! |---|---|
//! | `full_state:{WORLD}` | a hash with one field per inventory: its record |
//! | `owner:{WORLD}` | a hash with one field per inventory: fence, version, state and owner, as text |
//! | `latest_tick:{WORLD}` | the last tick that was committed |
//! | `ticks:{WORLD}` | a hash with the last tick that each game server has committed |
//! | `batches:{WORLD}` | a hash with the last batch of each game server, and what was rejected |
//! | `servers:{WORLD}` | a hash with the process number of the newest process of each game server |
//! | `heartbeat:{WORLD}:SERVER` | expires when that game server has been silent for too long |
//! | `format:{WORLD}` | version of these keys |
//! | `snapshot:{WORLD}:TICK` | a hash with one field per commit that ended at this tick: what it has changed; expires |
//! | `snapshots:{WORLD}` | a sorted set of the snapshots: first and last tick, and when it expires, in milliseconds |
//! | `history_from:{WORLD}` | the first tick of which no snapshot has expired |
//! | `arriving:{WORLD}` | a hash with one field per inventory that is expected: the world that it leaves, and its fence |
//! | `ticket:{WORLD}:HASH` | account, destination and inventories of a ticket. `HASH` is the SHA-256 of its secret |
//! | `home:{ID}` | the world in which an inventory was last seen, and its fence; fence 0 reserves it for creation there |
//!
//! The field of an inventory is its id as 16 hexadecimal digits, as is `ID`. In `owner`, the state is `o` (owned),
//! `r` (released), `d` (deleted) or `l` (has left for another world). Heartbeats, tickets, snapshots and reservations
//! of homes expire, nothing else.

mod claim;
mod commit;
mod history;
mod keys;
mod link;
mod reader;
mod record;
mod settings;
mod worlds;

use core::time::Duration;
use std::sync::{Arc, LazyLock};

use ::redis::Script;
use log::warn;

use crate::model::id::InventoryId;

use super::{
    Claim, Heartbeat, Store,
    archive::Archived,
    batch::{Batch, Fence, Rejected},
    error::StoreError,
    history::{History, HistoryQuery},
    record::StoredInventory,
    worlds::Worlds,
};
use keys::{Entry, Keys, State, field, id_of, server_of};
use link::RedisLink;
pub use reader::RedisReader;
pub use settings::{RedisSettings, RedisSettingsError};

static OPEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/open.lua")));
static HEARTBEAT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("redis/heartbeat.lua")));
static LOAD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/load.lua")));
static ANNOUNCE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("redis/announce.lua")));
static CREATE_ARRIVED: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("redis/create_arrived.lua")));
static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/forget.lua")));
static CLEAR_ARRIVAL: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("redis/clear_arrival.lua")));
static REDEEM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/redeem.lua")));
static SET_HOME: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("redis/set_home.lua")));
static ARCHIVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/archive.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/release.lua")));

/// Re-export of the `redis` crate, for tools.
pub use ::redis;

/// Number of entries that are requested at once from a hash.
const SCAN: usize = 1000;

/// A store in Redis or Valkey.
///
/// A commit counts as stored when Redis has acknowledged it and [`RedisSettings::replicas`] replicas have received it. If
/// Redis loses it later, that is detected: ticks, versions and fences are lower than this server remembers.
pub struct RedisStore {
    link: RedisLink,
    keys: Keys,
    /// Number of this process. Later processes of the same server have higher numbers.
    number: u64,
    /// The last tick that this server has committed.
    tick: u64,
    /// Whether a commit has found that Redis has lost an earlier one.
    lost_commits: bool,
}

/// The owner of an inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedisOwner {
    /// The inventory.
    pub inventory: InventoryId,
    /// Name of the game server.
    pub server: String,
    /// Fence of its claim.
    pub fence: Fence,
    /// Version of the last commit. Zero if there is none.
    pub version: u64,
}

impl RedisStore {
    /// Connects to Redis, and registers this process as the newest one of its game server.
    ///
    /// # Errors
    ///
    /// [`StoreError::Settings`], [`StoreError::Evicts`] if Redis may delete keys on its own,
    /// [`StoreError::UnsupportedFormat`], [`StoreError::Failed`] if it cannot be reached, or another error of the store.
    pub fn open(settings: RedisSettings) -> Result<Self, StoreError> {
        let mut store = Self::connect(settings)?;
        store.register()?;
        Ok(store)
    }

    fn connect(settings: RedisSettings) -> Result<Self, StoreError> {
        settings.check().map_err(|error| StoreError::Settings(error.to_string()))?;
        let keys = Keys::new(&settings.world);
        let link = RedisLink::new(settings);
        Ok(Self { link, keys, number: 0, tick: 0, lost_commits: false })
    }

    fn register(&mut self) -> Result<(), StoreError> {
        let RedisSettings { server, heartbeat_ttl, replicas, .. } = self.link.settings();
        let (server, replicas) = (server.clone(), *replicas);
        let mut open = OPEN.key(&self.keys.servers);
        open.key(self.keys.heartbeat(&server)).key(&self.keys.ticks).key(&self.keys.format);
        open.arg(&server).arg(millis(*heartbeat_ttl)).arg(record::FORMAT);
        let answer: Vec<String> = self.link.script(&open)?;
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        match answer.as_slice() {
            ["open", number, tick, appends] => {
                self.number = parse(number)?;
                self.tick = parse(tick)?;
                if *appends == "0" && replicas == 0 {
                    warn!(
                        "{}: `appendonly` is off and `replicas` is 0: commits that were reported as stored can be lost \
                         when Redis stops",
                        self.link.place()
                    );
                }
                Ok(())
            }
            ["later format", found] => Err(StoreError::UnsupportedFormat {
                place: self.place(),
                found: parse(found)?,
                supported: record::FORMAT.into(),
            }),
            ["evicts", policy] => {
                Err(StoreError::Evicts { place: self.place(), policy: (*policy).to_owned() })
            }
            _ => Err(unexpected(&format!("{answer:?}"))),
        }
    }

    /// Lists the owners of inventories, in ascending order of ids. Inventories without an owner are omitted.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn owners(&mut self) -> Result<Vec<RedisOwner>, StoreError> {
        let mut owners = Vec::new();
        for (inventory, Entry { fence, version, state }) in self.entries()? {
            if let State::Owned(owner) = state {
                let server = server_of(&owner).to_owned();
                owners.push(RedisOwner { inventory, server, fence, version });
            }
        }
        Ok(owners)
    }

    /// Returns `true` if the heartbeat of a game server has not expired.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn is_alive(&mut self, server: &str) -> Result<bool, StoreError> {
        self.link.command(::redis::cmd("EXISTS").arg(self.keys.heartbeat(server)))
    }

    /// Reads the entries of all inventories in ascending order of ids.
    fn entries(&mut self) -> Result<Vec<(InventoryId, Entry)>, StoreError> {
        let mut entries = Vec::new();
        let mut cursor = 0u64;
        loop {
            let mut scan = ::redis::cmd("HSCAN");
            scan.arg(&self.keys.owner).arg(cursor).arg("COUNT").arg(SCAN);
            let (next, found): (u64, Vec<(String, String)>) = self.link.command(&scan)?;
            for (field, entry) in found {
                let id = id_of(&field)?;
                entries.push((id, Entry::parse(id, &entry)?));
            }
            if next == 0 {
                break;
            }
            cursor = next;
        }
        entries.sort_unstable_by_key(|(id, _)| *id);
        // An entry may be returned several times.
        entries.dedup_by_key(|(id, _)| *id);
        Ok(entries)
    }

    /// Reads what this world has of an inventory. The record may be empty.
    fn read_raw(&mut self, id: InventoryId) -> Result<Option<(Entry, Vec<u8>)>, StoreError> {
        let mut load = LOAD.key(&self.keys.owner);
        load.key(&self.keys.full_state).key(&self.keys.arriving).arg(field(id));
        let (entry, record, _): (String, Vec<u8>, String) = self.link.script(&load)?;
        if entry.is_empty() {
            return Ok(None);
        }
        Ok(Some((Entry::parse(id, &entry)?, record)))
    }

    /// Returns the name by which this process owns inventories.
    fn owner(&self) -> String {
        format!("{}#{}", self.link.settings().server, self.number)
    }

    fn place(&self) -> String {
        format!("{}, world `{}`", self.link.place(), self.keys.world)
    }
}

impl Store for RedisStore {
    fn claim(&mut self, id: InventoryId) -> Result<Claim, StoreError> {
        let claimed = self.try_claim(id, None, true)?;
        claimed.map(|local| local.claim).ok_or_else(|| unexpected("none"))
    }

    fn load(&mut self, id: InventoryId) -> Result<Option<StoredInventory>, StoreError> {
        let Some((Entry { version, state, .. }, record)) = self.read_raw(id)? else {
            return Ok(None);
        };
        match state {
            State::Deleted | State::Leaving(_) => Ok(None),
            _ if version == 0 && record.is_empty() => Ok(None),
            _ if record.is_empty() => Err(missing(id)),
            _ => record::decode(id, version, &record).map(Some),
        }
    }

    fn commit(&mut self, batch: &Batch) -> Result<Vec<Rejected>, StoreError> {
        self.commit_batch(batch)
    }

    fn release(&mut self, inventories: &[(InventoryId, Fence)]) -> Result<(), StoreError> {
        let mut release = RELEASE.key(&self.keys.owner);
        release.arg(self.owner());
        for (id, fence) in inventories {
            release.arg(field(*id)).arg(fence.0);
        }
        self.link.script(&release)
    }

    fn list(&mut self) -> Result<Vec<InventoryId>, StoreError> {
        let mut entries = self.entries()?;
        let is_here = |state: &State| matches!(state, State::Owned(_) | State::Released);
        entries.retain(|(_, entry)| entry.version > 0 && is_here(&entry.state));
        Ok(entries.into_iter().map(|(id, _)| id).collect())
    }

    fn latest_tick(&mut self) -> Result<u64, StoreError> {
        let tick: Option<u64> =
            self.link.command(::redis::cmd("GET").arg(&self.keys.latest_tick))?;
        Ok(tick.unwrap_or(0))
    }

    fn archive(&mut self, _tick: u64, copies: &[Archived]) -> Result<(), StoreError> {
        let mut archive = ARCHIVE.key(&self.keys.owner);
        archive.key(&self.keys.full_state);
        for Archived { id, fence, version, stored } in copies {
            let record = stored.as_ref().map(|stored| record::encode(*id, *version, stored));
            archive.arg(field(*id)).arg(fence.0).arg(*version);
            archive.arg(record.transpose()?.unwrap_or_default());
        }
        self.link.script::<()>(&archive)?;
        self.link.wait_for_replicas(&self.keys.owner)
    }

    fn versions(&mut self) -> Result<Vec<(InventoryId, u64)>, StoreError> {
        let entries = self.entries()?.into_iter().map(|(id, entry)| (id, entry.version));
        Ok(entries.filter(|(_, version)| *version > 0).collect())
    }

    fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError> {
        self.read_history(query)
    }

    fn read_copy(&mut self, id: InventoryId) -> Result<Archived, StoreError> {
        let (Entry { fence, version, state }, record) =
            self.read_raw(id)?.ok_or_else(|| missing(id))?;
        let stored = match state {
            State::Deleted => None,
            _ => Some(Arc::new(record::decode(id, version, &record)?)),
        };
        Ok(Archived { id, fence, version, stored })
    }

    fn heartbeat(&mut self) -> Result<Heartbeat, StoreError> {
        let RedisSettings { server, heartbeat_ttl, .. } = self.link.settings();
        let (server, ttl) = (server.clone(), *heartbeat_ttl);
        let mut heartbeat = HEARTBEAT.key(&self.keys.servers);
        heartbeat.key(self.keys.heartbeat(&server)).key(&self.keys.ticks);
        heartbeat.arg(&server).arg(self.number).arg(millis(ttl));
        let answer: Vec<String> = self.link.script(&heartbeat)?;
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        let lost_commits = match answer.as_slice() {
            ["alive", tick] => parse::<u64>(tick)? < self.tick,
            ["lost", _] => true,
            ["replaced"] => return Err(StoreError::Replaced { server }),
            _ => return Err(unexpected(&format!("{answer:?}"))),
        };
        let lost_commits = core::mem::take(&mut self.lost_commits) || lost_commits;
        if lost_commits {
            // It is reported once.
            self.tick = 0;
        }
        Ok(Heartbeat { next: Some(ttl / 3), lost_commits })
    }

    fn worlds(&mut self) -> Option<&mut dyn Worlds> {
        Some(self)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn missing(id: InventoryId) -> StoreError {
    StoreError::Damaged { id, what: "it has no record".into() }
}

fn text(bytes: &[u8]) -> Result<&str, StoreError> {
    core::str::from_utf8(bytes).map_err(|_| unexpected(&String::from_utf8_lossy(bytes)))
}

fn parse<T: core::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| unexpected(text))
}

fn unexpected(answer: &str) -> StoreError {
    StoreError::Failed(format!("unexpected answer from Redis: `{answer}`"))
}
