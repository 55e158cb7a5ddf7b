//! The wire format of server messages. Pure functions over values: [`encode`] writes it, [`decode`]
//! reads it. The grammar is listed top-down.
//!
//! Bits fill bytes from the lowest bit; a message is padded with zero bits to the next byte.
//! Numbers of unbounded size are Exp-Golomb codes of order k (`EGk`): `value + 2^k` in binary,
//! preceded by one zero bit for each digit beyond k + 1. EG0 takes 1 bit for 0, 3 bits for 1 and 2,
//! and 5 bits for 3 to 6.
//!
//! ```text
//! message   = 0 quick | 100 (0 view:EG0 quick | 1 plain) | 101 (0 handle:EG0 quick | 1 shared)
//!           | 110 answered | 1110 full | 1111 rejection of a client (`handshake`); after a full one follows a
//!                                                       check (`stream`)
//!
//! quick     = base:3 entry                              one version step with one entry: of view 0, of
//!                                                       another view, or of an inventory, to all viewers
//! plain     = update (1 update)* 0                      inventories that only this client sees
//! shared    = update (1 update)* 0                      inventories that the same clients see; all of them
//!                                                       get the same bytes
//! answered  = answers (1 update)* 0                     answers to actions, and the slots that they changed
//! full      = number:8                                  of the full messages since the client connected, modulo 256
//!             answered?:1 [answers]
//!             reset?:1 [transfer:EG0 epoch:64 handled:32]
//!                                                       first drop all views, and transfers up to this one;
//!                                                       epoch of the versions and checksums: the server's run
//!             follows:EG0                               number of shared parts that follow
//!             data:EG0 datum*                           instance data that the client does not have
//!             closes:EG0 (view:EG0 reason:1)*
//!             opens:EG0 open*
//!             handover?:1 [transfer:8 dropped:EG0 (place:EG4)*]   opens the views sent in chunks (`transfer`)
//!             (1 update)* 0
//!             checksums:EG0 (view:EG0 checksum:64)*     of the copies after this message (`checksum`)
//!
//! update    = view:EG0 base:3 steps-1:EG0               the view's index; in a shared part the inventory's handle
//!             selected?:1 [selected:EG0]
//!             (1 slots | 0 delta)
//! delta     = 0 entry | 10 (none) | 110 entry (1 entry)* 0 | 111 changed?:1 per slot, then change*
//! entry     = slot:⌈log2 slots⌉ change
//! change    = 00 amount                                 remove this number of items
//!           | 01 amount                                 add this number of items
//!           | 10                                        empty the slot
//!           | 110 stack
//!           | 1110 wear:EG2                             change of wear, zigzag-coded
//!           | 11110 with:⌈log2 slots⌉                   exchange with this slot, which has a higher index
//!           | 11111 item:⌈log2 items⌉                   same count of another item, without wear and data
//!
//! amount    = 1 | 0 amount-2:3 | 0111 amount-9:EG3      one; two to eight; nine or more
//!
//! answers   = last:6 count-1:EG0 answer*                to the requests up to number `last`, modulo 64
//! answer    = 1 accepted | 0 reason:5 [game:16]
//! datum     = id:EG4 (0 type:EG0 length:EG6 byte* | 1)  1: the data was removed and is no longer in use
//!
//! open      = next?:1 (not of the first)                view and handle follow those of the previous open,
//!                                                       with the same containers, owner and rights
//!             (1 after?:1 [id] | 0 view:EG0 handle:EG0 id owner?:1 rights:4)
//!                                                       rights: of an owner 15, or 7 if the player acts from it
//!             version:EG4
//!             entity?:1 [index:EG7 generation:EG0]      the replicated entity that has the inventory
//!             (1 since | 0 copy)
//! copy      = [containers:EG0 (kind:⌈log2 registry⌉ slots:EG5)*]    omitted if `next`
//!             selected?:1 [selected:EG0]
//!             slots
//! since     = base:EG4 selected?:1 [selected:EG0] delta    the client has a copy of this version or a later one;
//!                                                       changes since, not relative to the old contents
//! id        = 1 hash:63 | 0 number:EG4                  named | sequential
//! slots     = more?:1 wide?:1 all?:1                    some have wear or data; counts are variable-length;
//!             (0 | 1 stack) per slot, or stack* if all   no slot is empty, and an item takes at least one bit
//! stack     = item:⌈log2 items⌉ count more?:1 [worn?:1 [wear:16] data?:1 [data:EG4]]
//!                                                       `more?` is omitted if it is 0 for the slots as a whole
//! count     = count-1:EG2 | count-1:⌈log2 maximum stack⌉  the second if the slots are not `wide`
//! ```
//!
//! `base` is the version that an update starts from plus the inventory's handle, modulo 8. The
//! client drops an update that does not start at the version of its copy or is meant for another
//! inventory, and requests a full update. It also drops a full message whose number is not the next
//! one, since a view that opens or closes has no earlier version to compare with. A reset that the
//! client has requested is applied whatever its number is. Changes are relative to the slot's contents in the
//! version that the update starts from. The server remembers those contents for viewers that hold
//! the previous commit and, for a while, for viewers that wait for their turn. Viewers further
//! behind are sent the slot's current contents.
//!
//! Example: one item dropped from the player's own hotbar takes `0`, base `···`, slot `······`,
//! `00`, one less `1`: 1 + 3 + 6 + 2 + 1 = 13 bits, two bytes. A change of up to eight items takes
//! 16 bits, still two bytes, which is why `base` is not wider. It only guards against a transport
//! that breaks its guarantees; the checksum detects what slips through.

pub mod bits;
pub mod decode;
pub mod checksum;
pub mod encode;
pub mod form;
pub mod handshake;
pub mod message;
pub(crate) mod numbers;
pub mod request;
pub mod stream;
pub mod witness;
pub mod transfer;

use crate::model::{
    catalog::ItemCatalog,
    container::ContainerInfo,
    data::Datum,
    id::{DataId, InventoryId},
    limits::CLIENT_SLOTS_MAX,
    rejection::Rejection,
    rights::Rights,
    stack::Stack,
    state::InventoryState,
};
use bevy::ecs::entity::Entity;
use thiserror::Error;

use bits::low_byte;

/// Version of this format and of the handshake.
pub const PROTOCOL_VERSION: u16 = 1;

/// Maximum number of views per client.
pub const VIEWS_MAX: usize = 1 << 16;

/// Number of low bits of its base version that an update carries.
pub(crate) const BASE_BITS: u32 = 3;

/// Returns the bits of the base version that an update carries. The handle is added so that the
/// bits also differ between inventories.
pub(crate) fn base_bits(version: u64, handle: u32) -> u32 {
    u32::from(low_byte(version.wrapping_add(u64::from(handle)))) & ((1 << BASE_BITS) - 1)
}

/// What both sides know in advance: the item catalog and the registered containers.
#[derive(Clone, Copy)]
pub struct Schema<'a> {
    /// The items by rank.
    pub catalog: &'a ItemCatalog,
    /// The container types, by index.
    pub registry: &'a [ContainerInfo],
}

/// Reason for closing a view, as far as the wire format distinguishes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseCause {
    /// The client may no longer see the inventory.
    Hidden,
    /// The entity no longer exists.
    Despawned,
}

/// A full update that opens or repairs a view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Open {
    /// Everything except the slots.
    pub head: OpenHead,
    /// The contents.
    pub state: InventoryState,
    /// Its size on the wire.
    pub bits: usize,
}

/// The header of an [`Open`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenHead {
    /// The client's index of the view: the lowest free one.
    pub view: u32,
    /// The server's number of the inventory, the same for all clients while it has viewers.
    pub handle: u32,
    /// Id of the inventory.
    pub id: InventoryId,
    /// Whether this client owns the inventory. It has all rights then.
    pub owner: bool,
    /// Whether this client's player acts from the inventory. `false` if the client does not own it.
    pub acts: bool,
    /// Rights of this client to the inventory.
    pub rights: Rights,
    /// Version of the copy.
    pub version: u64,
    /// The server's entity, if it is replicated.
    pub entity: Option<Entity>,
}

impl OpenHead {
    /// Returns `true` if this view directly follows `before` and has the same owner flag and
    /// rights.
    fn is_next(&self, before: &Self) -> bool {
        Some(self.view) == before.view.checked_add(1)
            && Some(self.handle) == before.handle.checked_add(1)
            && (self.owner, self.acts, self.rights) == (before.owner, before.acts, before.rights)
    }
}

/// An update of an inventory, resolved to plain values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Update {
    /// Index of the view.
    pub view: u32,
    /// Version after the update.
    pub version: u64,
    /// The selected slot, if it changed.
    pub selected: Option<u8>,
    /// Flat positions and their new contents.
    pub slots: Vec<(usize, Option<Stack>)>,
    /// Whether the update contains all slots.
    pub full: bool,
}

/// The server's answers to a client's requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answers {
    /// Number of the last request answered, modulo 64.
    pub last: u8,
    /// The answers to that request and those before it, oldest first.
    pub results: Vec<Result<(), Rejection>>,
}

/// Maximum number of answers in one message, which is also the maximum number of unanswered
/// requests of a client.
pub const ANSWERS_MAX: usize = 32;

/// Number of bits of the number of a full message.
pub(crate) const NUMBER_BITS: u32 = 8;

/// One message, decoded against the views before it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Part {
    /// Answers to this client's requests.
    pub answers: Option<Answers>,
    /// Number of a full message: how many came before it on this connection, modulo 256.
    pub number: Option<u8>,
    /// If set, drop every view before applying the rest.
    pub reset: Option<Reset>,
    /// Number of shared parts that belong to this message.
    pub follows: usize,
    /// Instance data that no longer exists, so the client can drop it.
    pub forgotten: Vec<DataId>,
    /// Instance data that the rest of the message refers to.
    pub data: Vec<Datum>,
    /// Views that close.
    pub closes: Vec<(u32, CloseCause)>,
    /// Views that open or are repaired.
    pub opens: Vec<Open>,
    /// Views that open with contents sent in chunks.
    pub handover: Option<Handover>,
    /// Updates of views.
    pub updates: Vec<Update>,
    /// Views with the checksums of their copies after this message.
    pub checksums: Vec<(u32, u64)>,
}

/// Parameters of a reset of all views.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset {
    /// Chunks received for transfers up to this one are dropped.
    pub transfer: u8,
    /// The server's run.
    pub epoch: u64,
    /// Low bits of the number of the last request that the server has handled.
    pub handled: u32,
}

/// Maximum number of copies that a client keeps of inventories not in view (any more), so that the
/// server can send only the changes since. Both sides maintain the same list: a view that is hidden
/// is appended, the first copy is dropped above the maximum, a view that opens is taken out, and
/// after a reset the list contains the copies that the client named.
pub const COPIES_MAX: usize = 48;

impl Part {
    /// Iterates over the instance data that its slots refer to.
    pub(crate) fn names_data(&self) -> impl Iterator<Item = DataId> + '_ {
        let opened = self.opens.iter().flat_map(|open| open.state.iter());
        let updated = self.updates.iter().flat_map(|update| update.slots.iter().map(|(_, s)| *s));
        opened.chain(updated).flatten().filter_map(|stack| stack.data)
    }
}

/// Error in bytes from a peer. The bytes are discarded as a whole and counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message ends too early.
    #[error("the message is truncated")]
    Truncated,
    /// The message has trailing bytes.
    #[error("trailing bytes after the message")]
    Trailing,
    /// A reserved code.
    #[error("reserved code in the message")]
    Reserved,
    /// A value above its maximum.
    #[error("{what} is {value}, above the maximum of {max}")]
    OutOfRange {
        /// Name of the field.
        what: &'static str,
        /// The value read.
        value: u64,
        /// The largest valid value.
        max: u64,
    },
    /// A reference to a view that this client does not have.
    #[error("unknown view {view}")]
    UnknownView {
        /// The index or handle.
        view: u32,
    },
    /// An update that does not start at the version of the client's copy.
    #[error("inventory `{id}`: the update does not start at the copy's version {version}")]
    Gap {
        /// Id of the inventory.
        id: InventoryId,
        /// Version of the copy.
        version: u64,
    },
    /// A full message that is not the next one: one was lost, repeated or delayed.
    #[error("message {number} is out of order, expected {expected}")]
    OutOfOrder {
        /// Number of the message, modulo 256.
        number: u8,
        /// Number of the next message.
        expected: u8,
    },
    /// A full message whose check is wrong: it was altered, or a message before it was altered, lost or repeated.
    #[error("this message or one before it was altered, lost or repeated")]
    Altered,
    /// A request number that a client following the protocol would not use now.
    #[error("request {number} is out of sequence")]
    Sequence {
        /// The request number, modulo 256.
        number: u8,
    },
    /// A control request or a rejection that cannot be decoded.
    #[error("the handshake or control request cannot be decoded")]
    Control,
    /// The payload of a custom action cannot be decoded.
    #[error("the payload of action `{action}` cannot be decoded")]
    Payload {
        /// Name of the action.
        action: &'static str,
    },
    /// A transfer that has not been received completely.
    #[error("transfer {transfer} has not been received")]
    UnknownTransfer {
        /// Number of the transfer.
        transfer: u8,
    },
    /// The client would see more than [`CLIENT_SLOTS_MAX`] slots.
    #[error("{slots} slots in view, above the maximum of {CLIENT_SLOTS_MAX}")]
    TooManySlots {
        /// Number of slots of all views that would be open.
        slots: usize,
    },
    /// Invalid compressed data.
    #[error("invalid compressed data")]
    Compression,
    /// A view that opens from a copy that this client has not kept.
    #[error("inventory `{id}`: no copy of version {version}")]
    UnknownCopy {
        /// Id of the inventory.
        id: InventoryId,
        /// The version.
        version: u64,
    },
    /// Instance data that this client has not received.
    #[error("unknown instance data {id:?}")]
    UnknownData {
        /// Id of the data.
        id: DataId,
    },
    /// A selected slot of an inventory in which no container has a selection.
    #[error("slot {selected} is selected, but no container has a selection")]
    NoSelection {
        /// The selected slot.
        selected: u8,
    },
    /// A change of count or wear that cannot be applied to the slot's contents.
    #[error("invalid change of slot {slot}")]
    BadChange {
        /// The flat position.
        slot: usize,
    },
}

/// Opens the views whose contents were sent in chunks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handover {
    /// Number of the transfer.
    pub transfer: u8,
    /// Indices of the copies in the transfer that are to be dropped, in ascending order.
    pub dropped: Vec<usize>,
}
