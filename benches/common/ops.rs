//! Workloads: operations on slots, generated from fixed seeds, and the same for all peers.

use serde::{Deserialize, Serialize};

/// Slots of an inventory, including its hotbar, which comes last.
pub const SLOTS: usize = 36;

/// Slots of the hotbar.
pub const HOTBAR: usize = 9;

/// Number of items in the catalog.
pub const ITEMS: u16 = 512;

/// Contents of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ItemStack {
    /// 1 to [`ITEMS`].
    pub item: u16,
    /// 1 to 64.
    pub count: u8,
}

/// All slots of an inventory.
pub type Cells = [Option<ItemStack>; SLOTS];

/// A change of a slot.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    /// Tick, counted from the start of the workload.
    pub tick: u64,
    /// Index of the slot.
    pub slot: usize,
    /// The slot's contents after the change.
    pub new: Option<ItemStack>,
}

/// A workload on one inventory.
pub struct Workload {
    pub first: Cells,
    pub ops: Vec<Op>,
    /// Duration, in ticks.
    pub ticks: u64,
}

/// Random generator of workloads.
pub struct Dice(fastrand::Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub fn slot(&mut self) -> usize {
        self.0.usize(0..SLOTS)
    }

    /// Chooses `some` distinct numbers below `all`.
    pub fn choose(&mut self, all: usize, some: usize) -> Vec<usize> {
        self.0.choose_multiple(0..all, some)
    }

    /// Draws an item. A few items are frequent, as in real inventories.
    fn item(&mut self) -> u16 {
        let u = self.0.f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 512")]
        let item = (f64::from(ITEMS) * u * u) as u16;
        1 + item
    }

    fn cells(&mut self) -> Cells {
        core::array::from_fn(|_| {
            let filled = self.0.u32(0..3) < 2;
            filled.then(|| ItemStack { item: self.item(), count: self.0.u8(1..=64) })
        })
    }

    /// Draws the next contents of a slot, which may be the same.
    pub fn change(&mut self, old: Option<ItemStack>) -> Option<ItemStack> {
        let Some(old) = old else {
            return Some(ItemStack { item: self.item(), count: self.0.u8(1..=8) });
        };
        match self.0.u32(0..10) {
            0 => None,
            1 => Some(ItemStack { item: self.item(), ..old }),
            _ => {
                let by = self.0.u8(1..=8);
                let more = self.0.bool();
                let count = if more { old.count + by } else { old.count.saturating_sub(by) };
                (count > 0).then_some(ItemStack { count: count.min(64), ..old })
            }
        }
    }
}

/// W1: eight single items are dropped from the hotbar within two seconds.
pub fn q_drop() -> Workload {
    let mut dice = Dice(fastrand::Rng::with_seed(1));
    let mut first = dice.cells();
    first[SLOTS - HOTBAR..].fill(Some(ItemStack { item: 7, count: 40 }));
    let ops = (0..8u8).map(|n| {
        let new = Some(ItemStack { item: 7, count: 39 - n / 4 });
        Op { tick: 15 * u64::from(n), slot: SLOTS - HOTBAR + usize::from(n % 4), new }
    });
    Workload { first, ops: ops.collect(), ticks: 120 }
}

/// W2: about two changes per second.
pub fn casual(seconds: u64) -> Workload {
    random(seconds, 2.0)
}

/// Thirty changes per second, as with a working machine.
pub fn rushed(seconds: u64) -> Workload {
    random(seconds, 20.0)
}

fn random(seconds: u64, per_second: f64) -> Workload {
    let mut dice = Dice(fastrand::Rng::with_seed(2));
    let first = dice.cells();
    let mut cells = first;
    let mut ops = Vec::new();
    for tick in 0..seconds * 60 {
        while dice.0.f64() < per_second / 60.0 {
            let slot = dice.0.usize(0..SLOTS);
            let new = dice.change(cells[slot]);
            if new != cells[slot] {
                cells[slot] = new;
                ops.push(Op { tick, slot, new });
            }
        }
    }
    Workload { first, ops, ticks: seconds * 60 }
}

/// W4: 30 of 36 slots change in one tick, twenty times.
pub fn bulk() -> Workload {
    let mut dice = Dice(fastrand::Rng::with_seed(4));
    let first = dice.cells();
    let mut cells = first;
    let mut ops = Vec::new();
    for round in 0..20 {
        let mut slots: Vec<usize> = (0..SLOTS).collect();
        dice.0.shuffle(&mut slots);
        for slot in slots.into_iter().take(30) {
            let mut new = cells[slot];
            while new == cells[slot] {
                new = Some(ItemStack { item: dice.item(), count: dice.0.u8(1..=64) });
            }
            cells[slot] = new;
            ops.push(Op { tick: round * 30, slot, new });
        }
    }
    Workload { first, ops, ticks: 600 }
}

/// Draws typical player inventories.
pub fn inventories(count: usize) -> Vec<Cells> {
    let mut dice = Dice(fastrand::Rng::with_seed(6));
    (0..count).map(|_| dice.cells()).collect()
}

/// Returns the minimum number of bytes per change that could encode only the changes themselves: the entropy of slot
/// and change, rounded up to bytes per tick.
#[must_use]
pub fn lower_bound(workload: &Workload) -> f64 {
    let mut cells = workload.first;
    let mut bits: std::collections::BTreeMap<u64, f64> = std::collections::BTreeMap::new();
    for op in &workload.ops {
        let old = core::mem::replace(&mut cells[op.slot], op.new);
        let slot = (SLOTS as f64).log2();
        let item = (f64::from(ITEMS)).log2();
        let change = match (old, op.new) {
            (Some(old), Some(new)) if old.item == new.item => 16f64.log2() - 0.8f64.log2(),
            (Some(_), None) => -0.1f64.log2(),
            (Some(_), Some(_)) => item - 0.1f64.log2(),
            (None, _) => item + 3.0,
        };
        *bits.entry(op.tick).or_default() += slot + change;
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
    let changes = workload.ops.len() as f64;
    bits.values().map(|bits| (bits / 8.0).ceil()).sum::<f64>() / changes
}
