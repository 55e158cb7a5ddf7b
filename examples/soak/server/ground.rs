//! Stacks on the ground. All players see them.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use super::ledger::ItemsMade;

const RIGHTS: Rights = Rights::SEE.union(Rights::TAKE);

/// Maximum number of stacks on the ground.
const STACKS_MAX: usize = 24;

pub fn place_dropped(dropped: On<Dropped>, mut commands: Commands) {
    commands.entity(dropped.entity).insert(Viewers::new());
}

pub fn show_to_all(players: Query<&Owner>, mut loot: Query<&mut Viewers, With<Loot>>) {
    for mut viewers in &mut loot {
        for player in &players {
            if viewers.rights_of(player.0).is_none() {
                viewers.add(player.0, RIGHTS);
            }
        }
    }
}

/// Destroys a stack if there are too many.
pub fn decay(
    loot: Query<(Entity, &Inventory), With<Loot>>,
    mut made: ResMut<ItemsMade>,
    mut commands: Commands,
) {
    if loot.iter().count() <= STACKS_MAX {
        return;
    }
    if let Some((oldest, stack)) = loot.iter().min_by_key(|(entity, _)| *entity) {
        stack.iter().for_each(|(_, stack)| made.remove(stack));
        commands.entity(oldest).despawn();
    }
}
