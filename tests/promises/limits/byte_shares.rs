//! No client uses up the bytes of others, and no inventory those of the player's own.

use super::limit;
use crate::common::{forge::send, random::size, *};
use bevy_inventory_sync::wire::{
    bits::BitWriter,
    request::{RequestBody, write_body, write_payload},
};
use core::{ops::Range, time::Duration};
use serde::{Deserialize, Serialize};

/// Slots of a store.
const SLOTS: u16 = 1020;

/// Reverses the order of everything in a store: an action that changes many slots.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Reverse {
    store: InventoryId,
}

impl GameAction for Reverse {
    const NAME: &'static str = "reverse";
    type Output = ();

    fn apply(&self, tx: &mut Transaction) -> Result<(), Rejection> {
        let store = tx.find(self.store)?;
        for slot in 0..usize::from(SLOTS) / 2 {
            tx.swap(inv(store, slot), inv(store, usize::from(SLOTS) - 1 - slot))?;
        }
        Ok(())
    }
}

fn pair(clients: usize) -> Simulation {
    Simulation::new(clients, |app| {
        setup(app);
        app.add_action::<Reverse>();
    })
}

/// Spawns large chests full of axes of different wear, which take about 3 kB each.
fn spawn_stores(pair: &mut Simulation, stores: Range<u64>, viewers: &[usize]) {
    for n in stores {
        let slots = (0..SLOTS).map(|wear| Some(AXE.stack(1).with_wear(wear))).collect();
        let store = spawn_chest(pair, n, viewers);
        pair.server.world_mut().entity_mut(store).insert(Inventory(slots));
    }
}

/// A client that reverses one of its stores in every tick, one after the other, and waits for no answer.
struct Attacker {
    client: usize,
    stores: Range<u64>,
    requests: u64,
}

impl Attacker {
    fn new(client: usize, stores: Range<u64>) -> Self {
        Self { client, stores, requests: 0 }
    }

    fn act(&mut self, pair: &mut Simulation) {
        let Range { start, end } = self.stores;
        let store = chest(start + self.requests % (end - start));
        self.requests += 1;
        let [number, ..] = self.requests.to_le_bytes();
        let payload = bincode::serde::encode_to_vec(Reverse { store }, bincode::config::standard());
        let mut w = BitWriter::default();
        write_body(&mut w, number, &RequestBody::Act { actor: None, witness: 0, kind: 1 }, 2);
        write_payload(&mut w, &payload.unwrap());
        send(pair, self.client, w.finish().to_vec());
    }
}

/// Lets the game count up a slot that client 0 sees, beside attackers. Returns by how many ticks the client was late, on
/// average and at worst.
fn lateness(
    pair: &mut Simulation,
    (entity, id): (Entity, InventoryId),
    attackers: &mut [Attacker],
    ticks: u32,
) -> (f64, u32) {
    let mut late = Vec::new();
    for n in 1..=ticks {
        attackers.iter_mut().for_each(|attacker| attacker.act(pair));
        inventory(pair, entity).set(0, COIN.stack(n)).unwrap();
        pair.step();
        let shown = pair.shown::<Inventory>(0, id).unwrap().get(0);
        late.push(n - shown.map_or(0, |stack| stack.count()));
    }
    let sum: u32 = late.iter().sum();
    (f64::from(sum) / f64::from(ticks), *late.iter().max().unwrap())
}

#[test]
fn results_of_actions_exceed_the_budgets_only_up_to_a_bound() {
    for total in [u32::MAX, 50_000] {
        let mut pair = pair(1);
        spawn_stores(&mut pair, 0..2, &[0]);
        pair.settle(100);
        limit(&mut pair, 50_000, total);
        let (mut attacker, before) = (Attacker::new(0, 0..2), bytes_down(&pair, 0));
        let seconds = size(5, 20);
        for _ in 0..60 * seconds {
            attacker.act(&mut pair);
            pair.step();
        }
        let bytes = bytes_down(&pair, 0) - before;
        // Three quarters of a second, and both stores.
        let (budget, bound) = (50_000 * seconds, 37_500 + 2 * 3000);
        assert!((budget * 9 / 10..=budget + bound).contains(&bytes), "{bytes} in {seconds} s");
        pair.settle(300);
        assert_same(&pair, 0, chest(0));
        assert_same(&pair, 0, chest(1));
    }
}

#[test]
fn own_inventory_is_not_late_beside_an_attacker() {
    // Actions of which only the attacker sees the results, and shared chests.
    for (stores, shared, total) in
        [(1, false, 50_000), (20, true, u32::MAX), (20, true, 50_000), (20, true, 100_000)]
    {
        let mut pair = pair(2);
        let viewers: &[usize] = if shared { &[0, 1] } else { &[1] };
        spawn_stores(&mut pair, 0..stores, viewers);
        let own = spawn_player(&mut pair, 0);
        pair.settle(200);
        limit(&mut pair, 50_000, total);
        let mut attackers = [Attacker::new(1, 0..stores)];
        let (mean, most) = lateness(&mut pair, (own, player(0)), &mut attackers, size(240, 1200));
        println!("{stores} stores, total {total}: {mean:.2} ticks late, at worst {most}");
        assert!(mean <= 2.0, "{stores} stores, total {total}: {mean:.2} ticks, at worst {most}");
        pair.settle(600);
        assert_same(&pair, 0, player(0));
        assert_same(&pair, 1, chest(0));
    }
}

#[test]
fn many_attackers_do_not_starve_a_client() {
    const ATTACKERS: usize = 4;
    for own in [false, true] {
        let mut pair = pair(1 + ATTACKERS);
        for client in 1..=ATTACKERS {
            spawn_stores(&mut pair, client as u64..client as u64 + 1, &[client]);
        }
        let there =
            if own { spawn_player(&mut pair, 0) } else { spawn_chest(&mut pair, 100, &[0]) };
        let id = if own { player(0) } else { chest(100) };
        pair.settle(200);
        limit(&mut pair, u32::MAX, 50_000);
        let mut attackers: Vec<Attacker> =
            (1..=ATTACKERS as u64).map(|n| Attacker::new(n as usize, n..n + 1)).collect();
        let (mean, most) = lateness(&mut pair, (there, id), &mut attackers, size(180, 1200));
        println!("own: {own}: {mean:.2}, at worst {most}");
        // What a client has not been sent waits until the total is no longer far in debt.
        let bound = if own { 2.0 } else { 6.0 };
        assert!(mean <= bound, "own: {own}: {mean:.2} ticks late, at worst {most}");
    }
}

#[test]
fn answer_waits_for_the_result_of_its_action() {
    let mut pair = pair(1);
    spawn_stores(&mut pair, 0..2, &[0]);
    pair.settle(100);
    limit(&mut pair, 5000, u32::MAX);
    events(&mut pair, 0).clear();
    for n in 0..20 {
        ask(&mut pair, 0, Reverse { store: chest(n % 2) });
        pair.steps(4);
    }
    pair.settle(600);
    let latency = pair.clients[0].app.world().resource::<ActionLatency>().mean();
    assert!(latency > Duration::from_millis(300), "the budget is far exceeded: {latency:?}");
    let events = events(&mut pair, 0);
    assert_eq!((events.confirmed.len(), events.rejected.len()), (20, 0));
    let predicted = |slot: &SlotChanged| slot.cause == SlotCause::Predicted;
    assert!(events.slots.iter().all(predicted), "nothing is reverted in between");
}

#[test]
fn clients_that_wait_get_equal_parts_of_the_total() {
    let mut pair = pair(2);
    let of = |n: u64| usize::from(n == 20);
    let chests: Vec<Entity> = (0..21).map(|n| spawn_chest(&mut pair, n, &[of(n)])).collect();
    pair.settle(100);
    limit(&mut pair, u32::MAX, 5000);
    pair.steps(60);
    let before = [0, 1].map(|client| bytes_down(&pair, client));
    for n in 0..size(600, 1800) {
        for there in &chests {
            inventory(&mut pair, *there).0 = noise(27, n).0;
        }
        pair.step();
    }
    let [many, one] = [0, 1].map(|client| bytes_down(&pair, client) - before[client]);
    println!("{many} bytes for twenty inventories, {one} for one");
    assert!(many <= one * 11 / 10 && one <= many * 11 / 10, "{many} and {one} bytes");
}

#[test]
fn transfer_gets_its_share_of_the_total_beside_an_attacker() {
    let mut pair = pair(2);
    spawn_stores(&mut pair, 0..1, &[1]);
    pair.settle(100);
    limit(&mut pair, 50_000, 50_000);
    let mut attacker = Attacker::new(1, 0..1);
    for tick in 0..240 {
        attacker.act(&mut pair);
        if tick == 30 {
            let bank = spawn_chest(&mut pair, 10, &[0]);
            pair.server.world_mut().entity_mut(bank).insert(noise(8192, 1));
        }
        pair.step();
    }
    // About 25 kB, which half of the total earns in a second.
    assert_same(&pair, 0, chest(10));
}

#[test]
fn own_inventories_are_transferred_first() {
    let mut pair = pair(1);
    for n in 0..10 {
        let bank = spawn_chest(&mut pair, n, &[0]);
        pair.server.world_mut().entity_mut(bank).insert(noise(8192, n));
    }
    let own = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(own).insert(noise(8000, 20));
    let shown = |pair: &Simulation, id| pair.shown::<Inventory>(0, id).is_some();
    while !shown(&pair, player(0)) {
        pair.step();
        assert!(!shown(&pair, chest(9)), "the player's own inventory comes first");
    }
    pair.settle(600);
    (0..10).for_each(|n| assert_same(&pair, 0, chest(n)));
}

#[test]
fn answer_is_sent_with_its_result_when_the_inventory_changes_again() {
    let mut pair = pair(1);
    spawn_stores(&mut pair, 0..1, &[0]);
    let store = on_server(&pair, chest(0));
    pair.settle(100);
    limit(&mut pair, 5000, u32::MAX);
    for n in 0..6 {
        ask(&mut pair, 0, Reverse { store: chest(0) });
        // The server changes the inventory in each tick, so that its updates are never taken from the queue.
        for tick in 0..90 {
            let slot = (n * 90 + tick) % 27;
            inventory(&mut pair, store).set(slot, COIN.stack(1 + tick as u32)).unwrap();
            pair.step();
        }
    }
    let answered = events(&mut pair, 0).confirmed.len();
    assert!(answered >= 5, "{answered} answers");
    assert_eq!(stats(&pair.clients[0].app).resyncs_requested, 0);
}
