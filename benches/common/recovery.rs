//! The cost of reconnecting, of resyncs, and of loading a bank while a hotbar is used.

use bevy::prelude::*;
use bevy_inventory_sync::{
    model::{data::DataPool, slots::Slots},
    prelude::*,
    shared::stats::InventoryStats,
    sim::{Network, Simulation},
};
use serde::{Deserialize, Serialize};

use super::{
    ops::{self, HOTBAR, ItemStack, SLOTS},
    peers::{Ours, Peer},
    udp::UdpSimulation,
};

/// Returns the bytes in both directions, including the handshake, until a client that was disconnected for `away`
/// seconds of casual play shows everything again; `None` stands for the first connection.
pub fn reconnect<P: Peer>(away: Option<u64>, network: Network) -> u64 {
    let workload = ops::casual(away.unwrap_or(1));
    let mut pair = P::pair(1);
    let client = pair.client_id(0);
    let sum =
        |pair: &Simulation| pair.clients[0].traffic.bytes_down + pair.clients[0].traffic.bytes_up;
    P::spawn(pair.server.world_mut(), 0, &workload.first, &[client]);
    pair.steps(60);
    if away.is_none() {
        return sum(&pair);
    }
    pair.network = network;
    pair.steps(60);
    pair.disconnect(0);
    P::forget(pair.clients[0].app.world_mut());
    let (mut cells, mut ops) = (workload.first, workload.ops.iter().peekable());
    for tick in 0..workload.ticks {
        while let Some(op) = ops.next_if(|op| op.tick == tick) {
            cells[op.slot] = op.new;
            P::set(pair.server.world_mut(), 0, op.slot, op.new);
        }
        pair.step();
    }
    let before = sum(&pair);
    pair.connect(0);
    let client = pair.client_id(0);
    P::show(pair.server.world_mut(), 0, client);
    pair.steps(60);
    let world = pair.clients[0].app.world_mut();
    let same = (0..SLOTS).all(|slot| P::shown(world, 0, slot) == cells[slot]);
    assert!(same, "{}: the client's copy is wrong", P::NAME);
    sum(&pair) - before
}

/// Makes all clients that see the same chest request a resync in the same tick. Returns the bytes to each client, and
/// the number of full updates that the server encodes.
pub fn storm(clients: usize) -> (f64, u64) {
    let cells = ops::inventories(1)[0];
    let mut pair = Ours::pair(clients);
    let viewers: Vec<_> = (0..clients).map(|client| pair.client_id(client)).collect();
    Ours::spawn(pair.server.world_mut(), 0, &cells, &viewers);
    pair.steps(60);
    // All clients lose one message, and detect this with the next one.
    pair.tamper(|_, _, _| vec![]);
    let item = |count| Some(ItemStack { item: 3, count });
    Ours::set(pair.server.world_mut(), 0, 3, item(1));
    pair.step();
    pair.stop_tampering();
    let sum = |pair: &Simulation| pair.clients.iter().map(|c| c.traffic.bytes_down).sum::<u64>();
    let before = sum(&pair);
    let written = pair.server.world().resource::<InventoryStats>().copies_encoded;
    Ours::set(pair.server.world_mut(), 0, 4, item(2));
    pair.steps(120);
    for client in &mut pair.clients {
        assert_eq!(client.app.world().resource::<InventoryStats>().resyncs_requested, 1);
        assert_eq!(Ours::shown(client.app.world_mut(), 0, 3), item(1));
    }
    let written = pair.server.world().resource::<InventoryStats>().copies_encoded - written;
    ((sum(&pair) - before) as f64 / clients as f64, written)
}

/// Returns the ticks until each change of a hotbar is shown, over renet, while a bank of `bank_slots` slots is loaded.
pub fn hotbar_beside_bank(bank_slots: usize, network: Network, seed: u64) -> Vec<u64> {
    let mut pair = UdpSimulation::new::<Ours>();
    let (client, mut cells) = (pair.client_id(), ops::inventories(1)[0]);
    Ours::spawn(pair.server.world_mut(), 0, &cells, &[client]);
    pair.steps(60);
    pair.network = network;
    pair.seed(seed);
    pair.steps(60);
    if bank_slots > 0 {
        let mut viewers = Viewers::new();
        viewers.add(client, Rights::USE);
        let stack = |n: usize| {
            let item = ItemId::of(&format!("item_{:03}", 1 + n * 37 % 512));
            Stack::new(item, 1 + u32::try_from(n % 64).unwrap_or(0))
        };
        let slots = (0..bank_slots).map(stack).collect();
        let id = InventoryId::named("bank", 1);
        pair.server.world_mut().spawn((id, Inventory(slots), viewers));
    }
    let (mut waiting, mut took) = (Vec::new(), Vec::new());
    for tick in 0..180u64 {
        if tick < 60 {
            let slot = SLOTS - HOTBAR + usize::try_from(tick % 9).unwrap_or(0);
            let count = u8::try_from(1 + tick / 9).unwrap_or(1);
            cells[slot] = Some(ItemStack { item: 3, count });
            Ours::set(pair.server.world_mut(), 0, slot, cells[slot]);
            waiting.push((tick, slot, count));
        }
        pair.step();
        let client = pair.client.world_mut();
        waiting.retain(|(since, slot, new)| {
            let shown = Ours::shown(client, 0, *slot).is_some_and(|there| there.count >= *new);
            if shown {
                took.push(tick - since);
            }
            !shown
        });
    }
    if bank_slots > 0 {
        let ids = pair.client.world().resource::<InventoryIds>();
        let bank = ids.get(InventoryId::named("bank", 1)).expect("the bank is shown");
        let len = pair.client.world().get::<Inventory>(bank).map(|bank| bank.slots().len());
        assert_eq!(len, Some(bank_slots));
    }
    took
}

/// Result of [`load`].
pub struct Loaded {
    /// Bytes in both directions per client and second.
    pub bytes_per_second: f64,
    /// Allocated bytes after the first tenth of the time, and at the end.
    pub memory: [usize; 2],
}

/// Makes a hundred changes per second, four in five of them in the players' own inventories and the others in a
/// chest that all clients see. Checks all copies at the end.
pub fn load(clients: usize, seconds: u64, memory: fn() -> usize) -> Loaded {
    let mut dice = ops::Dice::new(5);
    let mut pair = Ours::pair(clients);
    let viewers: Vec<_> = (0..clients).map(|client| pair.client_id(client)).collect();
    let mut cells = ops::inventories(clients + 1);
    for (client, viewer) in viewers.iter().enumerate() {
        Ours::spawn(pair.server.world_mut(), client as u64, &cells[client], &[*viewer]);
    }
    Ours::spawn(pair.server.world_mut(), clients as u64, &cells[clients], &viewers);
    pair.steps(120);
    pair.network = Network { latency_ticks: 3, ..Network::default() };
    let sum = |pair: &Simulation| {
        let each = |c: &bevy_inventory_sync::sim::SimulatedClient| {
            c.traffic.bytes_down + c.traffic.bytes_up
        };
        pair.clients.iter().map(each).sum::<u64>()
    };
    let (before, ticks) = (sum(&pair), seconds * 60);
    let (mut due, mut early) = (0.0, 0);
    for tick in 0..ticks {
        due += 100.0 / 60.0;
        while due >= 1.0 {
            due -= 1.0;
            let at =
                if dice.slot().is_multiple_of(5) { clients } else { dice.choose(clients, 1)[0] };
            let slot = dice.slot();
            let new = dice.change(cells[at][slot]);
            cells[at][slot] = new;
            Ours::set(pair.server.world_mut(), at as u64, slot, new);
        }
        pair.step();
        if tick == ticks / 10 {
            early = memory();
        }
    }
    let memory = [early, memory()];
    pair.steps(60);
    for (client, own) in cells[..clients].iter().enumerate() {
        for (id, cells) in [(client, own), (clients, &cells[clients])] {
            let world = pair.clients[client].app.world_mut();
            let same = (0..SLOTS).all(|slot| Ours::shown(world, id as u64, slot) == cells[slot]);
            assert!(same, "client {client}: the copy of inventory {id} is wrong");
        }
    }
    let bytes_per_second = (sum(&pair) - before) as f64 / clients as f64 / seconds as f64;
    Loaded { bytes_per_second, memory }
}

/// Data of the stacks that [`movement`] moves.
#[derive(Serialize, Deserialize)]
struct Label(u32);

impl ItemData for Label {
    const NAME: &'static str = "label";
}

/// Exchanges two of a hundred and fifty stacks with data in every tick, between two chests that a client sees. Returns
/// the number of allocated bytes after a tenth of the time and at the end.
pub fn movement(seconds: u64, memory: fn() -> usize) -> [usize; 2] {
    const SLOTS: usize = 100;
    let mut dice = ops::Dice::new(6);
    let mut pair = Simulation::new(1, |app| {
        app.add_item_data::<Label>();
        app.insert_items(
            Items::<()>::from_ron(r#"(items: [(key: "axe", max_stack: 1)])"#).expect("valid"),
        );
    });
    let client = pair.client_id(0);
    let chests = [1, 2].map(|n| {
        let mut viewers = Viewers::default();
        viewers.add(client, Rights::empty());
        let chest = (InventoryId::named("chest", n), Inventory(Slots::new(SLOTS)), viewers);
        pair.server.world_mut().spawn(chest).id()
    });
    let mut pool = pair.server.world_mut().resource_mut::<DataPool>();
    let mut axe =
        |n| ItemId::of("axe").stack(1).with_data(pool.insert(&Label(n)).expect("it exists"));
    let mut stacks: Vec<Option<Stack>> =
        (0..).take(2 * SLOTS).map(|n| (n % 4 != 0).then(|| axe(n))).collect();
    let set = |pair: &mut Simulation, at: usize, stack| {
        let mut chest =
            pair.server.world_mut().get_mut::<Inventory>(chests[at / SLOTS]).expect("it exists");
        chest.set(at % SLOTS, stack).expect("it exists");
    };
    for (at, stack) in stacks.iter().enumerate() {
        set(&mut pair, at, *stack);
    }
    let (ticks, mut early) = (seconds * 60, 0);
    for tick in 0..ticks {
        let [a, b] = [(); 2].map(|()| dice.choose(2 * SLOTS, 1)[0]);
        stacks.swap(a, b);
        set(&mut pair, a, stacks[a]);
        set(&mut pair, b, stacks[b]);
        pair.step();
        if tick == ticks / 10 {
            early = memory();
        }
    }
    let late = memory();
    pair.steps(4);
    for (n, chest) in (1..).zip(chests) {
        let shown = pair.shown::<Inventory>(0, InventoryId::named("chest", n)).expect("it exists");
        assert_eq!(Some(shown), pair.server.world().get::<Inventory>(chest).map(Inventory::slots));
    }
    [early, late]
}
