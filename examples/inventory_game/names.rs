//! Entity names for the overlay.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::protocol::{Avatar, Chest, GroundItem, Position};

pub fn plugin(app: &mut App) {
    app.add_systems(Update, name_things);
}

fn name_things(
    avatars: Query<(Entity, &Avatar), (With<InventoryId>, Without<Name>)>,
    chests: Query<(Entity, &Chest, &Position), (With<InventoryId>, Without<Name>)>,
    ground: Query<Entity, (With<GroundItem>, Without<Name>)>,
    mut commands: Commands,
) {
    for (entity, avatar) in &avatars {
        commands.entity(entity).try_insert(Name::new(avatar.name.clone()));
    }
    for (entity, chest, Position(at)) in &chests {
        let name = format!("chest {:.0}/{:.0} ({:?})", at.x.floor(), at.y.floor(), chest.kind);
        let name = name.to_lowercase();
        commands.entity(entity).try_insert(Name::new(name));
    }
    for entity in &ground {
        commands.entity(entity).try_insert(Name::new(format!("on the ground {entity}")));
    }
}
