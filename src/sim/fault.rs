//! What goes wrong in a simulated game.

use serde::{Deserialize, Serialize};

/// A class of faults. It determines which guarantees apply.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FaultClass {
    /// Faults of networks and processes. The transport keeps its guarantees: reliable messages arrive once, and in
    /// order.
    Network,
    /// The transport breaks its guarantees, and clients lie.
    Broken,
}

/// What a broken transport does to a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Tampering {
    /// Drops it.
    Drop,
    /// Delivers it twice.
    Repeat,
    /// Delivers it after the next one.
    Reorder,
    /// Cuts it off.
    Truncate,
    /// Changes one bit.
    Alter,
    /// Delivers an earlier message again.
    Replay,
}

impl Tampering {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Drop, Self::Repeat, Self::Reorder, Self::Truncate, Self::Alter, Self::Replay];
}

/// One fault.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "times are in ticks")]
pub enum Fault {
    /// Changes latency, jitter and loss, the last in percent.
    Network { latency: u8, jitter: u8, loss: u8 },
    /// Cuts the connection to a client. Reliable messages arrive afterwards.
    Partition { client: u8, ticks: u16 },
    /// Disconnects a client for some time.
    Reconnect { client: u8, ticks: u8 },
    /// Stops the updates of a client for some time.
    Freeze { client: u8, ticks: u16 },
    /// Stops the updates of the server for some time.
    Overrun { ticks: u8 },
    /// A client loses its state and connects again.
    Crash { client: u8 },
    /// The server saves all inventories, stops, and starts again. With a store, it is killed.
    Restart,
    /// A client with another version of the game tries to connect.
    OldVersion,
    /// Does something to a share of the messages from or to a client, in percent.
    Tamper { client: u8, to_server: bool, how: Tampering, percent: u8, ticks: u16 },
    /// A client sends messages of random bytes.
    RandomRequests { client: u8, messages: u8 },
    /// A client sends its earlier requests with changed bits.
    AlteredRequests { client: u8, messages: u8 },
    /// A client sends many messages in one tick.
    Flood { client: u8, messages: u16 },
    /// A slot of a client's copy changes, as from a memory error.
    Corrupt { client: u8, inventory: u8, slot: u16 },
    /// The process of the server ends without storing anything more, and a new one starts. Only with a store.
    Kill,
    /// The store fails after some operations. Only with a store.
    StoreFails { operations: u8, answer_lost: bool, ticks: u8 },
    /// The server no longer owns an inventory. Only with a store.
    EndClaim { place: u8 },
}

impl FaultClass {
    /// Returns the name, for reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Broken => "broken transport",
        }
    }
}

impl Fault {
    /// Returns the class of the fault.
    #[must_use]
    pub fn class(&self) -> FaultClass {
        match self {
            Self::Tamper { .. }
            | Self::RandomRequests { .. }
            | Self::AlteredRequests { .. }
            | Self::Flood { .. }
            | Self::Corrupt { .. } => FaultClass::Broken,
            _ => FaultClass::Network,
        }
    }
}
