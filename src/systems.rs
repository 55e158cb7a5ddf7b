//! The walk as system sets, in the order in which a slot change passes through them.

use bevy::ecs::schedule::SystemSet;

/// Every step of the walk. A game orders its own systems against these.
///
/// On whoever is the authority (dedicated server, listen server, single player) the steps from
/// [`Mark`](Self::Mark) to [`Send`](Self::Send) run in `PostUpdate`, once per server tick, or every
/// frame where no server runs. A client runs the others.
#[derive(SystemSet, Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InventorySystems {
    /// Server, `PreUpdate`: reads what clients ask for, and decides on it.
    Validate,
    /// Server: finds the slots that differ from the last commit.
    Mark,
    /// Server: finds who must be told what.
    Batch,
    /// Server: writes it down, once for all who are told the same.
    Encode,
    /// Server: hands the bytes to the messaging backend.
    Send,
    /// Client, `PreUpdate`: collects the messages that belong together.
    Receive,
    /// Client: decodes them and moves the confirmed copies.
    Apply,
    /// Client: makes the components show what is confirmed.
    Reconcile,
    /// Client: tells the game what changed.
    Notify,
    /// Client, `PostUpdate`: sends what the client has to ask for.
    Submit,
}
