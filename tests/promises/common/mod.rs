//! What all tests share: items, players, chests, and systems run once.

pub mod data;
pub mod forge;
pub mod random;
mod scene;

use bevy::ecs::system::{StaticSystemParam, SystemParam, SystemParamItem};
pub use bevy::{ecs::system::RunSystemOnce, prelude::*};
pub use bevy_inventory_sync::{
    client::{
        InventoryClientPlugin, inspect::ClientInspect, predictions::ActionLatency,
        transfers::TransferProgressed,
    },
    features::{
        crafter::Crafter,
        equipment::{Equipped, Unequipped},
        pages::PageOf,
        progress::CraftingProgress,
        public_view::HeldItem,
        tabs::{PageActions, Tab, Tabs},
    },
    model::{
        data::DataError,
        id::{ContainerKey, DataId},
        saved::SavedInventory,
        slots::SlotError,
    },
    server::{
        InventoryServerPlugin,
        audit::{ActionResolved, ItemAudit, ItemsCreatedOrDestroyed, UnaccountedItems},
        client_stats::ClientSyncStats,
        faults::{InventoryFault, Unsynced},
        health::{HealthReason, HealthStatus, RejectionCounts, SyncAlert, SyncHealth},
        pacing::{
            quality::{ConnectionQuality, LinkGrade, QualityChanged, QualityPolicy, QualitySample},
            settings::FullPolicy,
        },
        requests::sessions::{ClientViolation, ProtocolViolation},
        send::flush::{FlushInventories, InventoriesFlushed, PendingUpdate},
    },
    shared::{
        actions::{RegisteredAction, RequestId},
        containers::ContainerRegistry,
        events::{CloseReason, SlotCause, SyncRejected},
        rate::RequestLimits,
        stats::{InventoryDiagnosticsPlugin, InventoryStats},
    },
};
pub use bevy_inventory_sync::{prelude::*, sim::Simulation};
pub use bevy_replicon::prelude::*;

pub use scene::{Scene, SceneBuilder, within};

pub const TORCH: ItemId = ItemId::of("torch");
pub const AXE: ItemId = ItemId::of("axe");
pub const BOOTS: ItemId = ItemId::of("boots");
pub const COIN: ItemId = ItemId::of("coin");

pub const ITEMS: &str = r#"(items: [
    (key: "torch", max_stack: 64),
    (key: "axe", max_stack: 1),
    (key: "boots", max_stack: 1, tags: ["feet"]),
    (key: "coin", max_stack: 1000000),
], recipes: [
    (key: "torches", takes: [("coin", 2)], gives: [("torch", 4)]),
    (key: "boots", takes: [("coin", 10)], gives: [("boots", 1)], at: "equipment"),
])"#;

/// A custom container.
#[derive(Component, Clone, PartialEq, Debug)]
pub struct Equipment(pub Slots);

container!(Equipment, "equipment", {
    const AUTO_FILL: bool = false;
    fn accepts(_: usize, item: &ItemDef) -> bool {
        item.has_tag("feet")
    }
});

/// Events that observers received, in order.
#[derive(Resource, Default, Debug)]
pub struct EventLog {
    pub opened: Vec<InventoryOpened>,
    pub closed: Vec<InventoryClosed>,
    pub resized: Vec<InventoryResized>,
    pub slots: Vec<SlotChanged>,
    pub selected: Vec<SelectedChanged>,
    pub pending: Vec<SlotPendingChanged>,
    pub confirmed: Vec<RequestId>,
    pub rejected: Vec<(RequestId, Rejection)>,
}

impl EventLog {
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

pub fn setup(app: &mut App) {
    app.add_container::<Equipment>()
        .add_public_view::<HeldItem>()
        .insert_items(Items::<()>::from_ron(ITEMS).unwrap())
        .init_resource::<EventLog>()
        .add_observer(|on: On<InventoryOpened>, mut events: ResMut<EventLog>| {
            events.opened.push(*on)
        })
        .add_observer(|on: On<InventoryClosed>, mut events: ResMut<EventLog>| {
            events.closed.push(*on)
        })
        .add_observer(|on: On<InventoryResized>, mut events: ResMut<EventLog>| {
            events.resized.push(*on)
        })
        .add_observer(|on: On<SlotChanged>, mut events: ResMut<EventLog>| events.slots.push(*on))
        .add_observer(|on: On<SelectedChanged>, mut events: ResMut<EventLog>| {
            events.selected.push(*on)
        })
        .add_observer(|on: On<SlotPendingChanged>, mut events: ResMut<EventLog>| {
            events.pending.push(*on)
        })
        .add_observer(|on: On<ActionConfirmed>, mut events: ResMut<EventLog>| {
            events.confirmed.push(on.id);
        })
        .add_observer(|on: On<ActionRejected>, mut events: ResMut<EventLog>| {
            events.rejected.push((on.id, on.reason));
        });
}

/// A server and this number of clients, connected and synced.
pub fn pair(clients: usize) -> Simulation {
    Simulation::new(clients, setup)
}

pub fn player(n: u64) -> InventoryId {
    InventoryId::named("player", n)
}

pub fn chest(n: u64) -> InventoryId {
    InventoryId::named("chest", n)
}

/// Spawns a player of 27 + 9 slots for a client.
pub fn spawn_player(pair: &mut Simulation, client: usize) -> Entity {
    let owner = Owner(pair.client_id(client));
    let id = player(client as u64);
    pair.server.world_mut().spawn((id, Inventory::default(), Hotbar::default(), owner)).id()
}

/// A list of one viewer.
pub fn viewer(client: ClientId, rights: Rights) -> Viewers {
    let mut viewers = Viewers::new();
    viewers.add(client, rights);
    viewers
}

/// Spawns a chest that these clients see.
pub fn spawn_chest(pair: &mut Simulation, n: u64, viewers: &[usize]) -> Entity {
    let mut list = Viewers::new();
    for client in viewers {
        list.add(pair.client_id(*client), Rights::USE);
    }
    pair.server.world_mut().spawn((chest(n), Inventory::default(), list)).id()
}

/// The server's entity with this id.
pub fn on_server(pair: &Simulation, id: InventoryId) -> Entity {
    pair.server.world().resource::<InventoryIds>().get(id).expect("the server has it")
}

/// A slot of a backpack or chest.
pub fn inv(entity: Entity, slot: usize) -> SlotRef {
    (entity, Inventory::slot(slot))
}

pub fn inventory(pair: &mut Simulation, entity: Entity) -> Mut<'_, Inventory> {
    pair.server.world_mut().get_mut::<Inventory>(entity).unwrap()
}

pub fn hotbar(pair: &mut Simulation, entity: Entity) -> Mut<'_, Hotbar> {
    pair.server.world_mut().get_mut::<Hotbar>(entity).unwrap()
}

pub fn events(pair: &mut Simulation, client: usize) -> Mut<'_, EventLog> {
    pair.clients[client].app.world_mut().resource_mut::<EventLog>()
}

pub fn stats(app: &App) -> InventoryStats {
    *app.world().resource::<InventoryStats>()
}

/// Returns `true` if the client shows this inventory's backpack slots as the server has them.
pub fn is_same(pair: &Simulation, client: usize, id: InventoryId) -> bool {
    let server = pair.server.world();
    let entity = server.resource::<InventoryIds>().get(id).expect("the server has it");
    let inventory = server.get::<Inventory>(entity).map(Inventory::slots);
    pair.shown::<Inventory>(client, id) == inventory
}

/// Asserts that the client shows every slot as the server has it.
#[track_caller]
pub fn assert_same(pair: &Simulation, client: usize, id: InventoryId) {
    let server = pair.server.world();
    let entity = server.resource::<InventoryIds>().get(id).expect("the server has it");
    let inventory = server.get::<Inventory>(entity).map(Inventory::slots);
    assert_eq!(pair.shown::<Inventory>(client, id), inventory, "inventory {id} on client {client}");
    let hotbar = server.get::<Hotbar>(entity).map(Hotbar::slots);
    assert_eq!(pair.shown::<Hotbar>(client, id), hotbar, "hotbar {id} on client {client}");
    let equipment = server.get::<Equipment>(entity).map(Equipment::slots);
    assert_eq!(pair.shown::<Equipment>(client, id), equipment, "equipment {id} on client {client}");
}

/// A container that is not filled by itself, and whose first slot takes only what is worn on the feet.
#[derive(Component, Clone, Debug)]
pub struct Gear(pub Slots);

container!(Gear, "gear", {
    const AUTO_FILL: bool = false;
    fn accepts(slot: usize, item: &ItemDef) -> bool {
        slot != 0 || item.has_tag("feet")
    }
});

fn with_param<P: SystemParam + 'static, T: 'static>(
    app: &mut App,
    f: impl FnOnce(&mut SystemParamItem<P>) -> T + Send + Sync + 'static,
) -> T {
    let mut f = Some(f);
    let system = move |mut param: StaticSystemParam<P>| f.take().unwrap()(&mut *param);
    app.world_mut().run_system_once(system).unwrap()
}

/// Runs a system once with `Inventories`.
pub fn with_inventories<T: 'static>(
    app: &mut App,
    f: impl FnOnce(&mut Inventories) -> T + Send + Sync + 'static,
) -> T {
    with_param::<Inventories, T>(app, f)
}

/// Makes a client request an action.
pub fn ask<A: RegisteredAction>(pair: &mut Simulation, client: usize, action: A) -> RequestId {
    with_actions(&mut pair.clients[client].app, move |actions| actions.request(action))
}

/// Runs a system once with `PageActions`.
pub fn with_pages<T: 'static>(
    app: &mut App,
    f: impl FnOnce(&mut PageActions) -> T + Send + Sync + 'static,
) -> T {
    with_param::<PageActions, T>(app, f)
}

/// Runs a system once with `InventoryActions`.
pub fn with_actions<T: 'static>(
    app: &mut App,
    f: impl FnOnce(&mut InventoryActions) -> T + Send + Sync + 'static,
) -> T {
    with_param::<InventoryActions, T>(app, f)
}

/// The entity that shows an inventory on a client.
pub fn shown_entity(pair: &Simulation, client: usize, id: InventoryId) -> Entity {
    pair.clients[client].app.world().resource::<InventoryIds>().get(id).expect("it is in view")
}

/// Bytes that a client has received so far.
pub fn bytes_down(pair: &Simulation, client: usize) -> u64 {
    pair.clients[client].traffic.bytes_down
}

pub fn bytes_up(pair: &Simulation, client: usize) -> u64 {
    pair.clients[client].traffic.bytes_up
}

/// Adds a client to an inventory's viewers.
pub fn show(pair: &mut Simulation, entity: Entity, client: usize) {
    let client = pair.client_id(client);
    pair.server.world_mut().get_mut::<Viewers>(entity).unwrap().add(client, Rights::USE);
}

/// Removes a client from an inventory's viewers.
pub fn hide(pair: &mut Simulation, entity: Entity, client: usize) {
    let client = pair.client_id(client);
    pair.server.world_mut().get_mut::<Viewers>(entity).unwrap().remove(client);
}

/// Makes a client receive bytes as if the server had sent them.
pub fn feed(pair: &mut Simulation, client: usize, channel: usize, bytes: Vec<u8>) {
    let app = &mut pair.clients[client].app;
    app.world_mut().resource_mut::<ClientMessages>().insert_received(channel, bytes);
}

/// Returns the number that the next full message to a client has.
pub fn next_number(pair: &mut Simulation, client: usize) -> u8 {
    let world = pair.clients[client].app.world_mut();
    world.run_system_once(|client: ClientInspect| client.next_number()).unwrap()
}

/// Makes a client receive a full message as if the server had sent it next.
pub fn feed_full(pair: &mut Simulation, client: usize, bytes: &[u8]) {
    let world = pair.clients[client].app.world_mut();
    let mut stream = world.run_system_once(|client: ClientInspect| client.stream()).unwrap();
    let channel = pair.sync_channel();
    let sealed = stream.seal(bytes.to_vec().into());
    feed(pair, client, channel, sealed.to_vec());
}

/// Makes a client detect a gap: no message begins with this byte.
pub fn simulate_gap(pair: &mut Simulation, client: usize) {
    let channel = pair.sync_channel();
    feed(pair, client, channel, vec![0x1F]);
}

/// An inventory of random stacks, which do not compress.
pub fn noise(slots: usize, seed: u64) -> Inventory {
    let mut dice = fastrand::Rng::with_seed(seed);
    Inventory((0..slots).map(|_| Some(COIN.stack(dice.u32(1..=1_000_000)))).collect())
}

/// A server with ten ticks a second and ten times as many frames.
pub fn ticking_slowly(setup: impl Fn(&mut App)) -> App {
    let mut app = App::new();
    app.add_plugins((
        MinimalPlugins,
        bevy::state::app::StatesPlugin,
        RepliconPlugins.set(ServerPlugin::new(FixedPostUpdate)),
        InventoryPlugins,
    ))
    .insert_resource(bevy::time::TimeUpdateStrategy::ManualDuration(
        core::time::Duration::from_millis(10),
    ))
    .insert_resource(Time::<Fixed>::from_hz(10.0));
    setup(&mut app);
    app.finish();
    app.cleanup();
    app.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Running);
    (0..20).for_each(|_| app.update());
    app
}

/// Four stacks whose wear is a pattern that no other test data has.
pub fn canary() -> Vec<Option<Stack>> {
    [0xC0DE_u16, 0xBEEF, 0xF00D, 0xCAFE].map(|wear| Some(AXE.stack(1).with_wear(wear))).to_vec()
}

/// Returns `true` if a message contains the canary's bits, at any offset.
pub fn contains_canary(bytes: &[u8]) -> bool {
    let bits: Vec<bool> = bytes.iter().flat_map(|b| (0..8).map(move |n| b >> n & 1 == 1)).collect();
    let wears = [0xC0DE_u16, 0xBEEF, 0xF00D, 0xCAFE];
    wears.iter().any(|wear| {
        let piece: Vec<bool> = (0..16).map(|n| wear >> n & 1 == 1).collect();
        bits.windows(16).any(|window| window == piece)
    })
}

/// Disconnects a client for a number of ticks, and restores what it owned and saw.
pub fn reconnect(
    pair: &mut Simulation,
    client: usize,
    away: usize,
    own: &[Entity],
    seen: &[Entity],
) {
    pair.disconnect(client);
    pair.steps(away);
    pair.connect(client);
    give_back(pair, client, own, seen);
}

pub fn give_back(pair: &mut Simulation, client: usize, own: &[Entity], seen: &[Entity]) {
    let owner = Owner(pair.client_id(client));
    for there in own {
        pair.server.world_mut().entity_mut(*there).insert(owner);
    }
    for there in seen {
        show(pair, *there, client);
    }
}
