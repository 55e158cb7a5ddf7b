//! Instance data that nothing refers to: how long it is kept, and what is reported when it is removed.

use core::time::Duration;

use bevy::prelude::*;
use log::{Level, log};

use crate::{
    model::{
        data::{DataPool, DataRemoval, Datum},
        id::DataId,
    },
    shared::{events::Commit, schedule::InventoryServerSystems},
};

use super::{mark::MarkSystems, views::clients::Clients};

/// Authority: how long unused instance data is kept. It is unused if no slot of an inventory and no
/// [`HeldStack`](crate::prelude::HeldStack) refers to it. May be changed at any time.
///
/// It is kept because the game's own code may move a stack from one inventory to another. When it is removed,
/// [`DataRemoved`] is written.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[reflect(Resource)]
pub struct DataRetention {
    /// Time for which an unused value is kept, in game time ([`Time<Virtual>`]): it does not pass while the
    /// game is paused, since the game's systems cannot put a stack back then. Nor does it pass on a client that is
    /// connected to a server. Default: ten minutes.
    pub time: Duration,
    /// Maximum size of all unused values that actions of players created
    /// ([`Transaction::create_data`](crate::prelude::Transaction::create_data)), in bytes. Each value counts 256 bytes
    /// more than its size. The values that have been unused for longest are removed first. Values that the game's own
    /// code inserted do not count and are not removed by this. `usize::MAX` for no limit. Default: 4 MiB.
    pub action_bytes: usize,
}

impl Default for DataRetention {
    fn default() -> Self {
        Self { time: Duration::from_secs(600), action_bytes: 4 << 20 }
    }
}

/// Authority: a value of instance data was removed from the [`DataPool`], because no slot of an inventory and no
/// [`HeldStack`](crate::prelude::HeldStack) referred to it. A plain stack with this id that the game has kept elsewhere
/// has lost its data.
///
/// This also happens some time after the last stack with the value was used up. See [`DataRetention`].
#[derive(Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataRemoved {
    /// The id. It is not used again.
    pub data: DataId,
    /// The [`NAME`](crate::prelude::ItemData::NAME) of the value's type.
    pub name: &'static str,
    /// Size of the value in bytes.
    pub bytes: usize,
    /// Why it was removed.
    pub reason: DataRemoval,
}

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<DataRetention>()
        .register_type::<DataRetention>()
        .add_message::<DataRemoved>()
        .add_systems(
            PostUpdate,
            (
                pass_time.in_set(InventoryServerSystems::Features),
                remove_unused.in_set(MarkSystems::End),
            ),
        );
}

/// Runs in every frame on the authority, so that the time of a session as a client does not count.
fn pass_time(time: Res<Time<Virtual>>, mut pool: ResMut<DataPool>) {
    pool.pass_time(to_micros(time.delta()));
}

/// Records which values the committed slots refer to, and removes unused values.
fn remove_unused(
    mut commits: MessageReader<Commit>,
    retention: Res<DataRetention>,
    mut pool: ResMut<DataPool>,
    mut clients: ResMut<Clients>,
    mut removals: MessageWriter<DataRemoved>,
    mut logged: Local<[bool; 2]>,
) {
    for commit in commits.read() {
        let [old, new] = [commit.old, commit.new].map(|stack| stack.and_then(|stack| stack.data));
        new.into_iter().for_each(|id| pool.add_holder(id));
        old.into_iter().for_each(|id| pool.remove_holder(id));
    }
    let removed = pool.remove_unused(to_micros(retention.time), retention.action_bytes);
    if removed.is_empty() {
        return;
    }
    let ids: Vec<DataId> = removed.iter().map(|(datum, _)| datum.id).collect();
    clients.forget_data(&ids);
    log_removals(&removed, &mut logged);
    removals.write_batch(removed.into_iter().map(|(Datum { id, kind, bytes }, reason)| {
        let name = pool.type_name(kind);
        DataRemoved { data: id, name, bytes: bytes.len(), reason }
    }));
}

/// Logs each reason once, and repetitions at the level of debugging only.
fn log_removals(removed: &[(Datum, DataRemoval)], logged: &mut [bool; 2]) {
    // Expired values are normal: the stacks may have been used up.
    let reasons = [(DataRemoval::Expired, Level::Info), (DataRemoval::OverLimit, Level::Warn)];
    for ((reason, first), logged) in reasons.into_iter().zip(logged) {
        let count = removed.iter().filter(|(_, why)| *why == reason).count();
        if count > 0 {
            let level = if core::mem::replace(logged, true) { Level::Debug } else { first };
            log!(
                level,
                "removed {count} unused values of instance data, see `DataRetention`: {reason:?}"
            );
        }
    }
}

fn to_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
