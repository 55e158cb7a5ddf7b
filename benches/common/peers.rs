//! This crate, and alternatives with bevy_replicon, behind a common interface.

use std::sync::{Arc, Mutex};

use bevy::{prelude::*, state::app::StatesPlugin, time::TimeUpdateStrategy};
use bevy_inventory_sync::{
    prelude::*,
    sim::{STEP, Simulation},
    wire::{handshake::CONTROL, transfer::read_chunk},
};
use bevy_replicon::{bytes::Bytes, prelude::*, shared::replication::diff::EntityDiffExt};
use serde::{Deserialize, Serialize};

use super::ops::{Cells, HOTBAR, ITEMS, ItemStack, SLOTS};

/// Messages of a client of this crate.
pub struct Greeting {
    pub channel: usize,
    pub hello: Bytes,
    /// The channel of chunked transfers. The last chunk of a transfer is acknowledged.
    pub chunks: usize,
}

impl Greeting {
    /// Returns the client's answer to a message, if any.
    pub fn answer(&self, channel: usize, bytes: &[u8]) -> Option<Bytes> {
        let (head, _) = read_chunk(bytes).ok().filter(|_| channel == self.chunks)?;
        // A control request with code 2: the transfer was received.
        (head.index + 1 == head.total).then(|| vec![CONTROL, 2, head.transfer].into())
    }
}

/// A way to keep slots in sync.
pub trait Peer {
    const NAME: &'static str;

    /// Sets up the server's app and the clients' apps.
    fn setup(app: &mut App);

    /// Spawns an inventory on the server that these clients see.
    fn spawn(world: &mut World, id: u64, cells: &Cells, clients: &[ClientId]);

    /// Clears the state of a disconnected client, because replicon leaves that to the game.
    fn forget(world: &mut World) {
        let mut there = world.query_filtered::<Entity, With<Id>>();
        let there: Vec<Entity> = there.iter(world).collect();
        for entity in there {
            world.despawn(entity);
        }
    }

    /// Shows an inventory to a client that has just connected, if that is not automatic.
    fn show(_: &mut World, _: u64, _: ClientId) {}

    /// Hides an inventory from all clients but this one, if [`Self::spawn`] has not done so.
    fn hide_from_others(_: &mut World, _: u64, _: Entity) {}

    /// Returns the messages that a client must send to receive anything.
    fn greeting() -> Option<Greeting> {
        None
    }

    /// Changes a slot on the server.
    fn set(world: &mut World, id: u64, slot: usize, new: Option<ItemStack>);

    /// Returns the contents of a slot on a client.
    fn shown(world: &mut World, id: u64, slot: usize) -> Option<ItemStack>;

    fn app() -> App {
        Self::app_with(|_| {})
    }

    fn app_with(more: impl FnOnce(&mut App)) -> App {
        let mut app = App::new();
        let plugins = RepliconPlugins.set(ServerPlugin::new(PostUpdate));
        app.add_plugins((MinimalPlugins, StatesPlugin, plugins))
            .insert_resource(TimeUpdateStrategy::ManualDuration(STEP));
        Self::setup(&mut app);
        more(&mut app);
        app.finish();
        app.cleanup();
        app
    }

    /// Creates a server in the state of a session that has run for some minutes, and its clients.
    fn pair(clients: usize) -> Simulation {
        Simulation::from_apps(Self::server(), (0..clients).map(|_| Self::app()))
    }

    fn server() -> App {
        let mut server = Self::app();
        (0..1000).for_each(|_| {
            server.world_mut().spawn_empty();
        });
        let mut tick =
            server.world_mut().resource_mut::<bevy_replicon::server::server_tick::ServerTick>();
        tick.increment_by(20_000);
        server
    }
}

/// Identifies an inventory on both sides, for peers that need it.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Id(u64);

fn find(world: &mut World, id: u64) -> Option<Entity> {
    let mut query = world.query::<(Entity, &Id)>();
    query.iter(world).find(|(_, there)| there.0 == id).map(|(entity, _)| entity)
}

/// Shows an entity only to one client.
#[derive(Component)]
#[component(immutable)]
struct SeenBy(Entity);

impl VisibilityFilter for SeenBy {
    type ClientComponent = AuthorizedClient;
    type Scope = Entity;

    fn is_visible(&self, client: Entity, _: Option<&AuthorizedClient>) -> bool {
        self.0 == client
    }
}

fn show_only_to(world: &mut World, id: u64, client: Entity) {
    let entity = find(world, id).expect("it was spawned");
    world.entity_mut(entity).insert(SeenBy(client));
}

/// This crate.
pub struct Ours;

const KEYS: fn(u16) -> String = |item| format!("item_{item:03}");

fn stack(cell: Option<ItemStack>) -> Option<Stack> {
    cell.and_then(|cell| Stack::new(ItemId::of(&KEYS(cell.item)), u32::from(cell.count)))
}

impl Peer for Ours {
    const NAME: &'static str = "ours";

    fn setup(app: &mut App) {
        let defs = (1..=ITEMS).map(|item| {
            let def = ItemDef {
                key: KEYS(item),
                name: String::new(),
                icon: String::new(),
                max_stack: 64,
                tags: vec![],
            };
            (def, ())
        });
        let items = Items::new(defs).expect("the keys are distinct");
        app.add_plugins(bevy_inventory_sync::plugins::InventoryPlugins).insert_items(items);
    }

    fn spawn(world: &mut World, id: u64, cells: &Cells, clients: &[ClientId]) {
        let (mut inventory, mut hotbar) = (Inventory::new(SLOTS - HOTBAR), Hotbar::new(HOTBAR));
        let (backpack, quick) = cells.split_at(SLOTS - HOTBAR);
        inventory.0 = backpack.iter().copied().map(stack).collect();
        hotbar.slots = quick.iter().copied().map(stack).collect();
        let mut unit = world.spawn((InventoryId::sequential(id + 1), inventory, hotbar));
        match clients {
            [one] => {
                unit.insert(Owner(*one));
            }
            many => {
                let mut viewers = Viewers::new();
                many.iter().for_each(|client| viewers.add(*client, Rights::USE));
                unit.insert(viewers);
            }
        }
    }

    fn show(world: &mut World, id: u64, client: ClientId) {
        let entity = world.resource::<InventoryIds>().get(InventoryId::sequential(id + 1));
        world.entity_mut(entity.expect("it was spawned")).insert(Owner(client));
    }

    fn greeting() -> Option<Greeting> {
        let mut pair = Self::pair(1);
        pair.disconnect(0);
        let channel = pair.request_channel();
        let said = Arc::new(Mutex::new(None));
        let heard = said.clone();
        pair.tamper_requests(move |_, on, bytes| {
            if on == channel {
                heard.lock().expect("not poisoned").get_or_insert((on, bytes.clone()));
            }
            vec![bytes]
        });
        pair.connect(0);
        pair.steps(5);
        let (channel, hello) = said.lock().expect("not poisoned").take().expect("sent on connect");
        Some(Greeting { channel, hello, chunks: pair.chunk_channel() })
    }

    fn set(world: &mut World, id: u64, slot: usize, new: Option<ItemStack>) {
        let entity = world.resource::<InventoryIds>().get(InventoryId::sequential(id + 1));
        let entity = entity.expect("it was spawned");
        let set = match slot.checked_sub(SLOTS - HOTBAR) {
            None => world.get_mut::<Inventory>(entity).map(|mut i| i.set(slot, stack(new))),
            Some(slot) => world.get_mut::<Hotbar>(entity).map(|mut h| h.set(slot, stack(new))),
        };
        set.expect("it has both").expect("it has the slot");
    }

    fn shown(world: &mut World, id: u64, slot: usize) -> Option<ItemStack> {
        let entity = world.resource::<InventoryIds>().get(InventoryId::sequential(id + 1))?;
        let stack = match slot.checked_sub(SLOTS - HOTBAR) {
            None => world.get::<Inventory>(entity)?.get(slot)?,
            Some(slot) => world.get::<Hotbar>(entity)?.get(slot)?,
        };
        let rank = world.resource::<ItemCatalog>().rank(stack.item)?;
        let count = u8::try_from(stack.count()).ok()?;
        Some(ItemStack { item: u16::try_from(rank + 1).ok()?, count })
    }
}

/// This crate at a lower sync priority.
pub struct Slower<const LOW: bool>;

impl<const LOW: bool> Peer for Slower<LOW> {
    const NAME: &'static str = if LOW { "ours, low priority" } else { "ours, normal priority" };

    fn setup(app: &mut App) {
        Ours::setup(app);
    }

    fn spawn(world: &mut World, id: u64, cells: &Cells, clients: &[ClientId]) {
        Ours::spawn(world, id, cells, clients);
        let entity = world.resource::<InventoryIds>().get(InventoryId::sequential(id + 1));
        let priority = if LOW { SyncPriority::Low } else { SyncPriority::Normal };
        world.entity_mut(entity.expect("it was spawned")).insert(priority);
    }

    fn set(world: &mut World, id: u64, slot: usize, new: Option<ItemStack>) {
        Ours::set(world, id, slot, new);
    }

    fn shown(world: &mut World, id: u64, slot: usize) -> Option<ItemStack> {
        Ours::shown(world, id, slot)
    }
}

/// A: replicates the whole component.
pub struct WholeComponent;

#[derive(Component, Clone, Serialize, Deserialize)]
struct Whole(Vec<Option<ItemStack>>);

impl Peer for WholeComponent {
    const NAME: &'static str = "A replicate";

    fn setup(app: &mut App) {
        app.replicate::<Id>().replicate::<Whole>().add_visibility_filter::<SeenBy>();
    }

    fn spawn(world: &mut World, id: u64, cells: &Cells, _: &[ClientId]) {
        world.spawn((Id(id), Whole(cells.to_vec()), Replicated));
    }

    fn hide_from_others(world: &mut World, id: u64, client: Entity) {
        show_only_to(world, id, client);
    }

    fn set(world: &mut World, id: u64, slot: usize, new: Option<ItemStack>) {
        let entity = find(world, id).expect("it was spawned");
        world.get_mut::<Whole>(entity).expect("it has one").0[slot] = new;
    }

    fn shown(world: &mut World, id: u64, slot: usize) -> Option<ItemStack> {
        let entity = find(world, id)?;
        world.get::<Whole>(entity)?.0[slot]
    }
}

/// B: replicates recorded operations on the component.
pub struct Diffs;

#[derive(Component, Clone, Serialize, Deserialize)]
struct Recorded(Vec<Option<ItemStack>>);

#[derive(Serialize, Deserialize)]
struct SetSlot(u8, Option<ItemStack>);

impl Diffable for Recorded {
    type Diff = SetSlot;

    fn apply_diff(&mut self, diff: &SetSlot) -> Result {
        *self.0.get_mut(usize::from(diff.0)).ok_or("no such slot")? = diff.1;
        Ok(())
    }
}

impl Peer for Diffs {
    const NAME: &'static str = "B replicate_diff";

    fn setup(app: &mut App) {
        app.replicate::<Id>().replicate_diff::<Recorded>().add_visibility_filter::<SeenBy>();
    }

    fn spawn(world: &mut World, id: u64, cells: &Cells, _: &[ClientId]) {
        world.spawn((Id(id), Recorded(cells.to_vec()), Replicated));
    }

    fn hide_from_others(world: &mut World, id: u64, client: Entity) {
        show_only_to(world, id, client);
    }

    fn set(world: &mut World, id: u64, slot: usize, new: Option<ItemStack>) {
        let entity = find(world, id).expect("it was spawned");
        let diff = SetSlot(u8::try_from(slot).expect("36 slots"), new);
        world.entity_mut(entity).apply_diff::<Recorded>(diff).expect("it has the slot");
    }

    fn shown(world: &mut World, id: u64, slot: usize) -> Option<ItemStack> {
        let entity = find(world, id)?;
        world.get::<Recorded>(entity)?.0[slot]
    }
}

/// C: replicates an entity for each slot.
pub struct EntityPerSlot;

#[derive(Component, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct SlotOf(u64, u8);

#[derive(Component, Clone, Copy, Serialize, Deserialize)]
struct Content(Option<ItemStack>);

fn find_slot(world: &mut World, id: u64, slot: usize) -> Option<Entity> {
    let wanted = SlotOf(id, u8::try_from(slot).ok()?);
    let mut query = world.query::<(Entity, &SlotOf)>();
    query.iter(world).find(|(_, there)| **there == wanted).map(|(entity, _)| entity)
}

impl Peer for EntityPerSlot {
    const NAME: &'static str = "C entity per slot";

    fn setup(app: &mut App) {
        app.replicate::<SlotOf>().replicate::<Content>();
    }

    fn spawn(world: &mut World, id: u64, cells: &Cells, _: &[ClientId]) {
        for (slot, cell) in (0..).zip(cells) {
            world.spawn((SlotOf(id, slot), Content(*cell), Replicated));
        }
    }

    fn set(world: &mut World, id: u64, slot: usize, new: Option<ItemStack>) {
        let entity = find_slot(world, id, slot).expect("it was spawned");
        world.get_mut::<Content>(entity).expect("it has one").0 = new;
    }

    fn shown(world: &mut World, id: u64, slot: usize) -> Option<ItemStack> {
        let entity = find_slot(world, id, slot)?;
        world.get::<Content>(entity)?.0
    }
}

/// Slots that are not replicated, for peers that send messages.
#[derive(Component, Clone)]
struct Plain(Vec<Option<ItemStack>>);

fn plain(world: &mut World, id: u64) -> Mut<'_, Plain> {
    let entity = find(world, id);
    let entity = entity.unwrap_or_else(|| world.spawn((Id(id), Plain(vec![None; SLOTS]))).id());
    world.get_mut::<Plain>(entity).expect("it has one")
}

fn shown_plain(world: &mut World, id: u64, slot: usize) -> Option<ItemStack> {
    let entity = find(world, id)?;
    world.get::<Plain>(entity)?.0[slot]
}

/// F: sends the whole inventory as JSON for each change.
pub struct JsonFullSync;

#[derive(Message, Serialize, Deserialize)]
struct FullSync {
    id: u64,
    json: String,
}

fn hear_full(mut messages: MessageReader<FullSync>, mut commands: Commands) {
    for FullSync { id, json } in messages.read() {
        let (id, cells) = (*id, serde_json::from_str(json).unwrap_or_default());
        commands.queue(move |world: &mut World| plain(world, id).0 = cells);
    }
}

fn send_full(world: &mut World, id: u64) {
    let json = serde_json::to_string(&plain(world, id).0).expect("plain data");
    let message = FullSync { id, json };
    world.write_message(ToClients { targets: SendTargets::All, message });
}

impl Peer for JsonFullSync {
    const NAME: &'static str = "F JSON full sync";

    fn setup(app: &mut App) {
        app.add_server_message::<FullSync>(Channel::Ordered).add_systems(Update, hear_full);
    }

    fn spawn(world: &mut World, id: u64, cells: &Cells, _: &[ClientId]) {
        plain(world, id).0 = cells.to_vec();
        send_full(world, id);
    }

    fn set(world: &mut World, id: u64, slot: usize, new: Option<ItemStack>) {
        plain(world, id).0[slot] = new;
        send_full(world, id);
    }

    fn shown(world: &mut World, id: u64, slot: usize) -> Option<ItemStack> {
        shown_plain(world, id, slot)
    }
}

/// Recipients of an inventory's changes.
#[derive(Component)]
struct To(SendTargets);

/// G: sends one ordered message for each change, as an expert would write it in thirty lines.
pub struct HandWritten;

#[derive(Message, Clone, Copy, Serialize, Deserialize)]
struct Changed1 {
    id: u64,
    slot: u8,
    new: Option<ItemStack>,
}

fn hear_change(mut messages: MessageReader<Changed1>, mut commands: Commands) {
    for Changed1 { id, slot, new } in messages.read().copied() {
        commands.queue(move |world: &mut World| plain(world, id).0[usize::from(slot)] = new);
    }
}

impl Peer for HandWritten {
    const NAME: &'static str = "G message per change";

    fn setup(app: &mut App) {
        app.add_server_message::<Changed1>(Channel::Ordered).add_systems(Update, hear_change);
    }

    fn spawn(world: &mut World, id: u64, cells: &Cells, clients: &[ClientId]) {
        plain(world, id);
        if let [client] = clients {
            let entity = find(world, id).expect("it was spawned");
            world.entity_mut(entity).insert(To(SendTargets::Single(*client)));
        }
        (0..).zip(cells).for_each(|(slot, cell)| Self::set(world, id, slot, *cell));
    }

    fn set(world: &mut World, id: u64, slot: usize, new: Option<ItemStack>) {
        plain(world, id).0[slot] = new;
        let message = Changed1 { id, slot: u8::try_from(slot).expect("36 slots"), new };
        let to = find(world, id).and_then(|entity| world.get::<To>(entity));
        let targets = to.map_or(SendTargets::All, |to| to.0);
        world.write_message(ToClients { targets, message });
    }

    fn shown(world: &mut World, id: u64, slot: usize) -> Option<ItemStack> {
        shown_plain(world, id, slot)
    }
}
