//! The debug overlay: a host whose chests change randomly, and a guest in the same process who moves items
//! between slots. Needs a window: `cargo run --example overlay --features game`.

use core::time::Duration;

use bevy::{prelude::*, state::app::StatesPlugin, time::common_conditions::on_timer};
use bevy_inventory_sync::{
    overlay::{InventoryOverlay, InventoryOverlayPlugin},
    prelude::*,
};
use bevy_replicon::prelude::*;

const ITEMS: &str =
    r#"(items: [(key: "coal", max_stack: 64), (key: "axe"), (key: "ore", max_stack: 64)])"#;
const KEYS: [ItemId; 3] = [ItemId::of("coal"), ItemId::of("axe"), ItemId::of("ore")];

fn main() {
    App::new()
        .add_plugins((DefaultPlugins, shared, InventoryOverlayPlugin::default()))
        .insert_resource(InventoryOverlay { shown: true, ..default() })
        .add_systems(Startup, begin)
        .add_systems(OnEnter(ServerState::Running), join)
        .add_systems(Update, (drift, mine.run_if(on_timer(Duration::from_millis(150)))))
        .add_systems(PostUpdate, carry.after(ServerSystems::Send))
        .run();
}

/// Setup that host and guest share.
fn shared(app: &mut App) {
    let items = Items::<()>::from_ron(ITEMS).expect("the embedded catalog is valid");
    app.add_plugins((RepliconPlugins, InventoryPlugins)).insert_items(items);
}

fn begin(mut commands: Commands, mut state: ResMut<NextState<ServerState>>) {
    commands.spawn(Camera2d);
    state.set(ServerState::Running);
    for n in 1..=3 {
        let (id, name) = (InventoryId::named("chest", n), Name::new(format!("chest {n}")));
        commands.spawn((id, name, Inventory::new(27), Viewers::new()));
    }
}

/// Adds random items to the chests.
fn mine(mut inventories: Inventories, chests: Query<Entity, With<Viewers>>) {
    for chest in &chests {
        if fastrand::u8(..4) == 0 {
            inventories.insert_up_to(chest, KEYS[fastrand::usize(..3)].stack(2)).discard();
        }
    }
}

/// Occasionally removes a stack from a chest.
fn drift(mut chests: Query<&mut Inventory, With<Viewers>>) {
    for mut chest in &mut chests {
        let slot = fastrand::usize(..27);
        if fastrand::u8(..60) == 0 && chest.get(slot).is_some() {
            chest.set(slot, None).expect("there are 27 slots");
        }
    }
}

/// The guest's app and client entity. Messages are passed in memory.
struct Guest(App, Entity);

fn join(world: &mut World) {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, StatesPlugin, shared));
    app.add_systems(Update, tinker.run_if(on_timer(Duration::from_millis(400))));
    app.finish();
    app.cleanup();
    app.world_mut().resource_mut::<NextState<ClientState>>().set(ClientState::Connected);
    let client = world.spawn(ConnectedClient { max_size: 1200 }).id();
    let owner = (Name::new("guest's backpack"), Owner(ClientId::Client(client)));
    world.spawn((InventoryId::named("player", 1), Inventory::new(27), Hotbar::new(9), owner));
    for mut viewers in world.query::<&mut Viewers>().iter_mut(world) {
        viewers.add(ClientId::Client(client), Rights::USE);
    }
    world.insert_non_send(Guest(app, client));
}

fn carry(guest: Option<NonSendMut<Guest>>, mut server: ResMut<ServerMessages>) {
    let Some(mut guest) = guest else { return };
    let Guest(app, client) = &mut *guest;
    for (_, channel, bytes) in server.drain_sent() {
        app.world_mut().resource_mut::<ClientMessages>().insert_received(channel, bytes);
    }
    app.update();
    for (channel, bytes) in app.world_mut().resource_mut::<ClientMessages>().drain_sent() {
        server.insert_received(*client, channel, bytes);
    }
}

/// Makes the guest move the contents of a random slot to another one. If the slot is empty, this is rejected.
fn tinker(mut actions: InventoryActions, seen: Query<Entity, With<InView>>) {
    let seen: Vec<Entity> = seen.iter().collect();
    let slot = || Some((*fastrand::choice(&seen)?, Inventory::slot(fastrand::usize(..9))));
    if let (Some(from), Some(to)) = (slot(), slot()) {
        actions.request(InventoryAction::Move { from, to, count: None });
    }
}
