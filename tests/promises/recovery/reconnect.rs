//! A client that reconnects receives what changed, once.

use bevy_inventory_sync::shared::random::InventoryRng;

use crate::common::{random::sample, *};
use std::{cell::Cell, rc::Rc};

#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
struct Note(String);

impl ItemData for Note {
    const NAME: &'static str = "note";
}

fn setup_notes(app: &mut App) {
    setup(app);
    app.add_item_data::<Note>();
}

/// A session that sends every kind of message.
struct Session {
    pair: Simulation,
    me: Entity,
    shared: Entity,
    bank: Option<Entity>,
    second: Option<Entity>,
    asked: u64,
}

const ACTS: usize = 16;

impl Session {
    fn new() -> Self {
        let Scene { pair, player_entity: me, chest_entity: shared, .. } =
            Scene::with_setup(2, setup_notes)
                .players(1)
                .chest([0, 1])
                .carried(10, COIN.stack(50))
                .latency(2)
                .build();
        Self { pair, me, shared, bank: None, second: None, asked: 0 }
    }

    /// Moves a coin from the player's inventory into the chest, if both are in view.
    fn pay(&mut self) {
        let ids = self.pair.clients[0].app.world().resource::<InventoryIds>();
        let (Some(me), Some(shared)) = (ids.get(player(0)), ids.get(chest(1))) else { return };
        let (from, to) = (inv(me, 10), inv(shared, 20));
        ask(&mut self.pair, 0, InventoryAction::Move { from, to, count: Some(1) });
        self.asked += 1;
    }

    fn act(&mut self, act: usize) {
        let Self { pair, me, shared, .. } = self;
        let (me, shared) = (*me, *shared);
        match act {
            0 => drop(inventory(pair, me).set(0, TORCH.stack(9))),
            1 => drop(inventory(pair, me).split(0, 1)),
            2 => drop(inventory(pair, shared).set(3, AXE.stack(1).with_wear(77))),
            3 | 7 | 12 | 15 => self.pay(),
            4 => {
                let note = Note("never forget".to_string());
                let data = pair.server.world_mut().resource_mut::<DataPool>().insert(&note);
                let axe = AXE.stack(1).with_data(data.unwrap());
                drop(inventory(pair, me).set(1, axe));
                drop(inventory(pair, shared).set(4, axe));
            }
            5 => (11..27).for_each(|at| drop(inventory(pair, me).set(at, TORCH.stack(2)))),
            6 => hotbar(pair, me).select(3),
            8 => self.second = Some(spawn_chest(pair, 2, &[0])),
            9 => {
                let bank = spawn_chest(pair, 3, &[0]);
                pair.server.world_mut().entity_mut(bank).insert(noise(1500, 9));
                self.bank = Some(bank);
            }
            10 | 11 => {
                let second = self.second.unwrap();
                drop(inventory(pair, second).set(act, TORCH.stack(5)));
                let turn = if act == 10 { hide } else { show };
                turn(pair, second, 0);
            }
            13 => {
                pair.server.world_mut().despawn(self.second.unwrap());
                let second = spawn_chest(pair, 2, &[0]);
                drop(inventory(pair, second).set(0, AXE.stack(1)));
                self.second = Some(second);
            }
            _ => {
                let bank = self.bank.unwrap();
                drop(inventory(pair, bank).resize(1400));
                drop(inventory(pair, bank).set(0, TORCH.stack(1)));
            }
        }
    }

    /// Plays the session, and disconnects at the message with that number. Returns the number of messages.
    fn play(mut self, cut: Option<usize>, upwards: bool) -> usize {
        let count = Rc::new(Cell::new(0));
        let counter = count.clone();
        let tamper = move |client: usize, _: usize, bytes| {
            counter.set(counter.get() + usize::from(client == 0));
            let gone = client == 0 && cut.is_some_and(|cut| counter.get() > cut);
            if gone { vec![] } else { vec![bytes] }
        };
        if upwards {
            self.pair.tamper_requests(tamper)
        } else {
            self.pair.tamper(tamper)
        }
        let mut was_cut = false;
        for act in 0..ACTS + 10 {
            if act < ACTS {
                self.act(act);
            }
            for _ in 0..4 {
                self.pair.step();
                if cut.is_some_and(|cut| count.get() > cut) && !was_cut {
                    was_cut = true;
                    self.pair.stop_tampering();
                    let mut seen = vec![self.shared];
                    seen.extend(self.bank);
                    seen.extend(self.second);
                    reconnect(&mut self.pair, 0, 1, &[self.me], &seen);
                    self.pair.steps(6);
                }
            }
        }
        let messages = count.get();
        self.pair.settle(400);
        assert_eq!(count.get(), messages, "all messages were within the session");
        self.check(cut);
        messages
    }

    fn check(&mut self, cut: Option<usize>) {
        let pair = &mut self.pair;
        let client = stats(&pair.clients[0].app);
        assert_eq!(client.decode_errors + client.gaps + client.unknown_views, 0, "cut at {cut:?}");
        assert_eq!(client.checksum_mismatches, 0);
        for id in [player(0), chest(1), chest(2), chest(3)] {
            assert_same(pair, 0, id);
        }
        assert_same(pair, 1, chest(1));
        let paid = inventory(pair, self.shared).get(20).map_or(0, |stack| u64::from(stack.count()));
        let kept = inventory(pair, self.me).get(10).map_or(0, |stack| u64::from(stack.count()));
        assert_eq!(paid + kept, 50, "cut at {cut:?}");
        assert_eq!(paid, stats(&pair.server).requests_accepted, "each once, cut at {cut:?}");
        let events = events(pair, 0);
        let confirmed = events.confirmed.len() as u64;
        assert_eq!(confirmed + events.rejected.len() as u64, self.asked, "cut at {cut:?}");
        assert!(confirmed <= paid && paid <= self.asked);
        let mut answered = events.confirmed.clone();
        answered.extend(events.rejected.iter().map(|(request, _)| *request));
        answered.sort_by_key(|request| format!("{request:?}"));
        answered.dedup();
        assert_eq!(answered.len() as u64, self.asked, "each is answered once");
    }
}

#[test]
fn connection_lost_at_any_message_converges() {
    let down = Session::new().play(None, false);
    assert!(down > 20, "{down}");
    for cut in sample(0..down, 12) {
        Session::new().play(Some(cut), false);
    }
}

#[test]
fn connection_lost_at_any_request_converges() {
    let up = Session::new().play(None, true);
    assert!(up > 4, "{up}");
    for cut in sample(0..up, 4) {
        Session::new().play(Some(cut), true);
    }
}

/// A client with an inventory and ten chests, all full.
fn stocked() -> (Simulation, Entity, Vec<Entity>) {
    let mut pair = pair(1);
    let me = spawn_player(&mut pair, 0);
    let chests: Vec<Entity> = (1..11).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    for (n, there) in chests.iter().chain([&me]).enumerate() {
        pair.server.world_mut().entity_mut(*there).insert(noise(27, n as u64));
    }
    pair.settle(100);
    (pair, me, chests)
}

#[test]
fn reconnecting_costs_what_changed() {
    for away in [60usize, 600, 3600] {
        let (mut pair, me, chests) = stocked();
        let joined = bytes_down(&pair, 0);
        pair.disconnect(0);
        for tick in 0..away {
            if tick.is_multiple_of(60) {
                inventory(&mut pair, chests[3]).set(tick / 60 % 3, TORCH.stack(7)).unwrap();
            }
            pair.step();
        }
        pair.connect(0);
        give_back(&mut pair, 0, &[me], &chests);
        let before = bytes_down(&pair, 0);
        pair.settle(100);
        let bytes = bytes_down(&pair, 0) - before;
        assert!(joined > 600 && bytes < 200, "{bytes} after {away} ticks, {joined} at first");
        assert_eq!(stats(&pair.server).opens_from_cached_copy, 11);
        assert_same(&pair, 0, player(0));
        (1..11).for_each(|n| assert_same(&pair, 0, chest(n)));
        assert_eq!(stats(&pair.clients[0].app).decode_errors, 0);
    }
}

#[test]
fn restarted_server_sends_full_updates() {
    let (mut first, ..) = stocked();
    first.disconnect(0);
    let client = core::mem::replace(&mut first.clients[0].app, Simulation::app(setup));
    let restarted = Simulation::app(|app| {
        setup(app);
        // Another run of the server has another id.
        app.insert_resource(InventoryRng::seeded(99));
    });
    let mut second = Simulation::from_apps(restarted, [client]);
    let me = spawn_player(&mut second, 0);
    inventory(&mut second, me).set(3, TORCH.stack(1)).unwrap();
    (1..11).for_each(|n| drop(spawn_chest(&mut second, n, &[0])));
    second.settle(100);
    assert_same(&second, 0, player(0));
    (1..11).for_each(|n| assert_same(&second, 0, chest(n)));
    assert_eq!(stats(&second.server).opens_from_cached_copy, 0);
    assert_eq!(stats(&second.clients[0].app).decode_errors, 0);
    // From then on only changes are sent.
    reconnect(&mut second, 0, 10, &[me], &[]);
    second.settle(100);
    assert_eq!(stats(&second.server).opens_from_cached_copy, 1);
    assert_same(&second, 0, player(0));
}

#[test]
fn reopening_costs_what_changed() {
    let (mut pair, _, chests) = stocked();
    let there = chests[4];
    for (changes, most) in [(0, 20), (1, 24), (3, 36)] {
        hide(&mut pair, there, 0);
        pair.settle(50);
        for n in 0..changes {
            inventory(&mut pair, there).set(n, AXE.stack(1)).unwrap();
        }
        let before = bytes_down(&pair, 0);
        show(&mut pair, there, 0);
        pair.steps(2);
        let bytes = bytes_down(&pair, 0) - before;
        assert!(bytes <= most, "{bytes} bytes for {changes} changes");
        assert_same(&pair, 0, chest(5));
    }
    assert_eq!(stats(&pair.server).opens_from_cached_copy, 3);
}

#[test]
fn repeated_handshake_on_a_slow_link_keeps_copies_in_step() {
    let (mut pair, me, chests) = stocked();
    for there in &chests[..5] {
        hide(&mut pair, *there, 0);
    }
    pair.settle(50);
    pair.network.latency_ticks = 45;
    reconnect(&mut pair, 0, 30, &[me], &[]);
    pair.settle(600);
    for there in &chests {
        show(&mut pair, *there, 0);
    }
    pair.settle(600);
    (1..11).for_each(|n| assert_same(&pair, 0, chest(n)));
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.decode_errors, client.resyncs_requested), (0, 0));
}
