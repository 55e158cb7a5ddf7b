//! The authority's half of the game, written as if there were no network.

mod requests;
mod moves;
mod players;
mod walk;
mod ground;
mod chests;

use std::time::Duration;

use bevy::{prelude::*, time::common_conditions::on_timer};

/// How often the world moves and is sent, per second.
const TICKS: f64 = 30.0;

const RESPAWN_PAUSE: Duration = Duration::from_secs(5);

pub fn plugin(app: &mut App) {
    app.insert_resource(Time::<Fixed>::from_hz(TICKS))
        .add_systems(Startup, (chests::place_chests, ground::scatter_items))
        .add_systems(FixedUpdate, walk::walk_players)
        .add_systems(
            Update,
            (
                requests::hear_requests,
                players::admit_clients,
                chests::leave_far_chests,
                chests::show_users,
                ground::respawn_items.run_if(on_timer(RESPAWN_PAUSE)),
            )
                .chain(),
        )
        .add_observer(players::part_with_client);
}
