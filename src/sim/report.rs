//! Figures of simulated runs.

use core::fmt;
use std::collections::BTreeMap;

use crate::model::{action::InventoryAction, recipe::RecipeId, rejection::Rejection};

use super::game::RECIPE_KEYS;

/// An invariant that does not hold.
pub type Violation = String;

/// Figures of one run or of many.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Report {
    /// Number of runs.
    pub seeds: u64,
    /// Simulated ticks, times the number of players.
    pub player_ticks: u64,
    /// How often each operation was performed.
    pub ops: BTreeMap<String, u64>,
    /// How often each fault acted: messages for faults of the network, otherwise occurrences.
    pub faults: BTreeMap<&'static str, u64>,
    /// Requests of players.
    pub requested: u64,
    /// Actions that the server applied, by name.
    pub applied: BTreeMap<String, u64>,
    /// How often each recipe was crafted by players.
    pub crafted: BTreeMap<&'static str, u64>,
    /// Requests that were confirmed to players.
    pub confirmed: u64,
    /// Actions that the server rejected, by reason.
    pub rejections: BTreeMap<String, u64>,
    /// Requests that were rejected on clients, by reason.
    pub client_rejections: BTreeMap<String, u64>,
    /// Applied actions whose outcome the oracle does not know.
    pub unknown_outcomes: u64,
    /// Protocol violations of clients that the server reported.
    pub violations_by_clients: u64,
    /// Number of repairs, by kind.
    pub repairs: BTreeMap<&'static str, u64>,
    /// Number of rests.
    pub rests: u64,
    /// Maximum number of ticks until all agreed, by class of faults. Counted from when everything had arrived that was
    /// in transit when the faults stopped.
    pub worst_repair: BTreeMap<&'static str, u64>,
    /// Bytes in both directions.
    pub bytes: u64,
    /// Slots that changed in confirmed copies.
    pub slots_changed: u64,
}

/// Returns the name of an enum's variant, without its fields.
pub(super) fn variant(value: &impl fmt::Debug) -> String {
    format!("{value:?}").split([' ', '(', '{']).next().unwrap_or_default().into()
}

impl Report {
    pub(super) fn reject(&mut self, reason: Rejection) {
        *self.rejections.entry(variant(&reason)).or_default() += 1;
    }

    pub(super) fn reject_on_client(&mut self, reason: Rejection) {
        *self.client_rejections.entry(variant(&reason)).or_default() += 1;
    }

    /// Counts the recipe that an action has crafted.
    pub(super) fn note_crafted(&mut self, action: Option<&InventoryAction>) {
        let Some(InventoryAction::Craft { recipe, .. }) = action else { return };
        let crafted = RECIPE_KEYS.into_iter().find(|key| RecipeId::of(key) == *recipe);
        if let Some(key) = crafted {
            *self.crafted.entry(key).or_default() += 1;
        }
    }

    /// Records how long it took until all agreed.
    pub(super) fn note_repair(&mut self, class: &'static str, ticks: u64) {
        let worst = self.worst_repair.entry(class).or_default();
        *worst = ticks.max(*worst);
    }

    /// Adds the figures of other runs.
    pub fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.player_ticks += other.player_ticks;
        self.requested += other.requested;
        self.confirmed += other.confirmed;
        self.unknown_outcomes += other.unknown_outcomes;
        self.violations_by_clients += other.violations_by_clients;
        self.rests += other.rests;
        for (class, ticks) in other.worst_repair {
            self.note_repair(class, ticks);
        }
        self.bytes += other.bytes;
        self.slots_changed += other.slots_changed;
        merge(&mut self.ops, other.ops);
        merge(&mut self.applied, other.applied);
        merge(&mut self.crafted, other.crafted);
        merge(&mut self.faults, other.faults);
        merge(&mut self.rejections, other.rejections);
        merge(&mut self.client_rejections, other.client_rejections);
        merge(&mut self.repairs, other.repairs);
    }

    /// Returns the simulated hours, times the number of players.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    pub fn player_hours(&self) -> f64 {
        self.player_ticks as f64 / 216_000.0
    }
}

fn merge<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(key).or_default() += count;
    }
}

fn list<K: fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    let counts: Vec<String> = counts.iter().map(|(key, count)| format!("{key} {count}")).collect();
    counts.join(", ")
}

impl fmt::Display for Report {
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes as f64 / self.slots_changed.max(1) as f64;
        writeln!(f, "seeds: {}", self.seeds)?;
        writeln!(f, "player-hours: {:.1}", self.player_hours())?;
        writeln!(f, "operations: {}", list(&self.ops))?;
        writeln!(f, "faults: {}", list(&self.faults))?;
        writeln!(f, "requests: {}, confirmed {}", self.requested, self.confirmed)?;
        writeln!(f, "actions applied: {}", list(&self.applied))?;
        writeln!(f, "recipes crafted: {}", list(&self.crafted))?;
        writeln!(f, "actions with unknown outcome: {}", self.unknown_outcomes)?;
        writeln!(f, "rejections by the server: {}", list(&self.rejections))?;
        writeln!(f, "rejections on clients: {}", list(&self.client_rejections))?;
        writeln!(f, "reported violations: {}", self.violations_by_clients)?;
        writeln!(f, "repairs: {}", list(&self.repairs))?;
        writeln!(f, "rests: {}", self.rests)?;
        writeln!(f, "worst repair in ticks: {}", list(&self.worst_repair))?;
        write!(f, "bytes per change: {bytes:.2}")
    }
}
