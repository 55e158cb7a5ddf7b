//! A simulated game: its inventories, who may see them, and the oracle that computes what they contain.

use bevy::{platform::collections::HashSet, prelude::*};
use bevy_replicon::prelude::*;

use crate::{
    client::{confirmed::ConfirmedInventories, state::SyncState},
    features::{
        crafter::Crafter,
        tabs::{Tab, Tabs},
    },
    model::{
        builtin::{Hotbar, Inventory},
        container::Container,
        data::{DataPool, held::HeldStack},
        id::{DataId, InventoryId, ItemId},
        rights::Rights,
        slots::Slots,
    },
    server::{
        returns::ReturnsTo,
        views::access::{Openable, Owner, Viewers},
    },
    shared::{
        actions::RequestId, containers::ContainerRegistry, ids::InventoryIds,
        markers::ActingInventory, random::InventoryRng, stats::InventoryStats,
    },
    store::persist::Persist,
};

use super::{
    Simulation,
    canary::Canaries,
    feed,
    game::{self, Furnace, Label, OFFER_SLOTS, SWORD, Tray, Worn},
    oracle::Oracle,
    places::{CHESTS, PAGES, Place, PlaceKind},
    plain::{PlainInventory, PlainStack, Reader},
    smelting::Smelting,
    storing::Storing,
};

const PAGE_SLOTS: u16 = 20;

/// A simulated game.
pub struct Scene {
    /// The apps.
    pub sim: Simulation,
    /// Number of players. The simulation has one more client, with another version of the game.
    pub players: usize,
    /// All inventories, whether or not they currently exist.
    pub places: Vec<Place>,
    /// What they contain.
    pub oracle: Oracle,
    /// Reads the server's states.
    pub reader: Reader,
    /// Number of labels created so far.
    pub labels: u64,
    /// Number of counted actions requested so far.
    pub tallies: u32,
    /// Stacks that the game holds outside of inventories.
    pub(super) held: Vec<(HeldStack, PlainStack)>,
    /// Requests of each player without an answer so far.
    pub(super) requested: Vec<HashSet<RequestId>>,
    /// What was altered of each player.
    pub(super) altered: Vec<Altered>,
    /// Labels, and who was shown them.
    pub(super) canaries: Canaries,
    /// How fast the furnace smelts.
    pub(super) smelting: Smelting,
    /// Whether items have added up in all ticks so far.
    pub(super) conserved: bool,
    /// Statistics of apps that were replaced.
    pub(super) retired: Retired,
    /// The store, if inventories are stored.
    pub(super) storing: Option<Storing>,
    /// Differences between server and oracle.
    pub(super) disagreements: Vec<String>,
}

/// What was altered between a client and the server, so that fewer promises apply to this client.
#[derive(Clone, Copy, Default)]
pub(super) struct Altered {
    /// Requests of the client.
    pub(super) requests: bool,
    /// Messages to the client.
    pub(super) messages: bool,
    /// The client's copies, or the sequence of messages that they follow.
    pub(super) copy: bool,
}

/// Statistics of apps that were replaced.
#[derive(Default)]
pub(super) struct Retired {
    pub(super) servers: Vec<InventoryStats>,
    pub(super) clients: Vec<InventoryStats>,
}

/// Returns the statistics of an app.
pub(super) fn stats_of(app: &App) -> InventoryStats {
    *app.world().resource::<InventoryStats>()
}

/// Registers the game and what reports about it.
pub(super) fn setup(app: &mut App) {
    game::setup(app);
    feed::install(app);
}

fn setup_other_version(app: &mut App) {
    let other = r#"(items: [(key: "stone", max_stack: 99)])"#;
    let items = crate::model::catalog::Items::<()>::from_ron(other).expect("it is valid");
    crate::app::InventoryAppExt::insert_items(app, items);
    feed::install(app);
}

impl Scene {
    /// Creates the game with connected players.
    #[must_use]
    pub fn new(seed: u64, players: usize) -> Self {
        Self::with(seed, players, None)
    }

    /// Creates the game with connected players, and with a store.
    #[must_use]
    pub fn stored(seed: u64, players: usize) -> Self {
        Self::with(seed, players, Some(Storing::new()))
    }

    fn with(seed: u64, players: usize, storing: Option<Storing>) -> Self {
        let places = Place::all(players);
        let ids: Vec<InventoryId> = places.iter().map(|place| place.id).collect();
        let server = Simulation::app(|app| {
            app.insert_resource(InventoryRng::seeded(seed));
            setup(app);
            if let Some(storing) = &storing {
                storing.set_up(app, ids.clone());
            }
        });
        let mut sim = Simulation::from_apps(server, (0..players).map(|_| Simulation::app(setup)));
        sim.add_client(setup_other_version);
        sim.seed(seed);
        sim.record = true;
        let oracle = Oracle::new(sim.server.world());
        let mut scene = Self {
            sim,
            players,
            places,
            oracle,
            reader: Reader::default(),
            labels: 1 << 32,
            tallies: 0,
            held: Vec::new(),
            requested: vec![HashSet::default(); players],
            altered: vec![Altered::default(); players],
            canaries: Canaries::default(),
            smelting: Smelting::default(),
            conserved: true,
            retired: Retired::default(),
            storing,
            disagreements: Vec::new(),
        };
        scene.spawn_all();
        scene
    }

    /// Spawns all inventories on a new server.
    pub(super) fn spawn_all(&mut self) {
        for place in 0..self.places.len() {
            self.spawn(place);
        }
        // The pages exist after this.
        self.sim.server.update();
        if self.storing.is_some() {
            self.wait_for_loading();
        }
        for place in 0..self.places.len() {
            self.apply_access(place);
            self.adopt(place);
        }
    }

    /// Spawns one inventory, empty except for what it always contains.
    pub(super) fn spawn(&mut self, place: usize) {
        let Place { id, kind, .. } = self.places[place];
        let offers_to = match kind {
            PlaceKind::Offer(client) => self.entity(client),
            _ => None,
        };
        let canary = match kind {
            PlaceKind::Vault(client) => Some(self.insert_label(Self::canary(client))),
            _ => None,
        };
        let world = self.sim.server.world_mut();
        let mut entity = match kind {
            PlaceKind::Page(_) => return,
            _ => world.spawn((id, Viewers::new())),
        };
        if kind.is_stored() && self.storing.is_some() {
            entity.insert(Persist);
        }
        match kind {
            PlaceKind::Player(client) => {
                let worn = Worn(Slots::new(2));
                entity.insert((Inventory::default(), Hotbar::default(), worn, ActingInventory));
                if client % 2 == 0 {
                    entity.insert(Replicated);
                }
            }
            PlaceKind::Chest(n) => {
                entity.insert((Inventory::default(), Replicated));
                if n == CHESTS - 1 {
                    // Full, it is too large for one message.
                    entity.insert((Inventory::new(200), Openable::default()));
                }
            }
            PlaceKind::Furnace => {
                let slots = (Furnace(Slots::new(2)), Tray(Slots::new(2)));
                entity.insert((slots, Crafter::new::<Furnace, Tray>()));
            }
            PlaceKind::Bank => {
                let tab = |n| Tab::new(format!("Tab {n}"), ItemId::of("coin"), PAGE_SLOTS);
                entity.insert(Tabs::new((0..PAGES).map(tab)));
            }
            PlaceKind::Vault(_) => {
                let mut slots = Slots::new(4);
                let sword = SWORD.stack(1);
                slots.set(0, canary.map(|data| sword.with_data(data))).ok();
                entity.insert(Inventory(slots));
            }
            PlaceKind::Offer(_) => {
                entity.insert(Inventory::new(OFFER_SLOTS));
                if let Some(to) = offers_to {
                    entity.insert(ReturnsTo { to });
                }
            }
            PlaceKind::Page(_) => {}
        }
    }

    /// Forgets the requests of a player, whose client has lost its state.
    pub(super) fn forget_requests(&mut self, client: usize) {
        self.requested[client].clear();
    }

    /// Returns the label that is in the vault of a client from the start.
    #[must_use]
    pub fn canary(client: usize) -> Label {
        Label::numbered(1 + client as u64)
    }

    /// Returns the number of a label that has not been used.
    pub(super) fn next_label(&mut self) -> u64 {
        self.labels += 1;
        self.canaries.add(Label::numbered(self.labels));
        self.labels
    }

    /// Stores a label in the pool of the server.
    pub(super) fn insert_label(&mut self, label: Label) -> DataId {
        self.canaries.add(label);
        let inserted = self.sim.server.world_mut().resource_mut::<DataPool>().insert(&label);
        inserted.expect("the type is registered and the pool is not full")
    }

    /// Returns the index of a connected client.
    pub(super) fn client_of(&self, id: ClientId) -> Option<usize> {
        let is =
            |client: &usize| self.sim.is_connected(*client) && self.sim.client_id(*client) == id;
        (0..self.sim.clients.len()).find(is)
    }

    /// Returns the server's entity of an inventory, if it exists.
    #[must_use]
    pub fn entity(&self, place: usize) -> Option<Entity> {
        self.sim.server.world().resource::<InventoryIds>().get(self.places[place].id)
    }

    /// Returns the place of a server's entity.
    #[must_use]
    pub fn place_of(&self, entity: Entity) -> Option<usize> {
        let id = self.sim.server.world().get::<InventoryId>(entity)?;
        self.places.iter().position(|place| place.id == *id)
    }

    /// Returns the entities of the inventories that a client shows, by id, without the list of the bank's tabs.
    #[must_use]
    pub fn in_view(&self, client: usize) -> Vec<(InventoryId, Entity)> {
        let world = self.sim.clients[client].app.world();
        let confirmed = world.resource::<ConfirmedInventories>();
        let bank = self.places.iter().find(|place| place.kind == PlaceKind::Bank);
        let mut shown: Vec<_> = confirmed
            .iter()
            .filter_map(|held| Some((held.head.id, held.entity?)))
            .filter(|(id, _)| bank.is_none_or(|bank| bank.id != *id))
            .collect();
        shown.sort_unstable_by_key(|(id, _)| id.to_bits());
        shown
    }

    /// Returns `true` if a client is connected and synced.
    #[must_use]
    pub fn is_synced(&self, client: usize) -> bool {
        let world = self.sim.clients[client].app.world();
        self.sim.is_connected(client) && *world.resource::<SyncState>() == SyncState::Synced
    }

    /// Copies the contents of an inventory to the oracle.
    pub(super) fn adopt(&mut self, place: usize) {
        let Some(entity) = self.entity(place) else { return };
        if let Some(Ok(there)) = self.reader.entity(self.sim.server.world(), entity) {
            self.oracle.inventories.insert(entity, there);
            self.oracle.names.insert(self.places[place].id, entity);
        }
    }

    /// Reads what an inventory contains on the server.
    ///
    /// # Errors
    ///
    /// The id of instance data that does not exist.
    pub fn contents(&mut self, entity: Entity) -> Option<Result<PlainInventory, DataId>> {
        self.reader.entity(self.sim.server.world(), entity)
    }

    /// Writes owner and viewers of an inventory to the server.
    pub(super) fn apply_access(&mut self, place: usize) {
        let Some(entity) = self.entity(place) else { return };
        let Place { owner, viewers, .. } = &self.places[place];
        let id_of =
            |client: usize| self.sim.is_connected(client).then(|| self.sim.client_id(client));
        let owner = owner.and_then(id_of);
        let wanted: Vec<(ClientId, Rights)> =
            viewers.iter().filter_map(|(c, rights)| Some((id_of(*c)?, *rights))).collect();
        // Players that have opened the inventory themselves are on the same list.
        let opened = matches!(self.places[place].kind, PlaceKind::Page(_))
            || self.places[place].kind == PlaceKind::Chest(CHESTS - 1);
        let world = self.sim.server.world_mut();
        match owner {
            Some(owner) if world.get::<Owner>(entity) != Some(&Owner(owner)) => {
                world.entity_mut(entity).insert(Owner(owner));
            }
            None => drop(world.entity_mut(entity).remove::<Owner>()),
            Some(_) => {}
        }
        let Some(there) = world.get::<Viewers>(entity) else { return };
        let there: Vec<(ClientId, Rights)> = there.iter().collect();
        let Some(mut list) = world.get_mut::<Viewers>(entity) else { return };
        for (client, rights) in &wanted {
            if !there.contains(&(*client, *rights | Rights::SEE)) {
                list.add(*client, *rights);
            }
        }
        let kept = |client: &ClientId| opened || wanted.iter().any(|(other, _)| other == client);
        for (client, _) in there.into_iter().filter(|(client, _)| !kept(client)) {
            list.remove(client);
        }
    }

    /// Returns the slots of a container of a server's entity.
    pub(super) fn slots_mut(&mut self, entity: Entity, kind: u8) -> Option<Mut<'_, Slots>> {
        let world = self.sim.server.world_mut();
        let name = world.resource::<ContainerRegistry>().as_slice().get(usize::from(kind))?.name;
        fn of<C: Container>(world: &mut World, entity: Entity) -> Option<Mut<'_, Slots>> {
            world.get_mut::<C>(entity).map(|container| container.map_unchanged(C::slots_mut))
        }
        match name {
            Inventory::NAME => of::<Inventory>(world, entity),
            Hotbar::NAME => of::<Hotbar>(world, entity),
            Worn::NAME => of::<Worn>(world, entity),
            Furnace::NAME => of::<Furnace>(world, entity),
            Tray::NAME => of::<Tray>(world, entity),
            _ => None,
        }
    }
}
