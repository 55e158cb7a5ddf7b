//! Instance data, and the time for which it is kept.

use super::*;
use bevy::time::TimeUpdateStrategy;
use bevy_inventory_sync::{server::data::DataRemoved, sim::STEP};
use core::time::Duration;

/// The instance data that was removed because nothing referred to it.
#[derive(Resource, Default)]
pub struct RemovedData(pub Vec<DataRemoved>);

/// Records the instance data that an app removes from now on.
pub fn record_removed_data(app: &mut App) {
    app.init_resource::<RemovedData>().add_systems(
        Last,
        |mut removals: MessageReader<DataRemoved>, mut removed: ResMut<RemovedData>| {
            removed.0.extend(removals.read());
        },
    );
}

/// The ids of the data that was removed, sorted.
pub fn removed_ids(app: &App) -> Vec<DataId> {
    let removed = &app.world().resource::<RemovedData>().0;
    let mut ids: Vec<DataId> = removed.iter().map(|removed| removed.data).collect();
    ids.sort_unstable();
    ids
}

/// Lets this many seconds pass for one app, in a few frames.
pub fn pass_seconds(app: &mut App, seconds: u32) {
    app.insert_resource(TimeUpdateStrategy::ManualDuration(Duration::from_millis(250)));
    (0..4 * seconds).for_each(|_| app.update());
    app.insert_resource(TimeUpdateStrategy::ManualDuration(STEP));
}

/// Inserts a value into the pool of an app.
pub fn insert_data(app: &mut App, value: &impl ItemData) -> DataId {
    app.world_mut().resource_mut::<DataPool>().insert(value).unwrap()
}

/// Returns `true` if an app has the value.
pub fn has_data(app: &App, id: DataId) -> bool {
    app.world().resource::<DataPool>().contains(id)
}
