//! The pipeline as system sets, in the order in which a slot change passes through them.

use bevy::ecs::schedule::SystemSet;

/// The stages of the pipeline. A game orders its own systems relative to these.
///
/// On the authority (dedicated server, listen server, single player), the stages from
/// [`Mark`](Self::Mark) to [`Send`](Self::Send) run in `PostUpdate`, once per server tick, or every
/// frame if no server runs. A client runs the other stages.
#[derive(SystemSet, Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InventorySystems {
    /// Server, `PreUpdate`: reads requests of clients and decides them.
    Validate,
    /// Server: finds the slots that differ from the last commit.
    Mark,
    /// Server: selects the recipients of each change.
    Batch,
    /// Server: encodes each update once for all viewers that are sent the same.
    Encode,
    /// Server: passes the bytes to the messaging backend.
    Send,
    /// Client, `PreUpdate`: collects messages that belong together.
    Receive,
    /// Client: decodes messages and updates the confirmed copies.
    Apply,
    /// Client: makes the components match the confirmed copies.
    Reconcile,
    /// Client: notifies the game of changes.
    Notify,
    /// Client, `PostUpdate`: sends the client's requests.
    Submit,
}
