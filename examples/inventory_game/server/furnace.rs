//! The furnace: it smelts and cooks what players put into it.

use bevy::prelude::*;
use bevy_inventory_sync::{
    features::{crafter::Crafter, progress::CraftingProgress},
    prelude::*,
    store::persist::Persist,
};

use crate::{
    containers::{FurnaceInput, FurnaceOutput},
    map::{self, Thing},
    protocol::{Furnace, Position, Users},
    storage::WorldSuffix,
};

pub fn place_furnaces(world: Res<WorldSuffix>, mut commands: Commands) {
    for (number, tile) in (1..).zip(map::tiles_with(Thing::Furnace)) {
        commands.spawn((
            (Furnace::default(), Users::default()),
            Position(map::chest_on(tile)),
            InventoryId::named(&format!("furnace{}", world.0), number),
            (FurnaceInput::default(), FurnaceOutput::default(), CraftingProgress::default()),
            Crafter::new::<FurnaceInput, FurnaceOutput>(),
            Openable(Rights::USE),
            Persist,
        ));
    }
}

/// Shows all players which furnaces burn.
pub fn show_fire(mut furnaces: Query<(&Crafter, &mut Furnace)>) {
    for (crafter, mut furnace) in &mut furnaces {
        furnace.set_if_neq(Furnace { lit: crafter.making().is_some() });
    }
}
