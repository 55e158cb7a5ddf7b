//! The format, top to bottom. Pure functions over values; [`encode`] writes it, [`decode`] reads it.
//!
//! Bits fill bytes from the lowest; a message ends with zero bits up to the next byte. Numbers of
//! unknown size are Exp-Golomb codes of order k (`EGk`): `value + 2^k` in binary behind one zero bit
//! per digit beyond k + 1, so EG0 takes 1 bit for 0, 3 for 1 and 2, 5 for 3 to 6.
//!
//! ```text
//! message   = 0 quick | 100 (0 view:EG0 quick | 1 plain) | 101 (0 handle:EG0 quick | 1 shared)
//!           | 110 answered | 1110 full | 1111 refusal of a client (`hello`)
//!
//! quick     = base:3 entry                              one step, one entry, and nothing else: of view 0, of
//!                                                       another, or of one inventory to all who see it
//! plain     = update (1 update)* 0                      inventories that only this client sees
//! shared    = update (1 update)* 0                      inventories that the same clients see: the same bytes
//!                                                       to all of them
//! answered  = answers (1 update)* 0                     answers to actions, and the slots they changed
//! full      = answered?:1 [answers]
//!             reset?:1 [transfer:EG0 epoch:64]          drop all views first, and transfers up to this one; the
//!                                                       server's run, which versions and digests belong to
//!             follows:EG0                               so many shared parts follow
//!             data:EG0 datum*                           instance data that the client does not have
//!             closes:EG0 (view:EG0 reason:1)*
//!             opens:EG0 open*
//!             handover?:1 [transfer:8 dropped:EG0 (place:EG4)*]   what came in chunks begins (`bulk`)
//!             (1 update)* 0
//!             digests:EG0 (view:EG0 digest:64)*         of the copies as they are after all of this (`digest`)
//!
//! update    = view:EG0 base:3 steps-1:EG0               the view's index; in a shared part the unit's handle
//!             selected?:1 [selected:EG0]
//!             (1 slots | 0 delta)
//! delta     = 0 entry | 10 (none) | 110 entry (1 entry)* 0 | 111 changed?:1 per slot, then change*
//! entry     = slot:⌈log2 slots⌉ change
//! change    = 00 amount                                 so many fewer of what lies there
//!           | 01 amount                                 so many more
//!           | 10                                        the slot is empty now
//!           | 110 stack
//!           | 1110 wear:EG2                             its wear changed, by a zigzag number
//!           | 11110 with:⌈log2 slots⌉                   exchanged with this slot, which comes after
//!           | 11111 item:⌈log2 items⌉                   as many of another item, unworn and without data
//!
//! amount    = 1 | 0 amount-2:3 | 0111 amount-9:EG3      one, two to eight, or more
//!
//! answers   = last:6 count-1:EG0 answer*                to the requests up to number `last`, modulo 64
//! answer    = 1 accepted | 0 reason:5 [game:16]
//! datum     = id:EG4 (0 type:EG0 length:EG6 byte* | 1)  with 1 it is gone, and named no more
//!
//! open      = next?:1 (not of the first)                the view, handle and containers after those before,
//!                                                       and the same owner and rights
//!             (1 after?:1 [id] | 0 view:EG0 handle:EG0 id owner?:1 rights:4)
//!             version:EG4
//!             entity?:1 [index:EG7 generation:EG0]      the replicated entity that carries it
//!             (1 since | 0 copy)
//! copy      = [containers:EG0 (kind:⌈log2 kinds⌉ slots:EG5)*]    unless it is next
//!             selected?:1 [selected:EG0]
//!             slots
//! since     = base:EG4 selected?:1 [selected:EG0] delta    the client has kept a copy of this version or a later
//!                                                       one; what changed since, without regard to what lay there
//! id        = 1 hash:63 | 0 number:EG4                  named | drawn in sequence
//! slots     = more?:1 wide?:1 all?:1                    some with wear or data; counts that tell their own
//!             (0 | 1 stack) per slot, or stack* if all   length; no slot is empty
//! stack     = item:⌈log2 items⌉ count more?:1 [worn?:1 [wear:16] data?:1 [data:EG4]]
//!                                                       without `more?` in slots where none has more
//! count     = count-1:EG2 | count-1:⌈log2 maximum stack⌉  the second in slots that are not wide
//! ```
//!
//! `base` is the version that an update starts from plus the unit's handle, modulo 8; the client drops
//! what does not start where it stands, or is meant for another unit, and asks for a full copy. What
//! a change is relative to lies there in the version that the update starts from. The server remembers that for
//! viewers who hold the commit just before, and for a while for those who wait for their turn; whoever else is
//! behind is told what lies there now.
//!
//! One drop from one's own hotbar: `0`, base `···`, slot `······`, `00`, one less `1`: 1 + 3 + 6 + 2 + 1 = 13
//! bits, two bytes. Up to eight more or fewer are 16 bits, still two bytes: for that `base` is no wider. It only
//! guards against a transport that breaks its promise; what slips through is found by the digest.

pub mod bits;
pub mod bulk;
pub mod decode;
pub mod digest;
pub mod encode;
pub mod request;

use bevy::ecs::entity::Entity;
use bytes::Bytes;
use thiserror::Error;

use crate::model::{
    id::{DataId, InventoryId},
    items::Catalogue,
    reason::Reason,
    rights::Rights,
    stack::Stack,
    unit::{Kind, Unit},
};

use bulk::Handover;

/// The version of this format and of the handshake.
pub const PROTOCOL_VERSION: u16 = 1;

/// Most views one client can have.
pub const VIEWS_MAX: usize = 1 << 16;

/// How many low bits an update carries of the version that it starts from.
pub(crate) const BASE_BITS: u32 = 3;

/// What an update carries of the version that it starts from. The handle is added so that versions of
/// different units are told apart, too.
pub(crate) fn base_bits(version: u64, handle: u32) -> u32 {
    let [low, ..] = version.wrapping_add(u64::from(handle)).to_le_bytes();
    u32::from(low) & ((1 << BASE_BITS) - 1)
}

/// What both sides know before the first byte: the catalogue and the registered containers.
#[derive(Clone, Copy)]
pub struct Schema<'a> {
    /// The items by rank.
    pub catalogue: &'a Catalogue,
    /// The containers by kind.
    pub kinds: &'a [Kind],
}

/// Why a view closed, as far as the wire tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseCause {
    /// The client may not see it any more.
    Hidden,
    /// It is gone.
    Despawned,
}

/// A full copy that begins a view (or heals it).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Open {
    /// All but the slots.
    pub head: OpenHead,
    /// The slots.
    pub unit: Unit,
}

/// Whose copy an [`Open`] is, and what the client may do with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenHead {
    /// The client's index for it, the lowest free one.
    pub view: u32,
    /// The server's number for the unit, the same for all clients while anyone sees it.
    pub handle: u32,
    /// Whose copy this is.
    pub id: InventoryId,
    /// Whether this client owns it.
    pub owner: bool,
    /// What this client may do with it.
    pub rights: Rights,
    /// The version of the copy.
    pub version: u64,
    /// The server's entity, if it is replicated.
    pub entity: Option<Entity>,
}

impl OpenHead {
    /// Whether it comes right after another, for the same player.
    fn is_next(&self, before: &Self) -> bool {
        Some(self.view) == before.view.checked_add(1)
            && Some(self.handle) == before.handle.checked_add(1)
            && (self.owner, self.rights) == (before.owner, before.rights)
    }
}

/// What an update does to a unit, resolved to plain values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Update {
    /// The view's index.
    pub view: u32,
    /// The version after it.
    pub version: u64,
    /// The selected slot, if that changed.
    pub selected: Option<u8>,
    /// Flat positions and what lies there now.
    pub slots: Vec<(usize, Option<Stack>)>,
    /// Whether it was a full copy.
    pub full: bool,
}

/// What the server says of a client's requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answers {
    /// The number of the last request that is answered, modulo 64.
    pub last: u8,
    /// The answers to it and those before, the oldest first.
    pub results: Vec<Result<(), Reason>>,
}

/// Most answers in one message; as many requests of a client may be unanswered.
pub const ANSWERS_MAX: usize = 32;

/// How many low bits of a request's number an answer carries.
pub(crate) const ANSWER_BITS: u32 = 6;

/// Instance data: its name, its registered type, and the value as serialised by the game.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Datum {
    /// What stacks call it.
    pub id: DataId,
    /// The rank of its type in the order of registration.
    pub kind: u8,
    /// The value.
    pub bytes: Bytes,
}

/// Largest value of instance data, in bytes.
pub const DATA_BYTES_MAX: usize = 1 << 16;

/// One message, decoded against the views as they were before it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Part {
    /// Answers to this client's requests.
    pub answers: Option<Answers>,
    /// Drop every view before applying this.
    pub reset: Option<Reset>,
    /// So many shared parts belong to this one.
    pub follows: usize,
    /// Instance data that the client can forget, for it does not exist any more.
    pub forgotten: Vec<DataId>,
    /// Instance data that the rest names.
    pub data: Vec<Datum>,
    /// Views that end.
    pub closes: Vec<(u32, CloseCause)>,
    /// Views that begin or are healed.
    pub opens: Vec<Open>,
    /// Views that begin as they were sent in chunks.
    pub handover: Option<Handover>,
    /// Views that change.
    pub updates: Vec<Update>,
    /// Views with the digests that their copies have after all of this.
    pub digests: Vec<(u32, u64)>,
}

/// How everything begins anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset {
    /// What came in chunks up to this transfer is dropped.
    pub transfer: u8,
    /// The server's run.
    pub epoch: u64,
}

/// So many copies of what is not in view (any more) a client keeps, so that it can be told what changed since.
/// Both sides count the same: a view that is hidden comes last, above so many the first goes, a view that begins is
/// taken out, and after a reset there are those that the client has named.
pub const COPIES_MAX: usize = 48;

impl Part {
    /// The instance data that its slots hold.
    pub(crate) fn names_data(&self) -> impl Iterator<Item = DataId> + '_ {
        let opened = self.opens.iter().flat_map(|open| open.unit.iter());
        let updated = self.updates.iter().flat_map(|update| update.slots.iter().map(|(_, s)| *s));
        opened.chain(updated).flatten().filter_map(|stack| stack.data)
    }
}

/// What can be wrong with bytes from a peer. They are dropped whole and counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DecodeError {
    /// The message ends too early.
    #[error("the message ends within a field")]
    Truncated,
    /// The message goes on behind its end.
    #[error("the message goes on behind its end")]
    Trailing,
    /// A reserved code.
    #[error("a reserved code was used")]
    Reserved,
    /// A number that is larger than what it counts.
    #[error("{what} is {value}, above {max}")]
    OutOfRange {
        /// The field.
        what: &'static str,
        /// What was read.
        value: u64,
        /// The largest that makes sense.
        max: u64,
    },
    /// An update of something that this client does not see.
    #[error("there is no view {view}")]
    UnknownView {
        /// The index or handle.
        view: u32,
    },
    /// An update that does not start where the copy stands.
    #[error("inventory `{id}`: the update does not start at version {version} of the copy")]
    Gap {
        /// Which.
        id: InventoryId,
        /// The version of the copy.
        version: u64,
    },
    /// A request whose number no client that keeps to the protocol would use now.
    #[error("request {number} cannot come now")]
    Sequence {
        /// The number, modulo 256.
        number: u8,
    },
    /// The payload of an action of the game's own does not decode.
    #[error("the payload of action `{action}` does not decode")]
    Payload {
        /// The action's name.
        action: &'static str,
    },
    /// A transfer that has not come in whole.
    #[error("transfer {transfer} has not come in")]
    UnknownTransfer {
        /// Its number.
        transfer: u8,
    },
    /// Compressed bytes that are none.
    #[error("the compressed bytes cannot be read")]
    Compression,
    /// A view that begins from a copy which this client has not kept.
    #[error("inventory `{id}`: there is no copy of version {version}")]
    UnknownCopy {
        /// Which.
        id: InventoryId,
        /// The version.
        version: u64,
    },
    /// Instance data that this client has not been sent.
    #[error("there is no instance data {id:?}")]
    UnknownData {
        /// Its name.
        id: DataId,
    },
    /// A change of count or wear that what lies in the slot cannot bear.
    #[error("slot {slot} cannot change that way")]
    BadChange {
        /// The flat position.
        slot: usize,
    },
}
