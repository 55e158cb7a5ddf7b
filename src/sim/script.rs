//! What happens in one simulated run, and when. A script is drawn from a seed, or read from a file.

use core::{fmt, str::FromStr};

use ron::ser::PrettyConfig;
use serde::{Deserialize, Serialize};

use super::{
    fault::{Fault, FaultClass, Tampering},
    op::{Area, GameOp, Goods, Op, Pick, PlayerOp},
};

/// Ticks per second.
pub const TICK_RATE: u32 = 60;

/// Number of ticks for which a player is busy before an inventory is hidden from the player.
const REVOKED_TICKS: u32 = 20;

/// Number of ticks in which a player repeats a burst of requests.
const MASHED_TICKS: u32 = 8;

/// Faults of stores in 100 seconds.
const STORE_FAULT_RATE: u32 = 25;

/// One operation and the tick in which it is performed. Ticks are counted from the start, without those of rests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// The tick.
    pub tick: u32,
    /// The operation.
    pub op: Op,
}

/// One run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Script {
    /// Seed of the network, and of everything else that is random in the apps.
    pub seed: u64,
    /// Number of players.
    pub players: u8,
    /// Which promises apply.
    pub class: FaultClass,
    /// Whether inventories are stored.
    #[serde(default)]
    pub stored: bool,
    /// The operations, in order.
    pub events: Vec<Event>,
}

impl fmt::Display for Script {
    /// Writes one operation per line, as RON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pretty = PrettyConfig::new().depth_limit(2);
        f.write_str(&ron::ser::to_string_pretty(self, pretty).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Script {
    type Err = ron::error::SpannedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ron::from_str(text)
    }
}

impl Script {
    /// Draws a script of about `minutes` of play.
    #[must_use]
    pub fn random(seed: u64, players: u8, minutes: u32) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let class = if seed % 3 == 2 { FaultClass::Broken } else { FaultClass::Network };
        let mut events = Vec::new();
        // Some runs are busy, some are quiet.
        let (player_rate, game_rate) = (random.u32(2..8), random.u32(1..6));
        let fault_rate = match class {
            FaultClass::Network => random.u32(5..40),
            FaultClass::Broken => random.u32(20..80),
        };
        let end = minutes * 60 * TICK_RATE;
        let mut tick = 0;
        for place in 0..32 {
            let goods = Goods { count: 40, ..goods(&mut random) };
            let share = random.u8(20..160);
            events.push(Event { tick, op: Op::Game(GameOp::Rewrite { place, share, goods }) });
        }
        while tick < end {
            let cycle = random.u32(5..30) * TICK_RATE;
            for _ in 0..cycle {
                tick += 1;
                for player in 0..players {
                    if random.u32(0..TICK_RATE) < player_rate {
                        let op = player_op(&mut random);
                        let mashes = matches!(op, PlayerOp::Burst { requests } if requests > 32);
                        // A player who keeps pressing a button exceeds the rate limit.
                        for later in 0..if mashes { MASHED_TICKS } else { 1 } {
                            let op = Op::Player(player, op.clone());
                            events.push(Event { tick: tick + later, op });
                        }
                    }
                }
                if random.u32(0..TICK_RATE) < game_rate {
                    let op = game_op(&mut random);
                    if let GameOp::Hide { client, .. } = op {
                        // Earlier requests of the player arrive when it no longer has the rights.
                        for before in 0..tick.min(REVOKED_TICKS) {
                            let op = Op::Player(client, player_op(&mut random));
                            events.push(Event { tick: tick - before, op });
                        }
                    }
                    events.push(Event { tick, op: Op::Game(op) });
                }
                if random.u32(0..TICK_RATE * 100) < fault_rate {
                    events.push(Event { tick, op: Op::Fault(fault(&mut random, class)) });
                }
            }
            events.push(Event { tick, op: Op::Rest });
        }
        events.sort_by_key(|event| event.tick);
        Self { seed, players, class, stored: false, events }
    }

    /// Stores the inventories, and adds faults of the store.
    #[must_use]
    pub fn with_store(mut self) -> Self {
        self.stored = true;
        let end = self.events.last().map_or(0, |event| event.tick);
        let mut random = fastrand::Rng::with_seed(!self.seed);
        for tick in 0..end {
            if random.u32(0..TICK_RATE * 100) < STORE_FAULT_RATE {
                let op = Op::Fault(store_fault(&mut random));
                self.events.push(Event { tick, op });
            }
        }
        self.events.sort_by_key(|event| event.tick);
        self
    }
}

fn pick(random: &mut fastrand::Rng, filled: bool) -> Pick {
    // Few slots, so that players collide.
    let slot = if random.bool() { random.u16(0..4) } else { random.u16(..) };
    Pick { inventory: random.u8(..), slot, filled }
}

fn area(random: &mut fastrand::Rng) -> Area {
    let container = random.bool().then(|| random.u8(..));
    Area { inventory: random.u8(..), container }
}

fn areas(random: &mut fastrand::Rng) -> Vec<Area> {
    (0..random.usize(1..4)).map(|_| area(random)).collect()
}

fn goods(random: &mut fastrand::Rng) -> Goods {
    let count = if random.u8(0..8) == 0 { random.u16(1..300) } else { random.u16(1..40) };
    let wear = random.u16(0..3);
    Goods { item: random.u8(..), count, wear, label: random.u8(0..3) == 0 }
}

fn count(random: &mut fastrand::Rng) -> Option<u16> {
    random.bool().then(|| random.u16(0..30))
}

/// Draws what a player does.
pub(super) fn player_op(random: &mut fastrand::Rng) -> PlayerOp {
    let r = random;
    match r.u32(0..100) {
        0..14 => {
            let filled = r.u8(0..8) > 0;
            PlayerOp::Move { from: pick(r, filled), to: pick(r, false), count: count(r) }
        }
        14..22 => PlayerOp::Swap { a: pick(r, true), b: pick(r, false) },
        22..33 => PlayerOp::QuickMove { from: pick(r, true), to: area(r) },
        33..37 => PlayerOp::Collect { onto: pick(r, true), from: areas(r) },
        37..42 => {
            let onto = (0..r.usize(1..6)).map(|_| pick(r, false)).collect();
            let each = r.bool().then(|| r.u16(0..4));
            PlayerOp::Spread { from: pick(r, true), onto, each }
        }
        42..46 => PlayerOp::MoveAll { from: area(r), to: area(r) },
        46..51 => PlayerOp::Drop { from: pick(r, true), count: count(r) },
        51 => PlayerOp::DropAll { from: area(r) },
        52..58 => PlayerOp::PickUp { loot: r.u8(..) },
        58..61 => PlayerOp::Select { slot: r.u8(..) },
        61..64 => PlayerOp::Use { slot: pick(r, true) },
        64..67 => PlayerOp::Sort { area: area(r) },
        67..72 => PlayerOp::Craft {
            recipe: r.u8(..),
            times: r.u8(0..3),
            from: areas(r),
            to: area(r),
            at: r.bool().then(|| r.u8(..)),
        },
        72..79 => PlayerOp::Tally,
        79 => PlayerOp::Burst { requests: if r.u8(0..16) == 0 { 120 } else { r.u8(2..40) } },
        80..83 => PlayerOp::Engrave { slot: pick(r, true) },
        83..86 => PlayerOp::WearOut { slot: pick(r, true) },
        86..88 => PlayerOp::Trade { with: r.u8(..) },
        88 => PlayerOp::Conjure,
        89 => PlayerOp::Refuse { number: r.u16(..) },
        90 => PlayerOp::Beyond { inventory: r.u8(..) },
        91..94 => PlayerOp::Open { place: r.u8(..) },
        94 => PlayerOp::Cancel { place: r.u8(..) },
        95 => PlayerOp::Close { inventory: r.u8(..) },
        96..99 => PlayerOp::TurnPage { page: r.u8(..) },
        _ => PlayerOp::Scribble { slot: pick(r, false) },
    }
}

/// Draws what the game does.
pub(super) fn game_op(random: &mut fastrand::Rng) -> GameOp {
    let r = random;
    let place = r.u8(..);
    match r.u32(0..100) {
        0..25 => {
            let goods = (r.u8(0..4) > 0).then(|| goods(r));
            GameOp::Set { place, slot: r.u16(..), goods }
        }
        25..30 => GameOp::Flicker { place, slot: r.u16(..), goods: goods(r) },
        30..37 => GameOp::Rewrite { place, share: r.u8(..), goods: goods(r) },
        37..45 => GameOp::Insert { place, goods: goods(r) },
        45..50 => GameOp::Take { place, item: r.u8(..), count: r.u16(0..60) },
        50..56 => {
            GameOp::Transact { from: place, to: r.u8(..), item: r.u8(..), count: r.u16(0..60) }
        }
        56..59 => GameOp::DropAt { place, goods: goods(r) },
        59..65 => GameOp::Hold { place, slot: r.u16(..) },
        65..67 => GameOp::Select { place, slot: r.u8(0..10) },
        67..69 => GameOp::Resize { place, len: r.u8(0..60) },
        69..71 => GameOp::ToggleContainer { place, container: r.u8(..) },
        71..78 => {
            GameOp::Show { place, client: r.u8(..), rights: [7, 7, 7, 3, 5, 1][r.usize(0..6)] }
        }
        78..82 => GameOp::Hide { place, client: r.u8(..) },
        82..84 => GameOp::GiveTo { place, client: r.u8(..) },
        84..87 => GameOp::ToggleRule { place, rule: r.u8(..) },
        87 => GameOp::Reload,
        88..90 => GameOp::Despawn { place },
        90..94 => GameOp::Respawn { place },
        94 => GameOp::Prioritize { place, priority: r.u8(..) },
        95 if r.bool() => GameOp::PrioritizeViewer { place, client: r.u8(..), priority: r.u8(..) },
        95 => GameOp::ChangeTabs { page: place, how: r.u8(..) },
        96 => GameOp::Budget { kilobytes: [0, 1, 4, 50][r.usize(0..4)] },
        97 => GameOp::TotalBudget { kilobytes: [0, 2, 8, 50][r.usize(0..4)] },
        98 => GameOp::ToggleDeltas,
        _ if r.bool() => GameOp::Resend,
        _ => GameOp::Sweep,
    }
}

/// Draws a fault of a class. Faults of networks happen in both.
pub(super) fn fault(random: &mut fastrand::Rng, class: FaultClass) -> Fault {
    let r = random;
    let client = r.u8(..);
    if class == FaultClass::Broken && r.bool() {
        let messages = r.u8(1..60);
        return match r.u32(0..12) {
            0..6 => {
                let how = Tampering::ALL;
                Fault::Tamper {
                    client,
                    to_server: r.bool(),
                    how: how[r.usize(0..how.len())],
                    percent: r.u8(1..40),
                    ticks: r.u16(1..300),
                }
            }
            6 | 7 => Fault::RandomRequests { client, messages },
            8 | 9 => Fault::AlteredRequests { client, messages },
            10 => Fault::Flood { client, messages: r.u16(50..600) },
            _ => Fault::Corrupt { client, inventory: r.u8(..), slot: r.u16(..) },
        };
    }
    match r.u32(0..40) {
        0..14 => {
            let loss = if r.bool() { 0 } else { r.u8(1..30) };
            Fault::Network { latency: r.u8(0..20), jitter: r.u8(0..10), loss }
        }
        14..20 => Fault::Partition { client, ticks: r.u16(1..120) },
        20..26 => Fault::Reconnect { client, ticks: r.u8(..) },
        26..31 => Fault::Freeze { client, ticks: r.u16(1..200) },
        31..34 => Fault::Overrun { ticks: r.u8(1..30) },
        34..37 => Fault::Crash { client },
        37 | 38 => Fault::OldVersion,
        _ => Fault::Restart,
    }
}

/// Draws a fault of a store.
pub(super) fn store_fault(random: &mut fastrand::Rng) -> Fault {
    let r = random;
    match r.u32(0..10) {
        0..2 => Fault::Kill,
        2..6 => {
            Fault::StoreFails { operations: r.u8(0..6), answer_lost: r.bool(), ticks: r.u8(..) }
        }
        _ => Fault::EndClaim { place: r.u8(..) },
    }
}
