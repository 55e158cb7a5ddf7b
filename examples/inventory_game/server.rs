//! The game logic on the authority, written as if there were no network.

mod requests;
mod news;
mod registry;
mod join;
mod players;
mod gate;
mod walk;
pub mod ground;
mod reach;
mod chests;
mod bank;
mod furnace;
mod shrine;
mod work;
mod food;
mod trades;
#[cfg(test)]
mod tests;

pub use bank::VaultOf;
pub use gate::Exit;
pub use registry::Registry;

use std::time::Duration;

use bevy::{prelude::*, time::common_conditions::on_timer};
use bevy_inventory_sync::{features::pages::PageOf, prelude::*, store::restore::RestoreWorld};

use crate::{
    containers::Offerings,
    protocol::{Chest, Position, Shrine},
    shop::{Buy, Sell},
};

/// Simulation and send rate, per second.
const TICKS: f64 = 30.0;

/// Interval at which the server updates who is near items on the ground.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

const RESPAWN_PAUSE: Duration = Duration::from_secs(5);

/// Present while this app is the authority of a world.
#[derive(Resource, Debug)]
pub struct Realm;

pub fn plugin(app: &mut App) {
    let place_all = (
        registry::place,
        chests::place_chests,
        furnace::place_furnaces,
        shrine::place_shrine,
        gate::place_gate,
        restore,
    );
    let is_here = resource_exists::<Realm>;
    app.insert_resource(Time::<Fixed>::from_hz(TICKS))
        .init_resource::<join::Accounts>()
        .init_resource::<join::HostNickname>()
        .init_resource::<work::TreeHits>()
        .init_resource::<Exit>()
        .add_systems(PreUpdate, place_all.run_if(resource_added::<Realm>))
        .add_systems(FixedUpdate, (walk::walk_players, gate::pass).chain().run_if(is_here))
        .add_systems(
            Update,
            (
                requests::handle_requests,
                join::admit_players,
                join::disconnect_rejected,
                trades::end_broken_trades,
                trades::show_acceptance,
                chests::show_users,
                furnace::show_fire,
                shrine::follow_offerings,
                food::end_haste,
                work::grow_trees,
                ground::respawn_items.run_if(on_timer(RESPAWN_PAUSE)),
                ground::show_to_who_is_near.run_if(on_timer(LOOK_PAUSE)),
            )
                .chain()
                .run_if(is_here),
        )
        .add_plugins((add_observers, add_rules));
}

fn add_observers(app: &mut App) {
    app.add_observer(players::part_with_client)
        .add_observer(join::redirect)
        .add_observer(join::admit_with_ticket)
        .add_observer(join::admit_without_ticket)
        .add_observer(gate::step_out)
        .add_observer(gate::send_destination)
        .add_observer(gate::clear_passing)
        .add_observer(ground::place_dropped)
        .add_observer(ground::scatter_items)
        .add_observer(bank::spawn_bank)
        .add_observer(bank::store_page)
        .add_observer(work::use_tool)
        .add_observer(food::consume)
        .add_observer(trades::accept)
        .add_observer(chests::show_coins::<Buy>)
        .add_observer(chests::show_coins::<Sell>);
}

fn add_rules(app: &mut App) {
    app.add_rule::<(With<Openable>, With<Position>), _>(reach::near)
        .add_rule::<With<Chest>, _>(chests::unlocked)
        .add_rule::<With<Chest>, _>(chests::for_sale)
        .add_rule::<Or<(With<bank::VaultOf>, With<PageOf>)>, _>(bank::near_bank)
        .add_rule::<With<Loot>, _>(ground::in_reach);
    for need in Offerings::NEEDS {
        app.add_rule::<With<Shrine>, _>(shrine::no_more_than(need));
    }
}

fn restore(mut commands: Commands) {
    commands.trigger(RestoreWorld);
}

/// Ends the game on the authority and removes all accounts.
pub fn end(world: &mut World) {
    world.remove_resource::<Realm>();
    world.insert_resource(join::Accounts::default());
    world.insert_resource(join::HostNickname::default());
    world.insert_resource(work::TreeHits::default());
}
