//! The game logic on the authority, written as if there were no network.

mod requests;
mod players;
mod gate;
mod walk;
pub mod ground;
pub use gate::Exit;
mod chests;
mod work;

use std::time::Duration;

use bevy::{prelude::*, time::common_conditions::on_timer};
use bevy_inventory_sync::{prelude::*, store::restore::RestoreWorld};

use crate::protocol::Chest;

/// Simulation and send rate, per second.
const TICKS: f64 = 30.0;

/// Interval at which the server updates who is near items on the ground.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

const RESPAWN_PAUSE: Duration = Duration::from_secs(5);

/// Present while this app is the authority of a world.
#[derive(Resource, Debug)]
pub struct Realm;

pub fn plugin(app: &mut App) {
    app.insert_resource(Time::<Fixed>::from_hz(TICKS))
        .init_resource::<players::Accounts>()
        .init_resource::<Exit>()
        .add_systems(
            PreUpdate,
            (chests::place_chests, gate::place_gate, restore).run_if(resource_added::<Realm>),
        )
        .add_systems(
            FixedUpdate,
            (walk::walk_players, gate::pass).chain().run_if(resource_exists::<Realm>),
        )
        .add_systems(
            Update,
            (
                requests::hear_requests,
                players::admit_clients,
                chests::show_users,
                ground::respawn_items.run_if(on_timer(RESPAWN_PAUSE)),
                ground::show_to_who_is_near.run_if(on_timer(LOOK_PAUSE)),
            )
                .chain()
                .run_if(resource_exists::<Realm>),
        )
        .add_observer(players::part_with_client)
        .add_observer(players::redirect)
        .add_observer(players::admit_with_ticket)
        .add_observer(players::admit_without_ticket)
        .add_observer(gate::step_out)
        .add_observer(gate::send_destination)
        .add_observer(gate::clear_passing)
        .add_observer(ground::place_dropped)
        .add_observer(ground::scatter_items)
        .add_observer(work::use_tool)
        .add_rule::<With<Chest>, _>(chests::near)
        .add_rule::<With<Chest>, _>(chests::unlocked)
        .add_rule::<With<Chest>, _>(chests::for_sale)
        .add_rule::<With<Loot>, _>(ground::in_reach);
}

fn restore(mut commands: Commands) {
    commands.trigger(RestoreWorld);
}

/// Ends the game on the authority and removes all accounts.
pub fn end(world: &mut World) {
    world.remove_resource::<Realm>();
    world.insert_resource(players::Accounts::default());
}
