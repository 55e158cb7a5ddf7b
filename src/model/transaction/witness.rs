//! What a player saw, as far as the outcome of an action depends on it. The client records it in its prediction and
//! sends it with the request. The server records the same when it decides, and compares the two.

use bevy::{ecs::entity::Entity, platform::collections::HashMap};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::{
    container::{ContainerRef, Slot},
    error::InventoryError,
    id::InventoryId,
    rejection::Rejection,
    stack::Stack,
};

use super::{Side, Transaction, fill::unit_stack};

/// Maximum number of [`Seen::versions`].
pub const VERSIONS_MAX: usize = 8;

/// Maximum number of [`Seen::taken`].
pub const TAKEN_MAX: usize = 64;

/// What a player saw.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Witness {
    /// The low bits of a hash of everything that was recorded. Zero if nothing was predicted.
    pub hash: u16,
    /// Present if the hash does not suffice.
    pub seen: Option<Seen>,
}

/// The part of a witness that most actions do not need.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Seen {
    /// The next 16 bits of the hash.
    pub hash: u16,
    /// The versions that were [expected](Transaction::expect_version): the low bits, in the order of the calls.
    pub versions: Vec<u32>,
    /// What was taken by item and not by slot. `None` if that is more than [`TAKEN_MAX`] stacks.
    pub taken: Option<Vec<TakenStack>>,
}

/// Stacks of one kind, with wear or instance data, that were taken by item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TakenStack {
    /// Which call took it, counted from zero.
    pub take: u32,
    /// A stack of that kind with the total count.
    pub stack: Stack,
}

impl Witness {
    /// Returns `true` if the hash is the one that was recorded.
    fn agrees(&self, recorded: u64) -> bool {
        self.hash == low(recorded)
            && self.seen.as_ref().is_none_or(|seen| seen.hash == high(recorded))
    }
}

fn low(hash: u64) -> u16 {
    let [a, b, ..] = hash.to_le_bytes();
    u16::from_le_bytes([a, b]).max(1)
}

fn high(hash: u64) -> u16 {
    let [_, _, a, b, ..] = hash.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// What a transaction has recorded so far.
#[derive(Default)]
pub(super) struct WitnessLog {
    hash: u64,
    /// The hash at the first point where a client cannot continue.
    in_part: Option<u64>,
    /// Number of calls that took by item.
    takes: u32,
    versions: Vec<u32>,
    taken: Vec<TakenStack>,
    /// Whether the low bits of the hash are not enough.
    wide: bool,
}

impl WitnessLog {
    fn mix(&mut self, bytes: &[u8]) {
        self.hash = xxh3_64_with_seed(bytes, self.hash);
    }

    fn witness(&self, hash: u64) -> Witness {
        let Self { versions, taken, .. } = self;
        let taken = (taken.len() <= TAKEN_MAX).then(|| taken.clone());
        let listed = taken.as_ref().is_none_or(|taken| !taken.is_empty());
        let needed = self.wide || !versions.is_empty() || listed;
        let seen = Seen { hash: high(hash), versions: versions.clone(), taken };
        Witness { hash: low(hash), seen: needed.then_some(seen) }
    }
}

/// What a client predicted that one call would take, as the number of each kind of stack. `None` if any stack may
/// be taken.
pub(super) struct PredictedTake(Option<HashMap<Stack, u32>>);

impl PredictedTake {
    /// Returns `true` if a stack may be taken by item. Plain stacks always may.
    pub(super) fn admits(&self, stack: &Stack) -> bool {
        unit_stack(stack) == stack.item.stack(1) || self.most(stack) > 0
    }

    /// Returns the number of items of a kind that may still be taken.
    pub(super) fn most(&self, stack: &Stack) -> u32 {
        let left = |left: &HashMap<Stack, u32>| left.get(&unit_stack(stack)).copied().unwrap_or(0);
        self.0.as_ref().map_or(u32::MAX, left)
    }

    /// Returns the number of items that are listed.
    pub(super) fn listed(&self) -> u32 {
        self.0.as_ref().map_or(0, |left| left.values().fold(0, |sum, n| sum.saturating_add(*n)))
    }

    /// Records that a stack has been taken.
    pub(super) fn take(&mut self, stack: &Stack) {
        if let Some(left) = self.0.as_mut().and_then(|left| left.get_mut(&unit_stack(stack))) {
            *left = left.saturating_sub(stack.count());
        }
    }
}

impl Transaction<'_> {
    /// Records the item and instance data in a slot. If the server finds another item there than
    /// the player saw, the action is rejected as [`Rejection::Stale`]. Count and wear may differ,
    /// since they change without the player.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NoSuchSlot`].
    pub fn expect_unchanged(&mut self, entity: Entity, slot: Slot) -> Result<(), InventoryError> {
        self.witness_slot(entity, slot, false)
    }

    /// Like [`Self::expect_unchanged`], including the count if `exactly` is set.
    pub(crate) fn witness_slot(
        &mut self,
        entity: Entity,
        slot: Slot,
        exactly: bool,
    ) -> Result<(), InventoryError> {
        let stack = self.get(entity, slot)?;
        let count = stack.filter(|_| exactly).map_or(0, |stack| stack.count());
        self.record_witnessed(entity, slot, stack, count);
        Ok(())
    }

    /// Like [`Self::expect_unchanged`], for every filled slot of an area and including the counts. For
    /// actions that cannot be undone. Where another player chooses the contents, use
    /// [`Self::expect_version`].
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NoSuchSlot`].
    pub fn expect_unchanged_with_counts(
        &mut self,
        area: impl Into<ContainerRef>,
    ) -> Result<(), InventoryError> {
        let area = area.into();
        let registry = self.registry;
        for flat in self.range(area)? {
            let state = self.state(area.entity)?;
            if let (Some(stack), Some(slot)) = (state.get(flat), state.address(registry, flat)) {
                self.record_witnessed(area.entity, slot, Some(stack), stack.count());
            }
        }
        Ok(())
    }

    /// Requires that nothing in an area has changed since the version that the player was shown: no item, count,
    /// wear or instance data. For agreements between players, such as a trade. Costs four bytes in the request.
    ///
    /// Call it before the action changes the area, and before [`create_data`](Self::create_data). An action can
    /// name at most [`VERSIONS_MAX`] areas.
    ///
    /// # Errors
    ///
    /// [`Rejection::Stale`] if the area has changed. On a client, [`Rejection::Unconfirmed`] if an earlier action
    /// on the inventory has not been answered. [`InventoryError::NoInventory`] or
    /// [`InventoryError::NoSuchSlot`].
    pub fn expect_version(&mut self, area: impl Into<ContainerRef>) -> Result<(), InventoryError> {
        let area = area.into();
        let range = self.range(area)?;
        let Some(player) = self.player else { return Ok(()) };
        if self.log.versions.len() == VERSIONS_MAX {
            return Err(Rejection::Invalid.into());
        }
        let version = match player.side {
            Side::Predicts { version, again: None } => version(area.entity)?,
            // The server compares the version that was sent with the request.
            Side::Predicts { again: Some(_), .. } => 0,
            Side::Decides { witness: None, unchanged } => {
                unchanged(area.entity, range, None).then_some(0).ok_or(Rejection::Stale)?
            }
            Side::Decides { witness: Some(witness), unchanged } => {
                let seen = witness.seen.as_ref().map_or(&[][..], |seen| seen.versions.as_slice());
                let version = seen.get(self.log.versions.len()).copied();
                version
                    .filter(|version| unchanged(area.entity, range, Some(*version)))
                    .ok_or(Rejection::Stale)?
            }
        };
        self.log.versions.push(version);
        Ok(())
    }

    /// Records that an inventory was accessed. The ids of accessed inventories are part of what the
    /// player saw, since a view may show another inventory by the time the request arrives.
    pub(super) fn record_inventory(&mut self, entity: Entity) {
        if let Some(id) = self.player.and_then(|player| (player.id_of)(entity)) {
            self.log.mix(&id.to_bits().to_le_bytes());
        }
    }

    /// Records the contents of a slot with this count, which is zero if the count does not matter.
    fn record_witnessed(&mut self, entity: Entity, slot: Slot, stack: Option<Stack>, count: u32) {
        let id = self.player.and_then(|player| (player.id_of)(entity));
        // Fixed byte layout, so that both sides get the same hash on any machine.
        let mut seen = [0; 26];
        seen[..8].copy_from_slice(&id.map_or(0, InventoryId::to_bits).to_le_bytes());
        seen[8..12].copy_from_slice(&slot.container.to_bits().to_le_bytes());
        seen[12..14].copy_from_slice(&slot.index.to_le_bytes());
        if let Some(stack) = stack {
            seen[14..18].copy_from_slice(&stack.item.to_bits().to_le_bytes());
            let data = stack.data.map_or(0, |data| data.0.get());
            seen[18..22].copy_from_slice(&data.to_le_bytes());
            seen[22..].copy_from_slice(&count.to_le_bytes());
        }
        self.log.mix(&seen);
    }

    /// Begins to take by item, and returns what may be taken.
    pub(super) fn begin_take(&mut self) -> PredictedTake {
        let take = self.log.takes;
        self.log.takes += 1;
        let witness = self.player.and_then(|player| match player.side {
            Side::Predicts { again, .. } => again,
            Side::Decides { witness, .. } => witness,
        });
        // Past the point where a client cannot continue, nothing has been predicted.
        let predicted = |witness: &&Witness| witness.hash != 0 && self.log.in_part.is_none();
        let Some(witness) = witness.filter(predicted) else { return PredictedTake(None) };
        let Some(seen) = &witness.seen else { return PredictedTake(Some(HashMap::default())) };
        let Some(taken) = &seen.taken else { return PredictedTake(None) };
        let of_this = taken.iter().filter(|taken| taken.take == take);
        PredictedTake(Some(of_this.map(|of| (unit_stack(&of.stack), of.stack.count())).collect()))
    }

    /// Records what was taken by item. The item and the total count follow from the action, so only stacks with wear
    /// or instance data are listed.
    pub(super) fn end_take(&mut self, stacks: &[Stack]) {
        let take = self.log.takes - 1;
        for stack in self.record_taken(stacks) {
            let plain = stack.stacks_with(&stack.item.stack(1));
            // One more than the maximum is enough to know that there are too many.
            if !plain && self.log.taken.len() <= TAKEN_MAX {
                self.log.taken.push(TakenStack { take, stack });
            }
        }
    }

    /// Records what was taken because it matched a condition. Another player may choose these stacks, so the whole
    /// hash is sent.
    pub(super) fn record_all_taken(&mut self, stacks: &[Stack]) {
        self.record_taken(stacks);
        self.log.wide |= self.player.is_some();
    }

    /// Records stacks as the number of each kind, in any order, and returns that.
    fn record_taken(&mut self, stacks: &[Stack]) -> Vec<Stack> {
        if self.player.is_none() {
            return Vec::new();
        }
        let mut kinds: Vec<Stack> = stacks.iter().map(unit_stack).collect();
        kinds.sort_unstable_by_key(|stack| (stack.item, stack.wear, stack.data));
        kinds.dedup();
        let mut sums: HashMap<Stack, u32> = HashMap::default();
        for stack in stacks {
            let sum = sums.entry(unit_stack(stack)).or_default();
            *sum = sum.saturating_add(stack.count());
        }
        let counted = |kind: &Stack| kind.with_count(sums.get(kind).copied()?);
        let kinds: Vec<Stack> = kinds.iter().filter_map(counted).collect();
        self.log.mix(b"take");
        for stack in &kinds {
            let mut seen = [0; 14];
            seen[..4].copy_from_slice(&stack.item.to_bits().to_le_bytes());
            seen[4..6].copy_from_slice(&stack.wear.to_le_bytes());
            let data = stack.data.map_or(0, |data| data.0.get());
            seen[6..10].copy_from_slice(&data.to_le_bytes());
            seen[10..].copy_from_slice(&stack.count().to_le_bytes());
            self.log.mix(&seen);
        }
        kinds
    }

    /// Records that a client cannot continue from here.
    pub(super) fn end_prediction(&mut self) {
        self.log.in_part.get_or_insert(self.log.hash);
    }

    /// Returns what was recorded.
    pub(crate) fn witness(&self) -> Witness {
        self.log.witness(self.log.hash)
    }

    /// Returns what was recorded up to the point where a client cannot continue, if the transaction reached that
    /// point.
    pub(crate) fn witness_in_part(&self) -> Option<Witness> {
        Some(self.log.witness(self.log.in_part?))
    }

    /// Returns `true` if a player saw what was recorded, up to the end or to the point where a client cannot
    /// continue. Also `true` if the player predicted nothing.
    #[cfg(feature = "server")]
    pub(crate) fn is_as_seen(&self, witness: &Witness) -> bool {
        witness.hash == 0
            || witness.agrees(self.log.hash)
            || self.log.in_part.is_some_and(|in_part| witness.agrees(in_part))
    }
}
