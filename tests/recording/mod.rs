//! One short session of a server and a client: what both apps are, what happens in each tick, and the messages
//! that were recorded. The half that is tested alone gets the messages of the other half from the recording.

#![allow(dead_code, reason = "each test uses one half")]

use core::{fmt, time::Duration};

#[cfg(feature = "client")]
use bevy::ecs::system::RunSystemOnce;
use bevy::time::TimeUpdateStrategy;
use bevy::{prelude::*, state::app::StatesPlugin};
use bevy_inventory_sync::{prelude::*, shared::random::InventoryRng};
use bevy_replicon::prelude::*;

pub const TORCH: ItemId = ItemId::of("torch");
pub const COIN: ItemId = ItemId::of("coin");

const ITEMS: &str = r#"(items: [(key: "torch", max_stack: 64), (key: "coin", max_stack: 1000)])"#;

/// Number of ticks of the session.
pub const TICKS: u32 = 40;

/// The recorded messages, one per line: direction, tick, channel and bytes in hexadecimal.
pub const RECORDED: &str = include_str!("../golden/session.txt");

/// The direction of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

/// One recorded message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    pub direction: Direction,
    /// The tick in which it was sent.
    pub tick: u32,
    pub channel: usize,
    pub bytes: Vec<u8>,
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.direction == Direction::Up { "up" } else { "down" };
        write!(f, "{direction} {} {} ", self.tick, self.channel)?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Parses [`RECORDED`].
pub fn recorded() -> Vec<Recorded> {
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let [direction, tick, channel, hex] = fields[..] else { panic!("not a message: {line}") };
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        Recorded {
            direction: if direction == "up" { Direction::Up } else { Direction::Down },
            tick: tick.parse().unwrap(),
            channel: channel.parse().unwrap(),
            bytes: (0..hex.len()).step_by(2).map(byte).collect(),
        }
    };
    RECORDED.lines().map(parse).collect()
}

/// The messages that were sent in a direction in a tick, in the form in which they are passed on.
pub fn sent_in(recorded: &[Recorded], direction: Direction, tick: u32) -> Vec<(usize, Vec<u8>)> {
    let sent = recorded.iter().filter(|there| (there.direction, there.tick) == (direction, tick));
    sent.map(|there| (there.channel, there.bytes.clone())).collect()
}

pub fn player() -> InventoryId {
    InventoryId::named("player", 1)
}

pub fn chest() -> InventoryId {
    InventoryId::named("chest", 1)
}

fn app(seed: u64) -> App {
    let mut app = App::new();
    let replicon = RepliconPlugins.build();
    #[cfg(feature = "server")]
    let replicon = replicon.set(ServerPlugin::new(PostUpdate));
    app.insert_resource(InventoryRng::seeded(seed))
        .add_plugins((MinimalPlugins, StatesPlugin, replicon, InventoryPlugins))
        .insert_resource(TimeUpdateStrategy::ManualDuration(Duration::from_millis(16)))
        .insert_items(Items::<()>::from_ron(ITEMS).unwrap());
    app.finish();
    app.cleanup();
    app
}

/// The server, with the client that has just connected.
#[cfg(feature = "server")]
pub struct RecordedServer {
    pub app: App,
    client: Entity,
    inventories: [Entity; 2],
}

#[cfg(feature = "server")]
impl RecordedServer {
    pub fn new() -> Self {
        let mut app = app(1);
        app.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Running);
        app.update();
        let world = app.world_mut();
        let client = world.spawn(ConnectedClient { max_size: 1200 }).id();
        let mut inventory = Inventory::default();
        inventory.set(0, TORCH.stack(5)).unwrap();
        let owner = Owner(ClientId::Client(client));
        let player = world.spawn((player(), inventory, Hotbar::default(), owner)).id();
        let mut inventory = Inventory::default();
        inventory.set(3, COIN.stack(100)).unwrap();
        let chest = world.spawn((chest(), inventory)).id();
        Self { app, client, inventories: [player, chest] }
    }

    /// Runs one tick with the messages of the client, and returns those of the server.
    pub fn tick(&mut self, tick: u32, received: Vec<(usize, Vec<u8>)>) -> Vec<Recorded> {
        let world = self.app.world_mut();
        let mut messages = world.resource_mut::<ServerMessages>();
        for (channel, bytes) in received {
            messages.insert_received(self.client, channel, bytes);
        }
        let [player, chest] = self.inventories;
        match tick {
            8 => {
                let mut inventory = world.get_mut::<Inventory>(player).unwrap();
                inventory.set(4, COIN.stack(7)).unwrap();
            }
            12 => {
                let mut viewers = Viewers::new();
                viewers.add(ClientId::Client(self.client), Rights::USE);
                world.entity_mut(chest).insert(viewers);
            }
            20 => {
                let mut inventory = world.get_mut::<Inventory>(chest).unwrap();
                for slot in 0..20 {
                    inventory.set(slot, TORCH.stack(1)).unwrap();
                }
            }
            30 => {
                world.get_mut::<Viewers>(chest).unwrap().remove(ClientId::Client(self.client));
            }
            _ => {}
        }
        self.app.update();
        let mut messages = self.app.world_mut().resource_mut::<ServerMessages>();
        let sent = messages.drain_sent().map(|(_, channel, bytes)| {
            let direction = Direction::Down;
            Recorded { direction, tick, channel, bytes: bytes.to_vec() }
        });
        sent.collect()
    }
}

/// The client.
#[cfg(feature = "client")]
pub struct RecordedClient {
    pub app: App,
}

#[cfg(feature = "client")]
impl RecordedClient {
    pub fn new() -> Self {
        let mut app = app(2);
        app.world_mut().resource_mut::<NextState<ClientState>>().set(ClientState::Connected);
        Self { app }
    }

    fn entity(&self, id: InventoryId) -> Entity {
        self.app.world().resource::<InventoryIds>().get(id).unwrap()
    }

    /// The slots that are shown of an inventory, or `None` if it is not in view.
    pub fn shown(&self, id: InventoryId) -> Option<Vec<(usize, Stack)>> {
        let entity = self.app.world().resource::<InventoryIds>().get(id)?;
        Some(self.app.world().get::<Inventory>(entity)?.iter().collect())
    }

    /// Runs one tick with the messages of the server, and returns those of the client.
    pub fn tick(&mut self, tick: u32, received: Vec<(usize, Vec<u8>)>) -> Vec<Recorded> {
        let mut messages = self.app.world_mut().resource_mut::<ClientMessages>();
        for (channel, bytes) in received {
            messages.insert_received(channel, bytes);
        }
        if [10, 16].contains(&tick) {
            let me = self.entity(player());
            let to = if tick == 10 { me } else { self.entity(chest()) };
            let click = move |mut actions: InventoryActions| {
                let (from, count) = ((me, Inventory::slot(0)), Some(2));
                actions.request(InventoryAction::Move {
                    from,
                    to: (to, Inventory::slot(9)),
                    count,
                });
            };
            self.app.world_mut().run_system_once(click).unwrap();
        }
        self.app.update();
        let mut messages = self.app.world_mut().resource_mut::<ClientMessages>();
        let sent = messages.drain_sent().map(|(channel, bytes)| Recorded {
            direction: Direction::Up,
            tick,
            channel,
            bytes: bytes.to_vec(),
        });
        sent.collect()
    }
}
