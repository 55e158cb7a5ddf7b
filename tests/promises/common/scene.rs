//! A server with clients, players and chests that most tests begin with.

use super::*;

/// What [`SceneBuilder::build`] has built. Entities of what was not asked for are placeholders.
pub struct Scene {
    pub pair: Simulation,
    /// Inventories of the first clients, on the server.
    pub players: Vec<Entity>,
    /// Chests 1, 2, ..., on the server.
    pub chests: Vec<Entity>,
    /// The first of [`Self::players`].
    pub player_entity: Entity,
    /// The first of [`Self::chests`].
    pub chest_entity: Entity,
    /// Client 0's entity for its own inventory.
    pub me: Entity,
    /// Client 0's entity for the first chest.
    pub open: Entity,
}

impl Scene {
    /// A scene with this number of connected clients.
    pub fn clients(clients: usize) -> SceneBuilder {
        Self::with_setup(clients, setup)
    }

    /// A scene whose apps are set up otherwise.
    pub fn with_setup(clients: usize, setup: impl Fn(&mut App)) -> SceneBuilder {
        SceneBuilder {
            pair: Simulation::new(clients, setup),
            players: Vec::new(),
            chests: Vec::new(),
            latency_ticks: 0,
            keep_events: true,
        }
    }
}

/// Builds a [`Scene`].
pub struct SceneBuilder {
    pair: Simulation,
    players: Vec<Entity>,
    chests: Vec<Entity>,
    latency_ticks: u64,
    keep_events: bool,
}

impl SceneBuilder {
    /// Adds an inventory of 27 + 9 slots for each of the first `count` clients.
    pub fn players(mut self, count: usize) -> Self {
        self.players = (0..count).map(|client| spawn_player(&mut self.pair, client)).collect();
        self
    }

    /// Adds a chest of 27 slots that these clients see.
    pub fn chest(mut self, viewers: impl AsRef<[usize]>) -> Self {
        let n = self.chests.len() as u64 + 1;
        self.chests.push(spawn_chest(&mut self.pair, n, viewers.as_ref()));
        self
    }

    /// Puts a stack into a slot of the first player's backpack.
    pub fn carried(mut self, slot: usize, stack: Stack) -> Self {
        inventory(&mut self.pair, self.players[0]).set(slot, stack).unwrap();
        self
    }

    /// Puts a stack into a slot of the first player's hotbar.
    pub fn in_hotbar(mut self, slot: usize, stack: Stack) -> Self {
        hotbar(&mut self.pair, self.players[0]).set(slot, stack).unwrap();
        self
    }

    /// Gives the first player equipment with this number of slots.
    pub fn equipment(mut self, slots: usize) -> Self {
        let equipment = Equipment(Slots::new(slots));
        self.pair.server.world_mut().entity_mut(self.players[0]).insert(equipment);
        self
    }

    /// Puts a stack into a slot of the chest that was added last.
    pub fn stored(mut self, slot: usize, stack: Stack) -> Self {
        let chest = *self.chests.last().expect("a chest was added");
        inventory(&mut self.pair, chest).set(slot, stack).unwrap();
        self
    }

    /// The latency from then on.
    pub fn latency(mut self, ticks: u64) -> Self {
        self.latency_ticks = ticks;
        self
    }

    /// Forgets the events of the beginning.
    pub fn without_events(mut self) -> Self {
        self.keep_events = false;
        self
    }

    /// Waits until all clients show what they may see.
    pub fn build(self) -> Scene {
        let Self { mut pair, players, chests, latency_ticks, keep_events } = self;
        pair.settle(100);
        pair.network.latency_ticks = latency_ticks;
        if !keep_events {
            (0..pair.clients.len()).for_each(|client| events(&mut pair, client).clear());
        }
        let first = |all: &[Entity]| all.first().copied().unwrap_or(Entity::PLACEHOLDER);
        let seen = |id| {
            let client = pair.clients.first()?;
            client.app.world().resource::<InventoryIds>().get(id)
        };
        let (me, open) = (seen(player(0)), seen(chest(1)));
        Scene {
            player_entity: first(&players),
            chest_entity: first(&chests),
            me: me.unwrap_or(Entity::PLACEHOLDER),
            open: open.unwrap_or(Entity::PLACEHOLDER),
            pair,
            players,
            chests,
        }
    }
}

/// Steps until `holds` returns `true`, and a few ticks more, in which it must stay so.
///
/// # Panics
///
/// If it does not hold within this number of ticks, or does not stay so.
#[track_caller]
pub fn within(pair: &mut Simulation, ticks: usize, mut holds: impl FnMut(&Simulation) -> bool) {
    let held = (0..ticks).any(|_| {
        pair.step();
        holds(pair)
    });
    assert!(held, "it does not hold after {ticks} ticks");
    for tick in 1..=5 {
        pair.step();
        assert!(holds(pair), "it no longer holds {tick} ticks later");
    }
}
