//! Claims inventories.

use std::sync::LazyLock;

use ::redis::Script;

use crate::{
    model::id::InventoryId,
    store::{
        Claim, Store,
        batch::Fence,
        error::StoreError,
        worlds::{LocalClaim, Location},
    },
};

use super::{
    RedisStore,
    keys::{Entry, State, field, server_of},
    missing, parse, record, text, unexpected, worlds,
};

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("claim.lua")));

/// How often the owner of an inventory may change while it is being claimed.
const ATTEMPTS: usize = 8;

impl RedisStore {
    /// Claims an inventory. Returns `None` if there is no record of it, unless it is to be created. `elsewhere` is where
    /// it was last seen, if that is another world.
    pub(super) fn try_claim(
        &mut self,
        id: InventoryId,
        elsewhere: Option<&Location>,
        create: bool,
    ) -> Result<Option<LocalClaim>, StoreError> {
        let server = self.link.settings().server.clone();
        let (mut expected, mut owner) = (String::new(), server.clone());
        for _ in 0..ATTEMPTS {
            let mut claim = CLAIM.key(&self.keys.owner);
            claim.key(&self.keys.full_state).key(&self.keys.servers);
            claim.key(self.keys.heartbeat(&owner)).key(&self.keys.arriving);
            claim.arg(field(id)).arg(&server).arg(self.number).arg(&expected);
            claim
                .arg(u8::from(create))
                .arg(elsewhere.map_or("-1".to_owned(), |location| location.fence.0.to_string()));
            let answer: Vec<Vec<u8>> = self.link.script(&claim)?;
            let answer: Vec<&[u8]> = answer.iter().map(Vec::as_slice).collect();
            match answer.as_slice() {
                [b"claimed", fence, version, record, arrival] => {
                    let (fence, version) = (Fence(parse(text(fence)?)?), parse(text(version)?)?);
                    let found = match (version, record.is_empty()) {
                        (0, true) => Ok(None),
                        (_, true) => Err(missing(id)),
                        _ => record::decode(id, version, record).map(Some),
                    };
                    if found.is_err() {
                        self.release(&[(id, fence)])?;
                    }
                    let claim = Claim { fence, version, found: found? };
                    let arrival = worlds::arrival(arrival)?;
                    return Ok(Some(LocalClaim { claim, arrival }));
                }
                [b"owned", entry] => {
                    let entry = text(entry)?;
                    let State::Owned(by) = Entry::parse(id, entry)?.state else {
                        return Err(unexpected(entry));
                    };
                    server_of(&by).clone_into(&mut owner);
                    if entry == expected {
                        return Err(StoreError::Owned { id, by: owner });
                    }
                    entry.clone_into(&mut expected);
                }
                [b"none"] => return Ok(None),
                [b"elsewhere", world] => {
                    let world = text(world)?.to_owned();
                    return Err(StoreError::Elsewhere { id, world });
                }
                [b"stale"] => return Ok(None),
                [b"deleted"] => return Err(StoreError::Deleted { id }),
                [b"replaced"] => return Err(StoreError::Replaced { server }),
                [b"unreadable", entry] => {
                    let what = format!(
                        "its entry in the key `owner` cannot be read: `{}`",
                        String::from_utf8_lossy(entry)
                    );
                    return Err(StoreError::Damaged { id, what });
                }
                _ => return Err(unexpected(&format!("{answer:?}"))),
            }
        }
        Err(StoreError::Owned { id, by: owner })
    }
}
