//! The keys of a world, and the entries of owners.

use crate::{
    model::id::InventoryId,
    store::{batch::Fence, error::StoreError},
};

use super::unexpected;

/// The keys of a world.
pub(super) struct Keys {
    pub(super) owner: String,
    pub(super) full_state: String,
    pub(super) latest_tick: String,
    pub(super) servers: String,
    pub(super) ticks: String,
    pub(super) batches: String,
    pub(super) format: String,
    pub(super) arriving: String,
    pub(super) snapshots: String,
    pub(super) history_from: String,
    pub(super) world: String,
}

impl Keys {
    pub(super) fn new(world: &str) -> Self {
        Self {
            owner: format!("owner:{{{world}}}"),
            full_state: format!("full_state:{{{world}}}"),
            latest_tick: format!("latest_tick:{{{world}}}"),
            servers: format!("servers:{{{world}}}"),
            ticks: format!("ticks:{{{world}}}"),
            batches: format!("batches:{{{world}}}"),
            format: format!("format:{{{world}}}"),
            arriving: format!("arriving:{{{world}}}"),
            snapshots: format!("snapshots:{{{world}}}"),
            history_from: format!("history_from:{{{world}}}"),
            world: world.to_owned(),
        }
    }

    pub(super) fn heartbeat(&self, server: &str) -> String {
        format!("heartbeat:{{{}}}:{server}", self.world)
    }

    /// Returns the key of the history up to a tick.
    pub(super) fn snapshot(&self, tick: u64) -> String {
        format!("snapshot:{{{}}}:{tick}", self.world)
    }

    /// Returns the key of a ticket.
    pub(super) fn ticket(&self, hash: &str) -> String {
        format!("ticket:{{{}}}:{hash}", self.world)
    }

    /// Returns the key of the world in which an inventory was last seen.
    pub(super) fn home(id: InventoryId) -> String {
        format!("home:{{{}}}", field(id))
    }
}

/// The entry of an inventory in `owner`.
pub(super) struct Entry {
    pub(super) fence: Fence,
    pub(super) version: u64,
    pub(super) state: State,
}

pub(super) enum State {
    /// Name of the server, and number of its process.
    Owned(String),
    Released,
    Deleted,
    /// Name of the world that it has left for.
    Leaving(String),
}

impl Entry {
    pub(super) fn parse(id: InventoryId, text: &str) -> Result<Self, StoreError> {
        let parsed = || {
            let mut words = text.splitn(4, ' ');
            let fence = Fence(words.next()?.parse().ok()?);
            let version = words.next()?.parse().ok()?;
            let state = match (words.next()?, words.next()) {
                ("o", Some(owner)) => State::Owned(owner.to_owned()),
                ("r", _) => State::Released,
                ("d", _) => State::Deleted,
                ("l", Some(to)) => State::Leaving(to.to_owned()),
                _ => return None,
            };
            Some(Self { fence, version, state })
        };
        let damaged = || StoreError::Damaged {
            id,
            what: format!("its entry in the key `owner` cannot be read: `{text}`"),
        };
        parsed().ok_or_else(damaged)
    }
}

/// Returns the field of an inventory.
pub(super) fn field(id: InventoryId) -> String {
    format!("{:016x}", id.to_bits())
}

/// Returns the inventory of a field.
pub(super) fn id_of(field: &str) -> Result<InventoryId, StoreError> {
    let id = u64::from_str_radix(field, 16).map_err(|_| unexpected(field))?;
    Ok(InventoryId::from_bits(id))
}

/// Returns the name of a server without the number of its process.
pub(super) fn server_of(owner: &str) -> &str {
    owner.rsplit_once('#').map_or(owner, |(server, _)| server)
}
